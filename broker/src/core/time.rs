//! What happens by the clock, or bit by bit: delayed wills, the end of sessions, what members of
//! shared subscriptions left behind, and news of the broker itself.
//!
//! It is a part of the broker's own future and no task: it cannot end while the broker runs.

use std::time::{Duration, Instant};

use supervision::Beat;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use crate::core::sessions::Core;
use crate::core::sys;

/// How often the broker says how it is, to those who want to know, and lets go of retained
/// messages that have expired.
const BEAT: Duration = Duration::from_secs(10);

impl Core {
    /// Does what is due, and never ends. Each round takes the lock that all clients need, and then
    /// shows `alive` that it can be had.
    pub async fn keep_time(&self, alive: &Beat) {
        let mut beat = Instant::now() + BEAT;
        loop {
            let now = Instant::now();
            if now >= beat {
                beat = now + BEAT;
                self.beat(now);
            }
            let next = self.expire(&mut self.lock(), now);
            while self.pass_on(&mut self.lock()) {
                yield_now().await;
            }
            alive.beat();
            let wake = next.map_or(beat, |next| next.min(beat));
            tokio::select! {
                () = sleep_until(wake.into()) => {}
                () = self.hastened.notified() => {}
            }
        }
    }

    fn beat(&self, now: Instant) {
        let mut state = self.lock();
        state.retained.drop_expired(now);
        self.counters.retained.set(state.retained.len());
        if state.sys_filters > 0 {
            for fact in sys::facts(self) {
                self.spread(&mut state, 0, &fact);
            }
            self.settle(&mut state);
        }
    }
}
