//! Checks a packet's bytes before the codec sees them.
//!
//! The codec trusts lengths of properties, accepts duplicates, and cannot tell all that a broker
//! must know. This module follows every length, reads every string, and accepts only properties
//! that belong to their packet and no bytes left over. What passes is well-formed MQTT 3.1.1 or 5.
//! Topics are validated here, because a bad one ends the connection; filters are validated in the
//! core, because a bad one does not.
//!
//! MQTT 3.1 is read as 3.1.1, but with DUP on any packet that is acknowledged (its section 2.1).

use crate::protocol::packet::{Reason, Refusal, Version};
use crate::protocol::topic;

/// The largest remaining length of any packet but PUBLISH, which the listener limits.
pub(crate) const OTHERS: usize = 256 * 1024;

/// Packet types (MQTT 5, section 2.1.2), the upper half of the first byte.
pub(crate) mod kind {
    pub const CONNECT: u8 = 1;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;
    pub const PUBREC: u8 = 5;
    pub const PUBREL: u8 = 6;
    pub const PUBCOMP: u8 = 7;
    pub const SUBSCRIBE: u8 = 8;
    pub const UNSUBSCRIBE: u8 = 10;
    pub const PINGREQ: u8 = 12;
    pub const DISCONNECT: u8 = 14;
}

type Checked<T> = Result<T, Refusal>;

fn malformed<T>(why: &'static str) -> Checked<T> {
    Err(Refusal::new(Reason::Malformed, why))
}

fn protocol_error<T>(why: &'static str) -> Checked<T> {
    Err(Refusal::new(Reason::ProtocolError, why))
}

/// Checks a packet's first byte as soon as it arrives. `version` is known after CONNECT.
pub(crate) fn first_byte(byte: u8, version: Option<Version>) -> Checked<()> {
    let (packet, flags) = (byte >> 4, byte & 0x0f);
    if version.is_none() {
        return if byte == kind::CONNECT << 4 { Ok(()) } else { malformed("no CONNECT") };
    }
    const DUP: u8 = 0b1000;
    let flags = match packet {
        kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE if version == Some(Version::V31) => {
            flags & !DUP
        }
        _ => flags,
    };
    match (packet, flags) {
        (kind::CONNECT, _) => protocol_error("a second CONNECT"),
        (kind::PUBLISH, flags) if flags & 0b0110 == 0b0110 => malformed("QoS 3"),
        (kind::PUBLISH, flags) if flags & 0b1110 == 0b1000 => malformed("DUP at QoS 0"),
        (kind::PUBLISH, _)
        | (kind::PUBACK | kind::PUBREC | kind::PUBCOMP | kind::PINGREQ | kind::DISCONNECT, 0)
        | (kind::PUBREL | kind::SUBSCRIBE | kind::UNSUBSCRIBE, 2) => Ok(()),
        (2 | 9 | 11 | 13, _) => protocol_error("a packet that only servers send"),
        (15, _) => protocol_error("AUTH without an authentication method"),
        _ => malformed("wrong flags in the fixed header"),
    }
}

/// The protocol that a CONNECT names. The rest of the packet can only be read with this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// The version; if it is not supported, the one in which to say so.
    pub version: Version,
    pub is_spoken: bool,
    /// Whether the client is another broker, which sets the highest bit of the protocol level, as
    /// Mosquitto's bridges do.
    pub is_bridge: bool,
    /// The bytes of the name, with its length, and of the level.
    pub len: usize,
}

/// The dialect that a CONNECT names.
pub(crate) fn dialect(body: &[u8]) -> Checked<Dialect> {
    const BRIDGE: u8 = 0x80;
    let mut rest = Rest(body);
    let name = rest.binary()?;
    let level = rest.u8()?;
    let (version, is_spoken) = match (name, level & !BRIDGE) {
        (b"MQIsdp", 3) => (Version::V31, true),
        (b"MQTT", 4) => (Version::V311, true),
        (b"MQTT", 5) => (Version::V5, true),
        (b"MQTT", 6..) => (Version::V5, false),
        (b"MQTT" | b"MQIsdp", _) => (Version::V311, false),
        _ => return malformed("not MQTT"),
    };
    let len = body.len() - rest.0.len();
    Ok(Dialect { version, is_spoken, is_bridge: level & BRIDGE != 0, len })
}

/// Checks a whole packet: its first byte, and all that follows its length.
pub(crate) fn packet(first: u8, body: &[u8], version: Version) -> Checked<()> {
    let mut rest = Rest(body);
    match first >> 4 {
        kind::CONNECT => drop(connect(&mut rest, version)?),
        kind::PUBLISH => publish(first, &mut rest, version)?,
        kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP => ack(&mut rest, version)?,
        kind::SUBSCRIBE => subscribe(&mut rest, version)?,
        kind::UNSUBSCRIBE => unsubscribe(&mut rest, version)?,
        kind::DISCONNECT => disconnect(&mut rest, version)?,
        _ => {}
    }
    if rest.0.is_empty() { Ok(()) } else { malformed("bytes left over in a packet") }
}

/// The password in the body of a CONNECT that was checked, which is its end: any bytes (section
/// 3.1.3.6 of MQTT 5).
pub(super) fn password(body: &[u8], version: Version) -> Option<&[u8]> {
    connect(&mut Rest(body), version).ok().flatten()
}

/// Checks a CONNECT, and returns its password.
fn connect<'a>(rest: &mut Rest<'a>, version: Version) -> Checked<Option<&'a [u8]>> {
    rest.binary()?;
    rest.u8()?;
    let flags = rest.u8()?;
    rest.u16()?;
    let (has_will, will_qos) = (flags & 0x04 != 0, flags >> 3 & 3);
    if flags & 0x01 != 0 {
        return malformed("the reserved flag of CONNECT is set");
    }
    if will_qos == 3 || !has_will && flags & 0x38 != 0 {
        return malformed("wrong flags of the will");
    }
    if version != Version::V5 && flags & 0xc0 == 0x40 {
        return malformed("a password without a user name");
    }
    if version == Version::V5 {
        properties(rest, &[0x11, 0x21, 0x27, 0x22, 0x19, 0x17, 0x26, 0x15, 0x16])?;
    }
    rest.string()?;
    if has_will {
        if version == Version::V5 {
            properties(rest, &[0x18, 0x01, 0x02, 0x03, 0x08, 0x09, 0x26])?;
        }
        if !topic::is_name(rest.string()?) {
            return Err(Refusal::new(Reason::TopicInvalid, "the will's topic is not valid"));
        }
        rest.binary()?;
    }
    if flags & 0x80 != 0 {
        rest.string()?;
    }
    if flags & 0x40 == 0 {
        return Ok(None);
    }
    rest.binary().map(Some)
}

fn publish(first: u8, rest: &mut Rest, version: Version) -> Checked<()> {
    let topic = rest.string()?;
    if first & 0b0110 != 0 {
        rest.id()?;
    }
    let mut has_alias = false;
    if version == Version::V5 {
        has_alias = properties(rest, &[0x01, 0x02, 0x23, 0x08, 0x09, 0x26, 0x03])?.has(0x23);
    }
    if !(topic::is_name(topic) || has_alias && topic.is_empty()) {
        return Err(Refusal::new(Reason::TopicInvalid, "a topic that is not valid"));
    }
    rest.0 = &[];
    Ok(())
}

fn ack(rest: &mut Rest, version: Version) -> Checked<()> {
    rest.id()?;
    if version == Version::V5 && !rest.0.is_empty() {
        rest.u8()?;
        if !rest.0.is_empty() {
            properties(rest, &[0x1f, 0x26])?;
        }
    }
    Ok(())
}

fn subscribe(rest: &mut Rest, version: Version) -> Checked<()> {
    rest.id()?;
    if version == Version::V5 {
        properties(rest, &[0x0b, 0x26])?;
    }
    if rest.0.is_empty() {
        return protocol_error("SUBSCRIBE to nothing");
    }
    while !rest.0.is_empty() {
        let filter = rest.string()?;
        let options = rest.u8()?;
        let reserved = if version == Version::V5 { 0xc0 } else { 0xfc };
        if options & reserved != 0 || options & 3 == 3 || options & 0x30 == 0x30 {
            return malformed("wrong options of a subscription");
        }
        // MQTT 5, section 3.8.3.1.
        if options & 4 != 0 && topic::is_shared(filter) {
            return protocol_error("a shared subscription without local messages");
        }
    }
    Ok(())
}

fn unsubscribe(rest: &mut Rest, version: Version) -> Checked<()> {
    rest.id()?;
    if version == Version::V5 {
        properties(rest, &[0x26])?;
    }
    if rest.0.is_empty() {
        return protocol_error("UNSUBSCRIBE from nothing");
    }
    while !rest.0.is_empty() {
        rest.string()?;
    }
    Ok(())
}

fn disconnect(rest: &mut Rest, version: Version) -> Checked<()> {
    if version == Version::V5 && !rest.0.is_empty() {
        rest.u8()?;
        if !rest.0.is_empty() {
            properties(rest, &[0x11, 0x1f, 0x26])?;
        }
    }
    Ok(())
}

/// Checks a block of properties (MQTT 5, section 2.2.2): each is allowed here, whole, and unique.
fn properties(rest: &mut Rest, allowed: &[u8]) -> Checked<Seen> {
    const USER: u8 = 0x26;
    let len = rest.varint()?;
    let mut rest = Rest(rest.take(len)?);
    let mut seen = 0_u64;
    while !rest.0.is_empty() {
        let property = rest.u8()?;
        if !allowed.contains(&property) {
            return protocol_error("a property that does not belong to its packet");
        }
        if property != USER && seen & 1 << property != 0 {
            return protocol_error("a property twice");
        }
        seen |= 1 << property;
        match property {
            0x01 | 0x17 | 0x19 => {
                if rest.u8()? > 1 {
                    return protocol_error("a property that is neither 0 nor 1");
                }
            }
            0x21 => {
                if rest.u16()? == 0 {
                    return protocol_error("a receive maximum of 0");
                }
            }
            0x22 => {
                rest.u16()?;
            }
            0x23 => {
                if rest.u16()? == 0 {
                    return Err(Refusal::new(Reason::TopicAliasInvalid, "the topic alias 0"));
                }
            }
            0x27 => {
                if rest.u32()? == 0 {
                    return protocol_error("a maximum packet size of 0");
                }
            }
            0x02 | 0x11 | 0x18 => {
                rest.u32()?;
            }
            0x0b => {
                if rest.varint()? == 0 {
                    return protocol_error("the subscription identifier 0");
                }
            }
            0x08 => {
                if !topic::is_name(rest.string()?) {
                    return protocol_error("a response topic that is not valid");
                }
            }
            0x09 | 0x16 => {
                rest.binary()?;
            }
            0x15 => {
                return Err(Refusal::new(
                    Reason::BadAuthenticationMethod,
                    "no authentication methods are offered",
                ));
            }
            USER => {
                rest.string()?;
                rest.string()?;
            }
            _ => {
                rest.string()?;
            }
        }
    }
    Ok(Seen(seen))
}

/// Which properties a block had, by their identifiers.
#[derive(Debug)]
struct Seen(u64);

impl Seen {
    fn has(&self, property: u8) -> bool {
        self.0 & 1 << property != 0
    }
}

/// The session expiry in a DISCONNECT, which must have been checked.
pub(crate) fn disconnect_expiry(body: &[u8]) -> Option<u32> {
    let mut rest = Rest(body.get(1..)?);
    let len = rest.varint().ok()?;
    let mut rest = Rest(rest.take(len).ok()?);
    loop {
        match rest.u8().ok()? {
            0x11 => return rest.u32().ok(),
            0x26 => {
                rest.string().ok()?;
                rest.string().ok()?;
            }
            _ => {
                rest.string().ok()?;
            }
        }
    }
}

/// The unread rest of a packet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Checked<&'a [u8]> {
        match self.0.split_at_checked(len) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => malformed("a packet that ends too early"),
        }
    }

    fn u8(&mut self) -> Checked<u8> {
        Ok(self.take(1)?.iter().fold(0, |_, byte| *byte))
    }

    fn u16(&mut self) -> Checked<u16> {
        Ok(self.take(2)?.iter().fold(0, |n, byte| n << 8 | u16::from(*byte)))
    }

    fn u32(&mut self) -> Checked<u32> {
        Ok(self.take(4)?.iter().fold(0, |n, byte| n << 8 | u32::from(*byte)))
    }

    /// A packet identifier, which is never 0.
    fn id(&mut self) -> Checked<u16> {
        match self.u16()? {
            0 => malformed("the packet identifier 0"),
            id => Ok(id),
        }
    }

    fn varint(&mut self) -> Checked<usize> {
        match varint(self.0)? {
            Some((value, len)) => {
                self.take(len)?;
                Ok(value)
            }
            None => malformed("a packet that ends too early"),
        }
    }

    fn binary(&mut self) -> Checked<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    fn string(&mut self) -> Checked<&'a str> {
        match std::str::from_utf8(self.binary()?) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => malformed("a string that is not UTF-8, or holds U+0000"),
        }
    }
}

/// Reads a variable byte integer (section 1.5.5): its value and length, or `None` if more bytes are
/// needed.
pub(crate) fn varint(bytes: &[u8]) -> Checked<Option<(usize, usize)>> {
    let mut value = 0;
    for (i, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((value, i + 1)));
        }
    }
    if bytes.len() >= 4 { malformed("a length of more than four bytes") } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Checked<T>) -> Option<Reason> {
        result.err().map(|refusal| refusal.reason)
    }

    #[test]
    fn a_length_has_at_most_four_bytes() {
        assert_eq!(varint(&[]), Ok(None));
        assert_eq!(varint(&[0x80, 0x80, 0x80]), Ok(None));
        assert_eq!(varint(&[0x7f, 9]), Ok(Some((127, 1))));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0x7f]), Ok(Some((268_435_455, 4))));
        assert!(varint(&[0x80, 0x80, 0x80, 0x80]).is_err());
        assert!(varint(&[0xff; 9]).is_err());
    }

    #[test]
    fn before_connect_nothing_else_is_read() {
        for byte in 0..=255 {
            assert_eq!(first_byte(byte, None).is_ok(), byte == 0x10, "{byte:02x}");
        }
    }

    #[test]
    fn first_bytes_of_packets_that_clients_send() {
        for version in [Version::V311, Version::V5] {
            let good: Vec<u8> =
                (0..=255).filter(|byte| first_byte(*byte, Some(version)).is_ok()).collect();
            let publish = [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3a, 0x3b, 0x3c, 0x3d];
            let others = [0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0];
            assert_eq!(good, [&publish[..], &others].concat());
        }
    }

    #[test]
    fn strings_are_utf_8_without_nul() {
        for (text, is_good) in [
            (&b"\0\x02\xc3\xa9"[..], true),
            (b"\0\x02\xc3", false),
            (b"\0\x01\xff", false),
            (b"\0\x01\0", false),
            (b"\0\x03\xed\xa0\x80", false), // a surrogate
            (b"\0\x02\xc0\x80", false),     // U+0000 in two bytes
        ] {
            assert_eq!(Rest(text).string().is_ok(), is_good, "{text:02x?}");
        }
    }

    #[test]
    fn properties_stay_in_their_block_and_come_once() {
        let block = |bytes: &[u8], allowed: &[u8]| reason(properties(&mut Rest(bytes), allowed));
        assert_eq!(block(&[0], &[]), None);
        assert_eq!(block(&[5, 0x11, 0, 0, 0, 1], &[0x11]), None);
        // The codec would read the value from behind the block.
        assert_eq!(block(&[1, 0x11, 0, 0, 0, 1], &[0x11]), Some(Reason::Malformed));
        assert_eq!(block(&[9, 0x11], &[0x11]), Some(Reason::Malformed));
        assert_eq!(block(&[2, 0x01, 0], &[0x11]), Some(Reason::ProtocolError));
        assert_eq!(block(&[4, 0x01, 0, 0x01, 0], &[0x01]), Some(Reason::ProtocolError));
        assert_eq!(block(&[2, 0x01, 2], &[0x01]), Some(Reason::ProtocolError));
        assert_eq!(block(&[3, 0x21, 0, 0], &[0x21]), Some(Reason::ProtocolError));
        let user = [0x26, 0, 0, 0, 0];
        assert_eq!(block(&[&[10][..], &user, &user].concat(), &[0x26]), None);
        assert_eq!(block(&[4, 0x08, 0, 1, b'#'], &[0x08]), Some(Reason::ProtocolError));
    }

    #[test]
    fn the_session_expiry_of_a_disconnect_is_found_behind_other_properties() {
        assert_eq!(disconnect_expiry(&[]), None);
        assert_eq!(disconnect_expiry(&[0]), None);
        assert_eq!(disconnect_expiry(&[0, 0]), None);
        assert_eq!(disconnect_expiry(&[0, 5, 0x11, 0, 0, 0, 9]), Some(9));
        let body = b"\0\x10\x1f\0\x01x\x26\0\x01k\0\x01v\x11\0\0\x01\0";
        assert_eq!(reason(packet(0xe0, body, Version::V5)), None);
        assert_eq!(disconnect_expiry(body), Some(256));
        assert_eq!(disconnect_expiry(&body[..10]), None);
    }

    #[test]
    fn the_flags_of_connect_fit_each_other() {
        let with = |flags: u8, rest: &[u8]| {
            let body = [&b"\0\x04MQTT\x04"[..], &[flags], &[0, 0, 0, 1, b'c'], rest].concat();
            reason(packet(0x10, &body, Version::V311))
        };
        assert_eq!(with(0x02, &[]), None);
        assert_eq!(with(0x00, &[]), None);
        assert_eq!(with(0x01, &[]), Some(Reason::Malformed));
        assert_eq!(with(0x20, &[]), Some(Reason::Malformed));
        assert_eq!(with(0x1c, b"\0\x01t\0\0"), Some(Reason::Malformed));
        assert_eq!(with(0x40, b"\0\x01p"), Some(Reason::Malformed));
        assert_eq!(with(0xc0, b"\0\x01u\0\x01p"), None);
        assert_eq!(with(0x04, b"\0\x01t\0\0"), None);
        assert_eq!(with(0x04, b"\0\x01#\0\0"), Some(Reason::TopicInvalid));
        assert_eq!(with(0x02, b"x"), Some(Reason::Malformed));
    }
}
