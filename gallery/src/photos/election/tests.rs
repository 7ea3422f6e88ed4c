//! Elections, step by step, and with galleries and brokers that come and go in any order.

use super::*;
use proptest::prelude::*;

fn id(n: u32) -> GalleryId {
    format!("{n:08x}").parse().unwrap()
}

#[test]
fn one_alone_stores_once_it_has_heard_itself() {
    let mut election = Election::new(id(1));
    election.connected();
    election.receive(&id(1), Status::Online, true);
    assert!(!election.stores(), "that was an earlier life");
    election.receive(&id(1), Status::Online, false);
    assert!(election.stores());
}

#[test]
fn the_second_shows_and_takes_over() {
    let mut election = Election::new(id(1));
    election.receive(&id(2), Status::Online, true);
    election.receive(&id(3), Status::Offline, true);
    election.receive(&id(1), Status::Online, false);
    assert_eq!((election.stores(), election.other()), (false, Some(&id(2))));
    assert_eq!(election.receive(&id(2), Status::Offline, false), Then::SayOnline);
    assert!(election.stores());
    election.receive(&id(1), Status::Online, false);
    assert_eq!(election.receive(&id(2), Status::Online, false), Then::SayOnline);
    assert_eq!(election.receive(&id(2), Status::Online, false), Then::Nothing, "said once");
    election.receive(&id(1), Status::Online, false);
    assert!(election.stores(), "it came later");
}

#[test]
fn the_will_of_an_earlier_connection_costs_the_turn() {
    let mut election = Election::new(id(1));
    election.receive(&id(1), Status::Online, false);
    election.receive(&id(2), Status::Online, false);
    assert_eq!(election.receive(&id(1), Status::Offline, false), Then::SayOnline);
    assert!(!election.stores());
    election.receive(&id(1), Status::Online, false);
    assert_eq!(election.other(), Some(&id(2)), "which heard that this one was gone");
}

#[test]
fn who_comes_after_is_told_where_the_broker_tells_nothing() {
    let (mut first, mut second) = (Election::new(id(1)), Election::new(id(2)));
    first.receive_come(&id(1));
    first.receive(&id(1), Status::Online, false);
    for election in [&mut first, &mut second] {
        election.receive_come(&id(2));
    }
    assert_eq!(first.next_order(), Some((id(2), Order::Before)));
    second.receive_order(&id(1), Order::Before, &id(2));
    second.receive(&id(2), Status::Online, false);
    assert_eq!(first.receive(&id(2), Status::Online, false), Then::SayOnline);
    assert_eq!((first.next_order(), first.stores()), (None, true), "told once");
    assert_eq!(second.receive(&id(1), Status::Online, false), Then::SayOnline);
    assert_eq!((second.next_order(), second.other()), (None, Some(&id(1))), "it said so again");
    assert_eq!(second.receive(&id(1), Status::Offline, false), Then::SayOnline);
    assert!(second.stores());
    second.receive_order(&id(1), Order::Before, &id(3));
    second.receive_order(&id(2), Order::Before, &id(2));
    assert!(second.stores(), "that is about others");
}

#[test]
fn who_comes_back_after_a_crash_of_the_broker_that_kept_its_word_comes_after() {
    let mut election = Election::new(id(1));
    election.receive(&id(2), Status::Online, true);
    election.receive(&id(1), Status::Online, false);
    assert_eq!(election.other(), Some(&id(2)), "which the broker kept");
    let mut late = election;
    late.receive(&id(2), Status::Online, false);
    assert_eq!(late.receive_order(&id(2), Order::After, &id(1)), Then::SayOnline);
    assert!(late.stores(), "it had come already, and said that it is online later");

    let mut election = Election::new(id(1));
    election.receive(&id(2), Status::Online, true);
    election.receive(&id(1), Status::Online, false);
    assert_eq!(election.receive_come(&id(2)), Then::SayOnline);
    assert!(election.stores());
    assert_eq!(election.next_order(), Some((id(2), Order::Before)));
}

#[test]
fn two_that_a_broker_shows_each_other_in_another_order_agree() {
    for order in [Order::Before, Order::After] {
        let mut elections = [Election::new(id(1)), Election::new(id(2))];
        for (mine, election) in (1..).zip(&mut elections) {
            election.receive_come(&id(3 - mine));
            let (first, second) = match order {
                Order::Before => (mine, 3 - mine),
                Order::After => (3 - mine, mine),
            };
            election.receive(&id(first), Status::Online, false);
            election.receive(&id(second), Status::Online, false);
            assert_eq!(election.next_order(), Some((id(3 - mine), order)));
        }
        for (mine, election) in (1..).zip(&mut elections) {
            election.receive_order(&id(3 - mine), order, &id(mine));
        }
        assert_eq!(elections.map(|election| election.stores()), [true, false], "{order:?}");
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
    let mut election = Election::new(id(0));
    for n in 1..3000 {
        election.receive_come(&id(n));
        election.receive(&id(n), Status::Online, n % 2 == 0);
        election.receive_order(&id(n), Order::Before, &id(0));
    }
    let Election { coming, online, live, earlier, unsent, sent, .. } = election;
    assert!([coming, online, live, earlier].iter().all(|set| set.len() <= MOST));
    assert!(unsent.len() <= 2 * MOST && sent.len() <= MOST);
}

/// A message through the broker.
#[derive(Debug, Clone, Copy)]
enum Word {
    Come(usize),
    Order(usize, Order, usize),
    Status(usize, Status),
}

#[derive(Debug)]
struct Gallery {
    election: Election,
    /// An earlier version, which knows only who is online.
    is_old: bool,
    is_online: bool,
    /// How many of the broker's messages it has received.
    heard: usize,
}

const N: usize = 4;

/// Galleries on one broker, each of which receives at its own pace.
#[derive(Debug)]
struct House {
    galleries: [Option<Gallery>; N],
    words: Vec<Word>,
    kept: [Option<Status>; N],
    /// Whether the broker sends retained messages for a wildcard.
    gives: bool,
    /// The galleries that were here when the broker was killed, and are not back yet.
    lost: [bool; N],
}

impl House {
    fn is_old(&self, who: usize) -> bool {
        self.galleries[who].as_ref().is_some_and(|gallery| gallery.is_old)
    }

    /// The broker is killed, and comes back with its retained messages.
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
        let mut election = Election::new(id(who as u32));
        election.connected();
        for (other, status) in self.kept.iter().enumerate().filter(|_| self.gives) {
            if let Some(status) = status {
                election.receive(&id(other as u32), *status, true);
            }
        }
        let heard = self.words.len();
        self.galleries[who] = Some(Gallery { election, is_old, is_online: is_old, heard });
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

    /// Receives one message, and answers. Returns whether there was one.
    fn receive(&mut self, who: usize) -> bool {
        let Some(gallery) = &mut self.galleries[who] else { return false };
        let Some(&word) = self.words.get(gallery.heard) else { return false };
        gallery.heard += 1;
        let name = |n| id(n as u32);
        let then = match word {
            Word::Status(of, status) => gallery.election.receive(&name(of), status, false),
            Word::Come(of) if !gallery.is_old => gallery.election.receive_come(&name(of)),
            Word::Order(of, order, other) if !gallery.is_old => {
                gallery.election.receive_order(&name(of), order, &name(other))
            }
            Word::Come(_) | Word::Order(..) => Then::Nothing,
        };
        let again = then == Then::SayOnline && gallery.is_online;
        let told: Vec<_> = std::iter::from_fn(|| gallery.election.next_order()).collect();
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

    /// Delivers all messages. Returns how many galleries are online, and how many store.
    fn run(mut self) -> (usize, usize) {
        for who in (0..N).filter(|&who| self.lost[who]).collect::<Vec<_>>() {
            self.come(who, false);
        }
        while (0..N).any(|who| self.receive(who)) {}
        (0..N).for_each(|who| self.online(who));
        while (0..N).any(|who| self.receive(who)) {}
        let stores = |gallery: &&Gallery| gallery.election.stores();
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
            _ => drop(house.receive(who)),
        }
    }
    house.run()
}

proptest! {
    /// However galleries come, go, and receive early or late: in the end exactly one online gallery
    /// stores, even if the broker sends no retained messages for wildcards, or is killed.
    #[test]
    fn exactly_one_stores(gives: bool, steps: Vec<(u8, u8)>) {
        let (online, storing) = house(gives, false, &steps);
        prop_assert_eq!(storing, online.min(1));
    }

    /// The same beside earlier versions, if the broker sends retained messages.
    #[test]
    fn exactly_one_stores_beside_earlier_versions(steps: Vec<(u8, u8)>) {
        let (online, storing) = house(true, true, &steps);
        prop_assert_eq!(storing, online.min(1));
    }
}
