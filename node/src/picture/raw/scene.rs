//! A picture for tests in every camera format, and a measure of likeness.

use jpeg_decoder::{Decoder, PixelFormat};

use crate::picture::raw::pixels::{Coding, Kind, Layout, Range};

/// A smooth picture in full-range YCbCr, so that subsampling changes it little.
pub(crate) fn scene(x: usize, y: usize) -> [u8; 3] {
    let wave = |value: usize, period: usize| {
        let phase = (value % period) as f32 / period as f32 * std::f32::consts::TAU;
        phase.sin()
    };
    let luma = 128.0 + 100.0 * wave(x + y, 64);
    let (u, v) = (128.0 + 60.0 * wave(x, 96), 128.0 + 60.0 * wave(y, 80));
    [luma as u8, u as u8, v as u8]
}

fn limited([y, u, v]: [u8; 3]) -> [u8; 3] {
    let scale = |value: u8, zero: f32, span: f32| {
        (zero + (f32::from(value) - zero_of(zero)) * span / 255.0).round() as u8
    };
    [scale(y, 16.0, 219.0), scale(u, 128.0, 224.0), scale(v, 128.0, 224.0)]
}

fn zero_of(zero: f32) -> f32 {
    if zero == 16.0 { 0.0 } else { zero }
}

pub(crate) fn rgb([y, u, v]: [u8; 3]) -> [u8; 3] {
    let (y, u, v) = (f32::from(y), f32::from(u) - 128.0, f32::from(v) - 128.0);
    let clamp = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    [clamp(y + 1.402 * v), clamp(y - 0.344_14 * u - 0.714_14 * v), clamp(y + 1.772 * u)]
}

/// The scene as a camera gives it, with garbage as padding between the lines.
pub(crate) fn raw(layout: &Layout) -> Vec<u8> {
    let Layout { coding, width, height, stride, range } = *layout;
    let at = |x: usize, y: usize| match range {
        _ if coding.is_rgb() => rgb(scene(x, y)),
        Range::Full => scene(x, y),
        Range::Limited => limited(scene(x, y)),
    };
    let mut raw = vec![0x5a; layout.bytes()];
    let chroma = stride * height;
    let word = |value: u16, is_big_endian| match is_big_endian {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    for y in 0..height {
        for x in 0..width {
            let [luma, u, v] = at(x, y);
            let line = y * stride;
            match coding.kind() {
                Kind::Grey => raw[line + x] = luma,
                Kind::Deep { bits, is_big_endian } => {
                    let value = u16::from(luma) << (bits - 8);
                    raw[line + 2 * x..][..2].copy_from_slice(&word(value, is_big_endian));
                }
                Kind::Rgb { bytes, order } => {
                    for (place, value) in order.into_iter().zip([luma, u, v]) {
                        raw[line + bytes * x + place] = value;
                    }
                }
                Kind::Rgb565 { is_big_endian } => {
                    let [r, g, b] = [luma >> 3, u >> 2, v >> 3].map(u16::from);
                    let value = word(r << 11 | g << 5 | b, is_big_endian);
                    raw[line + 2 * x..][..2].copy_from_slice(&value);
                }
                Kind::Packed([y0, cu, cv, y1]) => {
                    let pair = line + x / 2 * 4;
                    raw[pair + if x % 2 == 0 { y0 } else { y1 }] = luma;
                    (raw[pair + cu], raw[pair + cv]) = (u, v);
                }
                Kind::Pairs { down, v_first } => {
                    raw[line + x] = luma;
                    let pair = if v_first { [v, u] } else { [u, v] };
                    let at = chroma + y / down * stride + x / 2 * 2;
                    raw[at..][..2].copy_from_slice(&pair);
                }
                Kind::Planar { v_first } => {
                    raw[line + x] = luma;
                    let (chroma_stride, rows) = (layout.chroma_stride(), height.div_ceil(2));
                    let [first, second] = if v_first { [v, u] } else { [u, v] };
                    raw[chroma + y / 2 * chroma_stride + x / 2] = first;
                    raw[chroma + (rows + y / 2) * chroma_stride + x / 2] = second;
                }
                Kind::Jpeg => {}
            }
        }
    }
    raw
}

/// Peak signal-to-noise ratio in dB between a JPEG and the scene, of which it shows one of `step`
/// pixels of each side.
pub(crate) fn psnr(layout: &Layout, step: usize, jpeg: &[u8]) -> f64 {
    let mut decoder = Decoder::new(jpeg);
    let pixels = decoder.decode().unwrap();
    let info = decoder.info().unwrap();
    let (width, height) = (layout.width.div_ceil(step), layout.height.div_ceil(step));
    assert_eq!((usize::from(info.width), usize::from(info.height)), (width, height));
    let depth = if info.pixel_format == PixelFormat::L8 { 1 } else { 3 };
    assert_eq!(depth == 1, matches!(layout.coding.kind(), Kind::Grey | Kind::Deep { .. }));
    let mut error = 0.0;
    for (i, pixel) in pixels.chunks_exact(depth).enumerate() {
        let truth = mean(layout, i % width * step, i / width * step, step);
        let truth = if depth == 1 { [truth[0]; 3] } else { rgb(truth) };
        for (shown, truth) in pixel.iter().zip(truth) {
            error += (f64::from(*shown) - f64::from(truth)).powi(2);
        }
    }
    10.0 * (255.0_f64.powi(2) / (error / pixels.len() as f64).max(0.01)).log10()
}

fn mean(layout: &Layout, left: usize, top: usize, step: usize) -> [u8; 3] {
    let (mut sums, mut pixels) = ([0; 3], 0);
    for y in top..(top + step).min(layout.height) {
        for x in left..(left + step).min(layout.width) {
            for (sum, value) in sums.iter_mut().zip(scene(x, y)) {
                *sum += u32::from(value);
            }
            pixels += 1;
        }
    }
    sums.map(|sum| (sum / pixels) as u8)
}

/// Every format that is not JPEG and whose values mean the same in each picture.
pub(crate) fn raw_codings() -> impl Iterator<Item = Coding> {
    let is_thermal = |coding: Coding| matches!(coding.kind(), Kind::Deep { bits: 16, .. });
    Coding::ALL.into_iter().filter(move |&coding| !coding.is_jpeg() && !is_thermal(coding))
}

/// A layout without padding.
pub(crate) fn packed(coding: Coding, width: usize, height: usize, range: Range) -> Layout {
    let mut layout = Layout { coding, width, height, stride: 0, range };
    layout.stride = layout.line();
    layout
}

/// The same with padding between its lines of even length, as drivers have it.
pub(crate) fn filled(coding: Coding, width: usize, height: usize, range: Range) -> Layout {
    let layout = packed(coding, width, height, range);
    Layout { stride: (layout.stride + 37).next_multiple_of(16), ..layout }
}
