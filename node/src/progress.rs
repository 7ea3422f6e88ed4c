//! Who of the node's threads and connections is alive.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether all threads and connections of a node make progress. A camera known to be lost or an
/// unreachable broker that is tried again is progress.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Vec<Watched>>>);

#[derive(Debug)]
struct Watched {
    what: String,
    within: Duration,
    last: Arc<Mutex<Instant>>,
}

impl Health {
    /// Whether each has shown a sign of life in time.
    ///
    /// # Errors
    /// Says which has not, and for how long.
    pub fn check(&self) -> Result<(), String> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended is no longer expected to move.
        watched.retain(|one| Arc::strong_count(&one.last) > 1);
        for one in watched.iter() {
            let idle = one.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
            if idle > one.within {
                return Err(format!("{} has made no progress for {} s", one.what, idle.as_secs()));
            }
        }
        Ok(())
    }

    /// Begins to watch something that is to show a sign of life at least this often, until the
    /// [`Beat`] is dropped.
    pub(crate) fn watch(&self, what: impl Into<String>, within: Duration) -> Beat {
        let last = Arc::new(Mutex::new(Instant::now()));
        let one = Watched { what: what.into(), within, last: Arc::clone(&last) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        Beat(last)
    }
}

/// Where signs of life are shown.
#[derive(Debug)]
pub(crate) struct Beat(Arc<Mutex<Instant>>);

impl Beat {
    /// A sign of life.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_named_until_it_moves_or_ends() {
        let health = Health::default();
        assert_eq!(health.check(), Ok(()));
        let slow = health.watch("camera door", Duration::ZERO);
        let _fine = health.watch("camera hall", Duration::from_secs(60));
        assert!(health.check().unwrap_err().starts_with("camera door has made no progress"));
        drop(slow);
        assert_eq!(health.check(), Ok(()));
    }
}
