//! The JSON file beside each photo: all that the index knows of it, so that the index can be made
//! again. The sidecar of a deleted photo stays behind as its tombstone.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wire::Photo;

/// What stands in a sidecar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sidecar {
    #[serde(flatten)]
    pub photo: Photo,
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
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    pub fn to_json(&self) -> Vec<u8> {
        let mut json =
            serde_json::to_vec_pretty(self).expect("these types hold only what JSON can say");
        json.push(b'\n');
        json
    }
}
