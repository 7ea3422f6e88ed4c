//! The messages of QoS 1 and 2 of one session, in their order: those that wait and those that the
//! client has not acknowledged. The lane moves with the session to the next connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::core::retained::SWEEP_EVERY;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::Qos;

/// The lane of QoS 1 and 2.
#[derive(Debug)]
pub(crate) struct Ordered {
    waiting: VecDeque<Delivery>,
    /// In the order of sending.
    inflight: VecDeque<Inflight>,
    /// How many of those in flight were sent in this connection. The others are sent first, again.
    sent: usize,
    /// The size of all held messages, which counts as queued.
    bytes: usize,
    last_id: u16,
    /// When expired messages were last removed.
    swept: Option<Instant>,
    /// Whether messages in flight are held, so that they can be sent again.
    holds: bool,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Inflight {
    id: u16,
    qos: Qos,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// PUBACK or PUBREC has not come. `None` if the sent message is not held.
    Published(Option<Delivery>),
    /// PUBREC has come and PUBCOMP has not.
    Released,
}

/// What to send next.
#[derive(Debug)]
pub(crate) enum Next {
    Publish { id: u16, dup: bool, delivery: Delivery },
    Release { id: u16 },
}

/// How to answer a PUBREC.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Release,
    Unknown,
    /// Not at all; the client refused the message.
    Refused,
}

/// There is no room for one more message; it is given back.
#[derive(Debug)]
pub(crate) struct Full(pub Delivery);

impl Ordered {
    pub fn new(counters: Arc<Counters>) -> Ordered {
        Ordered {
            waiting: VecDeque::new(),
            inflight: VecDeque::new(),
            sent: 0,
            bytes: 0,
            last_id: 0,
            swept: None,
            holds: false,
            counters,
        }
    }

    /// Begins a new connection: all messages in flight are sent again.
    pub fn connected(&mut self, outlives_connection: bool) {
        self.sent = 0;
        self.holds = outlives_connection;
    }

    /// Adds a message at the end.
    ///
    /// # Errors
    /// The message does not fit. A single message always does, whatever its size.
    pub fn push(&mut self, delivery: Delivery, limits: &Limits) -> Result<(), Full> {
        let size = delivery.size();
        if !self.has_room(size, limits) {
            return Err(Full(delivery));
        }
        self.bytes += size;
        self.counters.queued_bytes.add(size);
        self.waiting.push_back(delivery);
        Ok(())
    }

    /// Whether a message of `size` bytes fits.
    pub fn has_room(&self, size: usize, limits: &Limits) -> bool {
        self.bytes == 0
            || self.waiting.len() < limits.queue && self.bytes + size <= limits.queue_bytes
    }

    /// How many messages have not been sent.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether something can be sent while at most `window` messages are unacknowledged.
    pub fn has_next(&self, window: usize) -> bool {
        self.sent < window && (self.sent < self.inflight.len() || !self.waiting.is_empty())
    }

    /// The next packet to send, if any. Skips expired messages and those too large to send.
    pub fn next(
        &mut self,
        window: usize,
        now: Instant,
        fits: impl Fn(&Delivery) -> bool,
    ) -> Option<Next> {
        while self.sent < window {
            if let Some(Inflight { id, step, .. }) = self.inflight.get(self.sent) {
                let id = *id;
                match step {
                    Step::Published(Some(delivery)) if fits(delivery) => {
                        let delivery = delivery.clone();
                        self.sent += 1;
                        return Some(Next::Publish { id, dup: true, delivery });
                    }
                    Step::Published(_) => {
                        self.counters.dropped.add(1);
                        self.remove(self.sent);
                    }
                    Step::Released => {
                        self.sent += 1;
                        return Some(Next::Release { id });
                    }
                }
                continue;
            }
            let delivery = self.waiting.pop_front()?;
            if delivery.message.is_expired(now) || !fits(&delivery) {
                self.free(delivery.size());
                self.counters.dropped.add(1);
                continue;
            }
            let is_held = self.holds || delivery.group.is_some();
            if !is_held {
                self.free(delivery.size());
            }
            let id = self.next_id();
            let step = Step::Published(is_held.then(|| delivery.clone()));
            self.inflight.push_back(Inflight { id, qos: delivery.qos, step });
            self.sent += 1;
            return Some(Next::Publish { id, dup: false, delivery });
        }
        None
    }

    /// PUBACK.
    pub fn acknowledged(&mut self, id: u16) {
        if let Some(at) = self.find(id, |inflight| inflight.qos == Qos::AtLeastOnce) {
            self.remove(at);
        }
    }

    /// PUBREC.
    pub fn received(&mut self, id: u16, is_refused: bool) -> Received {
        let Some(at) = self.find(id, |inflight| inflight.qos == Qos::ExactlyOnce) else {
            return if is_refused { Received::Refused } else { Received::Unknown };
        };
        if is_refused {
            self.remove(at);
            return Received::Refused;
        }
        if let Some(inflight) = self.inflight.get_mut(at)
            && let Step::Published(Some(delivery)) =
                std::mem::replace(&mut inflight.step, Step::Released)
        {
            self.free(delivery.size());
        }
        Received::Release
    }

    /// PUBCOMP.
    pub fn completed(&mut self, id: u16) {
        if let Some(at) = self.find(id, |inflight| matches!(inflight.step, Step::Released)) {
            self.remove(at);
        }
    }

    /// Takes out the messages of shared subscriptions that another member may have: those not sent,
    /// and with `also_sent` those of QoS 1 that were not acknowledged. A sent message of QoS 2
    /// never goes to another member (MQTT 5, section 4.8.2).
    pub fn take_shared(&mut self, also_sent: bool) -> Vec<Delivery> {
        let mut taken = Vec::new();
        if also_sent {
            for inflight in &mut self.inflight {
                if let Step::Published(held) = &mut inflight.step
                    && inflight.qos == Qos::AtLeastOnce
                    && let Some(delivery) = held.take_if(|delivery| delivery.group.is_some())
                {
                    taken.push(delivery);
                }
            }
        }
        if self.waiting.iter().any(|delivery| delivery.group.is_some()) {
            let waiting = std::mem::take(&mut self.waiting).into_iter();
            let (shared, own): (VecDeque<_>, _) = waiting.partition(|d| d.group.is_some());
            taken.extend(shared);
            self.waiting = own;
        }
        self.free(taken.iter().map(Delivery::size).sum());
        taken
    }

    /// Removes expired messages. This looks at all of them, so it runs at most once a second.
    pub fn drop_expired(&mut self, now: Instant) {
        if self.swept.is_some_and(|swept| now < swept + SWEEP_EVERY) {
            return;
        }
        self.swept = Some(now);
        let mut freed = 0;
        let before = self.waiting.len();
        self.waiting.retain(|delivery| {
            let is_expired = delivery.message.is_expired(now);
            freed += if is_expired { delivery.size() } else { 0 };
            !is_expired
        });
        self.counters.dropped.add(before - self.waiting.len());
        self.free(freed);
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn find(&self, id: u16, is_it: impl Fn(&Inflight) -> bool) -> Option<usize> {
        self.inflight.iter().position(|inflight| inflight.id == id && is_it(inflight))
    }

    fn remove(&mut self, at: usize) {
        if let Some(Inflight { step: Step::Published(Some(delivery)), .. }) =
            self.inflight.remove(at)
        {
            self.free(delivery.size());
        }
        if at < self.sent {
            self.sent -= 1;
        }
    }

    fn free(&mut self, size: usize) {
        self.bytes -= size;
        self.counters.queued_bytes.sub(size);
    }

    /// An identifier that is not in flight. One exists: the window is smaller than their number.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if self.find(self.last_id, |_| true).is_none() {
                return self.last_id;
            }
        }
    }
}

impl Drop for Ordered {
    fn drop(&mut self) {
        self.counters.queued_bytes.sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::config::Section;
    use crate::protocol::packet::Message;

    fn lane() -> Ordered {
        let mut ordered = Ordered::new(Arc::new(Counters::default()));
        ordered.connected(true);
        ordered
    }

    fn push(ordered: &mut Ordered, payload: u8, qos: Qos, group: bool) {
        let message = Message {
            topic: "a".into(),
            payload: Bytes::copy_from_slice(&[payload]),
            qos,
            retain: false,
            properties: Bytes::new(),
            expires: None,
            held: Default::default(),
        };
        let mut delivery = Delivery::new(Arc::new(message), qos);
        delivery.group = group.then(|| "$share/g/a".into());
        ordered.push(delivery, &Section::default().check().unwrap().limits).unwrap();
    }

    /// What is sent: the identifier, and the payload plus 100 if it is sent again, or 0.
    fn sent(ordered: &mut Ordered, window: usize) -> Vec<(u16, u8)> {
        let next = |ordered: &mut Ordered| ordered.next(window, Instant::now(), |_| true);
        std::iter::from_fn(|| {
            Some(match next(ordered)? {
                Next::Release { id } => (id, 0),
                Next::Publish { id, dup, delivery } => {
                    (id, delivery.message.payload[0] + 100 * u8::from(dup))
                }
            })
        })
        .collect()
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_in_order_before_what_waits() {
        let mut ordered = lane();
        for n in 1..=6 {
            push(
                &mut ordered,
                n,
                if n % 2 == 0 { Qos::ExactlyOnce } else { Qos::AtLeastOnce },
                false,
            );
        }
        assert_eq!(sent(&mut ordered, 4), [(1, 1), (2, 2), (3, 3), (4, 4)]);
        ordered.acknowledged(1);
        ordered.acknowledged(2); // of QoS 2, so PUBACK has no effect
        assert_eq!(ordered.received(2, false), Received::Release);
        assert_eq!(ordered.received(2, false), Received::Release, "again");
        assert_eq!(ordered.received(3, false), Received::Unknown, "of QoS 1");
        assert_eq!(sent(&mut ordered, 4), [(5, 5)]);
        ordered.connected(true);
        assert_eq!(sent(&mut ordered, 2), [(2, 0), (3, 103)]);
        ordered.completed(2);
        ordered.completed(4); // PUBREC has not come for it
        ordered.acknowledged(3);
        assert_eq!(sent(&mut ordered, 2), [(4, 104), (5, 105)]);
        assert_eq!(ordered.received(4, true), Received::Refused);
        ordered.acknowledged(5);
        assert_eq!(sent(&mut ordered, 2), [(6, 6)]);
        ordered.received(6, false);
        ordered.completed(6);
        assert_eq!((ordered.bytes(), ordered.inflight.len()), (0, 0));
    }

    #[test]
    fn an_acknowledgement_of_what_was_not_sent_again_yet_counts() {
        let mut ordered = lane();
        push(&mut ordered, 1, Qos::AtLeastOnce, false);
        push(&mut ordered, 2, Qos::AtLeastOnce, false);
        sent(&mut ordered, 9);
        ordered.connected(true);
        ordered.acknowledged(1);
        assert_eq!(sent(&mut ordered, 9), [(2, 102)]);
    }

    #[test]
    fn others_may_have_what_was_not_sent_and_of_qos_1_what_was_not_acknowledged() {
        let mut ordered = lane();
        for (n, qos, group) in [
            (1, Qos::AtLeastOnce, true),
            (2, Qos::ExactlyOnce, true),
            (3, Qos::AtLeastOnce, false),
            (4, Qos::ExactlyOnce, true),
            (5, Qos::AtLeastOnce, false),
        ] {
            push(&mut ordered, n, qos, group);
        }
        sent(&mut ordered, 3);
        let taken = ordered.take_shared(true);
        let taken: Vec<_> = taken.iter().map(|d| d.message.payload[0]).collect();
        assert_eq!(taken, [1, 4]);
        let counters = ordered.counters.clone();
        assert_eq!(counters.read().queued_bytes as usize, ordered.bytes());
        drop(ordered);
        assert_eq!(counters.read().queued_bytes, 0);
    }

    #[test]
    fn identifiers_go_around_without_those_in_flight() {
        let mut ordered = lane();
        for id in [1, 2] {
            let step = Step::Released;
            ordered.inflight.push_back(Inflight { id, qos: Qos::ExactlyOnce, step });
        }
        ordered.last_id = u16::MAX - 1;
        assert_eq!([ordered.next_id(), ordered.next_id()], [u16::MAX, 3]);
    }
}
