//! A slow network, as one direction of it carries one message after another.

use std::time::Duration;

use tokio::time::Instant;

/// One direction of a slow network.
#[derive(Debug, Default)]
pub(crate) struct Line {
    free: Option<Instant>,
}

impl Line {
    /// When a message is through that came to the line at `came`. Messages do not overtake.
    pub fn carry(&mut self, came: Instant, bytes: usize, bytes_per_second: u32) -> Instant {
        let begins = self.free.map_or(came, |free| free.max(came));
        let takes = bytes as f64 / f64::from(bytes_per_second.max(1));
        let through = begins + Duration::from_secs_f64(takes);
        self.free = Some(through);
        through
    }

    /// It is a fast one again.
    pub fn clear(&mut self) {
        self.free = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_one_after_the_other_at_its_rate() {
        let mut line = Line::default();
        let now = Instant::now();
        let after = |ms| now + Duration::from_millis(ms);
        assert_eq!(line.carry(now, 1000, 2000), after(500));
        assert_eq!(line.carry(after(100), 1000, 2000), after(1000), "it waits for the first");
        assert_eq!(
            line.carry(after(5000), 1000, 1000),
            after(6000),
            "an idle line saves nothing up"
        );
        line.clear();
        assert_eq!(line.carry(now, 0, 0), now);
    }
}
