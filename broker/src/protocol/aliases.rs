//! Topic aliases (MQTT 5, section 3.3.2.3.4): numbers that stand for topics, for as long as a
//! connection lasts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::protocol::packet::{Reason, Refusal};

/// The highest alias that a client may set.
pub(crate) const TAKEN: u16 = 64;

/// The most aliases set for a client, if it takes them.
const GIVEN: u16 = 64;

/// The aliases that a client set.
#[derive(Debug, Default)]
pub(crate) struct Taken(HashMap<u16, Arc<str>>);

impl Taken {
    /// The topic of a message: its own, for which the alias stands from now on, or the alias's.
    ///
    /// # Errors
    /// The alias is too high, or stands for no topic.
    pub fn resolve(&mut self, topic: Arc<str>, alias: Option<u16>) -> Result<Arc<str>, Refusal> {
        let invalid = |why| Refusal::new(Reason::TopicAliasInvalid, why);
        let Some(alias) = alias else { return Ok(topic) };
        if alias > TAKEN {
            return Err(invalid("a topic alias over the maximum"));
        }
        if topic.is_empty() {
            // MQTT 5, section 3.3.4.
            let why = "a topic alias that stands for nothing";
            self.0.get(&alias).cloned().ok_or(Refusal::new(Reason::ProtocolError, why))
        } else {
            self.0.insert(alias, topic.clone());
            Ok(topic)
        }
    }
}

/// The aliases set for a client. The first topics get one; later ones get none.
#[derive(Debug)]
pub(crate) struct Given {
    numbers: HashMap<Arc<str>, u16>,
    most: u16,
}

/// The alias of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alias {
    pub number: u16,
    /// Whether the client knows it, so that the topic is left out.
    pub is_known: bool,
}

impl Given {
    pub fn new(client_takes: u16) -> Given {
        Given { numbers: HashMap::new(), most: client_takes.min(GIVEN) }
    }

    /// The alias for a topic whose message is written next. A topic no longer than its alias gets
    /// none.
    pub fn of(&mut self, topic: &Arc<str>) -> Option<Alias> {
        if self.most == 0 {
            return None;
        }
        if let Some(number) = self.numbers.get(topic) {
            return Some(Alias { number: *number, is_known: true });
        }
        let number = u16::try_from(self.numbers.len() + 1).ok()?;
        if number > self.most || topic.len() <= 3 {
            return None;
        }
        self.numbers.insert(topic.clone(), number);
        Some(Alias { number, is_known: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_stands_for_the_last_topic_that_came_with_it() {
        let mut taken = Taken::default();
        let mut resolve = |topic: &str, alias| {
            taken.resolve(topic.into(), alias).map(|t| t.to_string()).map_err(|r| r.reason)
        };
        assert_eq!(resolve("a", None), Ok("a".into()));
        assert_eq!(resolve("", Some(1)), Err(Reason::ProtocolError));
        assert_eq!(resolve("a", Some(1)), Ok("a".into()));
        assert_eq!(resolve("", Some(1)), Ok("a".into()));
        assert_eq!(resolve("b", Some(1)), Ok("b".into()));
        assert_eq!(resolve("", Some(1)), Ok("b".into()));
        assert_eq!(resolve("c", Some(TAKEN)), Ok("c".into()));
        assert_eq!(resolve("c", Some(TAKEN + 1)), Err(Reason::TopicAliasInvalid));
    }

    #[test]
    fn the_first_topics_get_aliases() {
        let mut given = Given::new(1);
        let alias = |is_known| Some(Alias { number: 1, is_known });
        assert_eq!(given.of(&"a/b".into()), None, "too short");
        assert_eq!(given.of(&"long".into()), alias(false));
        assert_eq!(given.of(&"later".into()), None);
        assert_eq!(given.of(&"long".into()), alias(true));
        assert_eq!(Given::new(0).of(&"long".into()), None);
    }
}
