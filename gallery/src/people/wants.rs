//! The wants for a camera that a page shows. Pure.

use std::collections::BTreeMap;

use wire::{Size, Want, limits};

use crate::now::{Micros, micros};

/// The wanted rates in the order of [`Size::ALL`], in frames a second.
pub(crate) type Rates = [f32; Size::ALL.len()];

/// The sum of all wants for a camera.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Wanted {
    /// The highest wanted rate of each size.
    pub rates: Rates,
    /// How many people look, as the askers say.
    pub looking: u32,
}

/// Each asker's wanted rates, how many people look, and until when.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    by: BTreeMap<String, (Wanted, Micros)>,
}

impl Wants {
    /// Replaces the asker's last want. If there are too many askers, it is ignored.
    pub fn receive(&mut self, want: Want, now: Micros) {
        self.by.retain(|_, (_, until)| *until > now);
        if self.by.len() >= limits::WANT_BY && !self.by.contains_key(&want.by) {
            return;
        }
        let rates = [want.full, want.half, want.quarter].map(Option::unwrap_or_default);
        let is_wanted = rates.iter().any(|rate| *rate > 0.0);
        let looking = if is_wanted { want.lookers.unwrap_or(1) } else { 0 };
        let until = now + micros(want.holds());
        self.by.insert(want.by, (Wanted { rates, looking }, until));
    }

    /// The sum of all current wants.
    pub fn wanted(&self, now: Micros) -> Wanted {
        let held = self.by.values().filter(|(_, until)| *until > now);
        held.fold(Wanted::default(), |all, (one, _)| Wanted {
            rates: std::array::from_fn(|size| f32::max(all.rates[size], one.rates[size])),
            looking: all.looking.saturating_add(one.looking),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Micros = 1_000_000;

    fn want(by: &str, full: f32, quarter: f32, seconds: f32) -> Want {
        let (full, quarter) = (Some(full), Some(quarter));
        Want { by: by.into(), full, half: None, quarter, lookers: None, seconds: Some(seconds) }
    }

    #[test]
    fn the_highest_rate_of_each_size_counts_until_it_is_forgotten() {
        let mut wants = Wants::default();
        assert_eq!(wants.wanted(0).rates, [0.0; 3]);
        wants.receive(want("a", 5.0, 2.0, 10.0), 0);
        wants.receive(want("b", 30.0, 1.0, 2.0), 0);
        assert_eq!(wants.wanted(S).rates, [30.0, 0.0, 2.0]);
        assert_eq!(wants.wanted(3 * S).rates, [5.0, 0.0, 2.0]);
        wants.receive(want("a", 0.0, 0.0, 0.0), 4 * S);
        assert_eq!(wants.wanted(4 * S).rates, [0.0; 3]);
    }

    #[test]
    fn people_who_look_are_added_up_and_who_does_not_say_is_one() {
        let mut wants = Wants::default();
        wants.receive(Want { lookers: Some(3), ..want("gallery-a", 30.0, 0.0, 10.0) }, 0);
        wants.receive(Want { lookers: Some(1), ..want("gallery-b", 0.0, 2.0, 10.0) }, 0);
        wants.receive(want("mosquitto_pub", 1.0, 0.0, 10.0), 0);
        assert_eq!(wants.wanted(0).looking, 5);
        wants.receive(Want { lookers: Some(3), ..want("gallery-a", 0.0, 0.0, 10.0) }, S);
        assert_eq!(wants.wanted(S).looking, 2, "nobody looks where nothing is wanted");
        wants.receive(Want { lookers: Some(u32::MAX), ..want("gallery-a", 1.0, 0.0, 10.0) }, S);
        assert_eq!(wants.wanted(S).looking, u32::MAX);
        assert_eq!(wants.wanted(11 * S).looking, 0);
    }

    #[test]
    fn askers_are_bounded() {
        let mut wants = Wants::default();
        (0..1000).for_each(|n| wants.receive(want(&n.to_string(), 1.0, 0.0, 60.0), 0));
        assert_eq!(wants.by.len(), limits::WANT_BY);
    }
}
