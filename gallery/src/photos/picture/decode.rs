//! Decodes pictures to lines of pixels, holds as few of them as possible, and says beforehand how
//! much memory it needs.

mod gif;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use wire::MediaType;

use super::BadPicture;

/// Takes a picture's lines in RGB from top to bottom, with transparency on black.
pub(super) type Lines<'a> = dyn FnMut(&[u8]) + 'a;

/// The other memory of each decoder: its tables, its window, the buffers of lines.
const BESIDES: u64 = 2 << 20;

/// The most missing lines at the end, and at most a tenth of a picture: transfers lose some bytes
/// at the end, and every browser draws the rest.
const MISSING_LINES: u64 = 16;
const MISSING_PART: u64 = 10;

/// The bytes that decoding takes besides the file's own. `wanted` is as for [`decode`], `size` is
/// that in the picture's header.
///
/// # Errors
/// [`BadPicture`] if the bytes cannot be determined.
pub(super) fn memory(
    media: MediaType,
    bytes: &[u8],
    size: (u32, u32),
    wanted: Option<(u32, u32)>,
) -> Result<u64, BadPicture> {
    let memory = match media {
        MediaType::Jpeg => jpeg::memory(bytes, wanted)?,
        MediaType::Png => png::memory(bytes, size),
        MediaType::Gif => gif::memory(bytes)?,
        MediaType::WebP => webp::memory(bytes, size),
    };
    Ok(memory + BESIDES)
}

/// The size of the decoded lines.
pub(super) fn size(media: MediaType, size: (u32, u32), wanted: Option<(u32, u32)>) -> (u32, u32) {
    if media == MediaType::Jpeg { jpeg::size(size, wanted) } else { size }
}

/// Decodes a picture, or the first frame of an animation. If the format allows, it is decoded
/// smaller but still covers the size `wanted`; without `wanted` it is only checked.
///
/// # Errors
/// [`BadPicture`] if it is incomplete.
pub(super) fn decode(
    media: MediaType,
    bytes: &[u8],
    wanted: Option<(u32, u32)>,
    lines: &mut Lines,
) -> Result<(), BadPicture> {
    match media {
        MediaType::Jpeg => jpeg::decode(bytes, wanted, lines),
        MediaType::Png => png::decode(bytes, lines),
        MediaType::Gif => gif::decode(bytes, lines),
        MediaType::WebP => webp::decode(bytes, lines),
    }
}

/// Whether a picture of this size counts as whole with this many pixels missing.
fn is_whole((width, height): (u64, u64), missing: u64) -> bool {
    missing <= MISSING_LINES * width && missing <= width * height / MISSING_PART
}

/// Converts grey, grey with alpha, RGB or RGBA, of 8 bits each, to RGB.
fn on_black(line: &[u8], channels: usize, rgb: &mut [u8]) {
    let dim = |value: u8, alpha: u8| {
        u8::try_from(u16::from(value) * u16::from(alpha) / 255).unwrap_or(u8::MAX)
    };
    for (rgb, pixel) in rgb.chunks_exact_mut(3).zip(line.chunks_exact(channels.max(1))) {
        let made = match *pixel {
            [grey] => [grey; 3],
            [grey, alpha] => [dim(grey, alpha); 3],
            [r, g, b] => [r, g, b],
            [r, g, b, alpha, ..] => [dim(r, alpha), dim(g, alpha), dim(b, alpha)],
            [] => [0; 3],
        };
        rgb.copy_from_slice(&made);
    }
}
