//! Who is here: people who joined at this gallery, and people whom the broker announces.
//!
//! A pure state machine: joins, messages and the time go in, changes come out. Its size is bounded,
//! because anybody who may publish can invent people.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::mem;

use wire::people::{Person, Present, What};
use wire::{Author, CameraId, CameraName, GalleryId, PersonId, Status};

use crate::now::{Micros, Now};

/// The most people who join at this gallery.
pub(crate) const OURS: usize = 1000;

/// The most people of others that are remembered.
const THEIRS: usize = 2000;

/// The most galleries that are remembered.
const GALLERIES: usize = 1000;

/// A reloaded page is back within this time, so that nobody sees its person leave.
const GRACE: Micros = 3_000_000;

/// A person who is not announced again within this time after the broker came back is gone.
const CONFIRMED_WITHIN: Micros = 10_000_000;

/// A connection of a page.
pub(crate) type Device = u64;

#[derive(Debug)]
pub(crate) struct Presence {
    me: GalleryId,
    people: HashMap<PersonId, Entry>,
    ours: usize,
    galleries: HashMap<GalleryId, Status>,
    /// The cameras that people show, also of people who are not known yet.
    cameras: HashMap<PersonId, BTreeSet<CameraName>>,
    /// Our people without a device, by when they leave.
    leaving: BTreeSet<(Micros, PersonId)>,
    connection: u64,
    confirm_by: Option<Micros>,
    changed: BTreeSet<PersonId>,
    happened: Vec<(Author, What)>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    since: u64,
    whose: Whose,
}

#[derive(Debug)]
enum Whose {
    Ours { devices: BTreeSet<Device>, lost: bool },
    Theirs { gallery: Option<GalleryId>, confirmed: u64 },
}

/// The changes since they were last taken.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub here: Vec<Present>,
    pub gone: Vec<PersonId>,
    /// Events for the talk, in order.
    pub happened: Vec<(Author, What)>,
}

/// There is no room for one more.
#[derive(Debug, PartialEq)]
pub(crate) struct Full;

impl Presence {
    pub fn new(me: GalleryId) -> Self {
        Presence {
            me,
            people: HashMap::new(),
            ours: 0,
            galleries: HashMap::new(),
            cameras: HashMap::new(),
            leaving: BTreeSet::new(),
            connection: 0,
            confirm_by: None,
            changed: BTreeSet::new(),
            happened: Vec::new(),
        }
    }

    /// A device of a person is here, or the person has a new name. Returns the person's fact for
    /// the broker, if that is new.
    pub fn join(
        &mut self,
        id: &PersonId,
        device: Device,
        name: &str,
        now: Now,
    ) -> Result<Option<Person>, Full> {
        if let Some(entry) = self.people.get_mut(id)
            && let Whose::Ours { devices, lost } = &mut entry.whose
        {
            devices.insert(device);
            *lost = false;
            self.leaving.retain(|(_, leaving)| leaving != id);
            if entry.name == name {
                return Ok(None);
            }
            let before = mem::replace(&mut entry.name, name.to_owned());
            let fact = entry.fact(&self.me);
            self.tell(id, name, What::Renamed { before });
            return Ok(Some(fact));
        }
        if self.ours >= OURS {
            return Err(Full);
        }
        let whose = Whose::Ours { devices: BTreeSet::from([device]), lost: false };
        let entry = Entry { name: name.to_owned(), since: now.wall_ms(), whose };
        let fact = entry.fact(&self.me);
        // Whoever published something under this id had no right to it.
        self.people.insert(id.clone(), entry);
        self.ours += 1;
        self.tell(id, name, What::Joined);
        Ok(Some(fact))
    }

    /// A device is gone: after a farewell, by closing, or `lost`. The person leaves with the last
    /// device, at once after a `farewell`. Returns whether they have left.
    pub fn part(
        &mut self,
        id: &PersonId,
        device: Device,
        farewell: bool,
        is_lost: bool,
        now: Now,
    ) -> bool {
        let Some(Entry { whose: Whose::Ours { devices, lost }, .. }) = self.people.get_mut(id)
        else {
            return false;
        };
        if !devices.remove(&device) || !devices.is_empty() {
            return false;
        }
        *lost = is_lost;
        if farewell {
            self.remove(id);
        } else {
            self.leaving.insert((now.mono + GRACE, id.clone()));
        }
        farewell
    }

    /// Time passed. Returns those of our people who left.
    pub fn tick(&mut self, now: Now) -> Vec<PersonId> {
        let mut left = Vec::new();
        while let Some((at, _)) = self.leaving.first()
            && *at <= now.mono
        {
            let Some((_, id)) = self.leaving.pop_first() else { break };
            self.remove(&id);
            left.push(id);
        }
        if self.confirm_by.is_some_and(|by| now.mono >= by) {
            self.confirm_by = None;
            let connection = self.connection;
            for id in self.theirs(|_, confirmed| confirmed != connection) {
                self.lose(&id, self.is_here(&id));
            }
        }
        left
    }

    /// When the next of our people leaves, unless they come back.
    pub fn next_leaves(&self) -> Option<Micros> {
        self.leaving.first().map(|(at, _)| *at)
    }

    /// The broker announces a person, or that one left. Returns whether it is a leftover of ours,
    /// which must be cleared.
    pub fn receive(
        &mut self,
        id: &PersonId,
        person: Option<Person>,
        retained: bool,
        now: Now,
    ) -> Result<bool, Full> {
        let known = self.people.get(id);
        if matches!(known, Some(Entry { whose: Whose::Ours { .. }, .. })) {
            return Ok(false);
        }
        let Some(Person { name, since, gallery }) = person else {
            self.remove(id);
            return Ok(false);
        };
        if gallery.as_ref() == Some(&self.me) {
            return Ok(retained);
        }
        let status = gallery.as_ref().and_then(|gallery| self.galleries.get(gallery));
        if status == Some(&Status::Offline) {
            return Ok(false);
        }
        if known.is_none() && self.people.len() - self.ours >= THEIRS {
            return Err(Full);
        }
        let was_here = self.is_here(id);
        let whose = Whose::Theirs { gallery, confirmed: self.connection };
        // Another machine's clock may be wrong.
        let since = if retained { since.min(now.wall_ms()) } else { now.wall_ms() };
        let since = known.map_or(since, |known| known.since);
        let entry = Entry { name: name.clone(), since, whose };
        let before = self.people.insert(id.clone(), entry).map(|entry| entry.name);
        match before {
            Some(before) if was_here => {
                if before != name {
                    self.tell(id, &name, What::Renamed { before });
                }
            }
            _ => self.came(id),
        }
        Ok(false)
    }

    /// The broker says whether a gallery is online. If not, the people who joined there are gone.
    /// Returns whether it is another gallery that has just come.
    pub fn receive_gallery(&mut self, gallery: &GalleryId, status: Option<Status>) -> bool {
        if *gallery == self.me {
            return false;
        }
        let Some(status) = status else {
            self.galleries.remove(gallery);
            return false;
        };
        if self.galleries.len() >= GALLERIES && !self.galleries.contains_key(gallery) {
            return false;
        }
        let was_here = self.galleries.insert(gallery.clone(), status) == Some(Status::Online);
        let theirs = || self.theirs(|theirs, _| theirs == Some(gallery));
        match status {
            Status::Offline => theirs().iter().for_each(|id| self.lose(id, was_here)),
            Status::Online if !was_here => theirs().iter().for_each(|id| self.came(id)),
            Status::Online => {}
        }
        status == Status::Online && !was_here
    }

    /// The broker says whether a browser's camera is shown.
    pub fn receive_camera(&mut self, camera: &CameraId, is_shown: bool) {
        let Some(id) = super::person_of(&camera.node) else { return };
        let before = self.camera(&id);
        if is_shown {
            if self.cameras.len() < OURS + THEIRS || self.cameras.contains_key(&id) {
                let cameras = self.cameras.entry(id.clone()).or_default();
                if cameras.len() < 8 {
                    cameras.insert(camera.camera.clone());
                }
            }
        } else if let Some(cameras) = self.cameras.get_mut(&id) {
            cameras.remove(&camera.camera);
            if cameras.is_empty() {
                self.cameras.remove(&id);
            }
        }
        if self.camera(&id) != before {
            self.changed.insert(id);
        }
    }

    /// The broker was reached; retained facts come again now.
    pub fn connected(&mut self, now: Now) {
        self.connection += 1;
        self.confirm_by = Some(now.mono + CONFIRMED_WITHIN);
    }

    /// The broker was lost: everything stays as it was.
    pub fn disconnected(&mut self) {
        self.confirm_by = None;
    }

    /// The changes since this was last called.
    pub fn changes(&mut self) -> Changes {
        let mut changes = Changes { happened: self.happened(), ..Changes::default() };
        for id in mem::take(&mut self.changed) {
            match self.present(&id) {
                Some(present) => changes.here.push(present),
                None => changes.gone.push(id),
            }
        }
        changes
    }

    /// The events for the talk since they, or all changes, were last taken.
    pub fn happened(&mut self) -> Vec<(Author, What)> {
        mem::take(&mut self.happened)
    }

    /// Everybody, in the order of coming.
    pub fn list(&self) -> Vec<Present> {
        let mut list: Vec<Present> = self.people.keys().filter_map(|id| self.present(id)).collect();
        list.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        list
    }

    /// The facts for the broker of people who joined here.
    pub fn facts(&self) -> impl Iterator<Item = (&PersonId, Person)> {
        self.people.iter().filter_map(|(id, entry)| match entry.whose {
            Whose::Ours { .. } => Some((id, entry.fact(&self.me))),
            Whose::Theirs { .. } => None,
        })
    }

    /// The author of a line, if that person is here.
    pub fn author(&self, id: &PersonId) -> Option<Author> {
        let name = self.people.get(id).filter(|_| self.is_here(id))?.name.clone();
        Some(Author { id: id.clone(), name })
    }

    fn is_here(&self, id: &PersonId) -> bool {
        match self.people.get(id).map(|entry| &entry.whose) {
            None => false,
            Some(Whose::Ours { .. } | Whose::Theirs { gallery: None, .. }) => true,
            // Until its gallery is known to be online, this may be a leftover.
            Some(Whose::Theirs { gallery: Some(gallery), .. }) => {
                self.galleries.get(gallery) == Some(&Status::Online)
            }
        }
    }

    fn present(&self, id: &PersonId) -> Option<Present> {
        let entry = self.people.get(id).filter(|_| self.is_here(id))?;
        Some(Present {
            id: id.clone(),
            name: entry.name.clone(),
            since: entry.since,
            camera: self.camera(id),
        })
    }

    fn camera(&self, id: &PersonId) -> Option<CameraId> {
        let camera = self.cameras.get(id)?.first()?.clone();
        Some(CameraId { node: super::node_of(id), camera })
    }

    fn tell(&mut self, id: &PersonId, name: &str, what: What) {
        self.changed.insert(id.clone());
        self.happened.push((Author { id: id.clone(), name: name.to_owned() }, what));
    }

    fn came(&mut self, id: &PersonId) {
        if let Some(Author { name, .. }) = self.author(id) {
            self.tell(id, &name, What::Joined);
        }
    }

    fn remove(&mut self, id: &PersonId) {
        let was_here = self.is_here(id);
        let Some(Entry { name, whose, .. }) = self.people.remove(id) else { return };
        let lost = match whose {
            Whose::Ours { lost, .. } => {
                self.ours -= 1;
                lost
            }
            Whose::Theirs { .. } => false,
        };
        if was_here {
            self.tell(id, &name, What::Left { lost });
        }
    }

    /// The people of other galleries for whom `applies` is true.
    fn theirs(&self, applies: impl Fn(Option<&GalleryId>, u64) -> bool) -> Vec<PersonId> {
        let applies = |entry: &Entry| match &entry.whose {
            Whose::Ours { .. } => false,
            Whose::Theirs { gallery, confirmed } => applies(gallery.as_ref(), *confirmed),
        };
        let theirs = self.people.iter().filter(|(_, entry)| applies(entry));
        theirs.map(|(id, _)| id.clone()).collect()
    }

    fn lose(&mut self, id: &PersonId, was_here: bool) {
        let Some(Entry { name, .. }) = self.people.remove(id) else { return };
        if was_here {
            self.tell(id, &name, What::Left { lost: true });
        }
    }
}

impl Entry {
    fn fact(&self, gallery: &GalleryId) -> Person {
        Person { name: self.name.clone(), since: self.since, gallery: Some(gallery.clone()) }
    }
}
