//! Reads the content of packets. The only file that knows rumqttd.
//!
//! It uses rumqttd's packet readers, after the checks of [`crate::protocol::check`]. It does not
//! use those of DISCONNECT and of the four acknowledgements, because they refuse a reason without
//! properties, and reasons that they do not know.

use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Packets up to this size are read many at once. A larger one gets a buffer of its own, which
/// becomes its payload's, so that it is never copied.
pub(super) const SMALL: usize = 4 * 1024;

/// Reads a whole packet of a client, whose first `head` bytes are its type and length. The packet
/// must have been checked.
///
/// # Errors
/// The packet says what no client may say.
pub(super) fn read(
    mut packet: BytesMut,
    head: usize,
    dialect: Dialect,
    now: Instant,
) -> Result<Packet, Refusal> {
    let first = packet.first().copied().unwrap_or_default();
    let body = packet.get(head..).unwrap_or_default();
    let version = dialect.version;
    if let Some(short) = short(first, body, version) {
        return Ok(short);
    }
    let password = (first >> 4 == check::kind::CONNECT)
        .then(|| check::password(body, version).unwrap_or_default().to_vec());
    let id = if first & 0b0110 == 0 { 0 } else { u16_at(body, 2 + usize::from(u16_at(body, 0))) };
    let mut remaining = body.len();
    if first >> 4 == check::kind::CONNECT {
        (packet, remaining) = as_standard(body, dialect);
    }
    let decoded = match version {
        Version::V31 | Version::V311 => V4.read_mut(&mut packet, remaining),
        Version::V5 => V5.read_mut(&mut packet, remaining),
    };
    let decoded =
        decoded.map_err(|_| Refusal::new(Reason::Malformed, "a packet that cannot be decoded"))?;
    packet_of(decoded, dialect, Qos::of(first >> 1), id, password.unwrap_or_default(), now)
}

/// A CONNECT as the codec knows it, and its remaining length: MQTT 3.1 becomes 3.1.1, the bit of a
/// bridge is removed, and the password is hidden, which the codec would take for text. `body` must
/// have been checked.
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
    let password = check::password(body, dialect.version).map_or(0, <[u8]>::len);
    let end = packet.len();
    if let Some(hidden) = packet.get_mut(end.saturating_sub(password)..) {
        hidden.fill(b'*');
    }
    (packet, remaining)
}

/// Reads the packets for which the codec is not used. They must have been checked.
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

/// The two bytes at an offset, or 0 if there are none.
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
    password: Vec<u8>,
    now: Instant,
) -> Result<Packet, Refusal> {
    Ok(match decoded {
        wired::Packet::Connect(connect, properties, will, will_properties, login) => {
            let properties = properties.as_ref();
            let will = will.map(|will| will_of(&will, will_properties, now)).transpose()?;
            let version = dialect.version;
            let expiry = match version {
                Version::V5 => properties.and_then(|p| p.session_expiry_interval).unwrap_or(0),
                // MQTT before 5 has no expiry: a session that is not clean lasts.
                _ if connect.clean_session => 0,
                _ => u32::MAX,
            };
            Packet::Connect(Box::new(Connect {
                version,
                client_id: connect.client_id,
                login: login.map(|login| Login { user: login.username, password }),
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
                // A small message must not keep alive the large buffer that it came in.
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
/// counts down and is therefore encoded for each.
fn travelling(
    properties: Option<PublishProperties>,
    now: Instant,
) -> Result<(Bytes, Option<Instant>), Refusal> {
    let Some(mut properties) = properties else { return Ok((Bytes::new(), None)) };
    let expiry = properties.message_expiry_interval.take();
    let expires = expiry.and_then(|s| now.checked_add(Duration::from_secs(s.into())));
    // A PUBLISH with only properties; we take the part behind its empty topic.
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
    // Before MQTT 5 a bridge cannot ask for the options that keep two brokers from echoing messages
    // forever, and that keep retained messages retained.
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
