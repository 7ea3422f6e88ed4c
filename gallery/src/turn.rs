//! Which of several galleries on one broker stores the photos: the one that came first.
//!
//! Who came first is decided by the broker, which puts all messages of one topic filter into one
//! order. A gallery subscribes to the status of every gallery and then says `online` itself. What
//! it hears up to its own word came before it, what it hears after that came later; and everybody
//! hears the same. No clock, timer or comparison of ids is needed, and two that start at the same
//! moment agree.

use std::collections::BTreeSet;

use wire::{GalleryId, Status};

/// What a gallery knows of those beside it.
#[derive(Debug)]
pub(crate) struct Turn {
    me: GalleryId,
    online: BTreeSet<GalleryId>,
    /// Those that came before this one; `None` until it has heard its own word.
    before: Option<BTreeSet<GalleryId>>,
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
        Turn { me, online: BTreeSet::new(), before: None }
    }

    pub fn is_me(&self, id: &GalleryId) -> bool {
        *id == self.me
    }

    /// The connection to the broker is a new one: what was heard before counts no more.
    pub fn connected(&mut self) {
        self.online.clear();
        self.before = None;
    }

    /// A gallery says its status; `retained` when the broker kept it from before.
    pub fn hear(&mut self, id: &GalleryId, status: Status, retained: bool) -> Then {
        if *id == self.me {
            return match status {
                // What an earlier life of this gallery said.
                _ if retained => Then::Nothing,
                Status::Online => {
                    self.before.get_or_insert_with(|| self.online.clone());
                    Then::Nothing
                }
                // The will of an earlier connection, which the others heard too.
                Status::Offline => {
                    self.before = None;
                    Then::SayOnline
                }
            };
        }
        match status {
            Status::Online if self.online.insert(id.clone()) && !retained => Then::SayOnline,
            Status::Online => Then::Nothing,
            Status::Offline => {
                self.online.remove(id);
                let stored = self.stores();
                if let Some(before) = &mut self.before {
                    before.remove(id);
                }
                // The nodes offer what nobody stored when a gallery comes online.
                if self.stores() && !stored { Then::SayOnline } else { Then::Nothing }
            }
        }
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

    proptest! {
        /// However galleries come and go: when all has been heard, exactly one of those that are
        /// online stores.
        #[test]
        fn exactly_one_stores(steps: Vec<(u8, bool)>, early in 0usize..8) {
            const N: usize = 4;
            let mut turns: Vec<Option<(Turn, usize)>> = (0..N).map(|_| None).collect();
            let mut log: Vec<(usize, Status)> = Vec::new();
            let mut kept = [None; N];
            for (who, comes) in steps {
                let who = usize::from(who) % N;
                if comes && turns[who].is_none() {
                    let mut turn = Turn::new(id(who as u32));
                    // It subscribes, others may speak, and then it speaks itself.
                    turn.connected();
                    for (other, status) in kept.iter().enumerate() {
                        if let Some(status) = status {
                            turn.hear(&id(other as u32), *status, true);
                        }
                    }
                    turns[who] = Some((turn, log.len()));
                    log.push((who, Status::Online));
                    kept[who] = Some(Status::Online);
                } else if !comes && turns[who].is_some() {
                    turns[who] = None;
                    log.push((who, Status::Offline));
                    kept[who] = Some(Status::Offline);
                }
                // Some hear at once, others much later.
                if early % 2 == 0 {
                    hear(&mut turns, &log);
                }
            }
            hear(&mut turns, &log);
            let online = turns.iter().flatten().count();
            let storing = turns.iter().flatten().filter(|(turn, _)| turn.stores()).count();
            prop_assert_eq!(storing, online.min(1));
        }
    }

    fn hear(turns: &mut [Option<(Turn, usize)>], log: &[(usize, Status)]) {
        for (turn, heard) in turns.iter_mut().flatten() {
            for (who, status) in &log[*heard..] {
                turn.hear(&id(*who as u32), *status, false);
            }
            *heard = log.len();
        }
    }
}
