//! The two clocks: the wall's, which may be wrong, and the monotonic one that drivers use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Time since boot (`CLOCK_MONOTONIC`), the clock of V4L2's buffers.
pub(crate) fn monotonic() -> Duration {
    duration(ClockId::Monotonic)
}

/// Processor time of this process.
pub(crate) fn process() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

/// The wall clock, since 1970.
pub(crate) fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The wall clock in milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    whole(unix().as_millis())
}

/// Local time as the wall clock shows it: the seconds of `unix`, shifted by the zone's offset.
pub(crate) fn local() -> Duration {
    let unix = unix();
    let now = jiff::Timestamp::try_from(UNIX_EPOCH + unix).unwrap_or_default();
    let offset = jiff::tz::TimeZone::system().to_offset(now).seconds();
    let shift = Duration::from_secs(u64::from(offset.unsigned_abs()));
    if offset < 0 { unix.saturating_sub(shift) } else { unix + shift }
}

/// A count that fits for the next half million years.
pub(crate) fn whole(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Microseconds of a short time.
pub(crate) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn duration(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
