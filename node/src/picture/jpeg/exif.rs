//! A snapshot's metadata for every photo program (Exif 2.32, CIPA DC-008): when, with what, and
//! which photo it is.

use jiff::{Timestamp, tz::TimeZone};
use wire::PhotoId;
use wire::jpeg::{self, APP0, NotJpeg};

/// The facts to write.
#[derive(Debug)]
pub(crate) struct Exif<'a> {
    /// When it was captured, in microseconds since 1970.
    pub at: u64,
    /// The name of the camera's card.
    pub model: &'a str,
    /// Which photo it is.
    pub photo: &'a PhotoId,
}

const APP1: u8 = APP0 + 1;
const HEAD: &[u8] = b"Exif\0\0";

impl Exif<'_> {
    /// Copies `jpeg` with these facts in it, with times in `zone`. They come right after JFIF's
    /// segment and replace the camera's own.
    ///
    /// # Errors
    /// [`NotJpeg`] if the header cannot be read.
    pub fn insert(&self, jpeg: &[u8], zone: &TimeZone) -> Result<Vec<u8>, NotJpeg> {
        let exif = self.segment(zone);
        let mut out = Vec::with_capacity(jpeg.len() + exif.len());
        out.extend_from_slice(jpeg.get(..2).ok_or(NotJpeg::Start)?);
        let (mut is_in, mut copied) = (false, 2);
        for segment in jpeg::segments(jpeg) {
            let segment = segment?;
            if !is_in && segment.marker != APP0 {
                out.extend_from_slice(&jpeg[copied..segment.start]);
                out.extend_from_slice(&exif);
                (is_in, copied) = (true, segment.start);
            }
            if segment.marker == APP1 && segment.data.starts_with(HEAD) {
                out.extend_from_slice(&jpeg[copied..segment.start]);
                copied = segment.end;
            }
        }
        out.extend_from_slice(&jpeg[copied..]);
        Ok(out)
    }

    fn segment(&self, zone: &TimeZone) -> Vec<u8> {
        // A clock beyond the year 9999 is useless.
        let at = Timestamp::from_microsecond(i64::try_from(self.at).unwrap_or_default());
        let local = at.unwrap_or_default().to_zoned_datetime(zone.clone());
        let text = |format| local.strftime(format).to_string();
        let (time, offset) = (text("%Y:%m:%d %H:%M:%S"), text("%:z"));
        let millis = format!("{:03}", local.millisecond());
        // 32 hex digits, as ImageUniqueID is written.
        let unique = format!("{:032x}", self.photo.bits());
        let software = concat!("Vitrina ", env!("CARGO_PKG_VERSION"));

        let facts = [
            (0x9000, Value::Undefined(*b"0232")),
            (0x9003, Value::Text(&time)),   // DateTimeOriginal
            (0x9004, Value::Text(&time)),   // DateTimeDigitized
            (0x9010, Value::Text(&offset)), // OffsetTime
            (0x9011, Value::Text(&offset)), // OffsetTimeOriginal
            (0x9012, Value::Text(&offset)), // OffsetTimeDigitized
            (0x9291, Value::Text(&millis)), // SubSecTimeOriginal
            (0x9292, Value::Text(&millis)), // SubSecTimeDigitized
            (0xa420, Value::Text(&unique)), // ImageUniqueID
        ];
        let image = |facts_at| {
            [
                (0x010f, Value::Text(self.model)), // Make
                (0x0110, Value::Text(self.model)),
                (0x0131, Value::Text(software)),
                (0x0132, Value::Text(&time)), // DateTime
                (0x8769, Value::Long(facts_at)),
            ]
        };
        // Big-endian TIFF: its header, the directory of the image, and the one of its Exif facts.
        let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
        let facts_at = tiff.len() + directory(&image(0), 0).len();
        let image = directory(&image(facts_at as u32), tiff.len());
        tiff.extend_from_slice(&image);
        tiff.extend_from_slice(&directory(&facts, facts_at));
        let length = 2 + HEAD.len() + tiff.len();
        let length = u16::try_from(length).expect("the card's name is cut");
        [&[0xff, APP1][..], &length.to_be_bytes(), HEAD, &tiff].concat()
    }
}

enum Value<'a> {
    Text(&'a str),
    Long(u32),
    Undefined([u8; 4]),
}

/// The longest text that is written, in bytes.
const TEXT: usize = 100;

/// An image file directory that begins at `start` of the TIFF, with the values of its entries.
fn directory(entries: &[(u16, Value<'_>)], start: usize) -> Vec<u8> {
    let mut table = (entries.len() as u16).to_be_bytes().to_vec();
    let mut beyond = Vec::new();
    let beyond_at = start + 2 + 12 * entries.len() + 4;
    for (tag, value) in entries {
        let (kind, bytes): (u16, Vec<u8>) = match value {
            Value::Text(text) => (2, ascii(text)),
            Value::Long(number) => (4, number.to_be_bytes().to_vec()),
            Value::Undefined(bytes) => (7, bytes.to_vec()),
        };
        let count = if kind == 4 { 1 } else { bytes.len() as u32 };
        table.extend_from_slice(&tag.to_be_bytes());
        table.extend_from_slice(&kind.to_be_bytes());
        table.extend_from_slice(&count.to_be_bytes());
        if bytes.len() <= 4 {
            table.extend_from_slice(&bytes);
            table.extend(std::iter::repeat_n(0, 4 - bytes.len()));
        } else {
            table.extend_from_slice(&((beyond_at + beyond.len()) as u32).to_be_bytes());
            beyond.extend_from_slice(&bytes);
            // Values begin on a word boundary.
            beyond.extend(std::iter::repeat_n(0, bytes.len() % 2));
        }
    }
    // There is no next directory.
    table.extend_from_slice(&[0; 4]);
    table.extend_from_slice(&beyond);
    table
}

/// Text ends with a zero byte and is ASCII.
fn ascii(text: &str) -> Vec<u8> {
    let is_plain = |c: char| c == ' ' || c.is_ascii_graphic();
    let plain = text.chars().take(TEXT).map(|c| if is_plain(c) { c as u8 } else { b'?' });
    plain.chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use exif::{In, Reader, Tag};
    use jiff::tz::Offset;
    use proptest::prelude::*;

    const PICTURE: &[u8] = include_bytes!("../../../../wire/golden/stamped.jpg");

    fn photo() -> PhotoId {
        "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    fn read(jpeg: &[u8]) -> impl Fn(Tag) -> String {
        let exif = Reader::new().read_from_container(&mut std::io::Cursor::new(jpeg)).unwrap();
        move |tag| {
            let field = exif.get_field(tag, In::PRIMARY).unwrap();
            match &field.value {
                exif::Value::Ascii(lines) => String::from_utf8(lines[0].clone()).unwrap(),
                other => format!("{other:?}"),
            }
        }
    }

    #[test]
    fn another_reader_finds_every_fact() {
        let exif = Exif { at: 1_763_640_000_123_456, model: "HD Pro Café C920", photo: &photo() };
        let zone = TimeZone::fixed(Offset::constant(2));
        let jpeg = exif.insert(PICTURE, &zone).unwrap();
        let read = read(&jpeg);
        for (tag, expected) in [
            (Tag::DateTimeOriginal, "2025:11:20 14:00:00"),
            (Tag::DateTime, "2025:11:20 14:00:00"),
            (Tag::SubSecTimeOriginal, "123"),
            (Tag::OffsetTimeOriginal, "+02:00"),
            (Tag::Make, "HD Pro Caf? C920"),
            (Tag::Model, "HD Pro Caf? C920"),
            (Tag::ImageUniqueID, "01563e3ab5d3d6764c61efb99302bd5b"),
        ] {
            assert_eq!(read(tag), expected, "{tag}");
        }
        assert!(read(Tag::Software).starts_with("Vitrina "));
    }

    #[test]
    fn it_stands_after_jfif_and_the_picture_stays_what_it_was() {
        let exif = Exif { at: 1, model: "", photo: &photo() };
        let jpeg = exif.insert(PICTURE, &TimeZone::UTC).unwrap();
        let markers = |jpeg: &[u8]| -> Vec<u8> {
            jpeg::segments(jpeg).map(|segment| segment.unwrap().marker).collect()
        };
        let (before, after) = (markers(PICTURE), markers(&jpeg));
        let jfif = before.iter().take_while(|&&marker| marker == APP0).count();
        assert_eq!(after[..jfif], before[..jfif]);
        assert_eq!(after[jfif], APP1);
        assert_eq!(after[jfif + 1..], before[jfif..]);
    }

    #[test]
    fn what_the_camera_wrote_is_replaced() {
        let first = Exif { at: 1, model: "camera", photo: &photo() };
        let first = first.insert(PICTURE, &TimeZone::UTC).unwrap();
        let second = Exif { at: 1, model: "vitrina", photo: &photo() };
        let second = second.insert(&first, &TimeZone::UTC).unwrap();
        assert_eq!(read(&second)(Tag::Model), "vitrina");
        let count = jpeg::segments(&second).filter(|s| s.unwrap().marker == APP1).count();
        assert_eq!(count, 1);
    }

    proptest! {
        #[test]
        fn any_name_and_time_can_be_read_back(model: String, at: u64) {
            let exif = Exif { at, model: &model, photo: &photo() };
            let jpeg = exif.insert(PICTURE, &TimeZone::UTC).unwrap();
            prop_assert_eq!(read(&jpeg)(Tag::Model).len(), model.chars().count().min(TEXT));
        }

        #[test]
        fn a_cut_picture_is_an_error_and_no_panic(length in 0..PICTURE.len()) {
            let exif = Exif { at: 1, model: "", photo: &photo() };
            let _ = exif.insert(&PICTURE[..length], &TimeZone::UTC);
        }
    }
}
