//! Work by the clock, or in small steps: delayed wills, the end of sessions, messages of departed
//! members of shared subscriptions, and the broker's own facts.
//!
//! It is part of the broker's own future and not a task, so it cannot end while the broker runs.

use std::time::{Duration, Instant};

use supervision::Beat;
use tokio::task::yield_now;
use tokio::time::sleep_until;
use traffic::Passing;

use crate::core::sessions::Core;
use crate::core::sys;

/// How often the broker publishes its facts to those who subscribed to them, and removes expired
/// retained messages.
const BEAT: Duration = Duration::from_secs(10);

impl Core {
    /// Does what is due, and never ends. Each round takes the lock that all clients need, and then
    /// tells `alive` that the lock is free.
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
                self.spread(&mut state, 0, &fact, &Passing::default());
            }
            self.end_due(&mut state);
        }
    }
}
