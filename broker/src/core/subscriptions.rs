//! The subscriptions: a trie of topic filters, one node for each level of a filter.

pub(crate) mod shared;

use std::collections::HashMap;
use std::str::Split;

/// The subscriptions of all clients. `T` is the data of one subscription.
#[derive(Debug)]
pub(crate) struct Subscriptions<T> {
    root: Node<T>,
    /// How many nodes are a `+` or behind one. All others are visited only for topics that begin
    /// like them, so this number bounds the work of one match.
    wild: usize,
}

/// The id of a client's session, for as long as the session lives.
pub(crate) type SessionId = u64;

/// The owner of a filter: a session, or a group of a shared subscription. Their ids never coincide.
pub(crate) type SubscriberId = u64;

#[derive(Debug)]
struct Node<T> {
    children: HashMap<Box<str>, Node<T>>,
    /// The filters that continue with a `+` here.
    any: Option<Box<Node<T>>>,
    /// The filters that end here.
    here: Vec<(SubscriberId, T)>,
    /// The filters that end with a `#` here, which also match this level itself.
    below: Vec<(SubscriberId, T)>,
}

impl<T> Subscriptions<T> {
    pub fn new() -> Subscriptions<T> {
        Subscriptions { root: Node::new(), wild: 0 }
    }

    /// Adds a valid filter, or replaces it. Returns whether it is new.
    pub fn insert(&mut self, filter: &str, subscriber: SubscriberId, subscription: T) -> bool {
        let mut node = &mut self.root;
        let mut is_wild = false;
        for level in filter.split('/') {
            node = match level {
                "#" => return put(&mut node.below, subscriber, subscription),
                "+" => {
                    is_wild = true;
                    self.wild += usize::from(node.any.is_none());
                    node.any.get_or_insert_with(|| Box::new(Node::new()))
                }
                _ => {
                    if !node.children.contains_key(level) {
                        self.wild += usize::from(is_wild);
                        node.children.insert(level.into(), Node::new());
                    }
                    node.children.get_mut(level).expect("it was put in above")
                }
            };
        }
        put(&mut node.here, subscriber, subscription)
    }

    /// Removes a filter, without leaving empty nodes. Returns whether it was there.
    pub fn remove(&mut self, filter: &str, subscriber: SubscriberId) -> bool {
        self.root.remove(filter.split('/'), subscriber, false, &mut self.wild)
    }

    /// How many nodes one match may have to visit, besides those that begin as its topic does.
    pub fn wild(&self) -> usize {
        self.wild
    }

    /// How many of those nodes a filter would add.
    pub fn new_wild(&self, filter: &str) -> usize {
        let mut node = Some(&self.root);
        let mut is_wild = false;
        let mut new = 0;
        for level in filter.split('/') {
            node = match level {
                "#" => break,
                "+" => {
                    is_wild = true;
                    node.and_then(|node| node.any.as_deref())
                }
                _ => node.and_then(|node| node.children.get(level)),
            };
            new += usize::from(is_wild && node.is_none());
        }
        new
    }

    /// Calls `found` for each matching subscription; a subscriber may have several.
    pub fn for_each_match(&self, topic: &str, mut found: impl FnMut(SubscriberId, &T)) {
        let is_special = topic.starts_with('$');
        self.root.visit(topic.split('/'), !is_special, &mut found);
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.root.is_empty()
    }
}

impl<T> Node<T> {
    fn new() -> Node<T> {
        Node { children: HashMap::new(), any: None, here: Vec::new(), below: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.children.is_empty()
            && self.any.is_none()
            && self.here.is_empty()
            && self.below.is_empty()
    }

    /// [`crate::protocol::topic::LEVELS`] bounds the recursion depth of this and of `visit`.
    fn remove(
        &mut self,
        mut levels: Split<'_, char>,
        subscriber: SubscriberId,
        is_wild: bool,
        wild: &mut usize,
    ) -> bool {
        match levels.next() {
            None => drop_from(&mut self.here, subscriber),
            Some("#") => drop_from(&mut self.below, subscriber),
            Some("+") => {
                let Some(node) = &mut self.any else { return false };
                let was_there = node.remove(levels, subscriber, true, wild);
                if node.is_empty() {
                    self.any = None;
                    *wild -= 1;
                }
                was_there
            }
            Some(level) => {
                let Some(node) = self.children.get_mut(level) else { return false };
                let was_there = node.remove(levels, subscriber, is_wild, wild);
                if node.is_empty() {
                    self.children.remove(level);
                    *wild -= usize::from(is_wild);
                }
                was_there
            }
        }
    }

    fn visit(
        &self,
        mut levels: Split<'_, char>,
        wildcards: bool,
        found: &mut impl FnMut(SubscriberId, &T),
    ) {
        if wildcards {
            self.below.iter().for_each(|(id, subscription)| found(*id, subscription));
        }
        let Some(level) = levels.next() else {
            self.here.iter().for_each(|(id, subscription)| found(*id, subscription));
            return;
        };
        if let Some(node) = self.children.get(level) {
            node.visit(levels.clone(), true, found);
        }
        if let Some(node) = self.any.as_ref().filter(|_| wildcards) {
            node.visit(levels, true, found);
        }
    }
}

fn put<T>(list: &mut Vec<(SubscriberId, T)>, subscriber: SubscriberId, subscription: T) -> bool {
    match list.iter_mut().find(|(id, _)| *id == subscriber) {
        Some((_, old)) => {
            *old = subscription;
            false
        }
        None => {
            list.push((subscriber, subscription));
            true
        }
    }
}

fn drop_from<T>(list: &mut Vec<(SubscriberId, T)>, subscriber: SubscriberId) -> bool {
    let before = list.len();
    list.retain(|(id, _)| *id != subscriber);
    list.len() < before
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::topic;

    fn matching(trie: &Subscriptions<u32>, topic: &str) -> Vec<(SessionId, u32)> {
        let mut found = Vec::new();
        trie.for_each_match(topic, |session, n| found.push((session, *n)));
        found.sort_unstable();
        found
    }

    #[test]
    fn a_filter_put_in_again_replaces_itself() {
        let mut trie = Subscriptions::new();
        assert!(trie.insert("a/+/#", 1, 1));
        assert!(!trie.insert("a/+/#", 1, 2));
        assert_eq!(matching(&trie, "a/b"), [(1, 2)]);
        assert!(trie.remove("a/+/#", 1));
        assert!(!trie.remove("a/+/#", 1));
        assert!(trie.is_empty());
    }

    proptest! {
        #[test]
        fn the_trie_matches_what_the_naive_matcher_does(
            changes in prop::collection::vec(("[$a+é#/]{1,6}", 0_u64..3, any::<bool>()), 0..40),
            topics in prop::collection::vec("[$aé/]{1,6}", 1..10),
        ) {
            let mut trie = Subscriptions::new();
            let mut naive = BTreeMap::new();
            for (n, (filter, session, put_in)) in changes.into_iter().enumerate() {
                if !topic::is_filter(&filter) {
                    continue;
                }
                let key = (session, filter.clone());
                let n = u32::try_from(n).unwrap();
                if put_in {
                    let is_new = naive.insert(key, n).is_none();
                    let wild = trie.wild() + trie.new_wild(&filter);
                    prop_assert_eq!(trie.insert(&filter, session, n), is_new);
                    prop_assert_eq!(trie.wild(), wild);
                } else {
                    let was_there = naive.remove(&key).is_some();
                    prop_assert_eq!(trie.remove(&filter, session), was_there);
                }
            }
            for topic in topics {
                let mut expected: Vec<_> = naive
                    .iter()
                    .filter(|((_, filter), _)| topic::matches(filter, &topic))
                    .map(|((session, _), n)| (*session, *n))
                    .collect();
                expected.sort_unstable();
                prop_assert_eq!(matching(&trie, &topic), expected);
            }
            for (session, filter) in naive.into_keys() {
                prop_assert!(trie.remove(&filter, session));
            }
            prop_assert!(trie.is_empty());
            prop_assert_eq!(trie.wild(), 0);
        }
    }
}
