//! The file of the index: opened, brought up to date, made anew aside, and closed in order.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use durable::sync_folder;
use rusqlite::{Connection, OpenFlags, ffi};
use tracing::info;

use super::{Index, Reader, Result, StoreError};

/// Changes with the schema. An index of an earlier version is brought up to date, one of a later
/// version made anew from the files.
const VERSION: i64 = 2;

/// From version 1 to 2: what an upload was before its place was taken out.
const FROM_1: &str = "ALTER TABLE photos ADD COLUMN arrived TEXT;
     CREATE INDEX photos_by_hash ON photos (hash);
     CREATE INDEX photos_by_arrived ON photos (arrived) WHERE arrived IS NOT NULL;";

/// Its name in the store's folder, and that of one that is being made.
const NAME: &str = "index.db";
const NEW: &str = "index.new";

impl Reader {
    /// Opens the index of a store whose folder is `root`.
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

    /// Whether it was closed in order.
    pub fn is_clean(&self) -> Result<bool> {
        Ok(self.0.query_row("SELECT clean FROM totals", [], |row| row.get(0))?)
    }
}

impl Index {
    /// Opens the index of a store whose folder is `root`, if there is one of this version.
    ///
    /// # Errors
    /// Also [`StoreError::Index`] if it is broken: [`set_aside`](super::Index::set_aside) it.
    pub fn open(root: &Path) -> Result<Option<Index>> {
        let path = path(root);
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
        let mut index = open(&path)?;
        if !index.make_current()? {
            info!("the index of the photos is empty or a later version's; it is made anew");
            return Ok(None);
        }
        // Looking through all of it takes seconds, and is needed only when something went wrong.
        if !index.is_clean()? && !index.is_sound()? {
            return Err(StoreError::Index("it is not what SQLite wrote".to_owned()));
        }
        Ok(Some(index))
    }

    /// Begins an index aside, so that a crash leaves the old one or the new one. Nothing in it is
    /// durable before [`replace`](Index::replace).
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

    /// Puts an index that was made anew in place of the one that is there.
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

    /// Moves a broken index out of the way, to `aside`, for whoever wants to know what happened.
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

    /// Whether the tables are those of this version, as which those of an earlier one are made.
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

    /// From now on it is not clean, until it is closed.
    pub fn set_unclean(&self) -> Result<()> {
        self.0.0.execute("UPDATE totals SET clean = 0", [])?;
        Ok(())
    }

    /// Puts what SQLite's log holds into the database, and gives up its room, unless somebody reads
    /// from it just now.
    pub fn empty_log(&self) -> Result<()> {
        Ok(self.0.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// Closes it in order: nothing is left to be checked at the next start.
    pub fn close(self) -> Result<()> {
        self.0.0.execute_batch("DELETE FROM busy; UPDATE totals SET clean = 1;")?;
        self.empty_log()?;
        Ok(self.0.0.close().map_err(|(_, error)| error)?)
    }
}

/// Where the index of a store is.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

/// Opens an index for writing, made when missing.
///
/// `synchronous = FULL`: SQLite syncs its log before a commit returns, so that the index knows
/// every photo that was acknowledged, also when the power goes. It costs one sync for a whole group
/// of photos, and saves looking through all files after each unclean end.
pub(super) fn open(path: &Path) -> Result<Index> {
    // What SQLite makes beside the database has the same mode. Before it is opened: to close any
    // file of the database takes the locks away that this process has on it.
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

/// A database and what SQLite keeps beside it.
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
