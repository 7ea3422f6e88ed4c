//! The people on the wall: who is here, what they say, and the cameras that their pages show.
//!
//! What pages and the broker say goes into one state under a lock; what is new goes out in bundles,
//! written once and shared by all pages. Nothing here waits for a page, the broker or the disk.

mod cameras;
mod keys;
mod outbox;
mod pictures;
mod presence;
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
use tokio::time::{sleep, timeout};
use wire::page::ToPage;
use wire::people::{self, Line, Person, Present, Say, What};
use wire::{
    Author, CameraId, GalleryId, Info, NodeName, PersonId, PhotoId, Resolution, Root, State,
    Status, Topic, Want, limits,
};

use crate::now::{self, Now};
use crate::record::database::{self, Kept};
use cameras::{Cameras, Shown};
use outbox::Outbox;
use presence::{Device, Presence};
use talk::Talk;

pub(crate) use keys::Keys;
pub(crate) use outbox::Out;
pub(crate) use pictures::Pictures;
pub(crate) use visitor::Visitor;

/// What pages are told is gathered for this long, so that many changes make one message.
const GATHER: Duration = Duration::from_millis(80);

/// How many bundles wait for a page. One that misses some gets everything again.
const BUNDLES: usize = 64;

/// Joins of one address: a class comes in at once, through one address perhaps.
const JOINS: Rate = Rate { burst: 100.0, per_second: 5.0 };
const RENAMES: Rate = Rate { burst: 5.0, per_second: 0.1 };
const SAYS: Rate = Rate { burst: 8.0, per_second: 1.0 };
const SAYS_OF_ADDRESS: Rate = Rate { burst: 60.0, per_second: 10.0 };
/// What the broker may bring of one person: more than a gallery lets them say.
const HEARD: Rate = Rate { burst: limits::HEARD.0, per_second: limits::HEARD.1 };

/// So many lines of the talk are kept on disk.
const KEPT: usize = talk::IDS;

/// So many names are remembered of those who were here.
const NAMES: usize = 4000;

/// What the people's part of a gallery keeps.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub keys: Keys,
    /// The database of the talk.
    pub talk: PathBuf,
}

#[derive(Debug)]
pub(crate) struct People {
    keys: Keys,
    boot: String,
    room: Mutex<Room>,
    kept: Kept,
    changed: Notify,
    /// Told when there is something to tell the broker.
    pub outgoing: Notify,
    bundles: broadcast::Sender<Arc<str>>,
    /// The pictures of pages' cameras, on their way to the broker.
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
    heard: Buckets<PersonId>,
    /// Lines that came faster than that.
    unheard: u64,
    /// Everybody and the last lines, as they are told to who comes; until something changes.
    all: Option<[Arc<str>; 2]>,
}

/// What became of something that somebody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saying {
    /// It is on its way.
    New,
    /// It is in the talk already, by its id.
    Known,
}

/// What somebody asked for is not done now: in so many seconds, or never; and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    seconds: Option<f32>,
    why: String,
}

impl Held {
    fn never(why: impl Into<String>) -> Self {
        Held { seconds: None, why: why.into() }
    }

    fn after(seconds: f32, why: impl Into<String>) -> Self {
        Held { seconds: Some(seconds), why: why.into() }
    }
}

impl People {
    pub fn new(config: &Config, me: &GalleryId, root: &Root) -> Self {
        let (kept, last) = Kept::open(&config.talk, "talk", KEPT, limits::TALK);
        let said = database::ids(&config.talk, "said", KEPT);
        let boot = now::boot();
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
            heard: Buckets::new(HEARD),
            unheard: 0,
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
            pictures: Pictures::default(),
            devices: AtomicU64::new(0),
        }
    }

    /// Of the thread that keeps the talk.
    pub fn health(&self) -> &Health {
        &self.kept.health
    }

    /// How much of the talk was not kept, and how much not heard, if any.
    pub fn dropped(&self) -> impl Iterator<Item = String> + use<> {
        let (unheard, missed) = {
            let room = self.room();
            (room.unheard, room.talk.missed)
        };
        let unheard = (unheard > 0).then(|| {
            let (_, most) = limits::HEARD;
            format!(
                "the talk: {unheard} lines since the start came faster than {most} a second of one \
                 person and were dropped"
            )
        });
        let missed = (missed > 0).then(|| {
            format!("the talk: {missed} lines since the start came too fast for those who are here")
        });
        self.kept.note().into_iter().chain(unheard).chain(missed)
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        self.changed.notify_one();
        self.outgoing.notify_one();
    }

    /// Takes a message from the broker; what is about no people is passed over.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn hear(&self, topic: &Topic, payload: &[u8], retained: bool) -> Result<(), String> {
        let now = Now::read();
        match topic {
            Topic::Person(id) => {
                let person = match payload {
                    [] => None,
                    payload => Some(Person::parse(payload).map_err(|error| error.to_string())?),
                };
                let mut room = self.room();
                let Room { presence, outbox, .. } = &mut *room;
                let full = |_| "there are too many people already".to_owned();
                if presence.hear(id, person, retained, now).map_err(full)? {
                    outbox.put(Out::Fact(topic.clone(), String::new()));
                }
            }
            // A retained command is an old one.
            Topic::Say(_) | Topic::Want(_) if retained => return Ok(()),
            Topic::Say(id) => {
                let Say { id: line, text, .. } =
                    Say::parse(payload).map_err(|error| error.to_string())?;
                let mut room = self.room();
                let Some(person) = room.presence.author(id) else {
                    return Err("who says this is not here".to_owned());
                };
                if room.heard.take(id.clone(), now.since_boot()).is_err() {
                    room.unheard += 1;
                    return Err("too much at once; it is dropped".to_owned());
                }
                // Who has just come has come before they speak.
                let happened = room.presence.happened();
                self.tell(&mut room, happened, now);
                let what = What::Said { text };
                self.add(&mut room, Line { id: line, at: now.wall_ms(), person, what });
            }
            Topic::GalleryStatus(gallery) => {
                let status = match payload {
                    [] => None,
                    payload => Some(Status::parse(payload).map_err(|error| error.to_string())?),
                };
                let mut room = self.room();
                // It may be behind a broker that tells nobody who comes what it retains.
                if room.presence.hear_gallery(gallery, status) && !retained {
                    room.tell_all();
                }
            }
            Topic::State(camera) if camera.node.is_browser() => {
                let state = State::parse(payload).ok().map(|state| state.state);
                let is_shown = state.is_some_and(|state| state != wire::CameraState::Off);
                self.room().presence.hear_camera(camera, is_shown);
            }
            Topic::Info(node) if node.is_browser() && retained => {
                let Ok(info) = Info::parse(payload) else { return Ok(()) };
                let Room { cameras, outbox, .. } = &mut *self.room();
                cameras.hear_info(node, &info, outbox);
            }
            Topic::Want(camera) => {
                let want = Want::parse(payload).map_err(|error| error.to_string())?;
                let Room { cameras, outbox, .. } = &mut *self.room();
                cameras.want(camera, want, now, outbox);
            }
            _ => return Ok(()),
        }
        self.notify();
        Ok(())
    }

    /// The broker was reached; it is told everything.
    pub fn connected(&self) {
        let mut room = self.room();
        let Room { presence, cameras, outbox, .. } = &mut *room;
        outbox.open();
        presence.connected(Now::read());
        cameras.listen(outbox);
        room.tell_all();
        drop(room);
        self.notify();
    }

    pub fn disconnected(&self) {
        let mut room = self.room();
        room.presence.disconnected();
        room.outbox.close();
        drop(room);
        self.pictures.clear();
    }

    /// What the broker is to be told next.
    pub fn next_out(&self) -> Option<Out> {
        self.room().outbox.take()
    }

    /// The gallery stops: clears what it published.
    pub fn farewell(&self) {
        let Room { presence, cameras, outbox, .. } = &mut *self.room();
        for (id, _) in presence.facts() {
            outbox.put(Out::Fact(Topic::Person(id.clone()), String::new()));
        }
        cameras.clear_all(outbox);
    }

    /// Tells pages what is new and lets time pass, once a second at least, for ever. `beat` is
    /// called each time.
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
        let lines: Vec<Line> = room.talk.fresh().iter().map(|line| (**line).clone()).collect();
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
        // Under the lock, so that who comes now misses none.
        for bundle in &bundles {
            let _ = self.bundles.send(json(bundle));
        }
    }

    fn tell(&self, room: &mut Room, happened: Vec<(Author, What)>, now: Now) {
        for (person, what) in happened {
            self.add(room, Line { id: new_id(now), at: now.wall_ms(), person, what });
        }
    }

    fn add(&self, room: &mut Room, line: Line) {
        if let Some(line) = room.talk.add(line) {
            self.kept.keep(&*line);
        }
    }

    /// All bundles from now on, and before them everybody and the last lines.
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

    /// Everybody who is here, in the order in which they came.
    pub fn list(&self) -> Vec<Present> {
        self.room().presence.list()
    }

    /// Who proves themselves by `Authorization: Bearer <id>.<key>`, and is or was here.
    pub fn verify(&self, authorization: &str) -> Option<Author> {
        let id = self.keys.bearer(authorization)?;
        let name = self.room().names.get(&id)?.clone();
        Some(Author { id, name })
    }

    fn join(
        &self,
        person: &PersonId,
        device: Device,
        address: IpAddr,
        name: &str,
    ) -> Result<(), Held> {
        let now = Now::read();
        let mut room = self.room();
        let Room { presence, outbox, names, joins, renames, .. } = &mut *room;
        match presence.author(person) {
            Some(author) if author.name != name => {
                renames.take(person.clone(), now.since_boot()).map_err(|seconds| {
                    Held::after(seconds, "you have changed your name very often")
                })?;
            }
            _ => joins.take(address, now.since_boot()).map_err(|seconds| {
                Held::after(seconds, "very many have joined from your address just now")
            })?,
        }
        let full = format!("{} people are here already, the most there can be", presence::OURS);
        let fact = presence.join(person, device, name, now).map_err(|_| Held::after(30.0, full))?;
        if let Some(fact) = fact {
            outbox.put(Out::Fact(Topic::Person(person.clone()), fact.to_json()));
        }
        if names.len() >= NAMES {
            names.retain(|id, _| presence.author(id).is_some());
        }
        names.insert(person.clone(), name.to_owned());
        drop(room);
        self.notify();
        Ok(())
    }

    fn part(&self, person: &PersonId, device: Device, farewell: bool, lost: bool) {
        let Room { presence, outbox, .. } = &mut *self.room();
        if presence.part(person, device, farewell, lost, Now::read()) {
            outbox.put(Out::Fact(Topic::Person(person.clone()), String::new()));
        }
        self.notify();
    }

    fn say(
        &self,
        person: &PersonId,
        address: IpAddr,
        text: &str,
        id: Option<PhotoId>,
    ) -> Result<Saying, Held> {
        let Some(text) = people::text(text) else {
            let most = limits::SAY;
            let why = format!("a message has 1 to {most} characters that can be seen");
            return Err(Held::never(why));
        };
        let now = Now::read();
        let mut room = self.room();
        if id.as_ref().is_some_and(|id| room.talk.knows(id)) {
            return Ok(Saying::Known);
        }
        let fast = |seconds| Held::after(seconds, "that was very much at once");
        room.says.take(person.clone(), now.since_boot()).map_err(fast)?;
        room.says_of_address
            .take(address, now.since_boot())
            .map_err(|seconds| Held::after(seconds, "very much is being said from your address"))?;
        if !room.outbox.has_room() {
            return Err(Held::after(5.0, "the gallery cannot reach the broker just now"));
        }
        let say = Say { id: id.unwrap_or_else(|| new_id(now)), at: now.wall_ms(), text };
        room.outbox.put(Out::Say(Topic::Say(person.clone()), say.to_json()));
        drop(room);
        self.outgoing.notify_one();
        Ok(Saying::New)
    }

    fn show(
        &self,
        person: &PersonId,
        device: Device,
        name: &str,
        size: Resolution,
    ) -> Result<Shown, Held> {
        let Room { presence, cameras, outbox, .. } = &mut *self.room();
        let called = presence.author(person).map(|author| author.name);
        let name = people::name(name).or(called).unwrap_or_default();
        let shown = cameras.show(person, device, &name, size, Now::read(), outbox);
        self.notify();
        shown.map_err(|why| Held::after(30.0, why))
    }

    fn end(&self, person: &PersonId, camera: &CameraId, lost: bool) {
        let Room { presence, cameras, outbox, names, .. } = &mut *self.room();
        let name = presence.author(person).map(|author| author.name);
        let name = name.or_else(|| names.get(person).cloned()).unwrap_or_default();
        let detail = match lost {
            true => format!("the connection to {name} was lost"),
            false => format!("{name} stopped showing"),
        };
        cameras.end(camera, detail, Now::read(), outbox);
        self.notify();
    }

    fn new_device(&self) -> Device {
        self.devices.fetch_add(1, Ordering::Relaxed)
    }
}

impl Room {
    /// Tells the broker who is here and what they show.
    fn tell_all(&mut self) {
        let Room { presence, cameras, outbox, .. } = self;
        for (id, person) in presence.facts() {
            outbox.put(Out::Fact(Topic::Person(id.clone()), person.to_json()));
        }
        cameras.tell_all(outbox);
    }
}

/// The node that a person's browser is.
fn node_of(person: &PersonId) -> NodeName {
    let name: String = format!("web-{person}").chars().take(limits::NAME).collect();
    name.parse().expect("a person's id has the characters of a node's name")
}

/// The person whose browser a node is.
fn person_of(node: &NodeName) -> Option<PersonId> {
    node.as_str().strip_prefix("web-")?.parse().ok()
}

fn new_id(now: Now) -> PhotoId {
    PhotoId::new(now.wall_ms(), fastrand::u128(..))
}

fn json(what: &ToPage) -> Arc<str> {
    serde_json::to_string(what).expect("these types hold only what JSON can say").into()
}
