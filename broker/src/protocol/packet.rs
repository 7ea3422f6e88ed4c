//! MQTT packets as the core sees them: checked, the same for 3.1, 3.1.1 and 5, and without the codec.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::counters::Counters;
use crate::protocol::held::Held;

/// The versions of the protocol that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// What devices spoke before it was a standard: named `MQIsdp`, and as 3.1.1 but for a few bits.
    V31,
    V311,
    V5,
}

/// How surely a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[allow(clippy::enum_variant_names, reason = "the specification calls them so")]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

impl Qos {
    /// Of the two bits that say it in a packet; 3 was refused before.
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

/// Why bytes are not a packet that may be acted on; the connection ends with it.
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

/// What a client says.
#[derive(Debug, Clone)]
pub(crate) enum Packet {
    Connect(Box<Connect>),
    /// `id` is 0 for QoS 0. The topic may be empty when there is an alias that stands for it.
    Publish {
        id: u16,
        alias: Option<u16>,
        message: Message,
    },
    PubAck {
        id: u16,
    },
    /// The client has a message of QoS 2, or will not have it.
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
        /// The client leaves and yet wants its will published: in MQTT 5, with any reason but 0
        /// (section 3.14.4).
        with_will: bool,
        /// How many seconds its session is to last, if it changed its mind.
        expiry: Option<u32>,
    },
}

/// A client's first packet.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub version: Version,
    pub client_id: String,
    pub login: Option<Login>,
    /// Whether the client wants a new session, and not the one that it had.
    pub clean: bool,
    /// How many seconds the session is to last without a connection.
    pub expiry: u32,
    /// In seconds; 0 for none.
    pub keep_alive: u16,
    pub will: Option<Will>,
    pub takes: Takes,
    /// Whether it asks where its answers may go (MQTT 5, section 3.1.2.11.6).
    pub wants_response_information: bool,
}

/// How much a client takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Takes {
    /// Unacknowledged messages of QoS 1 and 2.
    pub receive_maximum: u16,
    /// The largest packet, in bytes.
    pub packet_maximum: u32,
    /// Topic aliases.
    pub aliases: u16,
}

/// What is to be said when a client is gone.
#[derive(Debug, Clone)]
pub(crate) struct Will {
    pub message: Message,
    /// How long after the client is gone.
    pub delay: Duration,
    /// How long it is of use, from then on.
    pub expiry: Option<Duration>,
}

impl Will {
    /// The message as it is published at this moment.
    pub fn into_message(self, now: Instant) -> Message {
        let expires = self.expiry.and_then(|expiry| now.checked_add(expiry));
        Message { expires, ..self.message }
    }
}

/// What a client says of who it is.
#[derive(Clone)]
pub(crate) struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    /// Without the password, for that has no place in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// An application message, held once for all who get it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: Qos,
    pub retain: bool,
    /// The properties that travel with it (MQTT 5), encoded, without length and expiry.
    pub properties: Bytes,
    /// When it is of no use any more.
    pub expires: Option<Instant>,
    /// What it takes of the broker's memory beside its payload.
    pub held: Held,
}

impl Message {
    /// What a message costs beyond its bytes: itself, its place in a queue, its topic's entry.
    pub const OVERHEAD: usize = 256;

    /// What it is counted as in every bound, in bytes.
    pub fn size(&self) -> usize {
        self.topic.len() + self.payload.len() + self.properties.len() + Message::OVERHEAD
    }

    /// The message for others to share, counted as long as any of them has it.
    pub fn shared(mut self, counters: &Arc<Counters>) -> Arc<Message> {
        self.held = Held::new(self.size() - self.payload.len(), counters);
        self.payload = Held::payload(self.payload, counters);
        Arc::new(self)
    }

    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// One topic filter of a SUBSCRIBE. Whether it is valid is for the core to say.
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
    /// The number by which the client knows its subscription; 0 for none.
    pub identifier: u32,
}

/// When a subscription brings the retained messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendRetained {
    Always,
    WhenNew,
    Never,
}

/// What the broker says, but for PUBLISH, which is written in two parts.
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

/// What became of each filter of an UNSUBSCRIBE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsubscribed {
    Done,
    Unknown,
    Invalid,
}

/// What a CONNACK that accepts has to tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Welcome {
    /// Whether the client's session goes on.
    pub session_present: bool,
    /// How many seconds the session lasts without a connection.
    pub expiry: u32,
    /// How many messages of QoS 2 may be under way to the broker.
    pub receive_maximum: u16,
    /// The client id that was made for a client that sent none.
    pub assigned_client_id: Option<String>,
    /// The keep-alive that the client has to use instead of its own.
    pub keep_alive: Option<u16>,
    pub response_information: Option<String>,
}
