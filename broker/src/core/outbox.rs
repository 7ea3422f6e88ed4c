//! The queue of what waits to be sent to one client.
//!
//! It has three lanes: replies, messages of QoS 1 and 2 in order, and messages of QoS 0, which
//! replace older ones of their topic. Adding never waits. A full lane disconnects the client (QoS 1
//! and 2) or drops its oldest message (QoS 0). Replies are bounded because the broker stops reading
//! from a client that does not take them, see [`Outbox::replies_taken`].

pub(crate) mod newest;
pub(crate) mod ordered;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::sync::Notify;

use self::newest::{Newest, SMALL_TOPIC};
use self::ordered::{Full, Next, Ordered, Received};
use crate::core::subscriptions::shared::Readiness;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::aliases::Given;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Qos, Reason, Reply, Takes, Version};
use crate::protocol::publish::{self, Sending};
use crate::protocol::reply;

/// A client for which more messages of QoS 1 and 2 wait does not keep up; other members of its
/// shared subscriptions come first.
const MANY: usize = 8;

/// The broker does not read from a client whose waiting replies are larger than this.
const REPLIES: usize = 64 * 1024;

/// The most that is taken at once: one large message, or small ones up to these bounds.
const BATCH_BYTES: usize = 32 * 1024;
const BATCH_CHUNKS: usize = 64;

/// The queue of one client, shared by those who add to it and the one who takes from it.
#[derive(Debug)]
pub(crate) struct Outbox {
    version: Version,
    /// The most unacknowledged messages of QoS 1 and 2.
    window: usize,
    packet_maximum: usize,
    limits: Limits,
    counters: Arc<Counters>,
    queue: Mutex<Queue>,
    filled: Notify,
    taken: Notify,
    ended: Notify,
}

#[derive(Debug)]
struct Queue {
    replies: VecDeque<Bytes>,
    reply_bytes: usize,
    /// QoS 0.
    newest: Newest,
    /// QoS 1 and 2.
    ordered: Ordered,
    /// Which kind is next, if both kinds of messages wait.
    is_turn_of_newest: bool,
    aliases: Given,
    end: Option<Reason>,
}

impl Outbox {
    pub fn new(version: Version, takes: Takes, limits: Limits, counters: Arc<Counters>) -> Outbox {
        let queue = Queue {
            replies: VecDeque::new(),
            reply_bytes: 0,
            newest: Newest::new(counters.clone()),
            ordered: Ordered::new(counters.clone()),
            is_turn_of_newest: false,
            aliases: Given::new(takes.aliases),
            end: None,
        };
        Outbox {
            version,
            window: limits.inflight.min(usize::from(takes.receive_maximum)),
            packet_maximum: takes.packet_maximum as usize,
            limits,
            counters,
            queue: Mutex::new(queue),
            filled: Notify::new(),
            taken: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Begins with the messages left from an earlier connection.
    pub fn resume(&self, mut ordered: Ordered, outlives_connection: bool) {
        ordered.connected(outlives_connection);
        self.lock().ordered = ordered;
        self.filled.notify_one();
    }

    /// Answers the client.
    pub fn reply(&self, reply: &Reply) {
        let bytes = reply::encode(reply, self.version, self.packet_maximum);
        let mut queue = self.lock();
        if queue.end.is_none() {
            self.reply_locked(&mut queue, bytes);
        }
    }

    fn reply_locked(&self, queue: &mut Queue, bytes: Bytes) {
        queue.reply_bytes += bytes.len();
        self.counters.queued_bytes.add(bytes.len());
        queue.replies.push_back(bytes);
        self.filled.notify_one();
    }

    /// Adds a message. Without room, the client ends or old QoS 0 messages drop.
    ///
    /// Gives back a shared subscription's message that ended the client, for another member.
    pub fn send(&self, delivery: Delivery) -> Option<Delivery> {
        if !self.fits(&delivery) {
            // MQTT 5, section 3.1.2.11.4: treat it as sent.
            self.counters.dropped.add(1);
            return None;
        }
        let mut queue = self.lock();
        if queue.end.is_some() {
            return None;
        }
        let mut back = None;
        match delivery.qos {
            Qos::AtMostOnce => queue.newest.push(delivery, self.limits.newest_bytes),
            Qos::AtLeastOnce | Qos::ExactlyOnce => {
                if let Err(Full(delivery)) = queue.ordered.push(delivery, &self.limits) {
                    back = Some(delivery).filter(|delivery| delivery.group.is_some());
                    self.counters.overrun.add(1);
                    self.end_locked(&mut queue, Reason::QuotaExceeded);
                }
            }
        }
        self.filled.notify_one();
        back
    }

    /// The size of all messages that wait or may be sent again.
    pub fn bytes(&self) -> usize {
        let queue = self.lock();
        queue.reply_bytes + queue.newest.bytes() + queue.ordered.bytes()
    }

    pub fn version(&self) -> Version {
        self.version
    }

    fn fits(&self, delivery: &Delivery) -> bool {
        publish::packet_len(delivery, self.version) <= self.packet_maximum
    }

    /// The client acknowledged a QoS 1 message.
    pub fn acknowledged(&self, id: u16) {
        self.lock().ordered.acknowledged(id);
        self.filled.notify_one();
    }

    /// The client received a QoS 2 message, or refused it.
    pub fn received(&self, id: u16, is_refused: bool) {
        let mut queue = self.lock();
        let reason = match queue.ordered.received(id, is_refused) {
            Received::Release => Reason::Success,
            Received::Unknown => Reason::IdentifierUnknown,
            Received::Refused => {
                self.filled.notify_one();
                return;
            }
        };
        if queue.end.is_none() {
            let release = reply::encode(&Reply::PubRel { id, reason }, self.version, usize::MAX);
            self.reply_locked(&mut queue, release);
        }
    }

    /// The client completed a QoS 2 message.
    pub fn completed(&self, id: u16) {
        self.lock().ordered.completed(id);
        self.filled.notify_one();
    }

    /// Waits for something to send and moves some of it, as whole packets, to `chunks`.
    ///
    /// Adds nothing after the outbox has ended.
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
        if queue.end.is_some() {
            return;
        }
        let mut bytes = 0;
        while bytes < BATCH_BYTES && chunks.len() < BATCH_CHUNKS {
            let Some(reply) = queue.replies.pop_front() else { break };
            queue.reply_bytes -= reply.len();
            self.counters.queued_bytes.sub(reply.len());
            bytes += reply.len();
            self.counters.packets_out.add(1);
            chunks.push_back(reply);
        }
        if queue.reply_bytes <= REPLIES {
            self.taken.notify_one();
        }
        let now = Instant::now();
        while bytes < BATCH_BYTES && chunks.len() < BATCH_CHUNKS {
            let may_be_newest = !queue.newest.is_empty();
            let may_order = queue.ordered.has_next(self.window);
            let (delivery, mut sending) =
                if may_order && !(may_be_newest && queue.is_turn_of_newest) {
                    queue.is_turn_of_newest = true;
                    match queue.ordered.next(self.window, now, |delivery| self.fits(delivery)) {
                        Some(Next::Publish { id, dup, delivery }) => {
                            (delivery, Sending { id, dup, alias: None })
                        }
                        Some(Next::Release { id }) => {
                            let release = Reply::PubRel { id, reason: Reason::Success };
                            let release = reply::encode(&release, self.version, usize::MAX);
                            bytes += release.len();
                            self.counters.packets_out.add(1);
                            chunks.push_back(release);
                            continue;
                        }
                        None => continue,
                    }
                } else {
                    queue.is_turn_of_newest = false;
                    let Some(delivery) = queue.newest.pop() else { break };
                    if delivery.message.is_expired(now) {
                        self.counters.dropped.add(1);
                        continue;
                    }
                    (delivery, Sending::default())
                };
            sending.alias = queue.aliases.of(&delivery.message.topic);
            let head = publish::head(&delivery, sending, self.version, now, heads);
            bytes += head.len() + delivery.message.payload.len();
            self.counters.packets_out.add(1);
            self.counters.messages_out.add(1);
            delivery.passing.taken();
            chunks.push_back(head);
            if !delivery.message.payload.is_empty() {
                chunks.push_back(delivery.message.payload.clone());
            }
        }
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

    /// Drops all that waits. The connection ends with this reason, unless an earlier call gave one.
    pub fn end(&self, reason: Reason) {
        drop(self.leave(reason));
    }

    /// Ends as [`Outbox::end`] does. Gives the messages of QoS 1 and 2 that are left and whether
    /// they are complete, so that the session can go on.
    pub fn leave(&self, reason: Reason) -> (Ordered, bool) {
        let mut queue = self.lock();
        let ordered = Ordered::new(self.counters.clone());
        let ordered = std::mem::replace(&mut queue.ordered, ordered);
        let is_whole = queue.end.is_none();
        self.end_locked(&mut queue, reason);
        (ordered, is_whole)
    }

    /// How ready the client is for one more message of a shared subscription. If a size is given,
    /// there must be room for it.
    pub fn readiness(&self, size: Option<usize>) -> Readiness {
        let queue = self.lock();
        let fits = size.is_none_or(|size| queue.ordered.has_room(size, &self.limits));
        if queue.end.is_some() || !fits {
            Readiness::None
        } else if queue.ordered.waiting() > MANY || queue.newest.bytes() > SMALL_TOPIC {
            Readiness::Behind
        } else {
            Readiness::Here
        }
    }

    /// Leaves the lane of QoS 1 and 2 alone: other members still take messages from it.
    fn end_locked(&self, queue: &mut Queue, reason: Reason) {
        if queue.end.is_none() {
            queue.end = Some(reason);
            self.counters.queued_bytes.sub(queue.reply_bytes);
            queue.reply_bytes = 0;
            queue.replies = VecDeque::new();
            queue.newest = Newest::new(self.counters.clone());
            self.filled.notify_one();
            self.ended.notify_waiters();
        }
    }

    /// Waits for the end and gives its reason.
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
        // The other lanes count for themselves.
        self.counters.queued_bytes.sub(self.lock().reply_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Section;
    use crate::protocol::packet::Message;

    fn outbox(section: Section) -> (Outbox, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let limits = section.check().unwrap().limits;
        let takes = Takes { receive_maximum: u16::MAX, packet_maximum: u32::MAX, aliases: 0 };
        (Outbox::new(Version::V311, takes, limits, counters.clone()), counters)
    }

    fn delivery(topic: &str, payload: u8, len: usize, qos: Qos) -> Delivery {
        let message = Message {
            topic: topic.into(),
            payload: vec![payload; len].into(),
            qos,
            retain: false,
            properties: Bytes::new(),
            expires: None,
            held: Default::default(),
        };
        Delivery::new(Arc::new(message), qos)
    }

    /// What would be written: for each PUBLISH the first byte of its topic and of its payload.
    async fn taken(outbox: &Outbox) -> Vec<(u8, u8)> {
        let mut taken = Vec::new();
        let mut heads = BytesMut::new();
        while outbox.counters.read().queued_bytes > 0 {
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
        let (ordered, is_whole) = outbox.leave(Reason::Success);
        assert!(!is_whole);
        drop(ordered);
        assert_eq!((counters.read().queued_bytes, counters.read().overrun), (0, 1));
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
