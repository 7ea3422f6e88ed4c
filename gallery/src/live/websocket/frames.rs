//! Frames to messages and back. Pure: bytes in, messages out.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The longest payload of a control frame (section 5.5).
pub(crate) const CONTROL: usize = 125;

/// A message is given room in steps, as it comes: a head alone can claim anything.
const STEP: usize = 64 * 1024;

pub(crate) const NORMAL: u16 = 1000;
pub(crate) const GOING_AWAY: u16 = 1001;
pub(crate) const PROTOCOL: u16 = 1002;
pub(crate) const NOT_UTF8: u16 = 1007;
pub(crate) const POLICY: u16 = 1008;
pub(crate) const TOO_LARGE: u16 = 1009;
/// Registered with IANA.
pub(crate) const TRY_LATER: u16 = 1013;

/// What a frame is for (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What the standard calls the type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Message(Kind, Bytes),
    Ping(Bytes),
    Pong,
    Close,
}

/// A client that breaks the rules: the code of section 7.4.1 and the reason that it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken(pub u16, pub &'static str);

const RULES: Broken = Broken(PROTOCOL, "a frame that breaks RFC 6455");

/// Puts together what a client sends.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// What was read and not looked at.
    pub raw: BytesMut,
    /// A message may have so many bytes.
    most: usize,
    frame: Option<Frame>,
    /// The message of which some frames came.
    kind: Option<Kind>,
    message: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    opcode: Opcode,
    is_last: bool,
    left: usize,
    mask: [u8; 4],
}

impl Decoder {
    /// For messages of at most so many bytes.
    pub fn new(most: usize) -> Self {
        Decoder { raw: BytesMut::new(), most, frame: None, kind: None, message: Vec::new() }
    }

    /// How many bytes of an unfinished message are here.
    pub fn unfinished(&self) -> usize {
        self.message.len()
    }

    /// Whether something was begun and is not finished.
    pub fn is_amidst(&self) -> bool {
        self.is_within_message() || !self.raw.is_empty()
    }

    /// Whether it is a message, between whose frames others may come.
    pub fn is_within_message(&self) -> bool {
        self.frame.is_some() || self.kind.is_some()
    }

    /// The next thing said, or `None` when more must be read for it.
    ///
    /// # Errors
    /// [`Broken`]; what follows cannot be understood any more.
    pub fn next(&mut self) -> Result<Option<Heard>, Broken> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.head()? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            self.frame = Some(frame);
            if frame.opcode as u8 >= Opcode::Close as u8 {
                if self.raw.len() < frame.left {
                    return Ok(None);
                }
                self.frame = None;
                return self.control(frame).map(Some);
            }
            let frame = self.payload(frame);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            self.frame = None;
            if frame.is_last
                && let Some(kind) = self.kind.take()
            {
                let payload = std::mem::take(&mut self.message);
                if kind == Kind::Text && std::str::from_utf8(&payload).is_err() {
                    return Err(Broken(NOT_UTF8, "a text message is not UTF-8"));
                }
                return Ok(Some(Heard::Message(kind, payload.into())));
            }
        }
    }

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
        let opcode = match (first & 0x0f, self.kind) {
            (0, Some(_)) => Opcode::Continuation,
            (1, None) => Opcode::Text,
            (2, None) => Opcode::Binary,
            (8, _) if is_last => Opcode::Close,
            (9, _) if is_last => Opcode::Ping,
            (10, _) if is_last => Opcode::Pong,
            _ => return Err(RULES),
        };
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
        let most = match opcode as u8 >= Opcode::Close as u8 {
            true if len > CONTROL as u64 => return Err(RULES),
            true => CONTROL,
            false => self.most - self.message.len(),
        };
        let left = usize::try_from(len).ok().filter(|len| *len <= most);
        let left = left.ok_or(Broken(TOO_LARGE, "a message is too long"))?;
        let mut mask = [0; 4];
        raw.copy_to_slice(&mut mask);
        self.raw.advance(2 + more + 4);
        match opcode {
            Opcode::Text => self.kind = Some(Kind::Text),
            Opcode::Binary => self.kind = Some(Kind::Binary),
            _ => {}
        }
        Ok(Some(Frame { opcode, is_last, left, mask }))
    }

    fn control(&mut self, frame: Frame) -> Result<Heard, Broken> {
        let mut payload = self.raw.split_to(frame.left);
        unmask(&mut payload, frame.mask);
        match frame.opcode {
            Opcode::Ping => Ok(Heard::Ping(Bytes::copy_from_slice(&payload))),
            Opcode::Pong => Ok(Heard::Pong),
            // A code alone has two bytes (section 5.5.1).
            _ if payload.len() == 1 => Err(RULES),
            _ => Ok(Heard::Close),
        }
    }

    /// Moves what is here of the frame into the message.
    fn payload(&mut self, frame: Frame) -> Frame {
        let len = frame.left.min(self.raw.len());
        let begin = self.message.len();
        if self.message.capacity() < begin + len {
            // Doubled, but never beyond what the frame has, so that the whole message fits.
            self.message.reserve_exact(frame.left.min(begin.max(STEP)).max(len));
        }
        self.message.extend_from_slice(&self.raw[..len]);
        self.raw.advance(len);
        unmask(&mut self.message[begin..], frame.mask);
        let mut mask = frame.mask;
        mask.rotate_left(len % 4);
        Frame { left: frame.left - len, mask, ..frame }
    }
}

/// The head of a frame from the server, which is whole and not masked.
pub(crate) fn head(opcode: Opcode, len: usize) -> BytesMut {
    let mut head = BytesMut::with_capacity(10);
    head.put_u8(0x80 | opcode as u8);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => head.put_u8(len),
        (_, Ok(len)) => {
            head.put_u8(126);
            head.put_u16(len);
        }
        _ => {
            head.put_u8(127);
            head.put_u64(len as u64);
        }
    }
    head
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    // Whole words first: pictures are large.
    let (words, rest) = bytes.as_chunks_mut::<4>();
    let word = u32::from_ne_bytes(mask);
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: usize = 10 * 1024 * 1024;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = head(Opcode::Text, payload.len()).to_vec();
        frame[0] = first;
        frame[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        let mut masked = payload.to_vec();
        unmask(&mut masked, mask);
        frame.extend(masked);
        frame
    }

    /// What is heard of `bytes` when they come in pieces of `step`.
    fn hear(bytes: &[u8], step: usize) -> Result<Vec<Heard>, Broken> {
        let mut decoder = Decoder::new(MESSAGE);
        let mut heard = Vec::new();
        for part in bytes.chunks(step) {
            decoder.raw.extend_from_slice(part);
            while let Some(next) = decoder.next()? {
                heard.push(next);
            }
        }
        Ok(heard)
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
        let text = |text: &'static str| Heard::Message(Kind::Text, text.into());
        let binary = |bytes: Vec<u8>| Heard::Message(Kind::Binary, bytes.into());
        for step in [1, 7, 4096, bytes.len()] {
            let expected = [
                text("¡hola!"),
                Heard::Ping(Bytes::from_static(b"ping")),
                binary(b"abcd".to_vec()),
                Heard::Pong,
                binary(long.clone()),
                binary(Vec::new()),
                text("é"),
                Heard::Close,
            ];
            assert!(hear(&bytes, step).unwrap() == expected, "{step}");
        }
    }

    #[test]
    fn what_breaks_the_rules_is_told_by_its_code() {
        let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
        let large = [&[0x82, 0xff][..], &(MESSAGE as u64 + 1).to_be_bytes(), &[0; 4]].concat();
        for (bytes, code) in [
            (frame(0x81, b"caf\xe9"), NOT_UTF8),
            (frame(0x81, b"\xed\xa0\x80"), NOT_UTF8),
            (frame(0xc2, b"compressed"), PROTOCOL),
            (frame(0x80, b"continues nothing"), PROTOCOL),
            ([frame(0x02, b"a"), frame(0x82, b"b")].concat(), PROTOCOL),
            (frame(0x09, b"half a ping"), PROTOCOL),
            (frame(0x83, b"reserved"), PROTOCOL),
            (frame(0x89, &[0; 126]), PROTOCOL),
            (frame(0x88, &[3]), PROTOCOL),
            (vec![0x82, 1, 0], PROTOCOL),
            (huge, TOO_LARGE),
            (large, TOO_LARGE),
        ] {
            assert_eq!(hear(&bytes, bytes.len()).unwrap_err().0, code, "{:02x?}", &bytes[..4]);
        }
    }

    #[test]
    fn an_endless_message_ends_at_the_limit_and_empty_frames_hold_nothing() {
        let part = frame(0x00, &vec![7; 1 << 20]);
        let mut decoder = Decoder::new(MESSAGE);
        decoder.raw.extend_from_slice(&frame(0x02, b""));
        for _ in 0..10 {
            decoder.raw.extend_from_slice(&part);
            decoder.raw.extend_from_slice(&frame(0x00, b""));
            assert_eq!(decoder.next(), Ok(None));
        }
        assert_eq!((decoder.unfinished(), decoder.message.capacity()), (MESSAGE, MESSAGE));
        decoder.raw.extend_from_slice(&frame(0x00, b"x"));
        assert_eq!(decoder.next().unwrap_err().0, TOO_LARGE);
    }

    #[test]
    fn a_head_alone_takes_no_memory() {
        let mut decoder = Decoder::new(MESSAGE);
        decoder.raw.extend_from_slice(&[&[0x82, 0xff][..], &9_000_000_u64.to_be_bytes()].concat());
        decoder.raw.extend_from_slice(&[0, 0, 0, 0, 1]);
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.message.capacity() <= STEP);
    }

    #[test]
    fn random_bytes_break_nothing() {
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..5000 {
            let mut bytes: Vec<u8> = (0..rng.usize(0..80)).map(|_| rng.u8(..)).collect();
            if rng.bool() && bytes.len() > 1 {
                (bytes[0], bytes[1]) = (rng.choice([0x01, 0x82, 0x00, 0x89]).unwrap(), 0x85);
            }
            let _ = hear(&bytes, 1 + rng.usize(0..20));
        }
    }
}
