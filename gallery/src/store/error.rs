//! What can go wrong with the store, as sentences for the person who must act.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store did not do what it was asked to.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum StoreError {
    /// The disk, or what the configuration leaves of it, is full.
    #[error("{0}")]
    Full(String),
    /// Another gallery stores the photos of this broker.
    #[error("{0}")]
    ViewOnly(String),
    /// There never was such a photo.
    #[error("there is no such photo")]
    Unknown,
    /// The photo was deleted.
    #[error("this photo was deleted")]
    Gone,
    /// No thumbnail can be made of it.
    #[error("{0}")]
    Picture(String),
    /// The disk failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The index failed.
    #[error(
        "the index of the photos failed: {0}; if this goes on, stop the gallery and run `vitrina gallery reindex`"
    )]
    Index(String),
    /// The gallery is stopping.
    #[error("the gallery is stopping")]
    Closed,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another gallery: stop that one, or name another folder with --data")]
    InUse(PathBuf),
    /// The disk says no.
    #[error("{path} cannot be used: {source}: make it writable, or name another one with --data")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The index cannot be opened, nor made again.
    #[error("{path} cannot be made: {why}")]
    Index {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}
