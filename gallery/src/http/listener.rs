//! The listening sockets, and the connections that they accept.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Asks, Guard, Logins, Refusals, Refused};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use supervision::stopped;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tracing::{Instrument, debug, debug_span, warn};
use warp::reply::{Reply, Response};

use crate::caller::Caller;
use crate::http::guard;
use crate::http::https::{self, Https};
use crate::http::invite::Doors;
use crate::limits::shares::{Full, Share, Shares, Who};
use crate::limits::strangers::Strangers;
use crate::problem::Problem;

/// The most unsent data that the kernel takes for a viewer: what waits there grows old.
const NOT_SENT: u32 = 128 * 1024;

/// The most data that the kernel holds for a viewer, sent or not. It takes twice as much memory.
const SEND_BUFFER: usize = 256 * 1024;

/// A viewer that acknowledges nothing for this long counts as gone.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(20);

/// How long a request's head may take, and how long a connection may be idle before it.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// The buffer of one connection, for a request's head and for what a stream has ready before the
/// socket takes it.
const BUFFER: usize = 32 * 1024;

const BACKLOG: i32 = 1024;

/// Binds the socket of HTTP. Accepted sockets inherit its options.
///
/// # Errors
/// The address is taken or reserved, or not one of this machine.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait until earlier connections time out.
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

/// What the clients of a listener may ask for.
pub trait Answers: Clone + Send + Sync + 'static {
    /// What a request is for, which decides which pages may make it.
    fn asks(&self, request: &Request<Incoming>) -> Asks;

    /// A request was refused before it came here.
    fn refused(&self, _peer: IpAddr, _request: &Request<Incoming>, _refused: &Refused) {}

    /// Answers a request of a caller who was let in. HEAD arrives as GET: the body is left out.
    fn answer(
        &self,
        caller: Caller,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response> + Send;
}

/// Whom a listener serves, and with what.
#[derive(Clone)]
pub(crate) struct Service<A> {
    pub answers: A,
    pub guard: Arc<Guard>,
    pub logins: Arc<Logins>,
    pub refusals: Arc<Refusals>,
    /// Who notes by which names others come, if anybody does.
    pub doors: Option<Arc<Doors>>,
    pub strangers: Strangers,
    /// The port of HTTPS, if HTTP redirects browsers there.
    pub redirect: Option<u16>,
}

/// The two ends of a connection, and whether TLS is between them.
#[derive(Debug, Clone, Copy)]
struct Ends {
    peer: IpAddr,
    local: SocketAddr,
    is_secure: bool,
}

/// Serves both listeners until `stop` is true, then finishes the answers that are under way.
pub(crate) async fn serve<A: Answers>(
    http: TcpListener,
    https: Option<(TcpListener, Arc<Https>)>,
    service: Service<A>,
    stop: watch::Receiver<bool>,
    beat: impl Fn(),
) {
    let plain = serve_one(http, None, service.clone(), stop.clone(), &beat);
    let secure = async {
        let Some((listener, https)) = https else { return };
        let mut end = stop.clone();
        tokio::select! {
            () = https.keep_certificate() => {}
            () = serve_one(listener, Some(https.clone()), service, stop, &beat) => {}
        }
        stopped(&mut end).await;
    };
    tokio::join!(plain, secure);
}

async fn serve_one<A: Answers>(
    listener: TcpListener,
    https: Option<Arc<Https>>,
    service: Service<A>,
    mut stop: watch::Receiver<bool>,
    beat: &impl Fn(),
) {
    let mut connections = JoinSet::new();
    let mut alive = interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            _ = alive.tick() => beat(),
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &service.strangers.connections) => match accepted {
                Ok((stream, peer, Ok(share))) => {
                    let (service, https, stop) = (service.clone(), https.clone(), stop.clone());
                    let connection = service.serve(stream, peer.ip(), https, stop);
                    // Ends with the connection, or soon after `stop`.
                    connections.spawn(async move {
                        connection.instrument(debug_span!("connection", %peer)).await;
                        drop(share);
                    });
                }
                Ok((stream, peer, Err(full))) => {
                    debug!(%peer, ?full, "refused a connection");
                    if https.is_none() {
                        turn_away(&stream, full);
                    }
                }
                Err(error) => {
                    // Probably out of descriptors or memory: others must end first.
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
    connections: &Shares,
) -> io::Result<(TcpStream, SocketAddr, Result<Share, Full>)> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Ok((stream, peer, connections.take(Who::at(peer.ip())))),
            // The connection came and went away again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Says why a connection is not served, if the socket takes that at once: nobody waits for a client
/// that has too many.
fn turn_away(stream: &TcpStream, full: Full) {
    let body = Problem::from(full).to_json();
    let head = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n\
                Content-Type: application/json\r\nCache-Control: no-store\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.try_write(answer.as_bytes());
}

impl<A: Answers> Service<A> {
    async fn serve(
        self,
        stream: TcpStream,
        peer: IpAddr,
        https: Option<Arc<Https>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Ok(local) = stream.local_addr() else { return };
        let ends = Ends { peer, local, is_secure: https.is_some() };
        let Some(https) = https else { return self.speak_http(stream, ends, stop).await };
        let shaken = tokio::select! {
            shaken = https.accept(stream, self.strangers.handshakes.none(Who::at(peer))) => shaken,
            () = stopped(&mut stop) => return,
        };
        match shaken {
            Ok(stream) => self.speak_http(stream, ends, stop).await,
            Err(error) => debug!(%error, "connection ended before HTTP"),
        }
    }

    async fn speak_http<S>(self, stream: S, ends: Ends, mut stop: watch::Receiver<bool>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|mut request: Request<Incoming>| {
            let admitted = self.admit(ends, &request);
            let answers = self.answers.clone();
            async move {
                let caller = match admitted {
                    Ok(caller) => caller,
                    Err(response) => return Ok::<_, Infallible>(*response),
                };
                // Hyper leaves the body out, because it still knows the method.
                if request.method() == Method::HEAD {
                    *request.method_mut() = Method::GET;
                }
                Ok(answers.answer(caller, request).await)
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

    /// Who makes a request, or an answer that comes before the routes.
    fn admit(
        &self,
        Ends { peer, local, is_secure }: Ends,
        request: &Request<Incoming>,
    ) -> Result<Caller, Box<Response>> {
        let asks = self.answers.asks(request);
        let caller = guard::caller(&self.guard, &self.logins, asks, peer, is_secure, request);
        let caller = caller.map_err(|refused| {
            let Refused { why, error, hint, .. } = &refused;
            match self.refusals.is_news(peer, why) {
                true => warn!(%peer, error, hint, "refused a request"),
                false => debug!(%peer, error, "refused a request"),
            }
            self.answers.refused(peer, request, &refused);
            Box::new(Problem::from(refused).into_response())
        })?;
        if let Some(doors) = &self.doors {
            doors.note((peer, local), self.guard.names(), request);
        }
        let redirect = self.redirect.filter(|_| !is_secure);
        match redirect.and_then(|port| https::elsewhere(caller.peer, port, request)) {
            Some(response) => Err(Box::new(response)),
            None => Ok(caller),
        }
    }
}
