//! Pictures of strangers: recognised by their content, checked before they are kept, and made
//! into thumbnails.
//!
//! Nothing here trusts a length, a size or an offset that a file tells. The structure is read
//! first and is cheap to read; only what has passed is decoded, which costs memory and time.

mod config;
mod dates;
mod exif;
mod gif;
mod jpeg;
mod places;
mod png;
mod pool;
#[cfg(test)]
pub(crate) mod samples;
mod thumbnail;
mod tiff;
mod webp;
mod xmp;

use std::io::Cursor;
use std::ops::Range;

use image::{DynamicImage, ImageDecoder, ImageReader};
use wire::MediaType;

pub(crate) use config::Config;
pub use config::{BadSection, Section};
pub(crate) use dates::{plausible, times};
pub(crate) use exif::facts;
pub(crate) use places::without_places;
pub(crate) use pool::Pool;
pub(crate) use thumbnail::thumbnail;

/// No side of a picture is longer, in pixels: what browsers draw.
const SIDE: u32 = 32_768;

/// An animation has at most so many frames.
const FRAMES: usize = 5_000;

/// What a picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Pixels of a picture.
    pub pixels: u64,
    /// Bytes that decoding it takes.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { pixels: 100_000_000, memory: 512 << 20 }
    }
}

/// What a picture says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Pixels across, as it is shown.
    pub width: u32,
    /// Pixels down, as it is shown.
    pub height: u32,
    /// How it must be turned to be shown: 1 to 8 (Exif 2.32, 4.6.4 A, Orientation).
    pub orientation: u8,
}

/// Why a picture is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPicture {
    /// It is of another kind.
    #[error("it is not a JPEG, PNG, WebP or GIF")]
    Unknown,
    /// It has more pixels than are accepted.
    #[error("it has {width} x {height} pixels, which is too many")]
    Pixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// It has too many frames.
    #[error("it is an animation of more than {FRAMES} frames")]
    Frames,
    /// Decoding it takes too much memory.
    #[error("decoding it would take {0} MiB of memory, which is too much")]
    Memory(u64),
    /// It is not whole.
    #[error("it is broken: it ends too early")]
    Cut,
    /// It breaks the rules of its kind.
    #[error("it is broken: {0}")]
    Broken(String),
}

impl BadPicture {
    /// Whether it is too large for us, though it may be good.
    pub fn is_too_large(&self) -> bool {
        matches!(self, BadPicture::Pixels { .. } | BadPicture::Frames | BadPicture::Memory(_))
    }

    fn broken(why: impl std::fmt::Display) -> Self {
        // A decoder may repeat what it found in the file.
        BadPicture::Broken(why.to_string().chars().take(200).collect())
    }
}

/// Which kind it is, by its first bytes.
pub(crate) fn recognise(bytes: &[u8]) -> Option<MediaType> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(MediaType::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(MediaType::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(MediaType::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(MediaType::WebP),
        _ => None,
    }
}

/// Reads the structure of a picture, from its first byte to its last, without decoding it.
///
/// # Errors
/// [`BadPicture`] if it is of another kind, not whole, or would cost more than the limits.
pub(crate) fn look(media: MediaType, bytes: &[u8], limits: &Limits) -> Result<Checked, BadPicture> {
    let layout = layout(media, bytes)?;
    let (width, height) = (layout.width, layout.height);
    if width == 0 || height == 0 {
        return Err(BadPicture::broken("it has no pixels"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width > SIDE || height > SIDE || pixels > limits.pixels {
        return Err(BadPicture::Pixels { width, height });
    }
    if layout.frames > FRAMES {
        return Err(BadPicture::Frames);
    }
    let memory = pixels * layout.bytes_per_pixel;
    if memory > limits.memory {
        return Err(BadPicture::Memory(memory >> 20));
    }
    let exif = layout.exif.first().and_then(|range| exif::read(bytes.get(range.clone())?));
    let orientation = exif.as_ref().map_or(1, exif::orientation);
    let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
    Ok(Checked { width, height, orientation })
}

/// Looks at a picture and decodes it, the first frame of an animation. May take seconds and
/// [`Limits::memory`].
///
/// # Errors
/// [`BadPicture`] if it is refused by [`look`] or cannot be decoded.
pub(crate) fn check(
    media: MediaType,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Checked, BadPicture> {
    let checked = look(media, bytes, limits)?;
    decode(media, bytes, limits)?;
    Ok(checked)
}

/// The first frame and the colour profile.
fn decode(
    media: MediaType,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(DynamicImage, Option<Vec<u8>>), BadPicture> {
    let format = match media {
        MediaType::Jpeg => image::ImageFormat::Jpeg,
        MediaType::Png => image::ImageFormat::Png,
        MediaType::WebP => image::ImageFormat::WebP,
        MediaType::Gif => image::ImageFormat::Gif,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut most = image::Limits::default();
    (most.max_image_width, most.max_image_height) = (Some(SIDE), Some(SIDE));
    most.max_alloc = Some(limits.memory);
    reader.limits(most);
    let mut decoder = reader.into_decoder().map_err(BadPicture::broken)?;
    // A profile that cannot be read is no reason to refuse the picture.
    let profile = decoder.icc_profile().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(BadPicture::broken)?;
    Ok((image, profile))
}

/// Where in a picture is what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Layout {
    width: u32,
    height: u32,
    frames: usize,
    /// What decoding takes at most.
    bytes_per_pixel: u64,
    /// EXIF data, from its TIFF header on.
    exif: Vec<Range<usize>>,
    /// XMP packets, as whole as the format lets them be.
    xmp: Vec<Range<usize>>,
    /// The texts of a PNG, from the types of their chunks on.
    texts: Vec<Range<usize>>,
    /// When a PNG was changed last.
    changed: Range<usize>,
}

fn layout(media: MediaType, bytes: &[u8]) -> Result<Layout, BadPicture> {
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

/// The next `n` bytes, which must be there.
fn take(bytes: &[u8], at: usize, n: usize) -> Result<&[u8], BadPicture> {
    at.checked_add(n).and_then(|end| bytes.get(at..end)).ok_or(BadPicture::Cut)
}

/// Skips the `Exif\0\0` that JPEG demands and other formats do not.
fn tiff_in(bytes: &[u8], data: Range<usize>) -> Range<usize> {
    let prefix = if bytes[data.clone()].starts_with(b"Exif\0\0") { 6 } else { 0 };
    data.start + prefix..data.end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(width: u32, height: u32) -> impl Iterator<Item = (MediaType, Vec<u8>)> {
        MediaType::ALL.into_iter().map(move |media| (media, samples::picture(media, width, height)))
    }

    fn limits() -> Limits {
        Limits::default()
    }

    #[test]
    fn each_kind_is_recognised_and_measured() {
        for (media, bytes) in all(60, 20) {
            assert_eq!(recognise(&bytes), Some(media));
            let checked = check(media, &bytes, &limits()).unwrap();
            let expected = Checked { width: 60, height: 20, orientation: 1 };
            assert_eq!(checked, expected, "{media:?}");
            for other in MediaType::ALL.into_iter().filter(|&other| other != media) {
                assert_eq!(check(other, &bytes, &limits()), Err(BadPicture::Unknown));
            }
        }
        for none in [&b""[..], b"hello", b"<svg onload='x'/>", b"\xff\xd8", b"GIF88a", b"%PDF-1.7"]
        {
            assert_eq!(recognise(none), None);
        }
    }

    #[test]
    fn a_picture_that_is_cut_anywhere_is_refused() {
        for (media, bytes) in all(60, 20) {
            for cut in 0..bytes.len() {
                assert!(look(media, &bytes[..cut], &limits()).is_err(), "{media:?} at {cut}");
            }
        }
    }

    #[test]
    fn what_follows_a_picture_does_no_harm() {
        for (media, mut bytes) in all(60, 20) {
            bytes.extend(b"<script>alert(1)</script>");
            assert!(check(media, &bytes, &limits()).is_ok(), "{media:?}");
        }
    }

    #[test]
    fn a_jpeg_header_of_60_000_by_60_000_is_refused_before_it_is_decoded() {
        let mut jpeg = samples::picture(MediaType::Jpeg, 60, 20);
        let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
        let error = check(MediaType::Jpeg, &jpeg, &limits()).unwrap_err();
        assert_eq!(error, BadPicture::Pixels { width: 60_000, height: 60_000 });
        assert!(error.is_too_large());
    }

    #[test]
    fn a_png_that_unpacks_to_gigabytes_is_refused_before_it_is_decoded() {
        for (width, height, refused) in
            [(30_000_u32, 30_000_u32, true), (200_000, 10, true), (30_000, 3_000, false)]
        {
            let mut png = samples::picture(MediaType::Png, 60, 20);
            let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &png[24..29]].concat();
            png.splice(8..33, samples::png_chunk(b"IHDR", &header));
            let error = check(MediaType::Png, &png, &limits()).unwrap_err();
            assert_eq!(error.is_too_large(), refused, "{error}");
        }
    }

    #[test]
    fn memory_is_limited() {
        let few = Limits { memory: 1000, ..limits() };
        for (media, bytes) in all(60, 20) {
            let error = check(media, &bytes, &few).unwrap_err();
            assert!(matches!(error, BadPicture::Memory(_)), "{media:?}");
        }
    }

    #[test]
    fn an_animation_without_end_is_refused() {
        let gif = samples::picture(MediaType::Gif, 2, 2);
        let first = gif.iter().position(|&b| b == 0x2c).unwrap();
        let frame = &gif[first..gif.len() - 1];
        let many = [&gif[..first], &frame.repeat(FRAMES), &gif[gif.len() - 1..]].concat();
        assert_eq!(look(MediaType::Gif, &many, &limits()), Err(BadPicture::Frames));
        let png = samples::picture(MediaType::Png, 2, 2);
        let control = samples::png_chunk(b"acTL", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        let many = [&png[..33], &control, &png[33..]].concat();
        assert_eq!(look(MediaType::Png, &many, &limits()), Err(BadPicture::Frames));
    }

    #[test]
    fn a_jpeg_of_thousands_of_scans_is_refused() {
        let jpeg = samples::picture(MediaType::Jpeg, 60, 20);
        let scan = jpeg.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
        let many =
            [&jpeg[..scan], &jpeg[scan..scan + 40].repeat(SCANS_TOO_MANY), &jpeg[scan..]].concat();
        assert!(matches!(look(MediaType::Jpeg, &many, &limits()), Err(BadPicture::Broken(_))));
    }
    const SCANS_TOO_MANY: usize = 1000;

    #[test]
    fn any_change_of_a_picture_is_survived() {
        let mut random = fastrand::Rng::with_seed(1);
        let small = Limits { pixels: 100_000, memory: 4 << 20 };
        let exif = samples::exif(&samples::Facts::default());
        for media in MediaType::ALL {
            let plain = if media == MediaType::Gif {
                samples::gif_with_xmp(&samples::picture(media, 20, 10), &samples::xmp(true))
            } else {
                samples::with_metadata(media, &exif, &samples::xmp(true))
            };
            for round in 0..3000 {
                let mut bytes = plain.clone();
                for _ in 0..random.usize(1..8) {
                    let at = random.usize(..bytes.len());
                    bytes[at] = random.u8(..);
                }
                if random.bool() {
                    bytes.truncate(random.usize(..=bytes.len()));
                }
                let _ = times(media, &bytes);
                let _ = facts(media, &bytes);
                let before = decode(media, &bytes, &small);
                if look(media, &bytes, &small).is_ok() {
                    without_places(media, &mut bytes).unwrap();
                }
                // What is removed may have been all that was broken.
                if let Ok((before, _)) = before {
                    let (after, _) = decode(media, &bytes, &small).unwrap();
                    assert!(before == after, "{media:?}");
                }
                if round % 10 == 0 {
                    let _ = thumbnail(media, &bytes, &small);
                }
            }
        }
    }
}
