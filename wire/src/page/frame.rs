//! A frame on the page's WebSocket: one binary message, with a header and the unchanged JPEG.
//!
//! Little-endian: `u32 serial, u16 tile, u16 flags, u32 seq, f64 captured, f64 sent`. The page
//! answers each frame that it drew or discarded with its four-byte serial. If the gallery lets
//! answers wait, one message has a few of them.

use crate::topics::topic::Size;

/// The length of the header in bytes.
pub const HEADER: usize = 28;

/// Flag: the capture time is unknown, so `captured` is when the gallery received the frame.
pub const CLOCK_UNKNOWN: u16 = 1;

/// Flag: the next frame does not depend on this answer, which may wait for the next one. It goes at
/// the latest after 100 ms, or as the third in its message.
pub const MAY_WAIT: u16 = 2;

/// What comes before the JPEG.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// The number in the page's answer. It differs from that of every other unanswered frame.
    pub serial: u32,
    /// Its tile, by the page's number.
    pub tile: u16,
    /// [`CLOCK_UNKNOWN`], [`MAY_WAIT`]; later versions may use other bits.
    pub flags: u16,
    /// The camera's number for the frame.
    pub seq: u32,
    /// The capture time, in milliseconds since 1970 by the gallery's clock.
    pub captured: f64,
    /// The sending time, by the same clock.
    pub sent: f64,
}

impl Header {
    /// The header as bytes.
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&self.serial.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.tile.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.seq.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.captured.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.sent.to_le_bytes());
        bytes
    }

    /// Splits a message into its header and its JPEG; `None` if it is too short to have one.
    pub fn parse(message: &[u8]) -> Option<(Header, &[u8])> {
        let (header, jpeg) = message.split_first_chunk::<HEADER>()?;
        let header = Header {
            serial: u32::from_le_bytes(part(header, 0)),
            tile: u16::from_le_bytes(part(header, 4)),
            flags: u16::from_le_bytes(part(header, 6)),
            seq: u32::from_le_bytes(part(header, 8)),
            captured: f64::from_le_bytes(part(header, 12)),
            sent: f64::from_le_bytes(part(header, 20)),
        };
        Some((header, jpeg))
    }
}

/// A frame of the page's own camera, from the page to the gallery: one binary message.
///
/// Little-endian: `u32 seq, u16 size, u16 0, f32 age`, then the JPEG. Anything longer than the four
/// bytes of a serial is such a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Own {
    /// The page's number for the frame. The gallery returns it.
    pub seq: u32,
    /// Which picture it is.
    pub size: OwnSize,
    /// Its age when it was sent, in milliseconds: the page's own clock may be wrong.
    pub age: f32,
}

/// Which picture of a page's camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSize {
    /// 0 to 2: a live one.
    Live(Size),
    /// 3: the preview.
    Preview,
}

impl Own {
    /// The length of the header in bytes.
    pub const HEADER: usize = 12;

    /// Splits a message into its header and its JPEG; `None` if it has no such header.
    pub fn parse(message: &[u8]) -> Option<(Own, &[u8])> {
        let (header, jpeg) = message.split_first_chunk::<{ Own::HEADER }>()?;
        let [s0, s1, s2, s3, z0, z1, _, _, a0, a1, a2, a3] = *header;
        let size = match u16::from_le_bytes([z0, z1]) {
            3 => OwnSize::Preview,
            live => OwnSize::Live(*Size::ALL.get(usize::from(live))?),
        };
        let age = f32::from_le_bytes([a0, a1, a2, a3]);
        let own = Own { seq: u32::from_le_bytes([s0, s1, s2, s3]), size, age };
        age.is_finite().then_some((own, jpeg))
    }
}

fn part<const N: usize>(header: &[u8; HEADER], at: usize) -> [u8; N] {
    std::array::from_fn(|i| header[at + i])
}

/// The most answers in one message of a page. A longer message is a frame of its own camera.
pub const ACKS: usize = Own::HEADER / 4;

/// The serials in a message of 1 to [`ACKS`] answers, each little-endian; `None` for any other
/// message.
pub fn parse_acks(message: &[u8]) -> Option<&[[u8; 4]]> {
    let (serials, rest) = message.as_chunks();
    (rest.is_empty() && (1..=ACKS).contains(&serials.len())).then_some(serials)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_frame_of_the_pages_own_is_split_or_refused() {
        let mut message = vec![7, 0, 0, 0, 2, 0, 0, 0];
        message.extend(12.5f32.to_le_bytes());
        message.extend(b"jpeg");
        let (own, jpeg) = Own::parse(&message).unwrap();
        assert_eq!(own, Own { seq: 7, size: OwnSize::Live(Size::Quarter), age: 12.5 });
        assert_eq!(jpeg, b"jpeg");
        assert_eq!(Own::parse(&message[..11]), None);
        message[4] = 4;
        assert_eq!(Own::parse(&message), None, "an unknown size");
        message[4] = 3;
        message[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(Own::parse(&message), None, "an impossible age");
    }

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_frame() {
        let golden = include_bytes!("../../golden/frame.bin");
        let header = Header {
            serial: 7,
            tile: 3,
            flags: CLOCK_UNKNOWN,
            seq: 4711,
            captured: 1_763_640_000_123.25,
            sent: 1_763_640_000_140.5,
        };
        assert_eq!(Header::parse(golden), Some((header, &b"\xff\xd8\xff\xd9"[..])));
        assert_eq!([&header.to_bytes()[..], b"\xff\xd8\xff\xd9"].concat(), golden);
    }

    #[test]
    fn a_short_message_has_no_header() {
        for length in 0..HEADER {
            assert_eq!(Header::parse(&vec![0; length]), None);
        }
        assert_eq!(Header::parse(&[0; HEADER]).unwrap().1, b"");
    }

    #[test]
    fn an_answer_is_one_to_three_serials() {
        let message = [4, 3, 2, 1, 5, 0, 0, 0, 255, 255, 255, 255];
        assert_eq!(parse_acks(&message[..4]), Some(&[0x0102_0304_u32.to_le_bytes()][..]));
        assert_eq!(parse_acks(&message).map(<[_]>::len), Some(3));
        for bad in [&b""[..], b"abc", b"abcde", &[0; 16]] {
            assert_eq!(parse_acks(bad), None);
        }
    }

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(serial: u32, tile: u16, flags: u16, seq: u32, captured in -1e15f64..1e15, sent in -1e15f64..1e15) {
            let header = Header { serial, tile, flags, seq, captured, sent };
            let bytes = header.to_bytes();
            prop_assert_eq!(Header::parse(&bytes), Some((header, &b""[..])));
        }
    }
}
