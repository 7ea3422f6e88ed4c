use super::*;
use crate::picture::raw::pixels::Coding;
use crate::picture::raw::scene::{filled, packed, raw, raw_codings, scene};
use proptest::prelude::*;

/// A plane without the padding between its rows.
fn values(picture: &Planes<'_>, plane: usize) -> Vec<u8> {
    let (columns, rows) = picture.sampling.extent(plane, picture.width, picture.height);
    (0..rows).flat_map(|row| picture.planes[plane].row(row, columns).to_vec()).collect()
}

#[test]
fn full_range_comes_out_as_it_went_in() {
    for coding in raw_codings().filter(|coding| !coding.is_rgb()) {
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
    for (coding, copied) in [(Coding::Yuv420, 0), (Coding::Grey, 0), (Coding::Nv12, 2)] {
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

/// Full-range Y, U and V of a pixel, straight from V4L2's documents on each format.
fn told(layout: &Layout, frame: &[u8], x: usize, y: usize) -> [u8; 3] {
    let Layout { coding, width, height, stride, .. } = *layout;
    let at = |place: usize| frame[place];
    let line = y * stride;
    let (two, four, pair) = (line + 2 * x, line + 4 * x, line + x / 2 * 4);
    let packed = |luma: usize, u: usize, v: usize| [at(two + luma), at(pair + u), at(pair + v)];
    let pairs = |rows: usize, u: usize| {
        let place = (height + y / rows) * stride + x / 2 * 2;
        [at(line + x), at(place + u), at(place + 1 - u)]
    };
    let planes = |u: usize| {
        let (columns, rows) = (stride.div_ceil(2), height.div_ceil(2));
        let place = |plane: usize| height * stride + (plane * rows + y / 2) * columns + x / 2;
        [at(line + x), at(place(u)), at(place(1 - u))]
    };
    let colour = |r: usize, g: usize, b: usize| {
        let [r, g, b] = [r, g, b].map(|place| f64::from(at(place)));
        let luma = 0.299 * r + 0.587 * g + 0.114 * b;
        [luma, (b - luma) / 1.772 + 128.0, (r - luma) / 1.402 + 128.0]
            .map(|value| value.round() as u8)
    };
    assert!(x < width && y < height);
    match coding {
        Coding::Yuyv => packed(0, 1, 3),
        Coding::Uyvy => packed(1, 0, 2),
        Coding::Yvyu => packed(0, 3, 1),
        Coding::Vyuy => packed(1, 2, 0),
        Coding::Nv12 => pairs(2, 0),
        Coding::Nv21 => pairs(2, 1),
        Coding::Nv16 => pairs(1, 0),
        Coding::Nv61 => pairs(1, 1),
        Coding::Yuv420 => planes(0),
        Coding::Yvu420 => planes(1),
        Coding::Rgb24 => colour(line + 3 * x, line + 3 * x + 1, line + 3 * x + 2),
        Coding::Bgr24 => colour(line + 3 * x + 2, line + 3 * x + 1, line + 3 * x),
        Coding::Xbgr32 | Coding::Abgr32 | Coding::Bgr32 => colour(four + 2, four + 1, four),
        Coding::Xrgb32 | Coding::Argb32 | Coding::Rgb32 => colour(four + 1, four + 2, four + 3),
        Coding::Rgbx32 | Coding::Rgba32 => colour(four, four + 1, four + 2),
        Coding::Bgrx32 | Coding::Bgra32 => colour(four + 3, four + 2, four + 1),
        Coding::Grey => [at(line + x), 128, 128],
        other => panic!("{other} has a test of its own"),
    }
}

#[test]
fn every_byte_is_taken_from_where_v4l2_puts_it() {
    let own = [Coding::Rgb565, Coding::Rgb565x, Coding::Y10, Coding::Y12];
    let mut random = fastrand::Rng::with_seed(3);
    for coding in raw_codings().filter(|coding| !own.contains(coding)) {
        for (width, height) in [(5, 3), (1, 1), (2, 2), (8, 5), (17, 6), (3, 1)] {
            let layout = filled(coding, width, height, Range::Full);
            let frame: Vec<u8> = (0..layout.bytes()).map(|_| random.u8(..)).collect();
            let mut buffer = Buffer::default();
            let planes = buffer.separate(&layout, &frame).unwrap();
            let (across, down) = planes.sampling.shared();
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let luma = planes.planes[0].row(y, width)[x];
                let truth = told(&layout, &frame, x, y);
                assert!(luma.abs_diff(truth[0]) <= u8::from(coding.is_rgb()), "{coding} {x},{y}");
                if planes.sampling == Sampling::Grey || coding.is_rgb() {
                    continue;
                }
                for (plane, truth) in [(1, truth[1]), (2, truth[2])] {
                    let line = planes.planes[plane].row(y / down, width.div_ceil(across));
                    assert_eq!(line[x / across], truth, "{coding} {width}x{height} {x},{y}");
                }
            }
        }
    }
}

#[test]
fn colours_are_those_of_the_mean_of_four_pixels() {
    for coding in raw_codings().filter(|coding| coding.is_rgb()) {
        let layout = filled(coding, 6, 4, Range::Full);
        let Layout { stride, .. } = layout;
        let mut random = fastrand::Rng::with_seed(5);
        let mut frame = vec![0x33; layout.bytes()];
        for (y, x) in [0, 2].into_iter().flat_map(|y| [0, 2, 4].map(|x| (y, x))) {
            // Four pixels alike have the mean of one.
            let pixel = [0; 4].map(|_: u8| random.u8(..));
            let bytes = layout.line() / 6;
            for (y, x) in [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)] {
                frame[y * stride + x * bytes..][..bytes].copy_from_slice(&pixel[..bytes]);
            }
        }
        let mut buffer = Buffer::default();
        let planes = buffer.separate(&layout, &frame).unwrap();
        for (row, column) in (0..2).flat_map(|row| (0..3).map(move |column| (row, column))) {
            let place = 2 * row * stride + 2 * column * layout.line() / 6;
            let truth = match coding.kind() {
                Kind::Rgb565 { is_big_endian } => {
                    let wide = unpack_565(word_at(&frame[place..], 0, is_big_endian));
                    told(&packed(Coding::Rgb24, 1, 1, Range::Full), &wide, 0, 0)
                }
                _ => told(&layout, &frame, 2 * column, 2 * row),
            };
            for (plane, truth) in [(1, truth[1]), (2, truth[2])] {
                let value = planes.planes[plane].row(row, 3)[column];
                assert!(value.abs_diff(truth) <= 1, "{coding} {row},{column}: {value} {truth}");
            }
        }
    }
}

#[test]
fn sixteen_bits_of_colour_are_read_from_either_end() {
    // rrrrrggg gggbbbbb: red, green, blue, white, black, and the least green.
    let words = [0xf800, 0x07e0, 0x001f, 0xffff, 0, 0x0020];
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255; 3], [0; 3], [0, 4, 0]];
    assert_eq!(words.map(unpack_565), colours);
    assert_eq!(word_at(&[0x00, 0xf8], 0, false), 0xf800);
    assert_eq!(word_at(&[0xf8, 0x00], 0, true), 0xf800);
}

#[test]
fn deep_grey_is_cut_to_its_highest_bits() {
    for (coding, shift) in [(Coding::Y10, 2), (Coding::Y12, 4)] {
        let layout = filled(coding, 5, 3, Range::Full);
        let mut frame = vec![0xff; layout.bytes()];
        for (i, value) in (0..15_u16).map(|i| (i, (i * 17) << shift | 1)) {
            let place = usize::from(i / 5) * layout.stride + usize::from(i % 5) * 2;
            frame[place..place + 2].copy_from_slice(&value.to_le_bytes());
        }
        let mut buffer = Buffer::default();
        let planes = buffer.separate(&layout, &frame).unwrap();
        let expected: Vec<u8> = (0..15).map(|i| i * 17).collect();
        assert_eq!(values(&planes, 0), expected);
        // A value with more bits than allowed is white.
        frame.fill(0xff);
        let white = buffer.separate(&layout, &frame).unwrap();
        assert!(values(&white, 0).iter().all(|&value| value == 255));
    }
}

#[test]
fn a_thermal_picture_reaches_from_black_to_white() {
    let kelvins = [29_315_u16, 30_000, 31_015, 29_315, 30_165, 29_400];
    let expected = kelvins.map(|value| (f64::from(value - 29_315) * 255.0 / 1700.0).round() as u8);
    for (coding, bytes) in
        [(Coding::Y16, u16::to_le_bytes as fn(u16) -> [u8; 2]), (Coding::Y16Be, u16::to_be_bytes)]
    {
        for range in [Range::Full, Range::Limited] {
            let layout = filled(coding, 3, 2, range);
            // The padding between lines would change the range.
            let mut frame = vec![0xff; layout.bytes()];
            for (i, &value) in kelvins.iter().enumerate() {
                let place = i / 3 * layout.stride + i % 3 * 2;
                frame[place..place + 2].copy_from_slice(&bytes(value));
            }
            let mut buffer = Buffer::default();
            let planes = buffer.separate(&layout, &frame).unwrap();
            assert_eq!(values(&planes, 0), expected, "{coding}");
            assert_eq!(values(&planes, 0).iter().max(), Some(&255));
            assert_eq!(buffer.separate(&layout, &frame[1..]).map(|_| ()), Err("truncated"));
            // A picture of one temperature has no range.
            let flat = vec![0x70; layout.bytes()];
            let planes = buffer.separate(&layout, &flat).unwrap();
            assert_eq!(values(&planes, 0), [0; 6]);
        }
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
