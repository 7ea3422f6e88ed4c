//! Which facts of EXIF data are kept (Exif 2.32, 4.6): when, with what and how it was taken, and
//! how it is shown. Removed are the GPS directory, the preview, which is a picture with data of its
//! own, the camera maker's own format (`MakerNote`), and texts in which programs write a place:
//! description, comment, title, subject, keywords.

use std::borrow::Cow;
use std::ops::Range;

use crate::photos::picture::metadata::tiff::{Directory, EXIF, Entry, INTEROPERABILITY, Tiff};

/// The facts that are kept, in any directory.
const KEPT: &[u16] = &[
    0x0100, // ImageWidth
    0x0101, // ImageLength
    0x010f, // Make
    0x0110, // Model
    ORIENTATION,
    0x011a, // XResolution
    0x011b, // YResolution
    0x0128, // ResolutionUnit
    0x0131, // Software
    0x0132, // DateTime
    0x013b, // Artist
    0x013e, // WhitePoint
    0x013f, // PrimaryChromaticities
    0x0211, // YCbCrCoefficients
    0x0213, // YCbCrPositioning
    0x0214, // ReferenceBlackWhite
    0x8298, // Copyright
    0x829a, // ExposureTime
    0x829d, // FNumber
    0x8822, // ExposureProgram
    0x8827, // PhotographicSensitivity
    0x882a, // TimeZoneOffset
    0x8830, // SensitivityType
    0x8831, // StandardOutputSensitivity
    0x8832, // RecommendedExposureIndex
    0x8833, // ISOSpeed
    0x8834, // ISOSpeedLatitudeyyy
    0x8835, // ISOSpeedLatitudezzz
    0x9000, // ExifVersion
    0x9003, // DateTimeOriginal
    0x9004, // DateTimeDigitized
    0x9010, // OffsetTime
    0x9011, // OffsetTimeOriginal
    0x9012, // OffsetTimeDigitized
    0x9101, // ComponentsConfiguration
    0x9102, // CompressedBitsPerPixel
    0x9201, // ShutterSpeedValue
    0x9202, // ApertureValue
    0x9203, // BrightnessValue
    0x9204, // ExposureBiasValue
    0x9205, // MaxApertureValue
    0x9206, // SubjectDistance
    0x9207, // MeteringMode
    0x9208, // LightSource
    0x9209, // Flash
    0x920a, // FocalLength
    0x9214, // SubjectArea
    0x9290, // SubSecTime
    0x9291, // SubSecTimeOriginal
    0x9292, // SubSecTimeDigitized
    0xa000, // FlashpixVersion
    0xa001, // ColorSpace
    0xa002, // PixelXDimension
    0xa003, // PixelYDimension
    0xa20e, // FocalPlaneXResolution
    0xa20f, // FocalPlaneYResolution
    0xa210, // FocalPlaneResolutionUnit
    0xa215, // ExposureIndex
    0xa217, // SensingMethod
    0xa300, // FileSource
    0xa301, // SceneType
    0xa401, // CustomRendered
    0xa402, // ExposureMode
    0xa403, // WhiteBalance
    0xa404, // DigitalZoomRatio
    0xa405, // FocalLengthIn35mmFilm
    0xa406, // SceneCaptureType
    0xa407, // GainControl
    0xa408, // Contrast
    0xa409, // Saturation
    0xa40a, // Sharpness
    0xa40c, // SubjectDistanceRange
    0xa420, // ImageUniqueID
    0xa431, // BodySerialNumber
    0xa432, // LensSpecification
    0xa433, // LensMake
    0xa434, // LensModel
    0xa435, // LensSerialNumber
    0xa460, // CompositeImage
    0xa500, // Gamma
];

pub(super) const ORIENTATION: u16 = 0x0112;

/// The camera's colour space: InteroperabilityIndex and its version.
const KEPT_OF_INTEROPERABILITY: &[u16] = &[1, 2];

/// The longest text and the longest other value that are kept, in bytes. All facts together fit
/// into a JPEG segment, even if each is as long as possible.
const TEXT: usize = 512;
const OTHER: usize = 64;

/// The zeros between two values, which align them.
const FILLING: usize = 3;

/// EXIF data with only the kept facts, without the fact `but`; `None` if none is left. Data with
/// nothing to remove stays unchanged.
pub(super) fn clean(bytes: &[u8], but: Option<u16>) -> Option<Cow<'_, [u8]>> {
    let tiff = Tiff::new(bytes)?;
    let image = tiff.first()?;
    let facts = tiff.below(&image, EXIF).unwrap_or_default();
    let colours = tiff.below(&facts, INTEROPERABILITY).unwrap_or_default();
    let kept = |directory: &Directory, list: &[u16]| {
        let mut seen = Vec::new();
        let mut entries: Vec<Entry> = directory.entries.clone();
        entries.retain(|entry| {
            let most = if entry.kind == 2 || entry.kind == 129 { TEXT } else { OTHER };
            let is_kept = list.contains(&entry.tag)
                && Some(entry.tag) != but
                && entry.count > 0
                && entry.value.len() <= most
                && !seen.contains(&entry.tag);
            seen.push(entry.tag);
            is_kept
        });
        entries
    };
    let all = [kept(&image, KEPT), kept(&facts, KEPT), kept(&colours, KEPT_OF_INTEROPERABILITY)];
    if all.iter().all(Vec::is_empty) {
        return None;
    }
    let directories = [&image, &facts, &colours];
    if is_clean(&tiff, directories, &all) {
        return Some(bytes.into());
    }
    Some(write(&tiff, all).into())
}

/// Whether each byte belongs to something that is kept.
fn is_clean(tiff: &Tiff<'_>, directories: [&Directory; 3], kept: &[Vec<Entry>; 3]) -> bool {
    let header = 0..8;
    let mut ranges = vec![header];
    for (number, (directory, kept)) in directories.into_iter().zip(kept).enumerate() {
        // The pointer to the next of them.
        let pointers = match directories.get(number + 1) {
            Some(below) => usize::from(!below.range.is_empty()),
            None => 0,
        };
        if directory.range.is_empty() {
            continue;
        }
        if !directory.whole
            || directory.next != 0
            || directory.entries.len() != kept.len() + pointers
        {
            return false;
        }
        ranges.push(directory.range.clone());
        ranges.extend(kept.iter().filter(|entry| entry.value.len() > 4).map(|e| e.value.clone()));
    }
    ranges.sort_by_key(|range| range.start);
    ranges.push(tiff.bytes.len()..tiff.bytes.len());
    let mut end = 0;
    ranges.into_iter().all(|Range { start, end: next }| {
        let between = tiff.bytes.get(end..start.max(end)).unwrap_or_default();
        end = end.max(next);
        between.len() <= FILLING && between.iter().all(|&byte| byte == 0)
    })
}

/// Writes these entries in their original byte order: each directory, then its values.
fn write(tiff: &Tiff<'_>, [mut image, mut facts, colours]: [Vec<Entry>; 3]) -> Vec<u8> {
    let pointer = |tag| Entry { tag, kind: 4, count: 1, value: 0..4 };
    if !colours.is_empty() {
        facts.push(pointer(INTEROPERABILITY));
    }
    if !facts.is_empty() {
        image.push(pointer(EXIF));
    }
    let mut out = Writer { little: tiff.little, bytes: tiff.bytes[..4].to_vec() };
    out.u32(8);
    for mut entries in [image, facts, colours] {
        if entries.is_empty() {
            continue;
        }
        entries.sort_by_key(|entry| entry.tag);
        let start = out.bytes.len();
        let mut value_at = start + 2 + 12 * entries.len() + 4;
        let end = value_at + entries.iter().map(|entry| beyond(&entry.value)).sum::<usize>();
        out.u16(entries.len());
        for entry in &entries {
            out.u16(usize::from(entry.tag));
            out.u16(usize::from(entry.kind));
            out.u32(usize::try_from(entry.count).unwrap_or(0));
            if [EXIF, INTEROPERABILITY].contains(&entry.tag) {
                // The directory below comes next.
                out.u32(end);
            } else if entry.value.len() > 4 {
                out.u32(value_at);
                value_at += beyond(&entry.value);
            } else {
                let mut value = [0; 4];
                value[..entry.value.len()].copy_from_slice(tiff.value(entry));
                out.bytes.extend(value);
            }
        }
        out.u32(0);
        for entry in entries.iter().filter(|entry| beyond(&entry.value) > 0) {
            out.bytes.extend(tiff.value(entry));
            // Values begin at even offsets.
            out.bytes.extend(&[0][..entry.value.len() % 2]);
        }
    }
    out.bytes
}

/// The bytes of a value outside its entry.
fn beyond(value: &Range<usize>) -> usize {
    if value.len() > 4 { value.len().next_multiple_of(2) } else { 0 }
}

struct Writer {
    little: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn u16(&mut self, value: usize) {
        let value = u16::try_from(value).unwrap_or(0);
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn u32(&mut self, value: usize) {
        let value = u32::try_from(value).unwrap_or(0);
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }
}
