//! What is known of every node and camera, from its retained facts.
//!
//! A pure state machine: messages and the time go in, the cameras in the order of the wall come
//! out. What it holds is bounded, since anybody who may publish can invent names.

mod asking;
mod disk;

use std::collections::{BTreeMap, BTreeSet};

use wire::page::{self, GalleryReason, Why};
use wire::{
    BadPayload, CameraId, CameraName, CameraState, GalleryId, Info, Kind, NodeName, Reason, State,
    Stats, Status,
};

use crate::live::frames::Shape;
use crate::now::{Micros, Now};
use asking::Asking;
use disk::Disk;

/// At most so many nodes and so many cameras are remembered.
pub(crate) const MOST: usize = 1000;

/// So many cameras are told of one by one.
const TOLD: usize = 20;

/// A node that says that it is online, but nothing else for this long, is not: three heartbeats
/// and a half.
const SILENT_AFTER: Micros = 35_000_000;

/// A fact that is not told again within this time after the broker came back is no more: nodes
/// that lost the broker too need up to 5 s to find it.
const CONFIRMED_WITHIN: Micros = 10_000_000;

/// Facts that are on their way need no question.
const SETTLED_AFTER: Micros = 3_000_000;

#[derive(Debug, Default)]
pub(crate) struct Cameras {
    nodes: BTreeMap<NodeName, Node>,
    count: usize,
    /// Those that are not there, and with them the browsers that they speak for.
    offline: BTreeSet<GalleryId>,
    /// Counts the connections to the broker; what is known carries the one that confirmed it.
    connection: u64,
    /// When the facts of earlier connections end.
    confirm_by: Option<Micros>,
    connected: bool,
    /// When the next question for the facts of nodes may be asked: all hear one.
    ask_after: Micros,
}

#[derive(Debug, Default)]
struct Node {
    status: Option<Status>,
    info: Option<Info>,
    cameras: BTreeMap<CameraName, Camera>,
    confirmed: u64,
    /// When the node last said anything, by the monotonic clock.
    heard: Micros,
    silent: bool,
    /// Since when it is offline or silent, in milliseconds since 1970.
    gone_since: u64,
    disk: Disk,
    asking: Asking,
}

#[derive(Debug)]
struct Camera {
    state: State,
    /// `state.since` by the gallery's clock.
    since: u64,
    /// Whether the node told this itself while it ran; else it may be a leftover at the broker.
    told: bool,
    confirmed: u64,
}

/// A message about nodes and cameras.
#[derive(Debug)]
pub(crate) enum Fact<'a> {
    Status(&'a NodeName),
    Info(&'a NodeName),
    Stats(&'a NodeName),
    State(&'a CameraId),
}

/// What a message changed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    /// The wall is not what it was.
    pub changed: bool,
    /// The node came online, so that it must be told what is wanted.
    pub online: bool,
    /// Its heartbeat comes, but not all of its facts did: it is to be asked for them.
    pub unknown: bool,
    /// The clocks that a heartbeat told.
    pub stats: Option<Stats>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Payload(#[from] BadPayload),
    #[error("there are {MOST} already, the most that are remembered")]
    TooMany,
}

impl Cameras {
    /// Takes a message. `retained` says that the broker kept it; `local` turns a time of the
    /// node's wall clock into the gallery's.
    pub fn hear(
        &mut self,
        fact: &Fact<'_>,
        payload: &[u8],
        retained: bool,
        local: impl Fn(u64) -> Option<u64>,
        now: Now,
    ) -> Result<Heard, Refused> {
        let (Fact::Status(name) | Fact::Info(name) | Fact::Stats(name)) = fact else {
            let Fact::State(id) = fact else { return Ok(Heard::default()) };
            return self.hear_state(id, payload, retained, local, now);
        };
        if payload.is_empty() {
            return Ok(self.forget(fact, name));
        }
        match fact {
            Fact::Status(_) => {
                let status = Status::parse(payload)?;
                let node = self.node(name, now)?;
                let changed = node.status != Some(status) || node.silent;
                node.status = Some(status);
                node.silent = false;
                node.heard = now.mono;
                if changed {
                    node.gone_since = now.wall_ms();
                }
                // Also when it was online before: it may be a new process, which knows no wants.
                let online = status == Status::Online;
                Ok(Heard { changed, online, ..Heard::default() })
            }
            Fact::Info(_) => {
                let info = Info::parse(payload)?;
                let node = self.node(name, now)?;
                let back = node.alive(retained, now);
                if node.info.as_ref().is_some_and(|old| old.instance != info.instance) {
                    node.cameras.values_mut().for_each(|camera| camera.told = false);
                }
                let changed = back || node.info.as_ref() != Some(&info);
                node.info = Some(info);
                Ok(Heard { changed, ..Heard::default() })
            }
            _ => {
                let stats = Stats::parse(payload)?;
                let may_ask = !retained && now.mono >= self.ask_after;
                let node = self.node(name, now)?;
                let changed = node.alive(retained, now);
                node.disk = Disk::of(&stats);
                let is_known = node.is_known();
                let unknown = may_ask && node.asking.ask(is_known, now.mono);
                if unknown {
                    self.ask_after = now.mono + asking::FIRST;
                }
                Ok(Heard { changed, online: changed, unknown, stats: Some(stats) })
            }
        }
    }

    fn hear_state(
        &mut self,
        id: &CameraId,
        payload: &[u8],
        retained: bool,
        local: impl Fn(u64) -> Option<u64>,
        now: Now,
    ) -> Result<Heard, Refused> {
        if payload.is_empty() {
            let Some(node) = self.nodes.get_mut(&id.node) else { return Ok(Heard::default()) };
            let changed = node.cameras.remove(&id.camera).is_some();
            self.count -= usize::from(changed);
            self.drop_if_empty(&id.node);
            return Ok(Heard { changed, ..Heard::default() });
        }
        let state = State::parse(payload)?;
        let (full, connection) = (self.count >= MOST, self.connection);
        let node = self.node(&id.node, now)?;
        let back = node.alive(retained, now);
        let known = node.cameras.get_mut(&id.camera);
        if known.is_none() && full {
            return Err(Refused::TooMany);
        }
        let told = !retained || known.as_ref().is_some_and(|camera| camera.told);
        if let Some(camera) = known
            && camera.state == state
        {
            let changed = back || camera.told != told;
            (camera.confirmed, camera.told) = (connection, told);
            return Ok(Heard { changed, ..Heard::default() });
        }
        let since = local(state.since).unwrap_or(state.since).min(now.wall_ms());
        let camera = Camera { state, since, told, confirmed: connection };
        let new = node.cameras.insert(id.camera.clone(), camera).is_none();
        self.count += usize::from(new);
        Ok(Heard { changed: true, ..Heard::default() })
    }

    /// A gallery is there, or not. Returns whether the wall is not what it was.
    pub fn hear_gallery(&mut self, gallery: &GalleryId, offline: bool) -> bool {
        if offline {
            self.offline.len() < MOST && self.offline.insert(gallery.clone())
        } else {
            self.offline.remove(gallery)
        }
    }

    /// A picture of the camera came: its node lives. `false` if the camera is not on the wall.
    pub fn hear_picture(&mut self, id: &CameraId, now: Now) -> bool {
        let is_shown = self.shows(id);
        if let Some(node) = self.nodes.get_mut(&id.node).filter(|_| is_shown) {
            node.heard = now.mono;
        }
        is_shown
    }

    /// The broker was reached; what is retained is told again now.
    pub fn connected(&mut self, now: Now) {
        self.connection += 1;
        self.connected = true;
        self.confirm_by = Some(now.mono + CONFIRMED_WITHIN);
        self.ask_after = now.mono + SETTLED_AFTER;
        // Nobody can be blamed for a silence while we could not hear.
        self.nodes.values_mut().for_each(|node| node.heard = now.mono);
    }

    /// The broker was lost: all stays as it was.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.confirm_by = None;
    }

    /// Time passed. Returns whether the wall is not what it was.
    pub fn tick(&mut self, now: Now) -> bool {
        let mut changed = false;
        if !self.connected {
            return false;
        }
        for node in self.nodes.values_mut() {
            if node.status == Some(Status::Online)
                && !node.silent
                && now.mono.saturating_sub(node.heard) >= SILENT_AFTER
            {
                node.silent = true;
                node.gone_since = now.wall_ms();
                changed = true;
            }
        }
        if self.confirm_by.is_some_and(|by| now.mono >= by) {
            self.confirm_by = None;
            let connection = self.connection;
            for node in self.nodes.values_mut() {
                node.cameras.retain(|_, camera| camera.confirmed == connection);
            }
            self.nodes.retain(|_, node| node.confirmed == connection);
            let left = self.nodes.values().map(|node| node.cameras.len()).sum();
            changed |= left != self.count;
            self.count = left;
        }
        changed
    }

    /// The cameras in the order of the wall: by node, then by name.
    pub fn list(&self) -> Vec<page::Camera> {
        self.nodes
            .iter()
            .filter(|(_, node)| self.is_spoken_for(node))
            .flat_map(|(name, node)| {
                node.cameras.iter().map(move |(camera, known)| node.show(name, camera, known))
            })
            .collect()
    }

    /// The camera as the wall shows it.
    pub fn get(&self, id: &CameraId) -> Option<page::Camera> {
        let node = self.nodes.get(&id.node).filter(|node| self.is_spoken_for(node))?;
        Some(node.show(&id.node, &id.camera, node.cameras.get(&id.camera)?))
    }

    /// Whether the camera is on the wall.
    pub fn shows(&self, id: &CameraId) -> bool {
        let node = self.nodes.get(&id.node);
        node.is_some_and(|node| node.cameras.contains_key(&id.camera) && self.is_spoken_for(node))
    }

    /// Which cameras do not work until somebody does something: sentences for people.
    pub fn errors(&self) -> Vec<String> {
        let all = self.list().into_iter().filter(|camera| camera.state == CameraState::Error);
        let tell = |page::Camera { camera, detail, .. }: page::Camera| {
            let detail = if detail.is_empty() { "does not work" } else { &detail };
            format!("{camera}: {detail}")
        };
        let mut told: Vec<String> = all.map(tell).collect();
        if told.len() > TOLD {
            let more = told.split_off(TOLD).len();
            told.push(format!("and {more} cameras more"));
        }
        told
    }

    /// What pictures a camera gives, while it says so.
    pub fn shape(&self, id: &CameraId) -> Option<Shape> {
        let known = self.nodes.get(&id.node)?.cameras.get(&id.camera)?;
        let State { size, sizes, interval, .. } = &known.state;
        let interval = interval.map_or(0, |seconds| (f64::from(seconds) * 1e6) as Micros);
        Some(Shape { width: (*size)?.width, sizes: sizes.clone(), interval })
    }

    fn is_spoken_for(&self, node: &Node) -> bool {
        let gallery = node.info.as_ref().and_then(|info| info.gallery.as_ref());
        gallery.is_none_or(|gallery| !self.offline.contains(gallery))
    }

    pub fn knows(&self, node: &NodeName) -> bool {
        self.nodes.contains_key(node)
    }

    fn node(&mut self, name: &NodeName, now: Now) -> Result<&mut Node, Refused> {
        if !self.nodes.contains_key(name) {
            if self.nodes.len() >= MOST {
                return Err(Refused::TooMany);
            }
            let node = Node { heard: now.mono, gone_since: now.wall_ms(), ..Node::default() };
            self.nodes.insert(name.clone(), node);
        }
        let node = self.nodes.entry(name.clone()).or_default();
        node.confirmed = self.connection;
        Ok(node)
    }

    fn forget(&mut self, fact: &Fact<'_>, name: &NodeName) -> Heard {
        let Some(node) = self.nodes.get_mut(name) else { return Heard::default() };
        match fact {
            Fact::Status(_) => node.status = None,
            Fact::Info(_) => node.info = None,
            Fact::Stats(_) | Fact::State(_) => return Heard::default(),
        }
        let changed = !node.cameras.is_empty();
        self.drop_if_empty(name);
        Heard { changed, ..Heard::default() }
    }

    fn drop_if_empty(&mut self, name: &NodeName) {
        if self.nodes.get(name).is_some_and(|node| {
            node.status.is_none() && node.info.is_none() && node.cameras.is_empty()
        }) {
            self.nodes.remove(name);
        }
    }
}

impl Node {
    /// Notes a sign of life; what the broker kept is none. Returns whether it ends a silence.
    fn alive(&mut self, retained: bool, now: Now) -> bool {
        if retained {
            return false;
        }
        self.heard = now.mono;
        std::mem::take(&mut self.silent)
    }

    /// Whether it has said all its facts.
    fn is_known(&self) -> bool {
        let is_here = |camera| self.cameras.contains_key(camera);
        self.status == Some(Status::Online)
            && self.info.as_ref().is_some_and(|info| info.cameras.iter().all(is_here))
    }

    fn show(&self, node: &NodeName, camera: &CameraName, known: &Camera) -> page::Camera {
        let Camera { state, since, told, .. } = known;
        let mut shown = page::Camera {
            camera: CameraId { node: node.clone(), camera: camera.clone() },
            name: if state.name.is_empty() { camera.to_string() } else { state.name.clone() },
            kind: self.info.as_ref().map_or(Kind::V4l2, |info| info.kind),
            state: state.state,
            reason: state.reason.map(Why::Node),
            detail: state.detail.clone(),
            by: state.by.clone(),
            since: *since,
            format: state.format.clone(),
            size: state.size,
            fps: state.fps,
            interval: state.interval,
        };
        let lost = if self.status != Some(Status::Online) {
            Some((Why::Gallery(GalleryReason::NodeOffline), format!("{node} is offline")))
        } else if self.silent {
            let detail = format!("{node} has fallen silent; its connection may be broken");
            Some((Why::Gallery(GalleryReason::NodeOffline), detail))
        } else if !told && self.info.as_ref().is_some_and(|info| !info.cameras.contains(camera)) {
            // The broker kept the state that the camera had before the node was restarted.
            shown.state = CameraState::Lost;
            shown.reason = Some(Why::Node(Reason::Unplugged));
            shown.detail = format!("{node} has not seen it since it started");
            shown.by = None;
            None
        } else {
            None
        };
        if let Some((reason, detail)) = lost {
            shown.state = CameraState::Lost;
            shown.reason = Some(reason);
            shown.detail = detail;
            shown.by = None;
            shown.since = self.gone_since;
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Micros = 1_000_000;

    fn at(seconds: u64) -> Now {
        Now { mono: seconds * S, wall: (1_763_640_000 + seconds) * S }
    }

    fn id(text: &str) -> CameraId {
        text.parse().unwrap()
    }

    fn state(name: &str) -> Vec<u8> {
        format!(r#"{{"state":"live","since":1763640000000,"name":"{name}","device":"x"}}"#).into()
    }

    fn info(instance: &str, cameras: &[&str]) -> Vec<u8> {
        format!(
            r#"{{"kind":"test","version":"0","machine":"1","boot":"2","instance":"{instance}",
            "host":"h","started":1,"cameras":{}}}"#,
            serde_json::to_string(cameras).unwrap()
        )
        .into()
    }

    #[test]
    fn a_node_whose_facts_are_missing_is_asked_for_them_ever_more_seldom() {
        let stats = br#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"cameras":{}}"#;
        let (mut cameras, attic) = (Cameras::default(), "attic".parse().unwrap());
        cameras.connected(at(0));
        let mut hear = |fact: Fact<'_>, payload: &[u8], seconds| {
            cameras.hear(&fact, payload, false, |_| None, at(seconds)).unwrap().unknown
        };
        let beat = |hear: &mut dyn FnMut(Fact<'_>, &[u8], u64) -> bool, seconds| {
            hear(Fact::Stats(&attic), stats, seconds)
        };
        assert!(!beat(&mut hear, 1), "they may be on their way");
        let asked: Vec<u64> = (4..400).step_by(10).filter(|&s| beat(&mut hear, s)).collect();
        assert_eq!(asked, [4, 14, 34, 74, 154, 314]);
        hear(Fact::Status(&attic), b"online", 400);
        hear(Fact::Info(&attic), &info("a", &["door"]), 400);
        assert!(beat(&mut hear, 1000), "the state of its camera is missing");
        hear(Fact::State(&id("attic/door")), &state("Door"), 1001);
        assert!(!beat(&mut hear, 9000));
    }

    #[test]
    fn a_camera_that_somebody_must_mend_is_told_until_it_works() {
        let mut wall = Wall::new();
        wall.status("attic", "online", 1);
        wall.state("attic/door", 1);
        assert!(wall.0.errors().is_empty());
        let say = |wall: &mut Wall, state: &str| {
            let state = format!(
                r#"{{"state":"{state}","reason":"crashed","detail":"a fault of Vitrina","since":1,"name":"x","device":"x"}}"#
            );
            wall.hear(&Fact::State(&id("attic/door")), state.as_bytes(), false, 2);
            wall.0.errors()
        };
        assert_eq!(say(&mut wall, "error"), ["attic/door: a fault of Vitrina"]);
        // One that is lost comes back by itself.
        assert!(say(&mut wall, "lost").is_empty());
        say(&mut wall, "error");
        wall.status("attic", "offline", 3);
        assert!(wall.0.errors().is_empty(), "the node is gone");
        wall.status("attic", "online", 4);
        assert_eq!(wall.0.errors().len(), 1);
        assert!(say(&mut wall, "idle").is_empty());
        for n in 0..TOLD + 5 {
            let camera = format!("attic/c{n}");
            wall.hear(
                &Fact::State(&id(&camera)),
                br#"{"state":"error","since":1,"name":"x","device":"x"}"#,
                false,
                5,
            );
        }
        assert_eq!(wall.0.errors().len(), TOLD + 1);
        assert_eq!(wall.0.errors()[TOLD], "and 5 cameras more");
    }

    struct Wall(Cameras);

    impl Wall {
        fn new() -> Self {
            let mut cameras = Cameras::default();
            cameras.connected(at(0));
            Wall(cameras)
        }

        fn hear(&mut self, fact: &Fact<'_>, payload: &[u8], retained: bool, now: u64) -> Heard {
            self.0.hear(fact, payload, retained, |_| None, at(now)).unwrap()
        }

        fn status(&mut self, node: &str, status: &str, now: u64) -> Heard {
            self.hear(&Fact::Status(&node.parse().unwrap()), status.as_bytes(), false, now)
        }

        fn state(&mut self, camera: &str, now: u64) -> Heard {
            self.hear(&Fact::State(&id(camera)), &state("x"), false, now)
        }

        fn shown(&self, camera: &str) -> (CameraState, Option<Why>) {
            let shown = self.0.get(&id(camera)).unwrap();
            (shown.state, shown.reason)
        }
    }

    const OFFLINE: (CameraState, Option<Why>) =
        (CameraState::Lost, Some(Why::Gallery(GalleryReason::NodeOffline)));
    const LIVE: (CameraState, Option<Why>) = (CameraState::Live, None);

    #[test]
    fn the_wall_is_ordered_by_node_and_camera() {
        let mut wall = Wall::new();
        for camera in ["b/a", "a/z", "a/b", "c/m"] {
            wall.state(camera, 1);
        }
        let order: Vec<String> = wall.0.list().iter().map(|c| c.camera.to_string()).collect();
        assert_eq!(order, ["a/b", "a/z", "b/a", "c/m"]);
    }

    #[test]
    fn a_camera_is_live_while_its_node_is_online() {
        let mut wall = Wall::new();
        wall.state("pi/door", 1);
        assert_eq!(wall.shown("pi/door"), OFFLINE, "nobody said that the node is there");
        assert!(wall.status("pi", "online", 2).online);
        assert_eq!(wall.shown("pi/door"), LIVE);
        assert!(wall.status("pi", "offline", 9).changed);
        assert_eq!(wall.shown("pi/door"), OFFLINE);
        let shown = wall.0.get(&id("pi/door")).unwrap();
        assert_eq!((shown.since, &*shown.detail), (at(9).wall_ms(), "pi is offline"));
        assert!(!wall.status("pi", "offline", 12).changed);
        assert_eq!(wall.0.get(&id("pi/door")).unwrap().since, at(9).wall_ms());
    }

    #[test]
    fn a_silent_node_is_offline_until_it_speaks() {
        let mut wall = Wall::new();
        wall.status("pi", "online", 1);
        wall.state("pi/door", 1);
        assert!(!wall.0.tick(at(35)));
        assert!(wall.0.tick(at(36)));
        assert!(!wall.0.tick(at(37)), "said once");
        assert_eq!(wall.shown("pi/door"), OFFLINE);
        let stats = br#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"cameras":{}}"#;
        let heard = wall.hear(&Fact::Stats(&"pi".parse().unwrap()), stats, false, 40);
        assert!(heard.changed && heard.online && heard.stats.is_some());
        assert_eq!(wall.shown("pi/door"), LIVE);
    }

    #[test]
    fn nobody_falls_silent_while_the_broker_is_away() {
        let mut wall = Wall::new();
        wall.status("pi", "online", 1);
        wall.state("pi/door", 1);
        wall.0.disconnected();
        assert!(!wall.0.tick(at(100)));
        assert_eq!(wall.shown("pi/door"), LIVE);
        wall.0.connected(at(101));
        assert!(!wall.0.tick(at(102)));
    }

    #[test]
    fn what_the_broker_does_not_tell_again_is_gone() {
        let mut wall = Wall::new();
        for camera in ["pi/door", "pi/roof", "old/cam"] {
            wall.state(camera, 1);
        }
        wall.0.disconnected();
        wall.0.connected(at(10));
        wall.state("pi/door", 11);
        assert!(!wall.0.tick(at(19)));
        assert_eq!(wall.0.list().len(), 3);
        assert!(wall.0.tick(at(20)));
        let left: Vec<String> = wall.0.list().iter().map(|c| c.camera.to_string()).collect();
        assert_eq!(left, ["pi/door"]);
        assert!(!wall.0.knows(&"old".parse().unwrap()));
    }

    #[test]
    fn an_empty_payload_forgets() {
        let mut wall = Wall::new();
        wall.status("pi", "offline", 1);
        wall.state("pi/door", 1);
        assert!(wall.hear(&Fact::State(&id("pi/door")), b"", false, 2).changed);
        assert!(!wall.hear(&Fact::State(&id("pi/door")), b"", false, 2).changed);
        assert_eq!(wall.0.list(), []);
        wall.status("pi", "", 3);
        assert!(!wall.0.knows(&"pi".parse().unwrap()));
    }

    #[test]
    fn a_leftover_of_an_earlier_run_is_lost() {
        let mut wall = Wall::new();
        let pi = "pi".parse().unwrap();
        wall.status("pi", "online", 1);
        wall.hear(&Fact::Info(&pi), &info("a", &["door"]), true, 1);
        wall.hear(&Fact::State(&id("pi/door")), &state("x"), true, 1);
        wall.hear(&Fact::State(&id("pi/roof")), &state("x"), true, 1);
        assert_eq!(wall.shown("pi/door"), LIVE);
        let unplugged = (CameraState::Lost, Some(Why::Node(Reason::Unplugged)));
        assert_eq!(wall.shown("pi/roof"), unplugged);
        assert!(wall.state("pi/roof", 2).changed, "the node tells it itself now");
        assert_eq!(wall.shown("pi/roof"), LIVE);
        wall.hear(&Fact::Info(&pi), &info("b", &[]), false, 3);
        assert_eq!(wall.shown("pi/roof"), unplugged, "the node was restarted without it");
    }

    #[test]
    fn a_stranger_cannot_fill_the_memory() {
        let mut wall = Wall::new();
        for i in 0..MOST {
            wall.state(&format!("n/c{i}"), 1);
        }
        let more = wall.0.hear(&Fact::State(&id("n/more")), &state("x"), false, |_| None, at(1));
        assert!(matches!(more, Err(Refused::TooMany)));
        wall.state("n/c1", 2);
        wall.hear(&Fact::State(&id("n/c1")), b"", false, 2);
        wall.state("n/more", 2);
        assert_eq!(wall.0.list().len(), MOST);
    }

    #[test]
    fn since_is_by_the_gallery_s_clock_and_not_in_the_future() {
        let mut wall = Wall::new();
        let payload = state("x");
        let door = id("pi/door");
        let fact = Fact::State(&door);
        wall.0.hear(&fact, &payload, false, |_| Some(at(3).wall_ms()), at(5)).unwrap();
        wall.status("pi", "online", 5);
        assert_eq!(wall.0.get(&door).unwrap().since, at(3).wall_ms());
        wall.0.hear(&Fact::State(&id("pi/b")), &payload, false, |_| Some(u64::MAX), at(5)).unwrap();
        assert_eq!(wall.0.get(&id("pi/b")).unwrap().since, at(5).wall_ms());
    }

    proptest! {
        #[test]
        fn any_messages_keep_the_count_right(
            messages in proptest::collection::vec((0u8..6, 0u8..3, 0u8..3, any::<bool>()), 0..60)
        ) {
            let mut wall = Wall::new();
            for (i, (what, node, camera, retained)) in messages.into_iter().enumerate() {
                let now = i as u64 * 4;
                let node_name = format!("n{node}").parse().unwrap();
                let camera = id(&format!("n{node}/c{camera}"));
                match what {
                    0 => drop(wall.hear(&Fact::State(&camera), &state("x"), retained, now)),
                    1 => drop(wall.hear(&Fact::State(&camera), b"", retained, now)),
                    2 => drop(wall.hear(&Fact::Status(&node_name), b"online", retained, now)),
                    3 => drop(wall.hear(&Fact::Status(&node_name), b"", retained, now)),
                    4 => wall.0.connected(at(now)),
                    _ => wall.0.disconnected(),
                }
                wall.0.tick(at(now));
                prop_assert_eq!(wall.0.list().len(), wall.0.count);
            }
        }
    }
}
