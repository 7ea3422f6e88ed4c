//! When a camera takes its own photos: at whole multiples of a period on the local clock, so every
//! 10 minutes at :00, :10 and so on, and every day at midnight.

use std::time::Duration;

/// The times of one camera. No photo is due at once, nor for times that passed while the clock was
/// set.
#[derive(Debug)]
pub(crate) struct Schedule {
    every: Duration,
    /// The number of the period since 1970.
    period: u128,
    /// The last photo, by the monotonic clock.
    last: Option<Duration>,
}

impl Schedule {
    /// `local` is the wall clock's local time since 1970.
    pub fn new(every: Duration, local: Duration) -> Self {
        Schedule { every, period: period(local, every), last: None }
    }

    /// Whether a period has begun since the last call. Setting the clock never causes two photos
    /// within half a period.
    pub fn is_due(&mut self, local: Duration, monotonic: Duration) -> bool {
        let now = period(local, self.every);
        if std::mem::replace(&mut self.period, now) == now {
            return false;
        }
        let is_soon = |last| monotonic.saturating_sub(last) < self.every / 2;
        if self.last.is_some_and(is_soon) {
            return false;
        }
        self.last = Some(monotonic);
        true
    }

    /// The time until the next period.
    pub fn left(&self, local: Duration) -> Duration {
        let every = self.every.as_nanos().max(1);
        let left = every - local.as_nanos() % every;
        Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

fn period(local: Duration, every: Duration) -> u128 {
    local.as_nanos() / every.as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const TEN: Duration = Duration::from_secs(10 * MINUTE);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn every_ten_minutes_is_at_ten_past_twenty_past_and_so_on() {
        let start = seconds(7 * MINUTE);
        let mut schedule = Schedule::new(TEN, start);
        let due: Vec<u64> = (7 * MINUTE..45 * MINUTE)
            .filter(|&now| schedule.is_due(seconds(now), seconds(now)))
            .collect();
        assert_eq!(due, [600, 1200, 1800, 2400]);
        assert_eq!(schedule.left(seconds(7 * MINUTE)), seconds(3 * MINUTE));
        assert_eq!(schedule.left(seconds(10 * MINUTE)), TEN);
    }

    #[test]
    fn a_clock_set_back_by_a_little_makes_no_second_photo() {
        let mut schedule = Schedule::new(TEN, seconds(599));
        assert!(schedule.is_due(seconds(600), seconds(1)));
        assert!(!schedule.is_due(seconds(599), seconds(2)));
        assert!(!schedule.is_due(seconds(600), seconds(3)));
        assert!(schedule.is_due(seconds(1200), seconds(603)));
    }

    #[test]
    fn a_clock_set_far_makes_one_photo_and_not_all_that_it_passed() {
        let mut schedule = Schedule::new(TEN, seconds(0));
        assert!(schedule.is_due(seconds(1_763_640_000), seconds(1)));
        assert!(!schedule.is_due(seconds(1_763_640_001), seconds(2)));
        assert!(schedule.is_due(seconds(1_763_640_600), seconds(601)));
    }
}
