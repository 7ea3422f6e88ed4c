//! The cameras that pages show: the facts of their nodes, and the wants for them.
//!
//! Pure: messages of pages and of the broker come in, messages for the broker go to the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use wire::{
    CameraId, CameraName, CameraState, CameraStats, GalleryId, Info, Kind, NodeName, PersonId,
    Resolution, Root, Size, State, Stats, Status, Topic, Want, filter, limits,
};

use super::outbox::{Out, Outbox};
use super::pictures::Counters;
use super::presence::Device;
use super::wants::{Wanted, Wants};
use crate::now::{Micros, Now, micros};

/// The most cameras that one gallery, and one person, show at once.
pub(crate) const MOST: usize = 64;
const MOST_OF_ONE: usize = 4;

/// How long the last frame of an ended camera stays on the wall.
const ENDED: Micros = 10_000_000;

#[derive(Debug)]
pub(crate) struct Cameras {
    me: GalleryId,
    root: Root,
    boot: String,
    nodes: BTreeMap<PersonId, Node>,
}

#[derive(Debug)]
struct Node {
    instance: String,
    started: u64,
    stats: Micros,
    cameras: BTreeMap<CameraName, Camera>,
}

#[derive(Debug)]
struct Camera {
    /// The page that shows it; `None` after it has ended.
    device: Option<Device>,
    ends: Option<Micros>,
    name: String,
    size: Resolution,
    since: u64,
    detail: String,
    wants: Wants,
    wanted: watch::Sender<Wanted>,
    counters: Arc<Counters>,
    /// The full frames in the last stats.
    told: u64,
}

/// A camera that a page shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub camera: CameraId,
    pub wanted: watch::Receiver<Wanted>,
    pub counters: Arc<Counters>,
}

impl Cameras {
    pub fn new(me: GalleryId, root: Root, boot: String) -> Self {
        Cameras { me, root, boot, nodes: BTreeMap::new() }
    }

    /// A page shows its camera, or renames it.
    ///
    /// # Errors
    /// A sentence that says why it cannot.
    pub fn show(
        &mut self,
        id: &PersonId,
        device: Device,
        name: &str,
        size: Resolution,
        now: Now,
        out: &mut Outbox,
    ) -> Result<Shown, String> {
        let shown = |node: &Node| node.cameras.values().filter(|c| c.device.is_some()).count();
        let of_one = self.nodes.get(id).map_or(0, shown);
        if of_one >= MOST_OF_ONE {
            return Err(format!("you show {MOST_OF_ONE} cameras already"));
        }
        if self.nodes.values().map(shown).sum::<usize>() >= MOST {
            return Err(format!("{MOST} cameras are shown already; try again later"));
        }
        let is_new = !self.nodes.contains_key(id);
        let node = self.nodes.entry(id.clone()).or_insert_with(|| Node {
            instance: format!("{:08x}", fastrand::u32(..)),
            started: now.wall_ms(),
            stats: now.mono,
            cameras: BTreeMap::new(),
        });
        let first: CameraName = "camera".parse().expect("a good name");
        let free = |name: &CameraName| node.cameras.get(name).is_none_or(|c| c.device.is_none());
        let names = (2..).map(|n| first.numbered(n));
        let camera = std::iter::once(first.clone())
            .chain(names)
            .find(free)
            .expect("there is always a next number");
        let (wanted, told) = watch::channel(Wanted::default());
        let counters = Arc::<Counters>::default();
        let known = Camera {
            device: Some(device),
            ends: None,
            name: name.to_owned(),
            size,
            since: now.wall_ms(),
            detail: String::new(),
            wants: Wants::default(),
            wanted,
            counters: counters.clone(),
            told: 0,
        };
        node.cameras.insert(camera.clone(), known);
        if is_new {
            out.put(Out::Subscribe(self.wants_of(id)));
        }
        self.tell_node(id, out);
        Ok(Shown { camera: CameraId { node: super::node_of(id), camera }, wanted: told, counters })
    }

    /// A page stops showing its camera; `detail` tells people why.
    pub fn end(&mut self, camera: &CameraId, detail: String, now: Now, out: &mut Outbox) {
        let Some(known) = self.find(camera) else { return };
        known.device = None;
        known.ends = Some(now.mono + ENDED);
        known.since = now.wall_ms();
        known.detail = detail;
        out.put(Out::Fact(Topic::State(camera.clone()), known.state().to_json()));
    }

    /// Somebody wants frames of a camera.
    pub fn want(&mut self, camera: &CameraId, want: Want, now: Now, out: &mut Outbox) {
        if let Some(known) = self.find(camera) {
            known.wants.receive(want, now.mono);
            known.weigh(camera, now, out);
        }
    }

    /// Time passed.
    pub fn tick(&mut self, now: Now, out: &mut Outbox) {
        let mut gone = Vec::new();
        for (id, node) in &mut self.nodes {
            let name = super::node_of(id);
            let count = node.cameras.len();
            node.cameras.retain(|camera, known| {
                let camera = CameraId { node: name.clone(), camera: camera.clone() };
                let stays = known.ends.is_none_or(|ends| now.mono < ends);
                if stays {
                    known.weigh(&camera, now, out);
                } else {
                    out.put(Out::Fact(Topic::State(camera), String::new()));
                }
                stays
            });
            if node.cameras.is_empty() {
                gone.push(id.clone());
            } else {
                if node.cameras.len() != count {
                    let info = node.info(&self.me, &self.boot);
                    out.put(Out::Fact(Topic::Info(name.clone()), info.to_json()));
                }
                let passed = now.mono.saturating_sub(node.stats);
                if passed >= micros(limits::STATS_EVERY) {
                    let stats = node.stats(passed, &self.boot, now);
                    node.stats = now.mono;
                    out.put(Out::Stats(Topic::Stats(name), stats.to_json()));
                }
            }
        }
        for id in gone {
            self.nodes.remove(&id);
            out.put(Out::Unsubscribe(self.wants_of(&id)));
            clear(&super::node_of(&id), &[], out);
        }
    }

    /// The broker was reached, and knows nothing.
    pub fn tell_all(&self, out: &mut Outbox) {
        self.nodes.keys().for_each(|id| self.tell_node(id, out));
    }

    /// Subscribes to the wants, over a new connection.
    pub fn listen(&self, out: &mut Outbox) {
        self.nodes.keys().for_each(|id| out.put(Out::Subscribe(self.wants_of(id))));
    }

    /// The gallery stops.
    pub fn clear_all(&mut self, out: &mut Outbox) {
        for (id, node) in std::mem::take(&mut self.nodes) {
            let cameras: Vec<CameraName> = node.cameras.into_keys().collect();
            clear(&super::node_of(&id), &cameras, out);
        }
    }

    /// The broker sent a browser's node. One that this gallery left behind is cleared.
    pub fn receive_info(&self, node: &NodeName, info: &Info, out: &mut Outbox) {
        let is_known = self.nodes.keys().any(|id| super::node_of(id) == *node);
        if info.gallery.as_ref() == Some(&self.me) && !is_known {
            clear(node, &info.cameras, out);
        }
    }

    fn wants_of(&self, id: &PersonId) -> String {
        filter::wants_of(&self.root, &super::node_of(id))
    }

    fn find(&mut self, camera: &CameraId) -> Option<&mut Camera> {
        self.nodes.get_mut(&super::person_of(&camera.node)?)?.cameras.get_mut(&camera.camera)
    }

    /// Announces the node, then the states of its cameras, and at last that it is online.
    fn tell_node(&self, id: &PersonId, out: &mut Outbox) {
        let Some(node) = self.nodes.get(id) else { return };
        let name = super::node_of(id);
        let info = node.info(&self.me, &self.boot);
        out.put(Out::Fact(Topic::Info(name.clone()), info.to_json()));
        for (camera, known) in &node.cameras {
            let camera = CameraId { node: name.clone(), camera: camera.clone() };
            out.put(Out::Fact(Topic::State(camera), known.state().to_json()));
        }
        out.put(Out::Fact(Topic::Status(name), Status::Online.as_str().to_owned()));
    }
}

fn clear(node: &NodeName, cameras: &[CameraName], out: &mut Outbox) {
    for camera in cameras {
        let camera = CameraId { node: node.clone(), camera: camera.clone() };
        out.put(Out::Fact(Topic::State(camera), String::new()));
    }
    out.put(Out::Fact(Topic::Status(node.clone()), String::new()));
    out.put(Out::Fact(Topic::Info(node.clone()), String::new()));
}

impl Node {
    fn info(&self, gallery: &GalleryId, boot: &str) -> Info {
        Info {
            kind: Kind::Browser,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: gallery.to_string(),
            boot: boot.to_owned(),
            instance: self.instance.clone(),
            title: String::new(),
            host: "browser".to_owned(),
            model: String::new(),
            started: self.started,
            cameras: self.cameras.keys().cloned().collect(),
            gallery: Some(gallery.clone()),
        }
    }

    fn stats(&mut self, passed: Micros, boot: &str, now: Now) -> Stats {
        let cameras = self.cameras.iter_mut().map(|(name, known)| {
            let counted = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            let made = counted(&known.counters.made);
            let fps = (made - known.told) as f32 / (passed as f32 / 1e6);
            known.told = made;
            let superseded = counted(&known.counters.superseded);
            let unwanted = counted(&known.counters.unwanted);
            let too_large = counted(&known.counters.too_large);
            let stats = CameraStats {
                fps: fps.min(limits::FPS),
                made,
                published: counted(&known.counters.published),
                bytes: counted(&known.counters.bytes),
                dropped: [
                    ("superseded", superseded),
                    ("unwanted", unwanted),
                    ("too-large", too_large),
                ]
                .into_iter()
                .filter(|(_, n)| *n > 0)
                .map(|(reason, n)| (reason.to_owned(), n))
                .collect(),
            };
            (name.clone(), stats)
        });
        Stats {
            cameras: cameras.collect(),
            at: now.wall_ms(),
            mono: now.mono / 1000,
            boot: boot.to_owned(),
            cpu: 0.0,
            rss: 0,
            spool: 0,
            refused: 0,
            trouble: None,
            kept_back: None,
        }
    }
}

impl Camera {
    fn state(&self) -> State {
        let is_wanted = self.wanted.borrow().rates.iter().any(|rate| *rate > 0.0);
        State {
            state: match (self.device, is_wanted) {
                (None, _) => CameraState::Off,
                (Some(_), true) => CameraState::Live,
                (Some(_), false) => CameraState::Idle,
            },
            reason: None,
            detail: self.detail.clone(),
            by: None,
            since: self.since,
            name: self.name.clone(),
            title: String::new(),
            device: "browser".to_owned(),
            format: "JPEG".to_owned(),
            size: Some(self.size),
            fps: None,
            interval: None,
            controls: BTreeMap::new(),
            sizes: Size::ALL.to_vec(),
        }
    }

    /// Tells the page the wants, and the broker whether there are any.
    fn weigh(&mut self, camera: &CameraId, now: Now, out: &mut Outbox) {
        if self.device.is_none() {
            return;
        }
        let wanted = self.wants.wanted(now.mono);
        let before = self.state().state;
        let changed = self.wanted.send_if_modified(|old| std::mem::replace(old, wanted) != wanted);
        if changed && self.state().state != before {
            self.since = now.wall_ms();
            out.put(Out::Fact(Topic::State(camera.clone()), self.state().to_json()));
        }
    }
}
