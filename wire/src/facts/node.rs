//! What a node says of itself: whether it is there, what it is, and its figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::camera::CameraStats;
use crate::facts::payload::{BadPayload, rate, read, write};
use crate::facts::title;
use crate::topics::name::{CameraName, GalleryId};

/// Whether a node or gallery is there. On the wire it is one word, so that a shell can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is there.
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
    /// Eight hex digits drawn at the start: which process this is.
    pub instance: String,
    /// What people call it, if they gave it a title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
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
    /// Reads the payload of an info topic, and makes the title fit to be shown.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large or not such JSON.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        let mut info: Info = read(payload)?;
        info.title = title::fit(&info.title);
        Ok(info)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A node's figures, every [`crate::limits::STATS_EVERY`]; its heartbeat. Counts since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The wall clock, in milliseconds since 1970.
    pub at: u64,
    /// The monotonic clock (`CLOCK_MONOTONIC`), in milliseconds since boot.
    pub mono: u64,
    /// The boot that `mono` counts from.
    pub boot: String,
    /// Processor time since the last stats, in percent of one core.
    pub cpu: f32,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Bytes of snapshots that wait to be stored.
    pub spool: u64,
    /// How many snapshots galleries refused for good; the node keeps them until people decide.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Why the node could not keep the last snapshot: a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What the broker withholds from the node: a sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<String>,
    /// The cameras.
    pub cameras: BTreeMap<CameraName, CameraStats>,
}

impl Stats {
    /// Reads the payload of a stats topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or has an impossible rate.
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

fn is_zero(count: &u64) -> bool {
    *count == 0
}
