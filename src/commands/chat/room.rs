//! Who is here and what they say, as lines for a terminal.

use std::collections::VecDeque;

use wire::log::{Event, Observer};
use wire::people::Say;
use wire::{PersonId, PhotoId, Root, Topic, filter};

/// How many of the last message ids are remembered, to recognise repetitions.
const KNOWN: usize = 1000;

/// The people and their messages, as the broker delivers them. Times are the reader's, because
/// others' clocks may be wrong.
#[derive(Debug, Default)]
pub struct Room {
    observer: Observer,
    /// All retained messages have arrived: later arrivals are new.
    has_retained: bool,
    /// The ids of the last messages.
    known: VecDeque<PhotoId>,
}

impl Room {
    /// The topics to subscribe to.
    pub fn filters(root: &Root) -> [String; 3] {
        [filter::every_gallery(root), filter::every_person(root), filter::every_say(root)]
    }

    /// The connection is up, for the first time or again.
    pub fn connected(&mut self) {
        self.observer.connected();
    }

    /// Call this when all retained messages have arrived. Returns who left meanwhile; the first
    /// time, who is here.
    pub fn retained_arrived(&mut self) -> Vec<String> {
        let gone = self.observer.retained_arrived();
        if std::mem::replace(&mut self.has_retained, true) {
            return gone.iter().filter_map(|event| self.line(event)).collect();
        }
        let mut names: Vec<String> = self.observer.people().map(|(id, _)| self.label(id)).collect();
        names.sort();
        vec![if names.is_empty() {
            "nobody is here yet".to_owned()
        } else {
            format!("here: {}", names.join(", "))
        }]
    }

    /// Handles one message. Returns the lines that it makes, mostly one or none.
    pub fn receive(&mut self, topic: &Topic, payload: &[u8]) -> Vec<String> {
        match topic {
            Topic::Say(id) if self.observer.name(id).is_some() => match Say::parse(payload) {
                Ok(say) if !self.known.contains(&say.id) => {
                    if self.known.len() >= KNOWN {
                        self.known.pop_front();
                    }
                    self.known.push_back(say.id);
                    vec![self.said(id, &say.text)]
                }
                _ => Vec::new(),
            },
            Topic::Person(_) | Topic::GalleryStatus(_) => {
                let events = self.observer.observe(topic, payload, false);
                let events = events.iter().filter(|_| self.has_retained);
                events.filter_map(|event| self.line(event)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn line(&self, event: &Event) -> Option<String> {
        match event {
            Event::Joined { person } => Some(format!("{} joined", self.label(&person.id))),
            Event::Left { .. } | Event::Renamed { .. } => Some(event.to_string()),
            _ => None,
        }
    }

    fn said(&self, id: &PersonId, text: &str) -> String {
        // Indents further lines, so that none can pass for a message of somebody else.
        format!("{}: {}", self.label(id), text.replace('\n', "\n    "))
    }

    /// The name; with the id where somebody else has the same.
    fn label(&self, id: &PersonId) -> String {
        let name = self.observer.name(id).unwrap_or("somebody");
        match self.observer.people().filter(|(_, other)| *other == name).count() {
            0 | 1 => name.to_owned(),
            _ => format!("{name} ({id})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(room: &mut Room, topic: &str, payload: &str) -> Vec<String> {
        let topic = Topic::parse(&Root::default(), topic).unwrap();
        room.receive(&topic, payload.as_bytes())
    }

    const ANA: &str = r#"{"name":"Ana","since":1}"#;
    const SAY: &str = r#"{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","at":1,"text":"one\ntwo\u001b[2J"}"#;

    #[test]
    fn arrivals_departures_and_messages_are_lines() {
        let mut room = Room::default();
        assert!(receive(&mut room, "vitrina/people/a", ANA).is_empty());
        assert_eq!(room.retained_arrived(), ["here: Ana"]);
        assert_eq!(receive(&mut room, "vitrina/people/b", ANA), ["Ana (b) joined"]);
        let luz = r#"{"name":"Luz","since":1}"#;
        assert_eq!(receive(&mut room, "vitrina/people/b", luz), ["Ana is now called Luz"]);
        assert_eq!(receive(&mut room, "vitrina/people/a/say", SAY), ["Ana: one\n    two[2J"]);
        assert!(receive(&mut room, "vitrina/people/a/say", SAY).is_empty(), "it is said again");
        assert_eq!(receive(&mut room, "vitrina/people/a", ""), ["Ana left"]);
        assert!(receive(&mut room, "vitrina/people/a/say", SAY).is_empty(), "who is not here");
    }

    #[test]
    fn people_are_listed_by_name_whatever_their_ids() {
        let mut room = Room::default();
        receive(&mut room, "vitrina/people/z", ANA);
        receive(&mut room, "vitrina/people/a", r#"{"name":"Luz","since":1}"#);
        assert_eq!(room.retained_arrived(), ["here: Ana, Luz"]);
    }

    #[test]
    fn people_are_here_while_their_gallery_is() {
        let mut room = Room::default();
        room.retained_arrived();
        let eva = r#"{"name":"Eva","since":1,"gallery":"hall"}"#;
        assert!(receive(&mut room, "vitrina/people/e", eva).is_empty());
        assert_eq!(receive(&mut room, "vitrina/gallery/hall/status", "online"), ["Eva joined"]);
        assert_eq!(
            receive(&mut room, "vitrina/gallery/hall/status", "offline"),
            ["Eva left, the connection was lost"]
        );
    }

    #[test]
    fn departures_during_an_outage_are_told_after_it() {
        let mut room = Room::default();
        receive(&mut room, "vitrina/people/a", ANA);
        receive(&mut room, "vitrina/people/b", r#"{"name":"Luz","since":1}"#);
        room.retained_arrived();
        room.connected();
        assert!(receive(&mut room, "vitrina/people/a", ANA).is_empty());
        assert_eq!(room.retained_arrived(), ["Luz left, the connection was lost"]);
    }
}
