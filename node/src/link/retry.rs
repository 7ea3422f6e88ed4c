//! The pauses between attempts to connect to the broker, and their log lines.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The first and the longest pause between attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Connects again and again, with growing pauses, and logs each error once.
pub(crate) struct Retry {
    what: &'static str,
    pause: Duration,
    said: Option<String>,
    /// When the connection came up, and how often in a row it was lost soon afterwards.
    up: Option<Instant>,
    ended: u32,
}

/// If a connection is lost so soon again and again, the broker ends it because of its messages.
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

    /// Waits before the next attempt.
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
        // Many nodes that lost one broker must not all return at one moment.
        sleep(self.pause.mul_f32(0.75 + fastrand::f32() / 2.0)).await;
        self.pause = (self.pause * 2).min(BACKOFF.1);
    }
}
