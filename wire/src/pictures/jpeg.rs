//! The outer structure of a JPEG: its marker segments up to the first scan (ITU-T T.81, annex B).

/// Start of image.
pub const SOI: u8 = 0xd8;
/// End of image.
pub const EOI: u8 = 0xd9;
/// Start of scan: the entropy-coded data follows.
pub const SOS: u8 = 0xda;
/// Define Huffman tables.
pub const DHT: u8 = 0xc4;
/// Define quantisation tables.
pub const DQT: u8 = 0xdb;
/// Define the restart interval.
pub const DRI: u8 = 0xdd;
/// The first of the eight restart markers.
pub const RST0: u8 = 0xd0;
/// The last of the eight restart markers.
pub const RST7: u8 = 0xd7;
/// Comment.
pub const COM: u8 = 0xfe;
/// The first application segment; JFIF uses it.
pub const APP0: u8 = 0xe0;
/// The last application segment.
pub const APP15: u8 = 0xef;

/// The most that a segment's data can hold, in bytes.
pub const SEGMENT_DATA: usize = 0xffff - 2;

/// A marker segment before the first scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The second byte of the marker.
    pub marker: u8,
    /// What follows the length.
    pub data: &'a [u8],
    /// The position of the segment's `FF` in the picture.
    pub start: usize,
    /// The position of the next segment.
    pub end: usize,
}

/// Why bytes are not a JPEG up to the first scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJpeg {
    /// They do not begin with `FF D8`.
    #[error("does not begin as a JPEG")]
    Start,
    /// A segment does not begin with a marker, or is shorter than its own length field.
    #[error("a segment is broken")]
    Segment,
    /// They end before the first scan.
    #[error("ends within its header")]
    Cut,
}

/// The segments after the start of image, up to and including the first start of scan.
///
/// An iterator of results, which ends after an error or the start of scan.
pub fn segments(jpeg: &[u8]) -> Segments<'_> {
    Segments { jpeg, next: Next::Soi }
}

/// See [`segments`].
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    jpeg: &'a [u8],
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Soi,
    At(usize),
    Nothing,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, NotJpeg>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = match self.next {
            Next::Nothing => return None,
            Next::Soi if self.jpeg.starts_with(&[0xff, SOI]) => 2,
            Next::Soi => {
                self.next = Next::Nothing;
                return Some(Err(NotJpeg::Start));
            }
            Next::At(at) => at,
        };
        let segment = segment_at(self.jpeg, start);
        self.next = match &segment {
            Ok(segment) if segment.marker != SOS => Next::At(segment.end),
            _ => Next::Nothing,
        };
        Some(segment)
    }
}

fn segment_at(jpeg: &[u8], start: usize) -> Result<Segment<'_>, NotJpeg> {
    // Any number of FF bytes may precede a marker as fill (B.1.1.2).
    let filled = jpeg[start.min(jpeg.len())..].iter().take_while(|&&b| b == 0xff).count();
    let at = start + filled;
    let &marker = jpeg.get(at).ok_or(NotJpeg::Cut)?;
    // 00 is a stuffed byte, D0 to D9 and 01 stand alone; none belongs in a header.
    if filled == 0 || matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9) {
        return Err(NotJpeg::Segment);
    }
    let length = match jpeg.get(at + 1..at + 3) {
        Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
        _ => return Err(NotJpeg::Cut),
    };
    if length < 2 {
        return Err(NotJpeg::Segment);
    }
    let end = at + 1 + length;
    let data = jpeg.get(at + 3..end).ok_or(NotJpeg::Cut)?;
    Ok(Segment { marker, data, start, end })
}

/// Width and height in pixels from the frame header (B.2.2); `None` if there is no such header
/// before the first scan.
pub fn size(jpeg: &[u8]) -> Option<(u32, u32)> {
    segments(jpeg).map_while(Result::ok).find_map(|segment| match *segment.data {
        [_, h1, h0, w1, w0, ..] if is_frame(segment.marker) => {
            let height = u32::from(u16::from_be_bytes([h1, h0]));
            let width = u32::from(u16::from_be_bytes([w1, w0]));
            (width > 0 && height > 0).then_some((width, height))
        }
        _ => None,
    })
}

/// Whether a marker begins a frame header: SOF0 to SOF15, except DHT, JPG and DAC among them.
pub fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, DHT | 0xc8 | 0xcc)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A tiny picture with the segments given between its start and its scan.
    pub(crate) fn picture(segments: &[(u8, &[u8])]) -> Vec<u8> {
        let mut jpeg = vec![0xff, SOI];
        let sof: &[u8] = &[8, 0, 48, 0, 64, 1, 1, 0x11, 0];
        for (marker, data) in
            segments.iter().copied().chain([(0xc0, sof), (SOS, &[1, 1, 0, 0, 63, 0][..])])
        {
            jpeg.extend([0xff, marker]);
            jpeg.extend(u16::try_from(data.len() + 2).unwrap().to_be_bytes());
            jpeg.extend(data);
        }
        jpeg.extend([0x12, 0x34, 0xff, EOI]);
        jpeg
    }

    #[test]
    fn segments_end_with_the_scan() {
        let jpeg = picture(&[(APP0, b"JFIF\0"), (COM, b"hello")]);
        let markers: Vec<u8> = segments(&jpeg).map(|s| s.unwrap().marker).collect();
        assert_eq!(markers, [APP0, COM, 0xc0, SOS]);
        let ends: Vec<_> = segments(&jpeg).map(Result::unwrap).collect();
        assert!(ends.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(size(&jpeg), Some((64, 48)));
    }

    #[test]
    fn filling_before_a_marker_is_skipped() {
        let mut jpeg = picture(&[]);
        jpeg.splice(2..2, [0xff, 0xff, 0xff]);
        assert_eq!(size(&jpeg), Some((64, 48)));
    }

    #[test]
    fn a_cut_header_is_an_error() {
        let jpeg = picture(&[(APP0, b"JFIF\0")]);
        let header = segments(&jpeg).last().unwrap().unwrap().end;
        for cut in 0..header {
            let last = segments(&jpeg[..cut]).last().unwrap();
            assert!(last.is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_length_below_two_is_an_error() {
        assert_eq!(segments(&[0xff, SOI, 0xff, COM, 0, 1]).last(), Some(Err(NotJpeg::Segment)));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            prop_assert!(segments(&bytes).count() <= bytes.len() + 1);
            let _ = size(&bytes);
        }

        #[test]
        fn bytes_after_a_good_start_end(bytes: Vec<u8>) {
            let jpeg = [&[0xff, SOI, 0xff][..], &bytes].concat();
            prop_assert!(segments(&jpeg).count() <= jpeg.len());
        }
    }
}
