//! The time, read in one place and passed on as a value.

use std::time::Duration;

use wire::PhotoId;

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
        Now { mono: mono(), wall: micros(clock::unix()) }
    }

    /// The same as [`Now::mono`].
    pub fn since_boot(self) -> Duration {
        Duration::from_micros(self.mono)
    }

    pub fn wall_ms(self) -> u64 {
        self.wall / 1000
    }

    /// A new id of this moment, for a photo or what else has such an id.
    pub fn new_id(self) -> PhotoId {
        PhotoId::new(self.wall_ms(), fastrand::u128(..))
    }
}

/// `CLOCK_MONOTONIC` in microseconds.
pub(crate) fn mono() -> Micros {
    micros(clock::monotonic())
}

pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
