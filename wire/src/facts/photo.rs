//! Photos: requests, acknowledgements and events.

use serde::{Deserialize, Serialize};

use crate::facts::payload::{BadPayload, read, write};
use crate::topics::name::{CameraId, PersonId, PhotoId};

/// Somebody asks a camera for a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Snap {
    /// The id for the photo; without it the node makes one. Repeating a request with the same id
    /// gives the same photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PhotoId>,
}

impl Snap {
    /// Reads the payload of a snap topic: empty, or JSON.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, or neither.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        if payload.is_empty() { Ok(Snap::default()) } else { read(payload) }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A gallery tells a node what happened to a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The photo's id, as the node offered it.
    pub id: PhotoId,
    /// Why it is not stored, for a person to read. Without it, the file and the index are safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// With `error`: the node need not offer it again.
    #[serde(default, rename = "final", skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
}

impl Stored {
    /// Reads the payload of a stored topic.
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

/// The media type of a photo. Every browser shows all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaType {
    /// JPEG, the only one that cameras send.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// WebP.
    #[serde(rename = "image/webp")]
    WebP,
    /// GIF.
    #[serde(rename = "image/gif")]
    Gif,
}

impl MediaType {
    /// All of them.
    pub const ALL: [MediaType; 4] =
        [MediaType::Jpeg, MediaType::Png, MediaType::WebP, MediaType::Gif];

    /// The value of a `Content-Type` header.
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::WebP => "image/webp",
            MediaType::Gif => "image/gif",
        }
    }

    /// The ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            MediaType::Jpeg => "jpg",
            MediaType::Png => "png",
            MediaType::WebP => "webp",
            MediaType::Gif => "gif",
        }
    }
}

/// How the time of a photo is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// The camera's clock, corrected to the gallery's.
    Camera,
    /// The picture's own EXIF data, or other metadata in it.
    Exif,
    /// The last change of its file.
    File,
    /// The browser said how old it was.
    Browser,
    /// The time of its arrival; nothing better is known.
    Received,
}

/// Who took or brought a photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The person's public id.
    pub id: PersonId,
    /// Their name then.
    pub name: String,
}

/// A stored photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Its id.
    pub id: PhotoId,
    /// When it was taken, in milliseconds since 1970, as far as known.
    pub taken: u64,
    /// How that time is known.
    pub time: TimeSource,
    /// When it was stored, in milliseconds since 1970.
    pub received: u64,
    /// Its media type.
    #[serde(rename = "type")]
    pub media: MediaType,
    /// The size of the file.
    pub bytes: u64,
    /// Pixels across, as shown.
    pub width: u32,
    /// Pixels down, as shown.
    pub height: u32,
    /// The SHA-256 of the file in hex.
    pub hash: String,
    /// The camera that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraId>,
    /// The name that people gave that camera then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub camera_name: String,
    /// Who took or brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Author>,
    /// The name of the uploaded file: a text, not a path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A caption that somebody wrote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// Whether people keep it for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

/// What happened to a photo: the payload of `gallery/<id>/photo`, and a message to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum PhotoEvent {
    /// It is there: new, or back after a deletion was undone.
    Stored {
        /// The photo.
        photo: Box<Photo>,
        /// It was deleted before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        back: bool,
    },
    /// Its caption or pin changed.
    Changed {
        /// The photo.
        photo: Box<Photo>,
        /// What changed; empty if the gallery does not say.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        what: Vec<Mark>,
    },
    /// It is gone.
    Deleted {
        /// Its id.
        id: PhotoId,
        /// The photo, as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        photo: Option<Box<Photo>>,
    },
}

/// What people can change about a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Its caption.
    Caption,
    /// Whether it is kept for good.
    Pin,
}

impl PhotoEvent {
    /// Reads the payload of a gallery's photo topic.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        snap: Vec<Snap>,
        stored: Vec<Stored>,
        photo: Vec<PhotoEvent>,
    }

    const GOLDEN: &str = include_str!("../../golden/photos.json");

    #[test]
    fn golden_payloads_are_read_and_written_back() {
        let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
        let raw: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        let again = |json: String| serde_json::from_str::<serde_json::Value>(&json).unwrap();
        for (i, snap) in golden.snap.iter().enumerate() {
            assert_eq!(again(snap.to_json()), raw["snap"][i]);
        }
        for (i, stored) in golden.stored.iter().enumerate() {
            assert_eq!(again(stored.to_json()), raw["stored"][i]);
        }
        for (i, event) in golden.photo.iter().enumerate() {
            assert_eq!(again(event.to_json()), raw["photo"][i]);
            assert_eq!(&PhotoEvent::parse(event.to_json().as_bytes()).unwrap(), event);
        }
    }

    #[test]
    fn an_empty_snap_is_one_without_an_id() {
        assert_eq!(Snap::parse(b"").unwrap(), Snap::default());
        for bad in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", r#"{"id":"../../etc/passwd"}"#, "null", " "] {
            assert!(Snap::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn media_types_are_written_as_they_are_called() {
        for media in MediaType::ALL {
            assert_eq!(serde_json::to_value(media).unwrap(), media.as_str());
        }
    }
}
