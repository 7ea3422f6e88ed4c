//! Messages for the broker, in order. Pure.

use std::collections::{HashMap, VecDeque};

use wire::Topic;

/// The most waiting messages that nothing newer replaces.
const MOST: usize = 1024;

/// One action at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Out {
    /// A fact, retained, QoS 1; empty to clear it.
    Fact(Topic, String),
    /// A message, not retained, QoS 1.
    Say(Topic, String),
    /// A message, not retained, QoS 0.
    Stats(Topic, String),
    /// Subscribes to a filter, or unsubscribes from it.
    Subscribe(String),
    Unsubscribe(String),
}

/// Nothing waits while the broker cannot be reached: the next connection begins with all facts.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    is_open: bool,
    queue: VecDeque<Waiting>,
    /// The newest value of each waiting fact.
    facts: HashMap<Topic, String>,
}

#[derive(Debug)]
enum Waiting {
    Fact(Topic),
    Other(Out),
}

impl Outbox {
    pub fn open(&mut self) {
        *self = Outbox { is_open: true, ..Outbox::default() };
    }

    pub fn close(&mut self) {
        *self = Outbox::default();
    }

    /// Whether there is room for messages that may be refused.
    pub fn has_room(&self) -> bool {
        self.is_open && self.queue.len() < MOST
    }

    pub fn put(&mut self, out: Out) {
        if !self.is_open {
            return;
        }
        match out {
            Out::Fact(topic, payload) => {
                // A waiting fact keeps its place: only its newest value matters.
                if self.facts.insert(topic.clone(), payload).is_none() {
                    self.queue.push_back(Waiting::Fact(topic));
                }
            }
            Out::Stats(..) if self.queue.len() >= MOST => {}
            other => self.queue.push_back(Waiting::Other(other)),
        }
    }

    pub fn take(&mut self) -> Option<Out> {
        match self.queue.pop_front()? {
            Waiting::Fact(topic) => {
                let payload = self.facts.remove(&topic).unwrap_or_default();
                Some(Out::Fact(topic, payload))
            }
            Waiting::Other(out) => Some(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, payload: &str) -> Out {
        Out::Fact(Topic::Person(id.parse().unwrap()), payload.into())
    }

    #[test]
    fn the_newest_value_of_a_fact_is_told_in_its_turn() {
        let mut outbox = Outbox::default();
        outbox.put(fact("a", "lost with the broker"));
        outbox.open();
        outbox.put(fact("a", "1"));
        outbox.put(Out::Subscribe("x".into()));
        outbox.put(fact("b", "1"));
        outbox.put(fact("a", "2"));
        let told: Vec<Out> = std::iter::from_fn(|| outbox.take()).collect();
        assert_eq!(told, [fact("a", "2"), Out::Subscribe("x".into()), fact("b", "1")]);
        outbox.put(fact("a", "3"));
        assert_eq!(outbox.take(), Some(fact("a", "3")));
        outbox.put(fact("a", "4"));
        outbox.close();
        assert_eq!(outbox.take(), None);
    }
}
