//! Which of several galleries on one broker stores the photos: the one that came first.
//!
//! Who came first is decided by the broker, which puts all messages of one topic filter into one
//! order. A gallery subscribes to the status of every gallery and then says `online` itself. What
//! it hears up to its own word came before it, what it hears after that came later; and everybody
//! hears the same. No clock, timer or comparison of ids is needed, and two that start at the same
//! moment agree.
//!
//! But some brokers give what they retain to nobody who asks with a wildcard. So who comes says
//! that first, and those that are online already tell it. Only of who has come since then is it
//! known that its `online` is a new one. And a broker that was killed may have kept an `online` of
//! an earlier life: who hears others before itself tells them so.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use wire::{GalleryId, Status};

/// So many galleries are remembered. Anybody may say to be one.
const MOST: usize = 1000;

/// What a gallery knows of those beside it.
#[derive(Debug)]
pub(crate) struct Election {
    me: GalleryId,
    /// Those that have come and are not online yet.
    coming: BTreeSet<GalleryId>,
    online: BTreeSet<GalleryId>,
    /// Those of them that said so over this connection.
    live: BTreeSet<GalleryId>,
    /// Those that told this one that they came before it.
    told: BTreeSet<GalleryId>,
    /// Those that are to be told whether this one came before or after them.
    untold: BTreeSet<(GalleryId, Order)>,
    /// What others were told last. Where a broker keeps no one order, as RabbitMQ, two that come in one
    /// moment may tell each other the same; then the lesser id came first.
    said: BTreeMap<GalleryId, Order>,
    /// Those that came before this one; `None` until it has heard its own word.
    before: Option<BTreeSet<GalleryId>>,
}

/// What a gallery tells another one of itself. On the wire the word, a blank, and the other's id.
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

    /// The payload that tells it to `other`.
    pub fn to(self, other: &GalleryId) -> String {
        format!("{} {other}", self.as_str())
    }

    /// Reads such a payload.
    pub fn parse(payload: &[u8]) -> Option<(Order, GalleryId)> {
        let (word, other) = str::from_utf8(payload).ok()?.split_once(' ')?;
        let order = [Order::Before, Order::After].into_iter().find(|it| it.as_str() == word)?;
        Some((order, other.parse().ok()?))
    }
}

/// What follows from a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// To say `online` (again): this gallery was taken for gone, the nodes shall know that
    /// somebody stores again, or another one has just come, which a broker may not tell what it
    /// retains.
    SayOnline,
}

impl Election {
    pub fn new(me: GalleryId) -> Self {
        Election {
            me,
            coming: BTreeSet::new(),
            online: BTreeSet::new(),
            live: BTreeSet::new(),
            told: BTreeSet::new(),
            untold: BTreeSet::new(),
            said: BTreeMap::new(),
            before: None,
        }
    }

    pub fn is_me(&self, id: &GalleryId) -> bool {
        *id == self.me
    }

    /// The connection to the broker is a new one: what was heard before counts no more.
    pub fn connected(&mut self) {
        *self = Election::new(self.me.clone());
    }

    /// A gallery comes. What was known of it is of an earlier life, whose end was not heard.
    pub fn hear_come(&mut self, id: &GalleryId) -> Then {
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

    /// A gallery tells another one which of them came before.
    pub fn hear_order(&mut self, id: &GalleryId, order: Order, other: &GalleryId) -> Then {
        if !self.is_me(other) || self.is_me(id) {
            return Then::Nothing;
        }
        let stored = self.stores();
        let before = self.before.as_mut().unwrap_or(&mut self.told);
        let order = match self.said.get(id) == Some(&order) {
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

    /// One that is to be told which of them came before.
    pub fn next_untold(&mut self) -> Option<(GalleryId, Order)> {
        self.untold.pop_first()
    }

    fn tell(&mut self, id: &GalleryId, order: Order) {
        if self.said.len() < MOST || self.said.contains_key(id) {
            self.untold.insert((id.clone(), order));
            self.said.insert(id.clone(), order);
        }
    }

    /// A gallery says its status; `retained` when the broker kept it from before.
    pub fn hear(&mut self, id: &GalleryId, status: Status, retained: bool) -> Then {
        if *id == self.me {
            return match status {
                // What an earlier life of this gallery said.
                _ if retained => Then::Nothing,
                Status::Online => {
                    if self.before.is_none() {
                        for id in self.live.clone() {
                            self.tell(&id, Order::After);
                        }
                        self.before = Some(self.online.union(&self.told).cloned().collect());
                    }
                    Then::Nothing
                }
                // The will of an earlier connection, which the others heard too.
                Status::Offline => {
                    (self.before, self.told) = (None, BTreeSet::new());
                    self.untold.clear();
                    self.said.clear();
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
        let Election { coming, online, live, told, before, .. } = self;
        for set in [coming, online, live, told].into_iter().chain(before) {
            set.remove(id);
        }
        self.untold.retain(|(other, _)| other != id);
        self.said.remove(id);
        self.since(stored)
    }

    /// What follows from what has changed, `stored` being whether it was its election before.
    fn since(&self, stored: bool) -> Then {
        // The nodes offer what nobody stored when a gallery comes online.
        if self.stores() && !stored { Then::SayOnline } else { Then::Nothing }
    }

    /// The gallery that stores instead of this one.
    pub fn other(&self) -> Option<&GalleryId> {
        self.before.as_ref()?.first()
    }

    /// Whether it is this gallery's election to store.
    pub fn stores(&self) -> bool {
        self.before.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// Puts one more into a set that has room. Returns whether it is new there.
fn put(set: &mut BTreeSet<GalleryId>, id: &GalleryId) -> bool {
    set.len() < MOST && set.insert(id.clone())
}
