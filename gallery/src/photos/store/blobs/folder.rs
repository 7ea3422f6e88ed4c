//! Blobs as files of a folder, which become visible only when they are whole.
//!
//! A file is written in another place, synced, and renamed; its folder is synced when all files of
//! a group are there. So a file with its final name is complete.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use durable::{PRIVATE, private_file, private_folder, sync_folder};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use tempfile::NamedTempFile;
use tracing::{error, warn};

use super::{
    Blob, Blobs, Draft, Key, Lasting, Listed, Prefix, Put, Reader, Sealed, StoreError, What,
};

/// The store's folder. A cheap handle.
#[derive(Debug, Clone)]
pub(in crate::photos::store) struct Folder {
    root: PathBuf,
    /// The root itself, held open, so that no other folder gets its inode number.
    held: Arc<File>,
}

/// Held as long as the store is open, so that nobody else writes to the folder.
#[derive(Debug)]
pub(in crate::photos::store) struct Lock(
    #[expect(dead_code, reason = "it is held, not read")] File,
);

/// The folders in the root. Deeper ones are made when needed.
const FOLDERS: [&str; 4] = ["photos", "thumbs", "trash", DRAFTS];
const DRAFTS: &str = "incoming";

impl Folder {
    /// Makes the missing folders.
    pub fn open(root: &Path) -> io::Result<Self> {
        private_folder(root)?;
        for folder in FOLDERS {
            private_folder(&root.join(folder))?;
        }
        sync_folder(root)?;
        Ok(Folder { root: root.to_owned(), held: Arc::new(File::open(root)?) })
    }

    /// Locks the folder; `None` if another process has it.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        let lock = private_file(&self.root.join("lock"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(lock))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes folders again that disappeared from the root while the root stayed.
    pub fn mend(&self) {
        let missing = FOLDERS.map(|folder| self.root.join(folder)).into_iter();
        for folder in missing.filter(|folder| !folder.exists()) {
            match make_folder(&folder) {
                Ok(_) => warn!(folder = %folder.display(), "made a missing folder again"),
                Err(error) => error!(folder = %folder.display(), %error, "cannot make a folder"),
            }
        }
    }

    /// Removes files that a crash left half written.
    pub fn clear_drafts(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(DRAFTS))? {
            let path = entry?.path();
            if let Err(error) = fs::remove_file(&path) {
                warn!(path = %path.display(), %error, "cannot remove an unfinished file");
            }
        }
        Ok(())
    }

    /// A free name for a file that is not what it should be.
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

    fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// Makes the folders that a key needs, except the first one, so that nothing is created in
    /// place of a missing root.
    fn make_levels(&self, key: &Key, lasting: Lasting) -> Result<(), StoreError> {
        let mut levels = key.as_str().split('/');
        let mut folder = self.root.join(levels.next().unwrap_or_default());
        levels.next_back();
        for level in levels {
            let parent = folder.clone();
            folder.push(level);
            if make_folder(&folder).map_err(StoreError::io(&folder))? && lasting == Lasting::Always
            {
                sync_folder(&parent).map_err(StoreError::io(&parent))?;
            }
        }
        Ok(())
    }
}

impl Blobs for Folder {
    /// Checks that the opened folder still has its name.
    fn is_here(&self) -> Result<(), StoreError> {
        let number = |folder: io::Result<fs::Metadata>| folder.map(|it| (it.dev(), it.ino()));
        match (number(self.held.metadata()), number(fs::metadata(&self.root))) {
            (Ok(held), Ok(named)) if held == named => Ok(()),
            _ => Err(StoreError::Away(self.root.clone())),
        }
    }

    fn draft(&self) -> Result<Draft, StoreError> {
        let folder = self.root.join(DRAFTS);
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(PRIVATE))
            .tempfile_in(&folder)
            .map_err(StoreError::io(&folder))?;
        Ok(Draft::new(file))
    }

    fn seal(&self, draft: Draft, lasting: Lasting) -> Result<Box<dyn Sealed>, StoreError> {
        if lasting == Lasting::Always {
            draft.sync().map_err(StoreError::io(draft.path()))?;
        }
        Ok(Box::new(Aside { folder: self.clone(), file: draft.into_file(), lasting }))
    }

    fn sync(&self, prefix: &Prefix) -> Result<(), StoreError> {
        let folder = self.root.join(prefix.as_str());
        sync_folder(&folder).map_err(StoreError::io(&folder))
    }

    fn get(&self, key: &Key) -> Result<Option<Box<dyn Blob>>, StoreError> {
        let path = self.path(key);
        let mut options = OpenOptions::new();
        // A pipe would never open.
        let opened =
            options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&path);
        let file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(StoreError::io(&path))?,
        };
        let metadata = file.metadata().map_err(StoreError::io(&path))?;
        if !metadata.is_file() {
            let error = io::Error::new(ErrorKind::IsADirectory, "it is not a file");
            return Err(StoreError::io(&path)(error));
        }
        let (size, modified) = (metadata.len(), metadata.modified().ok());
        Ok(Some(Box::new(Opened { file, path, size, modified })))
    }

    fn has(&self, key: &Key) -> bool {
        self.path(key).exists()
    }

    fn rename(&self, from: &Key, to: &Key) -> Result<(), StoreError> {
        let (path, renamed) = (self.path(from), || fs::rename(self.path(from), self.path(to)));
        match renamed() {
            Err(error) if error.kind() == ErrorKind::NotFound && path.exists() => {
                self.make_levels(to, Lasting::Always)?;
                renamed()
            }
            renamed => renamed,
        }
        .map_err(StoreError::io(&path))
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let path = self.path(key);
        remove(&path).map_err(StoreError::io(&path))?;
        // The last file of a day takes its folder along; until then that is not empty.
        if let Some(folder) = path.parent().filter(|_| key.as_str().split('/').count() > 2) {
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    fn delete_all(&self, prefix: &Prefix) -> Result<(), StoreError> {
        let folder = self.root.join(prefix.as_str());
        fs::remove_dir_all(&folder).map_err(StoreError::io(&folder))
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, StoreError> {
        let folder = self.root.join(prefix.as_str());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StoreError::io(&folder))?,
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::io(&folder))?;
            // No blob has such a name.
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Links are followed: people may have moved old photos to another disk.
            let what = match fs::metadata(entry.path()) {
                Ok(file) if file.is_file() => What::Blob(file.len()),
                Ok(folder) if folder.is_dir() => What::Prefix,
                _ => What::Odd,
            };
            listed.push(Listed { name, what });
        }
        Ok(listed)
    }

    fn set_aside(&self, key: &Key) -> Result<String, StoreError> {
        let path = self.path(key);
        let aside = self.damaged(path.file_name().unwrap_or(OsStr::new("unnamed")));
        aside
            .and_then(|aside| fs::rename(&path, &aside).map(|()| aside.display().to_string()))
            .map_err(StoreError::io(&path))
    }
}

/// A file without its final name.
#[derive(Debug)]
struct Aside {
    folder: Folder,
    file: NamedTempFile,
    lasting: Lasting,
}

impl Sealed for Aside {
    fn put(self: Box<Self>, key: &Key, how: Put) -> Result<(), StoreError> {
        let Aside { folder, file, lasting } = *self;
        let path = folder.path(key);
        let named = match name(file, &path, how) {
            Err(error) if error.error.kind() == ErrorKind::NotFound => {
                folder.make_levels(key, lasting)?;
                name(error.file, &path, how)
            }
            named => named,
        };
        named.map_err(|error| StoreError::io(&path)(error.error))
    }
}

fn name(file: NamedTempFile, path: &Path, how: Put) -> Result<(), tempfile::PersistError> {
    if how == Put::Replace {
        return file.persist(path).map(drop);
    }
    match file.persist_noclobber(path) {
        // A link that leads nowhere counts as missing, and not every file system can tell whether
        // something exists. Nobody else writes here, so it is safe to look first.
        Err(error)
            if matches!(
                error.error.kind(),
                ErrorKind::AlreadyExists | ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ) && !path.exists() =>
        {
            error.file.persist(path).map(drop)
        }
        named => named.map(drop),
    }
}

/// An open file.
#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

impl Blob for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    fn read(mut self: Box<Self>, range: Range<u64>) -> Result<Reader, StoreError> {
        if range.start > 0 {
            let sought = self.file.seek(SeekFrom::Start(range.start));
            sought.map_err(StoreError::io(&self.path))?;
        }
        Ok(Box::new(self.file.take(range.end.saturating_sub(range.start))))
    }
}

/// Makes a folder in an existing one, so that nothing is created in place of a missing root.
/// Returns whether it was missing.
pub(in crate::photos::store) fn make_folder(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{hash, read};
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        (root, folder)
    }

    fn key(name: &str) -> Key {
        Prefix::photos().prefix("2026/11/20").key(name)
    }

    fn put(blobs: &dyn Blobs, name: &str, bytes: &[u8], how: Put) -> Result<(), StoreError> {
        blobs.write(bytes, Lasting::Always)?.put(&key(name), how)
    }

    fn whole(blobs: &dyn Blobs, name: &str) -> Vec<u8> {
        blobs.read(&key(name), u64::MAX).unwrap().unwrap()
    }

    #[test]
    fn what_was_written_aside_and_never_named_is_cleared() {
        let (root, folder) = folder();
        let mut draft = folder.draft().unwrap();
        draft.write(b"half").unwrap();
        let left = draft.into_file().into_temp_path().keep().unwrap();
        folder.clear_drafts().unwrap();
        assert!(!left.exists());
        drop(folder.seal(folder.draft().unwrap(), Lasting::Always).unwrap());
        assert_eq!(fs::read_dir(root.path().join(DRAFTS)).unwrap().count(), 0);
    }

    #[test]
    fn a_new_blob_never_takes_the_place_of_another() {
        let (_root, folder) = folder();
        put(&folder, "a.jpg", b"first", Put::New).unwrap();
        let refused = put(&folder, "a.jpg", b"second", Put::New).unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::AlreadyExists));
        assert_eq!(whole(&folder, "a.jpg"), b"first");
        put(&folder, "a.jpg", b"third", Put::Replace).unwrap();
        assert_eq!(whole(&folder, "a.jpg"), b"third");
        // A link that leads nowhere does not count.
        std::os::unix::fs::symlink("nowhere", folder.path(&key("b.jpg"))).unwrap();
        put(&folder, "b.jpg", b"second", Put::New).unwrap();
        assert_eq!(whole(&folder, "b.jpg"), b"second");
    }

    #[test]
    fn a_part_is_read_and_what_is_open_outlasts_its_name() {
        let (_root, folder) = folder();
        put(&folder, "a.jpg", b"0123456789", Put::New).unwrap();
        for (range, part) in
            [(0..10, "0123456789"), (3..5, "34"), (8..99, "89"), (10..20, ""), (7..7, "")]
        {
            let blob = folder.get(&key("a.jpg")).unwrap().unwrap();
            let mut text = String::new();
            blob.read(range).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, part);
        }
        let open = folder.get(&key("a.jpg")).unwrap().unwrap();
        let hashed = (&folder as &dyn Blobs).hash(&key("a.jpg")).unwrap();
        folder.delete(&key("a.jpg")).unwrap();
        assert!(folder.get(&key("a.jpg")).unwrap().is_none());
        assert_eq!(read(open, &key("a.jpg"), 4).unwrap(), b"0123");
        assert_eq!(hashed, hash(&b"0123456789"[..]).ok());
    }

    #[test]
    fn a_day_comes_with_its_first_blob_and_goes_with_its_last() {
        let (root, folder) = folder();
        let day = root.path().join("photos/2026/11/20");
        put(&folder, "a.jpg", b"a", Put::New).unwrap();
        put(&folder, "b.jpg", b"b", Put::New).unwrap();
        folder.sync(&Prefix::photos().prefix("2026/11/20")).unwrap();
        folder.delete(&key("a.jpg")).unwrap();
        folder.delete(&key("a.jpg")).unwrap();
        assert!(day.exists());
        let trash = Prefix::trash().key("b.jpg");
        folder.rename(&key("b.jpg"), &trash).unwrap();
        folder.rename(&trash, &key("b.jpg")).unwrap();
        folder.delete(&key("b.jpg")).unwrap();
        assert!(!day.exists());
        folder.delete(&trash).unwrap();
        assert!(root.path().join("trash").exists());
        // Nothing is created in place of the root.
        fs::remove_dir_all(root.path()).unwrap();
        let gone = Aside {
            file: NamedTempFile::new().unwrap(),
            folder: folder.clone(),
            lasting: Lasting::Always,
        };
        assert!(Box::new(gone).put(&key("a.jpg"), Put::New).is_err());
        assert!(folder.is_here().is_err() && !root.path().exists());
    }

    #[test]
    fn what_is_no_file_is_listed_as_odd_and_cannot_be_opened() {
        let (_root, folder) = folder();
        put(&folder, "a.jpg", b"123", Put::New).unwrap();
        let path = |name| folder.path(&key(name));
        fs::create_dir(path("b.jpg")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("c.jpg"), rustix::fs::Mode::RUSR).unwrap();
        std::os::unix::fs::symlink("nowhere", path("d.jpg")).unwrap();
        let mut listed = folder.list(&Prefix::photos().prefix("2026/11/20")).unwrap();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        let listed = listed.into_iter().map(|it| it.what).collect::<Vec<_>>();
        assert_eq!(listed, [What::Blob(3), What::Prefix, What::Odd, What::Odd]);
        assert!(folder.get(&key("b.jpg")).is_err() && folder.get(&key("c.jpg")).is_err());
        assert!(folder.list(&Prefix::photos().prefix("1999")).unwrap().is_empty());
        let aside = folder.set_aside(&key("b.jpg")).unwrap();
        assert!(aside.ends_with("damaged/b.jpg") && Path::new(&aside).exists());
    }
}
