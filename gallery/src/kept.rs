//! What is said and what happens, on disk: a database of its own for each, written by a thread of
//! its own.
//!
//! Nobody waits for it: what it cannot take is told to those who are here nevertheless, and is
//! missing after a restart.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

/// So many lines wait to be written at most; more are not kept.
const QUEUE: usize = 1024;

/// How long another program, such as a backup, may hold the database.
const BUSY: Duration = Duration::from_secs(2);

/// Where lines go to be kept.
#[derive(Debug)]
pub(crate) struct Kept {
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Kept {
    /// Opens the database, or makes it, and reads the last `read` lines of it; it keeps `most`.
    /// `what` is in it, the talk or the log. Where that fails it is not kept, which the program's
    /// own log says.
    pub fn open<T: DeserializeOwned>(
        file: &Path,
        what: &'static str,
        most: usize,
        read: usize,
    ) -> (Kept, Vec<T>) {
        let opened = open(file).and_then(|database| Ok((last(&database, read)?, database)));
        let started = opened.map_err(|error| error.to_string()).and_then(|(last, database)| {
            let (lines, queue) = sync_channel(QUEUE);
            // Ends with the last sender, when what was queued is written.
            let thread = thread::Builder::new().name(what.to_owned());
            let thread = thread.spawn(move || write(database, what, most, &queue));
            let thread = thread.map_err(|error: io::Error| error.to_string())?;
            Ok((Kept { lines: Some(lines), thread: Some(thread) }, last))
        });
        started.unwrap_or_else(|why| {
            let file = file.display();
            warn!(%file, why, "the {what} is not kept; remove the file if it is broken");
            (Kept { lines: None, thread: None }, Vec::new())
        })
    }

    /// Keeps a line, if there is room for it to wait.
    pub fn keep(&self, line: &impl Serialize) {
        let json = serde_json::to_string(line).expect("a line holds only what JSON can say");
        if let Some(lines) = &self.lines
            && let Err(TrySendError::Full(_)) = lines.try_send(json)
        {
            tracing::debug!("the disk does not keep up; a line is not kept");
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    // What SQLite makes beside it has the same mode. What is wrong here is found again below.
    let _ = durable::private_file(file);
    let database = Connection::open(file)?;
    database.busy_timeout(BUSY)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may cost the last lines, never the database.
    database.pragma_update(None, "synchronous", "NORMAL")?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS line (number INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT",
    )?;
    Ok(database)
}

/// The last lines of a database that another process may be writing. Without one, or when it
/// cannot be read, there are none.
pub(crate) fn peek<T: DeserializeOwned>(file: &Path, read: usize) -> Vec<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(file, flags);
    database.and_then(|database| last(&database, read)).unwrap_or_default()
}

fn last<T: DeserializeOwned>(database: &Connection, read: usize) -> rusqlite::Result<Vec<T>> {
    let mut query = database.prepare(
        "SELECT json FROM (SELECT * FROM line ORDER BY number DESC LIMIT ?1) ORDER BY number",
    )?;
    let rows = query.query_map([read], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = rows.collect::<Result<_, _>>()?;
    // A line of a later version is passed over.
    Ok(lines.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
}

fn write(mut database: Connection, what: &str, most: usize, queue: &Receiver<String>) {
    let mut failing = false;
    while let Ok(first) = queue.recv() {
        let lines: Vec<_> = std::iter::once(first).chain(queue.try_iter().take(QUEUE)).collect();
        let result = insert(&mut database, most, &lines);
        match &result {
            Ok(()) if failing => info!("the {what} is kept again"),
            Err(error) if !failing => warn!(%error, "the {what} is not kept for now"),
            _ => {}
        }
        failing = result.is_err();
    }
}

fn insert(database: &mut Connection, most: usize, lines: &[String]) -> rusqlite::Result<()> {
    let all = database.transaction()?;
    for line in lines {
        all.execute("INSERT INTO line (json) VALUES (?1)", [line])?;
    }
    all.execute("DELETE FROM line WHERE number <= (SELECT max(number) FROM line) - ?1", [most])?;
    all.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.db");
        let (kept, last) = Kept::open::<u64>(&file, "talk", 10_000, 200);
        assert!(last.is_empty());
        (0..500u64).for_each(|n| kept.keep(&n));
        assert!(peek::<u64>(&file, 3).len() <= 3, "also while it is written");
        drop(kept);
        assert_eq!(peek::<u64>(&file, 3), [497, 498, 499]);
        assert!(peek::<u64>(&folder.path().join("none.db"), 3).is_empty());
        let (_, last) = Kept::open::<u64>(&file, "talk", 10_000, 200);
        assert_eq!(last, (300..500).collect::<Vec<_>>());
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = open(&folder.path().join("talk.db")).unwrap();
        let lines: Vec<_> = (0..10_100).map(|n| n.to_string()).collect();
        insert(&mut database, 10_000, &lines).unwrap();
        let count = "SELECT count(*) FROM line";
        let count: i64 = database.query_one(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 10_000);
    }

    #[test]
    fn a_broken_database_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.db");
        std::fs::write(&file, "no database, but long enough to look like one".repeat(50)).unwrap();
        let (kept, last) = Kept::open::<u64>(&file, "talk", 10, 10);
        assert!(last.is_empty());
        kept.keep(&1);
    }
}
