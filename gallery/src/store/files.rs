//! Where files lie, and how they get there whole.
//!
//! A file is written aside, synced, and renamed into its place; the folder is synced when all of a
//! group are there. Whatever has its name is therefore complete.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use durable::sync_folder;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tempfile::NamedTempFile;
use wire::{MediaType, PhotoId};

use super::error::StoreError;
use crate::picture::EDITION;

/// The store's folders.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
}

/// A day in UTC, as its folder is called: `2026/11/20`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct DayFolder(String);

/// The last moment that has a folder: the end of the last day but two of the year 9999, as far as
/// days of every time zone can be told.
pub(super) const TAKEN_MOST: u64 = 253_402_128_000_000 - 1;

impl DayFolder {
    /// The day of a time in milliseconds since 1970.
    pub fn of(taken: u64) -> Self {
        let taken = i64::try_from(taken.min(TAKEN_MOST)).unwrap_or(0);
        let at = Timestamp::from_millisecond(taken).unwrap_or_default();
        DayFolder(at.to_zoned(TimeZone::UTC).strftime("%Y/%m/%d").to_string())
    }

    pub fn parse(text: &str) -> Option<Self> {
        Date::strptime("%Y/%m/%d", text).ok()?;
        Some(DayFolder(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first millisecond, and the first of the next day.
    pub fn times(&self) -> Range<u64> {
        let date = Date::strptime("%Y/%m/%d", &self.0).unwrap_or_default();
        let start = |date: Date| {
            let at = date.to_zoned(TimeZone::UTC).map(|at| at.timestamp().as_millisecond());
            u64::try_from(at.unwrap_or(0)).unwrap_or(0)
        };
        start(date)..date.checked_add(1.day()).map_or(u64::MAX >> 1, start)
    }
}

impl Files {
    /// Makes what is missing of the folders.
    pub fn open(root: &Path) -> io::Result<Self> {
        let files = Files { root: root.to_owned() };
        for folder in ["photos", "thumbs", "trash", "incoming"] {
            fs::create_dir_all(root.join(folder))?;
        }
        sync_folder(root)?;
        Ok(files)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn index(&self) -> PathBuf {
        self.root.join("index.db")
    }

    pub fn photo(&self, taken: u64, id: &PhotoId, media: MediaType) -> PathBuf {
        self.day(&DayFolder::of(taken)).join(format!("{id}.{}", media.extension()))
    }

    pub fn sidecar(&self, taken: u64, id: &PhotoId) -> PathBuf {
        self.day(&DayFolder::of(taken)).join(format!("{id}.json"))
    }

    pub fn thumb(&self, taken: u64, id: &PhotoId) -> PathBuf {
        self.thumbs().join(EDITION).join(DayFolder::of(taken).0).join(format!("{id}.jpg"))
    }

    /// Where the thumbnails of each edition have a folder.
    pub fn thumbs(&self) -> PathBuf {
        self.root.join("thumbs")
    }

    /// Where the file of a deleted photo waits.
    pub fn trash(&self, id: &PhotoId, media: MediaType) -> PathBuf {
        self.root.join("trash").join(format!("{id}.{}", media.extension()))
    }

    /// Where a file goes that is not what it should be.
    pub fn damaged(&self, name: &OsStr) -> io::Result<PathBuf> {
        let folder = self.root.join("damaged");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(name))
    }

    pub fn day(&self, day: &DayFolder) -> PathBuf {
        self.root.join("photos").join(&day.0)
    }

    /// Every day that has a folder, oldest first.
    pub fn days(&self) -> io::Result<Vec<DayFolder>> {
        let photos = self.root.join("photos");
        let mut days = Vec::new();
        for year in folders(&photos)? {
            for month in folders(&photos.join(&year))? {
                for day in folders(&photos.join(&year).join(&month))? {
                    days.extend(DayFolder::parse(&format!("{year}/{month}/{day}")));
                }
            }
        }
        days.sort();
        Ok(days)
    }

    /// Makes the folder of a day, durably.
    pub fn make_day(&self, day: &DayFolder) -> Result<PathBuf, StoreError> {
        let folder = self.day(day);
        if folder.is_dir() {
            return Ok(folder);
        }
        let mut made = self.root.join("photos");
        for level in day.0.split('/') {
            let parent = made.clone();
            made.push(level);
            match fs::create_dir(&made) {
                Ok(()) => sync_folder(&parent).map_err(StoreError::io(&parent))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::io(&made)(error)),
            }
        }
        Ok(folder)
    }

    /// An empty file that is removed when it is dropped.
    pub fn aside(&self) -> Result<NamedTempFile, StoreError> {
        let folder = self.root.join("incoming");
        tempfile::Builder::new()
            // As any other new file: what the umask leaves.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&folder)
            .map_err(StoreError::io(&folder))
    }

    /// A synced file that has not got its name yet.
    pub fn write_aside(&self, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
        let mut file = self.aside()?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(StoreError::io(file.path()))?;
        Ok(file)
    }

    /// Removes what a crash left half written.
    pub fn clear_aside(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("incoming"))? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }
}

/// Gives a synced file its name. The folder is still to be synced.
pub(super) fn put(file: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    file.persist(path).map(drop).map_err(|error| StoreError::io(path)(error.error))
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io(from))
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn folders(of: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(of)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        for (taken, day) in [
            (0, "1970/01/01"),
            (1_763_683_199_999, "2025/11/20"),
            (1_763_683_200_000, "2025/11/21"),
            (u64::MAX, "9999/12/29"),
        ] {
            let folder = DayFolder::of(taken);
            assert_eq!(folder.as_str(), day);
            assert!(folder.times().contains(&taken.min(TAKEN_MOST)), "{taken}");
            assert_eq!(DayFolder::parse(day), Some(folder));
        }
        for bad in ["2026/13/01", "2026/1/1x", "../../etc", ""] {
            assert_eq!(DayFolder::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_was_written_aside_and_never_named_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let files = Files::open(root.path()).unwrap();
        let left = files.write_aside(b"half").unwrap().into_temp_path().keep().unwrap();
        files.clear_aside().unwrap();
        assert!(!left.exists());
    }
}
