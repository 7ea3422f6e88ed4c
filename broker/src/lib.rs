//! The embedded MQTT broker: 3.1.1 and 5, made for pictures.
//!
//! A newer frame replaces an unsent one of its topic, so even a slow client gets new frames. Each
//! client's queue is bounded, no client waits for another, and nothing that one client sends harms
//! the others.
//!
//! The path of a message: `listener` accepts a socket, which may need TLS and `websocket` first.
//! `connection` reads the bytes; `check` validates them and `codec` makes a packet of them.
//! `admission` identifies the client and says what it may do. Its `session` hands the message to
//! `route`, which finds the receivers in `subscriptions` and puts the message into each one's
//! `outbox`; that client's `connection` writes it. `sessions` holds all sessions. For an absent
//! client the message waits in `ordered`, from which its next outbox begins.

mod admission;
mod config;
mod core;
mod counters;
mod entry;
mod limits;
mod protocol;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Authentication, Guard, Names};
use certificate::Tls;
use supervision::Health;
use tokio::task::JoinSet;
use tracing::{info, warn};
use traffic::Traffic;

use crate::admission::authenticator::Authenticator;
pub use crate::config::{BadConfig, Config, ListenerSection, Section, Transport};
use crate::core::sessions::Core;
use crate::core::slots::Slots;
pub use crate::counters::{Counters, Counts};
use crate::entry::handshake;
pub use crate::entry::listener::BindError;
use crate::entry::listener::{Listener, Parts, Speaks};

/// A listener or a core without a sign of life for this long hangs. Each gives one at least every
/// 10 s.
const HANGS: Duration = Duration::from_secs(30);

/// A broker that has bound its addresses and does not serve yet.
pub struct Broker {
    listeners: Vec<(Transport, Listener)>,
    address: SocketAddr,
    parts: Parts,
    health: Health,
}

impl Broker {
    /// Binds the addresses.
    ///
    /// # Errors
    /// [`BindError`] says which address or file, why not, and what to do.
    pub async fn bind(config: Config) -> Result<Broker, BindError> {
        let known = Arc::new(Authentication::new(config.folder.clone())?);
        Broker::bind_with(config, known).await
    }

    /// Binds the addresses, for clients who are `known`, also elsewhere in this process: all of it
    /// shares the tries of who guesses passwords.
    ///
    /// # Errors
    /// As [`Broker::bind`].
    pub async fn bind_with(
        config: Config,
        known: Arc<Authentication>,
    ) -> Result<Broker, BindError> {
        let Config { listen, others, networks, origins, folder: _, rules, limits } = config;
        let authenticator = Arc::new(Authenticator::new(rules, known));
        let listener = Listener::bind(listen, Speaks::default())?;
        let address = listener.address();
        let mut listeners = vec![(Transport::Tcp, listener)];
        let names = Names::of_this_machine(&[]);
        let guard = Arc::new(Guard::new(networks, names, &origins, handshake::KEYS));
        for other in others {
            let tls = other.files.map(Tls::new).transpose()?.map(Arc::new);
            let speaks = Speaks { tls, is_websocket: other.transport.is_websocket() };
            let listener = Listener::bind(other.address, speaks)?;
            listeners.push((other.transport, listener));
        }
        let counters = Arc::new(Counters::default());
        let slots = Arc::new(Slots::new(limits, counters.clone()));
        let core = Arc::new(Core::new(limits, counters));
        let health = Health::default();
        let parts = Parts { core, guard, authenticator, slots };
        Ok(Broker { listeners, address, parts, health })
    }

    /// The same broker, whose traffic is watched.
    #[must_use]
    pub fn watched_by(self, traffic: Traffic) -> Broker {
        // Nobody watches it yet.
        let _ = self.parts.core.traffic.set(traffic);
        self
    }

    /// The address of `broker.listen`, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// All addresses and their transports, that of `broker.listen` first.
    pub fn addresses(&self) -> impl Iterator<Item = (Transport, SocketAddr)> {
        self.listeners.iter().map(|(transport, listener)| (*transport, listener.address()))
    }

    /// Whether its listeners live and its core answers, also while it runs.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// The counters, also while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        self.parts.core.counters.clone()
    }

    /// Serves until `shutdown` resolves, then tells every client and ends within two seconds, with
    /// all its tasks.
    ///
    /// # Errors
    /// None now; reserved for a listener that cannot go on.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        for (transport, listener) in &self.listeners {
            let (address, fingerprint) = (listener.address(), listener.fingerprint());
            info!(%address, %transport, fingerprint = fingerprint.map(display), "the broker listens");
        }
        let Parts { core, guard, authenticator, .. } = &self.parts;
        let known = authenticator.known();
        let is_exposed = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
        if self.addresses().any(|(_, address)| is_exposed(address)) && !known.has_users() {
            let who = match guard.networks().are_local() {
                true => "in this network",
                false => "in broker.networks, also beyond this network,",
            };
            warn!("the broker is open: everybody {who} may see and do everything");
        }
        let counters = self.counters();
        let mut listeners = JoinSet::new();
        for (_, listener) in self.listeners {
            // The task of one listener. It ends after the core closes and its connections end.
            let what = format!("the broker's listener at {}", listener.address());
            listeners.spawn(listener.serve(self.parts.clone(), self.health.watch(what, HANGS)));
        }
        let beat = self.health.watch("the broker's core", HANGS);
        tokio::select! {
            () = shutdown => {}
            () = known.keep_users(|| core.end_unknown(|who| known.knows(who))) => {}
            () = core.keep_time(&beat) => {}
        }
        core.close_all();
        listeners.join_all().await;
        let Counts { messages_in, messages_out, replaced, dropped, overrun, .. } = counters.read();
        info!(messages_in, messages_out, replaced, dropped, overrun, "the broker has stopped");
        Ok(())
    }
}

/// Binds and serves until `shutdown` resolves.
///
/// # Errors
/// An address cannot be bound.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
    let broker = Broker::bind(config).await.map_err(std::io::Error::other)?;
    broker.run(shutdown).await
}
