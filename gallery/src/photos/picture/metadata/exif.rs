//! Reads EXIF data (Exif 2.32, CIPA DC-008).

use std::collections::BTreeMap;

use exif::{Exif, In, Reader, Tag, Value};
use wire::MediaType;

use crate::photos::picture::structure::layout;

/// Larger data is not read: a JPEG segment, in which cameras write it, holds 64 KiB.
const MOST: usize = 256 * 1024;

/// The longest text that is shown, in characters.
const TEXT: usize = 200;

/// The facts that interest people, in the order of display.
const SHOWN: &[Tag] = &[
    Tag::Make,
    Tag::Model,
    Tag::LensModel,
    Tag::ExposureTime,
    Tag::FNumber,
    Tag::PhotographicSensitivity,
    Tag::ExposureBiasValue,
    Tag::ExposureProgram,
    Tag::MeteringMode,
    Tag::WhiteBalance,
    Tag::Flash,
    Tag::FocalLength,
    Tag::FocalLengthIn35mmFilm,
    Tag::DateTimeOriginal,
    Tag::OffsetTimeOriginal,
    Tag::ImageDescription,
    Tag::Artist,
    Tag::Copyright,
    Tag::Software,
    Tag::GPSLatitudeRef,
    Tag::GPSLatitude,
    Tag::GPSLongitudeRef,
    Tag::GPSLongitude,
    Tag::GPSAltitude,
];

/// The EXIF facts of a picture as texts for people, by the standard's names.
pub(crate) fn facts(media: MediaType, bytes: &[u8]) -> BTreeMap<String, String> {
    let exif = layout(media, bytes).ok().and_then(|layout| read(bytes.get(layout.exif?)?));
    let Some(exif) = exif else { return BTreeMap::new() };
    let shown = SHOWN.iter().filter_map(|&tag| {
        let field = exif.get_field(tag, In::PRIMARY)?;
        let text = match &field.value {
            Value::Ascii(lines) => text(lines.first()?),
            _ => field.display_value().with_unit(&exif).to_string(),
        };
        let text: String = text.trim().chars().take(TEXT).collect();
        (!text.is_empty()).then(|| (tag.to_string(), text))
    });
    shown.collect()
}

/// ASCII by the standard, and what cameras write instead.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect()
}

/// Reads the data from its TIFF header on; `None` if nothing is readable.
pub(in crate::photos::picture) fn read(tiff: &[u8]) -> Option<Exif> {
    let tiff = (tiff.len() <= MOST).then(|| tiff.to_vec())?;
    let mut reader = Reader::new();
    // One bad field does not spoil the others.
    reader.continue_on_error(true);
    reader.read_raw(tiff).or_else(|error| error.distill_partial_result(|_| {})).ok()
}

/// How to turn the picture: 2 to 8 if it says so, else 1, unturned.
pub(in crate::photos::picture) fn orientation(exif: &Exif) -> u8 {
    let value = exif.get_field(Tag::Orientation, In::PRIMARY).and_then(|f| f.value.get_uint(0));
    value.and_then(|value| u8::try_from(value).ok()).filter(|v| (1..=8).contains(v)).unwrap_or(1)
}
