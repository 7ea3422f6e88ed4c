//! What is known of the photos, in the order in which it is asked for: an SQLite database of what
//! stands in the sidecars, which can be made from them again.
//!
//! Nothing outside this folder knows SQL or SQLite. The index knows photos and tombstones, and no
//! blobs: whether a file is there is not its matter. [`Index`] is the store's writer's alone;
//! [`Reader`]s have connections of their own. What must never be: a row that is committed before
//! the names of its blobs are synced, and something that stands here alone.

mod counts;
mod file;
mod fill;
#[cfg(test)]
pub(super) mod inspect;
mod photos;
mod query;
mod rows;

use std::ops::Deref;

use rusqlite::{Connection, ErrorCode};
use wire::{MediaType, PhotoId};

use super::error::{FULL, READ_ONLY, StoreError};
use super::sidecar::{Deletion, Sidecar};

pub use fill::fill;
#[cfg(test)]
pub(super) use query::{CameraSource, Cursor};
pub(crate) use query::{Day, Filter, Page, Query, Sources};

/// A connection that reads, while another one may write.
#[derive(Debug)]
pub(super) struct Reader(Connection);

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Index(Reader);

/// Changes that are made together or not at all. They are taken back when it is dropped.
#[derive(Debug)]
pub(super) struct Transaction<'a>(rusqlite::Transaction<'a>);

/// What the index knows of an id.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known {
    Photo(Box<Sidecar>),
    Deleted(Tombstone),
    Nothing,
}

/// What is left of a deleted photo.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tombstone {
    pub id: PhotoId,
    pub taken: u64,
    pub media: MediaType,
    pub hash: String,
    pub deletion: Deletion,
    /// Its file can still be restored.
    pub trashed: bool,
}

type Result<T> = std::result::Result<T, StoreError>;

impl Deref for Index {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl Index {
    /// Begins changes that are made together.
    pub fn begin(&mut self) -> Result<Transaction<'_>> {
        Ok(Transaction(self.0.0.transaction()?))
    }
}

impl Transaction<'_> {
    /// Makes the changes. They outlast a crash when this returns.
    pub fn commit(self) -> Result<()> {
        Ok(self.0.commit()?)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full(FULL.to_owned()),
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(READ_ONLY.to_owned()),
            _ => StoreError::Index(error.to_string()),
        }
    }
}
