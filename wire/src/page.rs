//! The messages on the page's WebSocket: JSON objects with a `type`, and binary frames.
//!
//! The page has its own reader in TypeScript; both read the golden files. This knows facts and
//! names, but not how a gallery keeps them.

pub mod frame;

use serde::{Deserialize, Serialize};

use crate::facts::camera::{CameraState, Reason, Resolution};
use crate::facts::node::Kind;
use crate::facts::people::{Line, Present};
use crate::facts::photo::PhotoEvent;
use crate::log::Entry;
use crate::topics::name::{CameraId, PersonId, PhotoId};

/// The most tiles that a page may watch at once.
pub const TILES: usize = 256;

/// The longest silence of a gallery, in milliseconds.
pub const ALIVE_MS: u64 = 2000;

/// A message from the page.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromPage {
    /// All its tiles, at each change. They replace those of an earlier message.
    Watch {
        /// At most [`TILES`].
        tiles: Vec<Tile>,
    },
    /// The page is hidden: send nothing, and do not treat it as stalled.
    Pause,
    /// The page is shown again.
    Resume,
    /// Somebody is here, or has a new name from now on.
    Join {
        /// The name that they want.
        name: String,
        /// Their id, if the gallery has given them one before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PersonId>,
        /// The secret that proves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// They leave.
    Leave,
    /// They say something to all.
    Say {
        /// The text: 1 to [`crate::limits::SAY`] characters.
        text: String,
        /// The id of the line, a ULID, which the page makes. A repeated line with the same id is in
        /// the talk only once. Without an id the gallery makes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PhotoId>,
    },
    /// They show their camera from now on; the frames that follow come from it; see
    /// [`crate::frame::Own`].
    Share {
        /// The camera's name for people.
        name: String,
        /// The size of its full picture.
        size: Resolution,
    },
    /// They stop showing their camera.
    Unshare,
    /// Start or stop sending log lines.
    Log {
        /// Whether to send them.
        follow: bool,
    },
    /// Start or stop sending each second's measurements.
    Measure {
        /// Whether to send them.
        on: bool,
    },
}

/// A place on the page where a camera's frames are drawn.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Tile {
    /// The page's number for it, which its frames carry.
    pub tile: u16,
    /// The camera.
    pub camera: CameraId,
    /// How wide it is, in device pixels.
    pub width: u32,
    /// The most frames a second that it wants.
    pub fps: f32,
}

/// A message from the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToPage {
    /// Which page the gallery serves: the first message. A page that is another one was opened
    /// before the gallery changed.
    Hello {
        /// The page's build.
        page: String,
    },
    /// Who the page's user is, and what they may do: after `hello`, and at each change. It is also
    /// what `GET /api/me` answers.
    Me(Me),
    /// All cameras in the order of the wall: at the start, and at each change.
    Cameras {
        /// The gallery's clock, in milliseconds since 1970.
        now: u64,
        /// The cameras.
        cameras: Vec<Camera>,
    },
    /// Everything that a visitor should know now: at the start, and at each change. An empty list
    /// means that all is well.
    Notice {
        /// The notices.
        notices: Vec<Notice>,
    },
    /// A photo was stored, changed or deleted. For earlier ones, and after a lost connection, a
    /// page asks `GET /api/photos`.
    Photo(PhotoEvent),
    /// The answer to `join`.
    You {
        /// The public id.
        id: PersonId,
        /// The secret that proves it; the browser keeps it.
        key: String,
        /// Their name, which may be shorter than they asked for.
        name: String,
    },
    /// Everybody who is here: at the start, and when there were too many changes since then.
    People {
        /// In the order in which they came.
        people: Vec<Present>,
    },
    /// Some people came, changed or left.
    Presence {
        /// Those who are here now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        here: Vec<Present>,
        /// Those who left.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<PersonId>,
    },
    /// Lines of the talk, oldest first: at the start the last [`crate::limits::TALK`], later the
    /// new ones. A line may come twice; its id shows that.
    Talk {
        /// The lines.
        lines: Vec<Line>,
    },
    /// A line with this id is in the talk already.
    Said {
        /// The id of the line.
        id: PhotoId,
    },
    /// The gallery does not pass on the line or the name.
    Held {
        /// The line or the name.
        text: String,
        /// The line's id, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PhotoId>,
        /// When to send it again, in seconds from now; none means never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f32>,
        /// Why, as a sentence in English.
        why: String,
    },
    /// The rates that others want of the page's camera, in frames a second; 0 is none.
    Wanted {
        /// Of the full picture.
        full: f32,
        /// Of the picture at half of each side.
        half: f32,
        /// Of the picture at a quarter of each side.
        quarter: f32,
        /// Of the preview, at most [`crate::limits::PREVIEW_WIDTH`] wide.
        preview: f32,
        /// How many people watch, as far as the askers say; the page itself may be one.
        looking: u32,
    },
    /// Lines of the log, oldest first: the last [`crate::limits::LOG`] when the page begins to
    /// follow it or missed some, later the new ones. `GET /api/log` has earlier lines.
    Log {
        /// The lines.
        entries: Vec<Entry>,
    },
    /// The connection works, but there was nothing else to send for [`ALIVE_MS`].
    Alive {
        /// The gallery's clock, in milliseconds since 1970.
        now: u64,
    },
    /// A frame of the page's camera has arrived; two may be on their way.
    Got {
        /// The frame's number.
        seq: u32,
    },
    /// What the page's tiles got since the last such message.
    Measured {
        /// The tiles for which the page answered a frame.
        tiles: Vec<Measured>,
    },
}

/// Somebody on the wall, and what they may do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// Whether people have logins here. Without them everybody who is let in may do everything.
    pub users: bool,
    /// Whether they may make the first administrator.
    pub setup: bool,
    /// The name that they logged in with.
    pub name: Option<String>,
    /// As what; none where nobody has a login.
    pub role: Option<MyRole>,
    /// What they may do, such as `look`.
    pub rights: Vec<String>,
    /// The cameras that they may see, as patterns such as `house/*`; none means all.
    pub cameras: Option<Vec<String>>,
    /// From when to when they may look; none means always.
    pub hours: Option<Span>,
    /// Whether the page came by HTTPS.
    pub secure: bool,
    /// Who can change any of this; empty for who has not logged in.
    pub administrators: Vec<String>,
}

/// As what somebody is on the wall of a house where people have logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MyRole {
    /// May do everything, and say who else may come.
    Admin,
    /// May do everything else.
    Operator,
    /// May look and talk.
    Viewer,
    /// Has not logged in.
    Visitor,
}

/// A part of each day, in local time: `HH:MM` both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first minute.
    pub from: String,
    /// The minute behind the last.
    pub to: String,
}

/// The frames of a tile that the page answered: how many, and the parts of their age. Times are
/// means, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The page's number for the tile.
    pub tile: u16,
    /// Frames a second.
    pub fps: f32,
    /// From the capture until the node had the frame, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<f32>,
    /// From there until the node had made the picture, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<f32>,
    /// From there until the gallery had it, if the node's clock is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<f32>,
    /// From there until the gallery sent it.
    pub gallery: f32,
    /// From there until the page's answer came; the page answers when it has drawn the frame.
    pub answer: f32,
}

/// A camera as the wall shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Which one.
    pub camera: CameraId,
    /// What people call it: its title, or else what it is called without one.
    pub name: String,
    /// What people call its node, if they gave it a title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node_title: String,
    /// The kind of its node.
    pub kind: Kind,
    /// What it is doing; also `lost` when its node is offline.
    pub state: CameraState,
    /// Why it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
    /// The reason as a sentence, in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The program that uses it, when it is busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when this state holds, in milliseconds since 1970 by the gallery's clock.
    pub since: u64,
    /// The captured format as V4L2's four characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// The captured size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Resolution>,
    /// The rate that the driver promises, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f32>,
    /// The longest expected time between two frames of a slow camera, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<f32>,
}

/// Why a camera is not live: the node's reason, or the gallery's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Why {
    /// The gallery cannot reach the node.
    Gallery(GalleryReason),
    /// The node's reason.
    Node(Reason),
}

/// A reason that only the gallery can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GalleryReason {
    /// The camera's node is offline.
    NodeOffline,
}

/// Something that a visitor should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which one: a word for programs.
    pub code: NoticeCode,
    /// The notice as a sentence, in English.
    pub text: String,
    /// With [`NoticeCode::Https`]: the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeCode {
    /// The gallery cannot reach the broker; it goes on trying.
    BrokerLost,
    /// The wall is open to the local network without a password.
    Open,
    /// No photo can be stored until there is room on the gallery's disk.
    DiskFull,
    /// No photo can be stored for another reason, which the text says.
    NotStored,
    /// The disk of a node takes no snapshots.
    NoSnapshots,
    /// Another gallery stores the photos of this broker; this one only shows.
    ViewOnly,
    /// The page is also available by HTTPS on this port: there, a browser gives it a camera.
    Https,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_messages_are_read_and_written_back() {
        let golden = include_str!("../golden/page.json");
        let raw: serde_json::Value = serde_json::from_str(golden).unwrap();
        let from: Vec<FromPage> = serde_json::from_value(raw["from"].clone()).unwrap();
        let to: Vec<ToPage> = serde_json::from_value(raw["to"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&from).unwrap(), raw["from"]);
        assert_eq!(serde_json::to_value(&to).unwrap(), raw["to"]);
    }

    #[test]
    fn everybody_is_told_who_they_are() {
        let golden = include_str!("../golden/me.json");
        let raw: serde_json::Value = serde_json::from_str(golden).unwrap();
        let told: Vec<ToPage> = serde_json::from_str(golden).unwrap();
        assert!(told.iter().all(|told| matches!(told, ToPage::Me(_))));
        assert_eq!(serde_json::to_value(&told).unwrap(), raw);
    }

    proptest! {
        #[test]
        fn any_text_is_a_message_or_an_error(text: String) {
            let _ = serde_json::from_str::<FromPage>(&text);
        }
    }
}
