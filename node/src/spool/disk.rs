//! The snapshots on the disk that no gallery has stored yet.
//!
//! A file is `<number>-<camera>-<photo id>.jpg`, the whole picture with its stamp; its number gives
//! the order. It is first written under another name and synced, then renamed, and the folder
//! synced. The next start removes what a crash leaves under other names.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use durable::sync_folder;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use wire::{CameraName, PhotoId};

/// A folder of snapshots.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    next: u64,
}

/// A snapshot in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Counts up with each snapshot.
    pub number: u64,
    /// The camera that took it.
    pub camera: CameraName,
    /// The id of the photo.
    pub id: PhotoId,
    /// The size of its file.
    pub bytes: u64,
}

/// The folder of snapshots that a gallery refused for good.
const REFUSED: &str = "refused";
/// The prefix of unfinished files.
const UNFINISHED: &str = ".new-";

impl Spool {
    /// Opens the folder, makes it if missing, and finds the waiting snapshots, oldest first.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(folder: &Path) -> io::Result<(Spool, Vec<Entry>)> {
        durable::private_folder(folder)?;
        durable::private_folder(&folder.join(REFUSED))?;
        sync_folder(folder)?;
        sync_folder(folder.parent().unwrap_or(Path::new(".")))?;
        let mut entries = Vec::new();
        for file in fs::read_dir(folder)? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            if !file.file_type()?.is_file() {
                if name.starts_with(UNFINISHED) || parse(&name).is_some() {
                    let path = file.path();
                    tracing::warn!(path = %path.display(), "this is not a file, although it is called as a snapshot; remove it");
                }
            } else if name.starts_with(UNFINISHED) {
                fs::remove_file(file.path())?;
            } else if let Some((number, camera, id)) = parse(&name) {
                entries.push(Entry { number, camera, id, bytes: file.metadata()?.len() });
            }
        }
        entries.sort_unstable_by_key(|entry| entry.number);
        let next = entries.last().map_or(0, |last| last.number.saturating_add(1));
        Ok((Spool { folder: folder.to_owned(), next }, entries))
    }

    /// Writes a snapshot. It is safe only after [`Spool::sync`].
    ///
    /// # Errors
    /// It cannot be written whole; then nothing of it is left.
    pub fn write(&mut self, camera: &CameraName, id: &PhotoId, jpeg: &[u8]) -> io::Result<Entry> {
        let (number, bytes) = (self.next, jpeg.len() as u64);
        let entry = Entry { number, camera: camera.clone(), id: id.clone(), bytes };
        let unfinished = self.folder.join(format!("{UNFINISHED}{number}"));
        let written = write_synced(&unfinished, jpeg)
            .and_then(|()| fs::rename(&unfinished, self.folder.join(name(&entry))));
        if let Err(error) = written {
            fs::remove_file(&unfinished).ok();
            return Err(error);
        }
        self.next += 1;
        Ok(entry)
    }

    /// Makes the names of the last written files survive a power cut.
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> io::Result<()> {
        sync_folder(&self.folder)
    }

    /// Checks whether a file of this many bytes would fit.
    ///
    /// # Errors
    /// It would not.
    pub fn reserve(&self, bytes: u64) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{UNFINISHED}room"));
        let file = durable::private_file(&unfinished)?;
        let reserved = fallocate(&file, FallocateFlags::empty(), 0, bytes.max(1));
        fs::remove_file(&unfinished)?;
        match reserved {
            // Some file systems cannot reserve; then it assumes that there is room.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            reserved => reserved.map_err(io::Error::from),
        }
    }

    /// Removes one. One that is already gone is no error.
    ///
    /// # Errors
    /// Its file cannot be removed.
    pub fn remove(&self, entry: &Entry) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name(entry))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Moves one to those that no gallery accepts. Returns its path.
    ///
    /// # Errors
    /// Its file cannot be moved.
    pub fn refuse(&self, entry: &Entry) -> io::Result<PathBuf> {
        let to = self.folder.join(REFUSED).join(name(entry));
        fs::rename(self.folder.join(name(entry)), &to)?;
        Ok(to)
    }

    /// The present refused ones: people look at them and delete them.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn refused(&self) -> io::Result<Vec<Entry>> {
        let mut refused = Vec::new();
        for file in fs::read_dir(self.folder.join(REFUSED))? {
            let file = file?;
            if let Some((number, camera, id)) = parse(&file.file_name().to_string_lossy()) {
                let bytes = file.metadata().map_or(0, |metadata| metadata.len());
                refused.push(Entry { number, camera, id, bytes });
            }
        }
        Ok(refused)
    }
}

/// The picture of an entry of the spool in `folder`.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(folder: &Path, entry: &Entry) -> io::Result<Vec<u8>> {
    fs::read(folder.join(name(entry)))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = durable::private_file(path)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn name(entry: &Entry) -> String {
    format!("{:012}-{}-{}.jpg", entry.number, entry.camera, entry.id)
}

fn parse(name: &str) -> Option<(u64, CameraName, PhotoId)> {
    let (number, rest) = name.strip_suffix(".jpg")?.split_once('-')?;
    let (camera, id) = rest.rsplit_once('-')?;
    Some((number.parse().ok()?, camera.parse().ok()?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn id(n: u64) -> PhotoId {
        PhotoId::new(n, 7)
    }

    fn camera() -> CameraName {
        "front-door_2".parse().unwrap()
    }

    #[test]
    fn a_restart_finds_all_in_order_and_goes_on_counting() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, found) = Spool::open(folder.path()).unwrap();
        assert_eq!(found, []);
        // The ids do not give the order: askers choose them.
        let written: Vec<Entry> =
            (0..12).map(|n| spool.write(&camera(), &id(99 - n), b"jpeg").unwrap()).collect();
        spool.sync().unwrap();
        let (mut spool, found) = Spool::open(folder.path()).unwrap();
        assert_eq!(found, written);
        assert_eq!(read(folder.path(), &found[3]).unwrap(), b"jpeg");
        assert_eq!(spool.write(&camera(), &id(500), b"").unwrap().number, 12);
    }

    #[test]
    fn what_a_crash_left_unfinished_is_removed_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(folder.path()).unwrap();
        let entry = spool.write(&camera(), &id(1), b"jpeg").unwrap();
        let foreign = folder.path().join("holiday.jpg");
        fs::write(&foreign, b"jpeg").unwrap();
        fs::write(folder.path().join(".new-1"), b"jp").unwrap();
        let (_, found) = Spool::open(folder.path()).unwrap();
        assert_eq!(found, [entry]);
        assert!(foreign.exists() && !folder.path().join(".new-1").exists());
    }

    #[test]
    fn one_that_is_refused_waits_no_more_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(folder.path()).unwrap();
        let entry = spool.write(&camera(), &id(1), b"jpeg").unwrap();
        assert_eq!(fs::read(spool.refuse(&entry).unwrap()).unwrap(), b"jpeg");
        assert_eq!(spool.refused().unwrap(), [entry]);
        assert_eq!(Spool::open(folder.path()).unwrap().1, []);
    }

    #[test]
    fn a_folder_where_a_snapshot_should_be_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(folder.path()).unwrap();
        let entry = spool.write(&camera(), &id(1), b"jpeg").unwrap();
        let odd = |number| Entry { number, id: id(number), ..entry.clone() };
        fs::create_dir(folder.path().join(name(&odd(2)))).unwrap();
        fs::create_dir(folder.path().join(".new-3")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join(name(&odd(4)))).unwrap();
        let (_, found) = Spool::open(folder.path()).unwrap();
        assert_eq!(found, [entry]);
    }

    #[test]
    fn the_spool_is_for_its_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("spool");
        let (mut spool, _) = Spool::open(&inner).unwrap();
        let entry = spool.write(&camera(), &id(1), b"jpeg").unwrap();
        let paths = [inner.clone(), inner.join(REFUSED), inner.join(name(&entry))];
        let modes = paths.map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o777);
        assert_eq!(modes, [0o700, 0o700, 0o600]);
    }

    #[test]
    fn one_that_is_gone_already_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(folder.path()).unwrap();
        let entry = spool.write(&camera(), &id(1), b"jpeg").unwrap();
        spool.remove(&entry).unwrap();
        spool.remove(&entry).unwrap();
        assert_eq!(Spool::open(folder.path()).unwrap().1, []);
    }

    #[test]
    fn names_that_are_not_ours_are_no_entries() {
        for bad in ["", "1.jpg", "1-door.jpg", "x-door-01ARZ3NDEKTSV4RRFFQ69G5FAV.jpg"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
