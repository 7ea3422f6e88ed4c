use super::*;
use crate::scene::{filled, packed, raw, raw_codings, scene};
use proptest::prelude::*;

/// A plane without what stands between its rows.
fn values(picture: &Planes<'_>, plane: usize) -> Vec<u8> {
    let (columns, rows) = picture.sampling.extent(plane, picture.width, picture.height);
    (0..rows).flat_map(|row| picture.planes[plane].row(row, columns).to_vec()).collect()
}

#[test]
fn full_range_comes_out_as_it_went_in() {
    for coding in raw_codings().filter(|&coding| coding != Coding::Rgb24) {
        for (width, height) in [(64, 48), (321, 241), (66, 50), (17, 33), (1, 1), (2, 3)] {
            let layout = filled(coding, width, height, Range::Full);
            let (frame, mut buffer) = (raw(&layout), Buffer::default());
            let planes = buffer.separate(&layout, &frame).unwrap();
            let (columns, rows) = planes.sampling.extent(0, width, height);
            let luma = values(&planes, 0);
            for y in 0..rows {
                for x in 0..columns {
                    // The filling repeats the edge.
                    let truth = scene(x.min(width - 1), y.min(height - 1))[0];
                    assert_eq!(luma[y * columns + x], truth, "{coding} {width}x{height} {x},{y}");
                }
            }
            let chroma = (1..planes.sampling.planes()).map(|i| values(&planes, i).len());
            let extent = planes.sampling.extent(1, width, height);
            assert!(chroma.into_iter().all(|length| length == extent.0 * extent.1));
        }
    }
}

#[test]
fn a_short_frame_has_a_word_and_never_a_panic() {
    for coding in raw_codings() {
        let layout = packed(coding, 37, 21, Range::Limited);
        let frame = raw(&layout);
        let mut buffer = Buffer::default();
        let mut word = |frame| buffer.separate(&layout, frame).map(|_| ());
        assert_eq!(word(&[]), Err("empty"));
        for cut in [1, frame.len() / 2, frame.len() - 1] {
            assert_eq!(word(&frame[..cut]), Err("truncated"));
        }
        assert_eq!(word(&frame), Ok(()));
    }
    let word = |layout| Buffer::default().separate(&layout, &[0; 4000]).map(|_| ());
    assert_eq!(word(packed(Coding::Mjpeg, 37, 21, Range::Full)), Err("format"));
    assert_eq!(word(packed(Coding::Grey, 0, 21, Range::Full)), Err("format"));
    let narrow = Layout { stride: 10, ..packed(Coding::Grey, 37, 21, Range::Full) };
    assert_eq!(word(narrow), Err("format"));
}

#[test]
fn what_lies_in_the_frame_as_it_should_is_not_copied() {
    for (coding, copied) in [(Coding::Yu12, 0), (Coding::Grey, 0), (Coding::Nv12, 2)] {
        let layout = filled(coding, 64, 48, Range::Full);
        let (frame, mut buffer) = (raw(&layout), Buffer::default());
        buffer.separate(&layout, &frame).unwrap();
        let filled = buffer.planes.iter().filter(|plane| !plane.is_empty()).count();
        assert_eq!(filled, copied, "{coding}");
    }
}

#[test]
fn black_and_white_of_limited_range_are_black_and_white() {
    assert_eq!([0, 16, 235, 255].map(full_luma), [0, 0, 255, 255]);
    assert_eq!([0, 16, 128, 240, 255].map(full_chroma), [0, 0, 128, 255, 255]);
    for value in 16..=235u8 {
        let exact = (f64::from(value) - 16.0) * 255.0 / 219.0;
        assert!((f64::from(full_luma(value)) - exact).abs() <= 0.58, "{value}");
    }
    for value in 16..=240u8 {
        let exact = (f64::from(value) - 128.0) * 255.0 / 224.0 + 128.0;
        assert!((f64::from(full_chroma(value)) - exact).abs() <= 0.76, "{value}");
    }
}

#[test]
fn four_pixels_become_their_mean() {
    let layout = packed(Coding::Grey, 5, 3, Range::Full);
    #[rustfmt::skip]
    let frame = [
        0, 1,  10, 20,  7,
        2, 3,  30, 41,  8,
        9, 8,  255, 255, 200,
    ];
    let (mut whole, mut half) = (Buffer::default(), Buffer::default());
    let planes = whole.separate(&layout, &frame).unwrap();
    let planes = half.shrink(&planes, 2);
    assert_eq!((planes.width, planes.height), (3, 2));
    assert_eq!(values(&planes, 0), [2, 25, 8, 9, 255, 200]);
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let coding = proptest::sample::select(raw_codings().collect::<Vec<_>>());
    (coding, 1usize..70, 1usize..40, any::<bool>()).prop_map(|(coding, width, height, full)| {
        filled(coding, width, height, if full { Range::Full } else { Range::Limited })
    })
}

proptest! {
    #[test]
    fn each_pixel_of_a_smaller_picture_is_the_mean_of_its_box(
        layout in any_layout(), by in 1usize..9, seed: u64,
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let frame: Vec<u8> = (0..layout.bytes()).map(|_| random.u8(..)).collect();
        let (mut whole, mut small) = (Buffer::default(), Buffer::default());
        let whole = whole.separate(&layout, &frame).unwrap();
        let small = small.shrink(&whole, by);
        let size = (layout.width.div_ceil(by), layout.height.div_ceil(by));
        prop_assert_eq!((small.width, small.height), size);
        for plane in 0..whole.sampling.planes() {
            let (columns, rows) = whole.sampling.extent(plane, whole.width, whole.height);
            let (to_columns, to_rows) = small.sampling.extent(plane, small.width, small.height);
            for y in 0..to_rows {
                for x in 0..to_columns {
                    // Filling repeats the last one.
                    let left = (x * by).min((columns - 1) / by * by);
                    let top = (y * by).min((rows - 1) / by * by);
                    let (mut sum, mut area) = (0u32, 0u32);
                    for line in top..(top + by).min(rows) {
                        for &value in &whole.planes[plane].row(line, columns)[left..(left + by).min(columns)] {
                            sum += u32::from(value);
                            area += 1;
                        }
                    }
                    let mean = ((sum + area / 2) / area) as u8;
                    prop_assert_eq!(small.planes[plane].row(y, to_columns)[x], mean);
                }
            }
        }
    }
}
