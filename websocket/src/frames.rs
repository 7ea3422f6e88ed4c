//! Parses the frames of a client: gives payload as it comes, and the control frames between.

use bytes::{Buf, Bytes, BytesMut};

use crate::close::{Broken, PROTOCOL, TOO_LARGE, UNSUPPORTED};
use crate::frame::{CONTROL, Kind, Opcode, unmask};

const RULES: Broken = Broken(PROTOCOL, "a frame that breaks RFC 6455");

/// Parses the frames of a client. It holds only bytes that were read and not parsed yet.
#[derive(Debug)]
pub struct Frames {
    /// Bytes that were read and not parsed yet.
    raw: BytesMut,
    /// The most bytes of a message.
    most: u64,
    takes_text: bool,
    /// The unfinished message, and how many bytes its frames have so far.
    message: Option<(Kind, u64)>,
    /// The frame that has begun.
    frame: Option<Frame>,
    too_long: Option<TooLong>,
}

/// A message that was refused because it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// Its kind.
    pub kind: Kind,
    /// Its length in bytes, if the frame that was refused is its last.
    pub bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: Opcode,
    is_last: bool,
    left: u64,
    mask: [u8; 4],
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A piece of a message, unmasked.
    Payload {
        /// The kind of the message.
        kind: Kind,
        /// Empty only if the frame is.
        bytes: BytesMut,
        /// How many bytes of this frame are still to come.
        left: u64,
        /// Whether the message ends here.
        is_end: bool,
    },
    /// A ping, with the payload that its answer must have.
    Ping(Bytes),
    /// An answer to a ping, or an unasked one.
    Pong,
    /// The client closes.
    Close,
}

impl Frames {
    /// Takes text and binary messages of at most `most` bytes.
    pub fn new(most: u64) -> Frames {
        Frames {
            raw: BytesMut::new(),
            most,
            takes_text: true,
            message: None,
            frame: None,
            too_long: None,
        }
    }

    /// Takes only binary messages, as one stream of bytes, so a message has no limit.
    pub fn stream() -> Frames {
        // The greatest length of a frame: the highest bit is 0 (section 5.2).
        Frames { takes_text: false, ..Frames::new(u64::MAX >> 1) }
    }

    /// Where to put bytes that were read.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.raw
    }

    /// Whether a frame head, a frame or a message has begun and is not finished.
    pub fn is_unfinished(&self) -> bool {
        self.is_within_message() || !self.raw.is_empty()
    }

    /// The same, but an incomplete frame head does not count.
    pub fn is_within_message(&self) -> bool {
        self.frame.is_some() || self.message.is_some()
    }

    /// The next part, with at most `room` bytes of payload; `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`Broken`]; what follows cannot be parsed any more.
    pub fn parse(&mut self, room: usize) -> Result<Option<Part>, Broken> {
        let mut frame = match self.frame {
            Some(frame) => frame,
            None => match self.head()? {
                Some(frame) => *self.frame.insert(frame),
                None => return Ok(None),
            },
        };
        if frame.opcode.is_control() {
            return self.control(frame);
        }
        let Some((kind, _)) = self.message else { return Err(RULES) };
        let most = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let len = most.min(self.raw.len()).min(room);
        if len == 0 && frame.left > 0 {
            return Ok(None);
        }
        let mut bytes = self.raw.split_to(len);
        unmask(&mut bytes, frame.mask);
        frame.mask.rotate_left(len % 4);
        frame.left -= len as u64;
        self.frame = (frame.left > 0).then_some(frame);
        let is_end = frame.left == 0 && frame.is_last;
        if is_end {
            self.message = None;
        }
        Ok(Some(Part::Payload { kind, bytes, left: frame.left, is_end }))
    }

    fn control(&mut self, frame: Frame) -> Result<Option<Part>, Broken> {
        let len = usize::try_from(frame.left).map_err(|_| RULES)?;
        if self.raw.len() < len {
            return Ok(None);
        }
        self.frame = None;
        let mut payload = self.raw.split_to(len);
        unmask(&mut payload, frame.mask);
        match frame.opcode {
            // A copy, because the buffer may be large and a ping may wait.
            Opcode::Ping => Ok(Some(Part::Ping(Bytes::copy_from_slice(&payload)))),
            Opcode::Pong => Ok(Some(Part::Pong)),
            // A code alone has two bytes (section 5.5.1). Any code will do, because the client
            // leaves anyway.
            _ if len == 1 => Err(RULES),
            _ => Ok(Some(Part::Close)),
        }
    }

    /// The message that was too long, after [`TOO_LARGE`].
    pub fn too_long(&self) -> Option<TooLong> {
        self.too_long
    }

    /// Parses the head of a frame, once it is complete; checks its first two bytes early.
    fn head(&mut self) -> Result<Option<Frame>, Broken> {
        let mut raw = self.raw.as_ref();
        if raw.len() < 2 {
            return Ok(None);
        }
        let (first, second) = (raw.get_u8(), raw.get_u8());
        let is_last = first & 0x80 != 0;
        // No extension was agreed on, and clients mask (sections 5.1 and 5.2).
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(RULES);
        }
        let opcode = match (first & 0x0f, self.message) {
            (0, Some(_)) => Opcode::Continuation,
            (1, None) if self.takes_text => Opcode::Text,
            (1, None) => return Err(Broken(UNSUPPORTED, "only binary messages are taken here")),
            (2, None) => Opcode::Binary,
            (8, _) if is_last => Opcode::Close,
            (9, _) if is_last => Opcode::Ping,
            (10, _) if is_last => Opcode::Pong,
            _ => return Err(RULES),
        };
        // A length in more bytes than it needs is accepted: it has one meaning only.
        let more = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if raw.len() < more + 4 {
            return Ok(None);
        }
        let len = match more {
            0 => u64::from(second & 0x7f),
            _ => raw.get_uint(more),
        };
        if opcode.is_control() {
            if len > CONTROL as u64 {
                return Err(RULES);
            }
        } else {
            let kind = if opcode == Opcode::Text { Kind::Text } else { Kind::Binary };
            let (kind, before) = self.message.unwrap_or((kind, 0));
            if len > self.most - before {
                let bytes = is_last.then(|| before.saturating_add(len));
                self.too_long = Some(TooLong { kind, bytes });
                return Err(Broken(TOO_LARGE, "a message is too long"));
            }
            self.message = Some((kind, before + len));
        }
        let mut mask = [0; 4];
        raw.copy_to_slice(&mut mask);
        self.raw.advance(2 + more + 4);
        Ok(Some(Frame { opcode, is_last, left: len, mask }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::close::NOT_UTF8;
    use crate::frame::tests::masked;

    /// The parts of `bytes` when they come in pieces of `step`, with `room` for payload.
    fn parts(
        mut frames: Frames,
        bytes: &[u8],
        step: usize,
        room: usize,
    ) -> Result<Vec<Part>, Broken> {
        let mut parts = Vec::new();
        for piece in bytes.chunks(step) {
            frames.buffer().extend_from_slice(piece);
            while let Some(part) = frames.parse(room)? {
                parts.push(part);
            }
        }
        Ok(parts)
    }

    /// All payload together, and how many messages ended.
    fn payload(parts: &[Part]) -> (Vec<u8>, usize) {
        let mut all = (Vec::new(), 0);
        for part in parts {
            if let Part::Payload { bytes, is_end, .. } = part {
                all.0.extend_from_slice(bytes);
                all.1 += usize::from(*is_end);
            }
        }
        all
    }

    #[test]
    fn what_breaks_the_rules_is_told_by_its_code() {
        for (bytes, code) in [
            (masked(0xc2, b"compressed"), PROTOCOL),
            (masked(0x80, b"continues nothing"), PROTOCOL),
            ([masked(0x02, b"a"), masked(0x82, b"b")].concat(), PROTOCOL),
            ([masked(0x02, b"a"), masked(0x81, b"b")].concat(), PROTOCOL),
            (masked(0x09, b"half a ping"), PROTOCOL),
            (masked(0x83, b"reserved"), PROTOCOL),
            (masked(0x8b, b"reserved"), PROTOCOL),
            (masked(0x89, &[0; 126]), PROTOCOL),
            (masked(0x88, &[3]), PROTOCOL),
            (vec![0x82, 1, 0], PROTOCOL),
            ([&[0x82, 0xff][..], &[0xff; 8], &[0; 4]].concat(), TOO_LARGE),
        ] {
            for frames in [Frames::new(1 << 20), Frames::stream()] {
                let end = parts(frames, &bytes, bytes.len(), usize::MAX).unwrap_err();
                assert_eq!(end.0, code, "{:02x?}", &bytes[..2]);
                assert_ne!(end.0, NOT_UTF8);
            }
        }
        let text = parts(Frames::stream(), &masked(0x81, b"text"), 6, 9).unwrap_err();
        assert_eq!(text.0, UNSUPPORTED);
    }

    #[test]
    fn the_rules_are_judged_by_the_first_two_bytes_where_they_can() {
        for bytes in [[0x82, 0x01], [0xc2, 0x81], [0x80, 0x81], [0x83, 0x81], [0x09, 0x81]] {
            assert_eq!(parts(Frames::stream(), &bytes, 2, 9), Err(RULES), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_that_length() {
        let short = [0x82, 0x80 | 126, 0, 1, 0, 0, 0, 0, 7];
        let long = [0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7];
        for bytes in [&short[..], &long] {
            let parts = parts(Frames::new(1), bytes, 1, 9).unwrap();
            assert_eq!(payload(&parts), (vec![7], 1));
        }
    }

    #[test]
    fn an_endless_message_ends_at_its_bound_and_a_stream_has_none() {
        let part = masked(0x00, &[7; 100]);
        let bytes = [masked(0x02, b""), part.repeat(10), masked(0x00, b"x")].concat();
        let end = parts(Frames::new(1000), &bytes, 50, usize::MAX).unwrap_err();
        assert_eq!(end.0, TOO_LARGE);
        assert!(parts(Frames::new(1001), &bytes, 50, usize::MAX).is_ok());
        assert!(parts(Frames::stream(), &bytes, 50, usize::MAX).is_ok());
    }

    proptest! {
        /// However frames, reads and room cut it, and whatever comes between, the payload is what
        /// was sent.
        #[test]
        fn payload_comes_as_it_was_sent(
            messages in vec(vec(vec(any::<u8>(), 0..300), 1..4), 0..5),
            step in 1..400_usize,
            room in 1..400_usize,
        ) {
            let mut bytes = Vec::new();
            for message in &messages {
                for (n, part) in message.iter().enumerate() {
                    let opcode = if n == 0 { 2 } else { 0 };
                    let fin = if n + 1 == message.len() { 0x80 } else { 0 };
                    bytes.extend(masked(fin | opcode, part));
                    bytes.extend(masked(0x89, b"ping"));
                }
            }
            bytes.extend(masked(0x88, &[3, 232]));
            let parts = parts(Frames::stream(), &bytes, step, room).unwrap();
            prop_assert_eq!(payload(&parts), (messages.concat().concat(), messages.len()));
            let pings = parts.iter().filter(|part| **part == Part::Ping("ping".into())).count();
            prop_assert_eq!(pings, messages.iter().map(Vec::len).sum::<usize>());
            prop_assert_eq!(parts.last(), Some(&Part::Close));
        }

        /// Any bytes are parsed or refused, and never give more than came.
        #[test]
        fn any_bytes_are_parts_or_refused(
            first in prop::sample::select(vec![0x01_u8, 0x82, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88]),
            mut bytes in vec(any::<u8>(), 0..80),
            step in 1..20_usize,
            room in 1..20_usize,
        ) {
            for frames in [Frames::new(1 << 20), Frames::stream()] {
                let _ = parts(frames, &bytes, step, room);
            }
            bytes.splice(..0, [first, 0x85]);
            for frames in [Frames::new(1 << 20), Frames::stream()] {
                if let Ok(parts) = parts(frames, &bytes, step, room) {
                    prop_assert!(payload(&parts).0.len() <= bytes.len());
                }
            }
        }
    }
}
