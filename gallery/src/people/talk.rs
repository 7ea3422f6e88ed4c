//! The last lines of the talk. Pure.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::Arc;

use wire::people::{Line, What};
use wire::{PhotoId, limits};

/// The most lines told at once; pages miss the lines beyond that.
const FRESH: usize = 2000;

/// The most known ids of lines: as many as are on disk.
pub(crate) const IDS: usize = 10_000;

/// The lines for later pages, and those that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    lines: VecDeque<Arc<Line>>,
    said: Ids,
    fresh: Vec<Arc<Line>>,
    /// How many lines since the start were not told.
    pub missed: u64,
}

impl Talk {
    /// The stored talk: its last lines, and the ids of lines, oldest first.
    pub fn of(lines: Vec<Line>, said: Vec<PhotoId>) -> Self {
        let mut ids = Ids::default();
        for id in said {
            ids.add(id);
        }
        let lines = lines.into_iter().map(Arc::new).collect();
        Talk { lines, said: ids, ..Talk::default() }
    }

    /// Whether this line is known.
    pub fn knows(&self, id: &PhotoId) -> bool {
        self.said.known.contains(id)
    }

    /// Adds a line. `None` if it is known already: a broker may deliver a message twice, and a page
    /// that did not receive its own line sends it again.
    pub fn add(&mut self, line: Line) -> Option<Arc<Line>> {
        if matches!(line.what, What::Said { .. }) && !self.said.add(line.id.clone()) {
            return None;
        }
        let line = Arc::new(line);
        if self.lines.len() >= limits::TALK {
            self.lines.pop_front();
        }
        self.lines.push_back(line.clone());
        if self.fresh.len() < FRESH {
            self.fresh.push(line.clone());
        } else {
            self.missed += 1;
        }
        Some(line)
    }

    /// The lines since this was last called.
    pub fn fresh(&mut self) -> Vec<Arc<Line>> {
        mem::take(&mut self.fresh)
    }

    /// The last [`limits::TALK`] lines, oldest first.
    pub fn last(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.lines.iter()
    }
}

/// The last [`IDS`] ids.
#[derive(Debug, Default)]
struct Ids {
    known: HashSet<PhotoId>,
    order: VecDeque<PhotoId>,
}

impl Ids {
    /// Adds an id. Returns whether it is new.
    fn add(&mut self, id: PhotoId) -> bool {
        if !self.known.insert(id.clone()) {
            return false;
        }
        if self.order.len() >= IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Author;

    fn line(n: u64) -> Line {
        Line {
            id: PhotoId::new(n, 0),
            at: n,
            person: Author { id: "a".parse().unwrap(), name: "Ana".into() },
            what: What::Said { text: n.to_string() },
        }
    }

    #[test]
    fn the_last_lines_are_there() {
        let mut talk = Talk::default();
        for n in 0..300 {
            assert!(talk.add(line(n)).is_some());
        }
        assert_eq!(talk.last().count(), limits::TALK);
        assert_eq!(talk.last().last().unwrap().at, 299);
        let fresh = talk.fresh();
        assert_eq!((fresh.len(), fresh.last().unwrap().at), (300, 299));
        assert!(talk.fresh().is_empty());
    }

    #[test]
    fn lines_that_nobody_is_told_are_counted() {
        let mut talk = Talk::default();
        (0..2010).for_each(|n| drop(talk.add(line(n))));
        assert_eq!((talk.fresh().len(), talk.missed), (FRESH, 10));
    }

    #[test]
    fn a_line_that_comes_twice_is_told_once() {
        let mut talk = Talk::of(vec![line(1)], vec![line(0).id, line(1).id]);
        assert!(talk.knows(&line(0).id) && !talk.knows(&line(2).id));
        assert!(talk.add(line(0)).is_none() && talk.add(line(1)).is_none());
        assert!(talk.add(line(2)).is_some());
        assert!(talk.add(line(2)).is_none());
        assert_eq!(talk.fresh().len(), 1);
    }

    #[test]
    fn a_line_that_many_others_followed_is_still_known_and_ids_are_bounded() {
        let mut talk = Talk::default();
        (0..300).for_each(|n| drop(talk.add(line(n))));
        assert!(talk.add(line(0)).is_none());
        (300..IDS as u64 + 5).for_each(|n| drop(talk.add(line(n))));
        assert_eq!((talk.said.known.len(), talk.said.order.len()), (IDS, IDS));
        assert!(!talk.knows(&line(4).id) && talk.knows(&line(5).id));
    }
}
