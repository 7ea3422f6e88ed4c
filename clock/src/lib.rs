//! The clocks of this machine: the wall clock, which may be wrong, and the monotonic one, which
//! drivers use. Two programs in the same boot share one monotonic clock.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Stands for a boot that the kernel does not tell. Two machines may both have it.
pub const UNKNOWN_BOOT: &str = "00000000";

/// Time since boot (`CLOCK_MONOTONIC`), the clock of V4L2's buffers.
pub fn monotonic() -> Duration {
    duration(ClockId::Monotonic)
}

/// Processor time of this process.
pub fn process() -> Duration {
    duration(ClockId::ProcessCPUTime)
}

/// The wall clock, since 1970.
pub fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The wall clock in milliseconds since 1970.
pub fn unix_ms() -> u64 {
    whole(unix().as_millis())
}

/// Local time as the wall clock shows it: the seconds of `unix`, shifted by the zone's offset.
pub fn local() -> Duration {
    let unix = unix();
    let now = jiff::Timestamp::try_from(UNIX_EPOCH + unix).unwrap_or_default();
    let offset = jiff::tz::TimeZone::system().to_offset(now).seconds();
    let shift = Duration::from_secs(u64::from(offset.unsigned_abs()));
    if offset < 0 { unix.saturating_sub(shift) } else { unix + shift }
}

/// A count that fits for the next half million years.
pub fn whole(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Microseconds of a short time.
pub fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// The first eight hex digits of the kernel's boot id, in lower case (`random(4)`); `None` if it
/// tells none.
pub fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits = id.get(..8)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| digits.to_ascii_lowercase())
}

fn duration(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_and_the_boot_stays() {
        let mono = monotonic();
        assert!(monotonic() >= mono && mono > Duration::ZERO);
        assert_eq!(boot(), boot());
        assert!(boot().is_none_or(|boot| boot.len() == 8));
    }

    #[test]
    fn local_time_is_less_than_a_day_from_that_of_utc() {
        assert!(local().abs_diff(unix()) < Duration::from_secs(26 * 3600));
    }
}
