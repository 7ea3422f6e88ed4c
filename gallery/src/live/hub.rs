//! The shared state: the cameras, their newest frames, and what is wrong.
//!
//! `incoming` takes messages from the broker, `health` reports what is wrong. One lock guards the
//! state; it is held only to change the state or to copy from it.

mod counters;
mod health;
mod incoming;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use tracing::info;
use wire::page::{Camera, Notice, NoticeCode};
use wire::{Answer, CameraId, GalleryId, NodeName, Topic};

use crate::live::arrivals::{Arrivals, Echo};
use crate::live::cameras::Cameras;
use crate::live::clocks::{Captured, Clocks};
use crate::live::frames::{Frame, Frames};
use crate::now::Now;
use crate::people::People;
use crate::photos::election::Election;
use crate::photos::ingest::Ingest;
use crate::photos::store::Store;
use crate::record::away::{Away, Times};
use crate::record::journal::Journal;

/// Bad messages are logged once for each topic, for at most this many topics.
const COMPLAINTS: usize = 100;

/// The most answers about titles that wait for those who asked.
const ANSWERS: usize = 64;

/// Changes within this time are shown together, as when all retained facts arrive.
const GATHER: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    pub frames: Arc<Frames>,
    pub store: Store,
    pub ingest: Ingest,
    pub people: Arc<People>,
    pub journal: Arc<Journal>,
    away: Away,
    changed: Notify,
    /// What nodes answer about titles.
    pub answers: broadcast::Sender<(NodeName, Answer)>,
    /// Told when a node comes online, because it knows no wants.
    pub node_online: Notify,
    /// Told when this gallery must announce again that it is online.
    pub say_online: Notify,
    /// Told when others may need to know whether this gallery came before them.
    pub say_come: Notify,
    /// Told when the broker is to clear facts.
    pub say_clear: Notify,
    cameras: watch::Sender<Arc<[Camera]>>,
    notices: watch::Sender<Arc<[Notice]>>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) cameras: Cameras,
    clocks: Clocks,
    complained: HashSet<Topic>,
    /// All refused messages, also those not logged.
    refused: u64,
    pub(super) broker_lost: bool,
    /// The filters that the broker does not let this gallery read.
    denied: BTreeSet<String>,
    arrivals: Arrivals,
    echo: Echo,
    open: bool,
    /// The port of HTTPS, if there is one.
    https: Option<u16>,
    election: Election,
    /// The facts that the broker is to clear.
    pub(super) clearing: VecDeque<Topic>,
    /// Why this gallery only shows photos.
    view_only: Option<String>,
    /// Why nothing can be stored.
    trouble: Option<(NoticeCode, String)>,
    /// Why nodes take no photos.
    troubles: Vec<(NodeName, String)>,
}

impl Hub {
    /// `open`: other machines can reach the gallery; `https`: its HTTPS port.
    pub fn new(
        id: GalleryId,
        open: bool,
        https: Option<u16>,
        people: Arc<People>,
        store: Store,
        ingest: Ingest,
        journal: Arc<Journal>,
    ) -> Self {
        let state = State {
            cameras: Cameras::default(),
            clocks: Clocks::new(clock::boot().unwrap_or_default()),
            complained: HashSet::new(),
            refused: 0,
            broker_lost: false,
            denied: BTreeSet::new(),
            arrivals: Arrivals::default(),
            echo: Echo::default(),
            open,
            https,
            election: Election::new(id),
            clearing: VecDeque::new(),
            view_only: None,
            trouble: store.trouble().map(|why| health::notice(&why)),
            troubles: Vec::new(),
        };
        Hub {
            notices: watch::Sender::new(state.notices()),
            state: Mutex::new(state),
            frames: Arc::default(),
            ingest,
            store,
            people,
            journal,
            away: Away::default(),
            changed: Notify::new(),
            answers: broadcast::Sender::new(ANSWERS),
            node_online: Notify::new(),
            say_online: Notify::new(),
            say_come: Notify::new(),
            say_clear: Notify::new(),
            cameras: watch::Sender::new(Arc::default()),
        }
    }

    /// Knows from an earlier life since when nodes are away, and keeps that from now on.
    pub fn remembering(self, away: Away, since: Times) -> Self {
        self.state().cameras.remember(since, Now::read());
        Hub { away, ..self }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All cameras in the wall's order, whenever they change.
    pub fn cameras(&self) -> watch::Receiver<Arc<[Camera]>> {
        self.cameras.subscribe()
    }

    pub fn camera(&self, id: &CameraId) -> Option<Camera> {
        self.state().cameras.get(id)
    }

    /// Whether a node is online; none if it is not known.
    pub fn is_online(&self, node: &NodeName) -> Option<bool> {
        self.state().cameras.is_online(node)
    }

    pub fn notices(&self) -> watch::Receiver<Arc<[Notice]>> {
        self.notices.subscribe()
    }

    /// Shows changes and lets time pass, at least once a second. Never ends. Calls `beat` each
    /// time.
    pub async fn run(&self, beat: impl Fn()) {
        loop {
            beat();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.changed.notified()).await;
            let cameras: Arc<[Camera]> = {
                let mut state = self.state();
                let State { cameras, clocks, .. } = &mut *state;
                cameras.tick(Now::read());
                self.away.keep(cameras.away());
                clocks.keep(|node| cameras.knows(node));
                // Even if nothing on the wall changed: a camera may have gone, or its picture come
                // while it went.
                self.frames.keep(|camera| cameras.shows(camera));
                cameras.list().into()
            };
            self.cameras.send_if_modified(|old| {
                let changed = *old != cameras;
                if changed {
                    tell(old, &cameras);
                    *old = cameras;
                }
                changed
            });
            self.watch_troubles();
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// Logs each camera that came, went or changed.
fn tell(old: &[Camera], new: &[Camera]) {
    for camera in new {
        let before = old.iter().find(|c| c.camera == camera.camera);
        // Live and idle alternate as viewers come and go.
        let works = |c: &Camera| c.reason.is_none();
        match before {
            Some(before) if works(before) && works(camera) => {}
            Some(before) if before.detail == camera.detail => {}
            _ if works(camera) => info!(camera = %camera.camera, "camera is here"),
            _ => info!(camera = %camera.camera, detail = camera.detail, "camera is not live"),
        }
    }
    for camera in old {
        if !new.iter().any(|c| c.camera == camera.camera) {
            info!(camera = %camera.camera, "camera is forgotten");
        }
    }
}

impl Frame {
    /// When it was captured, in milliseconds since 1970, and whether that is known.
    pub fn captured_ms(&self, now: Now) -> (f64, bool) {
        let Captured { at, known } = self.captured;
        (now.wall as f64 / 1000.0 - now.mono.saturating_sub(at) as f64 / 1000.0, known)
    }

    /// The age in milliseconds.
    pub fn age_ms(&self, now: Now) -> u64 {
        now.mono.saturating_sub(self.captured.at) / 1000
    }
}
