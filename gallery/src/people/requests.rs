//! Pages' requests to join, to talk and to show a camera: done, or held back with a reason.

use std::net::IpAddr;

use wire::people::{self, Say};
use wire::{CameraId, PersonId, PhotoId, Resolution, Topic, limits};

use super::cameras::Shown;
use super::presence::{self, Device};
use super::{NAMES, Out, People, Room};
use crate::now::Now;

/// The result of a line that somebody sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saying {
    /// It is on its way.
    New,
    /// It is in the talk already; its id is known.
    Known,
}

/// A request that is not done now: why, and in how many seconds it may be, if ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// In how many seconds it may be done; `None` for never.
    pub seconds: Option<f32>,
    /// Why it is not done, in words for who asked.
    pub why: String,
}

impl Held {
    pub(crate) fn never(why: impl Into<String>) -> Self {
        Held { seconds: None, why: why.into() }
    }

    pub(crate) fn after(seconds: f32, why: impl Into<String>) -> Self {
        Held { seconds: Some(seconds), why: why.into() }
    }
}

impl People {
    pub(super) fn join(
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
                    Held::after(seconds, "you have changed your name too often")
                })?;
            }
            _ => joins.take(address, now.since_boot()).map_err(|seconds| {
                Held::after(seconds, "too many have joined from your address just now")
            })?,
        }
        let full =
            format!("{} people are here already, the most that there can be", presence::OURS);
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

    pub(super) fn part(&self, person: &PersonId, device: Device, farewell: bool, lost: bool) {
        let Room { presence, outbox, .. } = &mut *self.room();
        if presence.part(person, device, farewell, lost, Now::read()) {
            outbox.put(Out::Fact(Topic::Person(person.clone()), String::new()));
        }
        self.notify();
    }

    pub(super) fn say(
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
        let fast = |seconds| Held::after(seconds, "you say too much at once");
        room.says.take(person.clone(), now.since_boot()).map_err(fast)?;
        room.says_of_address
            .take(address, now.since_boot())
            .map_err(|seconds| Held::after(seconds, "too much is being said from your address"))?;
        if !room.outbox.has_room() {
            return Err(Held::after(5.0, "the gallery cannot reach the broker just now"));
        }
        let say = Say { id: id.unwrap_or_else(|| now.new_id()), at: now.wall_ms(), text };
        room.outbox.put(Out::Say(Topic::Say(person.clone()), say.to_json()));
        drop(room);
        self.outgoing.notify_one();
        Ok(Saying::New)
    }

    pub(super) fn show(
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

    pub(super) fn end(&self, person: &PersonId, camera: &CameraId, lost: bool) {
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
}
