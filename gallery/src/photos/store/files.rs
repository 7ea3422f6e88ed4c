//! Where files lie, and how they get there whole.
//!
//! A file is written aside, synced, and renamed into its place; the folder is synced when all of a
//! group are there. Whatever has its name is therefore complete.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use durable::{PRIVATE, private_folder, sync_folder};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tempfile::NamedTempFile;
use tracing::{error, warn};
use wire::{MediaType, PhotoId};

use super::error::StoreError;
use crate::photos::picture::EDITION;

/// The store's folders.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
    /// The root itself, held open: no other folder gets its number meanwhile.
    held: Arc<File>,
}

/// The folders in the root.
const FOLDERS: [&str; 4] = ["photos", "thumbs", "trash", "incoming"];

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
        DayFolder(at.to_zoned_datetime(TimeZone::UTC).strftime("%Y/%m/%d").to_string())
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
            let at =
                date.to_zoned_datetime(TimeZone::UTC).map(|at| at.timestamp().as_millisecond());
            u64::try_from(at.unwrap_or(0)).unwrap_or(0)
        };
        start(date)..date.checked_add(1.day()).map_or(u64::MAX >> 1, start)
    }
}

impl Files {
    /// Makes what is missing of the folders.
    pub fn open(root: &Path) -> io::Result<Self> {
        private_folder(root)?;
        for folder in FOLDERS {
            private_folder(&root.join(folder))?;
        }
        sync_folder(root)?;
        Ok(Files { root: root.to_owned(), held: Arc::new(File::open(root)?) })
    }

    /// Whether the folder that was opened is still the one that has the name.
    pub fn is_here(&self) -> Result<(), StoreError> {
        let number = |folder: io::Result<fs::Metadata>| folder.map(|it| (it.dev(), it.ino()));
        match (number(self.held.metadata()), number(fs::metadata(&self.root))) {
            (Ok(held), Ok(named)) if held == named => Ok(()),
            _ => Err(StoreError::Away(self.root.clone())),
        }
    }

    /// Makes what went away of the folders in the root while that stayed.
    pub fn mend(&self) {
        let missing = FOLDERS.map(|folder| self.root.join(folder)).into_iter();
        for folder in missing.filter(|folder| !folder.exists()) {
            match make_folder(&folder) {
                Ok(_) => warn!(folder = %folder.display(), "it was gone, and is made anew"),
                Err(error) => error!(folder = %folder.display(), %error, "it is gone"),
            }
        }
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

    /// Where a file goes that is not what it should be: a name that is free.
    pub fn damaged(&self, name: &OsStr) -> io::Result<PathBuf> {
        let folder = self.root.join("damaged");
        make_folder(&folder)?;
        let mut path = folder.join(name);
        for number in 1_u64.. {
            if fs::symlink_metadata(&path).is_err() {
                break;
            }
            let mut other = name.to_owned();
            other.push(format!(".{number}"));
            path = folder.join(other);
        }
        Ok(path)
    }

    pub fn day(&self, day: &DayFolder) -> PathBuf {
        self.root.join("photos").join(&day.0)
    }

    /// Every day that has a folder, oldest first.
    pub fn days(&self) -> Vec<DayFolder> {
        let photos = self.root.join("photos");
        let mut days = Vec::new();
        for year in folders(&photos) {
            for month in folders(&photos.join(&year)) {
                for day in folders(&photos.join(&year).join(&month)) {
                    days.extend(DayFolder::parse(&format!("{year}/{month}/{day}")));
                }
            }
        }
        days.sort();
        days
    }

    /// Makes the folder of a day, durably.
    pub fn make_day(&self, day: &DayFolder) -> Result<PathBuf, StoreError> {
        self.make_levels("photos", &day.0, sync_folder)
    }

    /// Makes the folder of a day's thumbnails.
    pub fn make_thumbs(&self, day: &DayFolder) -> Result<PathBuf, StoreError> {
        self.make_levels("thumbs", &format!("{EDITION}/{}", day.0), |_| Ok(()))
    }

    fn make_levels(
        &self,
        under: &str,
        levels: &str,
        made_in: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<PathBuf, StoreError> {
        let mut folder = self.root.join(under);
        if folder.join(levels).is_dir() {
            return Ok(folder.join(levels));
        }
        for level in levels.split('/') {
            let parent = folder.clone();
            folder.push(level);
            if make_folder(&folder).map_err(StoreError::io(&folder))? {
                made_in(&parent).map_err(StoreError::io(&parent))?;
            }
        }
        Ok(folder)
    }

    /// An empty file that is removed when it is dropped.
    pub fn aside(&self) -> Result<NamedTempFile, StoreError> {
        let folder = self.root.join("incoming");
        tempfile::Builder::new()
            .permissions(Permissions::from_mode(PRIVATE))
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
            let path = entry?.path();
            if let Err(error) = fs::remove_file(&path) {
                warn!(path = %path.display(), %error, "this cannot be removed");
            }
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

/// Makes a folder in one that is there, so that nothing comes into being where the root was. Answers
/// whether it was missing.
pub(super) fn make_folder(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The folders in one; none, if it cannot be read.
fn folders(of: &Path) -> Vec<String> {
    let entries = fs::read_dir(of).inspect_err(|error| {
        error!(folder = %of.display(), %error, "it cannot be read; what is in it is passed over");
    });
    let entries = entries.into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
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
