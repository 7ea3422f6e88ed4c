//! One camera as the rest of the node sees it: it takes commands and gives figures. Its thread is
//! in `worker`, its published state in `report`.

mod report;
mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use supervision::Health;
use wire::{CameraId, CameraStats, Root, Stamp};

use crate::capture::commands::{Command, Commands};
use crate::capture::source::{Fault, Open};
use crate::outgoing::facts::Facts;
use crate::outgoing::slot::Slots;
use crate::outgoing::stats::Counters;
use crate::picture::luma::LumaTap;
use crate::spool::snaps::Snaps;
use crate::spool::spooler::{Request, Shot, Spooler};
use worker::Worker;

/// A camera thread that has not moved for so long hangs in its driver.
const HANGS: Duration = Duration::from_secs(30);

/// What a camera is, besides its frames.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Node and name.
    pub id: CameraId,
    /// What it is called without a title.
    pub name: String,
    /// Its title; empty if it has none.
    pub title: String,
    /// The first stable path of its device, or `test card`.
    pub device: String,
    /// The name of its card.
    pub model: String,
    /// JPEG quality where the node encodes.
    pub quality: u8,
    /// How often it takes a photo by itself.
    pub every: Option<Duration>,
}

/// Where a camera's facts and pictures go.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    /// The first word of all topics.
    pub root: Root,
    /// Eight hex digits of the boot id.
    pub boot: String,
    /// Retained messages.
    pub facts: Arc<Facts>,
    /// Pictures.
    pub slots: Arc<Slots>,
    /// What watches the threads.
    pub health: Health,
    /// Photos.
    pub spooler: Spooler,
}

/// A camera as the rest of the node sees it. Dropping it does not end its thread; see
/// [`Command::Stop`].
pub(crate) struct Camera {
    about: About,
    commands: Commands,
    /// Photos that wait for a frame. Others see them too, since a thread that hangs refuses none.
    snaps: Mutex<Snaps>,
    counters: Counters,
    luma: LumaTap,
}

impl Camera {
    /// Starts the thread of a camera whose device is there, or is missing for a reason.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn start(
        about: About,
        device: Result<PathBuf, Fault>,
        open: Open,
        outlet: Outlet,
    ) -> std::io::Result<(Arc<Camera>, JoinHandle<()>)> {
        let camera = Arc::new(Camera {
            about,
            commands: Commands::default(),
            snaps: Mutex::default(),
            counters: Counters::default(),
            luma: LumaTap::default(),
        });
        let (health, worked) = (outlet.health.clone(), Arc::clone(&camera));
        // The kernel cuts a thread's name after 15 bytes.
        let name = format!("camera {}", camera.about.id.camera);
        let thread = health.thread_within(name, HANGS, move |beat| {
            Worker::new(worked, device, open, outlet, beat).supervise();
        })?;
        Ok((camera, thread))
    }

    /// What the camera is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Gives its thread a command, which the thread soon carries out or refuses. After
    /// [`Command::Stop`] the thread ends within half a second, unless it hangs in its driver.
    pub fn give(&self, command: Command) {
        self.commands.give(command);
    }

    /// Asks for a photo: the first frame captured from now on.
    pub fn snap(&self, request: Request) {
        self.give(Command::Snap(request, clock::monotonic()));
    }

    /// Refuses requests that have waited too long for a frame or the driver.
    pub fn expire(&self) {
        self.snaps().expire(clock::monotonic());
        self.commands.expire(Instant::now());
    }

    /// Its figures since the last call.
    pub fn stats(&self) -> CameraStats {
        self.counters.snapshot()
    }

    /// Where a consumer registers for small grey frames.
    #[cfg_attr(not(test), expect(dead_code, reason = "no consumer is built yet"))]
    pub fn luma(&self) -> &LumaTap {
        &self.luma
    }

    /// Hands a frame to the spool for every request that it answers.
    fn spool(&self, spooler: &Spooler, at: Duration, jpeg: &Bytes, stamp: &Stamp) {
        let requests = self.snaps().extract(at);
        for request in requests {
            let (jpeg, stamp, model) = (jpeg.clone(), stamp.clone(), self.about.model.clone());
            spooler.hand(Shot { request, jpeg, stamp, model });
        }
    }

    fn snaps(&self) -> MutexGuard<'_, Snaps> {
        self.snaps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
