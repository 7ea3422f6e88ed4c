//! The talk on disk: a database of its own, written by a thread of its own.
//!
//! Nobody waits for it: what it cannot take is told to those who are here nevertheless, and is
//! missing after a restart.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tracing::{info, warn};
use wire::limits;
use wire::people::Line;

/// So many lines are kept.
const KEPT: i64 = 10_000;

/// So many lines wait to be written at most; more are not kept.
const QUEUE: usize = 1024;

/// How long another program, such as a backup, may hold the database.
const BUSY: Duration = Duration::from_secs(2);

/// Where lines go to be kept.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Option<SyncSender<Arc<Line>>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Opens the database, or makes it, and reads the last lines of it. Where that fails the talk
    /// is not kept, which the log says.
    pub fn open(file: &Path) -> (Log, Vec<Line>) {
        let opened = open(file).and_then(|database| Ok((last(&database)?, database)));
        let started = opened.map_err(|error| error.to_string()).and_then(|(last, database)| {
            let (lines, queue) = sync_channel(QUEUE);
            // Ends with the last sender, when what was queued is written.
            let thread = thread::Builder::new().name("talk".to_owned());
            let thread = thread.spawn(move || write(database, &queue));
            let thread = thread.map_err(|error: io::Error| error.to_string())?;
            Ok((Log { lines: Some(lines), thread: Some(thread) }, last))
        });
        started.unwrap_or_else(|why| {
            let file = file.display();
            warn!(%file, why, "the talk is not kept; remove the file if it is broken");
            (Log { lines: None, thread: None }, Vec::new())
        })
    }

    /// Keeps a line, if there is room for it to wait.
    pub fn keep(&self, line: &Arc<Line>) {
        if let Some(lines) = &self.lines
            && let Err(TrySendError::Full(_)) = lines.try_send(line.clone())
        {
            tracing::debug!("the disk does not keep up; a line of the talk is not kept");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
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

fn last(database: &Connection) -> rusqlite::Result<Vec<Line>> {
    let mut query = database.prepare(
        "SELECT json FROM (SELECT * FROM line ORDER BY number DESC LIMIT ?1) ORDER BY number",
    )?;
    let rows = query.query_map([limits::TALK], |row| row.get::<_, String>(0))?;
    let lines: Vec<String> = rows.collect::<Result<_, _>>()?;
    // A line of a later version is passed over.
    Ok(lines.iter().filter_map(|json| serde_json::from_str(json).ok()).collect())
}

fn write(mut database: Connection, queue: &Receiver<Arc<Line>>) {
    let mut failing = false;
    while let Ok(first) = queue.recv() {
        let lines: Vec<_> = std::iter::once(first).chain(queue.try_iter().take(QUEUE)).collect();
        let result = insert(&mut database, &lines);
        match &result {
            Ok(()) if failing => info!("the talk is kept again"),
            Err(error) if !failing => warn!(%error, "the talk is not kept for now"),
            _ => {}
        }
        failing = result.is_err();
    }
}

fn insert(database: &mut Connection, lines: &[Arc<Line>]) -> rusqlite::Result<()> {
    let all = database.transaction()?;
    for line in lines {
        let json = serde_json::to_string(&**line).expect("a line holds only what JSON can say");
        all.execute("INSERT INTO line (json) VALUES (?1)", [json])?;
    }
    all.execute("DELETE FROM line WHERE number <= (SELECT max(number) FROM line) - ?1", [KEPT])?;
    all.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::people::What;
    use wire::{Author, PhotoId};

    fn line(n: u64) -> Arc<Line> {
        Arc::new(Line {
            id: PhotoId::new(n, 0),
            at: n,
            person: Author { id: "a".parse().unwrap(), name: "Ana".into() },
            what: What::Said { text: "Hello".into() },
        })
    }

    #[test]
    fn the_last_lines_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.db");
        let (log, last) = Log::open(&file);
        assert!(last.is_empty());
        (0..500).for_each(|n| log.keep(&line(n)));
        drop(log);
        let (_, last) = Log::open(&file);
        assert_eq!(last.len(), limits::TALK);
        assert_eq!(&last[0], &*line(300));
        assert_eq!(&last[199], &*line(499));
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = open(&folder.path().join("talk.db")).unwrap();
        let lines: Vec<_> = (0..10_100).map(line).collect();
        insert(&mut database, &lines).unwrap();
        let count = "SELECT count(*) FROM line";
        let count: i64 = database.query_one(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, KEPT);
    }

    #[test]
    fn a_broken_database_stops_nobody_from_talking() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("talk.db");
        std::fs::write(&file, "no database, but long enough to look like one".repeat(50)).unwrap();
        let (log, last) = Log::open(&file);
        assert!(last.is_empty());
        log.keep(&line(1));
    }
}
