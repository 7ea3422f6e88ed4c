//! MQTT packets as the core sees them: checked, the same for all versions, without the codec.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::counters::Counters;
use crate::protocol::held::Held;

/// The supported versions of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The version before the standard, named `MQIsdp`: like 3.1.1 except for a few bits.
    V31,
    V311,
    V5,
}

/// The quality of service of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(clippy::enum_variant_names, reason = "the specification calls them so")]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

impl Qos {
    /// From its two bits in a packet; 3 was refused before.
    pub fn of(bits: u8) -> Qos {
        match bits & 3 {
            0 => Qos::AtMostOnce,
            1 => Qos::AtLeastOnce,
            _ => Qos::ExactlyOnce,
        }
    }
}

/// Reason codes of MQTT 5 (section 2.4) that this broker gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    Success = 0x00,
    Malformed = 0x81,
    ProtocolError = 0x82,
    UnsupportedVersion = 0x84,
    BadClientId = 0x85,
    BadLogin = 0x86,
    NotAuthorized = 0x87,
    ServerBusy = 0x89,
    ShuttingDown = 0x8B,
    BadAuthenticationMethod = 0x8C,
    KeepAliveTimeout = 0x8D,
    TakenOver = 0x8E,
    FilterInvalid = 0x8F,
    TopicInvalid = 0x90,
    IdentifierUnknown = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    QuotaExceeded = 0x97,
}

/// Why bytes are not a valid packet; the connection ends with this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub reason: Reason,
    pub why: &'static str,
}

impl Refusal {
    pub fn new(reason: Reason, why: &'static str) -> Refusal {
        Refusal { reason, why }
    }
}

/// A packet from a client.
#[derive(Debug, Clone)]
pub(crate) enum Packet {
    Connect(Box<Connect>),
    /// `id` is 0 for QoS 0. The topic may be empty if an alias stands for it.
    Publish {
        id: u16,
        alias: Option<u16>,
        message: Message,
    },
    PubAck {
        id: u16,
    },
    /// The client received a message of QoS 2, or refuses it.
    PubRec {
        id: u16,
        is_refused: bool,
    },
    PubRel {
        id: u16,
    },
    PubComp {
        id: u16,
    },
    Subscribe {
        id: u16,
        filters: Vec<Filter>,
    },
    Unsubscribe {
        id: u16,
        filters: Vec<String>,
    },
    PingReq,
    Disconnect {
        /// Whether the client wants its will published although it leaves: in MQTT 5, with any
        /// reason but 0 (section 3.14.4).
        with_will: bool,
        /// How many seconds its session will last, if the client changes that.
        expiry: Option<u32>,
    },
}

/// A client's first packet.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub version: Version,
    pub client_id: String,
    pub login: Option<Login>,
    /// Whether the client wants a new session instead of its old one.
    pub clean: bool,
    /// How many seconds the session outlives the connection.
    pub expiry: u32,
    /// In seconds; 0 for none.
    pub keep_alive: u16,
    pub will: Option<Will>,
    pub takes: Takes,
    /// Whether the client asks for a topic for its responses (MQTT 5, section 3.1.2.11.6).
    pub wants_response_information: bool,
}

/// How much a client accepts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    /// Unacknowledged messages of QoS 1 and 2.
    pub receive_maximum: u16,
    /// The largest packet, in bytes.
    pub packet_maximum: u32,
    /// Topic aliases.
    pub aliases: u16,
}

/// The message to publish when a client has gone.
#[derive(Debug, Clone)]
pub(crate) struct Will {
    pub message: Message,
    /// How long after the client has gone.
    pub delay: Duration,
    /// How long the message is valid, from its publication.
    pub expiry: Option<Duration>,
}

impl Will {
    /// The message as it is published at this moment.
    pub fn into_message(self, now: Instant) -> Message {
        let expires = self.expiry.and_then(|expiry| now.checked_add(expiry));
        Message { expires, ..self.message }
    }
}

/// The name and password in a CONNECT.
#[derive(Clone)]
pub(crate) struct Login {
    pub user: String,
    /// Any bytes.
    pub password: Vec<u8>,
}

impl fmt::Debug for Login {
    /// Leaves out the password, which does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An application message, held once for all receivers.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// The properties that go on to subscribers (MQTT 5), encoded, without length and expiry.
    pub properties: Bytes,
    /// When it expires.
    pub expires: Option<Instant>,
    /// Its memory in the broker, without its payload.
    pub held: Held,
}

impl Message {
    /// The bytes of a message besides its content: itself, its queue place, its topic's entry.
    pub const OVERHEAD: usize = 256;

    /// The size that it counts as in every bound, in bytes.
    pub fn size(&self) -> usize {
        self.topic.len() + self.payload.len() + self.properties.len() + Message::OVERHEAD
    }

    /// The message in shared form, counted as long as any part of the program holds it.
    pub fn shared(mut self, counters: &Arc<Counters>) -> Arc<Message> {
        self.held = Held::new(self.size() - self.payload.len(), counters);
        self.payload = Held::payload(self.payload, counters);
        Arc::new(self)
    }

    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// One topic filter of a SUBSCRIBE. The core decides whether it is valid.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub path: String,
    pub options: Options,
}

/// The options of a subscription (MQTT 5, section 3.8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    pub qos: Qos,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retained: SendRetained,
    /// The subscription identifier that the client chose; 0 for none.
    pub identifier: u32,
}

/// When a subscription brings retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendRetained {
    Always,
    WhenNew,
    Never,
}

/// A packet from the broker, except PUBLISH, which is written in two parts.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Welcome(Welcome),
    Refused(Refusal),
    PubAck { id: u16, reason: Reason },
    PubRec { id: u16, reason: Reason },
    PubRel { id: u16, reason: Reason },
    PubComp { id: u16, reason: Reason },
    SubAck { id: u16, granted: Vec<Result<Qos, Reason>> },
    UnsubAck { id: u16, results: Vec<Unsubscribed> },
    PingResp,
    Disconnect(Refusal),
}

/// The result for each filter of an UNSUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsubscribed {
    Done,
    Unknown,
    Invalid,
}

/// The content of a CONNACK that accepts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Welcome {
    /// Whether the client's session is resumed.
    pub session_present: bool,
    /// How many seconds the session outlives the connection.
    pub expiry: u32,
    /// How many messages of QoS 2 to the broker may be unfinished.
    pub receive_maximum: u16,
    /// The client id assigned to a client that sent none.
    pub assigned_client_id: Option<String>,
    /// The keep-alive that the client must use instead of its own.
    pub keep_alive: Option<u16>,
    pub response_information: Option<String>,
}
