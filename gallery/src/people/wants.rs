//! What is wanted of a camera that a page shows. Pure.

use std::collections::BTreeMap;

use wire::{Size, Want, limits};

use crate::now::{Micros, micros};

/// The rate wanted of each size in the order of [`Size::ALL`], in frames a second.
pub(crate) type Rates = [f32; 3];

/// Who wants how many frames, and until when.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    by: BTreeMap<String, (Rates, Micros)>,
}

impl Wants {
    /// Takes a want in place of the asker's last. With too many askers it is passed over.
    pub fn hear(&mut self, want: Want, now: Micros) {
        self.by.retain(|_, (_, until)| *until > now);
        if self.by.len() >= limits::WANT_BY && !self.by.contains_key(&want.by) {
            return;
        }
        let rates = [want.full, want.half, want.quarter].map(Option::unwrap_or_default);
        let until = now + micros(want.holds());
        self.by.insert(want.by, (rates, until));
    }

    /// The highest rates that anybody wants now.
    pub fn rates(&self, now: Micros) -> Rates {
        let held = self.by.values().filter(|(_, until)| *until > now);
        held.fold([0.0; Size::ALL.len()], |most, (rates, _)| {
            std::array::from_fn(|size| f32::max(most[size], rates[size]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Micros = 1_000_000;

    fn want(by: &str, full: f32, quarter: f32, seconds: f32) -> Want {
        let (full, quarter) = (Some(full), Some(quarter));
        Want { by: by.into(), full, half: None, quarter, seconds: Some(seconds) }
    }

    #[test]
    fn the_highest_rate_of_each_size_counts_until_it_is_forgotten() {
        let mut wants = Wants::default();
        assert_eq!(wants.rates(0), [0.0; 3]);
        wants.hear(want("a", 5.0, 2.0, 10.0), 0);
        wants.hear(want("b", 30.0, 1.0, 2.0), 0);
        assert_eq!(wants.rates(S), [30.0, 0.0, 2.0]);
        assert_eq!(wants.rates(3 * S), [5.0, 0.0, 2.0]);
        wants.hear(want("a", 0.0, 0.0, 0.0), 4 * S);
        assert_eq!(wants.rates(4 * S), [0.0; 3]);
    }

    #[test]
    fn askers_are_bounded() {
        let mut wants = Wants::default();
        (0..1000).for_each(|n| wants.hear(want(&n.to_string(), 1.0, 0.0, 60.0), 0));
        assert_eq!(wants.by.len(), limits::WANT_BY);
    }
}
