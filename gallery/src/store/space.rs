//! Whether there is room on the disk.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;
use tokio::sync::watch;
use tracing::{info, warn};

use super::error::StoreError;

/// So much is kept free unless the configuration says otherwise, or this part of a smaller disk.
const MIN_FREE: u64 = 1 << 30;
const MIN_FREE_PART: u64 = 20;

/// The floor of free space, and what is wrong while it is reached.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    min_free: Option<u64>,
    /// The largest that found no room.
    refused: Mutex<u64>,
    trouble: watch::Sender<Option<String>>,
}

impl Space {
    pub fn new(folder: &Path, min_free: Option<u64>) -> Self {
        let (folder, trouble) = (folder.to_owned(), watch::Sender::new(None));
        Space { folder, min_free, refused: Mutex::new(0), trouble }
    }

    /// Why nothing can be stored now.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.subscribe()
    }

    /// Whether `bytes` more leave the floor as it is.
    pub fn check(&self, bytes: u64) -> Result<(), StoreError> {
        // A disk that cannot say how full it is says so when it is written to.
        let Ok(disk) = statvfs(&self.folder) else { return Ok(()) };
        let (free, floor) = (disk.f_bavail.saturating_mul(disk.f_frsize), self.floor(&disk));
        if free >= floor.saturating_add(bytes) {
            return Ok(());
        }
        let why = format!(
            "The gallery's disk is full: {} free, of which {} stay free \
             (gallery.photos.min_free); photos are stored again when there is room",
            human(free),
            human(floor)
        );
        self.refuse(bytes, &why);
        Err(StoreError::Full(why))
    }

    /// Notes what came of writing `bytes`, if there was no room for them.
    pub fn told<T>(&self, bytes: u64, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Full(why)) = &result {
            self.refuse(bytes, why);
        }
        result
    }

    fn refuse(&self, bytes: u64, why: &str) {
        {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = bytes.max(*refused);
        }
        self.trouble.send_if_modified(|trouble| {
            let new = trouble.is_none();
            if new {
                warn!(why, "no room for photos");
                *trouble = Some(why.to_owned());
            }
            new
        });
    }

    /// Looks whether what found no room would find it now. A quota shows only when it is tried.
    pub fn look(&self) {
        let needed = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if self.check(needed).is_err() || !self.has_room(needed) {
            return;
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        self.trouble.send_if_modified(|trouble| {
            let mended = trouble.take().is_some();
            if mended {
                info!("there is room for photos again");
            }
            mended
        });
    }

    fn has_room(&self, bytes: u64) -> bool {
        if bytes == 0 {
            return true;
        }
        let Ok(file) = tempfile::tempfile_in(&self.folder) else { return false };
        // Not every file system can reserve; those that cannot are believed.
        let full = [Errno::NOSPC, Errno::DQUOT];
        !fallocate(&file, FallocateFlags::empty(), 0, bytes)
            .is_err_and(|error| full.contains(&error))
    }

    fn floor(&self, disk: &StatVfs) -> u64 {
        let part = disk.f_blocks.saturating_mul(disk.f_frsize) / MIN_FREE_PART;
        self.min_free.unwrap_or(MIN_FREE.min(part))
    }
}

fn human(bytes: u64) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64),
    }
}
