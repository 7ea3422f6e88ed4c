//! Counts the frames that a camera made, by its driver's numbers.

/// The most frames that a gap in a driver's numbers can mean. A larger one means that the driver
/// restarted its count.
const GAP: u32 = 10_000;

/// The most frames that can be missing before the first of a stream. Drivers count from 0; a higher
/// first number continues an earlier stream.
const AHEAD: u32 = 64;

/// The numbers of one camera over all its streams.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// The driver's next number in this stream; `None` at its start.
    next: Option<u32>,
    made: u32,
}

impl Sequence {
    /// A new stream begins: drivers count from 0 again.
    pub fn restart(&mut self) {
        self.next = None;
    }

    /// Takes a frame's driver number. Returns our own number, which counts every frame since the
    /// start, and how many frames are missing before it.
    pub fn number(&mut self, driver: u32) -> (u32, u32) {
        let missing = match self.next {
            Some(next) => Some(driver.wrapping_sub(next)).filter(|&gap| gap <= GAP),
            None => Some(driver).filter(|&ahead| ahead <= AHEAD),
        };
        let missing = missing.unwrap_or(0);
        let number = self.made.wrapping_add(missing);
        self.made = number.wrapping_add(1);
        self.next = Some(driver.wrapping_add(1));
        (number, missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn take(sequence: &mut Sequence, drivers: &[u32]) -> Vec<(u32, u32)> {
        drivers.iter().map(|&driver| sequence.number(driver)).collect()
    }

    #[test]
    fn a_gap_is_frames_that_the_driver_dropped() {
        let mut sequence = Sequence::default();
        assert_eq!(take(&mut sequence, &[0, 1, 4, 5]), [(0, 0), (1, 0), (4, 2), (5, 0)]);
    }

    #[test]
    fn a_restart_goes_on_with_our_numbers() {
        let mut sequence = Sequence::default();
        take(&mut sequence, &[0, 1, 2]);
        sequence.restart();
        assert_eq!(take(&mut sequence, &[1, 2]), [(4, 1), (5, 0)]);
    }

    #[test]
    fn vivid_wraps_its_numbers() {
        let mut sequence = Sequence::default();
        assert_eq!(
            take(&mut sequence, &[u32::MAX - 1, u32::MAX, 0, 2]),
            [(0, 0), (1, 0), (2, 0), (4, 1)]
        );
    }

    #[test]
    fn a_loopback_that_counts_on_from_an_earlier_stream_lost_nothing() {
        assert_eq!(Sequence::default().number(123_456), (0, 0));
    }

    #[test]
    fn a_driver_that_does_not_number_its_frames_loses_none() {
        assert_eq!(take(&mut Sequence::default(), &[0, 0, 0]), [(0, 0), (1, 0), (2, 0)]);
    }

    #[test]
    fn a_driver_that_starts_over_within_a_stream_loses_none() {
        assert_eq!(take(&mut Sequence::default(), &[0, 1, 2, 0, 1]).last(), Some(&(4, 0)));
    }

    proptest! {
        #[test]
        fn our_numbers_are_the_frames_taken_and_missing(streams in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 0..20), 0..5)) {
            let mut sequence = Sequence::default();
            let (mut taken, mut missing) = (0u64, 0u64);
            for stream in streams {
                sequence.restart();
                for driver in stream {
                    let (number, gap) = sequence.number(driver);
                    missing += u64::from(gap);
                    prop_assert_eq!(u64::from(number), taken + missing);
                    taken += 1;
                }
            }
        }

        #[test]
        fn a_stream_with_any_frames_left_out_is_counted_whole(kept in proptest::collection::vec(any::<bool>(), 1..300)) {
            let mut sequence = Sequence::default();
            sequence.number(0);
            for (i, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
                let driver = i as u32 + 1;
                prop_assert_eq!(sequence.number(driver).0, driver);
            }
        }
    }
}
