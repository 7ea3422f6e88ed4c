//! Small pictures for the page.

mod shrink;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use wire::MediaType;

use super::{BadPicture, Checked, decode};
use shrink::Shrink;

/// Pixels of the short side: the page shows photos in rows of 184 pixels, on screens with up to
/// three dots a pixel. No picture is enlarged.
const SHORT: u32 = 576;

/// Pixels of the long side, for panoramas and towers; the page crops them to four to one.
const LONG: u32 = 4096;

/// Part of a thumbnail's name. When the method changes, a new edition makes thumbnails again.
pub(crate) const EDITION: &str = "2";

const QUALITY: u8 = 80;

/// Larger profiles are for printers; those in phones' pictures have some 500 bytes.
const PROFILE: usize = 4096;

/// The size in which to decode a picture, before it is turned: that of its thumbnail.
pub(super) fn wanted(checked: &Checked) -> (u32, u32) {
    let (width, height) = fit(checked.width, checked.height);
    if checked.orientation >= 5 { (height, width) } else { (width, height) }
}

/// The bytes that a thumbnail takes besides decoding: shrinking, turning and encoding.
pub(super) fn memory(wanted: (u32, u32)) -> u64 {
    3 * Shrink::memory(wanted)
}

/// Makes a JPEG of a checked picture's first frame, turned as shown, with transparency on black.
/// `profile` is its colour profile. May take seconds, and the memory in [`super::Looked`].
///
/// # Errors
/// [`BadPicture`] if it cannot be decoded.
pub(super) fn thumbnail(
    media: MediaType,
    bytes: &[u8],
    checked: &Checked,
    profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, BadPicture> {
    let wanted = wanted(checked);
    let lying = checked.orientation >= 5;
    let (width, height) = (checked.width, checked.height);
    let size = if lying { (height, width) } else { (width, height) };
    let mut shrink = Shrink::new(decode::size(media, size, Some(wanted)), wanted);
    decode::decode(media, bytes, Some(wanted), &mut |line| shrink.line(line))?;
    let small = shrink.finish().ok_or(BadPicture::Cut)?;
    let orientation =
        Orientation::from_exif(checked.orientation).unwrap_or(Orientation::NoTransforms);
    let mut small = DynamicImage::ImageRgb8(small);
    small.apply_orientation(orientation);
    encode(&small.into_rgb8(), profile.filter(|profile| is_rgb(profile)))
}

/// The thumbnail's size for a picture of this size.
fn fit(width: u32, height: u32) -> (u32, u32) {
    let (w, h) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(SHORT) / w.min(h)).min(f64::from(LONG) / w.max(h)).min(1.0);
    // Positive, and within the limits.
    let side = |side: f64| ((side * scale).round() as u32).max(1);
    (side(w), side(h))
}

/// Whether a colour profile (ICC.1, 7.2) is for RGB, like the thumbnail.
fn is_rgb(profile: &[u8]) -> bool {
    profile.len() <= PROFILE && profile.get(16..20) == Some(b"RGB ")
}

fn encode(image: &RgbImage, profile: Option<Vec<u8>>) -> Result<Vec<u8>, BadPicture> {
    let side = |side| u16::try_from(side).map_err(BadPicture::broken);
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if let Some(profile) = profile {
        encoder.add_icc_profile(&profile).map_err(BadPicture::broken)?;
    }
    let (width, height) = (side(image.width())?, side(image.height())?);
    encoder.encode(image.as_raw(), width, height, ColorType::Rgb).map_err(BadPicture::broken)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::super::{look, samples};
    use super::*;

    fn thumb(media: MediaType, bytes: &[u8]) -> RgbImage {
        let jpeg = super::super::thumbnail(media, bytes).unwrap();
        assert!(look(MediaType::Jpeg, &jpeg).is_ok());
        image::load_from_memory(&jpeg).unwrap().into_rgb8()
    }

    #[test]
    fn its_short_side_fills_a_row_and_it_is_never_larger_than_the_picture() {
        for media in MediaType::ALL {
            for (width, height, expected) in [
                (1200, 800, (864, 576)),
                (800, 1200, (576, 864)),
                (100, 50, (100, 50)),
                (2400, 600, (2304, 576)),
                (10, 8192, (5, 4096)),
                (5000, 1, (4096, 1)),
            ] {
                let small = thumb(media, &samples::picture(media, width, height));
                assert_eq!(small.dimensions(), expected, "{media:?}");
            }
        }
    }

    #[test]
    fn it_is_turned_as_it_is_shown() {
        // Dark at the left, bright at the right.
        for (orientation, size, dark) in [
            (1, (80, 40), (5, 20)),
            (2, (80, 40), (75, 20)),
            (3, (80, 40), (75, 20)),
            (4, (80, 40), (5, 20)),
            (5, (40, 80), (20, 5)),
            (6, (40, 80), (20, 5)),
            (7, (40, 80), (20, 75)),
            (8, (40, 80), (20, 75)),
        ] {
            let facts = samples::Facts { orientation, ..Default::default() };
            let jpeg =
                samples::with_metadata_of(MediaType::Jpeg, 80, 40, &samples::exif(&facts), b"");
            let checked = look(MediaType::Jpeg, &jpeg).unwrap().checked;
            assert_eq!((checked.width, checked.height), size, "{orientation}");
            let small = thumb(MediaType::Jpeg, &jpeg);
            assert_eq!(small.dimensions(), size, "{orientation}");
            let bright = (size.0 - 1 - dark.0, size.1 - 1 - dark.1);
            let at = |(x, y)| small.get_pixel(x, y).0[0];
            let seen = (at(dark), at(bright));
            assert!(seen.0 < 64 && seen.1 > 192, "{orientation}: {seen:?}");
        }
    }

    #[test]
    fn transparency_is_black() {
        let png = samples::transparent_png(20, 10);
        assert_eq!(thumb(MediaType::Png, &png).get_pixel(10, 5).0, [0, 0, 0]);
    }
}
