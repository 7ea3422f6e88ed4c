//! What systemd is told: that all is ready, that all makes progress, that it ends.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// Asks one part whether it makes progress; the error says what does not.
pub type Check = Box<dyn Fn() -> Result<(), String> + Send>;

/// The listeners are bound.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The program ends on purpose.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds systemd's watchdog, where there is one, as long as every part makes progress. It ends
/// with the task that runs it.
pub async fn watch(checks: Vec<Check>) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((limit / 3).max(Duration::from_millis(100)));
    let mut was_stuck = false;
    loop {
        ticks.tick().await;
        match checks.iter().try_for_each(|check| check()) {
            Ok(()) => {
                tell(&[NotifyState::Watchdog]);
                was_stuck = false;
            }
            Err(stuck) => {
                if !was_stuck {
                    warn!(%stuck, "no progress; systemd starts this anew if it goes on");
                }
                was_stuck = true;
            }
        }
    }
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "systemd could not be told");
    }
}
