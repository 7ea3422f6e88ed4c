//! Strangers' pictures: recognised by content, checked before they are stored, and made into
//! thumbnails.
//!
//! `structure` finds the parts of a picture, `metadata` reads its facts, `places` removes where it
//! was taken, `decode` gives its lines of pixels, `thumbnail` makes it small, and `pool` does all
//! such work within one budget.
//!
//! This folder knows the four formats, and neither files nor the store nor HTTP: bytes come in,
//! bytes and facts go out. It never trusts a length, a size or an offset in a file, never uses
//! memory before asking for it, and never panics. It reads the structure first, which is cheap, and
//! decodes only what has passed, which costs memory and time.

mod config;
mod decode;
mod metadata;
mod places;
mod pool;
#[cfg(test)]
pub(crate) mod samples;
mod structure;
mod thumbnail;

use wire::MediaType;

pub(crate) use config::Config;
pub use config::{BadSection, Section};
pub(crate) use metadata::{facts, plausible, times};
pub(crate) use places::without_places;
pub(crate) use pool::{Pool, PoolError};
pub(crate) use thumbnail::EDITION;

use metadata::{exif, profile};
use structure::layout;

/// The longest side of a picture, in pixels: the most that browsers draw.
const SIDE: u32 = 32_768;

/// The most frames of an animation.
const FRAMES: usize = 5_000;

/// The facts in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Width in pixels, as shown.
    pub width: u32,
    /// Height in pixels, as shown.
    pub height: u32,
    /// How to turn it for showing: 1 to 8 (Exif 2.32, 4.6.4 A, Orientation).
    pub orientation: u8,
}

/// The result of reading a picture without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Looked {
    pub checked: Checked,
    /// Bytes that [`check`] and [`thumbnail`] take, including the picture's own.
    pub memory: u64,
    /// Its end is missing. [`check`] tells whether anything more is missing.
    pub is_cut: bool,
}

/// Why a picture is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPicture {
    /// It is not a picture of a known kind.
    #[error("it is not a JPEG, PNG, WebP or GIF")]
    Unknown,
    /// It is of a kind that few or not all browsers show.
    #[error("it is {0}, not a JPEG, PNG, WebP or GIF")]
    Other(&'static str),
    /// It has too many pixels.
    #[error("it has {width} x {height} pixels, which is too many")]
    Pixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// It has too many frames.
    #[error("it is an animation of more than {FRAMES} frames")]
    Frames,
    /// Decoding it takes too much memory.
    #[error(
        "decoding it takes up to {needs} MiB of memory, and {has} MiB are there for it \
         (gallery.pictures.decode_bytes)"
    )]
    Memory {
        /// MiB that it takes.
        needs: u64,
        /// MiB of the budget.
        has: u64,
    },
    /// It is incomplete.
    #[error("it is broken: it ends too early")]
    Cut,
    /// It breaks the rules of its format.
    #[error("it is broken: {0}")]
    Broken(String),
}

impl BadPicture {
    /// Whether it is only too large, and may otherwise be good.
    pub fn is_too_large(&self) -> bool {
        matches!(self, BadPicture::Pixels { .. } | BadPicture::Frames | BadPicture::Memory { .. })
    }

    fn broken(why: impl std::fmt::Display) -> Self {
        // A decoder may repeat text from the file.
        BadPicture::Broken(why.to_string().chars().take(200).collect())
    }
}

/// The kind of a picture, by its first bytes.
pub(crate) fn recognise(bytes: &[u8]) -> Option<MediaType> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some(MediaType::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(MediaType::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(MediaType::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(MediaType::WebP),
        _ => None,
    }
}

/// Why bytes of none of the four kinds are refused. Names kinds that people upload (ISO/IEC
/// 14496-12, 4.3, and 23008-12, annex B; TIFF 6.0, section 2).
pub(crate) fn not_taken(bytes: &[u8]) -> BadPicture {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'h', b'e', b'i' | b'v', ..]
            | [b'm', b'i', b'f' | b's', b'1', ..]
            | [b'm', b's', b'f', b'1', ..] => BadPicture::Other("HEIC"),
            [b'a', b'v', b'i', b'f' | b's', ..] => BadPicture::Other("AVIF"),
            _ => BadPicture::Unknown,
        },
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => BadPicture::Other("TIFF"),
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => {
            BadPicture::Other("JPEG XL")
        }
        [b'B', b'M', ..] => BadPicture::Other("BMP"),
        _ => BadPicture::Unknown,
    }
}

/// Reads the whole structure of a picture without decoding it.
///
/// # Errors
/// [`BadPicture`] if it is of another kind, or visibly incomplete.
pub(crate) fn look(media: MediaType, bytes: &[u8]) -> Result<Looked, BadPicture> {
    let layout = layout(media, bytes)?;
    let (width, height) = (layout.width, layout.height);
    if width == 0 || height == 0 {
        return Err(BadPicture::broken("it has no pixels"));
    }
    if width > SIDE || height > SIDE {
        return Err(BadPicture::Pixels { width, height });
    }
    if layout.frames > FRAMES {
        return Err(BadPicture::Frames);
    }
    let exif = layout.exif.and_then(|range| exif::read(bytes.get(range)?));
    let orientation = exif.as_ref().map_or(1, exif::orientation);
    let size = if orientation >= 5 { (height, width) } else { (width, height) };
    let checked = Checked { width: size.0, height: size.1, orientation };
    let wanted = thumbnail::wanted(&checked);
    let memory = |wanted| decode::memory(media, bytes, (width, height), wanted);
    let thumbnail = memory(Some(wanted))? + thumbnail::memory(wanted);
    let memory = bytes.len() as u64 + memory(None)?.max(thumbnail);
    Ok(Looked { checked, memory, is_cut: layout.is_cut })
}

impl Looked {
    /// Checks it against the limits.
    ///
    /// # Errors
    /// [`BadPicture`] if it is too large.
    pub fn within(&self, config: &Config) -> Result<(), BadPicture> {
        let Checked { width, height, .. } = self.checked;
        if u64::from(width) * u64::from(height) > config.pixels {
            return Err(BadPicture::Pixels { width, height });
        }
        config.affords(self.memory)
    }
}

/// Decodes a picture, or the first frame of an animation, to check that it is whole. May take
/// seconds and [`Looked::memory`].
///
/// # Errors
/// [`BadPicture`] if it cannot be decoded.
pub(crate) fn check(media: MediaType, bytes: &[u8]) -> Result<(), BadPicture> {
    decode::decode(media, bytes, None, &mut |_| {})
}

/// Makes a small JPEG of a picture's first frame, turned as shown, with transparency on black. May
/// take seconds and [`Looked::memory`].
///
/// # Errors
/// [`BadPicture`] if [`look`] refuses it or it cannot be decoded.
pub(crate) fn thumbnail(media: MediaType, bytes: &[u8]) -> Result<Vec<u8>, BadPicture> {
    let looked = look(media, bytes)?;
    thumbnail::thumbnail(media, bytes, &looked.checked, profile::profile(media, bytes))
}

/// Its pixels in full size, as RGB.
#[cfg(test)]
fn pixels(media: MediaType, bytes: &[u8]) -> Result<Vec<u8>, BadPicture> {
    let mut rgb = Vec::new();
    decode::decode(media, bytes, Some((SIDE, SIDE)), &mut |line| rgb.extend_from_slice(line))?;
    Ok(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(width: u32, height: u32) -> impl Iterator<Item = (MediaType, Vec<u8>)> {
        MediaType::ALL.into_iter().map(move |media| (media, samples::picture(media, width, height)))
    }

    /// Looks at a picture and decodes it, as for an upload.
    fn accept(media: MediaType, bytes: &[u8]) -> Result<Checked, BadPicture> {
        let looked = look(media, bytes)?;
        looked.within(&Config::default())?;
        check(media, bytes)?;
        Ok(looked.checked)
    }

    #[test]
    fn each_kind_is_recognised_and_measured() {
        for (media, bytes) in all(60, 20) {
            assert_eq!(recognise(&bytes), Some(media));
            let checked = accept(media, &bytes).unwrap();
            let expected = Checked { width: 60, height: 20, orientation: 1 };
            assert_eq!(checked, expected, "{media:?}");
            for other in MediaType::ALL.into_iter().filter(|&other| other != media) {
                assert_eq!(look(other, &bytes), Err(BadPicture::Unknown));
            }
        }
        for none in [&b""[..], b"hello", b"<svg onload='x'/>", b"\xff\xd8", b"GIF88a", b"%PDF-1.7"]
        {
            assert_eq!(recognise(none), None);
        }
    }

    #[test]
    fn a_picture_that_is_cut_in_the_middle_is_refused() {
        for (media, bytes) in all(300, 200) {
            // The GIF has two frames, and the first may stand alone.
            let may_pass = |part: usize| media == MediaType::Gif && (45..60).contains(&part);
            for part in (0..85).filter(|&part| !may_pass(part)) {
                let cut = &bytes[..bytes.len() * part / 100];
                assert!(accept(media, cut).is_err(), "{media:?} at {part} %");
            }
        }
    }

    #[test]
    fn a_progressive_jpeg_that_is_cut_between_its_scans_is_refused() {
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        encoder.set_progressive(true);
        let grey: Vec<u8> = (0..64 * 64).map(|at| (at * 37 % 251) as u8).collect();
        encoder.encode(&grey, 64, 64, jpeg_encoder::ColorType::Luma).unwrap();
        assert!(accept(MediaType::Jpeg, &jpeg).is_ok());
        assert!(accept(MediaType::Jpeg, &jpeg[..jpeg.len() - 2]).is_ok(), "it has no end");
        let last = jpeg.windows(2).rposition(|w| w == [0xff, 0xda]).unwrap();
        assert_eq!(accept(MediaType::Jpeg, &jpeg[..last]), Err(BadPicture::Cut));
    }

    #[test]
    fn bytes_that_are_missing_or_wrong_at_the_end_do_no_harm() {
        let [jpeg, png, webp, gif] =
            [MediaType::Jpeg, MediaType::Png, MediaType::WebP, MediaType::Gif]
                .map(|media| samples::picture(media, 640, 480));
        let less = |bytes: &[u8], n: usize| bytes[..bytes.len() - n].to_vec();
        let chunk = |name: &[u8; 4], data: &[u8], crc: bool| {
            let mut chunk = samples::png_chunk(name, data);
            if !crc {
                *chunk.last_mut().unwrap() ^= 1;
            }
            [&png[..33], &chunk, &png[33..]].concat()
        };
        let riff = |more: i32| {
            let size = (i32::try_from(webp.len()).unwrap() - 8 + more).to_le_bytes();
            [&webp[..4], &size, &webp[8..]].concat()
        };
        for (what, media, bytes) in [
            ("no EOI", MediaType::Jpeg, less(&jpeg, 2)),
            ("half an EOI", MediaType::Jpeg, less(&jpeg, 1)),
            ("6 bytes less", MediaType::Jpeg, less(&jpeg, 6)),
            ("zeros behind", MediaType::Jpeg, [&jpeg[..], &[0; 1024]].concat()),
            ("zeros instead of EOI", MediaType::Jpeg, [&less(&jpeg, 2)[..], &[0; 64]].concat()),
            ("no trailer", MediaType::Gif, less(&gif, 1)),
            ("no end of blocks", MediaType::Gif, less(&gif, 2)),
            ("00 before the trailer", MediaType::Gif, [&less(&gif, 1)[..], b"\0;"].concat()),
            ("no IEND", MediaType::Png, less(&png, 12)),
            ("half an IEND", MediaType::Png, less(&png, 5)),
            ("no CRC", MediaType::Png, less(&png, 16)),
            ("a text's CRC is wrong", MediaType::Png, chunk(b"tEXt", b"Comment\0x", false)),
            ("a broken profile", MediaType::Png, chunk(b"iCCP", b"x\0\0nonsense", true)),
            ("a RIFF too long", MediaType::WebP, riff(1)),
            ("a RIFF far too long", MediaType::WebP, riff(100_000)),
            ("a byte behind", MediaType::WebP, [&webp[..], b"x"].concat()),
        ] {
            assert!(
                accept(media, &bytes).is_ok(),
                "{media:?}: {what}: {:?}",
                accept(media, &bytes)
            );
            assert!(thumbnail(media, &bytes).is_ok(), "{media:?}: {what}");
        }
    }

    #[test]
    fn what_follows_a_picture_does_no_harm() {
        for (media, mut bytes) in all(60, 20) {
            bytes.extend(b"<script>alert(1)</script>");
            assert!(accept(media, &bytes).is_ok(), "{media:?}");
        }
    }

    #[test]
    fn a_jpeg_header_of_60_000_by_60_000_is_refused_before_it_is_decoded() {
        let mut jpeg = samples::picture(MediaType::Jpeg, 60, 20);
        let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
        let error = look(MediaType::Jpeg, &jpeg).unwrap_err();
        assert_eq!(error, BadPicture::Pixels { width: 60_000, height: 60_000 });
        assert!(error.is_too_large());
    }

    #[test]
    fn a_png_that_unpacks_to_gigabytes_is_refused_before_it_is_decoded() {
        for (width, height) in [(30_000_u32, 30_000_u32), (200_000, 10)] {
            let mut png = samples::picture(MediaType::Png, 60, 20);
            let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &png[24..29]].concat();
            png.splice(8..33, samples::png_chunk(b"IHDR", &header));
            let looked = look(MediaType::Png, &png);
            let error = looked.and_then(|looked| looked.within(&Config::default())).unwrap_err();
            assert!(error.is_too_large(), "{error}");
        }
    }

    #[test]
    fn a_lossless_webp_of_a_few_bytes_and_a_quarter_of_a_gigapixel_counts_as_such() {
        // A signature, twice 14 bits, and codes of one symbol each, which take no bits.
        let mut webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0e\0\0\0\x2f".to_vec();
        webp.extend(0x0fff_ffff_u32.to_le_bytes());
        webp.extend([0; 9]);
        let looked = look(MediaType::WebP, &webp).unwrap();
        assert_eq!((looked.checked.width, looked.checked.height), (16_384, 16_384));
        assert!(looked.memory > 8 << 28, "{}", looked.memory);
    }

    #[test]
    fn an_animation_without_end_is_refused() {
        let gif = samples::picture(MediaType::Gif, 2, 2);
        let first = gif.iter().position(|&b| b == 0x2c).unwrap();
        let frame = &gif[first..gif.len() - 1];
        let many = [&gif[..first], &frame.repeat(FRAMES), &gif[gif.len() - 1..]].concat();
        assert_eq!(look(MediaType::Gif, &many), Err(BadPicture::Frames));
        let png = samples::picture(MediaType::Png, 2, 2);
        let control = samples::png_chunk(b"acTL", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        let many = [&png[..33], &control, &png[33..]].concat();
        assert_eq!(look(MediaType::Png, &many), Err(BadPicture::Frames));
    }

    #[test]
    fn a_jpeg_of_thousands_of_scans_is_refused() {
        let jpeg = samples::picture(MediaType::Jpeg, 60, 20);
        let scan = jpeg.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
        let many =
            [&jpeg[..scan], &jpeg[scan..scan + 40].repeat(SCANS_TOO_MANY), &jpeg[scan..]].concat();
        assert!(matches!(check(MediaType::Jpeg, &many), Err(BadPicture::Broken(_))));
    }
    const SCANS_TOO_MANY: usize = 1000;

    #[test]
    fn any_change_of_a_picture_is_survived() {
        let mut random = fastrand::Rng::with_seed(1);
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
                let is_small =
                    |bytes: &[u8]| look(media, bytes).is_ok_and(|looked| looked.memory < 16 << 20);
                let before = is_small(&bytes).then(|| pixels(media, &bytes));
                if look(media, &bytes).is_ok() {
                    without_places(media, &mut bytes).unwrap();
                }
                // All broken parts may have been removed.
                if let Some(Ok(before)) = before {
                    look(media, &bytes).unwrap();
                    assert!(before == pixels(media, &bytes).unwrap(), "{media:?}");
                }
                if round % 10 == 0 && is_small(&bytes) {
                    let _ = thumbnail(media, &bytes);
                }
            }
        }
    }
}
