//! Writes a PUBLISH: a head for each subscriber, and the payload that they share.

use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::aliases::Alias;
use crate::protocol::delivery::Delivery;
use crate::protocol::packet::{Qos, Version};

/// How one PUBLISH differs from others of the same delivery.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sending {
    /// 0 for QoS 0.
    pub id: u16,
    /// Whether it was sent before.
    pub dup: bool,
    pub alias: Option<Alias>,
}

/// All of a PUBLISH except its payload, which follows unchanged.
///
/// Heads are written to `buffer`, and this one is split off.
pub(crate) fn head(
    delivery: &Delivery,
    sending: Sending,
    version: Version,
    now: Instant,
    buffer: &mut BytesMut,
) -> Bytes {
    let Delivery { message, qos, retain, identifiers, .. } = delivery;
    let alias = sending.alias.filter(|_| version == Version::V5);
    let topic = if alias.is_some_and(|alias| alias.is_known) { "" } else { &*message.topic };
    let properties = properties_len(delivery, version) + 3 * usize::from(alias.is_some());
    let id_len = 2 * usize::from(*qos != Qos::AtMostOnce);
    let head = 2 + topic.len() + id_len + block_len(properties, version);
    buffer.reserve(5 + head);
    buffer.put_u8(0x30 | u8::from(sending.dup) << 3 | (*qos as u8) << 1 | u8::from(*retain));
    put_varint(buffer, head + message.payload.len());
    put_text(buffer, topic);
    if *qos != Qos::AtMostOnce {
        buffer.put_u16(sending.id);
    }
    if version == Version::V5 {
        put_varint(buffer, properties);
        if let Some(expires) = message.expires {
            let left = expires.saturating_duration_since(now).as_secs();
            buffer.put_u8(0x02);
            buffer.put_u32(u32::try_from(left).unwrap_or(u32::MAX));
        }
        if let Some(alias) = alias {
            buffer.put_u8(0x23);
            buffer.put_u16(alias.number);
        }
        for identifier in identifiers {
            buffer.put_u8(0x0b);
            put_varint(buffer, *identifier as usize);
        }
        buffer.put_slice(&message.properties);
    }
    buffer.split().freeze()
}

/// The size on the wire of a message without an alias, in bytes.
pub(crate) fn packet_len(delivery: &Delivery, version: Version) -> usize {
    let id_len = 2 * usize::from(delivery.qos != Qos::AtMostOnce);
    let message = &delivery.message;
    let properties = block_len(properties_len(delivery, version), version);
    let body = 2 + message.topic.len() + id_len + properties + message.payload.len();
    1 + varint_len(body) + body
}

fn properties_len(delivery: &Delivery, version: Version) -> usize {
    if version != Version::V5 {
        return 0;
    }
    let identifiers = delivery.identifiers.iter().map(|i| 1 + varint_len(*i as usize));
    let message = &delivery.message;
    message.properties.len()
        + 5 * usize::from(message.expires.is_some())
        + identifiers.sum::<usize>()
}

/// The size of a block of properties, with its length.
fn block_len(properties: usize, version: Version) -> usize {
    match version {
        Version::V31 | Version::V311 => 0,
        Version::V5 => varint_len(properties) + properties,
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

/// Text preceded by its length. It comes from a packet with a two-byte length, or is our own and
/// short.
pub(crate) fn put_text(buffer: &mut BytesMut, text: &str) {
    buffer.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
    buffer.put_slice(text.as_bytes());
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
