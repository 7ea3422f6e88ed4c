//! SIGTERM and Ctrl-C.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask the process to end. Once this exists, they no longer kill it.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Resolves at the first signal. The second one ends the process at once.
    pub async fn first(mut self) {
        tracing::info!(signal = self.next().await, "stopping; a second signal stops at once");
        // This task waits for the second signal until the process ends.
        tokio::spawn(async move {
            self.next().await;
            process::exit(1);
        });
    }

    /// Resolves at the next signal, and says which.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }
}
