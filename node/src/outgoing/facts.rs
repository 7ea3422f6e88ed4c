//! The retained facts of the node, kept so that each new connection can publish them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wire::{Root, Topic};

/// All facts by topic. A fact that is set twice before its publication is published once.
#[derive(Debug)]
pub(crate) struct Facts {
    root: Root,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    version: u64,
    facts: BTreeMap<String, Fact>,
}

/// A retained message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// When it was set, counted over all facts.
    pub version: u64,
    /// The whole topic.
    pub topic: String,
    /// The payload; an empty one clears the fact.
    pub payload: String,
}

impl Facts {
    /// No facts yet; our own topics are under `root`.
    pub fn new(root: Root) -> Self {
        Facts { root, inner: Mutex::default(), changed: Notify::new() }
    }

    /// Sets a fact on a topic, ours or another program's; an unchanged fact is not published again.
    pub fn set(&self, topic: &Topic, payload: String) {
        let topic = topic.under(&self.root).to_string();
        let mut inner = self.lock();
        if inner.facts.get(&topic).is_some_and(|fact| fact.payload == payload) {
            return;
        }
        inner.version += 1;
        let version = inner.version;
        inner.facts.insert(topic.clone(), Fact { version, topic, payload });
        drop(inner);
        self.changed.notify_one();
    }

    /// Clears the fact on a topic.
    pub fn withdraw(&self, topic: &Topic) {
        self.set(topic, String::new());
    }

    /// The last payload of a topic.
    pub fn get(&self, topic: &Topic) -> Option<String> {
        self.lock().facts.get(&topic.under(&self.root).to_string()).map(|fact| fact.payload.clone())
    }

    /// The oldest fact that is newer than `version`.
    pub fn after(&self, version: u64) -> Option<Fact> {
        let inner = self.lock();
        let newer = inner.facts.values().filter(|fact| fact.version > version);
        newer.min_by_key(|fact| fact.version).cloned()
    }

    /// Waits until a fact has been set since the last wait.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::ForeignTopic;

    fn all(facts: &Facts, mut version: u64) -> Vec<(String, String)> {
        let next = || {
            let fact = facts.after(version)?;
            version = fact.version;
            Some((fact.topic, fact.payload))
        };
        std::iter::from_fn(next).collect()
    }

    fn topic(name: &str) -> Topic {
        Topic::State(format!("attic/{name}").parse().unwrap())
    }

    #[test]
    fn each_topic_is_told_once_with_its_newest_payload() {
        let facts = Facts::new(Root::default());
        for (name, payload) in [("info", "1"), ("a", "idle"), ("info", "2"), ("a", "idle")] {
            facts.set(&topic(name), payload.into());
        }
        let (a, info) = ("vitrina/attic/a/state".into(), "vitrina/attic/info/state".into());
        assert_eq!(all(&facts, 0), [(a, "idle".into()), (info, "2".into())]);
        let seen = facts.after(0).unwrap().version;
        assert_eq!(all(&facts, seen).len(), 1);
        assert_eq!(facts.get(&topic("info")).as_deref(), Some("2"));
    }

    #[test]
    fn a_withdrawn_fact_is_told_as_nothing() {
        let facts = Facts::new(Root::default());
        facts.set(&topic("a"), "idle".into());
        facts.withdraw(&topic("a"));
        assert_eq!(all(&facts, 0), [("vitrina/attic/a/state".into(), String::new())]);
    }

    #[test]
    fn a_fact_for_another_program_goes_out_under_its_own_topic() {
        let facts = Facts::new("school".parse().unwrap());
        let name = "homeassistant/camera/attic/door/config";
        let topic = Topic::Foreign(ForeignTopic::new(&facts.root, name).unwrap());
        facts.set(&topic, "{}".into());
        assert_eq!(all(&facts, 0), [(name.into(), "{}".into())]);
    }
}
