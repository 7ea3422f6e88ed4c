//! The listening socket and the connections that it accepts.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tracing::{Instrument, debug, debug_span, warn};
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use crate::door::Door;
use crate::problem::Problem;
use crate::relay::{self, Relay};
use crate::stop::stopped;

/// The kernel takes no more for a viewer than this before it has been sent: what waits there
/// grows old.
const NOT_SENT: u32 = 128 * 1024;

/// What the kernel holds for a viewer at most, sent or not. It takes twice as much memory.
const SEND_BUFFER: usize = 256 * 1024;

/// A viewer that acknowledges nothing for this long is gone, or might as well be.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(20);

/// HTTP connections at once; pages, which are WebSockets, do not count.
const CONNECTIONS: usize = 1024;

/// How long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// What one connection buffers: a request's head, and what a stream has ready before the socket
/// takes it.
const BUFFER: usize = 32 * 1024;

const BACKLOG: i32 = 1024;

/// Binds the socket. Accepted ones inherit its options.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the connections of before to time out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_notsent_lowat(NOT_SENT)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves until `stop` is true, and then until the answers that are on their way are sent.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: BoxedFilter<(Response,)>,
    relay: Relay,
    door: Door,
    mut stop: watch::Receiver<bool>,
    beat: impl Fn(),
) {
    let door = Arc::new(door);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut alive = interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            _ = alive.tick() => beat(),
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &slots) => match accepted {
                Ok((stream, peer, slot)) => {
                    let (routes, relay) = (routes.clone(), relay.clone());
                    let connection =
                        serve_connection(stream, peer.ip(), routes, relay, door.clone(), stop.clone());
                    // Ends with the connection, or soon after `stop`.
                    connections.spawn(async move {
                        connection.instrument(debug_span!("connection", %peer)).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Out of descriptors or memory, most likely: others must end first.
                    warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_secs(1)).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Ok((stream, peer, slot)),
            // It was there and went away again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: IpAddr,
    routes: BoxedFilter<(Response,)>,
    relay: Relay,
    door: Arc<Door>,
    mut stop: watch::Receiver<bool>,
) {
    let routes = TowerToHyperService::new(warp::service(routes));
    let service = service_fn(|mut request: Request<Incoming>| {
        let refused = door.check(peer, &request).err();
        let (routes, relay) = (routes.clone(), relay.clone());
        async move {
            if let Some(refused) = refused {
                debug!(error = refused.error, "refused");
                return Ok(Problem::from(refused).into_response());
            }
            match relay::asks_for(&request) {
                Some(Ok(room)) => return Ok(relay.enter(room, peer, &mut request)),
                Some(Err(problem)) => return Ok(problem.into_response()),
                None => {}
            }
            // Hyper leaves the body out, since it still knows what was asked.
            if request.method() == Method::HEAD {
                *request.method_mut() = Method::GET;
            }
            routes.call(request).await
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%error, "connection ended");
    }
}
