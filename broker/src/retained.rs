//! The retained messages: the last word on each topic.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::packet::Message;
use crate::topic;

/// Looking for what has expired takes a while, which nobody may cause again and again.
pub(crate) const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Retained messages, bounded in count and bytes.
#[derive(Debug)]
pub(crate) struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
    /// No message expires before this.
    first_expires: Option<Instant>,
    /// When those that have expired were looked for.
    swept: Option<Instant>,
}

/// There is no room for one more retained message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Retained {
    pub fn new(most: usize, most_bytes: usize) -> Retained {
        Retained {
            messages: BTreeMap::new(),
            bytes: 0,
            most,
            most_bytes,
            first_expires: None,
            swept: None,
        }
    }

    /// Keeps a message as its topic's last word; an empty payload means that there is none.
    ///
    /// # Errors
    /// The message does not fit. What was kept for its topic is forgotten, for it is old news.
    pub fn keep(&mut self, message: &Arc<Message>) -> Result<(), Full> {
        if let Some(old) = self.messages.remove(&message.topic) {
            self.bytes -= old.size();
        }
        if message.payload.is_empty() {
            return Ok(());
        }
        if self.messages.len() >= self.most || self.bytes + message.size() > self.most_bytes {
            return Err(Full);
        }
        self.bytes += message.size();
        self.first_expires = self.first_expires.into_iter().chain(message.expires).min();
        self.messages.insert(message.topic.clone(), message.clone());
        Ok(())
    }

    /// Forgets what has expired, of which all is looked through, so once in a second at most.
    pub fn drop_expired(&mut self, now: Instant) {
        if self.first_expires.is_none_or(|expires| expires > now)
            || self.swept.is_some_and(|swept| now < swept + SWEEP_EVERY)
        {
            return;
        }
        self.swept = Some(now);
        let mut freed = 0;
        self.messages.retain(|_, message| {
            let is_expired = message.is_expired(now);
            freed += if is_expired { message.size() } else { 0 };
            !is_expired
        });
        self.bytes -= freed;
        self.first_expires = self.messages.values().filter_map(|message| message.expires).min();
    }

    /// All that a valid filter matches, in the order of their topics.
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
            .filter(move |(topic, message)| {
                topic::matches(filter, topic) && !message.is_expired(now)
            })
            .map(|(_, message)| message)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::packet::Qos;

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

    fn topics(retained: &Retained, filter: &str) -> Vec<String> {
        retained.matching(filter, Instant::now()).map(|m| m.topic.to_string()).collect()
    }

    #[test]
    fn filters_find_what_they_match() {
        let mut retained = Retained::new(10, 10_000);
        for topic in ["a", "a/b", "a-c", "a/b/c", "$x/y", "é/ü"] {
            retained.keep(&message(topic, "x")).unwrap();
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
        retained.keep(&message("a", "x")).unwrap();
        assert_eq!(retained.keep(&message("b", "x")), Err(Full));
        retained.keep(&message("a", "")).unwrap();
        assert_eq!((retained.len(), retained.bytes), (0, 0));
        retained.keep(&message("b", "x")).unwrap();
        assert_eq!(topics(&retained, "#"), ["b"]);
    }

    #[test]
    fn what_has_expired_makes_room() {
        let mut retained = Retained::new(2, 10_000);
        let now = Instant::now();
        for (topic, seconds) in [("a", 1), ("b", 3)] {
            let expires = Some(now + Duration::from_secs(seconds));
            let message = Message { expires, ..(*message(topic, "x")).clone() };
            retained.keep(&Arc::new(message)).unwrap();
        }
        retained.drop_expired(now);
        assert_eq!(retained.len(), 2);
        retained.drop_expired(now + Duration::from_secs(2));
        retained.drop_expired(now + Duration::from_millis(2900));
        assert_eq!(topics(&retained, "#"), ["b"]);
        retained.drop_expired(now + Duration::from_secs(3));
        assert_eq!((retained.len(), retained.bytes, retained.first_expires), (0, 0, None));
    }

    #[test]
    fn bytes_are_bounded() {
        let mut retained = Retained::new(10, 2 * Message::OVERHEAD + 2);
        retained.keep(&message("a", "x")).unwrap();
        assert_eq!(retained.keep(&message("b", "xx")), Err(Full));
        assert_eq!(retained.keep(&message("a", &"x".repeat(9999))), Err(Full));
        assert_eq!(topics(&retained, "#"), [""; 0]);
    }
}
