//! Collects bytes into packets, and has them checked before they are read.

use std::time::Instant;

use bytes::buf::Limit;
use bytes::{BufMut, BytesMut};

use crate::protocol::check::{self, Dialect};
use crate::protocol::codec::{self, SMALL};
use crate::protocol::packet::{Packet, Reason, Refusal, Version};

/// The most memory reserved for a packet that was announced but has not come.
const TRUSTED: usize = 256 * 1024;

/// Collects bytes into packets.
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// The size of the packet at the front of the buffer, once known.
    expected: Option<usize>,
    dialect: Option<Dialect>,
    packet_maximum: usize,
}

impl Decoder {
    pub fn new(packet_maximum: usize) -> Decoder {
        Decoder { buffer: BytesMut::new(), expected: None, dialect: None, packet_maximum }
    }

    /// The version that the client's CONNECT names, once read.
    pub fn version(&self) -> Option<Version> {
        self.dialect.map(|dialect| dialect.version)
    }

    /// Whether a packet has come in part only.
    pub fn is_within_packet(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The size of the packet that is being received, in bytes, once known.
    pub fn expected(&self) -> usize {
        self.expected.unwrap_or(0)
    }

    /// The memory that [`Decoder::room`] takes for a large packet; 0 for small ones.
    pub fn needs(&self) -> usize {
        match self.expected {
            Some(expected) if expected > SMALL => {
                let is_full =
                    self.buffer.capacity() == self.buffer.len() || self.buffer.len() <= SMALL;
                let wanted = if is_full { self.wanted(expected) } else { 0 };
                wanted.max(self.buffer.capacity())
            }
            _ => 0,
        }
    }

    /// The buffer for the next bytes. Never empty.
    pub fn room(&mut self) -> Limit<&mut BytesMut> {
        match self.expected {
            Some(expected) if expected > SMALL => {
                let missing = expected.saturating_sub(self.buffer.len()).max(1);
                if self.buffer.capacity() == self.buffer.len() || self.buffer.len() <= SMALL {
                    self.grow(expected);
                }
                (&mut self.buffer).limit(missing)
            }
            _ => {
                if self.buffer.capacity() - self.buffer.len() < SMALL / 2 {
                    self.buffer.reserve(SMALL);
                }
                (&mut self.buffer).limit(SMALL)
            }
        }
    }

    fn grow(&mut self, expected: usize) {
        let wanted = self.wanted(expected);
        if self.buffer.capacity() < wanted {
            let mut larger = BytesMut::with_capacity(wanted);
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
    }

    /// The capacity for a packet that was announced with `expected` bytes.
    fn wanted(&self, expected: usize) -> usize {
        expected.min((2 * self.buffer.len()).max(TRUSTED))
    }

    /// The next packet, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// The bytes are no packet, or none that a client may send; the decoder cannot be used any
    /// more.
    pub fn next(&mut self, now: Instant) -> Result<Option<Packet>, Refusal> {
        let Some(&first) = self.buffer.first() else { return Ok(None) };
        check::first_byte(first, self.version())?;
        let length = check::varint(self.buffer.get(1..).unwrap_or_default())?;
        let Some((remaining, length_len)) = length else { return Ok(None) };
        let bound =
            if first >> 4 == check::kind::PUBLISH { self.packet_maximum } else { check::OTHERS };
        if remaining > bound {
            return Err(Refusal::new(Reason::PacketTooLarge, "a packet that is too large"));
        }
        let head = 1 + length_len;
        self.expected = Some(head + remaining);
        let Some(body) = self.buffer.get(head..head + remaining) else { return Ok(None) };

        let dialect = match self.dialect {
            Some(dialect) => dialect,
            None => {
                let dialect = check::dialect(body)?;
                self.dialect = Some(dialect);
                if !dialect.is_spoken {
                    let why = "this broker speaks MQTT 3.1, 3.1.1 and 5";
                    return Err(Refusal::new(Reason::UnsupportedVersion, why));
                }
                dialect
            }
        };
        check::packet(first, body, dialect.version)?;
        self.expected = None;
        let packet = self.buffer.split_to(head + remaining);
        if self.buffer.is_empty() && packet.len() > SMALL {
            // The rest of a large packet's buffer would make the next one large too.
            self.buffer = BytesMut::new();
        }
        codec::read(packet, head, dialect, now).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::delivery::Delivery;
    use crate::protocol::packet::{Message, Qos};
    use crate::protocol::publish::{self, Sending, put_varint};
    use crate::protocol::topic::LEVELS;

    const CONNECT_311: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c";
    const CONNECT_31: &[u8] = b"\x10\x0f\0\x06MQIsdp\x83\x02\0\x3c\0\x01c";
    const CONNECT_5: &[u8] = b"\x10\x13\0\x04MQTT\x05\x02\0\x3c\x05\x11\0\0\0\x09\0\x01c";

    /// A decoder that has seen a CONNECT.
    fn decoder(version: Version) -> Decoder {
        let mut decoder = Decoder::new(1 << 20);
        let connect = match version {
            Version::V31 => CONNECT_31,
            Version::V311 => CONNECT_311,
            Version::V5 => CONNECT_5,
        };
        let mut packets = feed(&mut decoder, connect, usize::MAX).unwrap();
        assert!(matches!(packets.pop(), Some(Packet::Connect(c)) if c.version == version));
        decoder
    }

    /// Feeds bytes to a decoder as a socket would, `step` at a time.
    fn feed(decoder: &mut Decoder, mut bytes: &[u8], step: usize) -> Result<Vec<Packet>, Refusal> {
        let mut packets = Vec::new();
        loop {
            while let Some(packet) = decoder.next(Instant::now())? {
                packets.push(packet);
            }
            if bytes.is_empty() {
                return Ok(packets);
            }
            let mut room = decoder.room();
            let (some, rest) = bytes.split_at(bytes.len().min(step).min(room.remaining_mut()));
            assert!(!some.is_empty(), "there is always room");
            room.put_slice(some);
            bytes = rest;
        }
    }

    fn published(message: &Message, version: Version, id: u16, retain: bool) -> Vec<u8> {
        let mut heads = BytesMut::new();
        let mut delivery = Delivery::new(Arc::new(message.clone()), message.qos);
        delivery.retain = retain;
        let sending = Sending { id, ..Sending::default() };
        let head = publish::head(&delivery, sending, version, Instant::now(), &mut heads);
        let bytes = [&head[..], &message.payload].concat();
        assert_eq!(bytes.len(), publish::packet_len(&delivery, version));
        bytes
    }

    proptest! {
        #[test]
        fn what_is_published_is_what_was_read(
            topic in "[a-zé/$]{1,200}",
            len in prop_oneof![0..300_usize, 3_000..5_000_usize, 16_000..300_000_usize],
            qos in 0..3_u8,
            id in 1..=u16::MAX,
            retain: bool,
            step in 1..10_000_usize,
            expires: bool,
        ) {
            // The broker refuses topics of more levels.
            prop_assume!(topic.matches('/').count() < LEVELS);
            let id = if qos == 0 { 0 } else { id };
            for version in [Version::V311, Version::V5] {
                let properties: &'static [u8] =
                    if version == Version::V5 { &[0x01, 1, 0x03, 0, 1, b'j'] } else { &[] };
                let soon = Instant::now() + Duration::from_secs(100);
                let message = Message {
                    topic: topic.as_str().into(),
                    payload: vec![7; len].into(),
                    qos: Qos::of(qos),
                    retain,
                    properties: Bytes::from_static(properties),
                    expires: (expires && version == Version::V5).then_some(soon),
                    held: Default::default(),
                };
                // Twice, with something small behind.
                let mut bytes = published(&message, version, id, retain).repeat(2);
                bytes.extend([0xc0, 0]);
                let packets = feed(&mut decoder(version), &bytes, step).unwrap();
                prop_assert_eq!(packets.len(), 3);
                prop_assert!(matches!(packets[2], Packet::PingReq));
                for packet in &packets[..2] {
                    let Packet::Publish { id: got_id, message: got, .. } = packet else {
                        panic!("{packet:?}")
                    };
                    prop_assert_eq!(*got_id, id);
                    prop_assert_eq!(&got.topic, &message.topic);
                    prop_assert_eq!(&got.payload, &message.payload);
                    prop_assert_eq!(got.retain, retain);
                    prop_assert_eq!(got.qos, message.qos);
                    prop_assert_eq!(&got.properties, &message.properties);
                    prop_assert_eq!(got.expires.is_some(), message.expires.is_some());
                }
            }
        }

        #[test]
        fn any_bytes_are_packets_or_refused(bytes: Vec<u8>, step in 1..50_usize) {
            let _ = feed(&mut Decoder::new(1 << 20), &bytes, step);
            for version in [Version::V31, Version::V311, Version::V5] {
                let _ = feed(&mut decoder(version), &bytes, step);
            }
        }

        #[test]
        fn any_body_of_any_packet_is_a_packet_or_refused(
            first in prop::sample::select(vec![
                0x30_u8, 0x32, 0x34, 0x3b, 0x40, 0x50, 0x62, 0x70, 0x82, 0x8a, 0xa2, 0xaa, 0xc0, 0xe0,
            ]),
            // Few values, so that lengths and properties often match.
            body in prop::collection::vec(
                prop::sample::select(vec![
                    0_u8, 0, 0, 1, 2, 3, 5, 0x0b, 0x1f, 0x23, 0x26, b'a', 0x80,
                ]),
                0..30,
            ),
        ) {
            for version in [Version::V31, Version::V311, Version::V5] {
                let mut bytes = BytesMut::new();
                bytes.put_u8(first);
                put_varint(&mut bytes, body.len());
                bytes.put_slice(&body);
                // The checks are so strict that the codec never refuses anything after them.
                if let Err(refusal) = feed(&mut decoder(version), &bytes, usize::MAX) {
                    let is_ours = refusal.why != "a packet that cannot be decoded";
                    prop_assert!(is_ours, "{:02x?}", bytes);
                }
            }
        }
    }

    #[test]
    fn each_dialect_is_read_as_the_version_that_it_is_like() {
        for (connect, version, is_bridge) in [
            (&b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01c"[..], Version::V31, false),
            (b"\x10\x0f\0\x06MQIsdp\x83\x02\0\x3c\0\x01c", Version::V31, true),
            (b"\x10\x0d\0\x04MQTT\x84\x02\0\x3c\0\x01c", Version::V311, true),
            (b"\x10\x0e\0\x04MQTT\x85\x02\0\x3c\0\0\x01c", Version::V5, true),
        ] {
            let mut decoder = Decoder::new(1 << 20);
            let subscribe = match version {
                Version::V5 => &b"\x82\x07\0\x01\0\0\x01a\x01"[..],
                _ => b"\x82\x06\0\x01\0\x01a\x01",
            };
            let packets = feed(&mut decoder, &[connect, subscribe].concat(), 5).unwrap();
            let [Packet::Connect(connect), Packet::Subscribe { filters, .. }] = &packets[..] else {
                panic!("{packets:?}")
            };
            assert_eq!((connect.version, connect.client_id.as_str()), (version, "c"));
            let options = filters[0].options;
            assert_eq!((options.no_local, options.retain_as_published), (is_bridge, is_bridge));
        }
    }

    #[test]
    fn a_part_of_a_packet_is_none_yet() {
        for connect in [CONNECT_31, CONNECT_311, CONNECT_5] {
            for len in 0..connect.len() {
                let mut decoder = Decoder::new(1 << 20);
                let packets = feed(&mut decoder, &connect[..len], usize::MAX).unwrap();
                assert!(packets.is_empty());
                assert_eq!(decoder.is_within_packet(), len > 0);
            }
        }
    }

    #[test]
    fn a_small_message_does_not_hold_a_large_buffer() {
        let mut bytes = BytesMut::new();
        for _ in 0..10 {
            bytes.put_slice(&[0x30, 4, 0, 1, b'a', b'x']);
        }
        let packets = feed(&mut decoder(Version::V311), &bytes, usize::MAX).unwrap();
        for packet in packets {
            let Packet::Publish { message, .. } = packet else { panic!("{packet:?}") };
            // If it can be taken back without copying, it is alone in its allocation.
            let payload = message.payload.clone();
            drop(message);
            assert!(payload.try_into_mut().is_ok_and(|payload| payload.capacity() == 1));
        }
    }

    #[test]
    fn a_large_packet_is_announced_before_memory_is_spent_on_it() {
        let mut decoder = Decoder::new(200 << 20);
        feed(&mut decoder, CONNECT_311, usize::MAX).unwrap();
        feed(&mut decoder, &[0x30, 0xff, 0xff, 0xff, 0x4f], usize::MAX).unwrap();
        let _ = decoder.room();
        assert!(decoder.buffer.capacity() <= TRUSTED);
    }
}
