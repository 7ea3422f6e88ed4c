//! Who is here and what they say, as lines for a terminal.

use std::collections::{BTreeMap, BTreeSet};

use wire::people::{Person, Say};
use wire::{GalleryId, PersonId, Root, Status, Topic, filter};

/// More people, or galleries, are not known.
const MOST: usize = 2000;

/// The room by what the broker says of it. Times are those of the reader: others' clocks may be
/// wrong.
#[derive(Debug, Default)]
pub struct Room {
    people: BTreeMap<PersonId, Person>,
    online: BTreeSet<GalleryId>,
    /// Known from an earlier connection, and not told of on this one.
    doubtful: BTreeSet<PersonId>,
    /// What is retained has been heard: from now on, who comes has just come.
    is_settled: bool,
}

impl Room {
    /// The topics that it is made of.
    pub fn filters(root: &Root) -> [String; 3] {
        [filter::every_gallery(root), filter::every_person(root), filter::every_say(root)]
    }

    /// The connection was made anew.
    pub fn again(&mut self) {
        self.doubtful = self.people.keys().cloned().collect();
    }

    /// All that is retained has come. Gives who left unheard; the first time, who is here.
    pub fn settle(&mut self) -> Vec<String> {
        let before = self.here();
        for id in std::mem::take(&mut self.doubtful) {
            self.people.remove(&id);
        }
        if std::mem::replace(&mut self.is_settled, true) {
            return self.changes(&before);
        }
        let mut names: Vec<String> = before.keys().map(|id| self.label(id)).collect();
        names.sort();
        vec![if names.is_empty() {
            "nobody is here yet".to_owned()
        } else {
            format!("here: {}", names.join(", "))
        }]
    }

    /// Takes one message in. Gives the lines that it makes, mostly one or none.
    pub fn hear(&mut self, topic: &Topic, payload: &[u8]) -> Vec<String> {
        match topic {
            Topic::Say(id) if self.here().contains_key(id) => match Say::parse(payload) {
                Ok(say) => vec![self.said(id, &say.text)],
                Err(_) => Vec::new(),
            },
            Topic::Person(_) | Topic::GalleryStatus(_) => {
                let before = self.here();
                self.take(topic, payload);
                if self.is_settled { self.changes(&before) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn take(&mut self, topic: &Topic, payload: &[u8]) {
        match topic {
            Topic::Person(id) => {
                self.doubtful.remove(id);
                match Person::parse(payload) {
                    Ok(person) if self.people.contains_key(id) || self.people.len() < MOST => {
                        self.people.insert(id.clone(), person);
                    }
                    _ => {
                        self.people.remove(id);
                    }
                }
            }
            Topic::GalleryStatus(id) => {
                if Status::parse(payload).is_ok_and(|status| status == Status::Online) {
                    if self.online.len() < MOST {
                        self.online.insert(id.clone());
                    }
                } else {
                    self.online.remove(id);
                }
            }
            _ => {}
        }
    }

    /// Names by id. Whoever a gallery speaks for is here while it is.
    fn here(&self) -> BTreeMap<PersonId, String> {
        let is_here = |person: &Person| {
            person.gallery.as_ref().is_none_or(|gallery| self.online.contains(gallery))
        };
        let here = self.people.iter().filter(|(_, person)| is_here(person));
        here.map(|(id, person)| (id.clone(), person.name.clone())).collect()
    }

    fn changes(&self, before: &BTreeMap<PersonId, String>) -> Vec<String> {
        let now = self.here();
        let left = before.iter().filter(|(id, _)| !now.contains_key(id));
        let mut lines: Vec<String> = left.map(|(_, name)| format!("{name} left")).collect();
        for (id, name) in &now {
            match before.get(id) {
                None => lines.push(format!("{} joined", self.label(id))),
                Some(old) if old != name => {
                    lines.push(format!("{old} is called {} now", self.label(id)));
                }
                Some(_) => {}
            }
        }
        lines
    }

    fn said(&self, id: &PersonId, text: &str) -> String {
        // No line of a text can pass for one of somebody else.
        format!("{}: {}", self.label(id), text.replace('\n', "\n    "))
    }

    /// The name; with the id where somebody else has the same.
    fn label(&self, id: &PersonId) -> String {
        let here = self.here();
        let name = here.get(id).map_or("somebody", String::as_str);
        match here.values().filter(|other| *other == name).count() {
            0 | 1 => name.to_owned(),
            _ => format!("{name} ({id})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(room: &mut Room, topic: &str, payload: &str) -> Vec<String> {
        let topic = Topic::parse(&Root::default(), topic).unwrap();
        room.hear(&topic, payload.as_bytes())
    }

    const ANA: &str = r#"{"name":"Ana","since":1}"#;
    const SAY: &str = r#"{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","at":1,"text":"one\ntwo\u001b[2J"}"#;

    #[test]
    fn who_joins_leaves_and_speaks_is_told() {
        let mut room = Room::default();
        assert!(hear(&mut room, "vitrina/people/a", ANA).is_empty());
        assert_eq!(room.settle(), ["here: Ana"]);
        assert_eq!(hear(&mut room, "vitrina/people/b", ANA), ["Ana (b) joined"]);
        let luz = r#"{"name":"Luz","since":1}"#;
        assert_eq!(hear(&mut room, "vitrina/people/b", luz), ["Ana is called Luz now"]);
        assert_eq!(hear(&mut room, "vitrina/people/a/say", SAY), ["Ana: one\n    two[2J"]);
        assert_eq!(hear(&mut room, "vitrina/people/a", ""), ["Ana left"]);
        assert!(hear(&mut room, "vitrina/people/a/say", SAY).is_empty(), "who is not here");
    }

    #[test]
    fn who_is_here_is_told_by_name_whatever_the_ids() {
        let mut room = Room::default();
        hear(&mut room, "vitrina/people/z", ANA);
        hear(&mut room, "vitrina/people/a", r#"{"name":"Luz","since":1}"#);
        assert_eq!(room.settle(), ["here: Ana, Luz"]);
    }

    #[test]
    fn whom_a_gallery_speaks_for_is_here_while_it_is() {
        let mut room = Room::default();
        room.settle();
        let eva = r#"{"name":"Eva","since":1,"gallery":"hall"}"#;
        assert!(hear(&mut room, "vitrina/people/e", eva).is_empty());
        assert_eq!(hear(&mut room, "vitrina/gallery/hall/status", "online"), ["Eva joined"]);
        assert_eq!(hear(&mut room, "vitrina/gallery/hall/status", "offline"), ["Eva left"]);
    }

    #[test]
    fn who_left_while_we_were_away_is_told_at_our_return() {
        let mut room = Room::default();
        hear(&mut room, "vitrina/people/a", ANA);
        hear(&mut room, "vitrina/people/b", r#"{"name":"Luz","since":1}"#);
        room.settle();
        room.again();
        assert!(hear(&mut room, "vitrina/people/a", ANA).is_empty());
        assert_eq!(room.settle(), ["Luz left"]);
    }
}
