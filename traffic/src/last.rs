//! The last messages.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};

use crate::{Passing, Way};

/// How many are remembered.
const ROWS: usize = 64;

/// How many are shown.
pub(crate) const SHOWN: usize = 12;

/// The last messages. One sender, told by its label, can push out only its own while others have
/// fewer.
#[derive(Debug, Default)]
pub(crate) struct Last {
    rows: VecDeque<Passing>,
}

impl Last {
    pub fn add(&mut self, row: Passing) {
        if self.rows.len() >= ROWS {
            self.rows.remove(self.oldest_of_most(row.label()));
        }
        self.rows.push_back(row);
    }

    /// The place of the oldest row of whom there is most. Who `sends` and has more than half is
    /// found without counting the others.
    fn oldest_of_most(&self, sends: &str) -> usize {
        let mut own = self.rows.iter().enumerate().filter(|(_, row)| row.label() == sends);
        if let Some((oldest, _)) = own.next()
            && own.count() >= ROWS / 2
        {
            return oldest;
        }
        let mut each: HashMap<&str, (usize, usize)> = HashMap::with_capacity(ROWS);
        for (at, row) in self.rows.iter().enumerate() {
            each.entry(row.label()).or_insert((0, at)).0 += 1;
        }
        let most = each.values().copied().max_by_key(|&(count, at)| (count, ROWS - at));
        most.map_or(0, |(_, at)| at)
    }

    /// The newest of a sender.
    pub fn newest(&self, way: Way, label: &str) -> Option<&Passing> {
        self.rows.iter().rev().find(|row| row.way() == Some(way) && row.label() == label)
    }

    /// Those that are shown, newest first: the newest of each sender, then the second of each, and so
    /// on as long as there is room.
    pub fn shown(&self) -> Vec<Passing> {
        let mut each: HashMap<&str, usize> = HashMap::new();
        let newest_first = self.rows.iter().enumerate().rev();
        let mut ranked: Vec<(usize, Reverse<usize>)> = newest_first
            .map(|(at, row)| {
                let count = each.entry(row.label()).or_default();
                *count += 1;
                (*count, Reverse(at))
            })
            .collect();
        ranked.sort_unstable();
        let mut chosen: Vec<Reverse<usize>> = ranked.into_iter().map(|(_, at)| at).collect();
        chosen.truncate(SHOWN);
        chosen.sort_unstable();
        chosen.into_iter().filter_map(|Reverse(at)| self.rows.get(at)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn one_who_floods_hides_nobody() {
        let mut last = Last::default();
        let mut names = 0;
        let mut add = |last: &mut Last, from: &str| {
            // Names are what senders say, and change as they like.
            names += 1;
            let (label, name) = (from.into(), format!("{from} {names}").into());
            last.add(Passing::new(Way::Tcp, (&label, &name), Kind::Chat, 1, None));
        };
        for from in ["Ana", "Beto", "Ana", "Ana", "Ana", "Ana"] {
            add(&mut last, from);
        }
        let alone: Vec<_> = last.shown().iter().map(|row| row.label().to_owned()).collect();
        assert_eq!(alone, ["Ana", "Ana", "Ana", "Ana", "Beto", "Ana"]);
        for _ in 0..1000 {
            add(&mut last, "flood");
        }
        assert_eq!(last.rows.len(), ROWS);
        let shown = last.shown();
        let of = |name| shown.iter().filter(|row| row.label() == name).count();
        assert_eq!((of("Ana"), of("Beto"), of("flood")), (5, 1, SHOWN - 6));
        assert!(
            last.newest(Way::Tcp, "Beto").is_some() && last.newest(Way::Mqtt, "Beto").is_none()
        );
    }
}
