//! Messages of the broker about people, their talk and their cameras, and messages for it.

use wire::people::{Line, Person, Say, What};
use wire::{Info, State, Status, Topic, Want};

use super::{Out, People, Room};
use crate::now::Now;

impl People {
    /// Takes a message from the broker and ignores what does not concern people.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn receive(&self, topic: &Topic, payload: &[u8], retained: bool) -> Result<(), String> {
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
                if presence.receive(id, person, retained, now).map_err(full)? {
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
                    return Err("the person who says this is not here".to_owned());
                };
                if room.received.take(id.clone(), now.since_boot()).is_err() {
                    room.dropped += 1;
                    return Err("too much at once; it is dropped".to_owned());
                }
                // The event of coming precedes the first words.
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
                // A new gallery may use a broker that does not give it retained messages.
                if room.presence.receive_gallery(gallery, status) && !retained {
                    room.tell_all();
                }
            }
            Topic::State(camera) if camera.node.is_browser() => {
                let state = State::parse(payload).ok().map(|state| state.state);
                let is_shown = state.is_some_and(|state| state != wire::CameraState::Off);
                self.room().presence.receive_camera(camera, is_shown);
            }
            Topic::Info(node) if node.is_browser() && retained => {
                let Ok(info) = Info::parse(payload) else { return Ok(()) };
                let Room { cameras, outbox, .. } = &mut *self.room();
                cameras.receive_info(node, &info, outbox);
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

    /// The broker was reached and gets everything.
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

    /// The next message for the broker.
    pub fn next_out(&self) -> Option<Out> {
        self.room().outbox.take()
    }

    /// The gallery stops and clears what it published.
    pub fn farewell(&self) {
        let Room { presence, cameras, outbox, .. } = &mut *self.room();
        for (id, _) in presence.facts() {
            outbox.put(Out::Fact(Topic::Person(id.clone()), String::new()));
        }
        cameras.clear_all(outbox);
    }
}

impl Room {
    /// Tells the broker who is here and which cameras they show.
    fn tell_all(&mut self) {
        let Room { presence, cameras, outbox, .. } = self;
        for (id, person) in presence.facts() {
            outbox.put(Out::Fact(Topic::Person(id.clone()), person.to_json()));
        }
        cameras.tell_all(outbox);
    }
}
