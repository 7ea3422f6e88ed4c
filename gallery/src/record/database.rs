//! The talk, the log and the roll of cameras on disk: each has its own database and its own thread
//! that writes it.
//!
//! Nobody waits for the disk: a line that cannot be queued still reaches the pages, and is missing
//! after a restart.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use supervision::{Beat, Health, Need};
use tracing::{info, warn};

/// The most lines that wait to be written; further ones are not stored.
const QUEUE: usize = 1024;

/// How long another program, such as a backup, may lock the database.
const BUSY: Duration = Duration::from_secs(2);

/// A handle that stores lines.
#[derive(Debug)]
pub(crate) struct Database {
    lines: Option<SyncSender<String>>,
    thread: Option<JoinHandle<()>>,
    /// How many lines are missing on disk.
    lost: Arc<AtomicU64>,
    /// The thread's health.
    pub health: Health,
}

impl Database {
    /// Opens or makes the database, and reads its last `read` lines; it holds at most `most`.
    /// `what` names its content: the talk, the log or the roll. If it cannot be opened, nothing is
    /// stored, which the program's own log says.
    pub fn open<T: DeserializeOwned>(
        file: &Path,
        what: &'static str,
        most: usize,
        read: usize,
    ) -> (Database, Vec<T>) {
        let opened = open(file).and_then(|database| Ok((last(&database, read)?, database)));
        let (lost, health) = (Arc::<AtomicU64>::default(), Health::default());
        let started = opened.map_err(|error| error.to_string()).and_then(|(last, database)| {
            let (lines, queue) = sync_channel(QUEUE);
            let writer = Writer { database, what, most, lost: lost.clone() };
            let name = format!("{what}-keeper");
            let thread = health.thread(name, Need::Minor, move |beat| writer.run(&queue, beat));
            let thread = thread.map_err(|error| error.to_string())?;
            Ok((Some((lines, thread)), last))
        });
        let (started, last) = started.unwrap_or_else(|why| {
            let file = file.display();
            warn!(%file, why, "cannot keep the {what}; remove the file if it is broken");
            (None, Vec::new())
        });
        let (lines, thread) = started.unzip();
        (Database { lines, thread, lost, health }, last)
    }

    /// Stores a line, if the queue has room.
    pub fn keep(&self, line: &impl Serialize) {
        let json = serde_json::to_string(line).expect("a line holds only what JSON can say");
        // It waits neither for a slow disk nor for a dead thread.
        if self.lines.as_ref().is_none_or(|lines| lines.try_send(json).is_err()) {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// How many lines are missing on disk.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    // SQLite's other files get the same mode. A fault here shows again below.
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

/// The last lines of a database that another process may be writing. Empty if it is missing or
/// cannot be read.
pub(crate) fn peek<T: DeserializeOwned>(file: &Path, read: usize) -> Vec<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(file, flags);
    database.and_then(|database| last(&database, read)).unwrap_or_default()
}

/// The ids of the last lines of the kind `what`, oldest first. Empty without a database.
pub(crate) fn ids<T: DeserializeOwned>(file: &Path, what: &str, read: usize) -> Vec<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let all = Connection::open_with_flags(file, flags).and_then(|database| {
        // SQLite parses the texts, so that not all of them are in memory at once.
        let mut query = database.prepare(
            "SELECT id FROM (SELECT number, json -> 'id' AS id FROM line WHERE json_valid(json) \
             AND json ->> 'what' = ?1 ORDER BY number DESC LIMIT ?2) ORDER BY number",
        )?;
        let rows = query.query_map((what, read), |row| row.get::<_, String>(0))?;
        rows.collect::<Result<Vec<_>, _>>()
    });
    all.unwrap_or_default().iter().filter_map(|json| serde_json::from_str(json).ok()).collect()
}

fn last<T: DeserializeOwned>(database: &Connection, read: usize) -> rusqlite::Result<Vec<T>> {
    let mut query = database.prepare(
        "SELECT json FROM (SELECT * FROM line ORDER BY number DESC LIMIT ?1) ORDER BY number",
    )?;
    let rows = query.query_map([read], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = rows.collect::<Result<_, _>>()?;
    // A line of a later version is skipped.
    Ok(lines.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
}

/// The state of the thread.
struct Writer {
    database: Connection,
    what: &'static str,
    most: usize,
    lost: Arc<AtomicU64>,
}

impl Writer {
    /// Ends after the last sender, when the queue is written.
    fn run(mut self, queue: &Receiver<String>, alive: &Beat) {
        let what = self.what;
        let mut failing = false;
        while let Ok(first) = queue.recv() {
            alive.beat();
            let lines: Vec<_> =
                std::iter::once(first).chain(queue.try_iter().take(QUEUE)).collect();
            let result = insert(&mut self.database, self.most, &lines);
            match &result {
                Ok(()) if failing => info!("keeping the {what} again"),
                Err(error) if !failing => warn!(%error, "cannot keep the {what} for now"),
                _ => {}
            }
            failing = result.is_err();
            if failing {
                self.lost.fetch_add(lines.len() as u64, Relaxed);
            }
        }
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
        let (kept, last) = Database::open::<u64>(&file, "talk", 10_000, 200);
        assert!(last.is_empty());
        (0..500u64).for_each(|n| kept.keep(&n));
        assert!(peek::<u64>(&file, 3).len() <= 3, "also while it is written");
        drop(kept);
        assert_eq!(peek::<u64>(&file, 3), [497, 498, 499]);
        assert!(peek::<u64>(&folder.path().join("none.db"), 3).is_empty());
        let (_, last) = Database::open::<u64>(&file, "talk", 10_000, 200);
        assert_eq!(last, (300..500).collect::<Vec<_>>());
    }

    #[test]
    fn the_ids_of_a_kind_are_there_and_what_is_none_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.db");
        assert!(ids::<String>(&file, "said", 9).is_empty());
        let mut database = open(&file).unwrap();
        let line = |id: &str, what: &str| format!(r#"{{"id":{id},"what":"{what}"}}"#);
        let mut lines: Vec<_> = (0..5).map(|n| line(&format!("\"{n}\""), "said")).collect();
        lines.extend([line("\"j\"", "joined"), line("7", "said"), "no JSON {".to_owned()]);
        insert(&mut database, 100, &lines).unwrap();
        assert_eq!(ids::<String>(&file, "said", 9), ["0", "1", "2", "3", "4"]);
        assert_eq!(ids::<String>(&file, "said", 3), ["3", "4"], "7 is a line, and no id");
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
        let (kept, last) = Database::open::<u64>(&file, "talk", 10, 10);
        assert!(last.is_empty());
        kept.keep(&1);
        assert_eq!(kept.lost(), 1);
    }

    #[test]
    fn a_keeper_that_died_is_told_and_what_it_does_not_keep_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, _) = Database::open::<u64>(&folder.path().join("talk.db"), "talk", 10, 10);
        kept.keep(&1);
        assert_eq!(kept.lost(), 0);
        kept.health.kill("talk-keeper");
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while kept.health.check().is_ok() || kept.lost() == 0 {
            assert!(std::time::Instant::now() < until);
            kept.keep(&2);
            // Without a pause the keeper has ever more to write before it ends.
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(kept.health.check().unwrap_err().starts_with("talk-keeper was ended"));
    }
}
