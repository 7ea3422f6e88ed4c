//! The errors of the store, as sentences for the person who must act.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum StoreError {
    /// The disk is full, or has only the space left that must stay free.
    #[error("{0}")]
    Full(String),
    /// The disk is read-only.
    #[error("{0}")]
    ReadOnly(String),
    /// The photos' folder is gone, or another one has its name.
    #[error(
        "The gallery's folder {0} was moved, deleted or unmounted while the gallery runs: put it \
         back, or restart the gallery with the folder that it should use"
    )]
    Away(PathBuf),
    /// Another gallery stores the photos of this broker.
    #[error("{0}")]
    ViewOnly(String),
    /// There never was such a photo.
    #[error("there is no such photo")]
    Unknown,
    /// The photo was deleted.
    #[error("this photo was deleted")]
    Gone,
    /// No thumbnail can be made.
    #[error("{0}")]
    Picture(String),
    /// The disk failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: Arc<io::Error>,
    },
    /// The index failed.
    #[error(
        "the index of the photos failed: {0}; if this goes on, stop the gallery and run \
         `vitrina gallery reindex`"
    )]
    Index(String),
    /// Looking for words took too long.
    #[error("looking for this through all photos takes too long")]
    Slow,
    /// The gallery is stopping.
    #[error("the gallery is stopping")]
    Closed,
}

pub(super) const FULL: &str =
    "The gallery's disk is full: photos are stored again when there is room";

pub(super) const READ_ONLY: &str = "The gallery's disk is read-only: mount it so that it can be \
                                    written; a file system that became so by itself is damaged, \
                                    and needs fsck";

impl StoreError {
    /// Adds the path of the file.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        // The kind, because adding the path to an error loses the number.
        move |source| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(FULL.to_owned()),
            ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(READ_ONLY.to_owned()),
            _ => StoreError::Io { path, source: Arc::new(source) },
        }
    }

    /// The kind of a disk failure, if it has no variant of its own.
    pub fn kind(&self) -> Option<ErrorKind> {
        match self {
            StoreError::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("{0} is in use by another gallery: stop that one, or name another folder with --data")]
    InUse(PathBuf),
    /// The disk failed.
    #[error("{path} cannot be used: {source}: make it writable, or name another one with --data")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The photos or the index cannot be read or written.
    #[error("the photos in {path} cannot be opened: {why}")]
    Failed {
        /// The folder.
        path: PathBuf,
        /// The cause.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_also_when_the_error_names_a_path() {
        for (errno, full) in [
            (rustix::io::Errno::NOSPC, true),
            (rustix::io::Errno::DQUOT, true),
            (rustix::io::Errno::IO, false),
        ] {
            let bare = || io::Error::from(errno);
            let wrapped = io::Error::new(bare().kind(), bare().to_string());
            for error in [bare(), wrapped] {
                let error = StoreError::io(Path::new("a"))(error);
                assert_eq!(matches!(error, StoreError::Full(_)), full, "{error}");
            }
        }
        let error = StoreError::io(Path::new("a"))(rustix::io::Errno::ROFS.into());
        assert!(matches!(error, StoreError::ReadOnly(_)));
    }
}
