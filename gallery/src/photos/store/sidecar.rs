//! The JSON file beside each photo: all that the index knows of it, so that the index can be made
//! again. The sidecar of a deleted photo stays behind as its tombstone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::Photo;

use super::blobs::{Blobs, Key, Lasting, Prefix, Put, UtcDay};
use super::error::StoreError;

/// No sidecar has so many bytes.
const MOST: u64 = 64 * 1024;

/// What stands in a sidecar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    #[serde(flatten)]
    pub photo: Photo,
    /// The SHA-256 of the file that was brought, if something was taken out of it: brought again,
    /// it is the same photo.
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
    /// It was the oldest when there were too many: not somebody's wish.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

impl Sidecar {
    /// Reads one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::InvalidData`] if what is
    /// there is none, and what the disk says.
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

    /// Puts it in its place, durably.
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
