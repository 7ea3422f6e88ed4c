//! Bytes to packets. The only file that knows rumqttd.
//!
//! Of rumqttd the readers of its wire protocol are used, behind the checks of [`crate::protocol::check`].
//! Not used are those of DISCONNECT and of the four packets that acknowledge: they refuse a reason
//! without properties, and reasons that they do not know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::buf::Limit;
use bytes::{BufMut, Bytes, BytesMut};
use rumqttd::protocol::{
    self as wired, LastWill, LastWillProperties, Protocol as _, PublishProperties, QoS, v4::V4,
    v5::V5,
};

use crate::protocol::check::{self, Dialect};
use crate::protocol::packet::{
    Connect, Filter, Login, Message, Options, Packet, Qos, Reason, Refusal, SendRetained, Takes,
    Version, Will,
};
use crate::protocol::publish::put_varint;
use crate::protocol::topic;

/// Packets up to this size are read many at once; a larger one gets a buffer of its own, which
/// then is its payload's, so that it is never copied.
const SMALL: usize = 4 * 1024;

/// So much is set aside for a packet that was announced but has not come.
const TRUSTED: usize = 256 * 1024;

/// Collects bytes until they are a packet.
pub(crate) struct Decoder {
    buffer: BytesMut,
    /// The size of the packet at the front of the buffer, when that is known.
    expected: Option<usize>,
    dialect: Option<Dialect>,
    packet_maximum: usize,
}

impl Decoder {
    pub fn new(packet_maximum: usize) -> Decoder {
        Decoder { buffer: BytesMut::new(), expected: None, dialect: None, packet_maximum }
    }

    /// The version that the client's CONNECT named, as soon as that was read.
    pub fn version(&self) -> Option<Version> {
        self.dialect.map(|dialect| dialect.version)
    }

    /// Whether a part of a packet is here and the rest is not.
    pub fn is_within_packet(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The bytes of the packet that is being received, when they are known.
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

    /// Where the next bytes go. Never empty.
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

    /// The capacity for a packet of which so many bytes were announced.
    fn wanted(&self, expected: usize) -> usize {
        expected.min((2 * self.buffer.len()).max(TRUSTED))
    }

    /// The next packet, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The bytes are no packet, or none that a client may send; the decoder is of no use any more.
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
        let version = dialect.version;
        check::packet(first, body, version)?;
        let short = short(first, body, version);
        let id =
            if first & 0b0110 == 0 { 0 } else { u16_at(body, 2 + usize::from(u16_at(body, 0))) };
        self.expected = None;
        let mut packet = self.buffer.split_to(head + remaining);
        if self.buffer.is_empty() && packet.len() > SMALL {
            // What is left of a large packet's buffer would have the next one be large too.
            self.buffer = BytesMut::new();
        }
        if short.is_some() {
            return Ok(short);
        }
        let mut remaining = remaining;
        if first >> 4 == check::kind::CONNECT {
            (packet, remaining) = as_standard(&packet[head..], dialect);
        }
        let decoded = match version {
            Version::V31 | Version::V311 => V4.read_mut(&mut packet, remaining),
            Version::V5 => V5.read_mut(&mut packet, remaining),
        };
        let decoded = decoded
            .map_err(|_| Refusal::new(Reason::Malformed, "a packet that cannot be decoded"))?;
        packet_of(decoded, dialect, Qos::of(first >> 1), id, now).map(Some)
    }
}

/// A CONNECT as the codec knows it, and its remaining length: of MQTT 3.1 as of 3.1.1, and without
/// the bit of a bridge. `body` must have been checked.
fn as_standard(body: &[u8], dialect: Dialect) -> (BytesMut, usize) {
    let level = if dialect.version == Version::V5 { 5 } else { 4 };
    let rest = body.get(dialect.len..).unwrap_or_default();
    let remaining = 7 + rest.len();
    let mut packet = BytesMut::with_capacity(5 + remaining);
    packet.put_u8(check::kind::CONNECT << 4);
    put_varint(&mut packet, remaining);
    packet.put_slice(b"\0\x04MQTT");
    packet.put_u8(level);
    packet.put_slice(rest);
    (packet, remaining)
}

/// The packets that are read without the codec. They must have been checked.
fn short(first: u8, body: &[u8], version: Version) -> Option<Packet> {
    let id = u16_at(body, 0);
    match first >> 4 {
        check::kind::PUBACK => Some(Packet::PubAck { id }),
        check::kind::PUBREC => {
            Some(Packet::PubRec { id, is_refused: body.get(2).is_some_and(|r| *r >= 0x80) })
        }
        check::kind::PUBREL => Some(Packet::PubRel { id }),
        check::kind::PUBCOMP => Some(Packet::PubComp { id }),
        check::kind::DISCONNECT => Some(Packet::Disconnect {
            with_will: body.first().is_some_and(|reason| *reason != 0),
            expiry: if version == Version::V5 { check::disconnect_expiry(body) } else { None },
        }),
        _ => None,
    }
}

/// The two bytes at a place, or 0 where there are none.
fn u16_at(body: &[u8], at: usize) -> u16 {
    match body.get(at..at + 2) {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

fn packet_of(
    decoded: wired::Packet,
    dialect: Dialect,
    qos: Qos,
    id: u16,
    now: Instant,
) -> Result<Packet, Refusal> {
    Ok(match decoded {
        wired::Packet::Connect(connect, properties, will, will_properties, login) => {
            let properties = properties.as_ref();
            let will = will.map(|will| will_of(&will, will_properties, now)).transpose()?;
            let version = dialect.version;
            let expiry = match version {
                Version::V5 => properties.and_then(|p| p.session_expiry_interval).unwrap_or(0),
                // Before MQTT 5 there is no expiry: a session that is not clean lasts.
                _ if connect.clean_session => 0,
                _ => u32::MAX,
            };
            Packet::Connect(Box::new(Connect {
                version,
                client_id: connect.client_id,
                login: login.map(|l| Login { user: l.username, password: l.password }),
                clean: connect.clean_session,
                expiry,
                keep_alive: connect.keep_alive,
                will,
                takes: Takes {
                    receive_maximum: properties.and_then(|p| p.receive_maximum).unwrap_or(u16::MAX),
                    packet_maximum: properties.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX),
                    aliases: properties.and_then(|p| p.topic_alias_max).unwrap_or(0),
                },
                wants_response_information: properties
                    .is_some_and(|p| p.request_response_info == Some(1)),
            }))
        }
        wired::Packet::Publish(publish, mut properties) => {
            let alias = properties.as_mut().and_then(|properties| properties.topic_alias.take());
            let packet_len = publish.len();
            let payload = if packet_len > SMALL && publish.payload.len() > packet_len / 2 {
                publish.payload
            } else {
                // A small message must not hold on to the large buffer that it came in.
                Bytes::copy_from_slice(&publish.payload)
            };
            let (properties, expires) = travelling(properties, now)?;
            Packet::Publish {
                id,
                alias,
                message: Message {
                    topic: text(&publish.topic)?,
                    payload,
                    qos,
                    retain: publish.retain,
                    properties,
                    expires,
                    held: Default::default(),
                },
            }
        }
        wired::Packet::Subscribe(subscribe, properties) => {
            let identifier = properties.and_then(|properties| properties.id).unwrap_or(0);
            let identifier = u32::try_from(identifier).unwrap_or(0);
            let filters = subscribe.filters.into_iter();
            Packet::Subscribe {
                id: subscribe.pkid,
                filters: filters.map(|filter| filter_of(filter, identifier, dialect)).collect(),
            }
        }
        wired::Packet::Unsubscribe(unsubscribe, _) => {
            Packet::Unsubscribe { id: unsubscribe.pkid, filters: unsubscribe.filters }
        }
        wired::Packet::PingReq(_) => Packet::PingReq,
        _ => return Err(Refusal::new(Reason::ProtocolError, "a packet out of place")),
    })
}

fn will_of(
    will: &LastWill,
    properties: Option<LastWillProperties>,
    now: Instant,
) -> Result<Will, Refusal> {
    let seconds = |s: Option<u32>| s.map(|s| Duration::from_secs(s.into()));
    let delay = properties.as_ref().and_then(|p| p.delay_interval);
    let expiry = properties.as_ref().and_then(|p| p.message_expiry_interval);
    let properties = properties.map(|p| PublishProperties {
        payload_format_indicator: p.payload_format_indicator,
        content_type: p.content_type,
        response_topic: p.response_topic,
        correlation_data: p.correlation_data,
        user_properties: p.user_properties,
        ..PublishProperties::default()
    });
    let (properties, expires) = travelling(properties, now)?;
    let message = Message {
        topic: text(&will.topic)?,
        payload: Bytes::copy_from_slice(&will.message),
        qos: qos_of(will.qos),
        retain: will.retain,
        properties,
        expires,
        held: Default::default(),
    };
    let delay = seconds(delay).unwrap_or_default();
    Ok(Will { message, delay, expiry: seconds(expiry) })
}

fn qos_of(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}

/// The properties that go on to subscribers, encoded once for all of them, and the expiry, which
/// is counted down and so encoded for each.
fn travelling(
    properties: Option<PublishProperties>,
    now: Instant,
) -> Result<(Bytes, Option<Instant>), Refusal> {
    let Some(mut properties) = properties else { return Ok((Bytes::new(), None)) };
    let expiry = properties.message_expiry_interval.take();
    let expires = expiry.and_then(|s| now.checked_add(Duration::from_secs(s.into())));
    // A PUBLISH of nothing but properties, of which the part behind its empty topic is taken.
    let carrier = wired::Publish::new("", "", false);
    let mut bytes = BytesMut::new();
    let encode = || Refusal::new(Reason::Malformed, "properties that cannot be encoded");
    V5.write(wired::Packet::Publish(carrier, Some(properties)), &mut bytes)
        .map_err(|_| encode())?;
    let mut at = 1;
    for topic in [2, 0] {
        let (_, len) = check::varint(bytes.get(at..).unwrap_or_default())?.ok_or_else(encode)?;
        at += len + topic;
    }
    Ok((Bytes::copy_from_slice(bytes.get(at..).unwrap_or_default()), expires))
}

fn filter_of(filter: wired::Filter, identifier: u32, dialect: Dialect) -> Filter {
    // Before MQTT 5 a bridge cannot ask for what keeps two brokers from telling each other the same
    // for ever, and what is retained there retained here.
    let is_bridge = dialect.is_bridge;
    Filter {
        options: Options {
            qos: qos_of(filter.qos),
            no_local: filter.nolocal || is_bridge && !topic::is_shared(&filter.path),
            retain_as_published: filter.preserve_retain || is_bridge,
            retained: match filter.retain_forward_rule {
                wired::RetainForwardRule::OnEverySubscribe => SendRetained::Always,
                wired::RetainForwardRule::OnNewSubscribe => SendRetained::WhenNew,
                wired::RetainForwardRule::Never => SendRetained::Never,
            },
            identifier,
        },
        path: filter.path,
    }
}

fn text(bytes: &[u8]) -> Result<Arc<str>, Refusal> {
    std::str::from_utf8(bytes)
        .map(Arc::from)
        .map_err(|_| Refusal::new(Reason::Malformed, "a topic that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::delivery::Delivery;
    use crate::protocol::publish::{self, Sending};

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

    /// Gives bytes to a decoder as a socket would, some at a time.
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
                // Twice, and something small behind it.
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
            // Few values, so that lengths and properties often fit.
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
                // The checks are so strict that the codec has nothing left to refuse.
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
            // It is alone in its allocation when it can be had back without copying.
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
