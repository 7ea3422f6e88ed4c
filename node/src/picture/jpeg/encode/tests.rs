use super::*;
use crate::picture::raw::pixels::{Layout, Range};
use crate::picture::raw::planes::Buffer;
use crate::picture::raw::scene::{filled, packed, psnr, raw, raw_codings};

fn shown(encoder: &mut impl Encode, layout: &Layout, quality: u8) -> f64 {
    let (frame, mut buffer) = (raw(layout), Buffer::default());
    let planes = buffer.separate(layout, &frame).unwrap();
    psnr(layout, 1, encoder.encode(&planes, quality).unwrap())
}

#[test]
fn every_format_shows_the_same_picture() {
    for range in [Range::Full, Range::Limited] {
        for coding in raw_codings() {
            let layout = packed(coding, 320, 240, range);
            if coding.is_rgb() && range == Range::Limited {
                continue;
            }
            let psnr = shown(&mut Encoder::default(), &layout, 95);
            assert!(psnr > 36.0, "{coding} {range:?}: {psnr}");
        }
    }
}

#[test]
fn odd_sizes_and_lines_with_filling_show_the_same_picture() {
    for coding in raw_codings() {
        for (width, height) in [(321, 241), (66, 50), (17, 33), (1, 1), (2, 3)] {
            let layout = filled(coding, width, height, Range::Full);
            let psnr = shown(&mut Encoder::default(), &layout, 95);
            assert!(psnr > 33.0, "{coding} {width}x{height}: {psnr}");
        }
    }
}

#[test]
fn both_encoders_show_the_same_picture() {
    for coding in raw_codings() {
        for quality in [50, 80, 95] {
            let layout = packed(coding, 322, 178, Range::Full);
            let ours = shown(&mut Encoder::default(), &layout, quality);
            let rust = shown(&mut rust::Rust::default(), &layout, quality);
            assert!((ours - rust).abs() < 0.5, "{coding} at {quality}: {ours} and {rust}");
        }
    }
}

#[test]
fn the_hardest_picture_and_the_best_quality_fit_the_memory() {
    let mut random = fastrand::Rng::with_seed(1);
    for coding in raw_codings() {
        let layout = packed(coding, 97, 61, Range::Full);
        let frame: Vec<u8> = (0..layout.bytes()).map(|_| random.u8(..)).collect();
        let mut buffer = Buffer::default();
        let planes = buffer.separate(&layout, &frame).unwrap();
        for quality in [1, 100] {
            assert!(Encoder::default().encode(&planes, quality).is_ok(), "{coding} at {quality}");
            assert!(rust::Rust::default().encode(&planes, quality).is_ok());
        }
    }
}

#[test]
fn the_memory_is_kept_from_frame_to_frame() {
    let layout = packed(crate::Coding::Yuyv, 320, 240, Range::Limited);
    let (frame, mut buffer, mut encoder) = (raw(&layout), Buffer::default(), Encoder::default());
    let mut jpeg_at = || {
        let planes = buffer.separate(&layout, &frame).unwrap();
        let at = planes.planes.map(|plane| plane.bytes.as_ptr() as usize);
        (at, encoder.encode(&planes, 80).unwrap().as_ptr() as usize)
    };
    let first = jpeg_at();
    for _ in 0..100 {
        assert_eq!(jpeg_at(), first);
    }
}

#[test]
fn a_picture_that_jpeg_cannot_hold_has_a_word() {
    let layout = packed(crate::Coding::Grey, 70_000, 1, Range::Full);
    let (frame, mut buffer) = (vec![0; 70_000], Buffer::default());
    let planes = buffer.separate(&layout, &frame).unwrap();
    assert_eq!(Encoder::default().encode(&planes, 80), Err("format"));
    assert_eq!(rust::Rust::default().encode(&planes, 80), Err("format"));
}
