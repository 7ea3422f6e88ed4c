//! The JSON file beside each photo: all that the index knows of it, so that the index can be
//! rebuilt. A deleted photo's sidecar remains as its tombstone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::Photo;

use super::blobs::{Blobs, Key, Lasting, Prefix, Put, UtcDay};
use super::error::StoreError;

/// The most bytes of a sidecar.
const MOST: u64 = 64 * 1024;

/// The content of a sidecar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    #[serde(flatten)]
    pub photo: Photo,
    /// The SHA-256 of the uploaded file, if something was removed from it: uploaded again, it is
    /// the same photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deletion>,
}

/// When a photo was deleted and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deletion {
    /// In milliseconds since 1970.
    pub at: u64,
    /// Whether the limits deleted it, and not a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

impl Sidecar {
    /// Reads a sidecar.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::InvalidData`] if it is not
    /// valid, or the disk's error.
    pub fn read(blobs: &dyn Blobs, key: &Key) -> Result<Self, StoreError> {
        let error =
            |kind, why: String| StoreError::io(Path::new(key.as_str()))(io::Error::new(kind, why));
        let json = blobs.read(key, MOST + 1)?;
        let json =
            json.ok_or_else(|| error(io::ErrorKind::NotFound, "it is not there".to_owned()))?;
        if json.len() as u64 > MOST {
            let why = format!("it has more than {MOST} bytes");
            return Err(error(io::ErrorKind::InvalidData, why));
        }
        serde_json::from_slice(&json)
            .map_err(|why| error(io::ErrorKind::InvalidData, why.to_string()))
    }

    /// Writes it durably.
    pub fn write(&self, blobs: &dyn Blobs) -> Result<(), StoreError> {
        let Photo { taken, ref id, .. } = self.photo;
        let sealed = blobs.write(&self.to_json(), Lasting::Always)?;
        sealed.put(&Key::sidecar(taken, id), Put::Replace)?;
        blobs.sync(&Prefix::day(&UtcDay::of(taken)))
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut json =
            serde_json::to_vec_pretty(self).expect("these types hold only what JSON can say");
        json.push(b'\n');
        json
    }
}
