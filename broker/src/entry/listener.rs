//! Accepts the sockets of clients and starts a task for each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{BadUsers, Guard, Refused};
use certificate::{BadCertificate, Tls};
use quota::Throttle;
use supervision::Beat;
use tokio::io::split;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, interval, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;
use tracing::{debug, error, warn};
use trust::Fingerprint;

use crate::admission::authenticator::Authenticator;
use crate::core::sessions::Core;
use crate::core::slots::{NoSlot, Slot, Slots};
use crate::entry::connection;
use crate::entry::handshake;
use crate::entry::websocket::WebSocket;

/// The kernel's buffer for data to a client. Newer pictures cannot replace those in it, so it is
/// small: frames at a subscriber of a tenth of the rate are 0.2 s old with it, and 1 s without.
const SEND_BUFFER: u32 = 128 * 1024;

/// A socket without a CONNECT is closed after this.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long connections may take to end at shutdown.
const END_WITHIN: Duration = Duration::from_millis(1500);

/// How often a listener shows that it is ready to accept.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// A bound TCP socket, and its transport.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    speaks: Speaks,
}

/// What precedes MQTT on a connection.
#[derive(Clone, Default)]
pub(crate) struct Speaks {
    pub tls: Option<Arc<Tls>>,
    pub is_websocket: bool,
}

/// What a listener hands its clients to. Cheap handles.
#[derive(Clone)]
pub(crate) struct Parts {
    pub core: Arc<Core>,
    pub guard: Arc<Guard>,
    pub authenticator: Arc<Authenticator>,
    pub slots: Arc<Slots>,
}

/// Why a broker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The broker cannot listen on an address.
    #[error("cannot listen for MQTT on {address}: {error}; {}", cure(.error))]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The users cannot be read.
    #[error(transparent)]
    Users(#[from] BadUsers),
    /// A certificate or its key cannot be used.
    #[error("{0}; see broker.listener.certificate and broker.listener.key")]
    Tls(#[from] BadCertificate),
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "stop the other program (perhaps another MQTT broker), or choose another port with \
             --set broker.listen=127.0.0.1:1884"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose one that it has, or 127.0.0.1, with \
             --set broker.listen=127.0.0.1:1883"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege; choose another with \
             --set broker.listen=127.0.0.1:1883"
        }
        _ => "choose another address with --set broker.listen=127.0.0.1:1883",
    }
}

impl Listener {
    pub fn bind(address: SocketAddr, speaks: Speaks) -> Result<Listener, BindError> {
        let bind = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // Lets a restarted broker bind its port at once. Accepted sockets inherit their
            // listener's options.
            socket.set_reuseaddr(true)?;
            socket.set_nodelay(true)?;
            socket.set_keepalive(true)?;
            socket.set_send_buffer_size(SEND_BUFFER)?;
            socket.bind(address)?;
            let socket = socket.listen(1024)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        bind()
            .map(|(socket, address)| Listener { socket, address, speaks })
            .map_err(|error| BindError::Address { address, error })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate's fingerprint, with TLS.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.speaks.tls.as_ref()?.fingerprint()
    }

    /// Accepts until the core closes, which tells the connections to end, and then waits for them.
    /// Aborts those that do not end.
    pub async fn serve(self, parts: Parts, alive: Beat) {
        let mut connections = JoinSet::new();
        tokio::select! {
            () = parts.core.closing() => {}
            () = self.accept(&parts, &mut connections, &alive) => alive.lost(),
            () = self.keep_certificate() => alive.lost(),
        }
        drop(self.socket);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(END_WITHIN, all).await.is_err() {
            connections.shutdown().await;
        }
    }

    async fn keep_certificate(&self) {
        match &self.speaks.tls {
            Some(tls) => tls.keep_certificate().await,
            None => std::future::pending().await,
        }
    }

    async fn accept(&self, parts: &Parts, connections: &mut JoinSet<()>, alive: &Beat) {
        let Parts { core, guard, slots, .. } = parts;
        let mut ticks = interval(ALIVE_EVERY);
        let failed = Throttle::new(Duration::from_secs(60));
        let mut pause = Duration::ZERO;
        loop {
            alive.beat();
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = ticks.tick() => continue,
                Some(ended) = connections.join_next() => {
                    report(ended);
                    continue;
                }
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                // Out of descriptors or memory: others must end first. Or the peer has gone.
                Err(error) => {
                    if failed.is_due() {
                        warn!(%error, "cannot accept a connection, trying again");
                    }
                    pause = (pause * 2).clamp(Duration::from_millis(5), Duration::from_secs(1));
                    sleep(pause).await;
                    continue;
                }
            };
            pause = Duration::ZERO;
            let address = peer.ip().to_canonical();
            if let Err(Refused { why, error, hint, .. }) = guard.peer(address) {
                if core.refusals.is_news(address, why) {
                    warn!(%peer, error, hint, "refused a connection");
                }
                continue;
            }
            match slots.take(address) {
                Ok(slot) => {
                    let (parts, speaks) = (parts.clone(), self.speaks.clone());
                    // The task of one client. It ends with its socket, or when the core ends it.
                    connections.spawn(async move {
                        tokio::select! {
                            () = serve(parts, peer, stream, speaks, &slot) => {}
                            () = slot.lost() => {
                                debug!(%peer, "closed a connection without CONNECT to make room \
                                               for another");
                            }
                        }
                    });
                }
                Err(NoSlot(limit)) => {
                    if core.refusals.is_news(address, limit) {
                        warn!(%peer, limit, "refused a connection: too many are open");
                    }
                }
            }
        }
    }
}

/// Does the handshakes of the transport, and serves the client. Both together have the time that a
/// client has for its CONNECT.
async fn serve(parts: Parts, peer: SocketAddr, stream: TcpStream, speaks: Speaks, slot: &Slot) {
    let deadline = Instant::now() + CONNECT_WITHIN;
    let Parts { core, guard, authenticator, .. } = parts;
    let Speaks { tls, is_websocket } = speaks;
    let begun = async {
        Ok::<Begun, handshake::Failed>(match (tls, is_websocket) {
            (None, false) => Begun::Tcp(stream),
            (None, true) => Begun::Ws(Box::new(handshake::accept(stream, &guard).await?)),
            (Some(tls), false) => Begun::Tls(Box::new(tls.accept(stream).await?)),
            (Some(tls), true) => {
                let stream = tls.accept(stream).await?;
                Begun::Wss(Box::new(handshake::accept(stream, &guard).await?))
            }
        })
    };
    let begun = tokio::select! {
        begun = timeout_at(deadline, begun) => begun,
        () = core.closing() => return,
    };
    match begun {
        Ok(Ok(Begun::Tcp(stream))) => {
            let (reader, writer) = stream.into_split();
            connection::serve(core, authenticator, peer, deadline, reader, writer, slot).await;
        }
        Ok(Ok(Begun::Tls(stream))) => {
            let (reader, writer) = split(stream);
            connection::serve(core, authenticator, peer, deadline, reader, writer, slot).await;
        }
        Ok(Ok(Begun::Ws(stream))) => {
            let (reader, writer) = split(stream);
            connection::serve(core, authenticator, peer, deadline, reader, writer, slot).await;
        }
        Ok(Ok(Begun::Wss(stream))) => {
            let (reader, writer) = split(stream);
            connection::serve(core, authenticator, peer, deadline, reader, writer, slot).await;
        }
        Ok(Err(error)) => {
            if let handshake::Failed::Page(Refused { why, error, hint, .. }) = &error
                && core.refusals.is_news(peer.ip(), why)
            {
                warn!(%peer, error, hint, "refused a browser");
            } else {
                debug!(%peer, %error, "a connection ended before MQTT");
            }
        }
        Err(_) => debug!(%peer, "closed a connection that took too long to begin MQTT"),
    }
}

/// A stream on which MQTT comes next.
enum Begun {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Ws(Box<WebSocket<TcpStream>>),
    Wss(Box<WebSocket<TlsStream<TcpStream>>>),
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "a client's task panicked; only that client was disconnected");
    }
}
