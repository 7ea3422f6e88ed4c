//! SIGTERM and Ctrl-C.

use std::process;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first signal. The second one ends the process at once.
pub async fn first() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "Ctrl-C",
        }
    };
    tracing::info!(signal = next().await, "stopping; once more stops at once");
    // It waits for the second signal until the process ends.
    tokio::spawn(async move {
        next().await;
        process::exit(1);
    });
    Ok(())
}
