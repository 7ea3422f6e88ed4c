//! Turns the broker's messages into events.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Picture};
use crate::facts::ask::{Answer, Ask};
use crate::facts::camera::{CameraState, Reason, State};
use crate::facts::node::Status;
use crate::facts::payload::BadPayload;
use crate::facts::people::{Person, one_line};
use crate::facts::photo::{Author, Photo, PhotoEvent, Snap};
use crate::topics::filter;
use crate::topics::name::{CameraId, GalleryId, NodeName, PersonId, Root};
use crate::topics::topic::Topic;

/// The most that it follows of each: nodes, cameras, galleries and people.
const MOST: usize = 4000;

/// Others' texts are cut after this many characters.
const NAME: usize = 80;
const TEXT: usize = 300;

/// Turns the broker's messages into events. Pure: it remembers the state before.
#[derive(Debug, Default)]
pub struct Observer {
    nodes: BTreeMap<NodeName, Status>,
    galleries: BTreeMap<GalleryId, Status>,
    cameras: BTreeMap<CameraId, Seen>,
    people: BTreeMap<PersonId, Person>,
    /// Known from an earlier connection, but not yet seen on this one.
    doubtful: BTreeSet<PersonId>,
    connections: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    name: String,
    /// Whether it works, and if not why.
    trouble: Option<(CameraState, Option<Reason>)>,
}

impl Observer {
    /// The topics that it needs.
    pub fn filters(root: &Root) -> Vec<String> {
        let all = [
            // Galleries before people: people of an online gallery are here.
            filter::every_gallery,
            filter::every_person,
            filter::every_status,
            filter::every_state,
            filter::every_photo,
            filter::every_snap,
            filter::every_set,
            filter::every_set_title,
            filter::every_ask,
            filter::every_answer,
        ];
        all.iter().map(|filter| filter(root)).collect()
    }

    /// The connection is up, for the first time or again. Retained messages follow.
    pub fn connected(&mut self) {
        self.connections += 1;
        self.doubtful = self.people.keys().cloned().collect();
    }

    /// All retained messages have arrived. Whoever is not among them has left.
    pub fn retained_arrived(&mut self) -> Vec<Event> {
        let gone: Vec<PersonId> = std::mem::take(&mut self.doubtful).into_iter().collect();
        gone.iter().filter_map(|id| self.leave(id, true)).collect()
    }

    /// Processes one message, and ignores it if it means nothing new. `retained` is the broker's
    /// flag: what it retained before the first connection did not happen now.
    pub fn observe(&mut self, topic: &Topic, payload: &[u8], retained: bool) -> Vec<Event> {
        let events = self.take(topic, payload, retained).unwrap_or_default();
        if retained && self.connections <= 1 { Vec::new() } else { events }
    }

    /// Everybody who is here, by id.
    pub fn people(&self) -> impl Iterator<Item = (&PersonId, &str)> {
        let here = self.people.iter().filter(|(_, person)| self.is_here(person));
        here.map(|(id, person)| (id, person.name.as_str()))
    }

    /// The name of a person who is here.
    pub fn name(&self, id: &PersonId) -> Option<&str> {
        let person = self.people.get(id).filter(|person| self.is_here(person))?;
        Some(&person.name)
    }

    fn take(
        &mut self,
        topic: &Topic,
        payload: &[u8],
        retained: bool,
    ) -> Result<Vec<Event>, BadPayload> {
        let one = |event: Option<Event>| event.into_iter().collect();
        Ok(match topic {
            Topic::Status(node) if !node.is_browser() => {
                let changed = change(&mut self.nodes, node, status(payload)?);
                one(changed.map(|online| Event::Node { node: node.clone(), online }))
            }
            Topic::GalleryStatus(gallery) => self.gallery(gallery, status(payload)?),
            Topic::State(camera) => one(self.camera(camera, payload)?),
            Topic::Person(id) => one(match payload {
                [] => self.leave(id, false),
                _ => self.join(id, Person::parse(payload)?),
            }),
            // Retained messages of these kinds are old.
            _ if retained => Vec::new(),
            Topic::GalleryPhoto(_) => one(Some(match PhotoEvent::parse(payload)? {
                PhotoEvent::Stored { photo, back } => {
                    Event::Stored { picture: picture(*photo), back }
                }
                PhotoEvent::Changed { photo, what } => Event::Changed {
                    what,
                    caption: cut(&photo.caption, TEXT),
                    pinned: photo.pinned,
                    picture: picture(*photo),
                },
                PhotoEvent::Deleted { photo: Some(photo), .. } => {
                    Event::Deleted { picture: picture(*photo) }
                }
                PhotoEvent::Deleted { id: photo, photo: None } => {
                    let (camera, name, person, taken) = (None, String::new(), None, None);
                    Event::Deleted { picture: Picture { photo, camera, name, person, taken } }
                }
            })),
            Topic::Snap(camera) => {
                Snap::parse(payload)?;
                one(Some(Event::Snap { camera: camera.clone() }))
            }
            Topic::Set(camera, control) => one(Some(Event::Set {
                camera: camera.clone(),
                control: control.clone(),
                value: cut(&String::from_utf8_lossy(payload), NAME),
            })),
            Topic::SetTitle(node) => one(Some(Event::Titled {
                node: node.clone(),
                title: cut(&String::from_utf8_lossy(payload), NAME),
            })),
            Topic::Ask(node) => {
                let method = cut(&Ask::parse(payload)?.method, NAME);
                one(Some(Event::Ask { node: node.clone(), method }))
            }
            Topic::Answer(node) => {
                let error = Answer::parse(payload)?.error;
                one(error.map(|why| Event::Refused { node: node.clone(), why: cut(&why, TEXT) }))
            }
            _ => Vec::new(),
        })
    }

    fn gallery(&mut self, gallery: &GalleryId, status: Option<Status>) -> Vec<Event> {
        let of_it = |person: &Person| person.gallery.as_ref() == Some(gallery);
        let theirs: Vec<PersonId> =
            self.people.iter().filter(|(_, p)| of_it(p)).map(|(id, _)| id.clone()).collect();
        let before: Vec<bool> = theirs.iter().map(|id| self.name(id).is_some()).collect();
        let Some(online) = change(&mut self.galleries, gallery, status) else { return Vec::new() };
        let mut events = vec![Event::Gallery { gallery: gallery.clone(), online }];
        for (id, was_here) in theirs.iter().zip(before) {
            let Some(Person { name, .. }) = self.people.get(id) else { continue };
            let person = author(id, name);
            match (was_here, online) {
                (true, false) => events.push(Event::Left { person, lost: true }),
                (false, true) => events.push(Event::Joined { person }),
                _ => {}
            }
        }
        events
    }

    fn camera(&mut self, camera: &CameraId, payload: &[u8]) -> Result<Option<Event>, BadPayload> {
        if payload.is_empty() {
            let gone = self.cameras.remove(camera);
            // An earlier event already said that the page's camera is not shown any more.
            let gone = gone.filter(|_| !camera.node.is_browser());
            return Ok(
                gone.map(|Seen { name, .. }| Event::Forgotten { camera: camera.clone(), name })
            );
        }
        let told = State::parse(payload)?;
        let name = cut(told.called(), NAME);
        let State { state, reason, detail, .. } = told;
        let works = matches!(state, CameraState::Live | CameraState::Idle);
        let seen = Seen { name: name.clone(), trouble: (!works).then_some((state, reason)) };
        if !self.cameras.contains_key(camera) && self.cameras.len() >= MOST {
            return Ok(None);
        }
        let before = self.cameras.insert(camera.clone(), seen.clone());
        if before.is_some_and(|before| before.trouble == seen.trouble) {
            return Ok(None);
        }
        let detail = cut(&detail, TEXT);
        Ok(Some(Event::Camera { camera: camera.clone(), name, state, reason, detail }))
    }

    fn join(&mut self, id: &PersonId, person: Person) -> Option<Event> {
        self.doubtful.remove(id);
        if !self.people.contains_key(id) && self.people.len() >= MOST {
            return None;
        }
        let before = self.name(id).map(str::to_owned);
        self.people.insert(id.clone(), person);
        let name = self.name(id)?;
        let person = author(id, name);
        match before {
            None => Some(Event::Joined { person }),
            Some(before) => (before != name).then_some(Event::Renamed { person, before }),
        }
    }

    fn leave(&mut self, id: &PersonId, lost: bool) -> Option<Event> {
        self.doubtful.remove(id);
        let person = self.name(id).map(|name| author(id, name));
        self.people.remove(id);
        Some(Event::Left { person: person?, lost })
    }

    /// A person is here while their gallery is online.
    fn is_here(&self, person: &Person) -> bool {
        person
            .gallery
            .as_ref()
            .is_none_or(|gallery| self.galleries.get(gallery) == Some(&Status::Online))
    }
}

/// Whether `id` came or went, by its new status; none if the status is unchanged.
fn change<K: Ord + Clone>(
    all: &mut BTreeMap<K, Status>,
    id: &K,
    status: Option<Status>,
) -> Option<bool> {
    let before = all.get(id).copied();
    match status {
        Some(status) if before.is_some() || all.len() < MOST => {
            all.insert(id.clone(), status);
        }
        Some(_) => return None,
        None => {
            all.remove(id);
        }
    }
    let (was, is) = (before == Some(Status::Online), status == Some(Status::Online));
    (was != is).then_some(is)
}

fn status(payload: &[u8]) -> Result<Option<Status>, BadPayload> {
    if payload.is_empty() { Ok(None) } else { Status::parse(payload).map(Some) }
}

fn picture(photo: Photo) -> Picture {
    Picture {
        photo: photo.id,
        camera: photo.camera,
        name: cut(&photo.camera_name, NAME),
        person: photo.person.map(|Author { id, name }| author(&id, &name)),
        taken: Some(photo.taken),
    }
}

fn author(id: &PersonId, name: &str) -> Author {
    Author { id: id.clone(), name: cut(name, NAME) }
}

/// Another's text on one line, without invisible characters.
fn cut(text: &str, most: usize) -> String {
    one_line(text).chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn observe(observer: &mut Observer, topic: &str, payload: &str, retained: bool) -> Vec<String> {
        let topic = Topic::parse(&Root::default(), topic).unwrap();
        let events = observer.observe(&topic, payload.as_bytes(), retained);
        events.iter().map(ToString::to_string).collect()
    }

    fn now(observer: &mut Observer, topic: &str, payload: &str) -> Vec<String> {
        observe(observer, topic, payload, false)
    }

    fn connected() -> Observer {
        let mut observer = Observer::default();
        observer.connected();
        observer
    }

    #[test]
    fn nodes_and_their_cameras_come_and_go() {
        let o = &mut connected();
        assert!(observe(o, "vitrina/pi/status", "online", true).is_empty(), "it was before us");
        assert_eq!(now(o, "vitrina/pi/status", "offline"), ["pi is offline"]);
        assert_eq!(now(o, "vitrina/pi/status", "online"), ["pi is online"]);
        assert!(now(o, "vitrina/pi/status", "online").is_empty(), "said again");
        let state = |state: &str| {
            format!(r#"{{"state":{state},"since":1,"name":"Door\nAna joined","device":"d"}}"#)
        };
        assert_eq!(
            now(o, "vitrina/pi/door/state", &state("\"idle\"")),
            ["pi/door (Door Ana joined) works"]
        );
        assert!(now(o, "vitrina/pi/door/state", &state("\"live\"")).is_empty(), "that is no news");
        let lost = state(r#""lost","reason":"unplugged","detail":"unplugged""#);
        assert_eq!(
            now(o, "vitrina/pi/door/state", &lost),
            ["pi/door (Door Ana joined) is lost: unplugged"]
        );
        assert!(now(o, "vitrina/pi/door/state", &lost).is_empty());
        assert_eq!(now(o, "vitrina/pi/door/state", "").len(), 1);
        assert!(now(o, "vitrina/pi/door/state", "").is_empty());
        assert!(now(o, "vitrina/web-1/status", "online").is_empty(), "a person tells of that");
    }

    #[test]
    fn what_is_commanded_is_told_unless_it_is_retained() {
        let o = &mut connected();
        assert_eq!(now(o, "vitrina/pi/door/snap", ""), ["pi/door is asked for a photo"]);
        assert!(observe(o, "vitrina/pi/door/snap", "", true).is_empty());
        assert_eq!(now(o, "vitrina/pi/door/set/gain", "5"), ["pi/door is told to set gain to 5"]);
        assert_eq!(now(o, "vitrina/pi/set/title", "北\n门"), ["pi is told to set title to 北 门"]);
        assert_eq!(
            now(o, "vitrina/pi/door/set/title", ""),
            ["pi/door is told to set title to nothing"]
        );
        assert!(observe(o, "vitrina/pi/set/title", "x", true).is_empty());
        assert_eq!(
            now(o, "vitrina/pi/ask", r#"{"id":"1","method":"info"}"#),
            ["pi is asked: info"]
        );
        assert!(now(o, "vitrina/pi/answer", r#"{"id":"1","result":1}"#).is_empty());
        assert_eq!(
            now(o, "vitrina/pi/answer", r#"{"id":"1","error":"unplugged"}"#),
            ["pi cannot: unplugged"]
        );
    }

    #[test]
    fn photos_are_told_with_whom_they_come_from() {
        let o = &mut connected();
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../golden/photos.json")).unwrap();
        let tell = |o: &mut Observer, i: usize| {
            now(o, "vitrina/gallery/hall/photo", &golden["photo"][i].to_string())
        };
        assert_eq!(tell(o, 0), ["photo 01ARZ3NDEKTSV4RRFFQ69G5FAV of pi/front-door is stored"]);
        let cake = "photo 01BX5ZZKBKACTAV9WEVGEMMVS0 by Ana";
        assert_eq!(tell(o, 1), [format!("{cake} has the caption The cake")]);
        assert_eq!(tell(o, 2), ["photo 01ARZ3NDEKTSV4RRFFQ69G5FAV is deleted"]);
        let mut changed = golden["photo"][1].clone();
        changed["what"] = serde_json::json!(["caption", "pin"]);
        (changed["photo"]["caption"], changed["photo"]["pinned"]) = ("".into(), false.into());
        let told = now(o, "vitrina/gallery/hall/photo", &changed.to_string());
        assert_eq!(
            told,
            [format!("{cake} has no caption any more and is not pinned any more")],
            "what was taken away is told too"
        );
        let mut back = golden["photo"][0].clone();
        back["back"] = true.into();
        let told = now(o, "vitrina/gallery/hall/photo", &back.to_string());
        assert_eq!(told, ["photo 01ARZ3NDEKTSV4RRFFQ69G5FAV of pi/front-door is brought back"]);
    }

    const ANA: &str = r#"{"name":"Ana","since":1}"#;
    const EVA: &str = r#"{"name":"Eva","since":1,"gallery":"hall"}"#;

    #[test]
    fn people_are_here_while_their_gallery_is() {
        let o = &mut connected();
        assert_eq!(now(o, "vitrina/people/a", ANA), ["Ana joined"]);
        assert!(now(o, "vitrina/people/e", EVA).is_empty());
        assert_eq!(
            now(o, "vitrina/gallery/hall/status", "online"),
            ["gallery hall is online", "Eva joined"]
        );
        let eve = r#"{"name":"Eve","since":1,"gallery":"hall"}"#;
        assert_eq!(now(o, "vitrina/people/e", eve), ["Eva is now called Eve"]);
        assert_eq!(
            now(o, "vitrina/gallery/hall/status", "offline"),
            ["gallery hall is offline", "Eve left, the connection was lost"]
        );
        assert!(now(o, "vitrina/people/e", "").is_empty(), "she has left already");
        assert_eq!(now(o, "vitrina/people/a", ""), ["Ana left"]);
    }

    #[test]
    fn what_changed_while_the_broker_was_lost_is_told_at_the_return() {
        let o = &mut connected();
        observe(o, "vitrina/people/a", ANA, true);
        observe(o, "vitrina/people/l", r#"{"name":"Luz","since":1}"#, true);
        observe(o, "vitrina/pi/status", "online", true);
        assert!(o.retained_arrived().is_empty());
        o.connected();
        assert!(observe(o, "vitrina/people/a", ANA, true).is_empty());
        assert_eq!(observe(o, "vitrina/pi/status", "offline", true), ["pi is offline"]);
        let left: Vec<String> = o.retained_arrived().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["Luz left, the connection was lost"]);
        assert_eq!(o.people().map(|(_, name)| name).collect::<Vec<_>>(), ["Ana"]);
    }

    #[test]
    fn it_follows_no_more_than_so_many() {
        let o = &mut connected();
        for n in 0..MOST + 10 {
            now(o, &format!("vitrina/n{n}/status"), "online");
            now(o, &format!("vitrina/people/p{n}"), ANA);
        }
        assert_eq!((o.nodes.len(), o.people.len()), (MOST, MOST));
    }

    proptest! {
        #[test]
        fn any_bytes_are_events_or_none(topic in "vitrina/[a-z/]{0,30}", payload: Vec<u8>) {
            if let Ok(topic) = Topic::parse(&Root::default(), &topic) {
                let _ = connected().observe(&topic, &payload, false);
            }
        }
    }
}
