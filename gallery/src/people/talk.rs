//! The last lines of the talk. Pure.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use wire::limits;
use wire::people::Line;

/// So many lines are told at once at most; what is more is missed by those who are here.
const FRESH: usize = 2000;

/// The lines that are there for who comes later, and those that were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    lines: VecDeque<Arc<Line>>,
    fresh: Vec<Arc<Line>>,
    /// So many since the start were not told to those who are here.
    pub missed: u64,
}

impl Talk {
    /// The talk as it was kept, oldest line first.
    pub fn of(lines: Vec<Line>) -> Self {
        Talk { lines: lines.into_iter().map(Arc::new).collect(), fresh: Vec::new(), missed: 0 }
    }

    /// Adds a line. `None` if it is there already: a broker may deliver a message twice.
    pub fn add(&mut self, line: Line) -> Option<Arc<Line>> {
        if self.lines.iter().rev().any(|known| known.id == line.id) {
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

    /// The lines since this was last asked.
    pub fn fresh(&mut self) -> Vec<Arc<Line>> {
        mem::take(&mut self.fresh)
    }

    /// The last [`limits::TALK`] lines, oldest first.
    pub fn last(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::people::What;
    use wire::{Author, PhotoId};

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
        let mut talk = Talk::of(vec![line(1)]);
        assert!(talk.add(line(1)).is_none());
        assert!(talk.add(line(2)).is_some());
        assert!(talk.add(line(2)).is_none());
        assert_eq!(talk.fresh().len(), 1);
    }
}
