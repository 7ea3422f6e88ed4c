//! Distinguishes a source that stands still from one that shows a still scene.
//!
//! A loopback whose writer has gone, or a frame grabber that hangs, repeats its last picture with
//! that picture's time: frames come, but nothing in them is live. A camera before a wall gives new
//! times, and a camera whose driver's time stands still gives new pictures.

use std::time::Duration;

/// The last frame of a camera, over all its streams.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    /// The driver's time of the last frame.
    told: Option<Duration>,
    /// When the first frame with this time was captured, by the monotonic clock.
    since: Duration,
    /// The last frame, if its time was not new. A frame with a new time needs no copy.
    bytes: Vec<u8>,
    is_still: bool,
}

impl Frozen {
    /// Processes a whole frame, captured at `at` by the monotonic clock and at `told` by the
    /// driver's clock, whichever that is. True if it repeats the last frame.
    ///
    /// The first frame with an old time passes, because there is no copy to compare it with.
    pub fn repeats(&mut self, told: Option<Duration>, at: Duration, bytes: &[u8]) -> bool {
        if told.is_none() || self.told != told {
            (self.told, self.since) = (told, at);
            self.bytes.clear();
            self.is_still = false;
            return false;
        }
        self.is_still = self.bytes == bytes;
        if !self.is_still {
            if !self.bytes.is_empty() {
                self.since = at;
            }
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        }
        self.is_still
    }

    /// Since when the source has stood still, by the monotonic clock.
    pub fn since(&self) -> Option<Duration> {
        self.is_still.then_some(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Which of these frames, 40 ms apart, repeat the last one.
    fn repeats(frozen: &mut Frozen, frames: &[(u64, &str)]) -> Vec<bool> {
        let frames = frames.iter().zip(1..);
        frames
            .map(|((told, bytes), n)| frozen.repeats(Some(ms(*told)), ms(40 * n), bytes.as_bytes()))
            .collect()
    }

    #[test]
    fn the_same_picture_with_the_same_time_stands_still_since_the_first_of_them() {
        let mut frozen = Frozen::default();
        let told = repeats(&mut frozen, &[(7, "a"), (8, "b"), (8, "b"), (8, "b"), (8, "b")]);
        assert_eq!(told, [false, false, false, true, true]);
        assert_eq!(frozen.since(), Some(ms(80)));
        assert_eq!(repeats(&mut frozen, &[(9, "b")]), [false], "it moves again");
        assert_eq!(frozen.since(), None);
    }

    #[test]
    fn a_time_that_stands_still_does_not_make_new_pictures_old() {
        let mut frozen = Frozen::default();
        let told = repeats(&mut frozen, &[(0, "a"), (0, "b"), (0, "c"), (0, "a"), (0, "b")]);
        assert_eq!(told, [false; 5]);
        assert_eq!(repeats(&mut frozen, &[(0, "b"), (0, "b")]), [true, true]);
        assert_eq!(frozen.since(), Some(ms(200)), "when that picture came first");
        assert_eq!(repeats(&mut frozen, &[(0, "c")]), [false]);
    }

    #[test]
    fn a_thing_that_stands_still_is_live() {
        let told = repeats(&mut Frozen::default(), &[(1, "a"), (2, "a"), (3, "a"), (4, "a")]);
        assert_eq!(told, [false; 4]);
    }

    #[test]
    fn a_source_that_tells_no_time_never_stands_still() {
        let mut frozen = Frozen::default();
        for at in 0..5 {
            assert!(!frozen.repeats(None, ms(at), b"a"));
        }
    }
}
