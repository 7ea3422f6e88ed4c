//! The pauses between tries to connect to the broker, and what is said of them.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Pauses between tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Tries to connect for ever, with pauses that grow, and says once what is wrong.
pub(crate) struct Retry {
    what: &'static str,
    pause: Duration,
    said: Option<String>,
    /// When it came up, and how often in a row it was lost soon after that.
    up: Option<Instant>,
    ended: u32,
}

/// A connection that is lost so long after it came up was ended for what it said, if that happens
/// again and again.
const SOON: Duration = Duration::from_secs(5);
const AGAIN: u32 = 3;

impl Retry {
    /// For the connection called `what`.
    pub fn new(what: &'static str) -> Self {
        Retry { what, pause: BACKOFF.0, said: None, up: None, ended: 0 }
    }

    /// It is connected.
    pub fn worked(&mut self) {
        self.up = Some(Instant::now());
        if self.ended < AGAIN {
            self.pause = BACKOFF.0;
        }
        if self.ended < AGAIN && self.said.take().is_some() {
            tracing::info!("{} connection to the broker is up again", self.what);
        }
    }

    /// Waits before the next try.
    pub async fn after(&mut self, error: &impl Display) {
        let mut text = error.to_string();
        let was_up = self.up.take();
        match was_up.map(|up| up.elapsed() < SOON) {
            Some(true) => self.ended = self.ended.saturating_add(1),
            Some(false) => self.ended = 0,
            None => {}
        }
        if self.ended >= AGAIN {
            text += ", each time soon after it came up: the broker may end it for what its user \
                     is not allowed to publish or read; its log says so";
        }
        if self.said.as_ref() != Some(&text) {
            tracing::warn!(
                "{} connection to the broker: {text}; it is tried again and again",
                self.what
            );
            self.said = Some(text);
        }
        // Many nodes that lost one broker do not all come back in one moment.
        sleep(self.pause.mul_f32(0.75 + fastrand::f32() / 2.0)).await;
        self.pause = (self.pause * 2).min(BACKOFF.1);
    }
}
