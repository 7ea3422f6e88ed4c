//! The time, read in one place and passed on as a value.

use std::time::{Duration, SystemTime};

/// Microseconds.
pub(crate) type Micros = u64;

/// One moment on both clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// `CLOCK_MONOTONIC` in microseconds since boot, the clock of the nodes' stamps.
    pub mono: Micros,
    /// The wall clock, in microseconds since 1970.
    pub wall: Micros,
}

impl Now {
    pub fn read() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { mono: mono(), wall: micros(wall) }
    }

    /// The same as [`Now::mono`].
    pub fn since_boot(self) -> Duration {
        Duration::from_micros(self.mono)
    }

    pub fn wall_ms(self) -> u64 {
        self.wall / 1000
    }
}

/// `CLOCK_MONOTONIC` in microseconds.
pub(crate) fn mono() -> Micros {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Eight hex digits of the kernel's boot id, as in the nodes' stamps; empty if there is none.
pub(crate) fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.chars().take(8).collect())
        .unwrap_or_default()
}
