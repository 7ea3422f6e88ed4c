//! The log: what happened, one line each, derived from the broker's messages.
//!
//! The observer turns messages into lines, and keeps only what it needs to see a change. It knows
//! facts and topics; it writes and shows nothing.

mod observer;

use std::fmt;
use std::net::IpAddr;

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
    /// Somebody logged in on the wall.
    Login {
        /// The user's name.
        name: String,
        /// From where.
        address: IpAddr,
        /// What the device is called.
        device: String,
    },
    /// Somebody was logged out.
    Logout {
        /// The user's name.
        name: String,
        /// On how many devices.
        count: u64,
        /// Who did that, if it was somebody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// Passwords were wrong, or came too fast to be tried.
    Denied {
        /// From where; none if from many addresses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        /// How many.
        count: u64,
    },
    /// Who may come was changed.
    User {
        /// The user's name.
        name: String,
        /// The user's role; none of one that is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// What became of the user.
        change: Change,
        /// Who did that on the wall; none if it was done on the machine itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// More happened at once than the log accepts.
    Missed {
        /// How many lines are missing.
        count: u64,
    },
}

impl Event {
    /// Whether it happens at a gallery alone, and nothing at the broker tells of it.
    pub fn is_of_gallery(&self) -> bool {
        matches!(
            self,
            Event::Login { .. } | Event::Logout { .. } | Event::Denied { .. } | Event::User { .. }
        )
    }
}

/// What became of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// There was none of this name before.
    Made,
    /// It has another role, or may see other cameras or at other times.
    Changed,
    /// It has another password.
    Password,
    /// It is gone.
    Removed,
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
            Event::Login { name, address, device } => {
                write!(f, "{name} logged in from {address} ({device})")
            }
            Event::Logout { name, count, by } => {
                write!(f, "{name} was logged out")?;
                if *count > 1 {
                    write!(f, " on {count} devices")?;
                }
                by.as_ref().map_or(Ok(()), |by| write!(f, " by {by}"))
            }
            Event::Denied { address, count } => {
                let passwords = if *count == 1 { "password" } else { "passwords" };
                match address {
                    Some(address) => write!(f, "{count} wrong {passwords} from {address}"),
                    None => write!(f, "{count} wrong {passwords} from many addresses"),
                }
            }
            Event::User { name, role, change, by } => {
                let role = role.as_ref().map(|role| format!(", {role},")).unwrap_or_default();
                let change = match change {
                    Change::Made => "may come from now on",
                    Change::Changed => "may do something else from now on",
                    Change::Password => "has a new password",
                    Change::Removed => "may not come any more",
                };
                write!(f, "{name}{role} {change}")?;
                by.as_ref().map_or(Ok(()), |by| write!(f, ": {by} says so"))
            }
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

    const GOLDEN: &str = include_str!("../golden/log.json");
    const LOGINS: &str = include_str!("../golden/log-logins.json");

    #[test]
    fn golden_entries_are_read_and_written_back() {
        for (golden, of_gallery) in [(GOLDEN, false), (LOGINS, true)] {
            let raw: serde_json::Value = serde_json::from_str(golden).unwrap();
            let entries: Vec<Entry> = serde_json::from_str(golden).unwrap();
            assert!(entries.iter().all(|entry| entry.event.is_of_gallery() == of_gallery));
            assert_eq!(serde_json::to_value(&entries).unwrap(), raw);
        }
    }

    #[test]
    fn who_came_and_who_was_refused_is_told_in_words() {
        let entries: Vec<Entry> = serde_json::from_str(LOGINS).unwrap();
        let lines: Vec<String> = entries.iter().map(|entry| entry.event.to_string()).collect();
        assert_eq!(
            lines,
            [
                "marta logged in from 192.168.0.7 (Firefox on Linux)",
                "marta was logged out",
                "leo was logged out on 3 devices by marta",
                "1 wrong password from fd00::7",
                "1200 wrong passwords from many addresses",
                "leo, viewer, may come from now on: marta says so",
                "leo, operator, may do something else from now on: marta says so",
                "leo, operator, has a new password",
                "leo may not come any more",
            ]
        );
    }
}
