//! The positions of a picture's parts, read from its first byte to its last without decoding it.

mod gif;
mod jpeg;
mod png;
mod webp;

use std::ops::Range;

use wire::MediaType;

use super::{BadPicture, metadata, recognise};

pub(super) use gif::{HEAD, blocks_end, colours};
pub(super) use jpeg::{MORE_XMP, XMP};
pub(super) use png::{SIGNATURE, TEXTS, chunk, is_raw_profile, raw_profile, texts};
pub(super) use webp::length;

/// The positions of a picture's parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Layout {
    pub width: u32,
    pub height: u32,
    pub frames: usize,
    /// The first EXIF data, from its TIFF header on.
    pub exif: Option<Range<usize>>,
    /// XMP packets, as far as the format keeps them whole.
    pub xmp: Vec<Range<usize>>,
    /// The texts of a PNG, beginning with their chunk types.
    pub texts: Vec<Range<usize>>,
    /// The time of a PNG's last change.
    pub changed: Range<usize>,
    /// The end of the picture; anything may follow it.
    pub end: usize,
    /// Whether the end is missing. The rest may be enough.
    pub is_cut: bool,
}

/// Reads the structure.
///
/// # Errors
/// [`BadPicture`] if it is of another kind, or broken.
pub(super) fn layout(media: MediaType, bytes: &[u8]) -> Result<Layout, BadPicture> {
    if recognise(bytes) != Some(media) {
        return Err(BadPicture::Unknown);
    }
    match media {
        MediaType::Jpeg => jpeg::layout(bytes),
        MediaType::Png => png::layout(bytes),
        MediaType::WebP => webp::layout(bytes),
        MediaType::Gif => gif::layout(bytes),
    }
}

impl Layout {
    fn add_exif(&mut self, range: Range<usize>) {
        self.exif.get_or_insert(range);
    }

    fn add_xmp(&mut self, range: Range<usize>) {
        if self.xmp.len() < metadata::PARTS {
            self.xmp.push(range);
        }
    }
}

/// The next `n` bytes, which must exist.
pub(super) fn take(bytes: &[u8], at: usize, n: usize) -> Result<&[u8], BadPicture> {
    at.checked_add(n).and_then(|end| bytes.get(at..end)).ok_or(BadPicture::Cut)
}

/// Skips the `Exif\0\0` that only JPEG requires.
fn tiff_in(bytes: &[u8], data: Range<usize>) -> Range<usize> {
    let prefix = if bytes[data.clone()].starts_with(b"Exif\0\0") { 6 } else { 0 };
    data.start + prefix..data.end
}
