//! Whether photos can be stored now: whether the disk has room, and the folder is present.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::photos::store::blobs::{Blobs, Folder};
use crate::photos::store::error::StoreError;

/// The default of free space, or this part of a smaller disk.
const MIN_FREE: u64 = 1 << 30;
const MIN_FREE_PART: u64 = 20;

/// The least that the index writes for a change.
const CHANGE: u64 = 64 * 1024;

/// How many inodes stay free: a photo takes three, and a folder for each part of a new date.
const INODES: u64 = 16;

const NO_INODES: &str = "The gallery's disk has room for no more files (no inode is free): \
     remove files there; photos are stored again then";

/// The bound of free space, and what is wrong while it is reached.
#[derive(Debug)]
pub(in crate::photos::store) struct Space {
    folder: Folder,
    min_free: Option<u64>,
    /// The largest size for which there was no room.
    refused: Mutex<u64>,
    /// Bytes that the reserve gets back before photos get them.
    owed: AtomicU64,
    trouble: watch::Sender<Option<StoreError>>,
}

impl Space {
    pub fn new(folder: Folder, min_free: Option<u64>) -> Self {
        let (refused, owed) = (Mutex::default(), AtomicU64::default());
        Space { folder, min_free, refused, owed, trouble: watch::Sender::new(None) }
    }

    /// How many bytes of the reserve are in use.
    pub fn owe(&self, bytes: u64) {
        self.owed.store(bytes, Ordering::Relaxed);
    }

    /// Why nothing can be stored now.
    pub fn trouble(&self) -> watch::Receiver<Option<StoreError>> {
        self.trouble.subscribe()
    }

    /// Checks that the folder is present, and that `bytes` more leave enough free.
    pub fn check(&self, bytes: u64) -> Result<(), StoreError> {
        let checked = self.folder.is_here().and_then(|()| self.floor_holds(bytes));
        if let Err(error) = &checked {
            self.note(bytes, error);
        }
        checked
    }

    fn floor_holds(&self, bytes: u64) -> Result<(), StoreError> {
        // A disk that cannot say how full it is fails when it is written.
        let Ok(disk) = statvfs(self.folder.root()) else { return Ok(()) };
        let (free, floor) = (disk.f_bavail.saturating_mul(disk.f_frsize), self.floor(&disk));
        // Some file systems have no table of inodes, and report none.
        if disk.f_files > 0 && disk.f_favail < INODES {
            return Err(StoreError::Full(NO_INODES.to_owned()));
        }
        if free >= floor.saturating_add(bytes) {
            return Ok(());
        }
        Err(StoreError::Full(format!(
            "The gallery's disk is full: {} free, of which {} stay free \
             (gallery.photos.min_free); photos are stored again when there is room",
            human(free),
            human(floor)
        )))
    }

    /// Notes it if `bytes` could not be written for lack of room.
    pub fn noted<T>(&self, bytes: u64, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result
            .map_err(|error| self.explain(bytes, error))
            .inspect_err(|error| self.note(bytes, error))
    }

    /// The real meaning of an error: SQLite seldom says that its file had no room, and a missing
    /// file may be in a folder that disappeared.
    pub fn explain(&self, bytes: u64, error: StoreError) -> StoreError {
        if !matches!(error, StoreError::Index(_) | StoreError::Io { .. }) {
            return error;
        }
        if let Err(away) = self.folder.is_here() {
            return away;
        }
        match self.tried(bytes.max(CHANGE)) {
            Err(why @ (StoreError::Full(_) | StoreError::ReadOnly(_))) => why,
            _ => error,
        }
    }

    fn note(&self, bytes: u64, error: &StoreError) {
        if !matches!(error, StoreError::Full(_) | StoreError::ReadOnly(_) | StoreError::Away(_)) {
            return;
        }
        {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = bytes.max(*refused);
        }
        self.trouble.send_if_modified(|trouble| {
            // The text about how full the disk is differs each time.
            let same = trouble.as_ref().is_some_and(|trouble| {
                std::mem::discriminant(trouble) == std::mem::discriminant(error)
            });
            if !same {
                warn!(why = %error, "cannot store photos");
                *trouble = Some(error.clone());
            }
            !same
        });
    }

    /// Checks whether there is room now for what was refused. Only an attempt reveals a quota.
    pub fn look(&self) {
        if self.folder.is_here().is_ok() {
            self.folder.mend();
        }
        let needed = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if self.check(needed).is_err() || self.trouble.borrow().is_none() {
            return;
        }
        if let Err(error) = self.tried(needed) {
            return self.note(needed, &error);
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        self.trouble.send_if_modified(|trouble| {
            let mended = trouble.take().is_some();
            if mended {
                info!("photos can be stored again");
            }
            mended
        });
    }

    /// Whether `bytes` can be written where photos are.
    fn tried(&self, bytes: u64) -> Result<(), StoreError> {
        let mut draft = self.folder.draft()?;
        match fallocate(draft.file(), FallocateFlags::empty(), 0, bytes.max(1)) {
            // Not every file system can preallocate; the others are trusted.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => draft.write(b"."),
            tried => tried.map_err(|error| StoreError::io(draft.path())(io::Error::from(error))),
        }
    }

    fn floor(&self, disk: &StatVfs) -> u64 {
        let part = disk.f_blocks.saturating_mul(disk.f_frsize) / MIN_FREE_PART;
        let floor = self.min_free.unwrap_or(MIN_FREE.min(part));
        floor.max(self.owed.load(Ordering::Relaxed))
    }
}

fn human(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64),
    }
}
