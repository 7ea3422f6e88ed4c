//! The retained facts of the node, kept so that they can be published again at each connect.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// All facts by topic. A fact set twice before it was published is published once.
#[derive(Debug, Default)]
pub(crate) struct Facts {
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
    /// What it says; nothing withdraws it.
    pub payload: String,
}

impl Facts {
    /// Says something on a topic; the same as before is not said again.
    pub fn set(&self, topic: String, payload: String) {
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

    /// Takes back what was said on a topic.
    pub fn withdraw(&self, topic: String) {
        self.set(topic, String::new());
    }

    /// What was said on a topic last.
    pub fn get(&self, topic: &str) -> Option<String> {
        self.lock().facts.get(topic).map(|fact| fact.payload.clone())
    }

    /// The oldest fact that is newer than `version`.
    pub fn after(&self, version: u64) -> Option<Fact> {
        let inner = self.lock();
        let newer = inner.facts.values().filter(|fact| fact.version > version);
        newer.min_by_key(|fact| fact.version).cloned()
    }

    /// Waits until one was set since the last wait.
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

    fn all(facts: &Facts, mut version: u64) -> Vec<(String, String)> {
        let next = || {
            let fact = facts.after(version)?;
            version = fact.version;
            Some((fact.topic, fact.payload))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_topic_is_told_once_with_its_newest_payload() {
        let facts = Facts::default();
        for (topic, payload) in [("info", "1"), ("a", "idle"), ("info", "2"), ("a", "idle")] {
            facts.set(topic.into(), payload.into());
        }
        assert_eq!(all(&facts, 0), [("a".into(), "idle".into()), ("info".into(), "2".into())]);
        let seen = facts.after(0).unwrap().version;
        assert_eq!(all(&facts, seen), [("info".into(), "2".into())]);
    }

    #[test]
    fn a_withdrawn_fact_is_told_as_nothing() {
        let facts = Facts::default();
        facts.set("a".into(), "idle".into());
        facts.withdraw("a".into());
        assert_eq!(all(&facts, 0), [("a".into(), String::new())]);
    }
}
