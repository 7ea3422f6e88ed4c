//! The index of photos for fast queries: an SQLite database of the sidecars' content, which can be
//! rebuilt from them.
//!
//! Only this folder knows SQL and SQLite. The index knows photos and tombstones, but no blobs and
//! no files. Only the store's writer uses [`Index`]; [`Reader`]s have connections of their own. No
//! row is committed before the names of its blobs are synced, and nothing is stored only here.

mod counts;
mod file;
mod fill;
mod found;
#[cfg(test)]
pub(super) mod inspect;
mod photos;
mod query;
mod rows;
mod sight;

use std::ops::Deref;

use rusqlite::{Connection, ErrorCode};
use wire::{MediaType, PhotoId};

use super::error::{FULL, READ_ONLY, StoreError};
use super::sidecar::{Deletion, Sidecar};

pub use fill::fill;
pub(crate) use found::Found;
#[cfg(test)]
pub(super) use query::{CameraSource, Cursor};
pub(crate) use query::{Day, Filter, Page, Query, Sources};

/// A connection for reading, while another one may write.
#[derive(Debug)]
pub(super) struct Reader(Connection);

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Index(Reader);

/// Changes that are made together or not at all. Dropping this undoes them.
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
    /// Whether its file can still be restored.
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
    /// Begins changes that belong together.
    pub fn begin(&mut self) -> Result<Transaction<'_>> {
        Ok(Transaction(self.0.0.transaction()?))
    }
}

impl Transaction<'_> {
    /// Commits the changes. They survive a crash once this returns.
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
