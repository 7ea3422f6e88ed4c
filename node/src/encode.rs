//! Raw frames to JPEG with `jpeg-encoder`, straight from the planes that the camera gave: only
//! RGB is converted.
//!
//! JFIF has the colour matrix of BT.601 at full range. The range is honoured; a camera that says
//! BT.709 is shown with slightly shifted hues.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr};

use crate::pixels::{Coding, Layout, Range};

/// Encodes a frame to the end of `out`.
///
/// # Errors
/// The word under which the frame is counted when it cannot be encoded.
pub(crate) fn encode(
    layout: &Layout,
    frame: &[u8],
    quality: u8,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    if frame.is_empty() {
        return Err("empty");
    }
    let (Ok(width), Ok(height)) = (u16::try_from(layout.width), u16::try_from(layout.height))
    else {
        return Err("format");
    };
    if layout.coding.is_jpeg() || layout.stride < layout.line() {
        return Err("format");
    }
    if frame.len() < layout.bytes() {
        return Err("truncated");
    }
    let mut encoder = Encoder::new(out, quality);
    encoder.set_sampling_factor(match layout.coding {
        Coding::Yuyv | Coding::Uyvy => SamplingFactor::F_2_1,
        _ => SamplingFactor::F_2_2,
    });
    encoder.encode_image(Raw { layout, frame, width, height }).map_err(|_| "format")
}

struct Raw<'a> {
    layout: &'a Layout,
    frame: &'a [u8],
    width: u16,
    height: u16,
}

impl ImageBuffer for Raw<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.layout.coding {
            Coding::Grey => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    /// The encoder wants a value of each component for each pixel and takes every second one
    /// back (`ChromaSubsamplingMethod::Nearest`), so each U and V goes in twice.
    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let layout = self.layout;
        let (row, width) = (usize::from(y), layout.width);
        let line = |start: usize, length: usize| &self.frame[start..start + length];
        let luma = line(row * layout.stride, layout.line());
        let chroma = layout.stride * layout.height;
        let pairs = width.div_ceil(2);
        let [ys, us, vs, _] = buffers;
        match (layout.coding, layout.range) {
            (Coding::Grey, Range::Full) => ys.extend_from_slice(luma),
            (Coding::Grey, Range::Limited) => push(ys, luma, full_luma),
            (Coding::Yuyv, Range::Full) => packed(luma, width, [0, 1, 3, 2], buffers, same, same),
            (Coding::Yuyv, Range::Limited) => {
                packed(luma, width, [0, 1, 3, 2], buffers, full_luma, full_chroma);
            }
            (Coding::Uyvy, Range::Full) => packed(luma, width, [1, 0, 2, 3], buffers, same, same),
            (Coding::Uyvy, Range::Limited) => {
                packed(luma, width, [1, 0, 2, 3], buffers, full_luma, full_chroma);
            }
            (Coding::Nv12 | Coding::Nv21, range) => {
                let pairs = line(chroma + row / 2 * layout.stride, 2 * pairs);
                let (first, second) =
                    if layout.coding == Coding::Nv12 { (us, vs) } else { (vs, us) };
                match range {
                    Range::Full => {
                        ys.extend_from_slice(luma);
                        doubled(first, width, pairs.iter().step_by(2), same);
                        doubled(second, width, pairs.iter().skip(1).step_by(2), same);
                    }
                    Range::Limited => {
                        push(ys, luma, full_luma);
                        doubled(first, width, pairs.iter().step_by(2), full_chroma);
                        doubled(second, width, pairs.iter().skip(1).step_by(2), full_chroma);
                    }
                }
            }
            (Coding::Yu12, range) => {
                let stride = layout.chroma_stride();
                let u = line(chroma + row / 2 * stride, pairs);
                let v = line(chroma + (layout.height.div_ceil(2) + row / 2) * stride, pairs);
                match range {
                    Range::Full => {
                        ys.extend_from_slice(luma);
                        doubled(us, width, u.iter(), same);
                        doubled(vs, width, v.iter(), same);
                    }
                    Range::Limited => {
                        push(ys, luma, full_luma);
                        doubled(us, width, u.iter(), full_chroma);
                        doubled(vs, width, v.iter(), full_chroma);
                    }
                }
            }
            (Coding::Rgb24, range) => {
                for pixel in luma.chunks_exact(3) {
                    let [r, g, b] = match range {
                        Range::Full => [pixel[0], pixel[1], pixel[2]],
                        Range::Limited => [pixel[0], pixel[1], pixel[2]].map(full_luma),
                    };
                    let (y, u, v) = rgb_to_ycbcr(r, g, b);
                    ys.push(y);
                    us.push(u);
                    vs.push(v);
                }
            }
            // Refused before.
            (Coding::Mjpeg | Coding::Jpeg, _) => {}
        }
    }
}

/// A line of packed 4:2:2. `order` is where Y, U, V and the second Y stand in four bytes.
#[inline(always)]
fn packed(
    line: &[u8],
    width: usize,
    order: [usize; 4],
    [ys, us, vs, _]: &mut [Vec<u8>; 4],
    luma: fn(u8) -> u8,
    chroma: fn(u8) -> u8,
) {
    let [y0, u, v, y1] = order;
    let end = ys.len() + width;
    // Arrays of fixed size, which the compiler makes vector instructions of.
    let mut chunks = line.chunks_exact(64);
    for chunk in &mut chunks {
        let (mut y, mut us32, mut vs32) = ([0; 32], [0; 32], [0; 32]);
        for (i, four) in chunk.chunks_exact(4).enumerate() {
            y[2 * i] = luma(four[y0]);
            y[2 * i + 1] = luma(four[y1]);
            us32[2 * i] = chroma(four[u]);
            us32[2 * i + 1] = us32[2 * i];
            vs32[2 * i] = chroma(four[v]);
            vs32[2 * i + 1] = vs32[2 * i];
        }
        ys.extend_from_slice(&y);
        us.extend_from_slice(&us32);
        vs.extend_from_slice(&vs32);
    }
    for four in chunks.remainder().chunks_exact(4) {
        ys.extend_from_slice(&[luma(four[y0]), luma(four[y1])]);
        us.extend_from_slice(&[chroma(four[u]); 2]);
        vs.extend_from_slice(&[chroma(four[v]); 2]);
    }
    for buffer in [ys, us, vs] {
        buffer.truncate(end);
    }
}

#[inline(always)]
fn push(out: &mut Vec<u8>, line: &[u8], map: fn(u8) -> u8) {
    out.extend(line.iter().map(|&value| map(value)));
}

#[inline(always)]
fn doubled<'a>(
    out: &mut Vec<u8>,
    width: usize,
    samples: impl Iterator<Item = &'a u8>,
    map: fn(u8) -> u8,
) {
    let end = out.len() + width;
    for &sample in samples {
        out.extend_from_slice(&[map(sample); 2]);
    }
    out.truncate(end);
}

fn same(value: u8) -> u8 {
    value
}

/// 16 to 235 becomes 0 to 255.
#[inline(always)]
fn full_luma(value: u8) -> u8 {
    let scaled = (u32::from(value.saturating_sub(16)) * 76_309 + 32_768) >> 16;
    scaled.min(255) as u8
}

/// 16 to 240 around 128 becomes 0 to 255 around 128 (ITU-T T.871, section 7).
#[inline(always)]
fn full_chroma(value: u8) -> u8 {
    let scaled = ((i32::from(value) - 128) * 74_606 + 32_768) >> 16;
    (scaled + 128).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use jpeg_decoder::{Decoder, PixelFormat};

    /// A smooth picture in full-range YCbCr, so that subsampling costs it little.
    fn scene(x: usize, y: usize) -> [u8; 3] {
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

    fn rgb([y, u, v]: [u8; 3]) -> [u8; 3] {
        let (y, u, v) = (f32::from(y), f32::from(u) - 128.0, f32::from(v) - 128.0);
        let clamp = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        [clamp(y + 1.402 * v), clamp(y - 0.344_14 * u - 0.714_14 * v), clamp(y + 1.772 * u)]
    }

    /// The scene as a camera gives it, with what stands between the lines filled with rubbish.
    fn raw(layout: &Layout) -> Vec<u8> {
        let Layout { coding, width, height, stride, range } = *layout;
        let at = |x: usize, y: usize| match (coding, range) {
            (Coding::Rgb24, _) => rgb(scene(x, y)),
            (_, Range::Full) => scene(x, y),
            (_, Range::Limited) => limited(scene(x, y)),
        };
        let mut raw = vec![0x5a; layout.bytes()];
        let chroma = stride * height;
        for y in 0..height {
            for x in 0..width {
                let [luma, u, v] = at(x, y);
                let line = y * stride;
                let half = y / 2 * stride + x / 2 * 2;
                match coding {
                    Coding::Grey => raw[line + x] = luma,
                    Coding::Rgb24 => raw[line + 3 * x..][..3].copy_from_slice(&[luma, u, v]),
                    Coding::Yuyv | Coding::Uyvy => {
                        let [y0, cu, cv] =
                            if coding == Coding::Yuyv { [0, 1, 3] } else { [1, 0, 2] };
                        raw[line + 2 * x + y0] = luma;
                        let pair = line + x / 2 * 4;
                        (raw[pair + cu], raw[pair + cv]) = (u, v);
                    }
                    Coding::Nv12 | Coding::Nv21 => {
                        raw[line + x] = luma;
                        let pair = if coding == Coding::Nv12 { [u, v] } else { [v, u] };
                        raw[chroma + half..][..2].copy_from_slice(&pair);
                    }
                    Coding::Yu12 => {
                        raw[line + x] = luma;
                        let (chroma_stride, rows) = (layout.chroma_stride(), height.div_ceil(2));
                        raw[chroma + y / 2 * chroma_stride + x / 2] = u;
                        raw[chroma + (rows + y / 2) * chroma_stride + x / 2] = v;
                    }
                    Coding::Mjpeg | Coding::Jpeg => {}
                }
            }
        }
        raw
    }

    /// Peak signal to noise in dB between what the JPEG shows and the scene.
    fn psnr(layout: &Layout, jpeg: &[u8]) -> f64 {
        let mut decoder = Decoder::new(jpeg);
        let pixels = decoder.decode().unwrap();
        let info = decoder.info().unwrap();
        assert_eq!(
            (usize::from(info.width), usize::from(info.height)),
            (layout.width, layout.height)
        );
        let depth = if info.pixel_format == PixelFormat::L8 { 1 } else { 3 };
        assert_eq!(depth == 1, layout.coding == Coding::Grey);
        let mut error = 0.0;
        for (i, pixel) in pixels.chunks_exact(depth).enumerate() {
            let truth = scene(i % layout.width, i / layout.width);
            let truth = if depth == 1 { [truth[0]; 3] } else { rgb(truth) };
            for (shown, truth) in pixel.iter().zip(truth) {
                error += (f64::from(*shown) - f64::from(truth)).powi(2);
            }
        }
        10.0 * (255.0_f64.powi(2) / (error / pixels.len() as f64)).log10()
    }

    const RAW: [Coding; 7] = [
        Coding::Yuyv,
        Coding::Uyvy,
        Coding::Nv12,
        Coding::Nv21,
        Coding::Yu12,
        Coding::Rgb24,
        Coding::Grey,
    ];

    fn shown(layout: &Layout) -> f64 {
        let mut jpeg = Vec::new();
        encode(layout, &raw(layout), 95, &mut jpeg).unwrap();
        psnr(layout, &jpeg)
    }

    fn packed_layout(coding: Coding, width: usize, height: usize, range: Range) -> Layout {
        let mut layout = Layout { coding, width, height, stride: 0, range };
        layout.stride = layout.line();
        layout
    }

    #[test]
    fn every_format_shows_the_same_picture() {
        for coding in RAW {
            let psnr = shown(&packed_layout(coding, 320, 240, Range::Full));
            assert!(psnr > 36.0, "{coding}: {psnr}");
        }
    }

    #[test]
    fn limited_range_is_made_full() {
        for coding in RAW.into_iter().filter(|&coding| coding != Coding::Rgb24) {
            let psnr = shown(&packed_layout(coding, 320, 240, Range::Limited));
            assert!(psnr > 36.0, "{coding}: {psnr}");
        }
    }

    #[test]
    fn odd_sizes_and_lines_with_filling_show_the_same_picture() {
        for coding in RAW {
            for (width, height) in [(321, 241), (66, 50), (17, 33), (1, 1), (2, 3)] {
                let mut layout = packed_layout(coding, width, height, Range::Full);
                // An even stride, as drivers have it.
                layout.stride = (layout.stride + 37).next_multiple_of(16);
                let psnr = shown(&layout);
                assert!(psnr > 33.0, "{coding} {width}x{height}: {psnr}");
            }
        }
    }

    #[test]
    fn a_short_frame_has_a_word_and_never_a_panic() {
        for coding in RAW {
            let layout = packed_layout(coding, 37, 21, Range::Limited);
            let frame = raw(&layout);
            let mut jpeg = Vec::new();
            assert_eq!(encode(&layout, &[], 80, &mut jpeg), Err("empty"));
            for cut in [1, frame.len() / 2, frame.len() - 1] {
                assert_eq!(encode(&layout, &frame[..cut], 80, &mut jpeg), Err("truncated"));
            }
            assert_eq!(encode(&layout, &frame, 80, &mut jpeg), Ok(()));
        }
        let jpeg = packed_layout(Coding::Mjpeg, 37, 21, Range::Full);
        assert_eq!(encode(&jpeg, &[0; 4000], 80, &mut Vec::new()), Err("format"));
        let narrow = Layout { stride: 10, ..packed_layout(Coding::Grey, 37, 21, Range::Full) };
        assert_eq!(encode(&narrow, &[0; 4000], 80, &mut Vec::new()), Err("format"));
    }

    #[test]
    fn black_and_white_of_limited_range_are_black_and_white() {
        assert_eq!([0, 16, 235, 255].map(full_luma), [0, 0, 255, 255]);
        assert_eq!([16, 128, 240].map(full_chroma), [0, 128, 255]);
        for value in 16..=235u8 {
            let exact = (f64::from(value) - 16.0) * 255.0 / 219.0;
            assert!((f64::from(full_luma(value)) - exact).abs() <= 0.51, "{value}");
        }
    }
}
