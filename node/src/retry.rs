//! The pauses between tries to connect to the broker, and what is said of them.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::sleep;

/// Pauses between tries to connect.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Tries to connect for ever, with pauses that grow, and says once what is wrong.
pub(crate) struct Retry {
    what: &'static str,
    pause: Duration,
    said: Option<String>,
}

impl Retry {
    /// For the connection called `what`.
    pub fn new(what: &'static str) -> Self {
        Retry { what, pause: BACKOFF.0, said: None }
    }

    /// It is connected.
    pub fn worked(&mut self) {
        self.pause = BACKOFF.0;
        if self.said.take().is_some() {
            tracing::info!("{} connection to the broker is up again", self.what);
        }
    }

    /// Waits before the next try.
    pub async fn after(&mut self, error: &impl Display) {
        let text = error.to_string();
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
