//! One client, from its CONNECT to its end, over any stream of bytes.

mod incoming;
mod outgoing;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Brief, Identity};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant as Moment, timeout, timeout_at};
use tracing::{debug, info, warn};
use traffic::Way;

use crate::admission::authenticator::{Authenticator, Guest};
use crate::admission::owner::{Holder, Owner};
use crate::core::outbox::Outbox;
use crate::core::session::Session;
use crate::core::sessions::{Arrival, Core};
use crate::core::slots::Slot;
use crate::protocol::packet::{
    Connect, Filter, Message, Packet, Qos, Reason, Refusal, Reply, Version, Welcome,
};
use crate::protocol::reply;
use crate::protocol::topic;
use incoming::Incoming;
use outgoing::Outgoing;

/// How long the broker still reads from a client that has gone; all of it has arrived already.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(100);

/// Serves a client until it ends. Its session ends with it, also if this future is dropped. Without
/// a CONNECT until `deadline` the connection closes.
pub(crate) async fn serve<R, W>(
    core: Arc<Core>,
    authenticator: Arc<Authenticator>,
    peer: SocketAddr,
    deadline: Moment,
    reader: R,
    writer: W,
    slot: &Slot,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut incoming = Incoming::new(reader, core.clone(), peer.ip());
    let mut outgoing = Outgoing::new(writer, core.clone());

    let first = tokio::select! {
        first = timeout_at(deadline, incoming.next(None)) => first,
        () = core.closing() => return,
    };
    let (mut id, mut user) = (String::new(), String::new());
    let entered = match first {
        Ok(Ok(Packet::Connect(connect))) => {
            slot.keep();
            id = Brief(&connect.client_id).to_string();
            user = connect.login.as_ref().map_or_else(String::new, |l| Brief(&l.user).to_string());
            tokio::select! {
                entered = enter(&core, &authenticator, peer.ip(), *connect) => entered.map_err(End::Refused),
                () = core.closing() => return,
            }
        }
        Ok(Ok(_)) => Err(End::Refused(Refusal::new(Reason::ProtocolError, "no CONNECT"))),
        Ok(Err(end)) => Err(end),
        Err(_) => Err(End::Late),
    };
    let client = match entered {
        Ok(client) => client,
        Err(end) => {
            match &end {
                End::Refused(Refusal { why, .. }) if core.refusals.is_news(peer.ip(), why) => {
                    warn!(%peer, client = id, user, why, "refused a client");
                }
                _ => debug!(%peer, ?end, "a connection ended without a client"),
            }
            if let (End::Refused(refusal), Some(version)) = (end, incoming.decoder.version()) {
                let last = refused(refusal, version);
                outgoing.farewell(last, &mut incoming.reader).await;
            }
            return;
        }
    };
    debug!(%peer, client = id, version = ?client.version, "connected");

    let end = tokio::select! {
        end = converse(&client, &mut incoming) => end,
        end = outgoing.run(&client.outbox) => end,
        reason = client.outbox.ended() => End::Ended(reason),
        () = authenticator.known().revoked(&client.guest.identity) => End::Ended(Reason::NotAuthorized),
    };
    let end = match end {
        // If a write fails, the client's last packets, even DISCONNECT, may be here.
        End::Gone(_) => {
            timeout(LAST_WORDS_WITHIN, converse(&client, &mut incoming)).await.unwrap_or(end)
        }
        end => end,
    };

    let end = match end {
        End::Left { with_will, expiry } => match client.session.leave(with_will, expiry) {
            Ok(()) => end,
            Err(refusal) => End::Refused(refusal),
        },
        end => end,
    };
    // The connection of a client that is revoked now may have ended for another reason.
    if !authenticator.known().knows(&client.guest.identity) {
        client.session.end_with_connection();
    }

    let is_usual = matches!(end, End::Left { .. } | End::Gone(_));
    if !is_usual && core.may_tell_end() {
        info!(%peer, client = id, ?end, "disconnected a client");
    } else {
        debug!(%peer, client = id, ?end, "disconnected");
    }
    let last = match end {
        End::Refused(refusal) => Some(refusal),
        End::Ended(reason) => Some(Refusal::new(reason, "")),
        End::Silent => Some(Refusal::new(Reason::KeepAliveTimeout, "")),
        _ => None,
    };
    let (version, packet_maximum) = (client.version, client.packet_maximum);
    // The session ends, and its will is published, before the farewell takes time.
    drop(client);
    if let Some(refusal) = last {
        let last = reply::encode(&Reply::Disconnect(refusal), version, packet_maximum);
        outgoing.farewell(last, &mut incoming.reader).await;
    }
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client sent DISCONNECT.
    Left { with_will: bool, expiry: Option<u32> },
    /// Its socket was closed, or failed.
    Gone(#[allow(dead_code, reason = "it is for the log")] Option<io::Error>),
    /// The client broke the rules.
    Refused(Refusal),
    /// The core ended it.
    Ended(Reason),
    /// Nothing came for one and a half keep-alives, or the client stopped within a packet.
    Silent,
    /// The client takes nothing of what waits for it.
    Stalled,
    /// The client did not send CONNECT in time.
    Late,
}

/// An admitted client.
struct Client {
    id: String,
    version: Version,
    packet_maximum: usize,
    guest: Guest,
    /// How long the client may be silent.
    silence: Option<Duration>,
    outbox: Arc<Outbox>,
    session: Session,
}

async fn enter(
    core: &Arc<Core>,
    authenticator: &Authenticator,
    peer: IpAddr,
    connect: Connect,
) -> Result<Client, Refusal> {
    let Connect { version, clean, takes, will, .. } = connect;
    let mut guest = authenticator.admit(peer, connect.login).await?;
    guest.grant = guest.grant.for_client(&connect.client_id);
    if will.as_ref().is_some_and(|will| !guest.grant.may_publish(&will.message.topic)) {
        return Err(Refusal::new(Reason::NotAuthorized, "a will that is not allowed"));
    }
    let is_anonymous = connect.client_id.is_empty();
    if is_anonymous && (version == Version::V31 || version == Version::V311 && !clean) {
        return Err(Refusal::new(Reason::BadClientId, "no client id"));
    }
    let expiry = connect.expiry.min(core.limits.session_expiry);
    if will.as_ref().is_some_and(|will| !core.limits.allow_topic(&will.message.topic)) {
        return Err(Refusal::new(Reason::TopicInvalid, "the will's topic is too long"));
    }
    let id =
        if is_anonymous { format!("auto-{:016x}", fastrand::u64(..)) } else { connect.client_id };
    let owner = Owner { identity: guest.identity.clone(), client_id: id.clone() };
    if expiry > 0 && owner.len() > core.limits.topic_length {
        // The broker keeps it while the client is away.
        return Err(Refusal::new(
            Reason::BadClientId,
            "a client id too long for a session that lasts",
        ));
    }
    let outbox = Arc::new(Outbox::new(version, takes, core.limits, core.counters.clone()));
    let longest = core.limits.keep_alive;
    let told = (version == Version::V5 && connect.keep_alive > longest).then_some(longest);
    let welcome = Welcome {
        receive_maximum: u16::try_from(core.limits.inflight).unwrap_or(u16::MAX),
        assigned_client_id: is_anonymous.then(|| id.clone()),
        keep_alive: told,
        response_information: Some(format!("response/{id}"))
            .filter(|topic| connect.wants_response_information && topic::is_name(topic))
            .filter(|topic| core.limits.allow_topic(topic) && guest.grant.may_subscribe(topic)),
        ..Welcome::default()
    };
    // MQTT 5, section 3.1.2.11.4: a client gets no packet that is too large for it.
    let connack = reply::encode(&Reply::Welcome(welcome.clone()), version, usize::MAX);
    if connack.len() > takes.packet_maximum as usize {
        return Err(Refusal::new(Reason::PacketTooLarge, ""));
    }
    let holder = Holder::new(&guest.identity, peer);
    // Vitrina's own parts are not among those who are here.
    let traffic = core.traffic.get().filter(|_| !matches!(*guest.identity, Identity::Local { .. }));
    let here = traffic.map(|traffic| traffic.enter(Way::Mqtt, peer)).unwrap_or_default();
    here.is_called(&id);
    let outbox_of = outbox.clone();
    let arrival = Arrival { owner, holder, clean, expiry, will, outbox: outbox_of, welcome, here };
    let session =
        Session::open(core, arrival).map_err(|reason| Refusal::new(reason, "no more sessions"))?;
    // MQTT 5, section 3.1.2.10.
    let silence = match told.unwrap_or(connect.keep_alive) {
        0 => None,
        s => Some(Duration::from_millis(1500) * u32::from(s)),
    };
    let packet_maximum = takes.packet_maximum as usize;
    Ok(Client { id, version, packet_maximum, guest, silence, outbox, session })
}

/// The CONNACK for a refused client, if its version has one.
fn refused(refusal: Refusal, version: Version) -> Bytes {
    match (version, refusal.reason) {
        // MQTT 3.1.1, section 3.1.4: the server closes without CONNACK after a malformed packet.
        (Version::V5, _)
        | (
            _,
            Reason::UnsupportedVersion
            | Reason::BadClientId
            | Reason::BadLogin
            | Reason::NotAuthorized
            | Reason::ServerBusy
            | Reason::QuotaExceeded
            | Reason::ShuttingDown,
        ) => reply::encode(&Reply::Refused(refusal), version, usize::MAX),
        _ => Bytes::new(),
    }
}

async fn converse<R: AsyncRead + Unpin>(client: &Client, incoming: &mut Incoming<R>) -> End {
    loop {
        let packet = match incoming.next(client.silence).await {
            Ok(packet) => packet,
            Err(end) => return end,
        };
        let refused = match packet {
            Packet::Publish { id, alias, mut message } => {
                match incoming.aliases.resolve(message.topic, alias) {
                    Ok(topic) => {
                        message.topic = topic;
                        client.publish(id, message, &incoming.core).err()
                    }
                    Err(refusal) => Some(refusal),
                }
            }
            Packet::PubAck { id } => {
                client.outbox.acknowledged(id);
                None
            }
            Packet::PubRec { id, is_refused } => {
                client.outbox.received(id, is_refused);
                None
            }
            Packet::PubRel { id } => {
                let is_known = client.session.release(id);
                let reason = if is_known { Reason::Success } else { Reason::IdentifierUnknown };
                client.outbox.reply(&Reply::PubComp { id, reason });
                None
            }
            Packet::PubComp { id } => {
                client.outbox.completed(id);
                None
            }
            Packet::Subscribe { id, filters } => {
                client.subscribe(id, &filters).await;
                None
            }
            Packet::Unsubscribe { id, filters } => {
                let results = filters.iter().map(|f| client.session.unsubscribe(f)).collect();
                client.outbox.reply(&Reply::UnsubAck { id, results });
                None
            }
            Packet::PingReq => {
                client.outbox.reply(&Reply::PingResp);
                None
            }
            Packet::Disconnect { with_will, expiry } => return End::Left { with_will, expiry },
            Packet::Connect(_) => Some(Refusal::new(Reason::ProtocolError, "a second CONNECT")),
        };
        if let Some(refusal) = refused {
            return End::Refused(refusal);
        }
        client.outbox.replies_taken().await;
    }
}

impl Client {
    fn publish(&self, id: u16, message: Message, core: &Core) -> Result<(), Refusal> {
        core.counters.messages_in.add(1);
        if !core.limits.allow_topic(&message.topic) {
            return Err(Refusal::new(Reason::TopicInvalid, "a topic that is too long"));
        }
        let qos = message.qos;
        let grant = &self.guest.grant;
        let clears = message.retain && message.payload.is_empty();
        let published =
            if grant.may_publish(&message.topic) || clears && grant.may_clear(&message.topic) {
                self.session.publish(id, message)
            } else {
                core.refuse_publish(&self.id, &message.topic);
                Err(Reason::NotAuthorized)
            };
        let reason = published.err().unwrap_or(Reason::Success);
        match qos {
            _ if reason == Reason::ReceiveMaximumExceeded => {
                return Err(Refusal::new(reason, "more messages of QoS 2 than were allowed"));
            }
            Qos::AtMostOnce => {}
            Qos::AtLeastOnce => self.outbox.reply(&Reply::PubAck { id, reason }),
            Qos::ExactlyOnce => self.outbox.reply(&Reply::PubRec { id, reason }),
        }
        Ok(())
    }

    async fn subscribe(&self, id: u16, filters: &[Filter]) {
        let subscribed: Vec<_> = filters
            .iter()
            .map(|filter| {
                let path = topic::subscribed(&filter.path).ok_or(Reason::FilterInvalid)?;
                if self.guest.grant.may_subscribe(path) {
                    self.session.subscribe(filter)
                } else {
                    Err(Reason::NotAuthorized)
                }
            })
            .collect();
        let granted = subscribed.iter().map(|s| s.map(|(qos, _)| qos)).collect();
        self.outbox.reply(&Reply::SubAck { id, granted });
        let mut spent = Duration::ZERO;
        for (filter, subscribed) in filters.iter().zip(subscribed) {
            if let Ok((_, is_new)) = subscribed {
                let began = Instant::now();
                self.session.send_retained(filter, is_new);
                // A client that asks for much, again and again, waits, so that others need not.
                spent += began.elapsed();
                if spent > Duration::from_millis(1) {
                    tokio::time::sleep(9 * spent).await;
                    spent = Duration::ZERO;
                }
            }
        }
    }
}
