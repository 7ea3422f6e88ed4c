//! Writes the broker's replies: all packets except PUBLISH.

use bytes::{BufMut, Bytes, BytesMut};

use crate::protocol::aliases;
use crate::protocol::packet::{Qos, Reason, Refusal, Reply, Unsubscribed, Version, Welcome};
use crate::protocol::publish::{put_text, put_varint};

/// The bytes of a reply. In 3.1.1 DISCONNECT has none, because only clients send it there.
///
/// Optional parts are left out if they make it larger than `packet_maximum`.
pub(crate) fn encode(reply: &Reply, version: Version, packet_maximum: usize) -> Bytes {
    let mut body = BytesMut::new();
    let first = match reply {
        Reply::Welcome(welcome) => {
            // In MQTT 3.1 the first byte is reserved.
            let is_present = welcome.session_present && version != Version::V31;
            body.put_slice(&[u8::from(is_present), 0]);
            if version == Version::V5 {
                properties(&mut body, &welcome_properties(welcome));
            }
            0x20
        }
        Reply::Refused(refusal) => {
            body.put_slice(&[0, connect_code(refusal.reason, version)]);
            if version == Version::V5 {
                properties(&mut body, &reason_string(refusal, packet_maximum));
            }
            0x20
        }
        Reply::PubAck { id, reason } => return ack(0x40, *id, *reason, version),
        Reply::PubRec { id, reason } => return ack(0x50, *id, *reason, version),
        Reply::PubRel { id, reason } => return ack(0x62, *id, *reason, version),
        Reply::PubComp { id, reason } => return ack(0x70, *id, *reason, version),
        Reply::SubAck { id, granted } => {
            body.put_u16(*id);
            if version == Version::V5 {
                body.put_u8(0);
            }
            body.extend(granted.iter().map(|granted| subscribe_code(*granted, version)));
            0x90
        }
        Reply::UnsubAck { id, results } => {
            body.put_u16(*id);
            if version == Version::V5 {
                body.put_u8(0);
                body.extend(results.iter().map(|result| match result {
                    Unsubscribed::Done => Reason::Success as u8,
                    Unsubscribed::Unknown => 0x11,
                    Unsubscribed::Invalid => Reason::FilterInvalid as u8,
                }));
            }
            0xb0
        }
        Reply::PingResp => 0xd0,
        Reply::Disconnect(_) if version != Version::V5 => return Bytes::new(),
        // Without a reason string the length of properties could be left out, but more clients
        // understand the packet with it.
        Reply::Disconnect(refusal) => {
            body.put_u8(refusal.reason as u8);
            properties(&mut body, &reason_string(refusal, packet_maximum));
            0xe0
        }
    };
    let mut packet = BytesMut::with_capacity(5 + body.len());
    packet.put_u8(first);
    put_varint(&mut packet, body.len());
    packet.put_slice(&body);
    packet.freeze()
}

/// One of the four acknowledgements. A success reason is left out, and in 3.1.1, which has none,
/// any reason.
fn ack(first: u8, id: u16, reason: Reason, version: Version) -> Bytes {
    let [high, low] = id.to_be_bytes();
    if version != Version::V5 || reason == Reason::Success {
        Bytes::copy_from_slice(&[first, 2, high, low])
    } else {
        Bytes::copy_from_slice(&[first, 4, high, low, reason as u8, 0])
    }
}

fn properties(body: &mut BytesMut, properties: &[u8]) {
    put_varint(body, properties.len());
    body.put_slice(properties);
}

fn reason_string(refusal: &Refusal, packet_maximum: usize) -> BytesMut {
    let mut properties = BytesMut::new();
    // All other parts take at most eleven bytes.
    if !refusal.why.is_empty() && refusal.why.len() + 11 <= packet_maximum {
        properties.put_u8(0x1f);
        put_text(&mut properties, refusal.why);
    }
    properties
}

/// MQTT 5, section 3.2.2.3. Properties at their defaults are left out: QoS 2, retained messages,
/// wildcards, identifiers and shared subscriptions are available.
fn welcome_properties(welcome: &Welcome) -> BytesMut {
    let mut properties = BytesMut::new();
    properties.put_u8(0x11);
    properties.put_u32(welcome.expiry);
    properties.put_u8(0x21);
    properties.put_u16(welcome.receive_maximum);
    properties.put_u8(0x27);
    properties.put_u32(u32::try_from(wire::limits::PACKET).unwrap_or(u32::MAX));
    properties.put_u8(0x22);
    properties.put_u16(aliases::TAKEN);
    if let Some(keep_alive) = welcome.keep_alive {
        properties.put_u8(0x13);
        properties.put_u16(keep_alive);
    }
    for (property, text) in
        [(0x12, &welcome.assigned_client_id), (0x1a, &welcome.response_information)]
    {
        if let Some(text) = text {
            properties.put_u8(property);
            put_text(&mut properties, text);
        }
    }
    properties
}

/// MQTT 3.1.1, section 3.2.2.3; in MQTT 5 the reason itself.
fn connect_code(reason: Reason, version: Version) -> u8 {
    match (version, reason) {
        (Version::V5, Reason::ShuttingDown) => 0x88,
        (Version::V5, reason) => reason as u8,
        (_, Reason::UnsupportedVersion) => 1,
        (_, Reason::BadClientId) => 2,
        (_, Reason::BadLogin | Reason::NotAuthorized) => 5,
        _ => 3,
    }
}

fn subscribe_code(granted: Result<Qos, Reason>, version: Version) -> u8 {
    match (granted, version) {
        (Ok(qos), _) => qos as u8,
        (Err(reason), Version::V5) => reason as u8,
        // MQTT 3.1 has no failure code here; its clients look at the two lowest bits.
        (Err(_), Version::V31 | Version::V311) => 0x80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::check;

    #[test]
    fn every_reply_can_be_written_in_both_versions() {
        let reasons = [Reason::Success, Reason::UnsupportedVersion, Reason::QuotaExceeded];
        let long = Some("x".repeat(300));
        let mut replies = vec![
            Reply::PingResp,
            Reply::Welcome(Welcome::default()),
            Reply::Welcome(Welcome {
                assigned_client_id: long.clone(),
                keep_alive: Some(60),
                response_information: long,
                ..Welcome::default()
            }),
            Reply::UnsubAck {
                id: 1,
                results: vec![Unsubscribed::Done, Unsubscribed::Unknown, Unsubscribed::Invalid],
            },
        ];
        for reason in reasons {
            let id = 1;
            replies.push(Reply::Refused(Refusal::new(reason, "why")));
            replies.push(Reply::PubAck { id, reason });
            replies.push(Reply::PubRec { id, reason });
            replies.push(Reply::PubRel { id, reason });
            replies.push(Reply::PubComp { id, reason });
            replies.push(Reply::SubAck { id, granted: vec![Ok(Qos::ExactlyOnce), Err(reason)] });
            replies.push(Reply::Disconnect(Refusal::new(reason, "")));
        }
        for version in [Version::V311, Version::V5] {
            for reply in &replies {
                let bytes = encode(reply, version, usize::MAX);
                if matches!(reply, Reply::Disconnect(_)) && version == Version::V311 {
                    assert!(bytes.is_empty());
                    continue;
                }
                let (len, len_len) = check::varint(&bytes[1..]).unwrap().unwrap();
                assert_eq!(bytes.len(), 1 + len_len + len, "{reply:?} {bytes:02x?}");
            }
        }
    }

    #[test]
    fn the_reason_string_is_left_out_for_a_client_that_takes_little() {
        let reply = Reply::Disconnect(Refusal::new(Reason::Malformed, "0123456789"));
        let whole = encode(&reply, Version::V5, 21);
        assert_eq!(whole[..], b"\xe0\x0f\x81\x0d\x1f\0\x0a0123456789"[..]);
        assert_eq!(encode(&reply, Version::V5, 20)[..], [0xe0, 2, 0x81, 0]);
    }
}
