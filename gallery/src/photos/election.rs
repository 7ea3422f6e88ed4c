//! Which of several galleries on one broker stores the photos: the one that came first.
//!
//! The broker decides who came first, because it puts all messages of one topic filter into one
//! order. A gallery subscribes to the status of all galleries and then publishes its own `online`.
//! Galleries that it receives before its own message came before it, the others came later; and all
//! receive the same order. No clock, timer or comparison of ids is needed, and two galleries that
//! start at the same moment agree.
//!
//! But some brokers send no retained messages for a wildcard. So a new gallery first says that it
//! comes, and those that are online answer. Only after such a message is a gallery's `online` known
//! to be new. And a killed broker may have retained an `online` of an earlier life, so a gallery
//! that receives others before itself tells them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use wire::{GalleryId, Status};

/// The most galleries remembered. Anybody may claim to be one.
const MOST: usize = 1000;

/// What a gallery knows of the others.
#[derive(Debug)]
pub(crate) struct Election {
    me: GalleryId,
    /// The galleries that have said they come and are not online yet.
    coming: BTreeSet<GalleryId>,
    online: BTreeSet<GalleryId>,
    /// The galleries that said `online` over this connection.
    live: BTreeSet<GalleryId>,
    /// The galleries that told this one that they came before it.
    earlier: BTreeSet<GalleryId>,
    /// The galleries to tell whether this one came before or after them.
    unsent: BTreeSet<(GalleryId, Order)>,
    /// The order told to each other gallery last. If a broker keeps no single order, as RabbitMQ,
    /// two that come at once may tell each other the same; then the smaller id came first.
    sent: BTreeMap<GalleryId, Order>,
    /// The galleries that came before this one; `None` until it has received its own message.
    before: Option<BTreeSet<GalleryId>>,
}

/// What a gallery tells another one of itself. On the wire the word, a space, and the other's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// It came before the other one.
    Before,
    /// It came after it.
    After,
}

impl Order {
    fn as_str(self) -> &'static str {
        match self {
            Order::Before => "before",
            Order::After => "after",
        }
    }

    /// The payload for `other`.
    pub fn to(self, other: &GalleryId) -> String {
        format!("{} {other}", self.as_str())
    }

    /// Parses such a payload.
    pub fn parse(payload: &[u8]) -> Option<(Order, GalleryId)> {
        let (word, other) = str::from_utf8(payload).ok()?.split_once(' ')?;
        let order = [Order::Before, Order::After].into_iter().find(|it| it.as_str() == word)?;
        Some((order, other.parse().ok()?))
    }
}

/// What to do after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Publish `online` (again): others took this gallery for gone, nodes must know that a gallery
    /// stores again, or another gallery has just come, which the broker may not give retained
    /// messages.
    SayOnline,
}

impl Election {
    pub fn new(me: GalleryId) -> Self {
        Election {
            me,
            coming: BTreeSet::new(),
            online: BTreeSet::new(),
            live: BTreeSet::new(),
            earlier: BTreeSet::new(),
            unsent: BTreeSet::new(),
            sent: BTreeMap::new(),
            before: None,
        }
    }

    pub fn is_me(&self, id: &GalleryId) -> bool {
        *id == self.me
    }

    /// The connection to the broker is new: earlier messages no longer count.
    pub fn connected(&mut self) {
        *self = Election::new(self.me.clone());
    }

    /// A gallery comes. Older knowledge of it is from an earlier life with an unseen end.
    pub fn receive_come(&mut self, id: &GalleryId) -> Then {
        if self.is_me(id) {
            return Then::Nothing;
        }
        let then = self.forget(id);
        if self.before.is_some() {
            self.tell(id, Order::Before);
        } else {
            put(&mut self.coming, id);
        }
        then
    }

    /// A gallery tells another which of them came first.
    pub fn receive_order(&mut self, id: &GalleryId, order: Order, other: &GalleryId) -> Then {
        if !self.is_me(other) || self.is_me(id) {
            return Then::Nothing;
        }
        let stored = self.stores();
        let before = self.before.as_mut().unwrap_or(&mut self.earlier);
        let order = match self.sent.get(id) == Some(&order) {
            true if *id < self.me => Order::Before,
            true => Order::After,
            false => order,
        };
        match order {
            Order::Before => drop(put(before, id)),
            Order::After => drop(before.remove(id)),
        }
        self.since(stored)
    }

    /// The next gallery to tell which of the two came first.
    pub fn next_order(&mut self) -> Option<(GalleryId, Order)> {
        self.unsent.pop_first()
    }

    fn tell(&mut self, id: &GalleryId, order: Order) {
        if self.sent.len() < MOST || self.sent.contains_key(id) {
            self.unsent.insert((id.clone(), order));
            self.sent.insert(id.clone(), order);
        }
    }

    /// A gallery publishes its status; `retained` if the broker stored it from before.
    pub fn receive(&mut self, id: &GalleryId, status: Status, retained: bool) -> Then {
        if *id == self.me {
            return match status {
                // A status of this gallery's own earlier life.
                _ if retained => Then::Nothing,
                Status::Online => {
                    if self.before.is_none() {
                        for id in self.live.clone() {
                            self.tell(&id, Order::After);
                        }
                        self.before = Some(self.online.union(&self.earlier).cloned().collect());
                    }
                    Then::Nothing
                }
                // The will of an earlier connection, which the others received too.
                Status::Offline => {
                    (self.before, self.earlier) = (None, BTreeSet::new());
                    self.unsent.clear();
                    self.sent.clear();
                    Then::SayOnline
                }
            };
        }
        match status {
            Status::Online => {
                if self.coming.remove(id) && self.before.is_some() {
                    self.tell(id, Order::Before);
                }
                if !retained {
                    put(&mut self.live, id);
                }
                if put(&mut self.online, id) && !retained { Then::SayOnline } else { Then::Nothing }
            }
            Status::Offline => self.forget(id),
        }
    }

    fn forget(&mut self, id: &GalleryId) -> Then {
        let stored = self.stores();
        let Election { coming, online, live, earlier, before, .. } = self;
        for set in [coming, online, live, earlier].into_iter().chain(before) {
            set.remove(id);
        }
        self.unsent.retain(|(other, _)| other != id);
        self.sent.remove(id);
        self.since(stored)
    }

    /// What follows from the change; `stored` says whether this gallery was elected before.
    fn since(&self, stored: bool) -> Then {
        // When a gallery comes online, nodes offer what nobody stored.
        if self.stores() && !stored { Then::SayOnline } else { Then::Nothing }
    }

    /// The gallery that stores instead of this one.
    pub fn other(&self) -> Option<&GalleryId> {
        self.before.as_ref()?.first()
    }

    /// Whether this gallery is elected to store.
    pub fn stores(&self) -> bool {
        self.before.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// Adds an id to a set, if there is room. Returns whether it is new.
fn put(set: &mut BTreeSet<GalleryId>, id: &GalleryId) -> bool {
    set.len() < MOST && set.insert(id.clone())
}
