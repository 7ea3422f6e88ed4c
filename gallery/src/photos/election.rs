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

use std::collections::{BTreeMap, BTreeSet};

use wire::{GalleryId, Status};

/// So many galleries are remembered. Anybody may say to be one.
const MOST: usize = 1000;

/// What a gallery knows of those beside it.
#[derive(Debug)]
pub(crate) struct Turn {
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

impl Turn {
    pub fn new(me: GalleryId) -> Self {
        Turn {
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
        *self = Turn::new(self.me.clone());
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
        let Turn { coming, online, live, told, before, .. } = self;
        for set in [coming, online, live, told].into_iter().chain(before) {
            set.remove(id);
        }
        self.untold.retain(|(other, _)| other != id);
        self.said.remove(id);
        self.since(stored)
    }

    /// What follows from what has changed, `stored` being whether it was its turn before.
    fn since(&self, stored: bool) -> Then {
        // The nodes offer what nobody stored when a gallery comes online.
        if self.stores() && !stored { Then::SayOnline } else { Then::Nothing }
    }

    /// The gallery that stores instead of this one.
    pub fn other(&self) -> Option<&GalleryId> {
        self.before.as_ref()?.first()
    }

    /// Whether it is this gallery's turn to store.
    pub fn stores(&self) -> bool {
        self.before.as_ref().is_some_and(BTreeSet::is_empty)
    }
}

/// Puts one more into a set that has room. Returns whether it is new there.
fn put(set: &mut BTreeSet<GalleryId>, id: &GalleryId) -> bool {
    set.len() < MOST && set.insert(id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u32) -> GalleryId {
        format!("{n:08x}").parse().unwrap()
    }

    #[test]
    fn one_alone_stores_once_it_has_heard_itself() {
        let mut turn = Turn::new(id(1));
        turn.connected();
        turn.hear(&id(1), Status::Online, true);
        assert!(!turn.stores(), "that was an earlier life");
        turn.hear(&id(1), Status::Online, false);
        assert!(turn.stores());
    }

    #[test]
    fn the_second_shows_and_takes_over() {
        let mut turn = Turn::new(id(1));
        turn.hear(&id(2), Status::Online, true);
        turn.hear(&id(3), Status::Offline, true);
        turn.hear(&id(1), Status::Online, false);
        assert_eq!((turn.stores(), turn.other()), (false, Some(&id(2))));
        assert_eq!(turn.hear(&id(2), Status::Offline, false), Then::SayOnline);
        assert!(turn.stores());
        turn.hear(&id(1), Status::Online, false);
        assert_eq!(turn.hear(&id(2), Status::Online, false), Then::SayOnline);
        assert_eq!(turn.hear(&id(2), Status::Online, false), Then::Nothing, "said once");
        turn.hear(&id(1), Status::Online, false);
        assert!(turn.stores(), "it came later");
    }

    #[test]
    fn the_will_of_an_earlier_connection_costs_the_turn() {
        let mut turn = Turn::new(id(1));
        turn.hear(&id(1), Status::Online, false);
        turn.hear(&id(2), Status::Online, false);
        assert_eq!(turn.hear(&id(1), Status::Offline, false), Then::SayOnline);
        assert!(!turn.stores());
        turn.hear(&id(1), Status::Online, false);
        assert_eq!(turn.other(), Some(&id(2)), "which heard that this one was gone");
    }

    #[test]
    fn who_comes_after_is_told_where_the_broker_tells_nothing() {
        let (mut first, mut second) = (Turn::new(id(1)), Turn::new(id(2)));
        first.hear_come(&id(1));
        first.hear(&id(1), Status::Online, false);
        for turn in [&mut first, &mut second] {
            turn.hear_come(&id(2));
        }
        assert_eq!(first.next_untold(), Some((id(2), Order::Before)));
        second.hear_order(&id(1), Order::Before, &id(2));
        second.hear(&id(2), Status::Online, false);
        assert_eq!(first.hear(&id(2), Status::Online, false), Then::SayOnline);
        assert_eq!((first.next_untold(), first.stores()), (None, true), "told once");
        assert_eq!(second.hear(&id(1), Status::Online, false), Then::SayOnline);
        assert_eq!(
            (second.next_untold(), second.other()),
            (None, Some(&id(1))),
            "it said so again"
        );
        assert_eq!(second.hear(&id(1), Status::Offline, false), Then::SayOnline);
        assert!(second.stores());
        second.hear_order(&id(1), Order::Before, &id(3));
        second.hear_order(&id(2), Order::Before, &id(2));
        assert!(second.stores(), "that is about others");
    }

    #[test]
    fn who_comes_back_after_a_crash_of_the_broker_that_kept_its_word_comes_after() {
        let mut turn = Turn::new(id(1));
        turn.hear(&id(2), Status::Online, true);
        turn.hear(&id(1), Status::Online, false);
        assert_eq!(turn.other(), Some(&id(2)), "which the broker kept");
        let mut late = turn;
        late.hear(&id(2), Status::Online, false);
        assert_eq!(late.hear_order(&id(2), Order::After, &id(1)), Then::SayOnline);
        assert!(late.stores(), "it had come already, and said that it is online later");

        let mut turn = Turn::new(id(1));
        turn.hear(&id(2), Status::Online, true);
        turn.hear(&id(1), Status::Online, false);
        assert_eq!(turn.hear_come(&id(2)), Then::SayOnline);
        assert!(turn.stores());
        assert_eq!(turn.next_untold(), Some((id(2), Order::Before)));
    }

    #[test]
    fn two_that_a_broker_shows_each_other_in_another_order_agree() {
        for order in [Order::Before, Order::After] {
            let mut turns = [Turn::new(id(1)), Turn::new(id(2))];
            for (mine, turn) in (1..).zip(&mut turns) {
                turn.hear_come(&id(3 - mine));
                let (first, second) = match order {
                    Order::Before => (mine, 3 - mine),
                    Order::After => (3 - mine, mine),
                };
                turn.hear(&id(first), Status::Online, false);
                turn.hear(&id(second), Status::Online, false);
                assert_eq!(turn.next_untold(), Some((id(3 - mine), order)));
            }
            for (mine, turn) in (1..).zip(&mut turns) {
                turn.hear_order(&id(3 - mine), order, &id(mine));
            }
            assert_eq!(turns.map(|turn| turn.stores()), [true, false], "{order:?}");
        }
    }

    #[test]
    fn what_is_told_is_read_as_it_was_written() {
        for order in [Order::Before, Order::After] {
            assert_eq!(Order::parse(order.to(&id(7)).as_bytes()), Some((order, id(7))));
        }
        for bad in ["", "before", "before ", "between 7", "before A", "after a b", "before  7"] {
            assert_eq!(Order::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Order::parse(b"after \xff"), None);
    }

    #[test]
    fn strangers_fill_nothing() {
        let mut turn = Turn::new(id(0));
        for n in 1..3000 {
            turn.hear_come(&id(n));
            turn.hear(&id(n), Status::Online, n % 2 == 0);
            turn.hear_order(&id(n), Order::Before, &id(0));
        }
        let Turn { coming, online, live, told, untold, said, .. } = turn;
        assert!([coming, online, live, told].iter().all(|set| set.len() <= MOST));
        assert!(untold.len() <= 2 * MOST && said.len() <= MOST);
    }

    /// What goes over the broker.
    #[derive(Debug, Clone, Copy)]
    enum Word {
        Come(usize),
        Order(usize, Order, usize),
        Status(usize, Status),
    }

    #[derive(Debug)]
    struct Gallery {
        turn: Turn,
        /// An earlier version, which says and hears only who is online.
        is_old: bool,
        is_online: bool,
        /// So many words of the broker it has heard.
        heard: usize,
    }

    const N: usize = 4;

    /// Galleries on one broker, each of which hears at its own pace.
    #[derive(Debug)]
    struct House {
        galleries: [Option<Gallery>; N],
        words: Vec<Word>,
        kept: [Option<Status>; N],
        /// The broker gives what it retains to those that ask with a wildcard.
        gives: bool,
        /// Those that were here when the broker was killed, and are not back yet.
        lost: [bool; N],
    }

    impl House {
        fn is_old(&self, who: usize) -> bool {
            self.galleries[who].as_ref().is_some_and(|gallery| gallery.is_old)
        }

        /// The broker is killed, and comes again with what it kept.
        fn crash(&mut self) {
            for (gallery, lost) in self.galleries.iter_mut().zip(&mut self.lost) {
                *lost |= gallery.take().is_some();
            }
        }

        fn say(&mut self, word: Word) {
            if let Word::Status(who, status) = word {
                self.kept[who] = Some(status);
            }
            self.words.push(word);
        }

        fn come(&mut self, who: usize, is_old: bool) {
            self.lost[who] = false;
            let mut turn = Turn::new(id(who as u32));
            turn.connected();
            for (other, status) in self.kept.iter().enumerate().filter(|_| self.gives) {
                if let Some(status) = status {
                    turn.hear(&id(other as u32), *status, true);
                }
            }
            let heard = self.words.len();
            self.galleries[who] = Some(Gallery { turn, is_old, is_online: is_old, heard });
            self.say(if is_old { Word::Status(who, Status::Online) } else { Word::Come(who) });
        }

        fn go(&mut self, who: usize) {
            if self.galleries[who].take().is_some() {
                self.say(Word::Status(who, Status::Offline));
            }
        }

        fn online(&mut self, who: usize) {
            if let Some(gallery) = self.galleries[who].as_mut().filter(|it| !it.is_online) {
                gallery.is_online = true;
                self.say(Word::Status(who, Status::Online));
            }
        }

        /// Hears one word, and answers. Returns whether there was one.
        fn hear(&mut self, who: usize) -> bool {
            let Some(gallery) = &mut self.galleries[who] else { return false };
            let Some(&word) = self.words.get(gallery.heard) else { return false };
            gallery.heard += 1;
            let name = |n| id(n as u32);
            let then = match word {
                Word::Status(of, status) => gallery.turn.hear(&name(of), status, false),
                Word::Come(of) if !gallery.is_old => gallery.turn.hear_come(&name(of)),
                Word::Order(of, order, other) if !gallery.is_old => {
                    gallery.turn.hear_order(&name(of), order, &name(other))
                }
                Word::Come(_) | Word::Order(..) => Then::Nothing,
            };
            let again = then == Then::SayOnline && gallery.is_online;
            let told: Vec<_> = std::iter::from_fn(|| gallery.turn.next_untold()).collect();
            let is_old = self.is_old(who);
            for (other, order) in told.into_iter().filter(|_| !is_old) {
                let other = (0..N).find(|n| name(*n) == other).unwrap();
                self.say(Word::Order(who, order, other));
            }
            if again {
                self.say(Word::Status(who, Status::Online));
            }
            true
        }

        /// All is said and heard. Gives how many are online, and how many store.
        fn settle(mut self) -> (usize, usize) {
            for who in (0..N).filter(|&who| self.lost[who]).collect::<Vec<_>>() {
                self.come(who, false);
            }
            while (0..N).any(|who| self.hear(who)) {}
            (0..N).for_each(|who| self.online(who));
            while (0..N).any(|who| self.hear(who)) {}
            let stores = |gallery: &&Gallery| gallery.turn.stores();
            let all = self.galleries.iter().flatten();
            (all.clone().count(), all.filter(stores).count())
        }
    }

    fn house(gives: bool, old: bool, steps: &[(u8, u8)]) -> (usize, usize) {
        let galleries = std::array::from_fn(|_| None);
        let (words, kept, lost) = (Vec::new(), [None; N], [false; N]);
        let mut house = House { galleries, words, kept, gives, lost };
        for &(who, what) in steps {
            let who = usize::from(who) % N;
            match what % 8 {
                0 | 1 if house.galleries[who].is_none() => house.come(who, old && who % 2 == 1),
                0 if what < 32 => house.go(who),
                1 if what < 32 && !old => house.crash(),
                2 | 3 => house.online(who),
                _ => drop(house.hear(who)),
            }
        }
        house.settle()
    }

    proptest! {
        /// However galleries come, go, and hear sooner or later: when all has been heard, exactly
        /// one of those that are online stores, whether or not the broker tells what it retains, and
        /// although it is killed.
        #[test]
        fn exactly_one_stores(gives: bool, steps: Vec<(u8, u8)>) {
            let (online, storing) = house(gives, false, &steps);
            prop_assert_eq!(storing, online.min(1));
        }

        /// Beside earlier versions, where the broker does.
        #[test]
        fn exactly_one_stores_beside_earlier_versions(steps: Vec<(u8, u8)>) {
            let (online, storing) = house(true, true, &steps);
            prop_assert_eq!(storing, online.min(1));
        }
    }
}
