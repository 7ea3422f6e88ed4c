//! One client, from its CONNECT to its end, over any stream of bytes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant as Moment, timeout, timeout_at};
use tracing::{debug, info};

use crate::codec::{self, Decoder};
use crate::core::{Core, Session};
use crate::door::{Door, Guest};
use crate::outbox::Outbox;
use crate::packet::{
    Connect, Filter, Message, Packet, Qos, Reason, Refusal, Reply, Version, Welcome,
};
use crate::topic;

/// How long a client that has gone is read from, of which all is here already.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(100);

/// How long a client is given to take its last packet.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// Serves a client until it ends. Its session ends with it, also when this is dropped. Without a
/// CONNECT until `deadline` there is no client.
pub(crate) async fn serve<R, W>(
    core: Arc<Core>,
    door: Arc<Door>,
    peer: SocketAddr,
    deadline: Moment,
    reader: R,
    writer: W,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut incoming = Incoming::new(reader, core.clone());
    let mut outgoing = Outgoing::new(writer, core.clone());

    let first = tokio::select! {
        first = timeout_at(deadline, incoming.next(None)) => first,
        () = core.closing() => return,
    };
    let entered = match first {
        Ok(Ok(Packet::Connect(connect))) => tokio::select! {
            entered = enter(&core, &door, peer.ip(), *connect) => {
                entered.map_err(|reason| End::Refused(Refusal::new(reason, "refused")))
            }
            () = core.closing() => return,
        },
        Ok(Ok(_)) => Err(End::Refused(Refusal::new(Reason::ProtocolError, "no CONNECT"))),
        Ok(Err(end)) => Err(end),
        Err(_) => Err(End::Late),
    };
    let client = match entered {
        Ok(client) => client,
        Err(end) => {
            debug!(%peer, ?end, "a connection ended without a client");
            if let (End::Refused(refusal), Some(version)) = (end, incoming.decoder.version()) {
                let last = refused(refusal.reason, version);
                outgoing.farewell(last, &mut incoming.reader).await;
            }
            return;
        }
    };
    debug!(%peer, client = client.id, version = ?client.version, "connected");

    let end = tokio::select! {
        end = converse(&client, &mut incoming) => end,
        end = outgoing.run(&client.outbox) => end,
        reason = client.outbox.ended() => End::Ended(reason),
        () = door.revoked(&client.guest) => End::Ended(Reason::NotAuthorized),
    };
    let end = match end {
        // When writing fails, its last words may still be here, and among them its DISCONNECT.
        End::Gone(_) => {
            timeout(LAST_WORDS_WITHIN, converse(&client, &mut incoming)).await.unwrap_or(end)
        }
        end => end,
    };

    let is_usual = matches!(end, End::Left { .. } | End::Gone(_));
    if !is_usual && core.may_tell_end() {
        info!(%peer, client = client.id, ?end, "disconnected a client");
    } else {
        debug!(%peer, client = client.id, ?end, "disconnected");
    }
    let last = match &end {
        End::Refused(refusal) => Some(refusal.reason),
        End::Ended(reason) => Some(*reason),
        End::Silent => Some(Reason::KeepAliveTimeout),
        _ => None,
    };
    if let End::Left { with_will: false } = end {
        client.session.forget_will();
    }
    let version = client.version;
    client.outbox.end(last.unwrap_or(Reason::Success));
    // The session ends, and its will is published, before time is spent on saying good-bye.
    drop(client);
    if let Some(reason) = last {
        let last = codec::encode(&Reply::Disconnect(reason), version);
        outgoing.farewell(last, &mut incoming.reader).await;
    }
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// It said DISCONNECT.
    Left { with_will: bool },
    /// Its socket was closed, or failed.
    Gone(#[allow(dead_code, reason = "it is for the log")] Option<io::Error>),
    /// It broke the rules.
    Refused(Refusal),
    /// The core ended it.
    Ended(Reason),
    /// Nothing came for one and a half keep-alives, or amid a packet.
    Silent,
    /// It takes nothing of what waits for it.
    Stalled,
    /// It did not send a CONNECT in time.
    Late,
}

/// A client that came in.
struct Client {
    id: String,
    version: Version,
    guest: Guest,
    /// How long it may be silent.
    silence: Option<Duration>,
    outbox: Arc<Outbox>,
    session: Session,
}

async fn enter(
    core: &Arc<Core>,
    door: &Arc<Door>,
    peer: IpAddr,
    connect: Connect,
) -> Result<Client, Reason> {
    let guest = door.admit(peer, connect.login).await?;
    if connect.will.as_ref().is_some_and(|will| !guest.grant.may_publish(&will.topic)) {
        return Err(Reason::NotAuthorized);
    }
    let is_anonymous = connect.client_id.is_empty();
    if is_anonymous && connect.version == Version::V311 && !connect.clean {
        return Err(Reason::BadClientId);
    }
    let id =
        if is_anonymous { format!("auto-{:016x}", fastrand::u64(..)) } else { connect.client_id };
    let outbox = Arc::new(Outbox::new(
        connect.version,
        connect.receive_maximum,
        connect.packet_maximum,
        core.limits,
        core.counters.clone(),
    ));
    let assigned_client_id = is_anonymous.then(|| id.clone());
    outbox.reply(&Reply::Welcome(Welcome { assigned_client_id }));
    let session = core.open(&guest.session(&id), outbox.clone(), connect.will)?;
    // MQTT 5, section 3.1.2.10.
    let silence = match connect.keep_alive {
        0 => None,
        s => Some(Duration::from_millis(1500) * u32::from(s)),
    };
    Ok(Client { id, version: connect.version, guest, silence, outbox, session })
}

/// The CONNACK for a client that may not come in, where its version has one.
fn refused(reason: Reason, version: Version) -> Bytes {
    match (version, reason) {
        // MQTT 3.1.1, section 3.1.4: what is malformed is closed without CONNACK.
        (
            Version::V311,
            Reason::UnsupportedVersion
            | Reason::BadClientId
            | Reason::BadLogin
            | Reason::NotAuthorized
            | Reason::ServerBusy,
        )
        | (Version::V5, _) => codec::encode(&Reply::Refused(reason), version),
        (Version::V311, _) => Bytes::new(),
    }
}

async fn converse<R: AsyncRead + Unpin>(client: &Client, incoming: &mut Incoming<R>) -> End {
    loop {
        let packet = match incoming.next(client.silence).await {
            Ok(packet) => packet,
            Err(end) => return end,
        };
        match packet {
            Packet::Publish { id, message } => client.publish(id, message, &incoming.core),
            Packet::PubAck { id } => client.outbox.acknowledged(id),
            Packet::Subscribe { id, filters } => client.subscribe(id, &filters).await,
            Packet::Unsubscribe { id, filters } => {
                let results = filters.iter().map(|f| client.session.unsubscribe(f)).collect();
                client.outbox.reply(&Reply::UnsubAck { id, results });
            }
            Packet::PingReq => client.outbox.reply(&Reply::PingResp),
            Packet::Disconnect { with_will } => return End::Left { with_will },
            Packet::Connect(_) => {
                return End::Refused(Refusal::new(Reason::ProtocolError, "a second CONNECT"));
            }
        }
        client.outbox.replies_taken().await;
    }
}

impl Client {
    fn publish(&self, id: u16, message: Message, core: &Core) {
        core.counters.messages_in.add(1);
        let qos = message.qos;
        let published = if self.guest.grant.may_publish(&message.topic) {
            self.session.publish(message)
        } else {
            core.refuse_publish(&self.id, &message.topic);
            Err(Reason::NotAuthorized)
        };
        if qos == Qos::AtLeastOnce {
            let reason = published.err().unwrap_or(Reason::Success);
            self.outbox.reply(&Reply::PubAck { id, reason });
        }
    }

    async fn subscribe(&self, id: u16, filters: &[Filter]) {
        let subscribed: Vec<_> = filters
            .iter()
            .map(|filter| {
                let path = topic::subscribed(&filter.path).unwrap_or(&filter.path);
                if self.guest.grant.may_subscribe(path) {
                    self.session.subscribe(filter)
                } else {
                    Err(Reason::NotAuthorized)
                }
            })
            .collect();
        let granted = subscribed.iter().map(|s| s.map(|(qos, _)| qos)).collect();
        self.outbox.reply(&Reply::SubAck { id, granted });
        for (filter, subscribed) in filters.iter().zip(subscribed) {
            if let Ok((_, is_new)) = subscribed {
                let began = Instant::now();
                self.session.send_retained(filter, is_new);
                // Whoever asks for much, again and again, waits and does not make others wait.
                let spent = began.elapsed();
                if spent > Duration::from_millis(1) {
                    tokio::time::sleep(9 * spent).await;
                }
            }
        }
    }
}

/// What comes from a client.
struct Incoming<R> {
    reader: R,
    decoder: Decoder,
    core: Arc<Core>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    fn new(reader: R, core: Arc<Core>) -> Incoming<R> {
        Incoming { reader, decoder: Decoder::new(wire::limits::PACKET), core }
    }

    /// The next packet. Any byte is a sign of life; a packet must go on within the stall time.
    async fn next(&mut self, silence: Option<Duration>) -> Result<Packet, End> {
        loop {
            if let Some(packet) = self.decoder.next(Instant::now()).map_err(End::Refused)? {
                return Ok(packet);
            }
            let stall = self.core.limits.stall;
            let patience = match (silence, self.decoder.is_within_packet()) {
                (Some(silence), true) => Some(silence.min(stall)),
                (None, true) => Some(stall),
                (silence, false) => silence,
            };
            let mut room = self.decoder.room();
            let read = self.reader.read_buf(&mut room);
            let read = match patience {
                Some(patience) => timeout(patience, read).await.map_err(|_| End::Silent)?,
                None => read.await,
            };
            match read {
                Ok(0) => return Err(End::Gone(None)),
                Ok(n) => self.core.counters.bytes_in.add(n),
                Err(error) => return Err(End::Gone(Some(error))),
            }
        }
    }
}

/// What goes to a client.
struct Outgoing<W> {
    writer: W,
    /// What was taken from the outbox and is not written yet. It outlives [`Outgoing::run`], so
    /// that a packet that was begun can be ended before the last one is sent.
    chunks: VecDeque<Bytes>,
    /// Where the heads of messages are gathered.
    heads: BytesMut,
    stall: Duration,
    core: Arc<Core>,
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    fn new(writer: W, core: Arc<Core>) -> Outgoing<W> {
        let stall = core.limits.stall;
        Outgoing { writer, chunks: VecDeque::new(), heads: BytesMut::new(), stall, core }
    }

    /// Sends what comes into the outbox until the client takes nothing more, or the outbox ends.
    async fn run(&mut self, outbox: &Outbox) -> End {
        loop {
            outbox.take(&mut self.chunks, &mut self.heads).await;
            if self.chunks.is_empty() {
                return End::Ended(outbox.ended().await);
            }
            if let Err(end) = self.flush().await {
                return end;
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); 64];
            let mut used = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
                used += 1;
            }
            let write = self.writer.write_vectored(slices.get(..used).unwrap_or_default());
            match timeout(self.stall, write).await {
                Err(_) => return Err(End::Stalled),
                Ok(Ok(0)) => return Err(End::Gone(None)),
                Ok(Err(error)) => return Err(End::Gone(Some(error))),
                Ok(Ok(written)) => {
                    self.core.counters.bytes_out.add(written);
                    advance(&mut self.chunks, written);
                }
            }
        }
        // TLS may hold back the end of what was written.
        timeout(self.stall, self.writer.flush())
            .await
            .map_err(|_| End::Stalled)?
            .map_err(|error| End::Gone(Some(error)))
    }

    /// Writes the rest of what was begun and one last packet, then waits until the client has
    /// closed, for a socket closed with bytes unread takes the last packet back.
    async fn farewell<R: AsyncRead + Unpin>(&mut self, last: Bytes, reader: &mut R) {
        if last.is_empty() {
            return;
        }
        let _ = timeout(FAREWELL_WITHIN, async {
            self.chunks.push_back(last);
            self.flush().await.ok()?;
            self.writer.shutdown().await.ok()?;
            let mut unread = [0; 4096];
            while reader.read(&mut unread).await.ok()? > 0 {}
            Some(())
        })
        .await;
    }
}

fn advance(chunks: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(chunk) = chunks.front_mut() {
        if written < chunk.len() {
            chunk.advance(written);
            return;
        }
        written -= chunk.len();
        chunks.pop_front();
    }
}
