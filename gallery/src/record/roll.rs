//! What cameras were called last, also those that are gone: photos of a camera are shown under its
//! present title, or under its last one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quota::{Bucket, Rate};
use serde::{Deserialize, Serialize};
use supervision::Health;
use wire::{CameraId, Photo, PhotoEvent};

use crate::now::Now;
use crate::record::database::Database;

/// The most cameras; the one noted longest ago makes room.
const MOST: usize = 1000;

/// The most lines on disk: the last name of each camera, and earlier ones.
const LINES: usize = 4 * MOST;

/// How often a name is written: anybody who may publish can invent names.
const WRITTEN: Rate = Rate { burst: 1000.0, per_second: 1.0 };

#[derive(Debug, Default)]
pub(crate) struct Roll {
    state: Mutex<State>,
    /// Without it, nothing outlives the process.
    database: Option<Database>,
}

#[derive(Debug)]
struct State {
    /// With the count of names when it was last noted.
    names: BTreeMap<CameraId, (u64, String)>,
    noted: u64,
    written: Bucket,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    camera: CameraId,
    name: String,
}

impl Default for State {
    fn default() -> Self {
        State { names: BTreeMap::new(), noted: 0, written: Bucket::new(WRITTEN) }
    }
}

impl Roll {
    /// Continues the roll that an earlier life of this gallery stored in `file`.
    pub fn new(file: &Path) -> Self {
        let (database, lines) = Database::open::<Line>(file, "roll", LINES, LINES);
        let mut state = State::default();
        for Line { camera, name } in lines {
            state.set(&camera, &name);
        }
        Roll { state: Mutex::new(state), database: Some(database) }
    }

    /// The health of the thread that stores the roll.
    pub fn health(&self) -> Option<&Health> {
        self.database.as_ref().map(|database| &database.health)
    }

    /// A camera is called so now. A page's camera is not noted, because it has its person's name.
    pub fn note(&self, camera: &CameraId, name: &str) {
        let mut state = self.state();
        if camera.node.is_browser() || !state.set(camera, name) {
            return;
        }
        if let Some(database) = &self.database
            && state.written.take(Now::read().since_boot()).is_ok()
        {
            database.keep(&Line { camera: camera.clone(), name: name.to_owned() });
        }
    }

    /// What a camera is called, or was last.
    pub fn name(&self, camera: &CameraId) -> Option<String> {
        self.state().names.get(camera).map(|(_, name)| name.clone())
    }

    /// What all cameras are called, or were last.
    pub fn names(&self) -> HashMap<String, String> {
        let state = self.state();
        let names = state.names.iter();
        names.map(|(camera, (_, name))| (camera.to_string(), name.clone())).collect()
    }

    /// The photo under the last name of its camera.
    pub fn called(&self, mut photo: Photo) -> Photo {
        if let Some(name) = photo.camera.as_ref().and_then(|camera| self.name(camera)) {
            photo.camera_name = name;
        }
        photo
    }

    /// The photo in an event likewise.
    pub fn called_in(&self, event: PhotoEvent) -> PhotoEvent {
        let called = |photo: Box<Photo>| Box::new(self.called(*photo));
        match event {
            PhotoEvent::Stored { photo, back } => PhotoEvent::Stored { photo: called(photo), back },
            PhotoEvent::Changed { photo, what } => {
                PhotoEvent::Changed { photo: called(photo), what }
            }
            PhotoEvent::Deleted { id, photo } => {
                PhotoEvent::Deleted { id, photo: photo.map(called) }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the name is news.
    fn set(&mut self, camera: &CameraId, name: &str) -> bool {
        self.noted += 1;
        if let Some((noted, known)) = self.names.get_mut(camera) {
            *noted = self.noted;
            let is_new = known != name;
            name.clone_into(known);
            return is_new;
        }
        if self.names.len() >= MOST {
            let oldest = self.names.iter().min_by_key(|(_, (noted, _))| *noted);
            let oldest = oldest.map(|(camera, _)| camera.clone());
            oldest.map(|camera| self.names.remove(&camera));
        }
        self.names.insert(camera.clone(), (self.noted, name.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(camera: &str) -> CameraId {
        camera.parse().unwrap()
    }

    #[test]
    fn the_last_name_of_a_camera_outlives_the_camera_and_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roll.db");
        let roll = Roll::new(&file);
        for name in ["Bench", "Werkbank", "Werkbank", "作業台"] {
            roll.note(&id("workshop/bench"), name);
        }
        roll.note(&id("web-1/camera"), "Ana");
        drop(roll);
        let roll = Roll::new(&file);
        assert_eq!(roll.name(&id("workshop/bench")).as_deref(), Some("作業台"));
        assert_eq!(roll.name(&id("web-1/camera")), None);
        let lines = crate::record::database::peek::<Line>(&file, 99);
        assert_eq!(lines.len(), 3, "only what is new is written");
    }

    #[test]
    fn invented_cameras_and_names_fill_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roll.db");
        let roll = Roll::new(&file);
        roll.note(&id("workshop/bench"), "Bench");
        for n in 0..3 * MOST {
            roll.note(&id(&format!("node-{n}/camera")), "x");
            roll.note(&id("workshop/bench"), &format!("Bench {n}"));
        }
        assert_eq!(roll.state().names.len(), MOST);
        assert!(roll.name(&id("workshop/bench")).is_some(), "it is noted all the time");
        drop(roll);
        let lines = crate::record::database::peek::<Line>(&file, 99_999).len();
        assert!(lines < 2 * MOST, "{lines} lines");
    }
}
