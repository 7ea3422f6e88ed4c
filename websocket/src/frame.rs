//! One frame: its kind, its head, its mask (section 5.2).

use bytes::{BufMut, BytesMut};

/// The longest payload of a control frame (section 5.5), in bytes.
pub const CONTROL: usize = 125;

/// The purpose of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Continues the message of the frame before.
    Continuation = 0,
    /// Begins a text message.
    Text = 1,
    /// Begins a binary message.
    Binary = 2,
    /// The last frame of this side.
    Close = 8,
    /// The receiver must answer with the same payload.
    Ping = 9,
    /// The answer to a ping, or an unasked one.
    Pong = 10,
}

impl Opcode {
    /// Whether this is a control frame, which may come between the frames of a message.
    pub fn is_control(self) -> bool {
        self as u8 >= Opcode::Close as u8
    }
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// The head of an unmasked server frame that is a whole message of `len` bytes.
pub fn head(opcode: Opcode, len: usize) -> BytesMut {
    let mut head = BytesMut::with_capacity(10);
    put_head(&mut head, opcode, len);
    head
}

/// Appends such a head to `to`.
pub fn put_head(to: &mut BytesMut, opcode: Opcode, len: usize) {
    to.put_u8(0x80 | opcode as u8);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => to.put_u8(len),
        (_, Ok(len)) => {
            to.put_u8(126);
            to.put_u16(len);
        }
        _ => {
            to.put_u8(127);
            to.put_u64(len as u64);
        }
    }
}

/// Removes the mask, or applies it (section 5.3).
pub(crate) fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    // Whole words first, because pictures are large.
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
pub(crate) mod tests {
    use super::*;

    /// A frame of a client with this first byte.
    pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = head(Opcode::Text, payload.len()).to_vec();
        frame[0] = first;
        frame[1] |= 0x80;
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        let begin = frame.len();
        frame.extend_from_slice(payload);
        unmask(&mut frame[begin..], mask);
        frame
    }

    #[test]
    fn a_length_takes_as_few_bytes_as_can_be() {
        for (len, expected) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xffff, &[0x82, 126, 0xff, 0xff]),
            (0x1_0000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            assert_eq!(head(Opcode::Binary, len), expected, "{len}");
        }
    }
}
