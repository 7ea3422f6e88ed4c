//! Notifies systemd: ready, making progress, stopping.

use std::time::Duration;

use sd_notify::NotifyState;
use supervision::Health;
use tracing::warn;

/// The listeners are bound.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The program ends on purpose.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds systemd's watchdog, if there is one, while every watched thread and task is alive and
/// moves. It ends with the task that runs it.
pub async fn watch(health: Health) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval((limit / 3).max(Duration::from_millis(100)));
    let mut was_stuck = false;
    loop {
        ticks.tick().await;
        let is_fed = feed(&health, was_stuck);
        if is_fed {
            tell(&[NotifyState::Watchdog]);
        }
        was_stuck = !is_fed;
    }
}

/// Whether to feed the watchdog now.
fn feed(health: &Health, was_stuck: bool) -> bool {
    let checked = health.check();
    if let Err(stuck) = &checked
        && !was_stuck
    {
        warn!(%stuck, "a thread or task has ended or stands still; systemd restarts this process \
                       if that lasts");
    }
    checked.is_ok()
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot notify systemd");
    }
}

#[cfg(test)]
mod tests {
    use supervision::{Beat, Need};

    use super::*;

    #[test]
    fn the_watchdog_is_not_fed_for_a_part_with_a_dead_thread() {
        let (all, part) = (Health::default(), Health::default());
        all.include(&part);
        assert!(feed(&all, false));
        let thread = part.thread("spool", Need::Minor, |_: &Beat| panic!("meant to die"));
        assert!(thread.unwrap().join().is_err());
        assert!(!feed(&all, false));
    }
}
