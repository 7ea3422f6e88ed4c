//! What passes through Vitrina, for those who want to watch it: who is connected by which way, how
//! much they send, the last messages by kind and size, and the mistakes that were refused. It never
//! holds the content of a message.
//!
//! Whoever lets clients in makes a [`Client`] of each, and a [`Passing`] of each message. Both wait
//! where somebody holds the traffic up: a pause for all, or a slow network for some. A [`Traffic`]
//! by default watches nothing, and then all of this costs nothing.
//!
//! `meter`, `last`, `mistakes`, `switches` and `line` are pure.

mod client;
mod kind;
mod last;
mod line;
mod meter;
mod mistakes;
mod passing;
mod shown;
mod switches;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use quota::{Buckets, Rate};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

pub use client::{Client, Queue, Queued, Waiting};
pub use kind::Kind;
pub use mistakes::Mistake;
pub use passing::Passing;
pub use shown::{Going, Person, Piled, Shown, Told, WayShown};
pub use switches::{BadSwitches, Switches};

use client::Connected;
use last::Last;
use meter::Meter;
use mistakes::Mistakes;

/// How often one machine may connect before it is told: a whole class may come from one address.
const ARRIVALS: Rate = Rate { burst: 100.0, per_second: 5.0 };

/// How long a picture of one camera stands for those after it.
const PICTURES_EVERY: Duration = Duration::from_secs(1);

/// By which way somebody is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A WebSocket in a room of the relay.
    WebSocket,
    /// Socket.IO, by polls or by WebSocket, and forms.
    SocketIo,
    /// A port of TCP.
    Tcp,
    /// The broker.
    Mqtt,
    /// A page of the wall.
    Page,
}

impl Way {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Way; 5] = [Way::WebSocket, Way::SocketIo, Way::Tcp, Way::Mqtt, Way::Page];
}

/// What passes, see the crate. A cheap handle.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Option<Arc<Inner>>);

#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    pub switches: watch::Sender<Switches>,
}

#[derive(Debug)]
pub(crate) struct State {
    clients: BTreeMap<u64, Weak<Connected>>,
    /// Who is here, by the labels.
    labels: BTreeMap<Arc<str>, (Way, IpAddr)>,
    next: u64,
    pub meters: [Meter; Way::ALL.len()],
    pub last: Last,
    pub mistakes: Mistakes,
    arrivals: Buckets<IpAddr>,
}

impl Traffic {
    /// Traffic that is watched.
    pub fn watched() -> Traffic {
        let state = State {
            clients: BTreeMap::new(),
            labels: BTreeMap::new(),
            next: 0,
            meters: Default::default(),
            last: Last::default(),
            mistakes: Mistakes::default(),
            arrivals: Buckets::new(ARRIVALS),
        };
        let switches = watch::Sender::new(Switches::default());
        Traffic(Some(Arc::new(Inner { state: Mutex::new(state), switches })))
    }

    /// Whether anybody may look.
    pub fn is_watched(&self) -> bool {
        self.0.is_some()
    }

    /// Somebody connects. They are here until the last handle is dropped. Who comes by the way and
    /// from the address of somebody chosen is chosen too: a page that is loaded again may be here
    /// before it has left.
    pub fn enter(&self, way: Way, address: IpAddr) -> Client {
        let Some(inner) = &self.0 else { return Client::default() };
        let address = address.to_canonical();
        let mut state = inner.state();
        state.arrives(way, address);
        let label = state.label(address);
        let same = state.labels.iter().filter(|(_, from)| **from == (way, address));
        let same: Vec<Arc<str>> = same.map(|(label, _)| label.clone()).collect();
        state.labels.insert(label.clone(), (way, address));
        let id = state.next;
        state.next += 1;
        let connected = Arc::new(Connected::new(inner.clone(), id, way, address, label.clone()));
        state.clients.insert(id, Arc::downgrade(&connected));
        drop(state);
        inner.switches.send_if_modified(|switches| switches.choose_like(&same, &label));
        Client::of(connected)
    }

    /// A message of somebody who is not connected any longer than this takes, such as a form.
    pub fn passing(&self, way: Way, address: IpAddr, kind: Kind, bytes: usize) -> Passing {
        let Some(inner) = &self.0 else { return Passing::default() };
        let from = address.to_canonical().to_string().into();
        inner.state().pass(way, (&from, &from), kind, bytes)
    }

    /// A picture of a camera was sent to a page. One row stands for all of a camera in a second.
    pub fn picture(&self, camera: &str, serial: u32, bytes: usize, waited: Duration) {
        let Some(inner) = &self.0 else { return };
        let now = Instant::now();
        let mut state = inner.state();
        state.meter(Way::Page).add(second(), bytes);
        match state.last.newest(Way::Page, camera) {
            Some(row) if row.is(serial) => row.goes_also(waited),
            Some(row) if now.duration_since(row.since()) < PICTURES_EVERY => {}
            _ => {
                let kind = Kind::Image("JPEG");
                let camera = camera.into();
                let row = Passing::new(Way::Page, (&camera, &camera), kind, bytes, Some(serial));
                row.goes_also(waited);
                state.last.add(row);
            }
        }
    }

    /// Somebody made a mistake before they were let in.
    pub fn mistake(&self, way: Way, address: IpAddr, mistake: Mistake) {
        let Some(inner) = &self.0 else { return };
        let address = address.to_canonical();
        inner.state().mistakes.add(way, address, &address.to_string(), mistake, clock::unix_ms());
    }

    /// Waits while there is a pause.
    pub async fn opens(&self) {
        if let Some(inner) = &self.0 {
            inner.opens().await;
        }
    }

    /// Holds up the traffic, or lets it go.
    pub fn switch(&self, switches: Switches) {
        if let Some(inner) = &self.0 {
            inner.switches.send_replace(switches);
        }
    }

    /// All that a page shows. `None` if nothing is watched.
    pub fn shown(&self) -> Option<Shown> {
        self.0.as_ref().map(|inner| shown::of(inner))
    }
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn opens(&self) {
        // The sender lives as long as this.
        let _ = self.switches.subscribe().wait_for(|switches| !switches.paused).await;
    }
}

impl State {
    fn arrives(&mut self, way: Way, address: IpAddr) {
        let network = quota::network(address);
        if self.arrivals.take(network, clock::monotonic()).is_err() {
            let who = address.to_string();
            self.mistakes.add(way, address, &who, Mistake::Reconnects, clock::unix_ms());
        }
    }

    /// The address, with a number where another is here from there already. Who comes again gets
    /// the name that they had.
    fn label(&self, address: IpAddr) -> Arc<str> {
        let numbered = (2..).map(|number| format!("{address} ({number})"));
        let mut labels = std::iter::once(address.to_string()).chain(numbered);
        labels.find(|label| !self.labels.contains_key(label.as_str())).unwrap_or_default().into()
    }

    pub(crate) fn leaves(&mut self, id: u64, label: &str) {
        self.clients.remove(&id);
        self.labels.remove(label);
    }

    pub(crate) fn meter(&mut self, way: Way) -> &mut Meter {
        &mut self.meters[way as usize]
    }

    /// A message of one with this label and name.
    pub(crate) fn pass(
        &mut self,
        way: Way,
        from: (&Arc<str>, &Arc<str>),
        kind: Kind,
        bytes: usize,
    ) -> Passing {
        self.meter(way).add(second(), bytes);
        let passing = Passing::new(way, from, kind, bytes, None);
        self.last.add(passing.clone());
        passing
    }

    pub(crate) fn here(&self) -> Vec<Arc<Connected>> {
        self.clients.values().filter_map(Weak::upgrade).collect()
    }
}

/// The second of the monotonic clock.
pub(crate) fn second() -> u64 {
    clock::monotonic().as_secs()
}
