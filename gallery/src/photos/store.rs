//! The store: photos as files, and an index that can be made from them again.
//!
//! All work on files and on SQLite is done by the store's own threads; the functions here wait for
//! it. What a function answered with success is on the disk, and stays there when the power goes.

mod config;
#[cfg(test)]
mod crash;
mod error;
mod files;
mod fill;
mod index;
mod open;
mod query;
mod reserve;
mod retention;
mod settle;
mod sidecar;
mod space;
#[cfg(test)]
mod tests;
mod thumbs;
mod workers;
mod writer;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc as sync_mpsc};
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use supervision::{Beat, Health, Need};
use tempfile::NamedTempFile;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tracing::warn;
use wire::{Author, CameraId, MediaType, Photo, PhotoEvent, PhotoId, TimeSource};

pub use config::{BadSection, Section};
pub use error::OpenError;
pub use fill::fill;
pub use open::{Progress, reindex};
pub use settle::Settled;

pub(crate) use config::Config;
pub(crate) use error::StoreError;
pub(crate) use query::{Day, Filter, Page, Query, Sources};

use crate::photos::picture::Pool;
use files::{Files, TAKEN_MOST};
use index::Known;
use reserve::Reserve;
use sidecar::Sidecar;
use space::Space;
use thumbs::Background;
use workers::Workers;
use writer::{Job, Prepared, Reply, Writer};

/// So many events may wait for a slow listener before it is told that it missed some.
const EVENTS: usize = 256;

/// So many photos are in work at once; more wait for them.
const ADDS: usize = 64;

/// Threads that read the index, and that write and sync new files. Files are synced side by side
/// since the disk can do that in one go.
const READERS: usize = 2;
const FILERS: usize = 8;

/// How often the store looks for room on a full disk, and every which time for what is too old.
const LOOK_EVERY: Duration = Duration::from_secs(3);
const TEND_EVERY: u32 = 20;

/// Where photos are kept. A cheap handle: all clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: Files,
    pictures: Pool,
    space: Arc<Space>,
    events: broadcast::Sender<PhotoEvent>,
    /// Why this gallery only shows.
    view_only: Mutex<Option<String>>,
    adds: Semaphore,
    writer: mpsc::Sender<Job>,
    readers: Workers<Connection>,
    filers: Workers<Connection>,
    /// The keeper ends when this is dropped.
    _keeper: sync_mpsc::Sender<()>,
    /// Of all these threads.
    health: Health,
}

/// A photo to be stored. Its picture was checked already.
#[derive(Debug)]
pub(crate) struct NewPhoto {
    pub id: PhotoId,
    /// When it was taken, in milliseconds since 1970.
    pub taken: u64,
    pub time: TimeSource,
    pub media: MediaType,
    /// As it is shown.
    pub width: u32,
    pub height: u32,
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

/// A temporary file in the store's file system, for what somebody brings. It is removed when it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Incoming {
    file: NamedTempFile,
    arrived: Sha256,
}

impl Incoming {
    fn new(file: NamedTempFile) -> Self {
        Incoming { file, arrived: Sha256::new() }
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The open file, to change what arrived. It need not be synced: that is done when it is
    /// stored.
    pub fn file(&mut self) -> &mut std::fs::File {
        self.file.as_file_mut()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.arrived.update(bytes);
        self.file.write_all(bytes)
    }

    /// The SHA-256 of what arrived, in hex.
    pub fn arrived(&self) -> String {
        writer::hex(&self.arrived.clone().finalize())
    }
}

/// What became of a photo that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Added {
    /// It is stored. Its id is another one than was asked for if that was taken by another picture.
    New(Photo),
    /// The same picture was stored before: under this id, or under any if it was brought.
    Same(Photo),
    /// It was stored and deleted since, and stays deleted.
    Deleted,
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

impl Store {
    /// Opens the store, on a thread of a runtime. This reads the disk and waits for it: long, if
    /// the index has to be made anew.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(config: Config) -> Result<Store, OpenError> {
        let Config { folder, retention, min_free, pictures } = config;
        let (files, lock) = open::take(&folder)?;
        let unusable = |source: io::Error| OpenError::Io { path: folder.clone(), source };
        let space = Arc::new(Space::new(files.clone(), min_free));
        let mut reserve = Reserve::open(&folder);
        let open::Opened { index, busy } = loop {
            match open::open(&files).map_err(|error| space.explain(0, error)) {
                // What a full disk holds must be seen, and can be deleted then.
                Err(StoreError::Full(_)) if reserve.release() => {}
                opened => break opened.map_err(|error| open::failed(&folder, &error))?,
            }
        };
        space.owe(reserve.missing());
        let events = broadcast::Sender::new(EVENTS);
        let readers = |count| {
            let open = || index::open_to_read(&files.index());
            let opened = (0..count).map(|_| open()).collect::<rusqlite::Result<Vec<_>>>();
            opened
                .map_err(|error| OpenError::Failed { path: files.index(), why: error.to_string() })
        };
        let (queue, jobs) = mpsc::channel(ADDS);
        let health = Health::default();
        let writer = Writer {
            index,
            files: files.clone(),
            events: events.clone(),
            thumbs: Background::start(&health, files.clone(), pictures.clone()),
            retention,
            space: space.clone(),
            reserve,
            busy,
            lock,
        };
        let (keeper, stopped) = sync_mpsc::channel();
        let shared = Shared {
            readers: Workers::start(&health, "store-reader", readers(READERS)?)
                .map_err(unusable)?,
            filers: Workers::start(&health, "store-filer", readers(FILERS)?).map_err(unusable)?,
            files,
            pictures,
            space: space.clone(),
            events,
            view_only: Mutex::default(),
            adds: Semaphore::new(ADDS),
            writer: queue.clone(),
            _keeper: keeper,
            health: health.clone(),
        };
        let write = |alive: &Beat| writer.run(jobs, alive);
        health.thread("store-writer", Need::Vital, write).map_err(unusable)?;
        let keep = move |alive: &Beat| keep(&space, &queue, &stopped, alive);
        health.thread("store-keeper", Need::Minor, keep).map_err(unusable)?;
        Ok(Store { shared: Arc::new(shared) })
    }

    /// Tells whether its threads are alive.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// A temporary file to put an upload into.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ViewOnly`], or what the disk says.
    pub async fn incoming(&self) -> Result<Incoming, StoreError> {
        self.may_change()?;
        let (files, space) = (self.shared.files.clone(), self.shared.space.clone());
        self.shared
            .filers
            .run(move |_| {
                space.check(0)?;
                space.told(0, files.aside().map(Incoming::new))
            })
            .await
    }

    /// Writes a piece of what arrives.
    ///
    /// # Errors
    /// [`StoreError::Full`], or what the disk says.
    pub async fn write(&self, mut to: Incoming, bytes: Bytes) -> Result<Incoming, StoreError> {
        let space = self.shared.space.clone();
        let written = spawn_blocking(move || {
            // Many large ones may come at once.
            space.check(0)?;
            let written = to.write(&bytes).map_err(StoreError::io(to.path()));
            space.told(bytes.len() as u64, written).map(|()| to)
        });
        written.await.map_err(|_| StoreError::Closed)?
    }

    /// The photo that these bytes are already, by the SHA-256 of what was brought then.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn find_file(&self, arrived: &str) -> Result<Option<Photo>, StoreError> {
        let hash = arrived.to_owned();
        self.shared.readers.run(move |index| Ok(index::find_file(index, [&hash, &hash])?)).await
    }

    /// Stores a photo. It is durable, file and index, when this answers. What was brought is stored
    /// once, however often it is brought and at the same moment.
    ///
    /// # Errors
    /// [`StoreError`]; then no trace of it is left.
    pub async fn add(&self, new: NewPhoto) -> Result<Added, StoreError> {
        self.may_change()?;
        let _permit = self.shared.adds.acquire().await.map_err(|_| StoreError::Closed)?;
        let (files, space) = (self.shared.files.clone(), self.shared.space.clone());
        let prepared =
            self.shared.filers.run(move |index| prepare(&files, &space, index, new)).await?;
        match prepared {
            Ok(prepared) => {
                let bytes = prepared.sidecar.photo.bytes;
                let added = self.ask(|reply| Job::Add(Box::new(prepared), reply)).await;
                self.shared.space.told(bytes, added)
            }
            Err(known) => Ok(known),
        }
    }

    /// # Errors
    /// [`StoreError::Unknown`], or [`StoreError::Gone`] if it was deleted.
    pub async fn get(&self, id: &PhotoId) -> Result<Photo, StoreError> {
        let id = id.clone();
        self.shared.readers.run(move |index| photo(index, &id)).await
    }

    /// The photo and the path of its file, which is never changed, and removed some time after the
    /// photo was deleted.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn file(&self, id: &PhotoId) -> Result<Stored, StoreError> {
        let (files, id) = (self.shared.files.clone(), id.clone());
        self.shared
            .readers
            .run(move |index| {
                files.is_here()?;
                let photo = photo(index, &id)?;
                let path = files.photo(photo.taken, &id, photo.media);
                Ok(Stored { photo, path })
            })
            .await
    }

    /// The photo and the path of its thumbnail, a JPEG, which is made now if it is missing.
    ///
    /// # Errors
    /// As [`Store::get`], and [`StoreError::Picture`] if none can be made of it.
    pub async fn thumb(&self, id: &PhotoId) -> Result<Stored, StoreError> {
        let photo = self.get(id).await?;
        let path = thumbs::make(&self.shared.files, &self.shared.pictures, &photo).await?;
        Ok(Stored { photo, path })
    }

    /// A page of photos, newest taken first.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn list(&self, query: Query) -> Result<Page, StoreError> {
        self.shared.readers.run(move |index| Ok(query::list(index, &query)?)).await
    }

    /// The days that have photos, newest first. `from` and `to` count to the quarter of an hour.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn days(&self, filter: Filter, zone: TimeZone) -> Result<Vec<Day>, StoreError> {
        self.shared.readers.run(move |index| Ok(query::days(index, &filter, &zone)?)).await
    }

    /// The cameras and people that have photos.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn sources(&self) -> Result<Sources, StoreError> {
        self.shared.readers.run(|index| Ok(query::sources(index)?)).await
    }

    /// Changes a photo's caption or pin.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn change(&self, id: &PhotoId, change: Change) -> Result<Photo, StoreError> {
        self.may_change()?;
        let changed = self.ask(|reply| Job::Change(id.clone(), change, reply)).await;
        self.shared.space.told(0, changed)
    }

    /// Deletes a photo. Its file is kept for ten minutes, so that it can be restored.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn delete(&self, id: &PhotoId) -> Result<(), StoreError> {
        self.may_change()?;
        let deleted = self.ask(|reply| Job::Delete(id.clone(), reply)).await;
        self.shared.space.told(0, deleted)
    }

    /// Takes a deletion back. A photo that was not deleted stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if its file is gone, [`StoreError::Unknown`] if it never was here.
    pub async fn restore(&self, id: &PhotoId) -> Result<Photo, StoreError> {
        self.may_change()?;
        let restored = self.ask(|reply| Job::Restore(id.clone(), reply)).await;
        self.shared.space.told(0, restored)
    }

    /// What happens to photos from now on. A listener that is too slow is told that it missed some.
    pub fn events(&self) -> broadcast::Receiver<PhotoEvent> {
        self.shared.events.subscribe()
    }

    /// Why no photo can be stored now; each change is told.
    pub fn troubles(&self) -> watch::Receiver<Option<StoreError>> {
        self.shared.space.trouble()
    }

    /// Why no photo can be stored now.
    pub fn trouble(&self) -> Option<StoreError> {
        self.troubles().borrow().clone()
    }

    /// From now on nothing is changed here, because of `why`; or it is again.
    pub fn set_view_only(&self, why: Option<String>) {
        *self.shared.view_only.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Finishes what is in work and marks the index as whole, so that the next start need not look.
    pub async fn close(&self) {
        match self.ask(Job::Close).await {
            // Closed already, or failed, which has been said.
            Ok(()) | Err(_) => {}
        }
    }

    /// Whether a photo could be stored now.
    ///
    /// # Errors
    /// [`StoreError::ViewOnly`], [`StoreError::Full`], or what else is wrong with the disk.
    pub fn may_store(&self) -> Result<(), StoreError> {
        self.may_change()?;
        self.trouble().map_or(Ok(()), Err)
    }

    fn may_change(&self) -> Result<(), StoreError> {
        let why = self.shared.view_only.lock().unwrap_or_else(PoisonError::into_inner).clone();
        why.map_or(Ok(()), |why| Err(StoreError::ViewOnly(why)))
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.writer.send(job(reply)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn photo(index: &Connection, id: &PhotoId) -> Result<Photo, StoreError> {
    match index::find(index, id)? {
        Known::Photo(known) => Ok(known.photo),
        Known::Deleted(_) => Err(StoreError::Gone),
        Known::Nothing => Err(StoreError::Unknown),
    }
}

/// Puts a new photo on the disk, or says that it is known already.
fn prepare(
    files: &Files,
    space: &Space,
    index: &Connection,
    new: NewPhoto,
) -> Result<Result<Prepared, Added>, StoreError> {
    let (bytes, hash, brought) = match &new.content {
        Content::Bytes(bytes) => (bytes.len() as u64, writer::hex(&Sha256::digest(bytes)), None),
        Content::File(incoming) => {
            let path = incoming.path();
            let bytes = incoming.file.as_file().metadata().map_err(StoreError::io(path))?.len();
            (bytes, writer::hash(path)?, Some(incoming.arrived()))
        }
    };
    let NewPhoto {
        id, taken, time, media, width, height, camera, camera_name, person, name, ..
    } = new;
    let photo = Photo {
        id,
        taken: taken.min(TAKEN_MOST),
        time,
        received: writer::now(),
        media,
        bytes,
        width,
        height,
        hash,
        camera,
        camera_name,
        person,
        name,
        caption: String::new(),
        pinned: false,
    };
    // A photo that is offered again is the rule after an outage, and costs no writing.
    if let Some(known) = writer::known(index, &photo, brought.as_deref())? {
        return Ok(Err(known));
    }
    let arrived = brought.clone().filter(|arrived| *arrived != photo.hash);
    let sidecar = Sidecar { photo, arrived, deleted: None };
    let write = || {
        let content = match new.content {
            Content::Bytes(bytes) => files.write_aside(&bytes)?,
            Content::File(Incoming { file, .. }) => {
                file.as_file().sync_all().map_err(StoreError::io(file.path()))?;
                file
            }
        };
        let beside = files.write_aside(&sidecar.to_json())?;
        Ok(Prepared { sidecar, brought, content, beside })
    };
    space.check(bytes)?;
    space.told(bytes, write()).map(Ok)
}

/// Looks after the store until it is dropped.
fn keep(
    space: &Space,
    writer: &mpsc::Sender<Job>,
    stopped: &sync_mpsc::Receiver<()>,
    alive: &Beat,
) {
    let mut look = 0;
    let mut failing = false;
    // What was due while the gallery was off goes at the first look.
    let mut tend = true;
    while let Err(sync_mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        alive.beat();
        space.look();
        look += 1;
        while std::mem::take(&mut tend) || look >= TEND_EVERY {
            look = 0;
            let (reply, answer) = oneshot::channel();
            if writer.blocking_send(Job::Tend(writer::now(), reply)).is_err() {
                return;
            }
            match answer.blocking_recv() {
                Ok(Ok(more)) => (tend, failing) = (more, false),
                Ok(Err(error)) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "old photos cannot be removed");
                    }
                }
                Err(_) => return,
            }
        }
    }
}
