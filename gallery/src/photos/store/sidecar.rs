//! The JSON file beside each photo: all that the index knows of it, so that the index can be made
//! again. The sidecar of a deleted photo stays behind as its tombstone.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::Photo;

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
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is none, and what the disk says.
    pub fn read(path: &Path) -> io::Result<Self> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut json = Vec::new();
        File::open(path)?.take(MOST + 1).read_to_end(&mut json)?;
        if json.len() as u64 > MOST {
            return Err(invalid(format!("it has more than {MOST} bytes")));
        }
        serde_json::from_slice(&json).map_err(|error| invalid(error.to_string()))
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut json =
            serde_json::to_vec_pretty(self).expect("these types hold only what JSON can say");
        json.push(b'\n');
        json
    }
}
