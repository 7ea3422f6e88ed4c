//! The queue of one client. Pure, without a socket or a clock.

use std::collections::{HashSet, VecDeque};

use traffic::{Queued, Waiting};
use websocket::Kind;

use super::message::Message;

/// A newer binary message of the same sender may replace one of at least this size.
const LARGE: usize = 64 * 1024;

/// The most bytes that wait for a client.
pub(crate) const QUEUE: usize = 16 * 1024 * 1024;

/// The bytes of a message besides its content, so that empty ones are bounded too.
const EACH: usize = 128;

/// The sender of a message.
pub(crate) type ClientId = u64;

/// The messages that a client has not taken yet, in each sender's order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<(ClientId, Message)>,
    bytes: usize,
    replaced: u64,
    /// Somebody wants to see what happens when nothing is replaced.
    keeps_all: bool,
}

/// More than [`QUEUE`] waits for the client; it must be closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    /// Adds a message. A large binary one replaces the waiting one of the same sender.
    ///
    /// # Errors
    /// [`Full`] if there is no room; the message is not added.
    pub fn put(&mut self, from: ClientId, message: Message) -> Result<(), Full> {
        let old = (is_large(&message) && !self.keeps_all)
            .then(|| self.queue.iter().rposition(|(f, m)| *f == from && is_large(m)))
            .flatten();
        let freed = old.and_then(|at| self.queue.get(at)).map_or(0, |(_, old)| cost(old));
        let bytes = self.bytes - freed + cost(&message);
        if bytes > QUEUE {
            return Err(Full);
        }
        self.bytes = bytes;
        if let Some(at) = old {
            self.count_replaced(at);
            // It must stay behind its sender's later messages. Only then it goes to the end;
            // otherwise it would never be sent while others talk.
            let said_since = self.queue.iter().skip(at + 1).any(|(sender, _)| *sender == from);
            match self.queue.get_mut(at) {
                Some((_, place)) if !said_since => {
                    *place = message;
                    return Ok(());
                }
                _ => drop(self.queue.remove(at)),
            }
        }
        self.queue.push_back((from, message));
        Ok(())
    }

    /// Adds a message in place of what the same sender sent before, whatever that was. Where there
    /// is no room, it takes that of the oldest of the others.
    pub fn put_newest(&mut self, from: ClientId, message: Message) {
        self.bytes += cost(&message);
        match self.queue.iter_mut().find(|(sender, _)| *sender == from) {
            // It keeps its place, so that each sender has its turn.
            Some((_, place)) => {
                self.bytes -= cost(place);
                place.passing.replaced();
                *place = message;
                self.replaced += 1;
            }
            None => self.queue.push_back((from, message)),
        }
        while self.bytes > QUEUE {
            let Some(at) = self.queue.iter().position(|(sender, _)| *sender != from) else { break };
            self.count_replaced(at);
            let old = self.queue.remove(at);
            self.bytes -= old.map_or(0, |(_, old)| cost(&old));
        }
    }

    /// Keeps also what newer messages would replace, or no longer; then that is dropped at once.
    pub fn keep_all(&mut self, keeps_all: bool) {
        if std::mem::replace(&mut self.keeps_all, keeps_all) == keeps_all || keeps_all {
            return;
        }
        let newest = self.newest();
        for at in (0..self.queue.len()).rev().filter(|at| !newest.contains(at)) {
            self.count_replaced(at);
            if let Some((_, old)) = self.queue.remove(at) {
                self.bytes -= cost(&old);
            }
        }
    }

    /// What waits, and what would if nothing had to be kept.
    pub fn queued(&self) -> Queued {
        let newest = self.newest();
        let mut queued = Queued { all: Waiting::default(), newest: Waiting::default() };
        for (at, (_, message)) in self.queue.iter().enumerate() {
            let (bytes, came) = (message.payload.len(), message.passing.since());
            queued.all.add(bytes, came);
            if newest.contains(&at) {
                queued.newest.add(bytes, came);
            }
        }
        queued
    }

    /// The places of what no newer message could replace.
    fn newest(&self) -> HashSet<usize> {
        let mut seen = HashSet::new();
        let places = self.queue.iter().enumerate().rev();
        let stays = places.filter(|(_, (from, m))| !is_large(m) || seen.insert(*from));
        stays.map(|(at, _)| at).collect()
    }

    fn count_replaced(&mut self, at: usize) {
        self.replaced += 1;
        if let Some((_, old)) = self.queue.get(at) {
            old.passing.replaced();
        }
    }

    /// The message that is to be sent next.
    pub fn take(&mut self) -> Option<Message> {
        let (_, message) = self.queue.pop_front()?;
        self.bytes -= cost(&message);
        Some(message)
    }

    /// Drops all messages.
    pub fn clear(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
    }

    /// The bytes of all messages.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many messages were replaced.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }
}

fn is_large(message: &Message) -> bool {
    message.kind == Kind::Binary && message.payload.len() >= LARGE
}

fn cost(message: &Message) -> usize {
    message.payload.len() + EACH
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::limits::shares::{Share, Shares, Who};

    fn memory() -> Share {
        Shares::new("bytes", 0).none(Who::Gallery)
    }

    fn message(kind: Kind, len: usize, mark: u32) -> Message {
        let mut payload = vec![0; len.max(4)];
        payload[..4].copy_from_slice(&mark.to_be_bytes());
        Message::new(kind, Bytes::from(payload), memory())
    }

    fn marks(outbox: &mut Outbox) -> Vec<u32> {
        let mark = |m: Message| u32::from_be_bytes(m.payload[..4].try_into().unwrap());
        std::iter::from_fn(|| outbox.take().map(mark)).collect()
    }

    #[test]
    fn a_newer_picture_takes_the_place_of_an_older_one() {
        let mut outbox = Outbox::default();
        for (from, mark) in [(1, 10), (2, 20), (1, 11), (1, 12), (2, 21)] {
            outbox.put(from, message(Kind::Binary, LARGE, mark)).unwrap();
        }
        assert_eq!(outbox.replaced(), 3);
        assert_eq!(marks(&mut outbox), [12, 21]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn it_stays_behind_what_its_sender_said_before_it() {
        let mut outbox = Outbox::default();
        outbox.put(1, message(Kind::Binary, LARGE, 10)).unwrap();
        outbox.put(1, message(Kind::Text, 4, 11)).unwrap();
        outbox.put(1, message(Kind::Binary, LARGE, 12)).unwrap();
        assert_eq!(marks(&mut outbox), [11, 12]);
    }

    #[test]
    fn text_and_what_is_small_is_never_replaced() {
        let mut outbox = Outbox::default();
        for mark in 0..10 {
            outbox.put(1, message(Kind::Text, 1_000_000, mark)).unwrap();
            outbox.put(1, message(Kind::Binary, LARGE - 1, 100 + mark)).unwrap();
        }
        assert_eq!(outbox.replaced(), 0);
        assert_eq!(marks(&mut outbox).len(), 20);
    }

    #[test]
    fn of_each_sender_the_newest_waits_whatever_it_is_and_keeps_its_turn() {
        let mut outbox = Outbox::default();
        for (from, kind, mark) in [
            (1, Kind::Text, 10),
            (2, Kind::Binary, 20),
            (1, Kind::Binary, 11),
            (2, Kind::Text, 21),
            (1, Kind::Text, 12),
        ] {
            outbox.put_newest(from, message(kind, 1000, mark));
        }
        assert_eq!((outbox.replaced(), outbox.bytes()), (3, 2 * (1000 + EACH)));
        assert_eq!(marks(&mut outbox), [12, 21]);
        assert_eq!(outbox.bytes(), 0);
        // More senders than there is room for: the oldest go.
        for sender in 0..30 {
            outbox.put_newest(u64::from(sender), message(Kind::Text, 1_000_000, sender));
            assert!(outbox.bytes() <= QUEUE);
        }
        assert_eq!(marks(&mut outbox), (14..30).collect::<Vec<_>>());
    }

    #[test]
    fn everything_is_kept_only_while_somebody_wants_to_see_that() {
        let mut outbox = Outbox::default();
        outbox.keep_all(true);
        for mark in 0..5 {
            outbox.put(1, message(Kind::Binary, LARGE, mark)).unwrap();
            outbox.put(2, message(Kind::Binary, LARGE, 10 + mark)).unwrap();
        }
        outbox.put(1, message(Kind::Text, 4, 99)).unwrap();
        let Queued { all, newest } = outbox.queued();
        assert_eq!((all.messages, all.bytes, newest.messages), (11, 10 * LARGE + 4, 3));
        outbox.keep_all(false);
        let left = outbox.queued().all;
        assert_eq!((outbox.replaced(), left.messages, left.bytes), (8, 3, newest.bytes));
        assert_eq!(marks(&mut outbox), [4, 14, 99]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn more_than_the_bound_is_refused_also_of_empty_messages() {
        let mut outbox = Outbox::default();
        let half = message(Kind::Text, QUEUE / 2 - EACH, 0);
        assert_eq!(outbox.put(1, half.clone()), Ok(()));
        assert_eq!(outbox.put(2, half), Ok(()));
        assert_eq!(outbox.bytes(), QUEUE);
        let empty = Message::new(Kind::Text, Bytes::new(), memory());
        assert_eq!(outbox.put(3, empty.clone()), Err(Full));
        outbox.clear();
        let fit = (0..).take_while(|_| outbox.put(1, empty.clone()).is_ok()).count();
        assert_eq!(fit, QUEUE / EACH);
    }

    proptest! {
        /// Checked against the rules: nothing is invented, each sender's order holds, and each
        /// missing message was large, binary, and followed by another such one of its sender.
        #[test]
        fn only_pictures_vanish_and_only_for_newer_ones(
            steps in prop::collection::vec((0..4_u64, 0..5_usize, any::<bool>()), 1..120),
        ) {
            let mut outbox = Outbox::default();
            let (mut sent, mut got) = (Vec::new(), Vec::new());
            for (n, (from, shape, takes)) in steps.into_iter().enumerate() {
                let mark = u32::try_from(n).unwrap();
                let (kind, len) = [
                    (Kind::Text, 10),
                    (Kind::Text, 100_000),
                    (Kind::Binary, LARGE - 1),
                    (Kind::Binary, LARGE),
                    (Kind::Binary, 3_000_000),
                ][shape];
                let message = message(kind, len, mark);
                let large = is_large(&message);
                if outbox.put(from, message).is_ok() {
                    sent.push((from, mark, large));
                }
                prop_assert!(outbox.bytes() <= QUEUE);
                if takes && let Some(message) = outbox.take() {
                    got.push(u32::from_be_bytes(message.payload[..4].try_into().unwrap()));
                }
            }
            got.extend(marks(&mut outbox));
            prop_assert_eq!(outbox.bytes(), 0);
            for sender in 0..4 {
                let of = |&&(from, _, _): &&(u64, u32, bool)| from == sender;
                let mine: Vec<_> = sent.iter().filter(of).collect();
                let arrived: Vec<u32> = got
                    .iter()
                    .copied()
                    .filter(|mark| mine.iter().any(|(_, m, _)| m == mark))
                    .collect();
                prop_assert!(arrived.is_sorted());
                for (at, (_, mark, large)) in mine.iter().enumerate() {
                    let newer = mine[at + 1..].iter().any(|(_, _, large)| *large);
                    prop_assert!(arrived.contains(mark) || *large && newer);
                }
            }
        }
    }
}
