//! The titles that people gave the node and its cameras by hand. Each is on the disk before it is
//! told; it goes before the one in the configuration until somebody takes it away.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quota::{Bucket, Rate};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use wire::{CameraName, title};

/// The most cameras with a title by hand, of all that were ever here.
const MOST: usize = 1000;

/// How many titles may wait for the disk.
const WAITING: usize = 16;

/// How often titles may be given: each wears the disk a little.
const TURNS: Rate = Rate { burst: 20.0, per_second: 1.0 };

/// Whose title. Its text is the id of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The node's.
    Node,
    /// A camera's.
    Camera(CameraName),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&title::answer_id(match self {
            Whose::Node => None,
            Whose::Camera(name) => Some(name),
        }))
    }
}

/// The titles by hand, as they are kept: a small JSON file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    #[serde(skip_serializing_if = "String::is_empty")]
    node: String,
    cameras: BTreeMap<CameraName, String>,
}

/// The titles by hand, and those that wait for the disk.
#[derive(Debug)]
pub(crate) struct Titles {
    file: PathBuf,
    kept: Mutex<Kept>,
    waiting: Mutex<VecDeque<(Whose, String)>>,
    came: Notify,
    turns: Mutex<Bucket>,
}

impl Titles {
    /// Reads the titles kept in `data`. It sets an unreadable file aside.
    pub fn read(data: &Path) -> Self {
        let file = data.join("titles.json");
        let kept = fs::read(&file).ok().map(|json| serde_json::from_slice(&json));
        let mut kept: Kept = kept.unwrap_or_else(|| Ok(Kept::default())).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "cannot read the saved titles; cameras show those of the configuration");
            fs::rename(&file, file.with_extension("json.bad")).ok();
            Kept::default()
        });
        // Somebody may have written into the file.
        kept.node = title::fit(&kept.node);
        kept.cameras.values_mut().for_each(|kept| *kept = title::fit(kept));
        kept.cameras.retain(|_, kept| !kept.is_empty());
        let turns = Mutex::new(Bucket::new(TURNS));
        Titles {
            file,
            kept: Mutex::new(kept),
            waiting: Mutex::default(),
            came: Notify::new(),
            turns,
        }
    }

    /// The file that keeps them.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The title: by hand, else the one in the configuration.
    pub fn of(&self, whose: &Whose, configured: &str) -> String {
        let kept = lock(&self.kept);
        let by_hand = match whose {
            Whose::Node => Some(&kept.node).filter(|title| !title.is_empty()),
            Whose::Camera(name) => kept.cameras.get(name),
        };
        by_hand.map_or(configured, String::as_str).to_owned()
    }

    /// Somebody gives a title, or takes it away with an empty one.
    ///
    /// # Errors
    /// Why it will not be set, as a sentence.
    pub fn ask(&self, whose: Whose, title: String) -> Result<(), String> {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= WAITING || lock(&self.turns).take(clock::monotonic()).is_err() {
            return Err("title: too many titles were set at once; try again".to_owned());
        }
        waiting.push_back((whose, title));
        drop(waiting);
        self.came.notify_one();
        Ok(())
    }

    /// Waits for the oldest title that is to be set.
    pub async fn next(&self) -> (Whose, String) {
        loop {
            if let Some(asked) = lock(&self.waiting).pop_front() {
                return asked;
            }
            self.came.notified().await;
        }
    }

    /// All titles by hand with this one; none if it changes nothing.
    ///
    /// # Errors
    /// There are too many, as a sentence.
    pub fn with(&self, whose: &Whose, title: &str) -> Result<Option<Kept>, String> {
        let before = lock(&self.kept).clone();
        let mut kept = before.clone();
        match whose {
            Whose::Node => title.clone_into(&mut kept.node),
            Whose::Camera(name) if title.is_empty() => drop(kept.cameras.remove(name)),
            Whose::Camera(name) => drop(kept.cameras.insert(name.clone(), title.to_owned())),
        }
        if kept.cameras.len() > MOST {
            let file = self.file.display();
            return Err(format!("{MOST} cameras have a title already; take some out of {file}"));
        }
        Ok((kept != before).then_some(kept))
    }

    /// They are on the disk now.
    pub fn keep(&self, kept: Kept) {
        *lock(&self.kept) = kept;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(titles: &Titles, whose: &Whose, title: &str) {
        if let Some(kept) = titles.with(whose, title).unwrap() {
            durable::write(titles.file(), &serde_json::to_vec(&kept).unwrap(), 0o600).unwrap();
            titles.keep(kept);
        }
    }

    fn door() -> Whose {
        Whose::Camera("door".parse().unwrap())
    }

    #[test]
    fn a_title_by_hand_goes_before_the_configured_one_until_it_is_taken_away() {
        let data = tempfile::tempdir().unwrap();
        let titles = Titles::read(data.path());
        for whose in [Whose::Node, door()] {
            assert_eq!(titles.of(&whose, "Configured"), "Configured");
            set(&titles, &whose, "北门");
            assert_eq!(titles.of(&whose, "Configured"), "北门");
            assert_eq!(Titles::read(data.path()).of(&whose, "Configured"), "北门", "a restart");
            assert_eq!(titles.with(&whose, "北门"), Ok(None), "nothing to write");
            set(&titles, &whose, "");
            assert_eq!(Titles::read(data.path()).of(&whose, "Configured"), "Configured");
        }
    }

    #[test]
    fn a_file_that_somebody_changed_is_read_as_far_as_it_can_be_or_set_aside() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("titles.json");
        let odd = r#"{"cameras":{"door":"\u202eDoor\n","hall":"\u200b"}}"#;
        fs::write(&file, odd).unwrap();
        let titles = Titles::read(data.path());
        assert_eq!(titles.of(&door(), "x"), "Door");
        assert_eq!(titles.of(&Whose::Camera("hall".parse().unwrap()), "x"), "x");
        for bad in ["", "7", r#"{"node":1}"#, r#"{"cameras":{"Küche":"x"}}"#, "\0\0"] {
            fs::write(&file, bad).unwrap();
            assert_eq!(Titles::read(data.path()).of(&Whose::Node, ""), "", "{bad:?}");
            assert!(data.path().join("titles.json.bad").exists() && !file.exists(), "{bad:?}");
        }
    }

    #[test]
    fn what_strangers_can_fill_has_a_bound() {
        let data = tempfile::tempdir().unwrap();
        let titles = Titles::read(data.path());
        let refused = (0..1000).filter(|_| titles.ask(Whose::Node, "x".into()).is_err()).count();
        assert_eq!(refused, 1000 - WAITING);
        let name = |n| Whose::Camera(format!("camera-{n}").parse().unwrap());
        for n in 0..MOST {
            titles.keep(titles.with(&name(n), "x").unwrap().unwrap());
        }
        assert!(titles.with(&name(MOST), "x").unwrap_err().contains("titles.json"));
        assert!(titles.with(&name(0), "y").unwrap().is_some(), "those that have one may change");
    }
}
