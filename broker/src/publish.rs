//! How a PUBLISH is written: a head made for each subscriber, and the payload that they share.

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

use crate::packet::{Message, Qos, Version};

/// All of a PUBLISH but its payload, which follows it on the wire as it is.
///
/// `id` is 0 for QoS 0. `buffer` is where heads are gathered; it is cut and given away.
pub(crate) fn head(
    message: &Message,
    version: Version,
    id: u16,
    retain: bool,
    now: Instant,
    buffer: &mut BytesMut,
) -> Bytes {
    let properties = properties_len(message, version);
    let body = body_len(message, version, id != 0);
    buffer.reserve(5 + body - message.payload.len());
    buffer.put_u8(0x30 | u8::from(id != 0) << 1 | u8::from(retain));
    put_varint(buffer, body);
    // A topic came out of a packet, where its length had two bytes.
    buffer.put_u16(u16::try_from(message.topic.len()).unwrap_or(u16::MAX));
    buffer.put_slice(message.topic.as_bytes());
    if id != 0 {
        buffer.put_u16(id);
    }
    if version == Version::V5 {
        put_varint(buffer, properties);
        if let Some(expires) = message.expires {
            let left = expires.saturating_duration_since(now).as_secs();
            buffer.put_u8(0x02);
            buffer.put_u32(u32::try_from(left).unwrap_or(u32::MAX));
        }
        buffer.put_slice(&message.properties);
    }
    buffer.split().freeze()
}

/// The size on the wire of a message, in bytes.
pub(crate) fn packet_len(message: &Message, version: Version, qos: Qos) -> usize {
    let body = body_len(message, version, qos != Qos::AtMostOnce);
    1 + varint_len(body) + body
}

fn body_len(message: &Message, version: Version, has_id: bool) -> usize {
    let properties = match version {
        Version::V311 => 0,
        Version::V5 => {
            let len = properties_len(message, version);
            varint_len(len) + len
        }
    };
    2 + message.topic.len() + 2 * usize::from(has_id) + properties + message.payload.len()
}

fn properties_len(message: &Message, version: Version) -> usize {
    match version {
        Version::V311 => 0,
        Version::V5 => message.properties.len() + 5 * usize::from(message.expires.is_some()),
    }
}

fn varint_len(value: usize) -> usize {
    match value {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

pub(crate) fn put_varint(buffer: &mut BytesMut, mut value: usize) {
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        buffer.put_u8(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return;
        }
    }
}
