//! The payloads of the text topics.
//!
//! A reader accepts fields that it does not know, since a later version may send them. All times
//! are whole milliseconds since 1970 by the sender's own clock, which may be wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::name::{CameraName, GalleryId};
use crate::topic::Size;

/// Why a payload was refused.
#[derive(Debug, thiserror::Error)]
pub enum BadPayload {
    /// Larger than [`limits::JSON`].
    #[error("{0} bytes; the most is {most}", most = limits::JSON)]
    TooLarge(usize),
    /// Not a JSON object.
    #[error("not a JSON object")]
    NoObject,
    /// Not the JSON that belongs here.
    #[error("not understood: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither `online` nor `offline`.
    #[error("a status is `online` or `offline`")]
    Status,
    /// A number that no camera has.
    #[error("{field} is {value}; it must be 0 to {most}", most = limits::FPS)]
    Rate {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: f32,
    },
    /// A time between two frames that no camera has.
    #[error("interval is {value}; it must be 0 to {most} s", most = limits::INTERVAL)]
    Interval {
        /// What it holds.
        value: f32,
    },
}

pub(crate) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadPayload> {
    if payload.len() > limits::JSON {
        return Err(BadPayload::TooLarge(payload.len()));
    }
    // A derived reader would also take an array of the fields in their order.
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(BadPayload::NoObject);
    }
    Ok(serde_json::from_slice(payload)?)
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(crate) fn write<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these types hold only what JSON can say")
}

fn rate(field: &'static str, value: f32) -> Result<(), BadPayload> {
    if (0.0..=limits::FPS).contains(&value) {
        Ok(())
    } else {
        Err(BadPayload::Rate { field, value })
    }
}

/// Whether a node or gallery is there. On the wire the bare word, so that a shell can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Online,
    /// It said good-bye, or its will was published.
    Offline,
}

impl Status {
    /// Reads the payload of a status topic.
    ///
    /// # Errors
    /// [`BadPayload::Status`] for anything but the two words.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        match payload {
            b"online" => Ok(Status::Online),
            b"offline" => Ok(Status::Offline),
            _ => Err(BadPayload::Status),
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Online => "online",
            Status::Offline => "offline",
        }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A machine with V4L2 cameras.
    V4l2,
    /// A browser that shares its camera.
    Browser,
    /// A machine that shows a test card.
    Test,
}

/// Who a node is: retained, published at each CONNACK and when its cameras change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// What it is.
    pub kind: Kind,
    /// The version of the program.
    pub version: String,
    /// Eight hex digits of the board's serial number or the machine id.
    pub machine: String,
    /// Eight hex digits of the kernel's boot id: which boot the monotonic clock counts from.
    pub boot: String,
    /// Eight hex digits drawn at start: which process this is.
    pub instance: String,
    /// The host name.
    pub host: String,
    /// The machine's model in words, empty where it is not known.
    #[serde(default)]
    pub model: String,
    /// When the process started.
    pub started: u64,
    /// The names of the cameras that the node has or had since its start.
    pub cameras: Vec<CameraName>,
    /// For a browser: the gallery that speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery: Option<GalleryId>,
}

impl Info {
    /// Reads the payload of an info topic.
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

/// What a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Frames flow and somebody looks.
    Live,
    /// Frames flow and nobody looks: only previews are published.
    Idle,
    /// No frames; it is tried again by itself.
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
    /// It gives one picture again and again, with one time: its source stands still.
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

/// A control of a camera, as V4L2 tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Its value now.
    pub value: i64,
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// The distance between two values.
    pub step: u64,
    /// The value that the driver starts with.
    pub default: i64,
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
    /// The program that has it, when the reason is [`Reason::Busy`] and it could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when it is so.
    pub since: u64,
    /// What people call it.
    pub name: String,
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
    /// The longest time between two frames that is to be expected, in seconds; nothing while that
    /// is at most one. What waits for a picture, or calls one old, goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<f32>,
    /// The sizes that it can be wanted in; `full` always is, and alone where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<Size>,
    /// Its controls by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Control>,
}

impl State {
    /// Reads the payload of a state topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or tells an impossible rate or interval.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        let state: State = read(payload)?;
        rate("fps", state.fps.unwrap_or(0.0))?;
        match state.interval.unwrap_or(0.0) {
            value if (0.0..=limits::INTERVAL).contains(&value) => {}
            value => return Err(BadPayload::Interval { value }),
        }
        Ok(state)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A node's figures, every [`limits::STATS_EVERY`]; its heartbeat. All counts are since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The wall clock, in milliseconds since 1970.
    pub at: u64,
    /// The monotonic clock (`CLOCK_MONOTONIC`), in milliseconds since boot.
    pub mono: u64,
    /// Which boot that is.
    pub boot: String,
    /// Processor time taken since the last stats, in percent of one core.
    pub cpu: f32,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Bytes of snapshots that wait to be stored.
    pub spool: u64,
    /// How many snapshots galleries refused for good; the node keeps them for people.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Why the last snapshot could not be kept: a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What the broker keeps from it: a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<String>,
    /// The cameras.
    pub cameras: BTreeMap<CameraName, CameraStats>,
}

impl Stats {
    /// Reads the payload of a stats topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or tells an impossible rate.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        let stats: Stats = read(payload)?;
        for camera in stats.cameras.values() {
            rate("fps", camera.fps)?;
        }
        Ok(stats)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// The figures of one camera. Every frame that the camera made is either published at full size
/// or counted under the reason for which it was not.
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

/// Somebody asks a camera for frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// Who asks: 1 to 64 bytes. A later want of the same asker replaces this one.
    pub by: String,
    /// The rate of `live/full`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<f32>,
    /// The rate of `live/half`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<f32>,
    /// The rate of `live/quarter`, in frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarter: Option<f32>,
    /// For how many people it asks; 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookers: Option<u32>,
    /// For how many seconds; [`limits::WANT_FOR`] if left out.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f32>,
}

impl Want {
    /// Reads the payload of a want topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or asks an impossible rate.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        use serde::de::Error;
        let want: Want = read(payload)?;
        if want.by.is_empty() || want.by.len() > 64 {
            return Err(serde_json::Error::custom("`by` must be 1 to 64 bytes").into());
        }
        rate("full", want.full.unwrap_or(0.0))?;
        rate("half", want.half.unwrap_or(0.0))?;
        rate("quarter", want.quarter.unwrap_or(0.0))?;
        Ok(want)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }

    /// How long it holds: [`limits::WANT_FOR`] if it does not say, [`limits::WANT_FOR_MOST`] at
    /// most.
    pub fn holds(&self) -> Duration {
        let asked = self.seconds.unwrap_or(limits::WANT_FOR.as_secs_f32());
        let most = limits::WANT_FOR_MOST.as_secs_f32();
        Duration::from_secs_f32(if asked.is_nan() { 0.0 } else { asked.clamp(0.0, most) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Golden {
        info: Info,
        state: Vec<State>,
        stats: Stats,
        want: Vec<Want>,
    }

    const GOLDEN: &str = include_str!("../golden/payloads.json");

    #[test]
    fn golden_payloads_are_read_and_written_back() {
        let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
        let raw: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        let again = |json: String| serde_json::from_str::<serde_json::Value>(&json).unwrap();
        assert_eq!(again(golden.info.to_json()), raw["info"]);
        assert_eq!(again(golden.stats.to_json()), raw["stats"]);
        for (i, state) in golden.state.iter().enumerate() {
            assert_eq!(again(state.to_json()), raw["state"][i]);
            assert_eq!(&State::parse(state.to_json().as_bytes()).unwrap(), state);
        }
        for (i, want) in golden.want.iter().enumerate() {
            assert_eq!(again(want.to_json()), raw["want"][i]);
        }
    }

    #[test]
    fn a_status_is_one_of_two_words() {
        for status in [Status::Online, Status::Offline] {
            assert_eq!(Status::parse(status.as_str().as_bytes()).unwrap(), status);
        }
        for bad in ["", "Online", "online\n", "on", "\"online\""] {
            assert!(Status::parse(bad.as_bytes()).is_err());
        }
    }

    #[test]
    fn fields_and_reasons_of_a_later_version_are_accepted() {
        let json =
            r#"{"state":"lost","reason":"eaten","since":1,"name":"n","device":"d","new":[1]}"#;
        assert_eq!(State::parse(json.as_bytes()).unwrap().reason, Some(Reason::Unknown));
    }

    #[test]
    fn impossible_wants_are_refused() {
        for bad in [
            r#"{"by":"me","full":-1}"#,
            r#"{"by":"me","full":1e9}"#,
            r#"{"by":"","full":5}"#,
            r#"{"full":5}"#,
            r#"["me"]"#,
            "",
        ] {
            assert!(Want::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let long = format!(r#"{{"by":"{}"}}"#, "x".repeat(65));
        assert!(Want::parse(long.as_bytes()).is_err());
        let huge = vec![b' '; limits::JSON + 1];
        assert!(matches!(Want::parse(&huge), Err(BadPayload::TooLarge(_))));
    }

    #[test]
    fn a_want_holds_ten_seconds_unless_it_says_and_never_over_ten_minutes() {
        let holds = |json: &str| Want::parse(json.as_bytes()).unwrap().holds().as_secs();
        assert_eq!(holds(r#"{"by":"me","full":5}"#), 10);
        assert_eq!(holds(r#"{"by":"me","full":5,"for":60}"#), 60);
        assert_eq!(holds(r#"{"by":"me","full":5,"for":1e30}"#), 600);
        assert_eq!(holds(r#"{"by":"me","full":5,"for":-3}"#), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_payload_or_an_error(bytes: Vec<u8>) {
            let _ = (Status::parse(&bytes), Info::parse(&bytes), State::parse(&bytes));
            let _ = (Stats::parse(&bytes), Want::parse(&bytes));
        }

        #[test]
        fn a_cut_payload_is_an_error(cut in 0usize..60) {
            let json = Want { by: "me".into(), full: Some(29.5), half: None, quarter: None, lookers: None, seconds: Some(5.0) }.to_json();
            prop_assume!(cut < json.len());
            prop_assert!(Want::parse(&json.as_bytes()[..cut]).is_err());
        }
    }
}
