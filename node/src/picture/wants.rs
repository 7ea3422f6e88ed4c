//! Who asks for frames, at what rate, and for how long; and which frames pass at a rate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use wire::{Size, Want, limits};

/// The wants for one camera.
#[derive(Debug, Default)]
pub(crate) struct Wants {
    by: BTreeMap<String, Held>,
}

#[derive(Debug)]
struct Held {
    full: f32,
    half: f32,
    quarter: f32,
    until: Instant,
}

impl Wants {
    /// Accepts a want in place of the asker's last. False if too many others ask already.
    pub fn insert(&mut self, want: &Want, now: Instant) -> bool {
        self.by.retain(|_, held| held.until > now);
        if self.by.len() >= limits::WANT_BY && !self.by.contains_key(&want.by) {
            return false;
        }
        let held = Held {
            full: want.full.unwrap_or(0.0),
            half: want.half.unwrap_or(0.0),
            quarter: want.quarter.unwrap_or(0.0),
            until: now + want.holds(),
        };
        self.by.insert(want.by.clone(), held);
        true
    }

    /// The highest wanted rate of a size, in frames a second; 0 if nobody wants it.
    pub fn rate(&self, size: Size, now: Instant) -> f32 {
        let held = self.by.values().filter(|held| held.until > now);
        held.map(|held| match size {
            Size::Full => held.full,
            Size::Half => held.half,
            Size::Quarter => held.quarter,
        })
        .fold(0.0, f32::max)
    }
}

/// Lets frames pass at a rate: every frame if the rate is the camera's own or higher, else evenly
/// spaced ones.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    last: Option<Duration>,
    /// The mean distance of the camera's frames, in seconds.
    interval: f64,
    due: f64,
}

impl Pacer {
    /// Whether the frame captured at `at` (monotonic) passes. Ask this for each frame.
    pub fn passes(&mut self, rate: f32, at: Duration) -> bool {
        let Some(last) = self.last.replace(at) else { return rate > 0.0 };
        let distance = at.saturating_sub(last).as_secs_f64();
        self.interval = match self.interval {
            0.0 => distance,
            // Some sixteen frames even out the jitter; a pause of seconds is not a rate.
            mean => mean + (distance.min(4.0 * mean + 0.1) - mean) / 16.0,
        };
        if rate <= 0.0 {
            self.due = 0.0;
            return false;
        }
        // A driver's 30 may be 30.01 by the clock: nobody wants to lose every 3000th frame.
        if f64::from(rate) * self.interval >= 0.95 {
            self.due = 0.0;
            return true;
        }
        self.due += distance * f64::from(rate);
        // The frame nearest to the due time, rather than the first one after it.
        if self.due + f64::from(rate) * self.interval / 2.0 < 1.0 {
            return false;
        }
        self.due = (self.due - 1.0).min(0.5);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(by: &str, full: f32, seconds: f32) -> Want {
        Want {
            by: by.into(),
            full: Some(full),
            half: None,
            quarter: Some(1.0),
            lookers: None,
            seconds: Some(seconds),
        }
    }

    #[test]
    fn the_highest_rate_counts_until_it_is_forgotten() {
        let now = Instant::now();
        let mut wants = Wants::default();
        assert_eq!(wants.rate(Size::Full, now), 0.0);
        wants.insert(&want("a", 5.0, 10.0), now);
        wants.insert(&want("b", 30.0, 2.0), now);
        assert_eq!(wants.rate(Size::Full, now), 30.0);
        assert_eq!(wants.rate(Size::Half, now), 0.0);
        assert_eq!(wants.rate(Size::Quarter, now), 1.0);
        assert_eq!(wants.rate(Size::Full, now + Duration::from_secs(3)), 5.0);
        assert_eq!(wants.rate(Size::Full, now + Duration::from_secs(11)), 0.0);
    }

    #[test]
    fn a_later_want_of_the_same_asker_replaces_the_first() {
        let now = Instant::now();
        let mut wants = Wants::default();
        wants.insert(&want("a", 30.0, 10.0), now);
        wants.insert(&want("a", 2.0, 10.0), now);
        assert_eq!(wants.rate(Size::Full, now), 2.0);
        wants.insert(&want("a", 0.0, 10.0), now);
        assert_eq!(wants.rate(Size::Full, now), 0.0);
    }

    #[test]
    fn the_65th_asker_is_refused_until_one_is_forgotten() {
        let now = Instant::now();
        let mut wants = Wants::default();
        for i in 0..limits::WANT_BY {
            assert!(wants.insert(&want(&i.to_string(), 1.0, 5.0), now));
        }
        assert!(!wants.insert(&want("late", 9.0, 5.0), now));
        assert!(wants.insert(&want("0", 2.0, 5.0), now));
        assert!(wants.insert(&want("late", 9.0, 5.0), now + Duration::from_secs(6)));
    }

    /// Which of `frames` frames of a camera at `fps` pass, with jitter.
    fn passed(rate: f32, fps: f64, frames: u32) -> Vec<u32> {
        let mut pacer = Pacer::default();
        let mut random = fastrand::Rng::with_seed(1);
        let at = |i: u32, jitter: f64| Duration::from_secs_f64(5.0 + (f64::from(i) + jitter) / fps);
        (0..frames).filter(|&i| pacer.passes(rate, at(i, random.f64() * 0.3))).collect()
    }

    #[test]
    fn every_frame_passes_at_the_cameras_rate_or_above() {
        for (rate, fps) in
            [(30.0, 30.0), (30.0, 30.01), (30.0, 29.9), (60.0, 30.0), (1000.0, 7.5), (1.0, 0.5)]
        {
            assert_eq!(passed(rate, fps, 3000).len(), 3000, "{rate} of {fps}");
        }
    }

    #[test]
    fn a_lower_rate_is_met_and_evenly_spaced() {
        for (rate, fps) in
            [(5.0, 30.0), (10.0, 30.0), (14.5, 29.0), (1.0, 25.0), (20.0, 30.0), (0.5, 60.0)]
        {
            let passed = passed(rate, fps, 3000);
            let expected = 3000.0 / fps * f64::from(rate);
            assert!(
                (passed.len() as f64 - expected).abs() <= expected * 0.02 + 2.0,
                "{rate} of {fps}: {}",
                passed.len()
            );
            let step = fps / f64::from(rate);
            for pair in passed.windows(2) {
                let distance = f64::from(pair[1] - pair[0]);
                assert!((distance - step).abs() <= 1.5, "{rate} of {fps}: {distance} frames");
            }
        }
    }

    #[test]
    fn a_rate_that_rises_does_not_wait_for_the_old_time() {
        let (mut pacer, at) = (Pacer::default(), |n: u64| Duration::from_millis(33 * n));
        let seldom = (0..100).filter(|&n| pacer.passes(0.05, at(n))).count();
        assert_eq!(seldom, 1);
        assert!((100..104).any(|n| pacer.passes(10.0, at(n))));
        assert!(pacer.passes(30.0, at(104)));
    }

    #[test]
    fn nothing_passes_at_no_rate_and_the_first_frame_passes_at_once_after_it() {
        assert!(passed(0.0, 30.0, 100).is_empty());
        let mut pacer = Pacer::default();
        for i in 0..100 {
            assert!(!pacer.passes(0.0, Duration::from_millis(i * 33)));
        }
        assert!(pacer.passes(30.0, Duration::from_millis(100 * 33)));
    }
}
