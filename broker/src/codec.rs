//! Bytes to packets and packets to bytes. The only file that knows rumqttd.
//!
//! Of rumqttd its wire protocol is used, behind the checks of [`crate::check`]. Not used are its
//! writer of PUBLISH, which copies the payload and hides QoS and identifier, and its DISCONNECT:
//! it refuses to read a reason without properties, and a reason with no properties or empty ones
//! is written wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::buf::Limit;
use bytes::{BufMut, Bytes, BytesMut};
use rumqttd::protocol::{
    self as wired, LastWill, LastWillProperties, Protocol, PublishProperties, QoS, v4::V4, v5::V5,
};

use crate::check;
use crate::packet::{
    Connect, Filter, Login, Message, Options, Packet, Qos, Reason, Refusal, Reply, SendRetained,
    Unsubscribed, Version, Welcome,
};

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
    version: Option<Version>,
    packet_maximum: usize,
}

impl Decoder {
    pub fn new(packet_maximum: usize) -> Decoder {
        Decoder { buffer: BytesMut::new(), expected: None, version: None, packet_maximum }
    }

    /// The version that the client's CONNECT named, as soon as that was read.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// Whether a part of a packet is here and the rest is not.
    pub fn is_within_packet(&self) -> bool {
        !self.buffer.is_empty()
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
        let wanted = expected.min((2 * self.buffer.len()).max(TRUSTED));
        if self.buffer.capacity() < wanted {
            let mut larger = BytesMut::with_capacity(wanted);
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
    }

    /// The next packet, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// The bytes are no packet, or none that a client may send; the decoder is of no use any more.
    pub fn next(&mut self, now: Instant) -> Result<Option<Packet>, Refusal> {
        let Some(&first) = self.buffer.first() else { return Ok(None) };
        check::first_byte(first, self.version)?;
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

        let version = match self.version {
            Some(version) => version,
            None => {
                let (version, is_spoken) = check::protocol(body)?;
                self.version = Some(version);
                if !is_spoken {
                    let why = "neither MQTT 3.1.1 nor 5";
                    return Err(Refusal::new(Reason::UnsupportedVersion, why));
                }
                version
            }
        };
        check::packet(first, body, version)?;
        let id_at = head + 2 + body.iter().take(2).fold(0, |n, b| n << 8 | usize::from(*b));
        let id = match self.buffer.get(id_at..id_at + 2) {
            Some([high, low]) if first & 0b0110 != 0 => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let reason = body.first().copied().unwrap_or_default();
        self.expected = None;
        let mut packet = self.buffer.split_to(head + remaining);
        if self.buffer.is_empty() && packet.len() > SMALL {
            // What is left of a large packet's buffer would have the next one be large too.
            self.buffer = BytesMut::new();
        }
        if first >> 4 == check::kind::DISCONNECT {
            return Ok(Some(Packet::Disconnect { with_will: reason != 0 }));
        }
        let decoded = match version {
            Version::V311 => V4.read_mut(&mut packet, remaining),
            Version::V5 => V5.read_mut(&mut packet, remaining),
        };
        let decoded = decoded
            .map_err(|_| Refusal::new(Reason::Malformed, "a packet that cannot be decoded"))?;
        packet_of(decoded, version, id, now).map(Some)
    }
}

fn packet_of(
    decoded: wired::Packet,
    version: Version,
    id: u16,
    now: Instant,
) -> Result<Packet, Refusal> {
    Ok(match decoded {
        wired::Packet::Connect(connect, properties, will, will_properties, login) => {
            let limits = properties.as_ref();
            let will = will.map(|will| will_of(&will, will_properties, now)).transpose()?;
            Packet::Connect(Box::new(Connect {
                version,
                client_id: connect.client_id,
                login: login.map(|l| Login { user: l.username, password: l.password }),
                clean: connect.clean_session,
                keep_alive: connect.keep_alive,
                will,
                receive_maximum: limits.and_then(|p| p.receive_maximum).unwrap_or(u16::MAX),
                packet_maximum: limits.and_then(|p| p.max_packet_size).unwrap_or(u32::MAX),
            }))
        }
        wired::Packet::Publish(publish, properties) => {
            let qos = if id == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
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
                message: Message {
                    topic: text(&publish.topic)?,
                    payload,
                    qos,
                    retain: publish.retain,
                    properties,
                    expires,
                },
            }
        }
        wired::Packet::PubAck(ack, _) => Packet::PubAck { id: ack.pkid },
        wired::Packet::Subscribe(subscribe, _) => Packet::Subscribe {
            id: subscribe.pkid,
            filters: subscribe.filters.into_iter().map(filter_of).collect(),
        },
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
) -> Result<Message, Refusal> {
    let properties = properties.map(|p| PublishProperties {
        payload_format_indicator: p.payload_format_indicator,
        message_expiry_interval: p.message_expiry_interval,
        content_type: p.content_type,
        response_topic: p.response_topic,
        correlation_data: p.correlation_data,
        user_properties: p.user_properties,
        ..PublishProperties::default()
    });
    let (properties, expires) = travelling(properties, now)?;
    Ok(Message {
        topic: text(&will.topic)?,
        payload: Bytes::copy_from_slice(&will.message),
        qos: if will.qos == QoS::AtMostOnce { Qos::AtMostOnce } else { Qos::AtLeastOnce },
        retain: will.retain,
        properties,
        expires,
    })
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

fn filter_of(filter: wired::Filter) -> Filter {
    Filter {
        path: filter.path,
        options: Options {
            // QoS 2 is granted as 1.
            qos: if filter.qos == QoS::AtMostOnce { Qos::AtMostOnce } else { Qos::AtLeastOnce },
            no_local: filter.nolocal,
            retain_as_published: filter.preserve_retain,
            retained: match filter.retain_forward_rule {
                wired::RetainForwardRule::OnEverySubscribe => SendRetained::Always,
                wired::RetainForwardRule::OnNewSubscribe => SendRetained::WhenNew,
                wired::RetainForwardRule::Never => SendRetained::Never,
            },
        },
    }
}

fn text(bytes: &[u8]) -> Result<Arc<str>, Refusal> {
    std::str::from_utf8(bytes)
        .map(Arc::from)
        .map_err(|_| Refusal::new(Reason::Malformed, "a topic that is not UTF-8"))
}

/// The bytes of a reply. DISCONNECT has none in 3.1.1, where only clients send it.
pub(crate) fn encode(reply: &Reply, version: Version) -> Bytes {
    let packet = match reply {
        Reply::Welcome(welcome) => wired::Packet::ConnAck(
            wired::ConnAck { session_present: false, code: wired::ConnectReturnCode::Success },
            Some(welcome_properties(welcome)),
        ),
        Reply::Refused(reason) => wired::Packet::ConnAck(
            wired::ConnAck { session_present: false, code: refusal_code(*reason, version) },
            None,
        ),
        Reply::PubAck { id, reason } => wired::Packet::PubAck(
            wired::PubAck {
                pkid: *id,
                reason: match (reason, version) {
                    (Reason::Success, _) | (_, Version::V311) => wired::PubAckReason::Success,
                    (Reason::NotAuthorized, _) => wired::PubAckReason::NotAuthorized,
                    (Reason::QuotaExceeded, _) => wired::PubAckReason::QuotaExceeded,
                    _ => wired::PubAckReason::UnspecifiedError,
                },
            },
            None,
        ),
        Reply::SubAck { id, granted } => wired::Packet::SubAck(
            wired::SubAck {
                pkid: *id,
                return_codes: granted.iter().map(|g| subscribe_code(*g, version)).collect(),
            },
            None,
        ),
        Reply::UnsubAck { id, results } => wired::Packet::UnsubAck(
            wired::UnsubAck {
                pkid: *id,
                reasons: results
                    .iter()
                    .map(|result| match result {
                        Unsubscribed::Done => wired::UnsubAckReason::Success,
                        Unsubscribed::Unknown => wired::UnsubAckReason::NoSubscriptionExisted,
                        Unsubscribed::Invalid => wired::UnsubAckReason::TopicFilterInvalid,
                    })
                    .collect(),
            },
            None,
        ),
        Reply::PingResp => wired::Packet::PingResp(wired::PingResp),
        Reply::Disconnect(_) if version == Version::V311 => return Bytes::new(),
        // The length is 1 at least by the specification; with a length of properties there are
        // more clients that understand it.
        Reply::Disconnect(reason) => return Bytes::copy_from_slice(&[0xe0, 2, *reason as u8, 0]),
    };
    let mut bytes = BytesMut::new();
    let written = match version {
        Version::V311 => V4.write(packet, &mut bytes),
        Version::V5 => V5.write(packet, &mut bytes),
    };
    debug_assert!(written.is_ok(), "{written:?}");
    bytes.freeze()
}

fn welcome_properties(welcome: &Welcome) -> wired::ConnAckProperties {
    wired::ConnAckProperties {
        session_expiry_interval: Some(0),
        receive_max: Some(u16::MAX),
        max_qos: Some(1),
        retain_available: Some(1),
        max_packet_size: u32::try_from(wire::limits::PACKET).ok(),
        assigned_client_identifier: welcome.assigned_client_id.clone(),
        topic_alias_max: Some(0),
        wildcard_subscription_available: Some(1),
        subscription_identifiers_available: Some(0),
        shared_subscription_available: Some(0),
        ..wired::ConnAckProperties::default()
    }
}

fn refusal_code(reason: Reason, version: Version) -> wired::ConnectReturnCode {
    use wired::ConnectReturnCode as Code;
    match (version, reason) {
        (Version::V311, Reason::UnsupportedVersion) => Code::RefusedProtocolVersion,
        (Version::V5, Reason::UnsupportedVersion) => Code::UnsupportedProtocolVersion,
        (_, Reason::BadClientId) => Code::ClientIdentifierNotValid,
        (_, Reason::NotAuthorized) | (Version::V311, Reason::BadLogin) => Code::NotAuthorized,
        (_, Reason::BadLogin) => Code::BadUserNamePassword,
        (Version::V311, _) => Code::ServiceUnavailable,
        (_, Reason::Malformed) => Code::MalformedPacket,
        (_, Reason::ProtocolError) => Code::ProtocolError,
        (_, Reason::BadAuthenticationMethod) => Code::BadAuthenticationMethod,
        (_, Reason::TopicInvalid) => Code::TopicNameInvalid,
        (_, Reason::PacketTooLarge) => Code::PacketTooLarge,
        (_, Reason::QuotaExceeded) => Code::QuotaExceeded,
        (_, Reason::QosNotSupported) => Code::QoSNotSupported,
        (_, Reason::ServerBusy) => Code::ServerBusy,
        (_, Reason::ShuttingDown) => Code::ServerUnavailable,
        _ => Code::UnspecifiedError,
    }
}

fn subscribe_code(granted: Result<Qos, Reason>, version: Version) -> wired::SubscribeReasonCode {
    use wired::SubscribeReasonCode as Code;
    match (granted, version) {
        (Ok(Qos::AtMostOnce), _) => Code::QoS0,
        (Ok(Qos::AtLeastOnce), _) => Code::QoS1,
        (Err(_), Version::V311) => Code::Failure,
        (Err(Reason::NotAuthorized), _) => Code::NotAuthorized,
        (Err(Reason::FilterInvalid), _) => Code::TopicFilterInvalid,
        (Err(Reason::QuotaExceeded), _) => Code::QuotaExceeded,
        (Err(Reason::SharedNotSupported), _) => Code::SharedSubscriptionsNotSupported,
        (Err(_), _) => Code::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::publish::{self, put_varint};

    const CONNECT_311: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c";
    const CONNECT_5: &[u8] = b"\x10\x13\0\x04MQTT\x05\x02\0\x3c\x05\x11\0\0\0\x09\0\x01c";

    /// A decoder that has seen a CONNECT.
    fn decoder(version: Version) -> Decoder {
        let mut decoder = Decoder::new(1 << 20);
        let connect = if version == Version::V5 { CONNECT_5 } else { CONNECT_311 };
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
        let head = publish::head(message, version, id, retain, Instant::now(), &mut heads);
        let qos = if id == 0 { Qos::AtMostOnce } else { Qos::AtLeastOnce };
        let bytes = [&head[..], &message.payload].concat();
        assert_eq!(bytes.len(), publish::packet_len(message, version, qos));
        bytes
    }

    proptest! {
        #[test]
        fn what_is_published_is_what_was_read(
            topic in "[a-zé/$]{1,200}",
            len in prop_oneof![0..300_usize, 3_000..5_000_usize, 16_000..300_000_usize],
            id: u16,
            retain: bool,
            step in 1..10_000_usize,
            expires: bool,
        ) {
            for version in [Version::V311, Version::V5] {
                let properties: &'static [u8] =
                    if version == Version::V5 { &[0x01, 1, 0x03, 0, 1, b'j'] } else { &[] };
                let soon = Instant::now() + Duration::from_secs(100);
                let message = Message {
                    topic: topic.as_str().into(),
                    payload: vec![7; len].into(),
                    qos: Qos::AtMostOnce,
                    retain,
                    properties: Bytes::from_static(properties),
                    expires: (expires && version == Version::V5).then_some(soon),
                };
                // Twice, and something small behind it.
                let mut bytes = published(&message, version, id, retain).repeat(2);
                bytes.extend([0xc0, 0]);
                let packets = feed(&mut decoder(version), &bytes, step).unwrap();
                prop_assert_eq!(packets.len(), 3);
                prop_assert!(matches!(packets[2], Packet::PingReq));
                for packet in &packets[..2] {
                    let Packet::Publish { id: got_id, message: got } = packet else {
                        panic!("{packet:?}")
                    };
                    prop_assert_eq!(*got_id, id);
                    prop_assert_eq!(&got.topic, &message.topic);
                    prop_assert_eq!(&got.payload, &message.payload);
                    prop_assert_eq!(got.retain, retain);
                    prop_assert_eq!(&got.properties, &message.properties);
                    prop_assert_eq!(got.expires.is_some(), message.expires.is_some());
                }
            }
        }

        #[test]
        fn any_bytes_are_packets_or_refused(bytes: Vec<u8>, step in 1..50_usize) {
            let _ = feed(&mut Decoder::new(1 << 20), &bytes, step);
            for version in [Version::V311, Version::V5] {
                let _ = feed(&mut decoder(version), &bytes, step);
            }
        }

        #[test]
        fn any_body_of_any_packet_is_a_packet_or_refused(
            first in prop::sample::select(vec![0x30_u8, 0x32, 0x3b, 0x40, 0x82, 0xa2, 0xc0, 0xe0]),
            // Few values, so that lengths and properties often fit.
            body in prop::collection::vec(
                prop::sample::select(vec![0_u8, 0, 0, 1, 2, 3, 5, 0x0b, 0x1f, 0x26, b'a', 0x80]),
                0..30,
            ),
        ) {
            for version in [Version::V311, Version::V5] {
                let mut bytes = BytesMut::new();
                bytes.put_u8(first);
                put_varint(&mut bytes, body.len());
                bytes.put_slice(&body);
                // The checks are so strict that the codec has nothing left to refuse, but for
                // reasons that do not exist.
                if let Err(refusal) = feed(&mut decoder(version), &bytes, usize::MAX) {
                    let is_ours = refusal.why != "a packet that cannot be decoded";
                    prop_assert!(is_ours || first == 0x40, "{:02x?}", bytes);
                }
            }
        }
    }

    #[test]
    fn a_part_of_a_packet_is_none_yet() {
        for connect in [CONNECT_311, CONNECT_5] {
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

    #[test]
    fn every_reply_can_be_written_in_both_versions() {
        let reasons = [
            Reason::Success,
            Reason::Malformed,
            Reason::ProtocolError,
            Reason::UnsupportedVersion,
            Reason::BadClientId,
            Reason::NotAuthorized,
            Reason::ShuttingDown,
            Reason::BadAuthenticationMethod,
            Reason::KeepAliveTimeout,
            Reason::TakenOver,
            Reason::FilterInvalid,
            Reason::TopicInvalid,
            Reason::TopicAliasInvalid,
            Reason::PacketTooLarge,
            Reason::QuotaExceeded,
            Reason::QosNotSupported,
            Reason::SharedNotSupported,
            Reason::IdentifiersNotSupported,
        ];
        let mut replies = vec![
            Reply::PingResp,
            Reply::Welcome(Welcome { assigned_client_id: None }),
            Reply::Welcome(Welcome { assigned_client_id: Some("x".repeat(300)) }),
            Reply::UnsubAck {
                id: 1,
                results: vec![Unsubscribed::Done, Unsubscribed::Unknown, Unsubscribed::Invalid],
            },
        ];
        for reason in reasons {
            replies.push(Reply::Refused(reason));
            replies.push(Reply::PubAck { id: 1, reason });
            replies.push(Reply::SubAck { id: 1, granted: vec![Ok(Qos::AtLeastOnce), Err(reason)] });
            replies.push(Reply::Disconnect(reason));
        }
        for version in [Version::V311, Version::V5] {
            for reply in &replies {
                let bytes = encode(reply, version);
                if matches!(reply, Reply::Disconnect(_)) && version == Version::V311 {
                    assert!(bytes.is_empty());
                    continue;
                }
                let (len, len_len) = check::varint(&bytes[1..]).unwrap().unwrap();
                assert_eq!(bytes.len(), 1 + len_len + len, "{reply:?} {bytes:02x?}");
            }
        }
    }
}
