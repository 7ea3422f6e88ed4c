//! Frames of cameras that make JPEG themselves: is it a whole picture, and what must be put in so
//! that any viewer opens it.

use wire::jpeg::{self, DHT, EOI, NotJpeg, SOS};

/// A whole picture of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<'a> {
    /// From its start to its end-of-image marker, without what follows.
    pub jpeg: &'a [u8],
    /// Where the standard Huffman tables must be put in, if it has none of its own.
    pub tables_at: Option<usize>,
}

/// Looks at what a camera gave.
///
/// # Errors
/// The word under which the frame is counted: `empty`, `garbage` or `truncated`.
pub(crate) fn check(frame: &[u8]) -> Result<Whole<'_>, &'static str> {
    // uvcvideo hands on frames of a single byte when a camera sends a header and nothing else.
    if frame.len() < 4 {
        return Err("empty");
    }
    let (mut has_tables, mut scan) = (false, None);
    for segment in jpeg::segments(frame) {
        let segment = segment.map_err(|error| match error {
            NotJpeg::Cut => "truncated",
            NotJpeg::Start | NotJpeg::Segment => "garbage",
        })?;
        match segment.marker {
            DHT => has_tables = true,
            SOS => scan = Some(segment),
            _ => {}
        }
    }
    let scan = scan.ok_or("truncated")?;
    let head = frame.get(..scan.end).ok_or("truncated")?;
    if jpeg::size(head).is_none() {
        return Err("garbage");
    }
    // Within a scan FF is followed by 00 or a restart, so FF D9 is the end. It is looked for from
    // behind: some cameras fill the rest of the buffer, or end with D9 00 or 00 00.
    let data = frame.get(scan.end..).ok_or("truncated")?;
    let end = data.windows(2).rposition(|pair| pair == [0xff, EOI]).ok_or("truncated")?;
    let jpeg = frame.get(..scan.end + end + 2).ok_or("truncated")?;
    Ok(Whole { jpeg, tables_at: (!has_tables).then_some(scan.start) })
}

impl<'a> Whole<'a> {
    /// The picture, if need be with the standard Huffman tables before its scan, in `memory`.
    pub fn mended(self, memory: &'a mut Vec<u8>) -> &'a [u8] {
        let Some(at) = self.tables_at else { return self.jpeg };
        let (head, scan) = self.jpeg.split_at(at.min(self.jpeg.len()));
        memory.clear();
        for part in [head, &standard_tables(), scan] {
            memory.extend_from_slice(part);
        }
        memory
    }
}

/// The DHT segment of the tables K.3 to K.6 in ITU-T T.81, annex K. Motion-JPEG in AVI leaves
/// them out, and so do many webcams.
fn standard_tables() -> Vec<u8> {
    let mut data = Vec::with_capacity(432);
    for (class, bits, values) in [
        (0x00, &DC_LUMA_BITS, &DC_VALUES[..]),
        (0x10, &AC_LUMA_BITS, &AC_LUMA_VALUES[..]),
        (0x01, &DC_CHROMA_BITS, &DC_VALUES[..]),
        (0x11, &AC_CHROMA_BITS, &AC_CHROMA_VALUES[..]),
    ] {
        data.push(class);
        data.extend_from_slice(bits);
        data.extend_from_slice(values);
    }
    let length = u16::try_from(data.len() + 2).expect("the tables are 416 bytes");
    [&[0xff, DHT][..], &length.to_be_bytes(), &data].concat()
}

const DC_LUMA_BITS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA_BITS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const AC_LUMA_BITS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA_BITS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
#[rustfmt::skip]
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
#[rustfmt::skip]
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wire::jpeg::APP0;

    fn picture() -> Vec<u8> {
        let mut jpeg = Vec::new();
        let rgb: Vec<u8> = (0..64 * 48 * 3).map(|i| (i * 7 % 251) as u8).collect();
        jpeg_encoder::Encoder::new(&mut jpeg, 80)
            .encode(&rgb, 64, 48, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        jpeg
    }

    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let tables: Vec<_> =
            jpeg::segments(jpeg).map(Result::unwrap).filter(|s| s.marker == DHT).collect();
        let (first, last) = (tables[0].start, tables[tables.len() - 1].end);
        [&jpeg[..first], &jpeg[last..]].concat()
    }

    fn pixels(jpeg: &[u8]) -> Vec<u8> {
        jpeg_decoder::Decoder::new(jpeg).decode().unwrap()
    }

    #[test]
    fn a_whole_picture_is_left_as_it_is() {
        let jpeg = picture();
        assert_eq!(check(&jpeg), Ok(Whole { jpeg: &jpeg, tables_at: None }));
    }

    #[test]
    fn filling_after_the_end_is_cut_off() {
        let jpeg = picture();
        for filling in [&b"\0"[..], b"\0\0", b"\xff\xff", b"\xff", &[0xaa; 5000]] {
            let filled = [&jpeg[..], filling].concat();
            assert_eq!(
                check(&filled).map(|whole| whole.jpeg),
                Ok(&jpeg[..]),
                "{:?}",
                &filling[..1]
            );
        }
    }

    #[test]
    fn a_picture_without_huffman_tables_gets_the_standard_ones() {
        let jpeg = picture();
        let bare = without_tables(&jpeg);
        let whole = check(&bare).unwrap();
        assert!(whole.tables_at.is_some());
        let mut memory = Vec::new();
        let mended = whole.mended(&mut memory);
        assert_eq!(check(mended).unwrap().tables_at, None);
        assert_eq!(pixels(mended), pixels(&jpeg));
    }

    #[test]
    fn an_end_within_a_thumbnail_is_not_the_pictures() {
        let jpeg = picture();
        let thumbnail = [&[0xff, APP0 + 1, 0, 8][..], b"ab\xff\xd9cd"].concat();
        let with = [&jpeg[..2], &thumbnail, &jpeg[2..]].concat();
        assert_eq!(check(&with).unwrap().jpeg, with);
        assert_eq!(check(&with[..with.len() - 2]), Err("truncated"));
    }

    #[test]
    fn what_is_no_picture_has_a_word() {
        let jpeg = picture();
        assert_eq!(check(&[]), Err("empty"));
        assert_eq!(check(&[0]), Err("empty"));
        assert_eq!(check(&[0; 4096]), Err("garbage"));
        assert_eq!(check(b"\xff\xd8\xff\xd9"), Err("garbage"));
        assert_eq!(check(&[&[0xff, 0xd8][..], &[0x55; 100]].concat()), Err("garbage"));
        assert_eq!(check(&jpeg[..jpeg.len() / 2]), Err("truncated"));
        assert_eq!(check(&jpeg[..20]), Err("truncated"));
    }

    #[test]
    fn a_picture_cut_anywhere_is_never_whole() {
        let jpeg = picture();
        for cut in 0..jpeg.len() {
            assert!(check(&jpeg[..cut]).is_err(), "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_are_a_picture_or_have_a_word(bytes: Vec<u8>, start: bool) {
            let bytes = if start { [&[0xff, 0xd8, 0xff][..], &bytes].concat() } else { bytes };
            let _ = check(&bytes).map(|whole| whole.mended(&mut Vec::new()).len());
        }

        #[test]
        fn a_picture_with_bytes_changed_is_a_picture_or_has_a_word(at in 0usize..2000, value: u8) {
            let mut jpeg = picture();
            let at = at % jpeg.len();
            jpeg[at] = value;
            if let Ok(whole) = check(&jpeg) {
                prop_assert!(whole.jpeg.len() <= jpeg.len());
            }
        }
    }
}
