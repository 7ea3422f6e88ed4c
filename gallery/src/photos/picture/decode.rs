//! Decodes pictures to lines of pixels, holding as little of them as can be, and says beforehand
//! how much memory that takes.

mod gif;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

use wire::MediaType;

use super::BadPicture;

/// Takes a picture's lines in RGB from top to bottom, transparency on black.
pub(super) type Lines<'a> = dyn FnMut(&[u8]) + 'a;

/// What each decoder takes besides: its tables, its window, the buffers of lines.
const BESIDES: u64 = 2 << 20;

/// At most so many of the last lines may be missing, and a tenth of a picture: some bytes at the
/// end get lost on the way, and every browser draws what is there.
const MISSING_LINES: u64 = 16;
const MISSING_PART: u64 = 10;

/// The bytes that decoding takes beside the file's own. `wanted` is as for [`decode`], `size` is
/// what the picture says of itself.
///
/// # Errors
/// [`BadPicture`] if it cannot be told.
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

/// The size in which the lines come.
pub(super) fn size(media: MediaType, size: (u32, u32), wanted: Option<(u32, u32)>) -> (u32, u32) {
    if media == MediaType::Jpeg { jpeg::size(size, wanted) } else { size }
}

/// Decodes a picture, the first frame of an animation. If it can be had smaller, it is as long as
/// it covers the size `wanted`; without one it is only checked.
///
/// # Errors
/// [`BadPicture`] if it is not whole.
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

/// Whether a picture of this size counts as whole, of which so many pixels are missing.
fn is_whole((width, height): (u64, u64), missing: u64) -> bool {
    missing <= MISSING_LINES * width && missing <= width * height / MISSING_PART
}

/// Makes RGB of grey, grey with alpha, RGB or RGBA, of 8 bits each.
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
