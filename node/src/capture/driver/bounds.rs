//! Makes a driver's offers usable: it trusts none of the driver's numbers.

use crate::capture::driver::choose::Interval;
use crate::capture::driver::descriptions::Pix;

/// Sizes to try where a driver gives only bounds.
const COMMON: [(u32, u32); 8] = [
    (1920, 1080),
    (1600, 1200),
    (1280, 960),
    (1280, 720),
    (1024, 768),
    (800, 600),
    (640, 480),
    (320, 240),
];
/// Rates to try where a driver gives only bounds.
const COMMON_FPS: [u32; 7] = [60, 50, 30, 25, 15, 10, 5];
/// The largest picture in pixels: that of the largest sensors of such cameras.
const PIXELS: u64 = 1 << 26;

/// Whether a picture can have this size.
pub(crate) fn is_size((width, height): (u32, u32)) -> bool {
    (16..=16384).contains(&width)
        && (16..=16384).contains(&height)
        && u64::from(width) * u64::from(height) <= PIXELS
}

/// The sizes of one side, from the smallest in steps to the largest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub min: u32,
    pub max: u32,
    /// 0 and 1 mean any size.
    pub step: u32,
}

impl Side {
    fn fits(self, value: u32) -> bool {
        (self.min..=self.max).contains(&value)
            && (value - self.min).is_multiple_of(self.step.max(1))
    }

    /// The largest possible size.
    fn largest(self) -> u32 {
        let span = self.max.saturating_sub(self.min);
        self.min.saturating_add(span - span % self.step.max(1))
    }
}

/// Sizes within a driver's bounds: the requested one, common ones, and the largest.
pub(crate) fn sizes(width: Side, height: Side, asked: Option<(u32, u32)>) -> Vec<(u32, u32)> {
    let largest = (width.largest(), height.largest());
    let mut sizes = Vec::new();
    for size in asked.into_iter().chain(COMMON).chain([largest]) {
        if width.fits(size.0) && height.fits(size.1) && is_size(size) && !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    sizes
}

/// Intervals within a driver's bounds, as far as these make sense: the bounds, common ones, and the
/// requested one. None if neither bound makes sense.
pub(crate) fn intervals(
    shortest: Option<Interval>,
    longest: Option<Interval>,
    asked: Option<Interval>,
) -> Vec<Interval> {
    let bounds: Vec<Interval> = shortest.into_iter().chain(longest).collect();
    let rates = || bounds.iter().map(|bound| bound.fps());
    let (Some(least), Some(most)) = (rates().reduce(f32::min), rates().reduce(f32::max)) else {
        return Vec::new();
    };
    let common = COMMON_FPS.into_iter().filter_map(|fps| Interval::new(1, fps));
    let within = asked.into_iter().chain(common).filter(|i| (least..=most).contains(&i.fps()));
    let mut intervals = bounds.clone();
    intervals.extend(within);
    intervals
}

/// Bytes from one line of `line` bytes to the next: the driver's number, if lines of that length
/// fit in a picture of the driver's size.
pub(crate) fn stride(line: usize, pix: &Pix) -> usize {
    let (stride, height) = (u64::from(pix.stride), u64::from(pix.height));
    // Some drivers report no size. No picture has more bytes than 32 bits can address.
    let most = u64::from(pix.image).max(2 * line as u64 * height).min(1 << 31);
    if stride * height.saturating_sub(1) + line as u64 > most {
        line
    } else {
        line.max(stride as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::raw::pixels::Range;
    use proptest::prelude::*;

    fn side(min: u32, max: u32, step: u32) -> Side {
        Side { min, max, step }
    }

    #[test]
    fn bounds_give_common_sizes_and_the_largest() {
        let of = |width, height| sizes(width, height, None);
        assert_eq!(of(side(32, 650, 2), side(32, 480, 2)), [(640, 480), (320, 240), (650, 480)]);
        // Steps of nothing are any size; a largest off the steps is the one below it.
        assert_eq!(of(side(100, 110, 0), side(100, 110, 4)), [(110, 108)]);
        let asked = sizes(side(32, 650, 2), side(32, 480, 2), Some((400, 300)));
        assert_eq!(asked[0], (400, 300));
    }

    #[test]
    fn bounds_that_make_no_sense_give_nothing_or_what_is_usual() {
        assert_eq!(sizes(side(640, 320, 1), side(480, 240, 1), None), []);
        assert_eq!(sizes(side(0, 0, 0), side(0, 0, 0), None), []);
        let endless = sizes(side(0, u32::MAX, 0), side(0, u32::MAX, 1), None);
        assert_eq!(endless, COMMON);
        assert!(!is_size((16384, 16384)) && !is_size((0, 0)) && is_size((9152, 6944)));
    }

    #[test]
    fn intervals_are_within_the_bounds_that_make_sense() {
        let fps = |shortest, longest| -> Vec<u32> {
            let of = |(n, d)| Interval::new(n, d);
            intervals(of(shortest), of(longest), None).iter().map(|i| i.fps() as u32).collect()
        };
        assert_eq!(fps((1, 30), (1, 10)), [30, 10, 30, 25, 15, 10]);
        // The wrong way round, and only one of them.
        assert_eq!(fps((1, 10), (1, 30)), [10, 30, 30, 25, 15, 10]);
        assert_eq!(fps((0, 1), (1, 15)), [15, 15]);
        assert!(fps((0, 0), (1, 10_000_000)).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_a_driver_bounds_is_usable(
            (a, b, c) in any::<(u32, u32, u32)>(), (d, e, f) in any::<(u32, u32, u32)>(),
            asked in any::<Option<(u32, u32)>>(), rates in any::<[u32; 6]>(),
        ) {
            for size in sizes(side(a, b, c), side(d, e, f), asked) {
                prop_assert!(is_size(size));
            }
            let [n, m, o, p, q, r] = rates;
            for interval in intervals(Interval::new(n, m), Interval::new(o, p), Interval::new(q, r)) {
                prop_assert!(interval.fps() > 0.0 && interval.fps() <= wire::limits::FPS);
            }
        }
    }

    #[test]
    fn a_stride_that_cannot_be_is_that_of_lines_without_filling() {
        let stride = |stride, image| {
            let (fourcc, range) = (*b"YUYV", Range::Limited);
            super::stride(1280, &Pix { width: 640, height: 480, fourcc, stride, image, range })
        };
        assert_eq!(stride(1280, 1280 * 480), 1280);
        assert_eq!(stride(1344, 1344 * 480), 1344);
        assert_eq!(stride(1344, 0), 1344, "no size of a picture is said");
        assert_eq!(stride(0, 1280 * 480), 1280);
        assert_eq!(stride(7, 1280 * 480), 1280);
        assert_eq!(stride(u32::MAX, 1280 * 480), 1280);
        assert_eq!(stride(u32::MAX, u32::MAX), 1280);
        assert_eq!(stride(4096, 1280 * 480), 1280);
    }
}
