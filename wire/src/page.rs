//! What goes over the page's WebSocket: JSON messages, one object each, with a `type`; and frames,
//! which are binary.
//!
//! The page's own reader is written in TypeScript; the golden files are read by both. It knows facts
//! and names, and nothing of how a gallery keeps them.

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

/// A gallery is silent for so long at most, in milliseconds.
pub const ALIVE_MS: u64 = 2000;

/// What the page says.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromPage {
    /// All its tiles, at each change. Those of an earlier message are forgotten.
    Watch {
        /// At most [`TILES`].
        tiles: Vec<Tile>,
    },
    /// The page is hidden: send nothing, and do not take it for stalled.
    Pause,
    /// The page is shown again.
    Resume,
    /// Somebody is here, or is called otherwise from now on.
    Join {
        /// What they want to be called.
        name: String,
        /// Who they are, if the gallery has told them before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PersonId>,
        /// The secret that proves it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// They go.
    Leave,
    /// They say something to all.
    Say {
        /// What: 1 to [`crate::limits::SAY`] characters.
        text: String,
        /// The id of the line, a ULID, which the page makes: said again under the same one it is
        /// in the talk once. Without it the gallery makes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PhotoId>,
    },
    /// They show their camera from now on, which is what the frames are that follow; see
    /// [`crate::frame::Own`].
    Share {
        /// What people shall call the camera.
        name: String,
        /// The size of its full picture.
        size: Resolution,
    },
    /// They show it no more.
    Unshare,
    /// Tell what happens from now on, or no more.
    Log {
        /// Whether it is to be told.
        follow: bool,
    },
    /// The page wants to be told every second what it gets, or no more.
    Measure {
        /// Which of the two.
        on: bool,
    },
}

/// A place on the page where a camera's frames are drawn.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Tile {
    /// The page's number for it; its frames carry it.
    pub tile: u16,
    /// The camera.
    pub camera: CameraId,
    /// How wide it is, in device pixels.
    pub width: u32,
    /// How many frames a second are wanted at most.
    pub fps: f32,
}

/// What the gallery says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToPage {
    /// All cameras in the order of the wall: at the beginning, and at each change.
    Cameras {
        /// The gallery's clock, in milliseconds since 1970.
        now: u64,
        /// The cameras.
        cameras: Vec<Camera>,
    },
    /// All that is true now and that a visitor should know: at the beginning, and at each change.
    /// An empty list says that all is well.
    Notice {
        /// The notices.
        notices: Vec<Notice>,
    },
    /// A photo was stored, changed or deleted. What there was before, a page asks for by
    /// `GET /api/photos`, also after its connection was lost.
    Photo(PhotoEvent),
    /// The answer to `join`.
    You {
        /// The public id.
        id: PersonId,
        /// The secret that proves it, to be kept by the browser.
        key: String,
        /// What they are called, which may be less than they asked for.
        name: String,
    },
    /// Everybody who is here: at the beginning, and when the changes since then are too many.
    People {
        /// In the order in which they came.
        people: Vec<Present>,
    },
    /// Some came or changed, or left.
    Presence {
        /// Those who are here now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        here: Vec<Present>,
        /// Those who are not.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<PersonId>,
    },
    /// Lines of the talk, oldest first: at the beginning the last [`crate::limits::TALK`], later
    /// what is new. A line may come twice; its id tells.
    Talk {
        /// The lines.
        lines: Vec<Line>,
    },
    /// What was said under this id is in the talk already: it was said before.
    Said {
        /// The id of the line.
        id: PhotoId,
    },
    /// What was said, or the name that was asked for, is not passed on.
    Held {
        /// What it was.
        text: String,
        /// Under which id it was said, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<PhotoId>,
        /// In so many seconds it may be said again; none if never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f32>,
        /// Why, as a sentence in English.
        why: String,
    },
    /// What is wanted of the camera that the page shows, in frames a second; 0 is none.
    Wanted {
        /// Of the full picture.
        full: f32,
        /// Of half of each side.
        half: f32,
        /// Of a quarter of each side.
        quarter: f32,
        /// Of the preview, at most [`crate::limits::PREVIEW_WIDTH`] wide.
        preview: f32,
        /// How many look, as far as those who ask for frames tell; the page itself may be one.
        looking: u32,
    },
    /// Lines of the log, oldest first: the last [`crate::limits::LOG`] when the page asks to follow
    /// it or missed some, later what is new. What was before, `GET /api/log` has.
    Log {
        /// The lines.
        entries: Vec<Entry>,
    },
    /// Nothing else was said for [`ALIVE_MS`]: the connection lives.
    Alive {
        /// The gallery's clock, in milliseconds since 1970.
        now: u64,
    },
    /// A frame of the camera that the page shows has come; two may be on their way.
    Got {
        /// The frame's number.
        seq: u32,
    },
    /// What the page's tiles got since the last such message.
    Measured {
        /// Those of which a frame was answered.
        tiles: Vec<Measured>,
    },
}

/// The frames of a tile that the page answered: how many, and what their ages were made of.
/// Times are means, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The page's number for the tile.
    pub tile: u16,
    /// Frames a second.
    pub fps: f32,
    /// From capture until the node had the frame, if it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<f32>,
    /// Until the node had made the picture, if it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<f32>,
    /// Until the gallery had it, if the node's clock is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broker: Option<f32>,
    /// Until it was sent.
    pub gallery: f32,
    /// Until the page's answer came, which it gives when it has drawn the frame.
    pub answer: f32,
}

/// A camera as the wall shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Which one.
    pub camera: CameraId,
    /// What people call it.
    pub name: String,
    /// What its node is.
    pub kind: Kind,
    /// What it is doing; `lost` also when its node is offline.
    pub state: CameraState,
    /// Why it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
    /// The same as a sentence, in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The program that has it, when it is busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when it is so, in milliseconds since 1970 by the gallery's clock.
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
    /// The longest time between two frames that is to be expected, in seconds, of a slow camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<f32>,
}

/// Why a camera is not live: the node's reason, or the gallery's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Why {
    /// The gallery cannot hear the node.
    Gallery(GalleryReason),
    /// What the node says.
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
    /// The same as a sentence, in English.
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
    /// The page is there by HTTPS too, on this port: from there a browser gives it a camera.
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

    proptest! {
        #[test]
        fn any_text_is_a_message_or_an_error(text: String) {
            let _ = serde_json::from_str::<FromPage>(&text);
        }
    }
}
