//! What holds the traffic up.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most that can be chosen at once.
const CHOSEN: usize = 64;

/// The longest name of one of them, in bytes.
const LABEL: usize = 64;

/// Which rates a slow network can have, in bytes a second, and its longest delay.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=10_000_000;
const DELAY_MS: u32 = 5_000;

/// What holds the traffic up. By default nothing does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Nothing passes to others. It waits where it is, and its sender with it.
    pub paused: bool,
    /// The network of the chosen is slow.
    pub slow: bool,
    /// How slow, in bytes a second in each direction.
    pub rate: u32,
    /// How much later what goes to them arrives, in milliseconds.
    pub delay: u32,
    /// For the chosen everything is kept, also pictures for which there are newer ones.
    pub keeps: bool,
    /// Who is chosen, by their labels.
    pub chosen: BTreeSet<String>,
}

/// These switches are out of range; says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSwitches(pub &'static str);

impl Default for Switches {
    fn default() -> Self {
        Switches {
            paused: false,
            slow: false,
            rate: 64_000,
            delay: 300,
            keeps: false,
            chosen: BTreeSet::new(),
        }
    }
}

impl Switches {
    /// Checks what was typed.
    ///
    /// # Errors
    /// [`BadSwitches`].
    pub fn check(self) -> Result<Switches, BadSwitches> {
        if !RATES.contains(&self.rate) {
            return Err(BadSwitches("the rate is 4000 to 10000000 bytes a second"));
        }
        if self.delay > DELAY_MS {
            return Err(BadSwitches("the delay is at most 5000 ms"));
        }
        if self.chosen.len() > CHOSEN || self.chosen.iter().any(|label| label.len() > LABEL) {
            return Err(BadSwitches("at most 64 can be chosen"));
        }
        Ok(self)
    }

    /// Chooses one more if one of those is chosen, and tells whether that changed anything.
    pub(crate) fn choose_like(&mut self, those: &[Arc<str>], label: &str) -> bool {
        let is_chosen = those.iter().any(|label| self.chosen.contains(&**label));
        is_chosen && self.chosen.len() < CHOSEN && self.chosen.insert(label.to_owned())
    }

    /// The rate and delay of one's network, if it is slow.
    pub(crate) fn slowness(&self, label: &str) -> Option<(u32, u32)> {
        (self.slow && self.chosen.contains(label)).then_some((self.rate, self.delay))
    }

    pub(crate) fn slow_for(&self, label: &str) -> bool {
        (self.slow || self.keeps) && self.chosen.contains(label)
    }

    pub(crate) fn keeps_for(&self, label: &str) -> bool {
        self.keeps && self.chosen.contains(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_have_bounds() {
        let good = Switches::default();
        assert_eq!(good.clone().check(), Ok(good.clone()));
        assert!(Switches { rate: 0, ..good.clone() }.check().is_err());
        assert!(Switches { delay: 5001, ..good.clone() }.check().is_err());
        let many = (0..65).map(|n| n.to_string()).collect();
        assert!(Switches { chosen: many, ..good.clone() }.check().is_err());
        let long = BTreeSet::from(["x".repeat(65)]);
        assert!(Switches { chosen: long, ..good.clone() }.check().is_err());
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Switches>(&text).unwrap(), good);
        assert!(serde_json::from_str::<Switches>(&text.replace("paused", "x")).is_err());
    }
}
