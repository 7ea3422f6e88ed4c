//! Small pictures for the page.

use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use wire::MediaType;

use super::{BadPicture, Limits, decode, look};

/// Pixels across. No picture is made larger.
const WIDTH: u32 = 480;

/// Pixels down: a picture that is taller than this in its width is made narrower.
const HEIGHT: u32 = 4 * WIDTH;

const QUALITY: u8 = 82;

/// Larger profiles are those of printers; the pictures of phones have some 500 bytes.
const PROFILE: usize = 4096;

/// Makes a JPEG of at most 480 pixels across, turned as it is shown, of the first frame and with
/// transparency on black. May take seconds and [`Limits::memory`].
///
/// # Errors
/// [`BadPicture`] if it is refused by [`look`] or cannot be decoded.
pub(crate) fn thumbnail(
    media: MediaType,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, BadPicture> {
    let checked = look(media, bytes, limits)?;
    let (width, height) = fit(checked.width, checked.height);
    let (image, profile) = decode(media, bytes, limits)?;
    let orientation =
        Orientation::from_exif(checked.orientation).unwrap_or(Orientation::NoTransforms);
    let lying = checked.orientation >= 5;
    let (across, down) = if lying { (height, width) } else { (width, height) };
    let mut small = DynamicImage::ImageRgb8(on_black(shrink(image, across, down)));
    small.apply_orientation(orientation);
    encode(&small.into_rgb8(), profile.filter(|profile| is_rgb(profile)))
}

/// The size of the thumbnail of a picture of this size.
fn fit(width: u32, height: u32) -> (u32, u32) {
    let (w, h) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(WIDTH) / w).min(f64::from(HEIGHT) / h).min(1.0);
    // Positive, and not more than the limits.
    let side = |side: f64| ((side * scale).round() as u32).max(1);
    (side(w), side(h))
}

/// Averages down to twice the size, which is quick, and filters the rest, which looks good.
fn shrink(image: DynamicImage, width: u32, height: u32) -> DynamicImage {
    if (image.width(), image.height()) == (width, height) {
        return image;
    }
    let rough = if image.width() > 4 * width && image.height() > 2 * height {
        image.thumbnail_exact(2 * width, 2 * height)
    } else {
        image
    };
    rough.resize_exact(width, height, FilterType::CatmullRom)
}

fn on_black(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    let dim = |colour: u8, alpha: u8| {
        u8::try_from(u16::from(colour) * u16::from(alpha) / 255).unwrap_or(u8::MAX)
    };
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        image::Rgb([dim(r, a), dim(g, a), dim(b, a)])
    })
}

/// Whether a colour profile (ICC.1, 7.2) is one for RGB, which the thumbnail is.
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
    use super::super::samples;
    use super::*;

    fn thumb(media: MediaType, bytes: &[u8]) -> RgbImage {
        let jpeg = thumbnail(media, bytes, &Limits::default()).unwrap();
        assert!(look(MediaType::Jpeg, &jpeg, &Limits::default()).is_ok());
        image::load_from_memory(&jpeg).unwrap().into_rgb8()
    }

    #[test]
    fn it_is_480_wide_and_never_larger_than_the_picture() {
        for media in MediaType::ALL {
            for (width, height, expected) in [
                (960, 600, (480, 300)),
                (100, 50, (100, 50)),
                (10, 4000, (5, 1920)),
                (3000, 1, (480, 1)),
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
            let checked = look(MediaType::Jpeg, &jpeg, &Limits::default()).unwrap();
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
