//! Writes the names of cameras to the disk in a thread of its own, so that a hanging disk keeps
//! nobody from following cameras.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use supervision::{Health, Need};

/// The pause before a failed write is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// The way to the thread. Newer content replaces content that was not yet written.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: Option<Vec<u8>>,
    is_writing: bool,
    ends: bool,
}

impl Keeper {
    /// Starts the thread that writes `file`.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn start(file: PathBuf, health: &Health) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let works = Arc::clone(&shared);
        let work = move |_: &_| works.run(&file);
        Ok(Keeper { shared, thread: Some(health.thread("names", Need::Minor, work)?) })
    }

    /// Writes this, as a whole or not at all.
    pub fn keep(&self, content: Vec<u8>) {
        self.shared.lock().next = Some(content);
        self.shared.changed.notify_all();
    }

    /// Ends the thread once all is written. Waits at most so long, and returns whether it is.
    pub fn end(mut self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut state = self.shared.lock();
        state.ends = true;
        self.shared.changed.notify_all();
        let left = until.saturating_duration_since(Instant::now());
        let is_busy = |state: &mut State| state.is_writing || state.next.is_some();
        let waited = self.shared.changed.wait_timeout_while(state, left, is_busy);
        let is_done = !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        if let Some(thread) = self.thread.take().filter(|_| is_done) {
            thread.join().ok();
        }
        is_done
    }
}

impl Shared {
    /// Writes until the end; retries failures, and logs one once for each reason.
    fn run(&self, file: &Path) {
        let mut logged = None;
        loop {
            let Some(content) = self.take() else { return };
            let written = durable::write(file, &content, durable::PRIVATE);
            let mut state = self.lock();
            state.is_writing = false;
            if let Err(error) = written {
                let why = error.to_string();
                if logged.as_ref() != Some(&why) {
                    tracing::warn!(file = %file.display(), %error, "cannot save the names of the cameras; trying again");
                    logged = Some(why);
                }
                if state.ends {
                    return self.changed.notify_all();
                }
                state.next.get_or_insert(content);
                let waits = |state: &mut State| !state.ends;
                drop(self.changed.wait_timeout_while(state, AGAIN, waits));
            } else {
                logged = None;
                self.changed.notify_all();
            }
        }
    }

    /// Waits for new content; `None` at the end.
    fn take(&self) -> Option<Vec<u8>> {
        let waits = |state: &mut State| state.next.is_none() && !state.ends;
        let waited = self.changed.wait_while(self.lock(), waits);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let next = state.next.take();
        state.is_writing = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const WITHIN: Duration = Duration::from_secs(20);

    #[test]
    fn the_newest_names_are_on_the_disk_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cameras.json");
        let keeper = Keeper::start(file.clone(), &Health::default()).unwrap();
        (0..1000).for_each(|n: u32| keeper.keep(n.to_string().into()));
        assert!(keeper.end(WITHIN));
        assert_eq!(fs::read_to_string(file).unwrap(), "999");
    }

    #[test]
    fn a_disk_that_keeps_nothing_costs_the_names_and_ends_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("missing/cameras.json");
        let keeper = Keeper::start(nowhere, &Health::default()).unwrap();
        keeper.keep(b"{}".into());
        assert!(keeper.end(WITHIN));
    }
}
