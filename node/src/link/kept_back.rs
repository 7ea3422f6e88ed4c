//! What the broker withholds from this node, as far as it can tell, and what to do about it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wire::{NodeName, PacketLimits, Root};

/// How long a broker may take to return a node's own message.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// What the connections have shown.
#[derive(Debug)]
pub(crate) struct KeptBack {
    root: Root,
    name: NodeName,
    limits: Mutex<PacketLimits>,
    /// The filters that the broker does not allow.
    refused: Mutex<Vec<String>>,
    /// When it published `online` on this connection; none once that has come back.
    online: Mutex<Option<Instant>>,
}

impl KeptBack {
    /// Of a node of this name, nothing yet.
    pub fn new(root: Root, name: NodeName) -> Self {
        let (limits, refused, online) = (Mutex::default(), Mutex::default(), Mutex::default());
        KeptBack { root, name, limits, refused, online }
    }

    /// The broker's limits for packets.
    pub fn limits(&self) -> MutexGuard<'_, PacketLimits> {
        lock(&self.limits)
    }

    /// The broker refuses these filters and no others.
    pub fn refused(&self, filters: Vec<String>) {
        *lock(&self.refused) = filters;
    }

    /// The node published `online` at this time.
    pub fn published_online(&self, at: Instant) {
        *lock(&self.online) = Some(at);
    }

    /// The node's `online` has come back.
    pub fn came_back(&self) {
        *lock(&self.online) = None;
    }

    /// What the broker withholds, and what to do; `unanswered` photos in a row got no answer.
    pub fn why(&self, unanswered: u32) -> Option<String> {
        let (root, name) = (&self.root, &self.name);
        let refused = lock(&self.refused).join(", ");
        if !refused.is_empty() {
            return Some(format!("the broker does not let it read {refused}: allow its user to"));
        }
        if lock(&self.online).is_some_and(|published| published.elapsed() > BACK_WITHIN) {
            return Some(format!(
                "its own messages do not come back: the broker must let it publish and read \
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
