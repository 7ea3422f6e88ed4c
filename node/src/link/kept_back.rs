//! What the broker keeps from this node, as far as it can be noticed, in sentences that say what to do.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wire::{NodeName, PacketLimits, Root};

/// How long a broker may take to bring a node what it publishes itself.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// What was noticed on the connections.
#[derive(Debug)]
pub(crate) struct KeptBack {
    root: Root,
    name: NodeName,
    limits: Mutex<PacketLimits>,
    /// The filters that the broker does not let it read.
    refused: Mutex<Vec<String>>,
    /// When it published on this connection that it is online, until that has come back.
    online: Mutex<Option<Instant>>,
}

impl KeptBack {
    /// Of a node of this name, nothing yet.
    pub fn new(root: Root, name: NodeName) -> Self {
        let (limits, refused, online) = (Mutex::default(), Mutex::default(), Mutex::default());
        KeptBack { root, name, limits, refused, online }
    }

    /// What packets the broker takes.
    pub fn limits(&self) -> MutexGuard<'_, PacketLimits> {
        lock(&self.limits)
    }

    /// These filters, and no others, are refused.
    pub fn refused(&self, filters: Vec<String>) {
        *lock(&self.refused) = filters;
    }

    /// It was published at this time that the node is online.
    pub fn published_online(&self, at: Instant) {
        *lock(&self.online) = Some(at);
    }

    /// That has come back.
    pub fn came_back(&self) {
        *lock(&self.online) = None;
    }

    /// What the broker keeps back, and what to do; `unanswered` photos in a row had no answer.
    pub fn why(&self, unanswered: u32) -> Option<String> {
        let (root, name) = (&self.root, &self.name);
        let refused = lock(&self.refused).join(", ");
        if !refused.is_empty() {
            return Some(format!("the broker does not let it read {refused}: allow its user to"));
        }
        if lock(&self.online).is_some_and(|published| published.elapsed() > BACK_WITHIN) {
            return Some(format!(
                "what it says does not come back: the broker must let it publish and read \
                 {root}/{name}/#, and publish {root}-jpeg/{name}/#"
            ));
        }
        if let Some(why) = self.limits().held() {
            return Some(why);
        }
        (unanswered > 0).then(|| {
            format!(
                "no gallery answers its photos: the broker must let it publish \
                 {root}-jpeg/{name}/+/snapshot, the gallery read that and publish \
                 {root}/{name}/stored, and take messages of their size"
            )
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
