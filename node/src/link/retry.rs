//! The pauses between attempts to connect to the broker, and their log lines.

use std::fmt::Display;

use tokio::time::{Instant, sleep};

/// Connects again and again, and logs each error once.
pub(crate) struct Retry {
    what: &'static str,
    retry: supervision::Retry,
}

impl Retry {
    /// For the connection called `what`.
    pub fn new(what: &'static str) -> Self {
        Retry { what, retry: supervision::Retry::default() }
    }

    /// It is connected.
    pub fn worked(&mut self) {
        if self.retry.worked(Instant::now().into_std()) {
            tracing::info!("{} connection to the broker is up again", self.what);
        }
    }

    /// Waits before the next attempt.
    pub async fn after(&mut self, error: &impl Display) {
        let pause = self.retry.lost(Instant::now().into_std());
        let mut text = error.to_string();
        if self.retry.is_ended() {
            text += ", each time soon after it came up: the broker may end it for what its user \
                     is not allowed to publish or read; its log says so";
        }
        if self.retry.is_news(&text) {
            tracing::warn!(
                "{} connection to the broker: {text}; it is tried again and again",
                self.what
            );
        }
        // Many nodes that lost one broker must not all return at one moment.
        sleep(pause.mul_f32(0.75 + fastrand::f32() / 2.0)).await;
    }
}
