//! How long a camera may take for its next frame, from the driver's rate and the observed frames.
//!
//! A camera with one frame in five seconds works, but one with thirty a second that gives none for
//! five has stopped. The pace of a new stream is unknown: it waits for long exposures, lamps that
//! warm up and drivers that start slowly.

use std::collections::VecDeque;
use std::time::Duration;

use wire::limits::STALLED_AFTER;

/// How long a stream may take until its pace is known; the time doubles, so often, after each
/// stream that gave nothing.
const BEGINS: Duration = Duration::from_secs(20);
const DOUBLED: u32 = 3;

/// How many frames it takes to know the pace.
const KNOWN: u32 = 3;

/// A longer interval from a driver is ignored.
const BELIEVED: Duration = Duration::from_secs(600);

/// The pace is the longest of this many distances between good frames; from [`FEW`] on the second
/// longest, because a camera that stopped once is not slow.
const SEEN: usize = 32;
const FEW: usize = 4;

/// A stopped stream is reopened only after this time without a frame.
const REOPEN: Duration = Duration::from_secs(7);

/// Published intervals, in seconds, in steps: not each wobble of the pace is published.
const STEPS: [u16; 13] = [2, 3, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600];

/// The pace of one camera, over all its streams.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The longest time between two frames that the driver reports.
    told: Duration,
    /// The distances of the last good frames.
    seen: VecDeque<Duration>,
    /// How long this stream took to its first good frame, once that has come.
    began: Option<Duration>,
    /// Frames of this stream, good or not.
    came: u32,
    /// When the last frame came, or else when the stream began; and the last good frame.
    last: Duration,
    good: Duration,
    /// How many streams in a row gave too little to know the pace.
    in_vain: u32,
    /// The published interval.
    step: Option<u16>,
}

/// What is missing from a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No frame comes.
    Frames,
    /// Frames come, but none that is good.
    Good,
}

impl Pace {
    /// A stream begins.
    pub fn begin(&mut self, told: Option<Duration>, now: Duration) {
        self.told = told.filter(|told| *told <= BELIEVED).unwrap_or_default();
        (self.came, self.began, self.last, self.good) = (0, None, now, now);
    }

    /// A frame came, and whether it is good.
    pub fn frame(&mut self, is_good: bool, now: Duration) {
        // The time of a still source or of broken frames is not part of the pace.
        let good = now.saturating_sub(self.good).min(2 * self.patience());
        let distance = good.max(now.saturating_sub(self.last));
        self.last = now;
        self.came = self.came.saturating_add(1);
        if self.came >= KNOWN {
            self.in_vain = 0;
        }
        if is_good {
            self.good = now;
            if self.began.is_none() {
                self.began = Some(distance);
                return;
            }
            if self.seen.len() == SEEN {
                self.seen.pop_front();
            }
            self.seen.push_back(distance);
        }
    }

    /// The stream is over.
    pub fn end(&mut self) {
        self.in_vain += u32::from(self.came < KNOWN);
    }

    /// What has been missing too long, and whether to reopen the stream.
    pub fn missing(&self, now: Duration) -> Option<(Missing, bool)> {
        let (patience, without) = (self.patience(), now.saturating_sub(self.good));
        let what = match now.saturating_sub(self.last) >= patience {
            true => Missing::Frames,
            false => Missing::Good,
        };
        (without >= patience).then_some((what, without >= patience + REOPEN))
    }

    /// How long to wait for the next good frame.
    pub fn patience(&self) -> Duration {
        // A slow start may repeat, until the camera has shown otherwise.
        let began = self.began.filter(|_| self.came <= SEEN as u32).unwrap_or_default();
        let interval = self.interval().max(began);
        // Paces are uneven, especially short ones.
        let uneven = (10 * interval).min(3 * interval + Duration::from_secs(10));
        let known = uneven.max(STALLED_AFTER);
        if self.came >= KNOWN { known } else { known.max(BEGINS * 2u32.pow(self.doubled())) }
    }

    /// How much longer a photo may take than from a fast camera: a frame under exposure at the
    /// request is not the photo, and a stream may not have given any yet.
    pub fn photo(&self) -> Duration {
        let begins = if self.came >= KNOWN { Duration::ZERO } else { self.patience() };
        begins.max(2 * self.interval())
    }

    /// The published interval, in seconds; none for a camera with a frame a second or more.
    pub fn published(&mut self) -> Option<f32> {
        let interval = self.interval();
        let step_of = |interval: Duration| {
            let fits = |step: &u16| interval <= Duration::from_secs((*step).into());
            (interval > Duration::from_millis(1100))
                .then(|| STEPS.into_iter().find(fits).unwrap_or(STEPS[STEPS.len() - 1]))
        };
        let (up, down) = (step_of(interval.mul_f32(0.95)), step_of(interval.mul_f32(1.2)));
        // It rises at once, but falls only well below the step.
        if up > self.step || down < self.step {
            self.step = up;
        }
        self.step.map(f32::from)
    }

    fn doubled(&self) -> u32 {
        self.in_vain.min(DOUBLED)
    }

    /// The longest expected time between two frames.
    fn interval(&self) -> Duration {
        // The driver's interval counts until the camera has shown better.
        let told = if self.seen.len() < SEEN { self.told } else { Duration::ZERO };
        let mut longest = [Duration::ZERO; 2];
        for &distance in &self.seen {
            let [first, second] = longest;
            longest = [first.max(distance), second.max(first.min(distance))];
        }
        longest[usize::from(self.seen.len() >= FEW)].max(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A camera that reports `told` and gave good frames at these seconds of its stream.
    fn pace(told: f64, frames: &[f64]) -> Pace {
        let mut pace = Pace::default();
        pace.begin(Some(s(told)), s(0.0));
        frames.iter().for_each(|at| pace.frame(true, s(*at)));
        pace
    }

    /// Seconds from the last frame after which it is lost, and opened again.
    fn ends(pace: &Pace) -> (f64, f64) {
        let after = |is: fn((Missing, bool)) -> bool| {
            let at = |tenths: &u32| pace.good + Duration::from_millis(100 * u64::from(*tenths));
            let first = (0..100_000).find(|tenths| pace.missing(at(tenths)).is_some_and(is));
            f64::from(first.unwrap()) / 10.0
        };
        (after(|_| true), after(|(_, again)| again))
    }

    fn every(interval: f64, count: u32) -> Vec<f64> {
        (1..=count).map(|n| f64::from(n) * interval).collect()
    }

    #[test]
    fn a_quick_camera_that_stops_is_lost_after_three_seconds() {
        assert_eq!(ends(&pace(1.0 / 30.0, &every(1.0 / 30.0, 40))), (3.0, 10.0));
        assert_eq!(ends(&pace(0.5, &every(0.5, 40))), (5.0, 12.0));
    }

    #[test]
    fn a_slow_camera_is_waited_for_in_its_own_measure() {
        for (interval, lost) in [(1.0, 10.0), (5.0, 25.0), (30.0, 100.0)] {
            for told in [interval, 1.0 / 30.0] {
                assert_eq!(ends(&pace(told, &every(interval, 5))), (lost, lost + 7.0));
            }
        }
    }

    #[test]
    fn a_camera_that_slows_down_in_the_dark_stays() {
        let mut frames = every(1.0 / 30.0, 60);
        frames.extend(every(0.5, 60).iter().map(|at| 2.0 + at));
        let mut pace = pace(1.0 / 30.0, &[]);
        for at in frames {
            assert_eq!(pace.missing(s(at)), None);
            pace.frame(true, s(at));
        }
        assert_eq!(ends(&pace).0, 5.0);
    }

    #[test]
    fn an_uneven_pace_is_no_stall() {
        let mut pace = pace(1.0, &[]);
        let mut now = 0.0;
        for gap in [1.0, 9.0, 2.0].into_iter().cycle().take(60) {
            now += gap;
            assert_eq!(pace.missing(s(now)), None, "after {gap} s");
            pace.frame(true, s(now));
            assert!(matches!(pace.published(), None | Some(10.0)));
        }
    }

    #[test]
    fn the_first_frame_is_waited_for_and_longer_at_each_try() {
        let mut pace = pace(1.0 / 30.0, &[]);
        for lost in [20.0, 40.0, 80.0, 160.0, 160.0] {
            assert_eq!(ends(&pace), (lost, lost + 7.0));
            pace.end();
            pace.begin(None, s(0.0));
        }
        pace.frame(true, s(30.0));
        pace.frame(true, s(30.1));
        pace.frame(true, s(30.2));
        assert_eq!(ends(&pace).0, 100.0, "the first frame took 30 s");
        every(0.1, 32).iter().for_each(|at| pace.frame(true, s(30.2 + at)));
        assert_eq!(ends(&pace), (3.0, 10.0), "it was only the first");
        pace.end();
        pace.begin(None, s(100.0));
        assert_eq!(ends(&pace).0, 20.0);
    }

    #[test]
    fn a_driver_that_tells_a_rate_and_gives_30_s_frames_is_learnt_from() {
        let mut pace = pace(1.0 / 30.0, &[0.03]);
        assert_eq!(pace.missing(s(27.1)), Some((Missing::Frames, true)));
        pace.end();
        pace.begin(None, s(28.0));
        pace.frame(true, s(28.1));
        assert_eq!(pace.missing(s(58.0)), None, "the second try is longer");
        pace.frame(true, s(58.1));
        assert_eq!(ends(&pace).0, 100.0);
    }

    #[test]
    fn frames_that_are_not_good_are_another_thing_than_none() {
        let mut pace = pace(1.0 / 30.0, &every(0.1, 40));
        (0..29).for_each(|n| pace.frame(false, s(4.1 + f64::from(n) / 10.0)));
        assert_eq!(pace.missing(s(6.99)), None);
        assert_eq!(pace.missing(s(7.0)), Some((Missing::Good, false)));
        assert_eq!(pace.missing(s(9.9)), Some((Missing::Frames, false)));
    }

    #[test]
    fn a_slow_pace_is_told_in_steps_and_a_quick_one_is_not() {
        assert_eq!(pace(1.0 / 30.0, &every(1.0 / 30.0, 40)).published(), None);
        assert_eq!(pace(1.0, &every(1.01, 40)).published(), None);
        assert_eq!(pace(5.0, &[]).published(), Some(5.0), "by the driver's word");
        assert_eq!(pace(1.0, &every(5.0, 3)).published(), Some(5.0), "by what was seen");
        let mut wobbles = pace(5.0, &every(5.0, 40));
        let mut now = 200.0;
        for gap in [4.6, 5.2, 4.9, 5.1].into_iter().cycle().take(100) {
            now += gap;
            wobbles.frame(true, s(now));
            assert_eq!(wobbles.published(), Some(5.0));
        }
        let mut begins = pace(1.0 / 30.0, &[2.9, 2.95]);
        assert_eq!(begins.published(), None, "what its first frame took is no pace");
        let quick = every(0.1, 40);
        quick.iter().for_each(|at| wobbles.frame(true, s(now + at)));
        assert_eq!(wobbles.published(), None);
    }

    #[test]
    fn an_interval_that_no_camera_has_is_not_believed() {
        let mut endless = pace(1e7, &[]);
        assert_eq!((ends(&endless).0, endless.published()), (20.0, None));
    }

    #[test]
    fn a_camera_that_stopped_once_is_not_a_slow_one() {
        let mut pace = pace(1.0 / 30.0, &every(0.1, 40));
        pace.frame(true, s(8.0));
        pace.frame(true, s(8.1));
        assert_eq!((ends(&pace), pace.published()), ((3.0, 10.0), None));
        pace.frame(true, s(13.0));
        assert_eq!(pace.published(), Some(5.0), "but one that does so again is");
    }

    #[test]
    fn an_hour_in_which_a_source_stood_still_is_no_pace() {
        let mut pace = pace(1.0 / 30.0, &every(0.1, 40));
        every(0.1, 36_000).iter().for_each(|at| pace.frame(false, s(4.0 + at)));
        pace.frame(true, s(3604.1));
        assert!(ends(&pace).0 <= 30.0);
        every(0.1, 32).iter().for_each(|at| pace.frame(true, s(3604.1 + at)));
        assert_eq!((ends(&pace).0, pace.published()), (3.0, None));
    }

    #[test]
    fn good_frames_between_broken_ones_are_a_pace_too() {
        let mut pace = pace(1.0 / 30.0, &every(0.1, 40));
        for n in 1..=100 {
            pace.frame(n % 50 == 0, s(4.0 + f64::from(n) / 10.0));
        }
        assert!(ends(&pace).0 > 5.0);
    }
}
