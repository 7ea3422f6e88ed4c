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
