//! The pauses between attempts to connect to the broker, and their log lines.

use std::fmt::Display;

use tokio::time::{Instant, sleep};
use wire::BrokerUrl;

/// Connects again and again, and logs each error once.
pub(crate) struct Retry {
    what: &'static str,
    broker: BrokerUrl,
    retry: supervision::Retry,
}

impl Retry {
    /// For the connection to `broker` called `what`.
    pub fn new(what: &'static str, broker: &BrokerUrl) -> Self {
        Retry { what, broker: broker.clone(), retry: supervision::Retry::default() }
    }

    /// It is connected.
    pub fn worked(&mut self) {
        if self.retry.worked(Instant::now().into_std()) {
            tracing::info!(broker = %self.broker, "{} connection to the broker is up again", self.what);
        }
    }

    /// Waits before the next attempt.
    pub async fn after(&mut self, error: &impl Display) {
        let pause = self.retry.lost(Instant::now().into_std());
        let mut text = error.to_string();
        if self.retry.is_ended() {
            text += ", soon after connecting: the broker may end it because the node's user may \
                     not publish or read something; the broker's log says what";
        }
        if self.retry.is_news(&text) {
            tracing::warn!(broker = %self.broker, "{} connection to the broker: {text}; trying again", self.what);
        }
        // Many nodes that lost one broker must not all return at one moment.
        sleep(pause.mul_f32(0.75 + fastrand::f32() / 2.0)).await;
    }
}
