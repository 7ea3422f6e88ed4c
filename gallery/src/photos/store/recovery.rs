//! Prepares a store for use: locks it, and makes the index agree with the blobs. Where the two
//! differ, the blobs are right.
//!
//! This module knows blobs, the index and the facts in pictures; it runs before the writer, never
//! beside it. It never drops a photo because something else was unreadable, and never deletes an
//! unexpected file, but sets it aside.

mod day;

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use tracing::{info, warn};

use super::blobs::{Folder, Lock, UtcDay};
use super::error::{OpenError, StoreError};
use super::index::Index;
use day::{Recovery, Trust};

pub use day::Recovered;

/// How far a rebuild of the index has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Photos read so far.
    pub done: u64,
    /// All photos.
    pub total: u64,
}

/// A store's index that agrees with its files, and the days that may change.
pub(super) struct Opened {
    pub index: Index,
    pub busy: HashMap<UtcDay, Instant>,
}

/// Opens a locked store. After an unclean end it compares the days that were written to with their
/// files; a missing or broken index is rebuilt.
pub(super) fn open(folder: &Folder) -> Result<Opened, StoreError> {
    let root = folder.root();
    folder.clear_drafts().map_err(StoreError::io(root))?;
    let mut index = match Index::open(root) {
        Ok(Some(index)) => index,
        Ok(None) => make(folder, |_| {})?.0,
        Err(error @ StoreError::Full(_)) => return Err(error),
        Err(error) => {
            warn!(%error, "the index of the photos is broken; making it again from the files");
            let aside = folder.damaged("index.db".as_ref());
            aside.and_then(|aside| Index::set_aside(root, &aside)).map_err(StoreError::io(root))?;
            make(folder, |_| {})?.0
        }
    };
    if !index.is_clean()? {
        repair(folder, &mut index)?;
    }
    index.set_unclean()?;
    let now = Instant::now();
    let busy = index.busy()?.into_iter().map(|day| (day, now)).collect();
    Ok(Opened { index, busy })
}

/// Rebuilds the index of a store from its files. Calls `progress` now and then.
///
/// # Errors
/// [`OpenError`], also if a gallery uses it.
pub fn reindex(root: &Path, progress: impl FnMut(Progress)) -> Result<Recovered, OpenError> {
    let (folder, _lock) = take(root)?;
    let made = make(&folder, progress);
    let (index, recovered) = made.map_err(|error| failed(root, &error))?;
    index.close().map_err(|error| failed(root, &error))?;
    Ok(recovered)
}

/// Locks the store, so that nobody else writes to it.
pub(super) fn take(root: &Path) -> Result<(Folder, Lock), OpenError> {
    let unusable = |source| OpenError::Io { path: root.to_owned(), source };
    let folder = Folder::open(root).map_err(unusable)?;
    let lock = folder.lock().map_err(unusable)?;
    let lock = lock.ok_or_else(|| OpenError::InUse(root.to_owned()))?;
    Ok((folder, lock))
}

/// Rebuilds the index in another file, so that a crash leaves the old one or the new one.
fn make(
    folder: &Folder,
    mut progress: impl FnMut(Progress),
) -> Result<(Index, Recovered), StoreError> {
    let total = day::count(folder);
    let mut index = Index::begin_anew(folder.root())?;
    let mut recovery = Recovery::new(folder, &index, Trust::Size)?;
    let days = day::days(folder);
    let mut done = 0;
    progress(Progress { done, total });
    for day in &days {
        recovery.day(&mut index, day, || {
            done += 1;
            if done % 256 == 0 || done == total {
                progress(Progress { done, total });
            }
        })?;
    }
    let recovered = recovery.recovered;
    day::sync(folder, &days)?;
    Ok((index.replace(folder.root())?, recovered))
}

/// Compares the days that were written to before an unclean end with their files.
fn repair(folder: &Folder, index: &mut Index) -> Result<(), StoreError> {
    let days = index.busy()?;
    let mut recovery = Recovery::new(folder, index, Trust::Unclean)?;
    for day in &days {
        recovery.day(index, day, || {})?;
    }
    day::sync(folder, &days)?;
    let Recovered { added, dropped, corrected, damaged } = recovery.recovered;
    info!(days = days.len(), added, dropped, corrected, damaged, "checked after an unclean end");
    Ok(())
}

pub(super) fn failed(root: &Path, error: &StoreError) -> OpenError {
    OpenError::Failed { path: root.to_owned(), why: error.to_string() }
}
