//! Token buckets limit how often something may be done. They read no clock: `now` is the time since
//! a moment that must be the same in all calls.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// The most buckets kept at once; a bucket that is full again can be forgotten.
const MOST: usize = 4096;

/// How many turns at once, and how many a second in the long run.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Turns at once; at least 1.
    pub burst: f32,
    /// Turns a second; more than 0.
    pub per_second: f32,
}

/// A bucket of turns that refills with time.
///
/// ```
/// # use std::time::Duration;
/// let mut bucket = quota::Bucket::new(quota::Rate { burst: 2.0, per_second: 0.5 });
/// let now = Duration::from_secs(100);
/// assert_eq!((bucket.take(now), bucket.take(now)), (Ok(()), Ok(())));
/// assert_eq!(bucket.take(now), Err(2.0), "seconds until the next turn");
/// assert_eq!(bucket.take(now + Duration::from_secs(2)), Ok(()));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    rate: Rate,
    left: f32,
    at: Duration,
}

impl Bucket {
    /// A bucket that is full.
    pub fn new(rate: Rate) -> Bucket {
        Bucket { rate, left: rate.burst, at: Duration::ZERO }
    }

    /// How many turns are left.
    pub fn left(&self, now: Duration) -> f32 {
        let seconds = now.saturating_sub(self.at).as_secs_f32();
        (self.left + seconds * self.rate.per_second).min(self.rate.burst)
    }

    /// Whether all turns have come back.
    pub fn is_full(&self, now: Duration) -> bool {
        self.left(now) >= self.rate.burst
    }

    /// How long until there is a turn.
    pub fn wait(&self, now: Duration) -> Duration {
        let missing = (1.0 - self.left(now)).max(0.0);
        Duration::try_from_secs_f32(missing / self.rate.per_second).unwrap_or(Duration::MAX)
    }

    /// Takes a turn, or says how many seconds until the next.
    ///
    /// # Errors
    /// No turn is left; the bucket stays as it was.
    pub fn take(&mut self, now: Duration) -> Result<(), f32> {
        let left = self.left(now);
        if left < 1.0 {
            return Err((1.0 - left) / self.rate.per_second);
        }
        (self.left, self.at) = (left - 1.0, now);
        Ok(())
    }

    /// Puts back a turn that was not used.
    pub fn give_back(&mut self, now: Duration) {
        (self.left, self.at) = ((self.left(now) + 1.0).min(self.rate.burst), now);
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    each: HashMap<K, Bucket>,
}

impl<K: Hash + Eq> Buckets<K> {
    /// Buckets that are all full.
    pub fn new(rate: Rate) -> Buckets<K> {
        Buckets { rate, each: HashMap::new() }
    }

    /// Takes a turn from the bucket of `who`, or says how many seconds until the next.
    ///
    /// # Errors
    /// No turn is left, or too many buckets are in use.
    pub fn take(&mut self, who: K, now: Duration) -> Result<(), f32> {
        if self.each.len() >= MOST && !self.each.contains_key(&who) {
            self.each.retain(|_, bucket| !bucket.is_full(now));
            if self.each.len() >= MOST {
                return Err(1.0 / self.rate.per_second);
            }
        }
        self.each.entry(who).or_insert_with(|| Bucket::new(self.rate)).take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut buckets = Buckets::new(Rate { burst: 3.0, per_second: 0.5 });
        for _ in 0..3 {
            assert_eq!(buckets.take("ana", Duration::ZERO), Ok(()));
        }
        assert_eq!(buckets.take("ana", Duration::ZERO), Err(2.0));
        assert_eq!(buckets.take("li", Duration::ZERO), Ok(()), "each has their own");
        assert_eq!(buckets.take("ana", S), Err(1.0));
        assert_eq!(buckets.take("ana", 2 * S), Ok(()));
        assert!(buckets.take("ana", 2 * S).is_err());
    }

    #[test]
    fn who_waits_as_long_as_is_said_keeps_the_rate() {
        let mut bucket = Bucket::new(Rate { burst: 3.0, per_second: 2.0 });
        let start = 7 * S;
        let mut now = start;
        for _ in 0..13 {
            now += bucket.wait(now);
            bucket.take(now).unwrap();
        }
        let took = (now - start).as_secs_f32();
        assert!((took - 5.0).abs() < 0.01, "{took}");
    }

    #[test]
    fn five_at_once_and_then_one_a_second() {
        let mut bucket = Bucket::new(Rate { burst: 5.0, per_second: 1.0 });
        let mut at = |ms| bucket.take(Duration::from_millis(ms)).is_ok();
        assert!((0..5).all(|_| at(100)));
        assert!(!at(100) && !at(900));
        assert!(at(1200) && !at(1300) && at(2100) && !at(2150));
        assert!((0..5).all(|_| at(60_000)) && !at(60_000));
    }

    #[test]
    fn what_is_given_back_is_there_again_and_no_more_than_there_was() {
        let mut bucket = Bucket::new(Rate { burst: 2.0, per_second: 1.0 });
        for _ in 0..9 {
            bucket.take(S).unwrap();
            assert!(!bucket.is_full(S));
            bucket.give_back(S);
        }
        bucket.give_back(S);
        assert!(bucket.is_full(S));
        assert_eq!(bucket.left(9 * S), 2.0);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::new(Rate { burst: 1.0, per_second: 1.0 });
        bucket.take(9 * S).unwrap();
        assert_eq!(bucket.take(S), Err(1.0));
        assert_eq!(bucket.take(10 * S), Ok(()));
    }

    #[test]
    fn who_is_not_remembered_has_to_wait_while_too_many_are() {
        let mut buckets = Buckets::new(Rate { burst: 1.0, per_second: 1.0 });
        for who in 0..MOST {
            assert_eq!(buckets.take(who, Duration::ZERO), Ok(()));
        }
        assert_eq!(buckets.take(MOST, Duration::ZERO), Err(1.0));
        assert_eq!(buckets.take(MOST, 2 * S), Ok(()));
        assert_eq!(buckets.each.len(), 1, "the others are forgotten");
    }

    #[test]
    fn who_keeps_to_what_is_said_is_heard_also_when_lines_come_together() {
        let rate = |(burst, per_second)| Rate { burst, per_second };
        let mut says = Bucket::new(rate(wire::limits::SAID));
        let mut hears = Bucket::new(rate(wire::limits::RECEIVED));
        let mut now = Duration::ZERO;
        for _ in 0..3000 {
            now += says.wait(now).max(Duration::from_nanos(1));
            while says.take(now).is_err() {
                now += Duration::from_micros(1);
            }
            // The line to a gallery stands still for 3 s, again and again.
            let arrives = Duration::from_secs(now.as_secs().next_multiple_of(3) + 3);
            assert_eq!(hears.take(arrives), Ok(()));
        }
        assert!(now > 140 * S);
    }
}
