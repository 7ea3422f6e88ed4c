//! The state of every node and camera, from their retained facts.
//!
//! A pure state machine: messages and the time go in, the cameras in the wall's order come out. Its
//! size is bounded, because anybody who may publish can invent names.

mod asking;
mod disk;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use wire::page::{self, GalleryReason, Why};
use wire::{
    BadPayload, CameraId, CameraName, CameraState, GalleryId, Info, Kind, NodeName, Reason, State,
    Stats, Status, Topic,
};

use crate::live::frames::Shape;
use crate::now::{Micros, Now};
use crate::record::away::Times;
use asking::Asking;
use disk::Disk;

/// The most nodes, and the most cameras, that are remembered.
pub(crate) const MOST: usize = 1000;

/// The most cameras that are logged one by one.
const TOLD: usize = 20;

/// A node that says it is online counts as offline after this much silence: three and a half
/// heartbeats.
const SILENT_AFTER: Micros = 35_000_000;

/// A fact is gone if it does not come again within this time after the broker came back: nodes that
/// lost the broker too need up to 5 s to find it.
const CONFIRMED_WITHIN: Micros = 10_000_000;

/// Until then facts may be on their way and need no question.
const SETTLED_AFTER: Micros = 3_000_000;

#[derive(Debug, Default)]
pub(crate) struct Cameras {
    nodes: BTreeMap<NodeName, Node>,
    count: usize,
    /// Since when nodes are away, also of an earlier life of the gallery. A sign of life ends it.
    away: Times,
    /// The galleries that are offline, and with them the browsers that they speak for.
    offline: BTreeSet<GalleryId>,
    /// Counts the connections to the broker; each fact carries the one that confirmed it.
    connection: u64,
    /// When unconfirmed facts of earlier connections are dropped.
    confirm_by: Option<Micros>,
    connected: bool,
    /// When nodes may next be asked for their facts: one question reaches all.
    ask_after: Micros,
}

#[derive(Debug, Default)]
struct Node {
    status: Option<Status>,
    info: Option<Info>,
    cameras: BTreeMap<CameraName, Camera>,
    confirmed: u64,
    /// When the node last sent anything, by the monotonic clock.
    last_seen: Micros,
    silent: bool,
    /// Since when it is offline or silent, in milliseconds since 1970.
    gone_since: u64,
    disk: Disk,
    asking: Asking,
}

#[derive(Debug)]
struct Camera {
    state: State,
    /// `state.since` in the gallery's clock.
    since: u64,
    /// Whether the running node sent this; otherwise it may be a leftover at the broker.
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
pub(crate) struct Changes {
    /// Whether the wall has changed.
    pub changed: bool,
    /// Whether the node came online, so that it needs the wants.
    pub online: bool,
    /// Whether its heartbeat comes, but not all of its facts did: it must be asked for them.
    pub unknown: bool,
    /// The clocks in a heartbeat.
    pub stats: Option<Stats>,
}

/// Why a message was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Payload(#[from] BadPayload),
    #[error("there are {MOST} already, the most that the gallery remembers")]
    TooMany,
}

impl Cameras {
    /// Takes a message. `retained` says that the broker stored it; `local` converts a time of the
    /// node's wall clock into the gallery's.
    pub fn receive(
        &mut self,
        fact: &Fact<'_>,
        payload: &[u8],
        retained: bool,
        local: impl Fn(u64) -> Option<u64>,
        now: Now,
    ) -> Result<Changes, Refused> {
        let (Fact::Status(name) | Fact::Info(name) | Fact::Stats(name)) = fact else {
            let Fact::State(id) = fact else { return Ok(Changes::default()) };
            return self.receive_state(id, payload, retained, local, now);
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
                node.last_seen = now.mono;
                if status == Status::Offline && changed {
                    self.left(name, now);
                } else if status == Status::Online && !retained {
                    self.away.remove(*name);
                }
                // Even if it was online before: it may be a new process, which knows no wants.
                let online = status == Status::Online;
                Ok(Changes { changed, online, ..Changes::default() })
            }
            Fact::Info(_) => {
                let info = Info::parse(payload)?;
                let back = self.alive(name, retained, now)?;
                let node = self.node(name, now)?;
                if node.info.as_ref().is_some_and(|old| old.instance != info.instance) {
                    node.cameras.values_mut().for_each(|camera| camera.told = false);
                }
                let changed = back || node.info.as_ref() != Some(&info);
                node.info = Some(info);
                Ok(Changes { changed, ..Changes::default() })
            }
            _ => {
                let stats = Stats::parse(payload)?;
                let may_ask = !retained && now.mono >= self.ask_after;
                let changed = self.alive(name, retained, now)?;
                let node = self.node(name, now)?;
                node.disk = Disk::of(&stats);
                let is_known = node.is_known();
                let unknown = may_ask && node.asking.ask(is_known, now.mono);
                if unknown {
                    self.ask_after = now.mono + asking::FIRST;
                }
                Ok(Changes { changed, online: changed, unknown, stats: Some(stats) })
            }
        }
    }

    fn receive_state(
        &mut self,
        id: &CameraId,
        payload: &[u8],
        retained: bool,
        local: impl Fn(u64) -> Option<u64>,
        now: Now,
    ) -> Result<Changes, Refused> {
        if payload.is_empty() {
            let Some(node) = self.nodes.get_mut(&id.node) else { return Ok(Changes::default()) };
            let changed = node.cameras.remove(&id.camera).is_some();
            self.count -= usize::from(changed);
            self.drop_if_empty(&id.node);
            return Ok(Changes { changed, ..Changes::default() });
        }
        let state = State::parse(payload)?;
        let (full, connection) = (self.count >= MOST, self.connection);
        let back = self.alive(&id.node, retained, now)?;
        let node = self.node(&id.node, now)?;
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
            return Ok(Changes { changed, ..Changes::default() });
        }
        let since = local(state.since).unwrap_or(state.since).min(now.wall_ms());
        let camera = Camera { state, since, told, confirmed: connection };
        let new = node.cameras.insert(id.camera.clone(), camera).is_none();
        self.count += usize::from(new);
        Ok(Changes { changed: true, ..Changes::default() })
    }

    /// A gallery came online or went offline. Returns whether the wall has changed.
    pub fn receive_gallery(&mut self, gallery: &GalleryId, offline: bool) -> bool {
        if offline {
            self.offline.len() < MOST && self.offline.insert(gallery.clone())
        } else {
            self.offline.remove(gallery)
        }
    }

    /// A picture of the camera came, so its node lives. `false` if the camera is not on the wall.
    pub fn receive_picture(&mut self, id: &CameraId, now: Now) -> bool {
        let is_shown = self.shows(id);
        if let Some(node) = self.nodes.get_mut(&id.node).filter(|_| is_shown) {
            node.last_seen = now.mono;
        }
        is_shown
    }

    /// Since when nodes are away, as an earlier life of the gallery knew.
    pub fn remember(&mut self, since: Times, now: Now) {
        let past = since.into_iter().map(|(node, time)| (node, time.min(now.wall_ms())));
        self.away = past.take(MOST).collect();
    }

    /// Since when nodes are away.
    pub fn away(&self) -> &Times {
        &self.away
    }

    /// The broker was reached; retained facts come again now.
    pub fn connected(&mut self, now: Now) {
        self.connection += 1;
        self.connected = true;
        self.confirm_by = Some(now.mono + CONFIRMED_WITHIN);
        self.ask_after = now.mono + SETTLED_AFTER;
        // Nobody can be blamed for silence while we were not connected.
        self.nodes.values_mut().for_each(|node| node.last_seen = now.mono);
    }

    /// The broker was lost: everything stays as it was.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.confirm_by = None;
    }

    /// Time passed. Returns whether the wall has changed.
    pub fn tick(&mut self, now: Now) -> bool {
        let mut changed = false;
        if !self.connected {
            return false;
        }
        for (name, node) in &mut self.nodes {
            if node.is_online() && now.mono.saturating_sub(node.last_seen) >= SILENT_AFTER {
                node.silent = true;
                node.gone_since = *self.away.entry(name.clone()).or_insert(now.wall_ms());
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
            self.away.retain(|name, _| self.nodes.contains_key(name));
            let left = self.nodes.values().map(|node| node.cameras.len()).sum();
            changed |= left != self.count;
            self.count = left;
        }
        changed
    }

    /// The cameras in the wall's order: by node, then by name.
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

    /// Which cameras need somebody to repair them: sentences for people.
    pub fn errors(&self) -> Vec<String> {
        let all = self.list().into_iter().filter(|camera| camera.state == CameraState::Error);
        let tell = |page::Camera { camera, detail, .. }: page::Camera| {
            let detail = if detail.is_empty() { "does not work" } else { &detail };
            format!("{camera}: {detail}")
        };
        let mut told: Vec<String> = all.map(tell).collect();
        if told.len() > TOLD {
            let more = told.split_off(TOLD).len();
            told.push(format!("and {more} more cameras"));
        }
        told
    }

    /// The sizes and pace of a camera's pictures, while it works.
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

    /// Whether a node is online; none if it is not known.
    pub fn is_online(&self, node: &NodeName) -> Option<bool> {
        self.nodes.get(node).map(Node::is_online)
    }

    /// What the broker retains of a node and its cameras, with the payloads that say whether they
    /// are here; a silent node is not. Of some facts only the topics are known.
    pub fn facts(&self, name: &NodeName) -> Vec<(Topic, String)> {
        let Some(node) = self.nodes.get(name) else { return Vec::new() };
        let mut facts = Vec::new();
        for (camera, known) in &node.cameras {
            let id = CameraId { node: name.clone(), camera: camera.clone() };
            facts.push((Topic::State(id.clone()), known.state.to_json()));
            facts.push((Topic::Controls(id.clone()), String::new()));
            facts.push((Topic::Motion(id), String::new()));
        }
        let status = if node.is_online() { Status::Online } else { Status::Offline };
        let info = node.info.as_ref().map_or_else(String::new, Info::to_json);
        facts.push((Topic::Info(name.clone()), info));
        // Last: what is left of a node without it looks gone.
        facts.push((Topic::Status(name.clone()), status.as_str().to_owned()));
        facts
    }

    /// Whether the camera is known, also if the wall does not show it.
    pub fn has(&self, id: &CameraId) -> bool {
        self.nodes.get(&id.node).is_some_and(|node| node.cameras.contains_key(&id.camera))
    }

    pub fn knows(&self, node: &NodeName) -> bool {
        self.nodes.contains_key(node)
    }

    fn node(&mut self, name: &NodeName, now: Now) -> Result<&mut Node, Refused> {
        if !self.nodes.contains_key(name) {
            if self.nodes.len() >= MOST {
                return Err(Refused::TooMany);
            }
            let node = Node { last_seen: now.mono, gone_since: now.wall_ms(), ..Node::default() };
            self.nodes.insert(name.clone(), node);
        }
        let node = self.nodes.entry(name.clone()).or_default();
        node.confirmed = self.connection;
        Ok(node)
    }

    /// A node is away from now on, if it was not before.
    fn left(&mut self, name: &NodeName, now: Now) {
        let since = *self.away.entry(name.clone()).or_insert(now.wall_ms());
        if let Some(node) = self.nodes.get_mut(name) {
            node.gone_since = since;
        }
    }

    /// Notes a sign of life; a retained message is none. Returns whether it ends a silence.
    fn alive(&mut self, name: &NodeName, retained: bool, now: Now) -> Result<bool, Refused> {
        let node = self.node(name, now)?;
        if retained {
            return Ok(false);
        }
        node.last_seen = now.mono;
        let back = std::mem::take(&mut node.silent);
        // Facts that a node says at its end come before its status.
        if node.status != Some(Status::Offline) {
            self.away.remove(name);
        }
        Ok(back)
    }

    fn forget(&mut self, fact: &Fact<'_>, name: &NodeName) -> Changes {
        let Some(node) = self.nodes.get_mut(name) else { return Changes::default() };
        match fact {
            Fact::Status(_) => node.status = None,
            Fact::Info(_) => node.info = None,
            Fact::Stats(_) | Fact::State(_) => return Changes::default(),
        }
        let changed = !node.cameras.is_empty();
        self.drop_if_empty(name);
        Changes { changed, ..Changes::default() }
    }

    fn drop_if_empty(&mut self, name: &NodeName) {
        if self.nodes.get(name).is_some_and(|node| {
            node.status.is_none() && node.info.is_none() && node.cameras.is_empty()
        }) {
            self.nodes.remove(name);
            self.away.remove(name);
        }
    }
}

impl Node {
    fn is_online(&self) -> bool {
        self.status == Some(Status::Online) && !self.silent
    }

    /// Whether all its facts have come.
    fn is_known(&self) -> bool {
        let is_here = |camera| self.cameras.contains_key(camera);
        self.status == Some(Status::Online)
            && self.info.as_ref().is_some_and(|info| info.cameras.iter().all(is_here))
    }

    fn show(&self, node: &NodeName, camera: &CameraName, known: &Camera) -> page::Camera {
        let Camera { state, since, told, .. } = known;
        let mut shown = page::Camera {
            camera: CameraId { node: node.clone(), camera: camera.clone() },
            name: match state.called() {
                "" => camera.to_string(),
                called => called.to_owned(),
            },
            node_title: self.info.as_ref().map_or_else(String::new, |info| info.title.clone()),
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
            // The broker retained the camera's state from before the node's restart.
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
