//! The store: photos as files, and an index that can be rebuilt from them.
//!
//! The store's own threads do all work on files and SQLite; the functions here wait for it. When a
//! function returns success, its result is on the disk and survives a power cut.

mod blobs;
mod config;
mod disk;
mod error;
mod incoming;
mod index;
mod recovery;
mod sidecar;
#[cfg(test)]
mod tests;
mod thumbs;
mod workers;
mod writer;

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc as sync_mpsc};

use access::Cameras;
use bytes::Bytes;
use jiff::tz::TimeZone;
use supervision::{Beat, Health, Need};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use wire::{MediaType, Photo, PhotoEvent, PhotoId};

pub use config::{BadSection, Section};
pub use error::OpenError;
pub use index::fill;
pub use recovery::{Progress, Recovered, reindex};

pub(crate) use blobs::{Blob, Reader as BlobReader};
pub(crate) use config::Config;
pub(crate) use error::StoreError;
pub(crate) use incoming::{Added, Content, Incoming, NewPhoto};
pub(crate) use index::{Day, Filter, Found, Page, Query, Sources};

use crate::photos::picture::Pool;
use crate::photos::words::Names;
use crate::record::roll::Roll;
use blobs::{Blobs, Key};
use disk::{Reserve, Space};
use incoming::prepare;
use index::{Known, Reader};
use sidecar::Sidecar;
use thumbs::Background;
use workers::Workers;
use writer::{Job, Reply, Writer};

/// The most events that wait for a slow listener; then it is told that it missed some.
const EVENTS: usize = 256;

/// The most photos that are added at once; more wait.
const ADDS: usize = 64;

/// Threads that read the index, and that write and sync new files. Files are synced side by side
/// because the disk can combine that.
const READERS: usize = 2;
const FILERS: usize = 8;

/// Threads that look through the texts of photos. They look at all of them, so whoever lists photos
/// without a word does not wait for them.
const SEARCHERS: usize = 1;

/// The place of photos. A cheap handle: all clones are the same store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
    /// The photos that it returns have the last names of their cameras.
    roll: Arc<Roll>,
    /// Whose photos there are for who has this handle, beside those of no camera. Others look as if
    /// they had never been there, and so do deleted ones unless all are seen.
    seen: Cameras,
}

#[derive(Debug)]
struct Shared {
    blobs: Arc<dyn Blobs>,
    pictures: Pool,
    space: Arc<Space>,
    events: broadcast::Sender<PhotoEvent>,
    /// Why this gallery only shows photos.
    view_only: Mutex<Option<String>>,
    adds: Semaphore,
    writer: mpsc::Sender<Job>,
    readers: Workers<Reader>,
    searchers: Workers<Reader>,
    filers: Workers<Reader>,
    /// Dropping this ends the keeper.
    _keeper: sync_mpsc::Sender<()>,
    /// The health of all these threads.
    health: Health,
}

/// A change of a photo; `None` leaves a field unchanged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Change {
    /// At most [`wire::limits::CAPTION`] characters.
    pub caption: Option<String>,
    pub pinned: Option<bool>,
}

/// A photo, and its blob or that of its thumbnail. The blob never changes, and is removed some time
/// after the photo was deleted.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub photo: Photo,
    blobs: Arc<dyn Blobs>,
    key: Key,
}

impl Stored {
    /// Opens the blob; waits for the disk.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the photo was deleted meanwhile, or the disk's error.
    pub fn open(&self) -> Result<Box<dyn Blob>, StoreError> {
        self.blobs.get(&self.key)?.ok_or(StoreError::Gone)
    }

    /// Reads the whole blob; waits for the disk.
    ///
    /// # Errors
    /// As [`Stored::open`].
    pub fn read(&self) -> Result<Vec<u8>, StoreError> {
        blobs::read(self.open()?, &self.key, u64::MAX)
    }
}

impl Store {
    /// Opens the store, on a thread of a runtime. It waits for the disk: long, if the index must be
    /// rebuilt.
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(config: Config, roll: Arc<Roll>) -> Result<Store, OpenError> {
        let Config { folder, retention, min_free, pictures } = config;
        let (here, lock) = recovery::take(&folder)?;
        let unusable = |source: io::Error| OpenError::Io { path: folder.clone(), source };
        let space = Arc::new(Space::new(here.clone(), min_free));
        let mut reserve = Reserve::open(&folder);
        let recovery::Opened { index, busy } = loop {
            match recovery::open(&here).map_err(|error| space.explain(0, error)) {
                // The photos of a full disk must be visible, and can then be deleted.
                Err(StoreError::Full(_)) if reserve.release() => {}
                opened => break opened.map_err(|error| recovery::failed(&folder, &error))?,
            }
        };
        space.owe(reserve.missing());
        let events = broadcast::Sender::new(EVENTS);
        let readers = |count| {
            let opened = (0..count).map(|_| Reader::open(&folder)).collect::<Result<Vec<_>, _>>();
            opened.map_err(|error| recovery::failed(&folder, &error))
        };
        let blobs: Arc<dyn Blobs> = Arc::new(here);
        let (queue, jobs) = mpsc::channel(ADDS);
        let health = Health::default();
        let writer = Writer {
            index,
            blobs: blobs.clone(),
            events: events.clone(),
            thumbs: Background::start(&health, blobs.clone(), pictures.clone()),
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
            searchers: Workers::start(&health, "store-searcher", readers(SEARCHERS)?)
                .map_err(unusable)?,
            filers: Workers::start(&health, "store-filer", readers(FILERS)?).map_err(unusable)?,
            blobs,
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
        let keep = move |alive: &Beat| writer::keep(&space, &queue, &stopped, alive);
        health.thread("store-keeper", Need::Minor, keep).map_err(unusable)?;
        Ok(Store { shared: Arc::new(shared), roll, seen: Cameras::ALL })
    }

    /// The store for somebody who sees these cameras: photos of others are not there.
    pub fn seen_by(&self, cameras: &Cameras) -> Store {
        Store { seen: cameras.clone(), ..self.clone() }
    }

    /// Whether the threads are alive.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// What cameras were called last.
    pub fn roll(&self) -> &Arc<Roll> {
        &self.roll
    }

    /// A temporary file for an upload.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::ViewOnly`], or the disk's error.
    pub async fn incoming(&self) -> Result<Incoming, StoreError> {
        self.may_change()?;
        let (blobs, space) = (self.shared.blobs.clone(), self.shared.space.clone());
        self.shared
            .filers
            .run(move |_| {
                space.check(0)?;
                space.noted(0, blobs.draft().map(Incoming::new))
            })
            .await
    }

    /// Writes a piece of what arrives.
    ///
    /// # Errors
    /// [`StoreError::Full`], or the disk's error.
    pub async fn write(&self, mut to: Incoming, bytes: Bytes) -> Result<Incoming, StoreError> {
        let space = self.shared.space.clone();
        let written = spawn_blocking(move || {
            // Many large ones may arrive at once.
            space.check(0)?;
            let written = to.write(&bytes);
            space.noted(bytes.len() as u64, written).map(|()| to)
        });
        written.await.map_err(|_| StoreError::Closed)?
    }

    /// The photo that already has these bytes, by the SHA-256 of the uploaded bytes.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn find_file(&self, arrived: &str) -> Result<Option<Photo>, StoreError> {
        let hash = arrived.to_owned();
        self.shared.readers.run(move |index| index.find_file([&hash, &hash])).await
    }

    /// Stores a photo. File and index are durable when this returns. An upload is stored once, even
    /// if it comes again or twice at the same moment.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of it is left.
    pub async fn add(&self, new: NewPhoto) -> Result<Added, StoreError> {
        self.may_change()?;
        let _permit = self.shared.adds.acquire().await.map_err(|_| StoreError::Closed)?;
        let (blobs, space) = (self.shared.blobs.clone(), self.shared.space.clone());
        let prepared =
            self.shared.filers.run(move |index| prepare(&*blobs, &space, index, new)).await?;
        match prepared {
            Ok(prepared) => {
                let bytes = prepared.sidecar.photo.bytes;
                let added = self.ask(|reply| Job::Add(Box::new(prepared), reply)).await;
                self.shared.space.noted(bytes, added)
            }
            Err(known) => Ok(known),
        }
    }

    /// # Errors
    /// [`StoreError::Unknown`], or [`StoreError::Gone`] if it was deleted.
    pub async fn get(&self, id: &PhotoId) -> Result<Photo, StoreError> {
        let (id, seen) = (id.clone(), self.seen.clone());
        let photo = self.shared.readers.run(move |index| photo(index, &id, &seen)).await;
        photo.map(|photo| self.roll.called(photo))
    }

    /// The photo and its blob.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn file(&self, id: &PhotoId) -> Result<Stored, StoreError> {
        let (blobs, roll, id) = (self.shared.blobs.clone(), self.roll.clone(), id.clone());
        let seen = self.seen.clone();
        self.shared
            .readers
            .run(move |index| {
                blobs.is_here()?;
                let photo = roll.called(photo(index, &id, &seen)?);
                let key = Key::photo(photo.taken, &id, photo.media);
                Ok(Stored { photo, blobs, key })
            })
            .await
    }

    /// The photo and its thumbnail, a JPEG, which is made if missing.
    ///
    /// # Errors
    /// As [`Store::get`], and [`StoreError::Picture`] if none can be made.
    pub async fn thumb(&self, id: &PhotoId) -> Result<Stored, StoreError> {
        let photo = self.get(id).await?;
        let blobs = self.shared.blobs.clone();
        let key = thumbs::make(&blobs, &self.shared.pictures, &photo).await?;
        Ok(Stored { photo, blobs, key })
    }

    /// Those of the photos that are there.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn these(&self, ids: Vec<PhotoId>) -> Result<Vec<Photo>, StoreError> {
        let (roll, seen) = (self.roll.clone(), self.seen.clone());
        self.shared
            .readers
            .run(move |index| {
                let mut photos = Vec::new();
                for id in &ids {
                    match photo(index, id, &seen) {
                        Ok(photo) => photos.push(roll.called(photo)),
                        Err(StoreError::Gone | StoreError::Unknown) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(photos)
            })
            .await
    }

    /// Opens the file of a photo as the index knew it, also if it was deleted lately; waits for the
    /// disk.
    ///
    /// # Errors
    /// [`StoreError::Gone`], or the disk's error.
    pub fn open_file(
        &self,
        id: &PhotoId,
        taken: u64,
        media: MediaType,
    ) -> Result<Box<dyn Blob>, StoreError> {
        self.shared.blobs.is_here()?;
        let (here, trash) = (Key::photo(taken, id, media), Key::trash(id, media));
        // Between the first two it may be restored.
        for key in [&here, &trash, &here] {
            if let Some(blob) = self.shared.blobs.get(key)? {
                return Ok(blob);
            }
        }
        Err(StoreError::Gone)
    }

    /// A page of photos, newest taken first.
    ///
    /// # Errors
    /// [`StoreError::Index`], or [`StoreError::Slow`].
    pub async fn list(&self, query: Query) -> Result<Page, StoreError> {
        let query = Query { filter: self.through(query.filter), ..query };
        let names = self.names(&query.filter);
        let readers = self.readers(&query.filter);
        let mut page = readers.run(move |index| index.list(&query, &names)).await?;
        page.photos = page.photos.into_iter().map(|photo| self.roll.called(photo)).collect();
        Ok(page)
    }

    /// The days with photos, newest first. `from` and `to` are rounded to quarters of an hour,
    /// unless words are looked for.
    ///
    /// # Errors
    /// [`StoreError::Index`], or [`StoreError::Slow`].
    pub async fn days(&self, filter: Filter, zone: TimeZone) -> Result<Vec<Day>, StoreError> {
        let filter = self.through(filter);
        let (readers, names) = (self.readers(&filter), self.names(&filter));
        readers.run(move |index| index.days(&filter, &zone, &names)).await
    }

    /// What the filter's words are found in.
    ///
    /// # Errors
    /// [`StoreError::Index`], or [`StoreError::Slow`].
    pub async fn found(&self, filter: Filter) -> Result<Found, StoreError> {
        let filter = self.through(filter);
        let (readers, names) = (self.readers(&filter), self.names(&filter));
        readers.run(move |index| index.found(&filter, &names)).await
    }

    /// The cameras and people with photos.
    ///
    /// # Errors
    /// [`StoreError::Index`].
    pub async fn sources(&self) -> Result<Sources, StoreError> {
        let seen = self.seen.clone();
        let mut sources = self.shared.readers.run(move |index| index.sources(&seen)).await?;
        for source in &mut sources.cameras {
            source.name =
                self.roll.name(&source.camera).unwrap_or(std::mem::take(&mut source.name));
        }
        sources.sort();
        Ok(sources)
    }

    /// Changes a photo's caption or pin.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn change(&self, id: &PhotoId, change: Change) -> Result<Photo, StoreError> {
        self.may_change()?;
        let changed =
            self.ask(|reply| Job::Change(id.clone(), change, self.seen.clone(), reply)).await;
        self.shared.space.noted(0, changed).map(|photo| self.roll.called(photo))
    }

    /// Deletes a photo. Its file stays for ten minutes, so that it can be restored.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn delete(&self, id: &PhotoId) -> Result<(), StoreError> {
        self.may_change()?;
        let deleted = self.ask(|reply| Job::Delete(id.clone(), self.seen.clone(), reply)).await;
        self.shared.space.noted(0, deleted)
    }

    /// Undoes a deletion. A photo that was not deleted stays unchanged.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if its file is gone, [`StoreError::Unknown`] if it never existed.
    pub async fn restore(&self, id: &PhotoId) -> Result<Photo, StoreError> {
        self.may_change()?;
        let restored = self.ask(|reply| Job::Restore(id.clone(), self.seen.clone(), reply)).await;
        self.shared.space.noted(0, restored).map(|photo| self.roll.called(photo))
    }

    /// The events of photos from now on. A listener that is too slow is told that it missed some.
    pub fn events(&self) -> broadcast::Receiver<PhotoEvent> {
        self.shared.events.subscribe()
    }

    /// Why no photo can be stored now, with each change.
    pub fn troubles(&self) -> watch::Receiver<Option<StoreError>> {
        self.shared.space.trouble()
    }

    /// Why no photo can be stored now.
    pub fn trouble(&self) -> Option<StoreError> {
        self.troubles().borrow().clone()
    }

    /// From now on nothing is changed here, because of `why`; with `None` it is again.
    pub fn set_view_only(&self, why: Option<String>) {
        *self.shared.view_only.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Finishes the current work and marks the index as clean, so that the next start need not
    /// look.
    pub async fn close(&self) {
        match self.ask(Job::Close).await {
            // Closed already, or failed, which was reported.
            Ok(()) | Err(_) => {}
        }
    }

    /// Checks whether a photo could be stored now.
    ///
    /// # Errors
    /// [`StoreError::ViewOnly`], [`StoreError::Full`], or another fault of the disk.
    pub fn may_store(&self) -> Result<(), StoreError> {
        self.may_change()?;
        self.trouble().map_or(Ok(()), Err)
    }

    /// The filter for who has this handle.
    fn through(&self, filter: Filter) -> Filter {
        Filter { seen: self.seen.clone(), ..filter }
    }

    fn readers(&self, filter: &Filter) -> &Workers<Reader> {
        // Whoever must leave out many looks through all of them.
        let looks_through = filter.words.is_some() || !filter.seen.are_all();
        if looks_through { &self.shared.searchers } else { &self.shared.readers }
    }

    /// What cameras are called now, for who looks for words.
    fn names(&self, filter: &Filter) -> Names {
        filter.words.as_ref().map(|_| self.roll.names()).unwrap_or_default()
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

fn photo(index: &Reader, id: &PhotoId, seen: &Cameras) -> Result<Photo, StoreError> {
    visible(index.find(id)?, seen).map(|sidecar| sidecar.photo)
}

/// The photo that the index knows, if it may be seen.
fn visible(known: Known, seen: &Cameras) -> Result<Box<Sidecar>, StoreError> {
    match known {
        Known::Photo(sidecar) if sees(seen, &sidecar.photo) => Ok(sidecar),
        // The index no longer knows of which camera a deleted photo is.
        Known::Deleted(_) if seen.are_all() => Err(StoreError::Gone),
        Known::Photo(_) | Known::Deleted(_) | Known::Nothing => Err(StoreError::Unknown),
    }
}

/// Whether a photo is of one of these cameras, or of none.
pub(crate) fn sees(seen: &Cameras, photo: &Photo) -> bool {
    photo.camera.as_ref().is_none_or(|camera| seen.sees(camera))
}
