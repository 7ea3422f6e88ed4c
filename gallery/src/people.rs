//! The people on the wall: who is here, the talk, and the cameras that their pages show.
//!
//! Pages' requests (`requests`) and the broker's messages (`incoming`) change one state under a
//! lock. Changes go out in bundles, encoded once and shared by all pages. Nothing here waits for a
//! page, the broker or the disk.

mod cameras;
mod guest;
mod incoming;
mod keys;
mod outbox;
mod pictures;
mod presence;
mod requests;
mod talk;
mod visitor;
mod wants;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quota::{Buckets, Rate};
use supervision::Health;
use tokio::sync::{Notify, broadcast};
use tokio::time::{Instant, sleep, timeout};
use wire::page::ToPage;
use wire::people::{Line, Present, What};
use wire::{Author, GalleryId, NodeName, PersonId, Root, Topic, limits};

use crate::now::{self, Now};
use crate::record::database::{self, Database};
use cameras::Cameras;
use outbox::Outbox;
use presence::{Device, Presence};
use talk::Talk;

pub use guest::Guest;
pub(crate) use keys::Keys;
pub(crate) use outbox::Out;
pub(crate) use pictures::Pictures;
pub use requests::Held;
pub(crate) use visitor::Visitor;

/// Changes are gathered for this long before pages are told, so that many make one message.
const GATHER: Duration = Duration::from_millis(80);

/// How many bundles wait for a page. One that misses some gets everything again.
const BUNDLES: usize = 64;

/// How many lines of the talk wait for a guest; one that misses some hears only later ones.
const LINES: usize = 256;

/// Joins from one address: a whole class may come in at once, perhaps from one address.
const JOINS: Rate = Rate { burst: 100.0, per_second: 5.0 };
const RENAMES: Rate = Rate { burst: 5.0, per_second: 0.1 };
const SAYS: Rate = Rate { burst: 8.0, per_second: 1.0 };
const SAYS_OF_ADDRESS: Rate = Rate { burst: 60.0, per_second: 10.0 };
/// Messages of one person through the broker: more than a gallery lets them send.
const RECEIVED: Rate = Rate { burst: limits::RECEIVED.0, per_second: limits::RECEIVED.1 };

/// The most lines of the talk on disk.
const KEPT: usize = talk::IDS;

/// The most names remembered of those who were here.
const NAMES: usize = 4000;

/// The configuration of the people's part of a gallery.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub keys: Keys,
    /// The talk's database.
    pub talk: PathBuf,
}

#[derive(Debug)]
pub(crate) struct People {
    keys: Keys,
    boot: String,
    room: Mutex<Room>,
    kept: Database,
    changed: Notify,
    /// Told when there is something to send to the broker.
    pub outgoing: Notify,
    bundles: broadcast::Sender<Arc<str>>,
    /// New lines of the talk with when they came, for guests.
    lines: broadcast::Sender<(Instant, Arc<Line>)>,
    /// The pictures of pages' cameras on their way to the broker.
    pub pictures: Pictures,
    devices: AtomicU64,
}

#[derive(Debug)]
struct Room {
    presence: Presence,
    talk: Talk,
    cameras: Cameras,
    outbox: Outbox,
    names: HashMap<PersonId, String>,
    joins: Buckets<IpAddr>,
    renames: Buckets<PersonId>,
    says: Buckets<PersonId>,
    says_of_address: Buckets<IpAddr>,
    received: Buckets<PersonId>,
    /// Lines that came too fast.
    dropped: u64,
    /// Everybody and the last lines, as messages for new pages; `None` after a change.
    all: Option<[Arc<str>; 2]>,
}

/// Counts of the talk's lines since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Lines of one person that came faster than [`limits::RECEIVED`], and were dropped.
    pub dropped: u64,
    /// Lines that came too fast for the pages.
    pub missed: u64,
    /// Lines that are missing on disk.
    pub not_kept: u64,
}

impl People {
    pub fn new(config: &Config, me: &GalleryId, root: &Root) -> Self {
        let (kept, last) = Database::open(&config.talk, "talk", KEPT, limits::TALK);
        let said = database::ids(&config.talk, "said", KEPT);
        let boot = clock::boot().unwrap_or_else(|| clock::UNKNOWN_BOOT.to_owned());
        let room = Room {
            presence: Presence::new(me.clone()),
            talk: Talk::of(last, said),
            cameras: Cameras::new(me.clone(), root.clone(), boot.clone()),
            outbox: Outbox::default(),
            names: HashMap::new(),
            joins: Buckets::new(JOINS),
            renames: Buckets::new(RENAMES),
            says: Buckets::new(SAYS),
            says_of_address: Buckets::new(SAYS_OF_ADDRESS),
            received: Buckets::new(RECEIVED),
            dropped: 0,
            all: None,
        };
        People {
            keys: config.keys.clone(),
            boot,
            room: Mutex::new(room),
            kept,
            changed: Notify::new(),
            outgoing: Notify::new(),
            bundles: broadcast::Sender::new(BUNDLES),
            lines: broadcast::Sender::new(LINES),
            pictures: Pictures::default(),
            devices: AtomicU64::new(0),
        }
    }

    /// The health of the thread that stores the talk.
    pub fn health(&self) -> &Health {
        &self.kept.health
    }

    /// The counts of the talk.
    pub fn counted(&self) -> Counted {
        let (dropped, missed) = {
            let room = self.room();
            (room.dropped, room.talk.missed)
        };
        Counted { dropped, missed, not_kept: self.kept.lost() }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        self.changed.notify_one();
        self.outgoing.notify_one();
    }

    /// Tells pages the news and lets time pass, at least once a second. Never ends. Calls `beat`
    /// each time.
    pub async fn run(&self, beat: impl Fn()) {
        loop {
            beat();
            let leaves = self.room().presence.next_leaves();
            let wait = leaves.map_or(1_000_000, |at| at.saturating_sub(now::mono()).min(1_000_000));
            let _ = timeout(Duration::from_micros(wait), self.changed.notified()).await;
            sleep(GATHER).await;
            self.flush(Now::read());
        }
    }

    fn flush(&self, now: Now) {
        let mut room = self.room();
        let Room { presence, cameras, outbox, .. } = &mut *room;
        for id in presence.tick(now) {
            outbox.put(Out::Fact(Topic::Person(id), String::new()));
        }
        cameras.tick(now, outbox);
        self.outgoing.notify_one();
        let changes = presence.changes();
        self.tell(&mut room, changes.happened, now);
        let fresh = room.talk.fresh();
        for line in &fresh {
            let _ = self.lines.send((Instant::now(), line.clone()));
        }
        let lines: Vec<Line> = fresh.iter().map(|line| (**line).clone()).collect();
        let mut bundles = Vec::new();
        if !changes.here.is_empty() || !changes.gone.is_empty() {
            bundles.push(ToPage::Presence { here: changes.here, gone: changes.gone });
        }
        if !lines.is_empty() {
            bundles.push(ToPage::Talk { lines });
        }
        if !bundles.is_empty() {
            room.all = None;
        }
        // Under the lock, so that a page that begins now misses none.
        for bundle in &bundles {
            let _ = self.bundles.send(json(bundle));
        }
    }

    fn tell(&self, room: &mut Room, happened: Vec<(Author, What)>, now: Now) {
        for (person, what) in happened {
            self.add(room, Line { id: now.new_id(), at: now.wall_ms(), person, what });
        }
    }

    fn add(&self, room: &mut Room, line: Line) {
        if let Some(line) = room.talk.add(line) {
            self.kept.keep(&*line);
        }
    }

    /// Everybody and the last lines, then all bundles from now on.
    fn listen(&self) -> ([Arc<str>; 2], broadcast::Receiver<Arc<str>>) {
        let mut room = self.room();
        let bundles = self.bundles.subscribe();
        let all = room.all.take().unwrap_or_else(|| {
            let lines = room.talk.last().map(|line| (**line).clone()).collect();
            let people = room.presence.list();
            [json(&ToPage::People { people }), json(&ToPage::Talk { lines })]
        });
        room.all = Some(all.clone());
        (all, bundles)
    }

    /// Everybody who is here, in the order of coming.
    pub fn list(&self) -> Vec<Present> {
        self.room().presence.list()
    }

    /// The person who `Authorization: Bearer <id>.<key>` identifies, if they are or were here.
    pub fn verify(&self, authorization: &str) -> Option<Author> {
        let id = self.keys.bearer(authorization)?;
        let name = self.room().names.get(&id)?.clone();
        Some(Author { id, name })
    }

    fn new_device(&self) -> Device {
        self.devices.fetch_add(1, Ordering::Relaxed)
    }
}

/// The node of a person's browser.
fn node_of(person: &PersonId) -> NodeName {
    let name: String = format!("web-{person}").chars().take(limits::NAME).collect();
    name.parse().expect("a person's id has the characters of a node's name")
}

/// The person whose browser is a node.
fn person_of(node: &NodeName) -> Option<PersonId> {
    node.as_str().strip_prefix("web-")?.parse().ok()
}

fn json(what: &ToPage) -> Arc<str> {
    serde_json::to_string(what).expect("these types hold only what JSON can say").into()
}
