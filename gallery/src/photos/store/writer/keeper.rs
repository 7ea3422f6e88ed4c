//! The thread that tends the store: watches for room on a full disk, and removes what is too old.

use std::sync::mpsc;
use std::time::Duration;

use supervision::Beat;
use tokio::sync::oneshot;
use tracing::warn;

use super::{Job, now};
use crate::photos::store::disk::Space;

/// How often it looks for room, and after how many looks it removes what is too old.
const LOOK_EVERY: Duration = Duration::from_secs(3);
const TEND_EVERY: u32 = 20;

/// Tends the store until the sender is dropped.
pub(in crate::photos::store) fn keep(
    space: &Space,
    writer: &tokio::sync::mpsc::Sender<Job>,
    stopped: &mpsc::Receiver<()>,
    alive: &Beat,
) {
    let mut look = 0;
    let mut failing = false;
    // Removes at the first look what became due while the gallery was off.
    let mut tend = true;
    while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        alive.beat();
        space.look();
        look += 1;
        while std::mem::take(&mut tend) || look >= TEND_EVERY {
            look = 0;
            let (reply, answer) = oneshot::channel();
            if writer.blocking_send(Job::Tend(now(), reply)).is_err() {
                return;
            }
            match answer.blocking_recv() {
                Ok(Ok(more)) => (tend, failing) = (more, false),
                Ok(Err(error)) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "cannot remove old photos");
                    }
                }
                Err(_) => return,
            }
        }
    }
}
