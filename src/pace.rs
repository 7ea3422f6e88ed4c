//! How fast a pipe may send messages.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket.
#[derive(Debug)]
pub struct Pace {
    most: f32,
    per_second: f32,
    left: f32,
    at: Instant,
}

impl Pace {
    /// So many at once, and so many a second in the long run.
    pub fn new((most, per_second): (f32, f32)) -> Pace {
        Pace { most, per_second, left: most, at: Instant::now() }
    }

    /// When the next turn is there.
    pub fn next(&self) -> Instant {
        self.at + Duration::from_secs_f32((1.0 - self.left).max(0.0) / self.per_second)
    }

    /// Takes a turn.
    pub fn take(&mut self, now: Instant) {
        let passed = now.duration_since(self.at).as_secs_f32();
        self.left = (self.left + passed * self.per_second).min(self.most) - 1.0;
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut pace = Pace::new((3.0, 2.0));
        let start = pace.at;
        let mut now = start;
        for _ in 0..13 {
            now = now.max(pace.next());
            pace.take(now);
        }
        let took = now.duration_since(start).as_secs_f32();
        assert!((took - 5.0).abs() < 0.01, "{took}");
    }
}
