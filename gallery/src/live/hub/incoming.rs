//! Takes the broker's messages, one by one.

use std::sync::{MutexGuard, OnceLock};

use bytes::Bytes;
use tracing::{info, warn};
use wire::{
    Answer, CameraId, Cause, GalleryId, NodeName, Size, Stamp, Status, TimeSource, Topic, limits,
};

use super::{COMPLAINTS, Hub, State, health};
use crate::live::cameras::Fact;
use crate::live::clocks::Reading;
use crate::live::frames::{Dropped, Frame};
use crate::now::{self, Now};
use crate::photos::election::{Order, Then};
use crate::photos::ingest::{Bad, Refusal};
use crate::photos::snaps::SnapError;

/// In milliseconds since 1970. A clock before this was never set.
const YEAR_2020: u64 = 1_577_836_800_000;

impl Hub {
    /// Takes a message from the broker and ignores what a gallery does not need.
    ///
    /// # Errors
    /// Why it was refused, only the first time for a topic, so that it is worth logging.
    pub fn receive(&self, topic: &Topic, payload: Bytes, retained: bool) -> Result<(), String> {
        self.journal.receive(topic, &payload, retained);
        let people = self.people.receive(topic, &payload, retained);
        let taken = people.and_then(|()| match topic {
            Topic::Status(node) => self.receive_fact(&Fact::Status(node), &payload, retained),
            Topic::Info(node) => self.receive_fact(&Fact::Info(node), &payload, retained),
            Topic::Stats(node) => self.receive_fact(&Fact::Stats(node), &payload, retained),
            Topic::State(camera) => self.receive_fact(&Fact::State(camera), &payload, retained),
            Topic::Preview(camera) => self.receive_picture(camera, payload, None),
            Topic::Live(camera, size) => self.receive_picture(camera, payload, Some(*size)),
            Topic::Snapshot(camera) => self.receive_snapshot(camera, payload),
            Topic::Answer(node) => self.receive_answer(node, &payload),
            Topic::GalleryStatus(id) => self.receive_gallery(id, &payload, retained),
            Topic::GalleryCome(id) if !retained => self.receive_come(id, &payload),
            _ => Ok(()),
        });
        taken.or_else(|why| {
            let mut state = self.state();
            state.refused += 1;
            let first =
                state.complained.len() < COMPLAINTS && state.complained.insert(topic.clone());
            if first { Err(why) } else { Ok(()) }
        })
    }

    fn receive_fact(&self, fact: &Fact<'_>, payload: &[u8], retained: bool) -> Result<(), String> {
        let now = Now::read();
        let mut state = self.state();
        let State { cameras, clocks, arrivals, .. } = &mut *state;
        let (Fact::Status(node) | Fact::Info(node) | Fact::Stats(node)) = *fact else {
            let Fact::State(camera) = *fact else { return Ok(()) };
            let local = |at| clocks.to_local(&camera.node, at, now);
            let changes = cameras.receive(fact, payload, retained, local, now);
            if changes.map_err(|e| e.to_string())?.changed {
                // A camera that does not work gives no shape and shows no pictures.
                if let Some(shape) = cameras.shape(camera) {
                    self.frames.shape(camera, shape);
                }
                if let Some(known) = cameras.get(camera) {
                    self.store.roll().note(camera, &known.name);
                }
                self.changed.notify_one();
            }
            return Ok(());
        };
        let changes =
            cameras.receive(fact, payload, retained, |_| None, now).map_err(|e| e.to_string())?;
        if let Some(stats) = &changes.stats {
            let (mono, at) = (stats.mono.saturating_mul(1000), stats.at.saturating_mul(1000));
            clocks.observe(node, Reading { boot: &stats.boot, mono, at, age: 0 }, now.mono);
            let fps = |rates: [f32; 3]| rates.into_iter().fold(0.0, f32::max);
            let wanted = self.frames.wants().into_iter().map(|(camera, it)| (camera, fps(it)));
            for (camera, dark) in arrivals.beat(node, stats, wanted) {
                warn!(%camera, "{}", health::explain(dark));
            }
        }
        if changes.changed {
            self.changed.notify_one();
        }
        if changes.online {
            self.node_online.notify_one();
        }
        // Each node sends all its facts when it receives that a gallery is online.
        if changes.unknown {
            self.say_online.notify_one();
        }
        Ok(())
    }

    fn receive_picture(
        &self,
        camera: &CameraId,
        jpeg: Bytes,
        size: Option<Size>,
    ) -> Result<(), String> {
        let now = Now::read();
        if jpeg.len() > limits::PICTURE {
            return Err(format!("{} bytes; the most is {}", jpeg.len(), limits::PICTURE));
        }
        let stamp = Stamp::find(&jpeg).ok_or("not a JPEG with Vitrina's stamp")?;
        if stamp.camera != *camera {
            return Err(format!("its stamp says {}", stamp.camera));
        }
        let captured = {
            let mut state = self.state();
            if !state.cameras.receive_picture(camera, now) {
                // Its state comes before long, and then the next picture.
                return Ok(());
            }
            if size.is_some() {
                state.arrivals.came(camera);
            }
            let Stamp { boot, mono, at, ages, .. } = &stamp;
            let age = ages.map_or(0, |ages| ages.made.into());
            let reading = Reading { boot, mono: *mono, at: *at, age };
            state.clocks.observe(&camera.node, reading, now.mono)
        };
        let Stamp { seq, mono, boot, ages, .. } = stamp;
        let jpeg = jpeg.into();
        let (received, first, memory) = (now.mono, OnceLock::new(), None);
        let frame = Frame { jpeg, seq, captured, received, size, ages, mono, boot, first, memory };
        match self.frames.offer(camera, frame) {
            // A late picture is no fault.
            Ok(()) | Err(Dropped::Old) => Ok(()),
            Err(Dropped::Full) => Err("the memory for pictures is full".to_owned()),
        }
    }

    /// A snapshot, new or offered again.
    fn receive_snapshot(&self, camera: &CameraId, jpeg: Bytes) -> Result<(), String> {
        if !self.state().election.stores() {
            return Ok(());
        }
        let snapshot = self.ingest.read(camera, jpeg).map_err(|Bad { id, why }| {
            if let Some(id) = id {
                self.ingest.refuse(&camera.node, &id, &why);
            }
            why
        })?;
        let now = Now::read();
        let (name, captured) = {
            let state = self.state();
            let Stamp { boot, mono, .. } = &snapshot.stamp;
            let name = state.cameras.get(camera).map(|known| known.name);
            (name, state.clocks.captured(&camera.node, boot, *mono, now))
        };
        let name = name.unwrap_or_else(|| camera.to_string());
        // The node has restarted since: its own clock is better than the time of receipt, unless it
        // is plainly wrong.
        let told = snapshot.stamp.at / 1000;
        let told = Some(told).filter(|told| (YEAR_2020..=now.wall_ms()).contains(told));
        match captured.or(told) {
            Some(taken) => self.ingest.store(snapshot, name, taken, TimeSource::Camera),
            None => self.ingest.store(snapshot, name, now.wall_ms(), TimeSource::Received),
        }
        Ok(())
    }

    /// A node cannot do what it was asked.
    fn receive_answer(&self, node: &NodeName, payload: &[u8]) -> Result<(), String> {
        let answer = Answer::parse(payload).map_err(|e| e.to_string())?;
        if wire::title::is_answered_by(&answer.id) {
            // Perhaps nobody waits for it.
            let _ = self.answers.send((node.clone(), answer));
            return Ok(());
        }
        let Answer { id, error, cause, .. } = answer;
        // Other questions have other ids.
        if let (Ok(id), Some(why)) = (id.parse(), error) {
            let why = match cause {
                Some(Cause::Storage) => SnapError::Full(why),
                _ => SnapError::Refused(why),
            };
            self.ingest.refused(Refusal { node: node.clone(), id, why });
        }
        Ok(())
    }

    fn receive_gallery(
        &self,
        id: &GalleryId,
        payload: &[u8],
        retained: bool,
    ) -> Result<(), String> {
        // A cleared status belongs to a gallery that will not come back.
        let status = match payload {
            [] => Status::Offline,
            _ => Status::parse(payload).map_err(|e| e.to_string())?,
        };
        let mut state = self.state();
        if !retained && state.election.is_me(id) {
            state.echo.end();
        }
        if state.cameras.receive_gallery(id, status == Status::Offline) {
            self.changed.notify_one();
        }
        let then = state.election.receive(id, status, retained);
        self.apply(state, then);
        Ok(())
    }

    fn receive_come(&self, id: &GalleryId, payload: &[u8]) -> Result<(), String> {
        let mut state = self.state();
        let then = match payload {
            [] => state.election.receive_come(id),
            told => {
                let told = Order::parse(told);
                let (order, other) = told.ok_or("neither empty nor `before ID` or `after ID`")?;
                state.election.receive_order(id, order, &other)
            }
        };
        self.apply(state, then);
        Ok(())
    }

    /// A gallery that must be told which of the two came before.
    pub fn next_order(&self) -> Option<(GalleryId, Order)> {
        self.state().election.next_order()
    }

    /// Acts on what follows from another gallery's message.
    fn apply(&self, mut state: MutexGuard<'_, State>, then: Then) {
        self.say_come.notify_one();
        if then == Then::SayOnline {
            self.say_online.notify_one();
        }
        let other = state.election.other().map(|other| {
            format!(
                "Gallery {other} came first and stores the photos; this one only shows. If that \
                 one will not come back: vitrina forget gallery/{other}"
            )
        });
        // Until the other gallery is known, nothing changes.
        if other != state.view_only && (other.is_some() || state.election.stores()) {
            match &other {
                Some(why) => warn!(why, "view only"),
                None => info!("this gallery stores the photos now"),
            }
            self.store.set_view_only(other.clone());
            state.view_only = other;
            self.notices.send_replace(state.notices());
        }
    }

    pub fn broker_found(&self) {
        self.people.connected();
        self.journal.connected();
        let mut state = self.state();
        state.election.connected();
        state.cameras.connected(Now::read());
        state.complained.clear();
        state.denied.clear();
        state.arrivals.clear();
        state.echo.begin(now::mono());
        state.broker_lost = false;
        self.notices.send_replace(state.notices());
    }

    /// The broker does not let this gallery read something.
    pub fn refused(&self, filter: String) {
        let mut state = self.state();
        if state.denied.len() < COMPLAINTS {
            state.denied.insert(filter);
        }
    }

    pub fn broker_lost(&self) {
        self.people.disconnected();
        let mut state = self.state();
        state.cameras.disconnected();
        state.clearing.clear();
        state.echo.end();
        if !std::mem::replace(&mut state.broker_lost, true) {
            self.notices.send_replace(state.notices());
        }
    }
}
