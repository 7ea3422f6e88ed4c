//! The pauses between attempts to connect, and what is new to the log. Pure: it does not wait.

use std::time::{Duration, Instant};

/// The first and the longest pause between attempts.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// If a connection is lost this soon after it came up, this often in a row, the peer ends it because
/// of its messages.
const SOON: Duration = Duration::from_secs(5);
const AGAIN: u32 = 3;

/// The attempts of one connection, which never end, with growing pauses.
#[derive(Debug)]
pub struct Retry {
    pause: Duration,
    said: Option<String>,
    /// When the connection came up, and how often in a row it was lost soon afterwards.
    up: Option<Instant>,
    ended: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { pause: FIRST, said: None, up: None, ended: 0 }
    }
}

impl Retry {
    /// The connection came up at `now`. Returns whether that is news: a loss was logged, and the
    /// connection is not one of many short ones.
    pub fn worked(&mut self, now: Instant) -> bool {
        self.up = Some(now);
        if self.is_ended() {
            return false;
        }
        self.pause = FIRST;
        self.said.take().is_some()
    }

    /// The connection was lost at `now`, or did not come up. Returns the pause before the next attempt.
    pub fn lost(&mut self, now: Instant) -> Duration {
        match self.up.take().map(|up| now.saturating_duration_since(up) < SOON) {
            Some(true) => self.ended = self.ended.saturating_add(1),
            Some(false) => self.ended = 0,
            None => {}
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        pause
    }

    /// Whether the connection was lost soon after it came up, several times in a row.
    pub fn is_ended(&self) -> bool {
        self.ended >= AGAIN
    }

    /// Whether `why` differs from what was logged last; it is then remembered as logged.
    pub fn is_news(&mut self, why: &str) -> bool {
        let is_news = self.said.as_deref() != Some(why);
        if is_news {
            self.said = Some(why.to_owned());
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_grow_up_to_5_s_and_are_short_again_once_it_came_up() {
        let (mut retry, now) = (Retry::default(), Instant::now());
        let mut pauses = || [(); 6].map(|()| retry.lost(now).as_millis());
        assert_eq!(pauses(), [500, 1000, 2000, 4000, 5000, 5000]);
        retry.worked(now);
        assert_eq!(retry.lost(now + SOON), 500 * MS);
    }

    #[test]
    fn what_ends_soon_after_it_came_up_again_and_again_is_tried_slowly() {
        let (mut retry, mut now) = (Retry::default(), Instant::now());
        let mut short = |up: Duration| {
            retry.worked(now);
            now += up;
            let pause = retry.lost(now);
            (pause.as_millis(), retry.is_ended())
        };
        let soon = SOON - MS;
        let pauses = [soon; 6].map(&mut short);
        let few = [(500, false), (500, false), (500, true)];
        assert_eq!(pauses, [few[0], few[1], few[2], (1000, true), (2000, true), (4000, true)]);
        assert_eq!(short(SOON), (5000, false), "it lasted");
        assert_eq!(short(soon), (500, false), "and is counted again");
    }

    #[test]
    fn tries_that_never_come_up_are_not_ended_by_somebody() {
        let (mut retry, now) = (Retry::default(), Instant::now());
        for _ in 0..9 {
            retry.lost(now);
            assert!(!retry.is_ended());
        }
    }

    #[test]
    fn each_reason_is_said_once_until_it_came_up() {
        let (mut retry, now) = (Retry::default(), Instant::now());
        assert!(!retry.worked(now), "no loss was said");
        let news = ["refused", "refused", "no route", "no route", "refused"];
        assert_eq!(news.map(|why| retry.is_news(why)), [true, false, true, false, true]);
        assert!(retry.worked(now));
        assert!(retry.is_news("refused"));
    }

    #[test]
    fn one_that_is_ended_is_not_up_again_each_time() {
        let (mut retry, now) = (Retry::default(), Instant::now());
        for _ in 0..AGAIN {
            retry.worked(now);
            retry.lost(now);
        }
        assert!(retry.is_news("it is ended"));
        assert!(!retry.worked(now));
        assert!(!retry.is_news("it is ended"));
        retry.lost(now + SOON);
        assert!(retry.worked(now + SOON), "the first that follows one that lasted");
    }
}
