//! What waits to be sent to one client.
//!
//! Three lanes: replies, messages of QoS 1 in their order, and messages of QoS 0, of which newer
//! ones replace older ones of their topic. Putting something in never waits. A lane that is full
//! ends the client (QoS 1) or loses its oldest (QoS 0); replies are bounded by not reading on from
//! a client that does not take them, see [`Outbox::replies_taken`].

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use crate::codec;
use crate::config::Limits;
use crate::counters::Counters;
use crate::packet::{Message, Qos, Reason, Reply, Version};
use crate::publish;

/// So many QoS 0 messages of a topic wait at most, so that what arrives is new. Two and not one,
/// or a fast client under load misses some.
const DEPTH: usize = 2;

/// More than [`DEPTH`] of a topic may wait when together they are smaller than this, so that
/// bursts of a few words arrive whole. Pictures are larger.
const SMALL_TOPIC: usize = 32 * 1024;

/// A client whose untaken replies are larger than this is not read from.
const REPLIES: usize = 64 * 1024;

/// What is taken at once: one large message, or small ones up to these.
const BATCH_BYTES: usize = 32 * 1024;
const BATCH_CHUNKS: usize = 64;

/// The queue of one client. Those who put in and the one who takes out share it.
pub(crate) struct Outbox {
    version: Version,
    /// The most QoS 1 messages unacknowledged.
    window: usize,
    packet_maximum: usize,
    limits: Limits,
    counters: Arc<Counters>,
    queue: Mutex<Queue>,
    filled: Notify,
    taken: Notify,
    ended: Notify,
}

/// One message on its way to one client.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub message: Arc<Message>,
    pub qos: Qos,
    /// Whether it is marked as retained, which says that it is not news.
    pub retain: bool,
}

#[derive(Default)]
struct Queue {
    replies: VecDeque<Bytes>,
    reply_bytes: usize,
    /// QoS 0: the topics with something to send, the one that waits longest first.
    waiting: VecDeque<Arc<str>>,
    newest: HashMap<Arc<str>, Topic>,
    newest_bytes: usize,
    /// QoS 1, in order.
    ordered: VecDeque<Delivery>,
    ordered_bytes: usize,
    inflight: HashSet<u16>,
    last_id: u16,
    /// Whose turn it is, when both kinds of messages wait.
    is_turn_of_newest: bool,
    end: Option<Reason>,
}

#[derive(Default)]
struct Topic {
    deliveries: VecDeque<Delivery>,
    bytes: usize,
}

impl Outbox {
    pub fn new(
        version: Version,
        receive_maximum: u16,
        packet_maximum: u32,
        limits: Limits,
        counters: Arc<Counters>,
    ) -> Outbox {
        Outbox {
            version,
            window: limits.inflight.min(usize::from(receive_maximum)),
            packet_maximum: packet_maximum as usize,
            limits,
            counters,
            queue: Mutex::default(),
            filled: Notify::new(),
            taken: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Answers the client.
    pub fn reply(&self, reply: &Reply) {
        let bytes = codec::encode(reply, self.version);
        let mut queue = self.lock();
        if queue.end.is_none() {
            queue.reply_bytes += bytes.len();
            self.counters.queued_bytes.add(bytes.len());
            queue.replies.push_back(bytes);
            self.filled.notify_one();
        }
    }

    /// Puts a message in. When there is no room the client is ended, or older news are lost.
    pub fn send(&self, delivery: Delivery) {
        if publish::packet_len(&delivery.message, self.version, delivery.qos) > self.packet_maximum
        {
            // MQTT 5, section 3.1.2.11.4: as if it had been sent.
            self.counters.dropped.add(1);
            return;
        }
        let mut queue = self.lock();
        if queue.end.is_some() {
            return;
        }
        match delivery.qos {
            Qos::AtMostOnce => self.send_newest(&mut queue, delivery),
            Qos::AtLeastOnce => self.send_ordered(&mut queue, delivery),
        }
        self.filled.notify_one();
    }

    fn send_ordered(&self, queue: &mut Queue, delivery: Delivery) {
        let size = delivery.message.size();
        // One message always fits, whatever its size.
        let is_full = !queue.ordered.is_empty()
            && (queue.ordered.len() >= self.limits.queue
                || queue.ordered_bytes + size > self.limits.queue_bytes);
        if is_full {
            self.counters.overrun.add(1);
            self.end_locked(queue, Reason::QuotaExceeded);
            return;
        }
        queue.ordered_bytes += size;
        self.counters.queued_bytes.add(size);
        queue.ordered.push_back(delivery);
    }

    fn send_newest(&self, queue: &mut Queue, delivery: Delivery) {
        let size = delivery.message.size();
        let name = delivery.message.topic.clone();
        let topic = queue.newest.entry(name.clone()).or_default();
        let mut freed = 0;
        while topic.deliveries.len() >= DEPTH && topic.bytes + size > SMALL_TOPIC {
            freed += topic.drop_oldest();
            self.counters.replaced.add(1);
        }
        if topic.deliveries.is_empty() {
            queue.waiting.push_back(name);
        }
        topic.bytes += size;
        topic.deliveries.push_back(delivery);
        queue.newest_bytes = queue.newest_bytes + size - freed;
        self.counters.queued_bytes.add(size);
        self.counters.queued_bytes.sub(freed);
        while queue.newest_bytes > self.limits.newest_bytes && queue.waiting.len() > 1 {
            self.counters.replaced.add(1);
            drop(self.take_newest(queue));
        }
    }

    /// The client acknowledged a QoS 1 message.
    pub fn acknowledged(&self, id: u16) {
        if self.lock().inflight.remove(&id) {
            self.filled.notify_one();
        }
    }

    /// Waits for something to send and moves some of it to `chunks`: whole packets.
    ///
    /// Returns nothing new when the outbox has ended.
    pub async fn take(&self, chunks: &mut VecDeque<Bytes>, heads: &mut BytesMut) {
        loop {
            let filled = self.filled.notified();
            {
                let mut queue = self.lock();
                self.fill(&mut queue, chunks, heads);
                if !chunks.is_empty() || queue.end.is_some() {
                    return;
                }
            }
            filled.await;
        }
    }

    fn fill(&self, queue: &mut Queue, chunks: &mut VecDeque<Bytes>, heads: &mut BytesMut) {
        let mut bytes = 0;
        while bytes < BATCH_BYTES && chunks.len() < BATCH_CHUNKS {
            let Some(reply) = queue.replies.pop_front() else { break };
            queue.reply_bytes -= reply.len();
            self.counters.queued_bytes.sub(reply.len());
            bytes += reply.len();
            chunks.push_back(reply);
        }
        if queue.reply_bytes <= REPLIES {
            self.taken.notify_one();
        }
        let now = Instant::now();
        while bytes < BATCH_BYTES && chunks.len() < BATCH_CHUNKS {
            let may_order = !queue.ordered.is_empty() && queue.inflight.len() < self.window;
            let may_be_newest = !queue.waiting.is_empty();
            let next = if may_order && !(may_be_newest && queue.is_turn_of_newest) {
                queue.is_turn_of_newest = true;
                self.take_ordered(queue)
            } else {
                queue.is_turn_of_newest = false;
                self.take_newest(queue)
            };
            let Some(Delivery { message, qos, retain }) = next else { break };
            if message.is_expired(now) {
                self.counters.dropped.add(1);
                continue;
            }
            let id = if qos == Qos::AtMostOnce { 0 } else { queue.next_id() };
            let head = publish::head(&message, self.version, id, retain, now, heads);
            bytes += head.len() + message.payload.len();
            self.counters.messages_out.add(1);
            chunks.push_back(head);
            if !message.payload.is_empty() {
                chunks.push_back(message.payload.clone());
            }
        }
    }

    fn take_ordered(&self, queue: &mut Queue) -> Option<Delivery> {
        let delivery = queue.ordered.pop_front()?;
        let size = delivery.message.size();
        queue.ordered_bytes -= size;
        self.counters.queued_bytes.sub(size);
        Some(delivery)
    }

    /// The oldest of the topic that waits longest; the topic goes to the back.
    fn take_newest(&self, queue: &mut Queue) -> Option<Delivery> {
        let name = queue.waiting.pop_front()?;
        let topic = queue.newest.get_mut(&name)?;
        let delivery = topic.deliveries.pop_front()?;
        let size = delivery.message.size();
        topic.bytes -= size;
        if topic.deliveries.is_empty() {
            queue.newest.remove(&name);
        } else {
            queue.waiting.push_back(name);
        }
        queue.newest_bytes -= size;
        self.counters.queued_bytes.sub(size);
        Some(delivery)
    }

    /// Waits until the client has taken most of its replies.
    pub async fn replies_taken(&self) {
        loop {
            let taken = self.taken.notified();
            if self.lock().reply_bytes <= REPLIES {
                return;
            }
            taken.await;
        }
    }

    /// Lets go of all that waits. The connection ends with this reason, if it is the first.
    pub fn end(&self, reason: Reason) {
        self.end_locked(&mut self.lock(), reason);
    }

    fn end_locked(&self, queue: &mut Queue, reason: Reason) {
        if queue.end.is_none() {
            self.counters.queued_bytes.sub(queue.bytes());
            *queue = Queue { end: Some(reason), ..Queue::default() };
            self.filled.notify_one();
            self.ended.notify_waiters();
        }
    }

    /// Waits for the end and says its reason.
    pub async fn ended(&self) -> Reason {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if let Some(reason) = self.lock().end {
                return reason;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.counters.queued_bytes.sub(self.lock().bytes());
    }
}

impl Queue {
    fn bytes(&self) -> usize {
        self.reply_bytes + self.newest_bytes + self.ordered_bytes
    }

    /// An identifier that is not in flight; there is one, because the window is smaller than all.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.inflight.insert(self.last_id) {
                return self.last_id;
            }
        }
    }
}

impl Topic {
    fn drop_oldest(&mut self) -> usize {
        let size = self.deliveries.pop_front().map_or(0, |old| old.message.size());
        self.bytes -= size;
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Section;

    fn outbox(section: Section) -> (Outbox, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let limits = section.check().unwrap().limits;
        (Outbox::new(Version::V311, u16::MAX, u32::MAX, limits, counters.clone()), counters)
    }

    fn delivery(topic: &str, payload: u8, len: usize, qos: Qos) -> Delivery {
        let message = Message {
            topic: topic.into(),
            payload: vec![payload; len].into(),
            qos,
            retain: false,
            properties: Bytes::new(),
            expires: None,
        };
        Delivery { message: Arc::new(message), qos, retain: false }
    }

    /// What would be written: of each PUBLISH the first byte of its topic and of its payload.
    async fn taken(outbox: &Outbox) -> Vec<(u8, u8)> {
        let mut taken = Vec::new();
        let mut heads = BytesMut::new();
        while outbox.lock().bytes() > 0 {
            let mut chunks = VecDeque::new();
            outbox.take(&mut chunks, &mut heads).await;
            let chunks: Vec<_> = chunks.into();
            for pair in chunks.chunks(2) {
                let topic_at = pair[0].len() - 1 - 2 * usize::from(pair[0][0] & 2 != 0);
                taken.push((pair[0][topic_at], pair[1][0]));
            }
        }
        taken
    }

    #[tokio::test]
    async fn of_large_messages_the_two_newest_of_a_topic_wait_and_topics_take_turns() {
        let (outbox, counters) = outbox(Section::default());
        for n in 1..=5 {
            for topic in ["a", "b"] {
                outbox.send(delivery(topic, n, 100_000, Qos::AtMostOnce));
            }
        }
        outbox.send(delivery("c", 1, 10, Qos::AtMostOnce));
        assert_eq!(counters.read().replaced, 6);
        let expected = [(b'a', 4), (b'b', 4), (b'c', 1), (b'a', 5), (b'b', 5)];
        assert_eq!(taken(&outbox).await, expected);
        assert_eq!(counters.read().queued_bytes, 0);
    }

    #[tokio::test]
    async fn both_qos_have_their_turn() {
        let (outbox, _) = outbox(Section::default());
        for n in 1..=3 {
            outbox.send(delivery("a", n, 100_000, Qos::AtLeastOnce));
        }
        outbox.send(delivery("b", 1, 100_000, Qos::AtMostOnce));
        outbox.send(delivery("b", 2, 100_000, Qos::AtMostOnce));
        let expected = [(b'a', 1), (b'b', 1), (b'a', 2), (b'b', 2), (b'a', 3)];
        assert_eq!(taken(&outbox).await, expected);
    }

    #[tokio::test]
    async fn a_message_larger_than_the_queue_still_fits_when_it_is_alone() {
        let (outbox, counters) = outbox(Section {
            queue_bytes: 64 << 10,
            newest_bytes: 64 << 10,
            retained_bytes: 1 << 10,
            ..Section::default()
        });
        outbox.send(delivery("a", 1, 1 << 20, Qos::AtLeastOnce));
        outbox.send(delivery("b", 2, 1 << 20, Qos::AtMostOnce));
        assert_eq!(taken(&outbox).await, [(b'a', 1), (b'b', 2)]);
        outbox.send(delivery("a", 1, 1 << 20, Qos::AtLeastOnce));
        outbox.send(delivery("a", 1, 1, Qos::AtLeastOnce));
        assert_eq!(outbox.ended().await, Reason::QuotaExceeded);
        assert_eq!((counters.read().queued_bytes, counters.read().overrun), (0, 1));
    }

    #[test]
    fn identifiers_go_around_without_those_in_flight() {
        let mut queue = Queue { last_id: u16::MAX - 1, ..Queue::default() };
        queue.inflight.extend([1, 2]);
        assert_eq!([queue.next_id(), queue.next_id()], [u16::MAX, 3]);
    }

    #[tokio::test]
    async fn the_first_reason_to_end_is_the_reason() {
        let (outbox, counters) = outbox(Section::default());
        outbox.send(delivery("a", 1, 1000, Qos::AtLeastOnce));
        outbox.end(Reason::TakenOver);
        outbox.end(Reason::Success);
        outbox.send(delivery("a", 1, 1000, Qos::AtLeastOnce));
        outbox.reply(&Reply::PingResp);
        assert_eq!(outbox.ended().await, Reason::TakenOver);
        assert_eq!(counters.read().queued_bytes, 0);
        let mut chunks = VecDeque::new();
        outbox.take(&mut chunks, &mut BytesMut::new()).await;
        assert!(chunks.is_empty());
    }
}
