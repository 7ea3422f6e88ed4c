//! A client that sends any bytes a test wants, and functions that make packets.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::running::SOON;

/// The protocol level of a CONNECT.
pub const V311: u8 = 4;
pub const V5: u8 = 5;
pub const BOTH: [u8; 2] = [V311, V5];

pub struct Raw {
    pub stream: TcpStream,
    pub level: u8,
    unread: Vec<u8>,
}

/// A PUBLISH as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub dup: bool,
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub id: u16,
    pub properties: Vec<u8>,
}

impl Raw {
    /// A socket before its CONNECT.
    pub async fn open(address: SocketAddr, level: u8) -> Raw {
        Raw::open_from([127, 0, 0, 1], address, level).await
    }

    /// A socket from another loopback address.
    pub async fn open_from(from: [u8; 4], address: SocketAddr, level: u8) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Raw { stream, level, unread: Vec::new() }
    }

    /// An accepted client from another loopback address.
    pub async fn connect_from(from: [u8; 4], address: SocketAddr, client_id: &str) -> Raw {
        let mut raw = Raw::open_from(from, address, V311).await;
        raw.send(&Connect::new(V311, client_id).bytes()).await;
        let connack = raw.packet().await.expect("a CONNACK");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
        raw
    }

    /// The reason for which a client is refused.
    pub async fn is_turned_away(address: SocketAddr, level: u8, connect: &[u8]) -> u8 {
        let mut raw = Raw::open(address, level).await;
        raw.send(connect).await;
        let connack = raw.packet().await.expect("a CONNACK");
        assert_eq!(connack[..3], [0x20, connack[1], 0], "{connack:02x?}");
        assert_eq!(raw.packet().await, None);
        connack[3]
    }

    /// A client that resumes its session or begins one; returns whether it resumed.
    pub async fn return_to(address: SocketAddr, connect: &Connect<'_>) -> (Raw, bool) {
        let mut raw = Raw::open(address, connect.level).await;
        raw.send(&connect.bytes()).await;
        let connack = raw.packet().await.expect("a CONNACK");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
        (raw, connack[2] == 1)
    }

    /// An accepted client.
    pub async fn connect(address: SocketAddr, level: u8, client_id: &str) -> Raw {
        Raw::enter(address, level, &Connect::new(level, client_id).bytes()).await
    }

    pub async fn enter(address: SocketAddr, level: u8, connect: &[u8]) -> Raw {
        let mut raw = Raw::open(address, level).await;
        raw.send(connect).await;
        let connack = raw.packet().await.expect("a CONNACK");
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        timeout(SOON, self.stream.write_all(bytes)).await.expect("is taken").unwrap();
    }

    /// Sends as much as the broker accepts before it closes.
    pub async fn send_what_is_taken(&mut self, bytes: &[u8]) {
        let _ = timeout(SOON, self.stream.write_all(bytes)).await.expect("is taken or refused");
    }

    /// The next packet, or `None` if the broker has closed.
    pub async fn packet(&mut self) -> Option<Vec<u8>> {
        timeout(SOON, self.next()).await.expect("a packet or the end")
    }

    /// The next packet, however long it takes.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(len) = packet_len(&self.unread) {
                let rest = self.unread.split_off(len);
                return Some(std::mem::replace(&mut self.unread, rest));
            }
            match self.stream.read_buf(&mut self.unread).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next packet, which must be a PUBLISH.
    pub async fn published(&mut self) -> Published {
        let packet = self.packet().await.expect("a PUBLISH and not the end");
        self.read_publish(&packet)
    }

    pub fn read_publish(&self, packet: &[u8]) -> Published {
        assert_eq!(packet[0] >> 4, 3, "a PUBLISH and not {packet:02x?}");
        let mut rest = &packet[1..];
        varint(&mut rest);
        let topic = take_str(&mut rest);
        let qos = packet[0] >> 1 & 3;
        let id = if qos == 0 { 0 } else { take_u16(&mut rest) };
        let properties = if self.level == V5 {
            let len = varint(&mut rest);
            take(&mut rest, len).to_vec()
        } else {
            Vec::new()
        };
        let retain = packet[0] & 1 == 1;
        let dup = packet[0] & 8 != 0;
        Published { dup, topic, payload: rest.to_vec(), qos, retain, id, properties }
    }

    /// Subscribes and returns the reason codes. Retained messages come after that.
    pub async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let packet = subscribe(self.level, 7, filters);
        self.send(&packet).await;
        let suback = self.packet().await.expect("a SUBACK");
        assert_eq!((suback[0], &suback[2..4]), (0x90, &[0, 7][..]), "{suback:02x?}");
        suback[if self.level == V5 { 5 } else { 4 }..].to_vec()
    }

    pub async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8, retain: bool) {
        let packet = publish(self.level, topic, payload, qos, retain);
        self.send(&packet).await;
        match qos {
            0 => {}
            1 => self.gets(&[0x40, 2, 0, 9]).await,
            _ => {
                self.gets(&[0x50, 2, 0, 9]).await;
                self.send(&[0x62, 2, 0, 9]).await;
                self.gets(&[0x70, 2, 0, 9]).await;
            }
        }
    }

    /// Checks that the next packet is this one.
    pub async fn gets(&mut self, expected: &[u8]) {
        let packet = self.packet().await.expect("a packet and not the end");
        assert_eq!(packet, expected, "{packet:02x?} and not {expected:02x?}");
    }

    /// Completes the exchange of a QoS 2 message.
    pub async fn complete(&mut self, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.send(&[0x50, 2, high, low]).await;
        self.gets(&[0x62, 2, high, low]).await;
        self.send(&[0x70, 2, high, low]).await;
    }

    /// Sends all that completes a QoS 2 message, and reads up to its PUBREL; packets before it are
    /// kept for later.
    pub async fn complete_among_others(&mut self, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.send(&[0x50, 2, high, low]).await;
        let mut before = Vec::new();
        loop {
            let packet = self.packet().await.expect("a PUBREL");
            if packet == [0x62, 2, high, low] {
                break;
            }
            before.extend(packet);
        }
        self.unread.splice(0..0, before);
        self.send(&[0x70, 2, high, low]).await;
    }

    /// Closes without DISCONNECT, and waits until the broker has noticed.
    pub async fn vanish(self, broker: &crate::running::Running) {
        let before = broker.counters.read().clients;
        drop(self);
        broker.until("the end of a client", |c| c.clients < before).await;
    }

    pub async fn acknowledge(&mut self, id: u16) {
        let [high, low] = id.to_be_bytes();
        self.send(&[0x40, 2, high, low]).await;
    }

    /// A round trip: the broker has handled all that was sent before.
    pub async fn ping(&mut self) {
        self.send(&[0xc0, 0]).await;
        assert_eq!(self.packet().await.expect("a PINGRESP"), [0xd0, 0]);
    }

    /// Sends DISCONNECT and waits until the broker has closed.
    pub async fn leave(mut self) {
        self.send(&[0xe0, 0]).await;
        assert_eq!(self.packet().await, None);
    }

    /// Checks that the broker closes; in MQTT 5 it says why first.
    pub async fn is_refused(&mut self, reason: u8) {
        if self.level == V5 {
            let last = self.packet().await.expect("a DISCONNECT");
            assert_eq!((last[0], last[2]), (0xe0, reason), "{last:02x?}");
        }
        assert_eq!(self.packet().await, None);
    }

    /// Checks that nothing waits: it would come between the answers to two pings.
    pub async fn has_nothing(&mut self) {
        self.ping().await;
        self.ping().await;
    }
}

/// A CONNECT, with a will if a topic is given.
pub struct Connect<'a> {
    pub level: u8,
    pub client_id: &'a str,
    pub clean: bool,
    pub keep_alive: u16,
    pub properties: &'a [u8],
    pub will_properties: &'a [u8],
    pub will: Option<(&'a str, &'a [u8], u8, bool)>,
    pub login: Option<(&'a str, &'a str)>,
}

impl<'a> Connect<'a> {
    pub fn new(level: u8, client_id: &'a str) -> Connect<'a> {
        let (properties, will_properties) = (&[], &[]);
        Connect {
            level,
            client_id,
            clean: true,
            keep_alive: 0,
            properties,
            will_properties,
            will: None,
            login: None,
        }
    }

    /// A CONNECT whose session outlives its connection.
    pub fn lasting(level: u8, client_id: &'a str) -> Connect<'a> {
        let properties = if level == V5 { &[0x11, 0, 0, 1, 0][..] } else { &[] };
        Connect { clean: false, properties, ..Connect::new(level, client_id) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_str(&mut body, "MQTT");
        body.push(self.level);
        let mut flags = u8::from(self.clean) << 1;
        if let Some((_, _, qos, retain)) = self.will {
            flags |= 0x04 | qos << 3 | u8::from(retain) << 5;
        }
        flags |= if self.login.is_some() { 0xc0 } else { 0 };
        body.push(flags);
        body.extend(self.keep_alive.to_be_bytes());
        if self.level == V5 {
            put_varint(&mut body, self.properties.len());
            body.extend(self.properties);
        }
        put_str(&mut body, self.client_id);
        if let Some((topic, payload, _, _)) = self.will {
            if self.level == V5 {
                put_varint(&mut body, self.will_properties.len());
                body.extend(self.will_properties);
            }
            put_str(&mut body, topic);
            body.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            body.extend(payload);
        }
        if let Some((user, password)) = self.login {
            put_str(&mut body, user);
            put_str(&mut body, password);
        }
        packet(0x10, &body)
    }
}

pub fn publish(level: u8, topic: &str, payload: &[u8], qos: u8, retain: bool) -> Vec<u8> {
    publish_with(level, topic, payload, qos, retain, &[])
}

pub fn publish_with(
    level: u8,
    topic: &str,
    payload: &[u8],
    qos: u8,
    retain: bool,
    properties: &[u8],
) -> Vec<u8> {
    let mut body = Vec::new();
    put_str(&mut body, topic);
    if qos > 0 {
        body.extend([0, 9]);
    }
    if level == V5 {
        put_varint(&mut body, properties.len());
        body.extend(properties);
    }
    body.extend(payload);
    packet(0x30 | qos << 1 | u8::from(retain), &body)
}

/// A SUBSCRIBE of filters with their options, whose lowest bits are the QoS.
pub fn subscribe(level: u8, id: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if level == V5 {
        body.push(0);
    }
    for (filter, options) in filters {
        put_str(&mut body, filter);
        body.push(*options);
    }
    packet(0x82, &body)
}

pub fn unsubscribe(level: u8, id: u16, filters: &[&str]) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    if level == V5 {
        body.push(0);
    }
    for filter in filters {
        put_str(&mut body, filter);
    }
    packet(0xa2, &body)
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    put_varint(&mut packet, body.len());
    packet.extend(body);
    packet
}

pub fn put_str(to: &mut Vec<u8>, text: &str) {
    to.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    to.extend(text.as_bytes());
}

fn put_varint(to: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        to.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return;
        }
    }
}

fn packet_len(bytes: &[u8]) -> Option<usize> {
    let mut len = 0;
    for i in 1..5 {
        let byte = usize::from(*bytes.get(i)?);
        len |= (byte & 0x7f) << (7 * (i - 1));
        if byte & 0x80 == 0 {
            let len = len + i + 1;
            return (bytes.len() >= len).then_some(len);
        }
    }
    panic!("a broker does not send {bytes:02x?}");
}

fn varint(rest: &mut &[u8]) -> usize {
    let mut value = 0;
    for i in 0..4 {
        let byte = usize::from(take(rest, 1)[0]);
        value |= (byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}

fn take_u16(rest: &mut &[u8]) -> u16 {
    let bytes = take(rest, 2);
    u16::from_be_bytes([bytes[0], bytes[1]])
}

fn take_str(rest: &mut &[u8]) -> String {
    let len = usize::from(take_u16(rest));
    String::from_utf8(take(rest, len).to_vec()).unwrap()
}
