//! Gathers the messages of a client.

use bytes::{Bytes, BytesMut};

use crate::close::{Broken, NOT_UTF8};
use crate::frame::Kind;
use crate::frames::{Frames, Part, TooLong};

/// A message's buffer grows in steps, as bytes come: a head alone can claim any length.
const STEP: usize = 64 * 1024;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message; text is UTF-8.
    Message(Kind, Bytes),
    /// A ping, with the payload that its answer must have.
    Ping(Bytes),
    /// An answer to a ping, or an unasked one.
    Pong,
    /// The client closes.
    Close,
}

/// Gathers the messages of a client.
///
/// ```
/// use websocket::{Incoming, Kind, Messages};
///
/// let mut messages = Messages::new(1024);
/// // RFC 6455, section 5.7: a masked text message that says "Hello".
/// let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// messages.buffer().extend_from_slice(&bytes[..4]);
/// assert_eq!(messages.parse(), Ok(None), "more bytes are needed");
/// messages.buffer().extend_from_slice(&bytes[4..]);
/// assert_eq!(messages.parse(), Ok(Some(Incoming::Message(Kind::Text, "Hello".into()))));
/// ```
#[derive(Debug)]
pub struct Messages {
    frames: Frames,
    message: Vec<u8>,
}

impl Messages {
    /// Takes messages of at most `most` bytes.
    pub fn new(most: usize) -> Messages {
        Messages { frames: Frames::new(most as u64), message: Vec::new() }
    }

    /// Where to put bytes that were read.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.frames.buffer()
    }

    /// How many bytes of an unfinished message are held.
    pub fn unfinished(&self) -> usize {
        self.message.len()
    }

    /// Whether a frame head, a frame or a message has begun and is not finished.
    pub fn is_unfinished(&self) -> bool {
        self.frames.is_unfinished()
    }

    /// The same, but an incomplete frame head does not count.
    pub fn is_within_message(&self) -> bool {
        self.frames.is_within_message()
    }

    /// The message that was too long, after [`TOO_LARGE`](crate::close::TOO_LARGE).
    pub fn too_long(&self) -> Option<TooLong> {
        self.frames.too_long()
    }

    /// The next event, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`Broken`]; what follows cannot be parsed any more.
    pub fn parse(&mut self) -> Result<Option<Incoming>, Broken> {
        loop {
            match self.frames.parse(usize::MAX)? {
                None => return Ok(None),
                Some(Part::Ping(payload)) => return Ok(Some(Incoming::Ping(payload))),
                Some(Part::Pong) => return Ok(Some(Incoming::Pong)),
                Some(Part::Close) => return Ok(Some(Incoming::Close)),
                Some(Part::Payload { kind, bytes, left, is_end }) => {
                    self.gather(&bytes, left);
                    if is_end {
                        return self.end(kind).map(Some);
                    }
                }
            }
        }
    }

    fn gather(&mut self, bytes: &[u8], left: u64) {
        let begin = self.message.len();
        if self.message.capacity() < begin + bytes.len() {
            // Doubled, but never beyond the end of the frame, so that the whole message fits.
            let of_frame = usize::try_from(left).unwrap_or(usize::MAX).saturating_add(bytes.len());
            self.message.reserve_exact(of_frame.min(begin.max(STEP)).max(bytes.len()));
        }
        self.message.extend_from_slice(bytes);
    }

    fn end(&mut self, kind: Kind) -> Result<Incoming, Broken> {
        let payload = std::mem::take(&mut self.message);
        if kind == Kind::Text && std::str::from_utf8(&payload).is_err() {
            return Err(Broken(NOT_UTF8, "a text message is not UTF-8"));
        }
        Ok(Incoming::Message(kind, payload.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::close::TOO_LARGE;
    use crate::frame::tests::masked as frame;

    const MESSAGE: usize = 10 * 1024 * 1024;

    /// What is parsed from `bytes` when they come in pieces of `step`.
    fn receive(bytes: &[u8], step: usize) -> Result<Vec<Incoming>, Broken> {
        let mut messages = Messages::new(MESSAGE);
        let mut received = Vec::new();
        for part in bytes.chunks(step) {
            messages.buffer().extend_from_slice(part);
            while let Some(next) = messages.parse()? {
                received.push(next);
            }
        }
        Ok(received)
    }

    #[test]
    fn messages_are_put_together_however_they_are_cut() {
        let long: Vec<u8> = (0..200_001_u32).map(|n| n.to_be_bytes()[2] ^ n as u8).collect();
        let bytes = [
            frame(0x81, "¡hola!".as_bytes()),
            frame(0x02, b"ab"),
            frame(0x89, b"ping"),
            frame(0x00, b""),
            frame(0x80, b"cd"),
            frame(0x8a, b"unasked"),
            frame(0x82, &long),
            frame(0x82, b""),
            // A letter of two bytes, cut in two.
            frame(0x01, &"é".as_bytes()[..1]),
            frame(0x80, &"é".as_bytes()[1..]),
            frame(0x88, &[3, 232]),
        ]
        .concat();
        let text = |text: &'static str| Incoming::Message(Kind::Text, text.into());
        let binary = |bytes: Vec<u8>| Incoming::Message(Kind::Binary, bytes.into());
        for step in [1, 7, 4096, bytes.len()] {
            let expected = [
                text("¡hola!"),
                Incoming::Ping(Bytes::from_static(b"ping")),
                binary(b"abcd".to_vec()),
                Incoming::Pong,
                binary(long.clone()),
                binary(Vec::new()),
                text("é"),
                Incoming::Close,
            ];
            assert!(receive(&bytes, step).unwrap() == expected, "{step}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_told_by_its_code() {
        let large = [&[0x82, 0xff][..], &(MESSAGE as u64 + 1).to_be_bytes(), &[0; 4]].concat();
        for (bytes, code) in [
            (frame(0x81, b"caf\xe9"), NOT_UTF8),
            (frame(0x81, b"\xed\xa0\x80"), NOT_UTF8),
            (large, TOO_LARGE),
        ] {
            assert_eq!(receive(&bytes, bytes.len()).unwrap_err().0, code, "{:02x?}", &bytes[..4]);
        }
    }

    #[test]
    fn an_endless_message_ends_at_the_limit_and_empty_frames_hold_nothing() {
        let part = frame(0x00, &vec![7; 1 << 20]);
        let mut messages = Messages::new(MESSAGE);
        messages.buffer().extend_from_slice(&frame(0x02, b""));
        for _ in 0..10 {
            messages.buffer().extend_from_slice(&part);
            messages.buffer().extend_from_slice(&frame(0x00, b""));
            assert_eq!(messages.parse(), Ok(None));
        }
        assert_eq!((messages.unfinished(), messages.message.capacity()), (MESSAGE, MESSAGE));
        messages.buffer().extend_from_slice(&frame(0x00, b"x"));
        assert_eq!(messages.parse().unwrap_err().0, TOO_LARGE);
        let unknown = TooLong { kind: Kind::Binary, bytes: None };
        assert_eq!(messages.too_long(), Some(unknown), "more may follow");
        let mut messages = Messages::new(MESSAGE);
        let head = [&[0x81, 0xff][..], &52_428_800_u64.to_be_bytes(), &[0; 4]].concat();
        messages.buffer().extend_from_slice(&head);
        assert_eq!(messages.parse().unwrap_err().0, TOO_LARGE);
        let known = TooLong { kind: Kind::Text, bytes: Some(52_428_800) };
        assert_eq!(messages.too_long(), Some(known));
    }

    #[test]
    fn a_head_alone_takes_no_memory() {
        let mut messages = Messages::new(MESSAGE);
        let head = [&[0x82, 0xff][..], &9_000_000_u64.to_be_bytes()].concat();
        messages.buffer().extend_from_slice(&head);
        messages.buffer().extend_from_slice(&[0, 0, 0, 0, 1]);
        assert_eq!(messages.parse(), Ok(None));
        assert!(messages.message.capacity() <= STEP);
    }

    proptest! {
        /// A message that is not whole gives nothing, and counts as begun.
        #[test]
        fn a_part_of_a_message_is_none(payload in vec(any::<u8>(), 0..200), step in 1..50_usize) {
            let bytes = frame(0x82, &payload);
            for len in 0..bytes.len() {
                let mut messages = Messages::new(MESSAGE);
                for part in bytes[..len].chunks(step) {
                    messages.buffer().extend_from_slice(part);
                    prop_assert_eq!(messages.parse(), Ok(None));
                }
                prop_assert_eq!(messages.is_unfinished(), len > 0);
            }
            let message = Incoming::Message(Kind::Binary, payload.into());
            prop_assert_eq!(receive(&bytes, step), Ok(vec![message]));
        }

        #[test]
        fn random_bytes_break_nothing(bytes in vec(any::<u8>(), 0..80), step in 1..20_usize) {
            let _ = receive(&bytes, step);
            for first in [0x01, 0x82, 0x00, 0x89] {
                let _ = receive(&[&[first, 0x85], &bytes[..]].concat(), step);
            }
        }
    }
}
