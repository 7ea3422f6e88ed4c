//! The one thread that changes the store.
//!
//! It takes all waiting photos, gives their blobs names, syncs each day once, and commits the rows
//! in one transaction, so a group of photos costs little more than one. Only then it answers each
//! request.
//!
//! The writer knows blobs, the index and the disk. There is never a second writer, never an answer
//! before its change is durable, and never a photo without its sidecar.

mod add;
mod change;
mod keeper;
mod retention;
mod tend;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use access::Cameras;
use supervision::Beat;
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::{error, warn};
use wire::{Photo, PhotoEvent, PhotoId};

use super::blobs::{Blobs, Key, Lock, UtcDay};
use super::disk::{Reserve, Space};
use super::error::StoreError;
use super::incoming::{Added, Prepared};
use super::index::Index;
use super::sidecar::Sidecar;
use super::thumbs::Background;
use super::{Change, visible};

pub(super) use add::known;
pub(super) use keeper::keep;
pub(super) use retention::Retention;

/// The most photos that are stored at once.
const GROUP: usize = 64;

/// A job for the thread. Changes are for somebody who sees these cameras.
#[derive(Debug)]
pub(super) enum Job {
    Add(Box<Prepared>, Reply<Added>),
    Change(PhotoId, Change, Cameras, Reply<Photo>),
    Delete(PhotoId, Cameras, Reply<()>),
    Restore(PhotoId, Cameras, Reply<Photo>),
    /// Removes photos that the limits exclude at this time. Answers whether more must be removed.
    Tend(u64, Reply<bool>),
    /// Marks the index as clean and ends.
    Close(Reply<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

#[derive(Debug)]
pub(super) struct Writer {
    pub index: Index,
    pub blobs: Arc<dyn Blobs>,
    pub events: broadcast::Sender<PhotoEvent>,
    pub thumbs: Background,
    pub retention: Retention,
    pub space: Arc<Space>,
    pub reserve: Reserve,
    /// The days that were changed, and when.
    pub busy: HashMap<UtcDay, Instant>,
    /// Held as long as the store is open.
    pub lock: Lock,
}

impl Writer {
    /// Works until it is told to close, or nobody can send jobs any more.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>, alive: &Beat) {
        while let Some(first) = jobs.blocking_recv() {
            alive.beat();
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Add(prepared, reply) => group.push((*prepared, reply)),
                    Job::Change(id, change, seen, reply) => {
                        let change = |writer: &mut Self| writer.change(&id, &change, &seen);
                        answer(reply, self.with_reserve(change));
                    }
                    Job::Delete(id, seen, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.delete(&id, &seen)));
                    }
                    Job::Restore(id, seen, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.restore(&id, &seen)));
                    }
                    Job::Tend(now, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.tend(now)));
                        self.refill();
                    }
                    Job::Close(reply) => {
                        self.add(group);
                        return self.close(reply);
                    }
                }
                next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
            }
            self.add(group);
        }
    }

    /// Does what must also work on a full disk, with the reserved room.
    fn with_reserve<T>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.blobs.is_here()?;
        let mut is_log_empty = false;
        loop {
            let done = work(self).map_err(|error| self.space.explain(0, error));
            let Err(StoreError::Full(_)) = done else { return done };
            // SQLite's log mostly has unneeded room.
            if !is_log_empty && self.index.empty_log().is_ok() {
                is_log_empty = true;
            } else if self.reserve.release() {
                is_log_empty = false;
                self.space.owe(self.reserve.missing());
            } else {
                return done;
            }
        }
    }

    fn refill(&mut self) {
        self.reserve.fill();
        self.space.owe(self.reserve.missing());
    }

    /// Notes that the blobs of a day and the index may differ from now on.
    fn touch(&mut self, day: &UtcDay) -> Result<(), StoreError> {
        if !self.busy.contains_key(day) {
            self.index.set_busy(day)?;
        }
        self.busy.insert(day.clone(), Instant::now());
        Ok(())
    }

    fn photo(&self, id: &PhotoId, seen: &Cameras) -> Result<Sidecar, StoreError> {
        visible(self.index.find(id)?, seen).map(|sidecar| *sidecar)
    }

    fn tell(&self, event: PhotoEvent) {
        // Nobody may listen.
        let _ = self.events.send(event);
    }

    fn close(self, reply: Reply<()>) {
        let Writer { index, lock, .. } = self;
        let closed = index.close();
        if let Err(error) = &closed {
            error!(%error, "could not close the index; the next start checks it");
        }
        drop(lock);
        answer(reply, closed);
    }
}

/// In milliseconds since 1970.
pub(super) fn now() -> u64 {
    crate::now::Now::read().wall_ms()
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // The asker may have gone.
    let _ = reply.send(result);
}

fn discard(blobs: &dyn Blobs, key: &Key) {
    if let Err(error) = blobs.delete(key) {
        warn!(%key, %error, "cannot be removed");
    }
}
