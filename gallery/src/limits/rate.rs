//! How often something may be done: token buckets.

use std::collections::HashMap;
use std::hash::Hash;

use crate::now::Micros;

/// So many at once, and so many a second in the long run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub burst: f32,
    pub per_second: f32,
}

/// At most so many are remembered at once; those who did nothing lately need not be.
const MOST: usize = 4096;

/// What each of many has left.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: Rate,
    left: HashMap<K, (f32, Micros)>,
}

impl<K: Hash + Eq> Buckets<K> {
    pub fn new(rate: Rate) -> Self {
        Buckets { rate, left: HashMap::new() }
    }

    /// Takes one of `who`'s, or says in how many seconds there is one.
    pub fn take(&mut self, who: K, now: Micros) -> Result<(), f32> {
        let Rate { burst, per_second } = self.rate;
        let refilled = |&(left, at): &(f32, Micros)| {
            let seconds = now.saturating_sub(at) as f32 / 1e6;
            (left + seconds * per_second).min(burst)
        };
        if self.left.len() >= MOST && !self.left.contains_key(&who) {
            self.left.retain(|_, bucket| refilled(bucket) < burst);
            if self.left.len() >= MOST {
                return Err(1.0 / per_second);
            }
        }
        let left = self.left.get(&who).map_or(burst, refilled);
        if left < 1.0 {
            return Err((1.0 - left) / per_second);
        }
        self.left.insert(who, (left - 1.0, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Micros = 1_000_000;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut buckets = Buckets::new(Rate { burst: 3.0, per_second: 0.5 });
        for _ in 0..3 {
            assert_eq!(buckets.take("ana", 0), Ok(()));
        }
        assert_eq!(buckets.take("ana", 0), Err(2.0));
        assert_eq!(buckets.take("li", 0), Ok(()), "each has their own");
        assert_eq!(buckets.take("ana", S), Err(1.0));
        assert_eq!(buckets.take("ana", 2 * S), Ok(()));
        assert!(buckets.take("ana", 2 * S).is_err());
    }

    #[test]
    fn who_is_not_remembered_has_to_wait_while_too_many_are() {
        let mut buckets = Buckets::new(Rate { burst: 1.0, per_second: 1.0 });
        for who in 0..MOST {
            assert_eq!(buckets.take(who, 0), Ok(()));
        }
        assert_eq!(buckets.take(MOST, 0), Err(1.0));
        assert_eq!(buckets.take(MOST, 2 * S), Ok(()));
        assert_eq!(buckets.left.len(), 1, "the others are forgotten");
    }

    #[test]
    fn who_keeps_to_what_is_said_is_heard_also_when_lines_come_together() {
        let rate = |(burst, per_second)| Rate { burst, per_second };
        let mut says = Buckets::new(rate(wire::limits::SAID));
        let mut hears = Buckets::new(rate(wire::limits::HEARD));
        let mut now = 0;
        for _ in 0..3000 {
            if let Err(seconds) = says.take("ana", now) {
                now += (seconds * 1e6) as Micros + 1;
                says.take("ana", now).unwrap();
            }
            // The line to a gallery stands still for 3 s, again and again.
            let arrives = now.next_multiple_of(3 * S);
            assert_eq!(hears.take("ana", arrives), Ok(()));
        }
        assert!(now > 140 * S);
    }
}
