//! The memory of the relay, of which each message holds its part until the last has taken it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a message may wait for its part.
const WITHIN: Duration = Duration::from_secs(30);

/// The memory was full for too long.
#[derive(Debug)]
pub(crate) struct TooMuch;

/// Lets `held` be enough for a message of so many bytes; waits while others have all.
pub(crate) async fn hold(
    memory: &Arc<Semaphore>,
    held: &mut Option<OwnedSemaphorePermit>,
    bytes: usize,
) -> Result<(), TooMuch> {
    let have = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let more = kibibytes(bytes).saturating_sub(have);
    if more == 0 {
        return Ok(());
    }
    let more = memory.clone().acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
    let more = timeout(WITHIN, more).await.map_err(|_| TooMuch)?.map_err(|_| TooMuch)?;
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    Ok(())
}

/// The memory is counted in KiB, since a semaphore counts no further than 2^29 on a machine of 32
/// bits.
pub(crate) fn kibibytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}
