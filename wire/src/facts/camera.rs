//! What a node says of one of its cameras.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::facts::payload::{BadPayload, rate, read, write};
use crate::facts::title;
use crate::limits;
use crate::topics::topic::Size;

/// What a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Frames flow and somebody looks.
    Live,
    /// Frames flow and nobody looks: only previews are published.
    Idle,
    /// No frames; the node tries again by itself.
    Lost,
    /// Switched off by its owner.
    Off,
    /// Somebody must do something before frames can flow.
    Error,
}

/// Why a camera is lost or in error: a word for programs. `detail` says it to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The device went away.
    Unplugged,
    /// The device is there but gives no frames.
    Stalled,
    /// Every frame that it gives is broken.
    Broken,
    /// The camera repeats one picture with one time: its source stands still.
    Frozen,
    /// Another program has it (EBUSY).
    Busy,
    /// The user may not open it (EACCES).
    Permission,
    /// The USB bus has no bandwidth left (ENOSPC at stream start).
    UsbBandwidth,
    /// It has no format that can be used.
    Format,
    /// The driver reports a failure.
    Device,
    /// A fault of the node itself ended its work on the camera.
    Crashed,
    /// The device in the configuration could be any of several.
    Ambiguous,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A picture's width and height in pixels, written `1280x720`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Resolution {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl FromStr for Resolution {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once('x')
            .and_then(|(w, h)| Some(Resolution { width: w.parse().ok()?, height: h.parse().ok()? }))
            .ok_or("a size is written like 1280x720")
    }
}

impl TryFrom<String> for Resolution {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Resolution> for String {
    fn from(resolution: Resolution) -> String {
        resolution.to_string()
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A control of a camera, as V4L2 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Its value now.
    pub value: i64,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// The difference between neighbouring values.
    pub step: u64,
    /// The value that the driver starts with.
    pub default: i64,
}

/// The controls of a camera by name: retained, published when the camera begins to work and when a
/// control changes; empty while it does not work.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Controls(pub BTreeMap<String, Control>);

impl Controls {
    /// Reads the payload of a controls topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large or not such JSON.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        read(payload)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// What is known of a camera: retained, published at each CONNACK and at each change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What it is doing.
    pub state: CameraState,
    /// Why it does not work, when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same as a sentence for the person who must act.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The program that uses it, when the reason is [`Reason::Busy`] and the program is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when this state holds.
    pub since: u64,
    /// What it is called without a title: by the configuration, or after its card.
    pub name: String,
    /// What people call it, if they gave it a title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The stable path of the device, or `test card`.
    pub device: String,
    /// The captured format as V4L2's four characters, empty before it is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// The captured size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Resolution>,
    /// The rate that the driver promises, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f32>,
    /// The longest expected time between two frames, in seconds; none if that is at most one. It
    /// decides how long others wait for a picture, and when they call one old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<f32>,
    /// The sizes that others can want; `full` is always one, and the only one if the list is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<Size>,
    /// Its controls by name, unless the state would be larger than [`limits::STATE`] with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Control>,
}

impl State {
    /// Reads the payload of a state topic, and makes name and title fit to be shown.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or has an impossible rate or interval.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        let mut state: State = read(payload)?;
        (state.name, state.title) = (title::fit(&state.name), title::fit(&state.title));
        rate("fps", state.fps.unwrap_or(0.0))?;
        match state.interval.unwrap_or(0.0) {
            value if (0.0..=limits::INTERVAL).contains(&value) => {}
            value => return Err(BadPayload::Interval { value }),
        }
        Ok(state)
    }

    /// What to call it: its title, or else its name.
    pub fn called(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }

    /// As JSON of at most [`limits::STATE`] bytes: the controls have a topic of their own.
    pub fn to_json(&self) -> String {
        let whole = write(self);
        if whole.len() <= limits::STATE || self.controls.is_empty() {
            return whole;
        }
        write(&State { controls: BTreeMap::new(), ..self.clone() })
    }
}

/// The figures of one camera. Each frame that the camera made is either published at full size or
/// counted under the reason why not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CameraStats {
    /// Frames that the camera gave since the last stats, a second.
    pub fps: f32,
    /// Frames that the camera made, as its driver numbers them.
    pub made: u64,
    /// Frames handed to the broker as `live/full`.
    pub published: u64,
    /// Bytes of pictures handed to the broker, in all sizes.
    pub bytes: u64,
    /// Frames that were not published, by reason.
    pub dropped: BTreeMap<String, u64>,
}
