//! The listeners of TCP, and who comes in.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Guard, Refusals, Right};
use quota::{Buckets, Rate, Shares};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use supervision::stopped;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tracing::{Instrument, debug, debug_span, warn};
use traffic::{Client, Mistake, Traffic, Way};

use gallery::{House, Who};

/// What who comes in must be allowed to do without a login, for which these ports have no way.
const RIGHT: Right = Right::Talk;

/// How many clients all ports have together.
const CLIENTS: usize = 512;

/// How often a machine may connect: a loop that reconnects costs nobody else anything.
const ARRIVALS: Rate = Rate { burst: 100.0, per_second: 5.0 };

/// A client whose machine does not answer is gone after 60 s of silence.
const SILENT: Duration = Duration::from_secs(30);
const ASKED_EVERY: Duration = Duration::from_secs(10);
const ASKED: u32 = 3;
/// The same while something is on its way to it.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(30);

const BACKLOG: i32 = 128;

/// Who comes in at the ports of TCP. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    house: House,
    guard: Arc<Guard>,
    refusals: Refusals,
    clients: Shares<Who>,
    arrivals: Mutex<Buckets<Who>>,
    traffic: Traffic,
}

/// Binds a port. Accepted sockets inherit its options.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    let alive = TcpKeepalive::new().with_time(SILENT).with_interval(ASKED_EVERY);
    socket.set_tcp_keepalive(&alive.with_retries(ASKED))?;
    socket.set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl Door {
    /// A door that lets in whom `guard` and the logins of the `house` do; its traffic may be watched.
    pub fn new(house: House, guard: Arc<Guard>) -> Door {
        let traffic = house.traffic().clone();
        let clients = Shares::new("places at the ports of the class", CLIENTS);
        let arrivals = Mutex::new(Buckets::new(ARRIVALS));
        let refusals = Refusals::default();
        Door(Arc::new(Inner { house, guard, refusals, clients, arrivals, traffic }))
    }

    /// Serves each client of a listener in a task of its own, until `stop` is true; then those tasks
    /// end too. Calls `beat` now and then.
    pub async fn serve<F>(
        self,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
        beat: impl Fn(),
        serve: impl Fn(TcpStream, IpAddr, Client) -> F,
    ) where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let mut clients = JoinSet::new();
        let mut alive = interval(Duration::from_secs(5));
        loop {
            let (stream, peer) = tokio::select! {
                () = stopped(&mut stop) => return,
                _ = alive.tick() => {
                    beat();
                    continue;
                }
                Some(_) = clients.join_next() => continue,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
                    Err(error) => {
                        warn!(%error, "cannot accept a client");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            match self.admit(peer) {
                Ok(share) => {
                    let client = serve(stream, peer, self.0.traffic.enter(Way::Tcp, peer));
                    let house = self.0.house.clone();
                    clients.spawn(
                        async move {
                            tokio::select! {
                                served = client => if let Err(error) = served {
                                    debug!(%error, "a client is gone");
                                },
                                () = house.may_not(peer, RIGHT) => {}
                            }
                            drop(share);
                        }
                        .instrument(debug_span!("client", %peer)),
                    );
                }
                // If the socket takes that at once: nobody waits for a client that has too many.
                Err(why) => drop(stream.try_write(format!("[Vitrina] {why}\n").as_bytes())),
            }
        }
    }

    fn admit(&self, peer: IpAddr) -> Result<quota::Share<Who>, String> {
        let Inner { house, guard, refusals, clients, arrivals, traffic } = &*self.0;
        if let Err(refused) = guard.peer(peer) {
            if refusals.is_news(peer, refused.why) {
                warn!(%peer, error = refused.error, hint = refused.hint, "refused a client");
            }
            return Err("Desde esa red no se entra.".to_owned());
        }
        if !house.may(peer, RIGHT) {
            return Err("En esta casa hay que identificarse, y aquí no se puede.".to_owned());
        }
        let who = Who::at(peer);
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.take(who.clone(), clock::monotonic()).map_err(|seconds| {
            traffic.mistake(Way::Tcp, peer, Mistake::Reconnects);
            format!("Demasiadas conexiones desde tu equipo; prueba en {} s.", seconds.ceil())
        })?;
        drop(arrivals);
        clients.take(who).map_err(|_| {
            traffic.mistake(Way::Tcp, peer, Mistake::NoRoom);
            "Ya no hay sitio para tu equipo.".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    #[tokio::test]
    async fn a_machine_that_is_gone_is_noticed() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let _far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (near, _) = listener.accept().await.unwrap();
        let near = SockRef::from(&near);
        assert!(near.keepalive().unwrap());
        assert_eq!(near.tcp_keepalive_time().unwrap(), SILENT);
        assert_eq!(near.tcp_user_timeout().unwrap(), Some(ACKNOWLEDGED_WITHIN));
    }
}
