//! The file of the index: opening, upgrading, rebuilding in another file, and closing.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use durable::sync_folder;
use rusqlite::{Connection, OpenFlags, ffi};
use tracing::info;

use super::{Index, Reader, Result, StoreError};

/// Changes with the schema. An index of an earlier version is upgraded, one of a later version
/// rebuilt from the files.
const VERSION: i64 = 2;

/// From version 1 to 2: the hash of an upload before its place was removed.
const FROM_1: &str = "ALTER TABLE photos ADD COLUMN arrived TEXT;
     CREATE INDEX photos_by_hash ON photos (hash);
     CREATE INDEX photos_by_arrived ON photos (arrived) WHERE arrived IS NOT NULL;";

/// The file name in the store's folder, and that during a rebuild.
const NAME: &str = "index.db";
const NEW: &str = "index.new";

impl Reader {
    /// Opens the index of the store in `root`.
    pub fn open(root: &Path) -> Result<Reader> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path(root), flags)?;
        connection.pragma_update(None, "cache_size", -2000)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Reader(connection))
    }

    /// Whether SQLite finds nothing wrong with it.
    fn is_sound(&self) -> Result<bool> {
        let told: String = self.0.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(told == "ok")
    }

    /// Whether it was closed properly.
    pub fn is_clean(&self) -> Result<bool> {
        Ok(self.0.query_row("SELECT clean FROM totals", [], |row| row.get(0))?)
    }
}

impl Index {
    /// Opens the index of the store in `root`, if there is one of this version.
    ///
    /// # Errors
    /// Also [`StoreError::Index`] if it is broken: [`set_aside`](super::Index::set_aside) it.
    pub fn open(root: &Path) -> Result<Option<Index>> {
        let path = path(root);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A pipe would never open.
            Ok(index) if !index.is_file() => {
                return Err(StoreError::Index(format!("{} is not a file", path.display())));
            }
            found => {
                found.map_err(StoreError::io(&path))?;
            }
        }
        let mut index = open(&path)?;
        if !index.make_current()? {
            info!(
                "the index of the photos is empty or of another version; making it again from \
                   the files"
            );
            return Ok(None);
        }
        // A full check takes seconds, and is needed only after a failure.
        if !index.is_clean()? && !index.is_sound()? {
            return Err(StoreError::Index("it is damaged".to_owned()));
        }
        Ok(Some(index))
    }

    /// Begins an index in another file, so that a crash leaves the old one or the new one. Nothing
    /// in it is durable before [`replace`](Index::replace).
    pub fn begin_anew(root: &Path) -> Result<Index> {
        let path = root.join(NEW);
        for leftover in with_logs(&path) {
            remove(&leftover)?;
        }
        let mut index = open(&path)?;
        index.0.0.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;")?;
        index.create()?;
        Ok(index)
    }

    /// Replaces the existing index with a rebuilt one.
    pub fn replace(self, root: &Path) -> Result<Index> {
        let (new, old) = (root.join(NEW), path(root));
        self.close()?;
        File::open(&new).and_then(|file| file.sync_all()).map_err(StoreError::io(&new))?;
        for old in with_logs(&old) {
            remove(&old)?;
        }
        fs::rename(&new, &old).and_then(|()| sync_folder(root)).map_err(StoreError::io(&new))?;
        open(&old)
    }

    /// Moves a broken index to `aside`, so that somebody can examine it.
    pub fn set_aside(root: &Path, aside: &Path) -> io::Result<()> {
        for (from, to) in with_logs(&path(root)).into_iter().zip(with_logs(aside)) {
            if fs::symlink_metadata(&from).is_ok() {
                fs::rename(from, to)?;
            }
        }
        Ok(())
    }

    /// Makes the tables of a new index.
    pub(super) fn create(&mut self) -> Result<()> {
        let tx = self.begin()?;
        tx.0.execute_batch(include_str!("schema.sql"))?;
        tx.0.pragma_update(None, "user_version", VERSION)?;
        tx.commit()
    }

    /// Whether the tables have this version, after an upgrade of an earlier one.
    fn make_current(&mut self) -> Result<bool> {
        let version: i64 = self.0.0.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == 1 {
            let tx = self.begin()?;
            tx.0.execute_batch(FROM_1)?;
            tx.0.pragma_update(None, "user_version", VERSION)?;
            tx.commit()?;
            return Ok(true);
        }
        Ok(version == VERSION)
    }

    /// From now on it is unclean, until it is closed.
    pub fn set_unclean(&self) -> Result<()> {
        self.0.0.execute("UPDATE totals SET clean = 0", [])?;
        Ok(())
    }

    /// Moves SQLite's log into the database and frees its room, unless somebody is reading from it.
    pub fn empty_log(&self) -> Result<()> {
        Ok(self.0.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Closes it properly, so that the next start need not check it.
    pub fn close(self) -> Result<()> {
        self.0.0.execute_batch("DELETE FROM busy; UPDATE totals SET clean = 1;")?;
        self.empty_log()?;
        Ok(self.0.0.close().map_err(|(_, error)| error)?)
    }
}

/// The path of a store's index.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

/// Opens an index for writing, and makes it if missing.
///
/// `synchronous = FULL`: SQLite syncs its log before a commit returns, so the index has every
/// acknowledged photo, even after a power cut. This costs one sync for a whole group of photos, and
/// saves checking all files after each unclean end.
pub(super) fn open(path: &Path) -> Result<Index> {
    // SQLite's other files get the same mode. It must be set before opening: closing any file of
    // the database releases this process's locks on it.
    if let Err(error) = durable::private_file(path) {
        let code = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ffi::SQLITE_FULL,
            _ => ffi::SQLITE_CANTOPEN,
        };
        let why = Some(error.to_string());
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), why).into());
    }
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4000;
         PRAGMA foreign_keys = ON;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(Index(Reader(connection)))
}

/// A database and SQLite's files beside it.
fn with_logs(index: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut path = index.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    })
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path)(error)),
        _ => Ok(()),
    }
}
