//! Saying the same thing seldom, so that nobody can fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something to say at most once in a while.
#[derive(Debug)]
pub(crate) struct Seldom {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Seldom {
    pub fn new(every: Duration) -> Seldom {
        Seldom { every, last: Mutex::new(None) }
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
