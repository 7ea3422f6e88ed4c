//! The stop signal for all tasks: a flag that becomes true, or whose sender is dropped.

use tokio::sync::watch;

/// Resolves when it is time to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
