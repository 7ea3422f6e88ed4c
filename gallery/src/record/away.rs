//! Since when nodes are away, in a small file, so that the gallery still knows after a restart: the
//! broker retains that a node is offline, but not since when.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::spawn_blocking;
use tracing::warn;
use wire::NodeName;

/// The times by node, in milliseconds since 1970 by the gallery's clock.
pub(crate) type Times = BTreeMap<NodeName, u64>;

/// The most bytes of the file that are read: of the most nodes that a gallery knows.
const MOST: u64 = 256 * 1024;

/// The file, and what is in it. A cheap handle; nobody waits for the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Away(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Without it nothing is kept.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: Times,
    writing: bool,
    failing: bool,
}

impl Away {
    /// What an earlier life of the gallery kept. A file that cannot be read counts as empty.
    pub fn open(file: PathBuf) -> (Away, Times) {
        let kept = read(&file);
        let state = Mutex::new(State { kept: kept.clone(), ..State::default() });
        (Away(Arc::new(Inner { file: Some(file), state })), kept)
    }

    /// Keeps these times, if they are others than before. While the disk still writes earlier ones
    /// it does nothing: call it again.
    pub fn keep(&self, times: &Times) {
        let Some(file) = self.0.file.clone() else { return };
        {
            let mut state = self.state();
            if state.writing || state.kept == *times {
                return;
            }
            state.writing = true;
        }
        let (away, times) = (self.clone(), times.clone());
        spawn_blocking(move || {
            let written = write(&file, &times);
            let mut state = away.state();
            state.writing = false;
            if let Err(error) = &written
                && !state.failing
            {
                let file = file.display();
                warn!(%file, %error, "since when nodes are away is not kept for now");
            }
            state.failing = written.is_err();
            state.kept = times;
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> Times {
    if fs::metadata(file).map_or(true, |about| about.len() > MOST) {
        return Times::new();
    }
    let read = fs::read(file).unwrap_or_default();
    let times: BTreeMap<String, u64> = serde_json::from_slice(&read).unwrap_or_default();
    times.into_iter().filter_map(|(name, time)| Some((name.parse().ok()?, time))).collect()
}

fn write(file: &Path, times: &Times) -> io::Result<()> {
    let named: BTreeMap<&str, u64> =
        times.iter().map(|(name, time)| (name.as_str(), *time)).collect();
    durable::write(file, &serde_json::to_vec(&named)?, durable::PRIVATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all: &[(&str, u64)]) -> Times {
        all.iter().map(|(name, time)| (name.parse().unwrap(), *time)).collect()
    }

    #[tokio::test]
    async fn what_was_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("away.json");
        let (away, kept) = Away::open(file.clone());
        assert!(kept.is_empty());
        let wanted = times(&[("attic", 7), ("pi", 1_763_640_000_000)]);
        away.keep(&wanted);
        while read(&file) != wanted {
            tokio::task::yield_now().await;
        }
        assert_eq!(Away::open(file).1, wanted);
    }

    #[test]
    fn a_file_that_others_wrote_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("away.json");
        for (text, expected) in [
            (r#"{"pi":5,"Not A Name":6,"../x":7,"gallery":8}"#, times(&[("pi", 5)])),
            (r#"{"pi":-5}"#, Times::new()),
            (r#"{"pi":"#, Times::new()),
            ("[]", Times::new()),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(read(&file), expected, "{text}");
        }
        let large = format!("{}{{}}", " ".repeat(MOST as usize));
        fs::write(&file, large).unwrap();
        assert_eq!(read(&file), Times::new(), "too large");
        assert_eq!(read(folder.path()), Times::new(), "a folder");
    }
}
