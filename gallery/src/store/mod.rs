//! The store: photos as files, and an index that can be made from them again.
//!
//! All work on files and on SQLite is done by the store's own threads; the functions here wait for
//! it. What a function answered with success is on the disk, and stays there when the power goes.

mod error;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio::sync::broadcast;
use wire::{Author, CameraId, MediaType, PersonId, Photo, PhotoEvent, PhotoId, TimeSource};

pub use error::OpenError;
pub(crate) use error::StoreError;

/// So many events may wait for a slow listener before it is told that it missed some.
const EVENTS: usize = 256;

/// Where photos are kept. A cheap handle: all clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    events: broadcast::Sender<PhotoEvent>,
}

/// A photo to be stored. Its picture was checked already.
#[derive(Debug)]
pub(crate) struct NewPhoto {
    pub id: PhotoId,
    /// When it was taken, in milliseconds since 1970.
    pub taken: u64,
    pub time: TimeSource,
    pub media: MediaType,
    /// As it is shown, so after it was turned by `orientation`.
    pub width: u32,
    pub height: u32,
    /// How it is to be turned: EXIF's number, 1 to 8.
    pub orientation: u8,
    pub camera: Option<CameraId>,
    pub camera_name: String,
    pub person: Option<Author>,
    /// The name of the file that was brought.
    pub name: String,
    pub content: Content,
}

/// The bytes of a photo, stored as they are.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(Incoming),
}

/// A temporary file in the store's file system. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Incoming(NamedTempFile);

impl Incoming {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The open file, to write to. It need not be synced: that is done when it is stored.
    pub fn file(&mut self) -> &mut std::fs::File {
        self.0.as_file_mut()
    }
}

/// What became of a photo that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Added {
    /// It is stored. Its id is another one than was asked for if that was taken by another picture.
    New(Photo),
    /// The same picture was stored under this id before.
    Same(Photo),
    /// It was stored and deleted since, and stays deleted.
    Deleted,
}

/// Which photos.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filter {
    pub camera: Option<CameraId>,
    pub person: Option<PersonId>,
    /// Taken then or later, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Taken before.
    pub to: Option<u64>,
}

/// A page of photos.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub filter: Filter,
    /// Where the last page ended.
    pub before: Option<Cursor>,
    /// At most [`wire::limits::PHOTOS`].
    pub limit: usize,
}

/// A place in the order of photos. Written as text it means nothing to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    taken: u64,
    id: PhotoId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.taken, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (taken, id) = text.split_once('.').ok_or(BadCursor)?;
        let taken = u64::from_str_radix(taken, 16).map_err(|_| BadCursor)?;
        Ok(Cursor { taken, id: id.parse().map_err(|_| BadCursor)? })
    }
}

/// A text that is no [`Cursor`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in the list of photos: take it from the Link of the page before")]
pub(crate) struct BadCursor;

/// The photos of a page, newest taken first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    pub photos: Vec<Photo>,
    /// Where the next page begins, if there is more.
    pub next: Option<Cursor>,
}

/// The photos of one day in a time zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Day {
    /// As `2026-11-20`.
    pub day: String,
    /// Its first moment, in milliseconds since 1970.
    pub start: u64,
    /// The first moment of the next day.
    pub end: u64,
    pub count: u64,
    /// The sum of width by height of its photos.
    pub aspect: f64,
    /// How many cameras took them.
    pub cameras: u64,
}

/// Where photos come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Sources {
    pub cameras: Vec<CameraSource>,
    pub people: Vec<PersonSource>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CameraSource {
    pub camera: CameraId,
    /// What its newest photo calls it.
    pub name: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PersonSource {
    pub id: PersonId,
    /// What their newest photo calls them.
    pub name: String,
    pub count: u64,
}

/// What is to be changed about a photo; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Change {
    /// At most [`wire::limits::CAPTION`] characters.
    pub caption: Option<String>,
    pub pinned: Option<bool>,
}

/// A photo and where its bytes are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub photo: Photo,
    pub path: PathBuf,
}

/// How a store is kept.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The folder that all is in; made when missing.
    pub folder: PathBuf,
}

impl Store {
    /// Opens the store. This reads the disk, and waits for it.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(config: Config) -> Result<Store, OpenError> {
        let Config { folder } = config;
        std::fs::create_dir_all(&folder)
            .map_err(|source| OpenError::Io { path: folder, source })?;
        Ok(Store { shared: Arc::new(Shared { events: broadcast::Sender::new(EVENTS) }) })
    }

    /// A temporary file to put an upload into.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ViewOnly`], or what the disk says.
    pub async fn incoming(&self) -> Result<Incoming, StoreError> {
        Err(StoreError::Closed)
    }

    /// Stores a photo. It is durable, file and index, when this answers.
    ///
    /// # Errors
    /// [`StoreError`]; then no trace of it is left.
    pub async fn add(&self, _new: NewPhoto) -> Result<Added, StoreError> {
        Err(StoreError::Closed)
    }

    /// # Errors
    /// [`StoreError::Unknown`], or [`StoreError::Gone`] if it was deleted.
    pub async fn get(&self, _id: &PhotoId) -> Result<Photo, StoreError> {
        Err(StoreError::Closed)
    }

    /// The photo and the path of its file, which is never changed, and removed some time after the
    /// photo was deleted.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn file(&self, _id: &PhotoId) -> Result<Stored, StoreError> {
        Err(StoreError::Closed)
    }

    /// The photo and the path of its thumbnail, a JPEG, which is made now if it is missing.
    ///
    /// # Errors
    /// As [`Store::get`], and [`StoreError::Picture`] if none can be made of it.
    pub async fn thumb(&self, _id: &PhotoId) -> Result<Stored, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn list(&self, _query: Query) -> Result<Page, StoreError> {
        Err(StoreError::Closed)
    }

    /// The days that have photos, newest first. `from` and `to` count to the quarter of an hour.
    pub async fn days(
        &self,
        _filter: Filter,
        _zone: jiff::tz::TimeZone,
    ) -> Result<Vec<Day>, StoreError> {
        Err(StoreError::Closed)
    }

    pub async fn sources(&self) -> Result<Sources, StoreError> {
        Err(StoreError::Closed)
    }

    /// # Errors
    /// As [`Store::get`].
    pub async fn change(&self, _id: &PhotoId, _change: Change) -> Result<Photo, StoreError> {
        Err(StoreError::Closed)
    }

    /// Deletes a photo. Its file is kept for ten minutes, so that it can be restored.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn delete(&self, _id: &PhotoId) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    /// Takes a deletion back. A photo that was not deleted stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if its file is gone, [`StoreError::Unknown`] if it never was here.
    pub async fn restore(&self, _id: &PhotoId) -> Result<Photo, StoreError> {
        Err(StoreError::Closed)
    }

    /// What happens to photos from now on. A listener that is too slow is told that it missed some.
    pub fn events(&self) -> broadcast::Receiver<PhotoEvent> {
        self.shared.events.subscribe()
    }

    /// Why no photo can be stored now: a sentence for people.
    pub fn trouble(&self) -> Option<String> {
        None
    }
}
