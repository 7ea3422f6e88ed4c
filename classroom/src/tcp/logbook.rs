//! The logbook: clients only write, and each line is kept and shown. A thread writes the lines that
//! have come together and syncs them; while the disk is full or slow, the senders wait.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Seek, SeekFrom, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use quota::{Bucket, Rate, Throttle};
use supervision::{Health, Need};
use tokio::io::AsyncRead;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tracing::warn;
use traffic::{Client, Kind, Mistake};

use super::{Lines, NO_HTTP, NO_TEXTS, Out, is_http, text};
use gallery::Who;

/// The most lines that wait for the disk.
const WAITING: usize = 256;

/// How fast one machine may write, so that none fills the disk in an hour.
const PACE: Rate = Rate { burst: 1000.0, per_second: 100.0 };

/// The most bytes of the file. At this size senders wait until it is moved away.
const MOST: u64 = 1 << 30;

const AGAIN: Duration = Duration::from_secs(1);
const SAY: Duration = Duration::from_secs(60);

/// The logbook. A cheap handle; the thread ends with the last one.
#[derive(Debug, Clone)]
pub(crate) struct Logbook {
    entries: mpsc::Sender<Entry>,
    /// Those of machines that are here.
    paces: Arc<Mutex<HashMap<Who, Weak<Pace>>>>,
}

/// The pace of a machine, whose clients take it in turn.
type Pace = tokio::sync::Mutex<Bucket>;

#[derive(Debug)]
struct Entry {
    line: String,
    /// Told when the line is on the disk.
    kept: oneshot::Sender<()>,
}

impl Logbook {
    /// Opens the file and starts the thread, which `health` watches. Lines on the disk are `shown`.
    ///
    /// # Errors
    /// The file cannot be written, or there is no thread.
    pub fn open(path: &Path, health: &Health, shown: fn(&str)) -> io::Result<Logbook> {
        let mut book = Book::open(path.to_owned())?;
        let (entries, mut waiting) = mpsc::channel::<Entry>(WAITING);
        health.thread("class-logbook", Need::Minor, move |_| {
            let said = Throttle::new(SAY);
            let mut batch = Vec::with_capacity(WAITING);
            while waiting.blocking_recv_many(&mut batch, WAITING) > 0 {
                let lines: String = batch.iter().map(|entry| &*entry.line).collect();
                while let Err(error) = book.write(&lines) {
                    if said.is_due() {
                        warn!(file = ?book.path, %error, "the logbook cannot be written; its senders wait");
                    }
                    std::thread::sleep(AGAIN);
                    // Nobody waits any more: the class ends.
                    if batch.iter().all(|entry| entry.kept.is_closed()) {
                        return;
                    }
                }
                shown(&lines);
                for entry in batch.drain(..) {
                    let _ = entry.kept.send(());
                }
            }
        })?;
        Ok(Logbook { entries, paces: Arc::default() })
    }

    /// Serves a client, as it is watched, until it goes.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn serve(self, stream: TcpStream, peer: IpAddr, here: Client) -> io::Result<()> {
        let (reader, writer) = stream.into_split();
        let mut out = Out::new(writer);
        if let Some(words) = self.keep(Lines::new(reader), peer, &here).await? {
            out.end(words).await;
        }
        Ok(())
    }

    /// Keeps each line. Returns what a client is told that cannot go on.
    async fn keep<R: AsyncRead + Unpin>(
        &self,
        mut lines: Lines<R>,
        peer: IpAddr,
        here: &Client,
    ) -> io::Result<Option<&'static str>> {
        let pace = self.pace(peer);
        let mut no_texts = 0;
        let mut is_first = true;
        while let Some(line) = lines.next().await? {
            if std::mem::take(&mut is_first) && is_http(&line) {
                here.mistake(Mistake::Browser);
                return Ok(Some(NO_HTTP));
            }
            let passing = here.passing(|| Kind::Line, line.len());
            here.opens(&passing, line.len()).await;
            let known = text(&line);
            if known.is_none() {
                here.mistake(Mistake::NotText);
            }
            let text = match known {
                Some(text) => text,
                None if no_texts + 1 >= NO_TEXTS => return Ok(Some(super::NO_TEXT)),
                None => {
                    no_texts += 1;
                    // It is kept too, as far as it can be read.
                    String::from_utf8_lossy(&line).escape_debug().to_string()
                }
            };
            take(&pace).await;
            let at = Timestamp::now();
            let line = format!("{at:.3} {peer} {}\n", text.replace('\n', " "));
            let (kept, is_kept) = oneshot::channel();
            let gone = || io::Error::other("the logbook has ended");
            self.entries.send(Entry { line, kept }).await.map_err(|_| gone())?;
            // So a sender is never further ahead than one line, and the disk sets the pace.
            passing.goes_to(1);
            is_kept.await.map_err(|_| gone())?;
            passing.taken();
        }
        Ok(None)
    }

    fn pace(&self, peer: IpAddr) -> Arc<Pace> {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.retain(|_, pace| pace.strong_count() > 0);
        let known = paces.entry(Who::at(peer)).or_default();
        known.upgrade().unwrap_or_else(|| {
            let pace = Arc::new(Pace::new(Bucket::new(PACE)));
            *known = Arc::downgrade(&pace);
            pace
        })
    }
}

/// Waits for a turn.
async fn take(pace: &Pace) {
    let mut bucket = pace.lock().await;
    while let Err(seconds) = bucket.take(clock::monotonic()) {
        sleep(Duration::try_from_secs_f32(seconds).unwrap_or(AGAIN)).await;
    }
}

/// The file.
#[derive(Debug)]
struct Book {
    path: PathBuf,
    file: File,
    /// The bytes of whole lines in it.
    length: u64,
}

impl Book {
    fn open(path: PathBuf) -> io::Result<Book> {
        if let Some(folder) = path.parent() {
            create_dir_all(folder)?;
        }
        let mut how = OpenOptions::new();
        let mut file = how.create(true).write(true).truncate(false).mode(0o600).open(&path)?;
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Book { path, file, length })
    }

    /// Writes whole lines and syncs them, or leaves the file as it was.
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.length + lines.len() as u64 > MOST {
            // Somebody may have moved it away.
            *self = Book::open(self.path.clone())?;
            if self.length + lines.len() as u64 > MOST {
                return Err(io::Error::other("it has 1 GiB; move it away, and it goes on"));
            }
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn each_line_is_on_the_disk_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("class/bitacora.log");
        for round in ["a", "b"] {
            let book = Logbook::open(&path, &Health::default(), |_| {}).unwrap();
            let (mut far, near) = duplex(1 << 16);
            let sent: String = (0..300).map(|n| format!("{round} línea {n}\n")).collect();
            far.write_all(sent.as_bytes()).await.unwrap();
            drop(far);
            let told = book
                .keep(Lines::new(near), [10, 0, 0, 7].into(), &Client::default())
                .await
                .unwrap();
            assert_eq!(told, None);
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> =
            kept.lines().map(|line| line.split_once(" 10.0.0.7 ").unwrap().1).collect();
        let sent = ["a", "b"].map(|round| (0..300).map(move |n| format!("{round} línea {n}")));
        assert!(kept.iter().copied().eq(sent.into_iter().flatten().collect::<Vec<_>>()));
    }

    #[tokio::test]
    async fn what_a_browser_sends_is_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bitacora.log");
        let book = Logbook::open(&path, &Health::default(), |_| {}).unwrap();
        let request: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\n\r\nline";
        let told = book
            .keep(Lines::new(request), [127, 0, 0, 1].into(), &Client::default())
            .await
            .unwrap();
        assert_eq!(told, Some(NO_HTTP));
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }
}
