//! The log: what happened, one line each, derived from the broker's messages.
//!
//! The observer turns messages into lines, and keeps only what it needs to see a change. It knows
//! facts and topics; it writes and shows nothing.

mod observer;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::camera::{CameraState, Reason};
use crate::facts::photo::{Author, Mark};
use crate::topics::name::{CameraId, CameraName, GalleryId, NodeName, PhotoId};

pub use observer::Observer;

/// A line of a gallery's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in that gallery's log; later lines have greater numbers.
    pub id: u64,
    /// When, in milliseconds since 1970 by the gallery's clock.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What a line of the log says of a photo, so that readers can identify it even after its deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Which one.
    pub photo: PhotoId,
    /// The camera that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraId>,
    /// The name that people gave that camera.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who took or brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Author>,
    /// When it was taken, in milliseconds since 1970; none in lines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A node came or went.
    Node {
        /// Which one.
        node: NodeName,
        /// It is here now.
        online: bool,
    },
    /// A gallery came or went.
    Gallery {
        /// Which one.
        gallery: GalleryId,
        /// It is here now.
        online: bool,
    },
    /// A camera works now, or has stopped.
    Camera {
        /// Which one.
        camera: CameraId,
        /// The name that people gave it.
        name: String,
        /// What it is doing; it works in both `live` and `idle`.
        state: CameraState,
        /// Why it does not work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// The reason as a sentence, in English.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The broker's facts about a camera were cleared.
    Forgotten {
        /// Which one.
        camera: CameraId,
        /// The name that people gave it.
        name: String,
    },
    /// A photo was stored, or brought back after it was deleted.
    Stored {
        /// Which one.
        #[serde(flatten)]
        picture: Picture,
        /// It was deleted before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        back: bool,
    },
    /// A photo's caption or pin changed.
    Changed {
        /// Which one.
        #[serde(flatten)]
        picture: Picture,
        /// What changed; empty if the gallery does not say.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        what: Vec<Mark>,
        /// Its caption now.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        caption: String,
        /// It is kept for good now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pinned: bool,
    },
    /// A photo was deleted.
    Deleted {
        /// Which one.
        #[serde(flatten)]
        picture: Picture,
    },
    /// Somebody came.
    Joined {
        /// Who.
        person: Author,
    },
    /// Somebody left.
    Left {
        /// Who.
        person: Author,
        /// Their gallery, or the connection to it, was lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
    },
    /// Somebody changed their name.
    Renamed {
        /// Who, with the present name.
        person: Author,
        /// Their earlier name.
        before: String,
    },
    /// Somebody asks a camera for a photo.
    Snap {
        /// Which one.
        camera: CameraId,
    },
    /// Somebody sets a control of a camera.
    Set {
        /// Which camera.
        camera: CameraId,
        /// Which control.
        control: CameraName,
        /// The new value.
        value: String,
    },
    /// Somebody gives a node a title, or takes it away.
    Titled {
        /// Which one.
        node: NodeName,
        /// The title; empty if it is taken away.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        title: String,
    },
    /// Somebody asks a node something.
    Ask {
        /// Which one.
        node: NodeName,
        /// The method.
        method: String,
    },
    /// A node cannot do what somebody asked.
    Refused {
        /// Which one.
        node: NodeName,
        /// Why, as a sentence in English.
        why: String,
    },
    /// More happened at once than the log accepts.
    Missed {
        /// How many lines are missing.
        count: u64,
    },
}

/// The event as a line of English.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |online: &bool| if *online { "is online" } else { "is offline" };
        match self {
            Event::Node { node, online } => write!(f, "{node} {}", is(online)),
            Event::Gallery { gallery, online } => write!(f, "gallery {gallery} {}", is(online)),
            Event::Camera { camera, name, state, detail, .. } => {
                let state = match state {
                    CameraState::Live | CameraState::Idle => "works",
                    CameraState::Lost => "is lost",
                    CameraState::Off => "is off",
                    CameraState::Error => "is in trouble",
                };
                write!(f, "{camera} ({name}) {state}")?;
                if detail.is_empty() { Ok(()) } else { write!(f, ": {detail}") }
            }
            Event::Forgotten { camera, name } => write!(f, "{camera} ({name}) is forgotten"),
            Event::Stored { picture, back: false } => write!(f, "{picture} is stored"),
            Event::Stored { picture, back: true } => write!(f, "{picture} is brought back"),
            Event::Changed { picture, what, caption, pinned } => {
                write!(f, "{picture} ")?;
                let caption = match caption.as_str() {
                    "" => "has no caption any more".to_owned(),
                    caption => format!("has the caption {caption}"),
                };
                let pin = if *pinned { "is pinned" } else { "is not pinned any more" };
                match (what.contains(&Mark::Caption), what.contains(&Mark::Pin)) {
                    (true, true) => write!(f, "{caption} and {pin}"),
                    (true, false) => f.write_str(&caption),
                    (false, true) => f.write_str(pin),
                    (false, false) => f.write_str("is changed"),
                }
            }
            Event::Deleted { picture } => write!(f, "{picture} is deleted"),
            Event::Joined { person } => write!(f, "{} joined", person.name),
            Event::Left { person, lost: false } => write!(f, "{} left", person.name),
            Event::Left { person, lost: true } => {
                write!(f, "{} left, the connection was lost", person.name)
            }
            Event::Renamed { person, before } => {
                write!(f, "{before} is now called {}", person.name)
            }
            Event::Snap { camera } => write!(f, "{camera} is asked for a photo"),
            Event::Set { camera, control, value } if value.is_empty() => {
                write!(f, "{camera} is told to set {control} to nothing")
            }
            Event::Set { camera, control, value } => {
                write!(f, "{camera} is told to set {control} to {value}")
            }
            Event::Titled { node, title } if title.is_empty() => {
                write!(f, "{node} is told to set title to nothing")
            }
            Event::Titled { node, title } => write!(f, "{node} is told to set title to {title}"),
            Event::Ask { node, method } => write!(f, "{node} is asked: {method}"),
            Event::Refused { node, why } => write!(f, "{node} cannot: {why}"),
            Event::Missed { count } => write!(f, "{count} more happened than the log takes"),
        }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "photo {}", self.photo)?;
        match (&self.person, &self.camera) {
            (Some(Author { name, .. }), _) => write!(f, " by {name}"),
            (None, Some(camera)) => write!(f, " of {camera}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_entries_are_read_and_written_back() {
        let golden = include_str!("../golden/log.json");
        let raw: serde_json::Value = serde_json::from_str(golden).unwrap();
        let entries: Vec<Entry> = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(&entries).unwrap(), raw);
    }
}
