//! The capture times of frames, as far as the driver is credible.
//!
//! Drivers' times stand still, jump, go back, come in whole seconds or from another clock. The
//! arrival time is wrong only by exposure and transfer, so it replaces each driver's time that
//! cannot be right.

use std::time::Duration;

/// How long a pipeline may take besides exposure and transfer.
const PIPELINE: Duration = Duration::from_secs(1);

/// How much the ages of frames may differ besides a frame interval, if the node waited for them.
const JITTER: Duration = Duration::from_millis(50);

/// How many correct times in a row restore the trust in a driver.
const PROBATION: u32 = 32;

/// The times of one stream.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// The driver's time of the last frame.
    told: Option<Duration>,
    /// The time given to it.
    at: Duration,
    /// The mean age of frames for which the node waited.
    age: Option<Duration>,
    /// How many more frames the driver's time is not trusted for.
    doubts: u32,
}

/// The arrival of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// When, by the monotonic clock.
    pub now: Duration,
    /// When the queue was last seen empty before it.
    pub empty: Duration,
    /// The node had to wait for it.
    pub waited: bool,
    /// The longest time between two frames that the driver reports.
    pub interval: Duration,
}

impl Times {
    /// When a frame was captured by the monotonic clock, later than the one before; and whether
    /// that is the driver's time. `told` is the driver's time, if the driver claims that clock.
    pub fn captured(&mut self, told: Option<Duration>, came: Came) -> (Duration, bool) {
        let Came { now, empty, waited, interval } = came;
        let before = std::mem::replace(&mut self.told, told);
        let age = told
            .filter(|_| before.is_none_or(|before| told > Some(before)))
            .and_then(|told| now.checked_sub(told))
            // The frame is newer than the empty queue, except for exposure and transfer.
            .filter(|age| *age <= now.saturating_sub(empty) + PIPELINE + 2 * interval);
        let is_steady = age.is_some_and(|age| {
            let differs = self.age.map_or(Duration::ZERO, |mean| mean.abs_diff(age));
            !waited || differs <= interval + JITTER
        });
        self.age = match (age, self.age) {
            (Some(age), Some(mean)) if is_steady && waited => Some((15 * mean + age) / 16),
            (Some(age), _) if waited => Some(age),
            (_, mean) => mean,
        };
        self.doubts = if is_steady { self.doubts.saturating_sub(1) } else { PROBATION };
        let believed = age.filter(|_| self.doubts == 0);
        let at = now.saturating_sub(believed.unwrap_or_default());
        self.at = at.max(self.at + Duration::from_micros(1));
        (self.at, believed.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: Duration = Duration::from_millis(33);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The ages in milliseconds of 300 frames at 30 a second, each 20 ms old on arrival. Their
    /// driver turns the true time in milliseconds into `lie`'s.
    fn ages(lie: impl Fn(u64, u64) -> Option<Duration>) -> Vec<u128> {
        let mut times = Times::default();
        let frame = |n: u64| {
            let captured = 100_000 + 33 * n;
            let now = ms(captured + 20);
            let came = Came { now, empty: now - FRAME, waited: true, interval: FRAME };
            (now - times.captured(lie(n, captured), came).0).as_millis()
        };
        (0..300).map(frame).collect()
    }

    #[test]
    fn a_true_time_is_believed() {
        assert_eq!(ages(|_, true_ms| Some(ms(true_ms))), [20; 300]);
    }

    #[test]
    fn a_time_that_cannot_be_right_is_that_of_receipt() {
        // It shows with the second or third frame.
        let received = [0; 297];
        let doubted = |lie: &dyn Fn(u64, u64) -> Option<Duration>| ages(lie).split_off(3);
        assert_eq!(doubted(&|_, _| None), received, "not told");
        assert_eq!(doubted(&|_, _| Some(Duration::ZERO)), received, "zero");
        assert_eq!(doubted(&|_, _| Some(ms(100_000))), received, "stands still");
        assert_eq!(doubted(&|_, t| Some(ms(t + 5000))), received, "the future");
        assert_eq!(doubted(&|_, t| Some(ms(t - 20_000))), received, "long ago");
        assert_eq!(doubted(&|_, t| Some(ms(t + 86_400_000))), received, "another boot");
        assert_eq!(doubted(&|_, t| Some(ms(t + 1_763_640_000_000))), received, "the wall's");
        assert_eq!(doubted(&|n, t| Some(ms(t + 60 * (n % 3) - 60))), received, "jumps");
        let goes_back = |n, t| Some(ms(if n % 2 == 0 { t } else { t - 400 }));
        assert_eq!(doubted(&goes_back), received, "goes back");
    }

    #[test]
    fn whole_seconds_and_a_single_jump_cost_little_precision() {
        let coarse = ages(|_, t| Some(ms(t / 1000 * 1000)));
        assert!(coarse.iter().all(|age| *age <= 20 + 33), "{coarse:?}");
        let jump = ages(|n, t| Some(ms(if n < 100 { t } else { t - 300 })));
        assert_eq!(jump[99], 20);
        assert_eq!(jump[100..131], [0; 31], "it is doubted for a second");
        assert_eq!(jump[299], 320, "and then may be what the pipeline takes");
    }

    #[test]
    fn a_long_exposure_is_as_old_as_its_driver_says() {
        let mut times = Times::default();
        let interval = Duration::from_secs(5);
        for n in 1..9 {
            let now = Duration::from_secs(100) + n * interval;
            let came = Came { now, empty: now - ms(200), waited: true, interval };
            assert_eq!(times.captured(Some(now - interval), came), (now - interval, true));
        }
    }

    #[test]
    fn frames_that_waited_for_us_keep_their_times() {
        let mut times = Times::default();
        let captured = [1000, 1033, 1066, 1100].map(ms);
        let (empty, interval) = (ms(990), FRAME);
        for (at, now) in captured.into_iter().zip([1020, 3000, 3001, 3002].map(ms)) {
            let came = Came { now, empty, waited: now < ms(2000), interval };
            assert_eq!(times.captured(Some(at), came), (at, true));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_told_times_rise_and_are_not_of_the_future(
            told in proptest::collection::vec(
                (proptest::option::of(0u64..400_000), any::<bool>(), 1u64..9000), 1..200),
        ) {
            let (mut times, mut now, mut last) = (Times::default(), ms(50_000), Duration::ZERO);
            for (told, waited, passed) in told {
                let empty = now;
                now += ms(passed);
                let came = Came { now, empty, waited, interval: FRAME };
                let (at, _) = times.captured(told.map(ms), came);
                prop_assert!(at > last && at <= now);
                prop_assert!(now - at <= ms(passed) + PIPELINE + 2 * FRAME);
                last = at;
            }
        }
    }
}
