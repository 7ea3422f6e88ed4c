//! The retained messages: the last one of each topic.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quota::Ledger;

use crate::admission::owner::Holder;
use crate::protocol::packet::Message;
use crate::protocol::topic;

/// The least time between two searches for expired messages: they are slow.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Retained messages, bounded in count and bytes.
#[derive(Debug)]
pub(crate) struct Retained {
    messages: BTreeMap<Arc<str>, Entry>,
    counts: Ledger<Holder>,
    bytes: Ledger<Holder>,
    /// No message expires earlier than this.
    first_expires: Option<Instant>,
    /// When expired messages were last removed.
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    /// Whose share the message counts to.
    holder: Holder,
}

/// There is no room for one more retained message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Retained {
    pub fn new(most: usize, most_bytes: usize) -> Retained {
        Retained {
            messages: BTreeMap::new(),
            counts: Ledger::new(most),
            bytes: Ledger::new(most_bytes),
            first_expires: None,
            swept: None,
        }
    }

    /// Retains a message for its topic; an empty payload removes the retained one.
    ///
    /// # Errors
    /// There is no room, or its holder has too much already, see [`quota`]. The topic keeps its old
    /// message.
    pub fn keep(&mut self, message: &Arc<Message>, holder: &Holder) -> Result<(), Full> {
        let old = self.forget(&message.topic);
        if message.payload.is_empty() {
            return Ok(());
        }
        let size = message.size();
        let fits = self.counts.allows(holder, 1) && self.bytes.allows(holder, size);
        match old {
            Some(old) if !fits => self.put(old),
            None if !fits => {}
            _ => self.put(Entry { message: message.clone(), holder: holder.clone() }),
        }
        if fits { Ok(()) } else { Err(Full) }
    }

    fn put(&mut self, kept: Entry) {
        self.counts.add(&kept.holder, 1);
        self.bytes.add(&kept.holder, kept.message.size());
        self.first_expires = self.first_expires.into_iter().chain(kept.message.expires).min();
        self.messages.insert(kept.message.topic.clone(), kept);
    }

    fn forget(&mut self, topic: &str) -> Option<Entry> {
        let kept = self.messages.remove(topic)?;
        self.counts.sub(&kept.holder, 1);
        self.bytes.sub(&kept.holder, kept.message.size());
        Some(kept)
    }

    /// Removes expired messages. This looks at all of them, so it runs at most once a second.
    pub fn drop_expired(&mut self, now: Instant) {
        if self.first_expires.is_none_or(|expires| expires > now)
            || self.swept.is_some_and(|swept| now < swept + SWEEP_EVERY)
        {
            return;
        }
        self.swept = Some(now);
        let expired = self.messages.values().filter(|kept| kept.message.is_expired(now));
        let expired: Vec<_> = expired.map(|kept| kept.message.topic.clone()).collect();
        for topic in expired {
            self.forget(&topic);
        }
        self.first_expires = self.messages.values().filter_map(|kept| kept.message.expires).min();
    }

    /// All messages that a valid filter matches, in the order of their topics.
    pub fn matching<'a>(
        &'a self,
        filter: &'a str,
        now: Instant,
    ) -> impl Iterator<Item = &'a Arc<Message>> {
        let prefix = filter.find(['+', '#']).map_or(filter, |wildcard| &filter[..wildcard]);
        // `a/#` matches `a` too, which sorts before `a/`.
        let from = prefix.strip_suffix('/').unwrap_or(prefix);
        self.messages
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .take_while(move |(topic, _)| topic.starts_with(from))
            .filter(move |(topic, _)| topic::matches(filter, topic))
            .map(|(_, kept)| &kept.message)
            .filter(move |message| !message.is_expired(now))
    }

    /// How many messages are retained.
    pub fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::packet::Qos;

    fn message(topic: &str, payload: &str) -> Arc<Message> {
        Arc::new(Message {
            topic: topic.into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            qos: Qos::AtMostOnce,
            retain: true,
            properties: Bytes::new(),
            expires: None,
            held: Default::default(),
        })
    }

    fn holder(n: u8) -> Holder {
        Holder::Address([127, 0, 0, n].into())
    }

    fn topics(retained: &Retained, filter: &str) -> Vec<String> {
        retained.matching(filter, Instant::now()).map(|m| m.topic.to_string()).collect()
    }

    #[test]
    fn filters_find_what_they_match() {
        let mut retained = Retained::new(10, 10_000);
        for topic in ["a", "a/b", "a-c", "a/b/c", "$x/y", "é/ü"] {
            retained.keep(&message(topic, "x"), &holder(1)).unwrap();
        }
        assert_eq!(topics(&retained, "a/#"), ["a", "a/b", "a/b/c"]);
        assert_eq!(topics(&retained, "a/+"), ["a/b"]);
        assert_eq!(topics(&retained, "a"), ["a"]);
        assert_eq!(topics(&retained, "+/ü"), ["é/ü"]);
        assert_eq!(topics(&retained, "$x/#"), ["$x/y"]);
        assert_eq!(topics(&retained, "#").len(), 5);
    }

    #[test]
    fn an_empty_payload_forgets() {
        let mut retained = Retained::new(1, 10_000);
        retained.keep(&message("a", "x"), &holder(1)).unwrap();
        assert_eq!(retained.keep(&message("b", "x"), &holder(1)), Err(Full));
        retained.keep(&message("a", ""), &holder(1)).unwrap();
        assert_eq!((retained.len(), retained.bytes.taken()), (0, 0));
        retained.keep(&message("b", "x"), &holder(1)).unwrap();
        assert_eq!(topics(&retained, "#"), ["b"]);
    }

    #[test]
    fn what_has_expired_makes_room() {
        let mut retained = Retained::new(2, 10_000);
        let now = Instant::now();
        for (topic, seconds) in [("a", 1), ("b", 3)] {
            let expires = Some(now + Duration::from_secs(seconds));
            let message = Message { expires, ..(*message(topic, "x")).clone() };
            retained.keep(&Arc::new(message), &holder(1)).unwrap();
        }
        retained.drop_expired(now);
        assert_eq!(retained.len(), 2);
        retained.drop_expired(now + Duration::from_secs(2));
        retained.drop_expired(now + Duration::from_millis(2900));
        assert_eq!(topics(&retained, "#"), ["b"]);
        retained.drop_expired(now + Duration::from_secs(3));
        assert_eq!((retained.len(), retained.bytes.taken(), retained.first_expires), (0, 0, None));
    }

    #[test]
    fn bytes_are_bounded_and_what_does_not_fit_leaves_what_was_kept() {
        let mut retained = Retained::new(10, 4 * (Message::OVERHEAD + 2));
        for (topic, n) in [("a", 1), ("b", 1), ("c", 2)] {
            retained.keep(&message(topic, "x"), &holder(n)).unwrap();
        }
        assert_eq!(retained.keep(&message("d", "x"), &holder(1)), Err(Full), "half of all");
        assert_eq!(retained.keep(&message("a", &"y".repeat(9999)), &holder(1)), Err(Full));
        assert_eq!(retained.keep(&message("c", &"y".repeat(9999)), &holder(1)), Err(Full));
        assert_eq!(topics(&retained, "#"), ["a", "b", "c"]);
        let kept: Vec<_> =
            retained.matching("#", Instant::now()).map(|m| m.payload.clone()).collect();
        assert_eq!(kept, ["x", "x", "x"]);
        // A message of another holder replaces the first, and counts to that holder from then on.
        retained.keep(&message("a", "z"), &holder(3)).unwrap();
        assert_eq!(retained.counts.of(&holder(1)), 1);
    }
}
