//! Opening a store: taking it for oneself, and making sure of the index.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use durable::{private_file, sync_folder};
use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tracing::{info, warn};

use super::error::{OpenError, StoreError};
use super::files::{DayFolder, Files, remove};
use super::index;
use super::settle::{self, Settled, Settler, Trust};

/// How far making the index anew has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Photos that were read.
    pub done: u64,
    /// All of them.
    pub total: u64,
}

/// The index of a store, which agrees with its files, and the days that may change.
pub(super) struct Opened {
    pub index: Connection,
    pub busy: HashMap<DayFolder, Instant>,
}

/// Opens a store that was taken. After an unclean end the days that were written to are compared
/// with their files; an index that is missing or broken is made anew.
pub(super) fn open(files: &Files) -> Result<Opened, StoreError> {
    files.clear_aside().map_err(StoreError::io(files.root()))?;
    let mut index = match open_index(files) {
        Ok(Some(index)) => index,
        Ok(None) => make(files, |_| {})?.0,
        Err(error @ StoreError::Full(_)) => return Err(error),
        Err(error) => {
            warn!(%error, "the index of the photos is broken; it is made anew from the files");
            set_aside(files).map_err(StoreError::io(&files.index()))?;
            make(files, |_| {})?.0
        }
    };
    if !index::is_clean(&index)? {
        repair(files, &mut index)?;
    }
    index::set_unclean(&index)?;
    let now = Instant::now();
    let busy = index::busy(&index)?.into_iter().map(|day| (day, now)).collect();
    Ok(Opened { index, busy })
}

/// Makes the index of a store anew from its files. `progress` is told now and then.
///
/// # Errors
/// [`OpenError`], also when a gallery runs on it.
pub fn reindex(root: &Path, progress: impl FnMut(Progress)) -> Result<Settled, OpenError> {
    let (files, _lock) = take(root)?;
    let made = make(&files, progress);
    let (index, settled) = made.map_err(|error| failed(root, &error))?;
    index::close(index).map_err(|error| failed(root, &error.into()))?;
    Ok(settled)
}

/// Takes the store, so that nobody else writes to it.
pub(super) fn take(root: &Path) -> Result<(Files, File), OpenError> {
    let unusable = |source| OpenError::Io { path: root.to_owned(), source };
    let files = Files::open(root).map_err(unusable)?;
    let path = root.join("lock");
    let lock = private_file(&path).map_err(unusable)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok((files, lock)),
        Err(Errno::WOULDBLOCK) => Err(OpenError::InUse(root.to_owned())),
        Err(error) => Err(unusable(error.into())),
    }
}

/// The index, if there is one of this version.
fn open_index(files: &Files) -> Result<Option<Connection>, StoreError> {
    let path = files.index();
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // A pipe would never open.
        Ok(index) if !index.is_file() => {
            return Err(StoreError::Index(format!("{} is no file", path.display())));
        }
        found => {
            found.map_err(StoreError::io(&path))?;
        }
    }
    let mut index = index::open(&path)?;
    if !index::make_current(&mut index)? {
        info!("the index of the photos is empty or a later version's; it is made anew");
        return Ok(None);
    }
    // Looking through all of it takes seconds, and is needed only when something went wrong.
    if !index::is_clean(&index)? && !index::is_sound(&index)? {
        return Err(StoreError::Index("it is not what SQLite wrote".to_owned()));
    }
    Ok(Some(index))
}

/// Makes the index aside, so that a crash leaves the old one or the new one.
fn make(
    files: &Files,
    mut progress: impl FnMut(Progress),
) -> Result<(Connection, Settled), StoreError> {
    let path = files.root().join("index.new");
    for leftover in with_logs(&path) {
        remove(&leftover).map_err(StoreError::io(&leftover))?;
    }
    let root = files.root();
    let total = settle::count(files);
    let mut index = index::open(&path)?;
    index.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;")?;
    index::create(&mut index)?;
    let mut settler = Settler::new(files, &index, Trust::Size)?;
    let days = files.days();
    let mut done = 0;
    progress(Progress { done, total });
    for day in &days {
        settler.day(&mut index, day, || {
            done += 1;
            if done % 256 == 0 || done == total {
                progress(Progress { done, total });
            }
        })?;
    }
    let settled = settler.settled;
    settle::sync(files, &days).map_err(StoreError::io(root))?;
    index::close(index)?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::io(&path))?;
    for old in with_logs(&files.index()) {
        remove(&old).map_err(StoreError::io(&old))?;
    }
    fs::rename(&path, files.index())
        .and_then(|()| sync_folder(root))
        .map_err(StoreError::io(&path))?;
    Ok((index::open(&files.index())?, settled))
}

/// Compares the days that were written to before an unclean end with their files.
fn repair(files: &Files, index: &mut Connection) -> Result<(), StoreError> {
    let days = index::busy(index)?;
    let mut settler = Settler::new(files, index, Trust::Unclean)?;
    for day in &days {
        settler.day(index, day, || {})?;
    }
    settle::sync(files, &days).map_err(StoreError::io(files.root()))?;
    let Settled { added, dropped, corrected, damaged } = settler.settled;
    info!(days = days.len(), added, dropped, corrected, damaged, "checked after an unclean end");
    Ok(())
}

/// Moves a broken index out of the way, for whoever wants to know what happened.
fn set_aside(files: &Files) -> io::Result<()> {
    for (from, to) in
        with_logs(&files.index()).into_iter().zip(with_logs(&files.damaged("index.db".as_ref())?))
    {
        if fs::symlink_metadata(&from).is_ok() {
            fs::rename(from, to)?;
        }
    }
    Ok(())
}

/// A database and what SQLite keeps beside it.
fn with_logs(index: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut path = index.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    })
}

pub(super) fn failed(root: &Path, error: &StoreError) -> OpenError {
    OpenError::Failed { path: root.to_owned(), why: error.to_string() }
}
