//! The QoS 0 lane of one client: the newest messages of each topic. Topics take turns.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::counters::Counters;
use crate::protocol::delivery::Delivery;

/// How many messages of a topic wait at most, so that what arrives is new. With one instead of two
/// a fast client under load misses some.
const DEPTH: usize = 2;

/// More than [`DEPTH`] messages of a topic may wait while together they are smaller than this, so
/// that bursts of short messages arrive whole. Pictures are larger.
pub(crate) const SMALL_TOPIC: usize = 32 * 1024;

/// The lane. It counts its own bytes.
#[derive(Debug)]
pub(crate) struct Newest {
    /// The topics with something to send, the longest waiting first.
    waiting: VecDeque<Arc<str>>,
    topics: HashMap<Arc<str>, Topic>,
    bytes: usize,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Topic {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
}

impl Newest {
    pub fn new(counters: Arc<Counters>) -> Newest {
        Newest { waiting: VecDeque::new(), topics: HashMap::new(), bytes: 0, counters }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The size of all that waits.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a message. The oldest ones of its topic make room for it, and those of other topics if
    /// more than `most` bytes wait.
    pub fn push(&mut self, delivery: Delivery, most: usize) {
        let size = delivery.size();
        let name = delivery.message.topic.clone();
        let topic = self.topics.entry(name.clone()).or_default();
        let mut freed = 0;
        while topic.deliveries.len() >= DEPTH && topic.bytes + size > SMALL_TOPIC {
            freed += topic.drop_oldest();
            self.counters.replaced.add(1);
        }
        if topic.deliveries.is_empty() {
            self.waiting.push_back(name);
        }
        topic.bytes += size;
        topic.deliveries.push_back(delivery);
        self.bytes = self.bytes + size - freed;
        self.counters.queued_bytes.add(size);
        self.counters.queued_bytes.sub(freed);
        while self.bytes > most && self.waiting.len() > 1 {
            self.counters.replaced.add(1);
            self.pop().iter().for_each(|old| old.passing.replaced());
        }
    }

    /// The oldest message of the topic that has waited longest; the topic goes to the back.
    pub fn pop(&mut self) -> Option<Delivery> {
        let name = self.waiting.pop_front()?;
        let topic = self.topics.get_mut(&name)?;
        let delivery = topic.deliveries.pop_front()?;
        let size = delivery.size();
        topic.bytes -= size;
        if topic.deliveries.is_empty() {
            self.topics.remove(&name);
        } else {
            self.waiting.push_back(name);
        }
        self.bytes -= size;
        self.counters.queued_bytes.sub(size);
        Some(delivery)
    }
}

impl Drop for Newest {
    fn drop(&mut self) {
        self.counters.queued_bytes.sub(self.bytes);
    }
}

impl Topic {
    fn drop_oldest(&mut self) -> usize {
        let old = self.deliveries.pop_front();
        old.iter().for_each(|old| old.passing.replaced());
        let size = old.map_or(0, |old| old.size());
        self.bytes -= size;
        size
    }
}
