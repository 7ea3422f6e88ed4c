//! A broker's limits for its clients; the configuration keys say what each means.

use std::time::Duration;

/// The limits of a broker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub subscriptions: usize,
    pub retained: usize,
    pub retained_bytes: usize,
    pub subscription_bytes: usize,
    pub topic_length: usize,
    pub topic_levels: usize,
    pub sessions: usize,
    pub session_bytes: usize,
    /// In seconds.
    pub session_expiry: u32,
    /// In seconds.
    pub keep_alive: u16,
    pub queue: usize,
    pub queue_bytes: usize,
    pub newest_bytes: usize,
    pub memory: usize,
    pub inflight: usize,
    pub stall: Duration,
}

impl Limits {
    /// Whether a topic or a topic filter is short enough.
    pub fn allow_topic(&self, topic: &str) -> bool {
        topic.len() <= self.topic_length && topic.split('/').count() <= self.topic_levels
    }
}
