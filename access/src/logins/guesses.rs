//! Wrong passwords, gathered for the log: it has a line for each address in a while, not one for
//! each guess. Pure.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use wire::log::Event;

/// How long wrong passwords are gathered before the log is told: at first, and at most. It doubles
/// each time, so that a patient guesser does not push everything else out of the log.
const GATHER: Duration = Duration::from_secs(10);
const GATHER_MOST: Duration = Duration::from_secs(60 * 60);

/// After so long without a wrong password it begins anew.
const QUIET: Duration = GATHER_MOST;

/// The most addresses that are told one by one each time, and that are counted.
const TOLD: usize = 8;
const COUNTED: usize = 1024;

/// The wrong passwords that the log does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    of: HashMap<IpAddr, u64>,
    others: u64,
    /// Since when they are gathered, when the last one came, and how long they are gathered.
    since: Option<Duration>,
    last: Option<Duration>,
    gather: Duration,
}

impl Guesses {
    /// Somebody at this address was wrong. `now` is the time since a fixed moment.
    pub fn note(&mut self, address: IpAddr, now: Duration) {
        if self.last.is_none_or(|last| now.saturating_sub(last) >= QUIET) {
            self.gather = GATHER;
        }
        self.last = Some(now);
        self.since.get_or_insert(now);
        if self.of.len() < COUNTED || self.of.contains_key(&address) {
            *self.of.entry(address).or_default() += 1;
        } else {
            self.others += 1;
        }
    }

    /// What the log is told now: those who guessed most, and the others together.
    pub fn told(&mut self, now: Duration) -> Vec<Event> {
        if self.since.is_none_or(|since| now.saturating_sub(since) < self.gather) {
            return Vec::new();
        }
        let gather = (self.gather * 2).min(GATHER_MOST);
        let after = Guesses { last: self.last, gather, ..Guesses::default() };
        let Guesses { of, mut others, .. } = std::mem::replace(self, after);
        let mut of: Vec<(IpAddr, u64)> = of.into_iter().collect();
        of.sort_by_key(|(address, count)| (std::cmp::Reverse(*count), *address));
        others += of.iter().skip(TOLD).map(|(_, count)| count).sum::<u64>();
        let one = |(address, count)| Event::Denied { address: Some(address), count };
        let many = (others > 0).then_some(Event::Denied { address: None, count: others });
        of.into_iter().take(TOLD).map(one).chain(many).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_guesses_from_many_addresses_are_few_lines() {
        let mut guesses = Guesses::default();
        let at = |n: u32| IpAddr::from(n.to_be_bytes());
        for n in 0..5000 {
            guesses.note(at(n), Duration::from_secs(1));
        }
        for _ in 0..100 {
            guesses.note(at(7), Duration::from_secs(2));
        }
        assert!(guesses.told(Duration::from_secs(10)).is_empty());
        let told = guesses.told(Duration::from_secs(11));
        assert_eq!(told.len(), TOLD + 1);
        assert_eq!(told[0], Event::Denied { address: Some(at(7)), count: 101 });
        let counts = told.iter().map(|event| match event {
            Event::Denied { count, .. } => *count,
            _ => 0,
        });
        assert_eq!(counts.sum::<u64>(), 5100, "none is lost");
        assert!(guesses.told(Duration::from_secs(99)).is_empty());
    }

    #[test]
    fn a_patient_guesser_fills_no_log() {
        let mut guesses = Guesses::default();
        let here = IpAddr::from([10, 0, 0, 1]);
        let at = |second: u64| Duration::from_secs(second);
        let (mut lines, mut counted) = (0, 0);
        for second in 0..24 * 60 * 60 {
            if second % 10 == 0 {
                guesses.note(here, at(second));
            }
            for event in guesses.told(at(second)) {
                let Event::Denied { count, .. } = event else { panic!("{event:?}") };
                (lines, counted) = (lines + 1, counted + count);
            }
        }
        assert!((20..40).contains(&lines), "{lines} in a day");
        assert!(counted > 8000, "each is counted: {counted}");
        let day = at(24 * 60 * 60);
        assert!(!guesses.told(day + GATHER_MOST).is_empty());
        guesses.note(here, day + 2 * GATHER_MOST);
        assert_eq!(guesses.told(day + 2 * GATHER_MOST + GATHER).len(), 1, "after a quiet hour");
    }

    #[test]
    fn one_that_was_wrong_once_is_told_once() {
        let mut guesses = Guesses::default();
        let here = IpAddr::from([10, 0, 0, 1]);
        guesses.note(here, Duration::ZERO);
        assert_eq!(guesses.told(GATHER), [Event::Denied { address: Some(here), count: 1 }]);
    }
}
