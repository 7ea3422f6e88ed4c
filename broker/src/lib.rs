//! The embedded MQTT broker: 3.1.1 and 5, made for pictures.
//!
//! A frame that was not sent yet is replaced by a newer one of its topic, so what a client gets is
//! new, however slow it is. Whatever waits for a client is bounded, no client waits for another,
//! and nothing that one client sends harms the others.
//!
//! The way of a message: `listener` accepts a socket; `connection` reads its bytes, which `codec`
//! turns into a packet after `check` found it right; `access` says whether that may be; its
//! `session` hands it to `route`, which finds by the `subscriptions` who gets it and puts it into
//! each one's `outbox`, from where that client's `connection` writes it. `core` holds the sessions,
//! also those whose clients are away: for them it waits in `ordered`, as their outbox will find it.

mod access;
mod aliases;
mod check;
mod codec;
mod config;
mod connection;
mod core;
mod counters;
mod listener;
mod ordered;
mod outbox;
mod packet;
mod publish;
mod received;
mod reply;
mod retained;
mod route;
mod seldom;
mod session;
mod shared;
mod slots;
mod subscriptions;
mod sys;
mod time;
mod topic;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::{info, warn};

pub use crate::config::{BadConfig, Config, Section};
use crate::core::Core;
pub use crate::counters::{Counters, Counts};
pub use crate::listener::BindError;
use crate::listener::Listener;
use crate::slots::Slots;

/// A broker whose address is taken and which does not serve yet.
pub struct Broker {
    listeners: Vec<Listener>,
    address: SocketAddr,
    core: Arc<Core>,
    slots: Arc<Slots>,
}

impl Broker {
    /// Takes the address.
    ///
    /// # Errors
    /// [`BindError`] says which address, why not, and what to do.
    pub async fn bind(config: Config) -> Result<Broker, BindError> {
        let Config { listen, limits, deny } = config;
        let listener = Listener::bind(listen)?;
        let address = listener.address();
        let counters = Arc::new(Counters::default());
        let slots = Arc::new(Slots::new(limits, counters.clone()));
        let core = Arc::new(Core::new(limits, deny, counters));
        Ok(Broker { listeners: vec![listener], address, core, slots })
    }

    /// The address that is listened on, with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What the broker counts, also while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        self.core.counters.clone()
    }

    /// Serves until `shutdown` resolves, then tells every client and ends within two seconds. All
    /// its tasks have ended then.
    ///
    /// # Errors
    /// None now; a listener that cannot go on would be one.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
        info!(address = %self.address, "the broker listens");
        if !self.address.ip().to_canonical().is_loopback() {
            warn!(
                address = %self.address,
                "the broker is open: everybody in this network may see and do everything"
            );
        }
        let counters = self.counters();
        let mut listeners = JoinSet::new();
        for listener in self.listeners {
            // The task of one listener. It ends when the core closes and its connections ended.
            listeners.spawn(listener.serve(self.core.clone(), self.slots.clone()));
        }
        tokio::select! {
            () = shutdown => {}
            () = self.core.keep_time() => {}
        }
        self.core.close_all();
        listeners.join_all().await;
        let Counts { messages_in, messages_out, replaced, dropped, overrun, .. } = counters.read();
        info!(messages_in, messages_out, replaced, dropped, overrun, "the broker has stopped");
        Ok(())
    }
}

/// Binds and serves until `shutdown` resolves.
///
/// # Errors
/// The address cannot be taken.
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> std::io::Result<()> {
    let broker = Broker::bind(config).await.map_err(std::io::Error::other)?;
    broker.run(shutdown).await
}
