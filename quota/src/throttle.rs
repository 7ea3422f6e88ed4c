//! Limits how often the same thing is said, so that nobody can fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that may be said at most once in a period.
#[derive(Debug)]
pub struct Throttle {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Throttle {
    /// The first call of `is_due` is due at once.
    pub fn new(every: Duration) -> Throttle {
        Throttle { every, last: Mutex::new(None) }
    }

    /// Whether it may be said now.
    pub fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= self.every);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_and_again_after_a_while() {
        let hourly = Throttle::new(Duration::from_secs(3600));
        assert!(hourly.is_due());
        assert!(!hourly.is_due());
        let always = Throttle::new(Duration::ZERO);
        assert!(always.is_due() && always.is_due());
    }
}
