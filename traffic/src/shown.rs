//! All that a page shows, at one moment.

use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;
use tokio::time::Instant;

use crate::client::{Connected, Waiting};
use crate::{Inner, Kind, Mistake, Passing, Switches, Way, second};

/// How many names are shown of each way, how many can be chosen from, and how many mistakes and
/// queues are shown.
const NAMES: usize = 4;
const PEOPLE: usize = 64;
const MISTAKES: usize = 8;
const QUEUES: usize = 4;

/// All that a page shows. Times are in milliseconds, those of days since 1970; sizes are in bytes.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// When this was so.
    pub at: u64,
    /// By which way how many are here.
    pub ways: Vec<WayShown>,
    /// The last messages, newest first.
    pub last: Vec<Going>,
    /// The mistakes, newest first.
    pub mistakes: Vec<Told>,
    /// What holds the traffic up.
    pub switches: Switches,
    /// Who can be chosen.
    pub people: Vec<Person>,
    /// What waits for the chosen.
    pub queues: Vec<Piled>,
}

/// One way.
#[derive(Debug, Clone, Serialize)]
pub struct WayShown {
    /// Which.
    pub way: Way,
    /// How many are connected.
    pub count: usize,
    /// The names of some.
    pub names: Vec<String>,
    /// Messages a second.
    pub messages: f32,
    /// Bytes a second.
    pub bytes: f64,
    /// The bytes of the last 30 seconds, oldest first.
    pub history: Vec<u64>,
}

/// A message.
#[derive(Debug, Clone, Serialize)]
pub struct Going {
    /// When it came.
    pub at: u64,
    /// By which way.
    pub way: Way,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
    /// How large.
    pub bytes: usize,
    /// Whose.
    pub from: String,
    /// To how many it went.
    pub to: u32,
    /// How many had a newer one before they could take it.
    pub replaced: u32,
    /// How many have not taken it yet.
    pub waiting: u32,
    /// How long those waited who took it, at the most, in milliseconds.
    pub waited: Option<f64>,
}

/// A mistake.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// When it was made last.
    pub at: u64,
    /// By which way.
    pub way: Way,
    /// By whom.
    pub who: String,
    /// How often.
    pub count: u64,
    /// What.
    #[serde(flatten)]
    pub mistake: Mistake,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// What stands for them.
    pub label: String,
    /// What they are called.
    pub name: String,
    /// By which way they are here.
    pub way: Way,
}

/// What waits for somebody, and what would if only the newest pictures were kept.
#[derive(Debug, Clone, Serialize)]
pub struct Piled {
    /// What they are called.
    pub name: String,
    /// Whether everything is kept for them.
    pub keeps: bool,
    /// What waits.
    pub all: Pile,
    /// What would wait.
    pub newest: Pile,
}

/// What waits.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Pile {
    /// How many messages.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
    /// How long the oldest has waited.
    pub age: u64,
}

pub(crate) fn of(inner: &Inner) -> Shown {
    let switches = inner.switches.borrow().clone();
    let now = second();
    let (mut here, ways, last, mistakes) = {
        let mut state = inner.state();
        let here = state.here();
        let ways = Way::ALL.map(|way| {
            let meter = state.meter(way);
            let ((messages, bytes), history) = (meter.rates(now), meter.bytes(now));
            let count = here.iter().filter(|client| client.way == way).count();
            WayShown { way, count, names: Vec::new(), messages, bytes, history }
        });
        let told = state.mistakes.newest().take(MISTAKES).map(|made| Told {
            at: made.at,
            way: made.way,
            who: made.who.clone(),
            count: made.count,
            mistake: made.mistake,
        });
        (here, ways, state.last.shown(), told.collect())
    };
    // Those with the lock of one client come after, and queues have locks of their own.
    let names = |way| here.iter().filter(move |client| client.way == way).take(NAMES);
    let ways = ways.into_iter().map(|shown| WayShown {
        names: names(shown.way).map(|client| client.name().to_string()).collect(),
        ..shown
    });
    let ways = ways.collect();
    here.retain(|client| matches!(client.way, Way::WebSocket | Way::SocketIo | Way::Tcp));
    let chosen = |client: &Connected| switches.chosen.contains(&*client.label);
    let queues = here.iter().filter(|client| chosen(client)).take(QUEUES).filter_map(|client| {
        let queued = client.queue()?.queued();
        let keeps = switches.keeps_for(&client.label);
        let (all, newest) = (pile(queued.all), pile(queued.newest));
        Some(Piled { name: client.name().to_string(), keeps, all, newest })
    });
    let queues = queues.collect();
    here.sort_by_key(|client| !chosen(client));
    let people = here.iter().take(PEOPLE).map(|client| Person {
        label: client.label.to_string(),
        name: client.name().to_string(),
        way: client.way,
    });
    let people = people.collect();
    let last = last.iter().filter_map(going).collect();
    Shown { at: clock::unix_ms(), ways, last, mistakes, switches, people, queues }
}

fn pile(waiting: Waiting) -> Pile {
    let Waiting { messages, bytes, oldest } = waiting;
    let age = oldest.map_or(0, |oldest| Instant::now().duration_since(oldest).as_millis());
    Pile { messages, bytes, age: u64::try_from(age).unwrap_or(u64::MAX) }
}

fn going(passing: &Passing) -> Option<Going> {
    let row = passing.row()?;
    let (to, taken) = (row.to.load(Relaxed), row.taken.load(Relaxed));
    let replaced = row.replaced.load(Relaxed);
    Some(Going {
        at: row.at,
        way: row.way,
        kind: row.kind.clone(),
        bytes: row.bytes,
        from: row.from.to_string(),
        to,
        replaced,
        waiting: to.saturating_sub(taken).saturating_sub(replaced),
        waited: (taken > 0).then(|| row.waited.load(Relaxed) as f64 / 1000.0),
    })
}
