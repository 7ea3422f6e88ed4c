//! A frame on the page's WebSocket: one binary message, a header and then the JPEG as it is.
//!
//! Little-endian: `u32 serial, u16 tile, u16 flags, u32 seq, f64 captured, f64 sent`. The page
//! answers each frame that it drew or discarded with the serial alone, four bytes.

/// The length of the header in bytes.
pub const HEADER: usize = 28;

/// Flag: the capture time is not known yet, so `captured` is when the gallery received it.
pub const CLOCK_UNKNOWN: u16 = 1;

/// What stands before the JPEG.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Header {
    /// The number that the page answers with. It counts up by one within a connection.
    pub serial: u32,
    /// The tile that it is for, as the page numbered it.
    pub tile: u16,
    /// [`CLOCK_UNKNOWN`]; other bits are for later versions.
    pub flags: u16,
    /// The camera's number of the frame.
    pub seq: u32,
    /// When it was captured, in milliseconds since 1970 by the gallery's clock.
    pub captured: f64,
    /// When it was sent, by the same clock.
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

fn part<const N: usize>(header: &[u8; HEADER], at: usize) -> [u8; N] {
    std::array::from_fn(|i| header[at + i])
}

/// The page's answer to a frame as bytes.
pub fn ack(serial: u32) -> [u8; 4] {
    serial.to_le_bytes()
}

/// The serial that an answer names; `None` if it is not four bytes.
pub fn parse_ack(message: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(message.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_frame() {
        let golden = include_bytes!("../golden/frame.bin");
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
    fn an_answer_is_four_bytes() {
        assert_eq!(parse_ack(&ack(0x0102_0304)), Some(0x0102_0304));
        for bad in [&b""[..], b"abc", b"abcde"] {
            assert_eq!(parse_ack(bad), None);
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
