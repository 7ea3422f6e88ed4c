//! The one thread that changes the store.
//!
//! It takes all photos that wait, renames them into place, syncs each folder once, and commits
//! their rows in one transaction: a group of photos costs little more than one. Only then is each
//! answered.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::sync_folder;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use supervision::Beat;
use tempfile::NamedTempFile;
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::{error, info, warn};
use wire::{Mark, Photo, PhotoEvent, PhotoId};

use super::error::StoreError;
use super::files::{DayFolder, Files, put, remove, rename};
use super::index::{self, Known, Tombstone};
use super::reserve::Reserve;
use super::retention::Retention;
use super::sidecar::{Deletion, Sidecar};
use super::space::Space;
use super::thumbs::Background;
use super::{Added, Change};

/// At most so many photos are stored at once.
const GROUP: usize = 64;

/// For so long a deleted photo can be restored, in milliseconds.
const TRASH: u64 = 10 * 60 * 1000;

/// For so long it is remembered that a photo was removed for its age, in milliseconds. A node that
/// was away longer, with that photo still unacknowledged, brings it back.
const REMEMBER: u64 = 30 * 24 * 3600 * 1000;

/// A day's folder that was left alone for so long is known to agree with the index.
const QUIET: Duration = Duration::from_secs(600);

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    Add(Box<Prepared>, Reply<Added>),
    Change(PhotoId, Change, Reply<Photo>),
    Delete(PhotoId, Reply<()>),
    Restore(PhotoId, Reply<Photo>),
    /// Removes what is too old or too much at this time. Answers whether there is more to remove.
    Tend(u64, Reply<bool>),
    /// Marks the index as clean and ends.
    Close(Reply<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A photo that is on the disk, synced, but without its name.
#[derive(Debug)]
pub(super) struct Prepared {
    pub sidecar: Sidecar,
    /// The hash of what arrived, of an upload: the same again is the same photo, whatever its id.
    pub brought: Option<String>,
    pub content: NamedTempFile,
    pub beside: NamedTempFile,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub index: Connection,
    pub files: Files,
    pub events: broadcast::Sender<PhotoEvent>,
    pub thumbs: Background,
    pub retention: Retention,
    pub space: Arc<Space>,
    pub reserve: Reserve,
    /// The days whose folders were touched, and when.
    pub busy: HashMap<DayFolder, Instant>,
    /// Held as long as the store is open.
    pub lock: File,
}

/// A photo that has its name, but no row yet.
struct Placed {
    sidecar: Sidecar,
    day: DayFolder,
    files: [PathBuf; 2],
}

impl Writer {
    /// Works until it is told to close, or nobody can ask any more.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>, alive: &Beat) {
        while let Some(first) = jobs.blocking_recv() {
            alive.beat();
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Add(prepared, reply) => group.push((*prepared, reply)),
                    Job::Change(id, change, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.change(&id, &change)));
                    }
                    Job::Delete(id, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.delete(&id)));
                    }
                    Job::Restore(id, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.restore(&id)));
                    }
                    Job::Tend(now, reply) => {
                        answer(reply, self.with_reserve(|writer| writer.tend(now)));
                        self.refill();
                    }
                    Job::Close(reply) => {
                        self.add(group);
                        return self.close(reply);
                    }
                }
                next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
            }
            self.add(group);
        }
    }

    /// Does what must be possible on a full disk too, with the room that is held back for it.
    fn with_reserve<T>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.files.is_here()?;
        let mut is_log_empty = false;
        loop {
            let done = work(self).map_err(|error| self.space.explain(0, error));
            let Err(StoreError::Full(_)) = done else { return done };
            // SQLite's log has room that is not needed, mostly.
            if !is_log_empty && index::empty_log(&self.index).is_ok() {
                is_log_empty = true;
            } else if self.reserve.release() {
                is_log_empty = false;
                self.space.owe(self.reserve.missing());
            } else {
                return done;
            }
        }
    }

    fn refill(&mut self) {
        self.reserve.fill();
        self.space.owe(self.reserve.missing());
    }

    fn add(&mut self, group: Vec<(Prepared, Reply<Added>)>) {
        let (mut placed, mut again) = (Vec::new(), Vec::new());
        let mut names = HashSet::new();
        for (prepared, reply) in group {
            let Photo { id, hash, .. } = &prepared.sidecar.photo;
            let arrived = prepared.brought.as_deref();
            let new = [Some(id.as_str()), Some(hash), arrived.filter(|arrived| arrived != hash)]
                .into_iter()
                .flatten()
                .all(|name| names.insert(name.to_owned()));
            if !new {
                // Offered twice at the same moment: the second time it is known.
                again.push((prepared, reply));
                continue;
            }
            match self.place(prepared) {
                Ok(Ok(new)) => placed.push((new, reply)),
                Ok(Err(known)) => answer(reply, Ok(known)),
                Err(error) => answer(reply, Err(error)),
            }
        }
        // What is stored in a folder that went away meanwhile is not stored.
        match self.commit(&placed).and_then(|()| self.files.is_here()) {
            Ok(()) => {
                for (Placed { sidecar, .. }, reply) in placed {
                    let photo = sidecar.photo.clone();
                    self.thumbs.make(sidecar.photo);
                    self.tell(PhotoEvent::Stored { photo: Box::new(photo.clone()), back: false });
                    answer(reply, Ok(Added::New(photo)));
                }
            }
            Err(error) => {
                for (Placed { files, .. }, reply) in placed {
                    files.iter().for_each(|file| discard(file));
                    answer(reply, Err(error.clone()));
                }
            }
        }
        if !again.is_empty() {
            self.add(again);
        }
    }

    /// Gives a photo its name, or says that it is known already.
    fn place(&mut self, prepared: Prepared) -> Result<Result<Placed, Added>, StoreError> {
        let Prepared { mut sidecar, brought, content, mut beside } = prepared;
        if let Some(known) = known(&self.index, &sidecar.photo, brought.as_deref())? {
            return Ok(Err(known));
        }
        if self.is_taken(&sidecar.photo)? {
            let other = other_id(&sidecar.photo);
            warn!(id = %sidecar.photo.id, %other, "two photos have this id; the second gets another");
            sidecar.photo.id = other;
            if let Some(known) = known(&self.index, &sidecar.photo, None)? {
                return Ok(Err(known));
            }
            beside = self.files.write_aside(&sidecar.to_json())?;
        }
        let Photo { taken, ref id, media, .. } = sidecar.photo;
        let day = DayFolder::of(taken);
        self.touch(&day)?;
        let files = [self.files.photo(taken, id, media), self.files.sidecar(taken, id)];
        // The sidecar first, so that no photo is ever without one.
        put(beside, &files[1])?;
        put(content, &files[0]).inspect_err(|_| discard(&files[1]))?;
        Ok(Ok(Placed { sidecar, day, files }))
    }

    /// Whether another picture has the id, be it known to the index or not.
    fn is_taken(&self, photo: &Photo) -> Result<bool, StoreError> {
        if index::find(&self.index, &photo.id)? != Known::Nothing {
            return Ok(true);
        }
        let path = self.files.photo(photo.taken, &photo.id, photo.media);
        Ok(path.exists() && hash(&path)? != photo.hash)
    }

    /// Makes all of a group durable: the names, then the rows.
    fn commit(&mut self, placed: &[(Placed, Reply<Added>)]) -> Result<(), StoreError> {
        let days: HashSet<&DayFolder> = placed.iter().map(|(placed, _)| &placed.day).collect();
        for day in days {
            self.sync_day(day)?;
        }
        let tx = self.index.transaction()?;
        for (Placed { sidecar, .. }, _) in placed {
            index::insert(&tx, sidecar)?;
        }
        Ok(tx.commit()?)
    }

    fn change(&mut self, id: &PhotoId, change: &Change) -> Result<Photo, StoreError> {
        let before = self.photo(id)?;
        let mut sidecar = before.clone();
        let photo = &mut sidecar.photo;
        if let Some(caption) = &change.caption {
            photo.caption.clone_from(caption);
        }
        if let Some(pinned) = change.pinned {
            photo.pinned = pinned;
        }
        self.touch(&DayFolder::of(sidecar.photo.taken))?;
        let changed = (|| {
            let tx = self.index.transaction()?;
            index::update(&tx, &sidecar.photo)?;
            write_sidecar(&self.files, &sidecar)?;
            Ok(tx.commit()?)
        })();
        changed.inspect_err(|_: &StoreError| self.put_back(&before))?;
        let is_other = |mark: &Mark| match mark {
            Mark::Caption => sidecar.photo.caption != before.photo.caption,
            Mark::Pin => sidecar.photo.pinned != before.photo.pinned,
        };
        let what = [Mark::Caption, Mark::Pin].into_iter().filter(is_other).collect();
        self.tell(PhotoEvent::Changed { photo: Box::new(sidecar.photo.clone()), what });
        Ok(sidecar.photo)
    }

    fn delete(&mut self, id: &PhotoId) -> Result<(), StoreError> {
        let sidecar = self.photo(id)?;
        self.bury(vec![sidecar], Deletion { at: now(), expired: false })
    }

    /// Deletes photos. The tombstones are written first: from then on they are deleted, whatever
    /// happens.
    fn bury(&mut self, gone: Vec<Sidecar>, deletion: Deletion) -> Result<(), StoreError> {
        let days: HashSet<DayFolder> =
            gone.iter().map(|sidecar| DayFolder::of(sidecar.photo.taken)).collect();
        for day in &days {
            self.touch(day)?;
        }
        let buried = (|| {
            for sidecar in &gone {
                let tombstone = Sidecar { deleted: Some(deletion), ..sidecar.clone() };
                write_sidecar(&self.files, &tombstone)?;
            }
            let tx = self.index.transaction()?;
            for Sidecar { photo, .. } in &gone {
                let Photo { taken, media, .. } = *photo;
                let (id, hash) = (photo.id.clone(), photo.hash.clone());
                index::remove(&tx, photo)?;
                let trashed = !deletion.expired;
                index::bury(&tx, &Tombstone { id, taken, media, hash, deletion, trashed })?;
            }
            Ok(tx.commit()?)
        })();
        buried
            .inspect_err(|_: &StoreError| gone.iter().for_each(|sidecar| self.put_back(sidecar)))?;
        for Sidecar { photo, .. } in gone {
            let Photo { taken, media, .. } = photo;
            let id = photo.id.clone();
            let file = self.files.photo(taken, &id, media);
            if deletion.expired {
                discard(&file);
            } else if let Err(error) = rename(&file, &self.files.trash(&id, media)) {
                warn!(%error, "a deleted photo cannot be moved to the trash");
            }
            discard(&self.files.thumb(taken, &id));
            self.tell(PhotoEvent::Deleted { id, photo: Some(Box::new(photo)) });
        }
        Ok(())
    }

    /// Nothing became of a change: the sidecar says again what the index says.
    fn put_back(&self, sidecar: &Sidecar) {
        let Photo { taken, ref id, .. } = sidecar.photo;
        if Sidecar::read(&self.files.sidecar(taken, id)).is_ok_and(|there| there == *sidecar) {
            return;
        }
        if let Err(error) = write_sidecar(&self.files, sidecar) {
            warn!(id = %sidecar.photo.id, %error, "a change that failed cannot be taken back in its sidecar");
        }
    }

    fn restore(&mut self, id: &PhotoId) -> Result<Photo, StoreError> {
        let tombstone = match index::find(&self.index, id)? {
            Known::Photo(sidecar) => return Ok(sidecar.photo),
            Known::Nothing => return Err(StoreError::Unknown),
            Known::Deleted(tombstone) if !tombstone.trashed => return Err(StoreError::Gone),
            Known::Deleted(tombstone) => tombstone,
        };
        let Tombstone { taken, media, .. } = tombstone;
        self.touch(&DayFolder::of(taken))?;
        let beside = self.files.sidecar(taken, id);
        let mut sidecar = Sidecar::read(&beside).map_err(StoreError::io(&beside))?;
        sidecar.deleted = None;
        let (trash, place) = (self.files.trash(id, media), self.files.photo(taken, id, media));
        // A crash, or a trash without room, may have left it there.
        if !place.exists() {
            rename(&trash, &place)?;
        }
        let restored = (|| {
            let tx = self.index.transaction()?;
            index::unbury(&tx, id)?;
            index::insert(&tx, &sidecar)?;
            write_sidecar(&self.files, &sidecar)?;
            Ok(tx.commit()?)
        })();
        restored.inspect_err(|_: &StoreError| {
            // It stays deleted, and can be restored later.
            let sidecar = Sidecar { deleted: Some(tombstone.deletion), ..sidecar.clone() };
            let _ = write_sidecar(&self.files, &sidecar).and_then(|()| rename(&place, &trash));
        })?;
        self.thumbs.make(sidecar.photo.clone());
        self.tell(PhotoEvent::Stored { photo: Box::new(sidecar.photo.clone()), back: true });
        Ok(sidecar.photo)
    }

    /// A part of what is to be removed, so that nobody waits long. Answers whether there is more.
    fn tend(&mut self, now: u64) -> Result<bool, StoreError> {
        let trashed = index::trashed(&self.index, now.saturating_sub(TRASH))?;
        let forgotten = index::expired(&self.index, now.saturating_sub(REMEMBER))?;
        let tx = self.index.transaction()?;
        for tombstone in &trashed {
            let Tombstone { taken, ref id, media, .. } = *tombstone;
            discard(&self.files.trash(id, media));
            discard(&self.files.photo(taken, id, media));
            index::bury(&tx, &Tombstone { trashed: false, ..tombstone.clone() })?;
        }
        for Tombstone { id, taken, .. } in &forgotten {
            discard(&self.files.sidecar(*taken, id));
            index::unbury(&tx, id)?;
            // The last of a day takes the folder along; it is not empty before.
            let _ = fs::remove_dir(self.files.day(&DayFolder::of(*taken)));
        }
        tx.commit()?;
        let gone = self.retention.due(&self.index, now)?;
        let more = [trashed.len(), forgotten.len(), gone.len()].into_iter().any(|n| n > 0);
        if !gone.is_empty() {
            info!(photos = gone.len(), "removing what is too old or too much");
            self.bury(gone, Deletion { at: now, expired: true })?;
        }
        let quiet: Vec<DayFolder> = self
            .busy
            .extract_if(|_, touched| touched.elapsed() > QUIET)
            .map(|(day, _)| day)
            .collect();
        for day in quiet {
            index::set_quiet(&self.index, &day)?;
        }
        Ok(more)
    }

    /// Notes that the folder of a day, made when missing, and the index may differ from now on.
    fn touch(&mut self, day: &DayFolder) -> Result<(), StoreError> {
        self.files.make_day(day)?;
        if !self.busy.contains_key(day) {
            index::set_busy(&self.index, day)?;
        }
        self.busy.insert(day.clone(), Instant::now());
        Ok(())
    }

    fn sync_day(&self, day: &DayFolder) -> Result<(), StoreError> {
        let folder = self.files.day(day);
        sync_folder(&folder).map_err(StoreError::io(&folder))
    }

    fn photo(&self, id: &PhotoId) -> Result<Sidecar, StoreError> {
        match index::find(&self.index, id)? {
            Known::Photo(sidecar) => Ok(*sidecar),
            Known::Deleted(_) => Err(StoreError::Gone),
            Known::Nothing => Err(StoreError::Unknown),
        }
    }

    fn tell(&self, event: PhotoEvent) {
        // Nobody may listen.
        let _ = self.events.send(event);
    }

    fn close(self, reply: Reply<()>) {
        let Writer { index, lock, .. } = self;
        let closed = index::close(index).map_err(StoreError::from);
        if let Err(error) = &closed {
            error!(%error, "the index could not be closed; it is checked at the next start");
        }
        drop(lock);
        answer(reply, closed);
    }
}

/// What becomes of a photo that the index knows: by its id, with the same picture, or by the hash
/// of what was `brought`, if it was. What was brought and deleted since may be brought anew.
pub(super) fn known(
    index: &Connection,
    photo: &Photo,
    brought: Option<&str>,
) -> Result<Option<Added>, StoreError> {
    match index::find(index, &photo.id)? {
        Known::Photo(known) if known.photo.hash == photo.hash => {
            return Ok(Some(Added::Same(known.photo)));
        }
        Known::Deleted(tombstone) if tombstone.hash == photo.hash => {
            return Ok(Some(Added::Deleted));
        }
        _ => {}
    }
    let Some(arrived) = brought else { return Ok(None) };
    Ok(index::find_file(index, [&photo.hash, arrived])?.map(Added::Same))
}

/// The id for a photo whose own is another picture's. It follows from both, so that the photo is
/// known when it is offered again.
fn other_id(photo: &Photo) -> PhotoId {
    let digest = Sha256::digest(format!("{} {}", photo.id, photo.hash));
    let random = digest.iter().take(10).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    let other = PhotoId::new(0, random);
    let (time, random) = (&photo.id.as_str()[..10], &other.as_str()[10..]);
    format!("{time}{random}").parse().unwrap_or(other)
}

/// The SHA-256 of a file in hex.
pub(super) fn hash(path: &std::path::Path) -> Result<String, StoreError> {
    let digest = || {
        let mut hasher = Sha256::new();
        let mut file = BufReader::with_capacity(64 << 10, File::open(path)?);
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                return Ok(hasher.finalize());
            }
            hasher.update(bytes);
            let read = bytes.len();
            file.consume(read);
        }
    };
    digest().map(|digest| hex(&digest)).map_err(StoreError::io(path))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a sidecar in its place, durably.
pub(super) fn write_sidecar(files: &Files, sidecar: &Sidecar) -> Result<(), StoreError> {
    let Photo { taken, ref id, .. } = sidecar.photo;
    let path = files.sidecar(taken, id);
    put(files.write_aside(&sidecar.to_json())?, &path)?;
    let folder = files.day(&DayFolder::of(taken));
    sync_folder(&folder).map_err(StoreError::io(&folder))
}

fn discard(path: &std::path::Path) {
    if let Err(error) = remove(path) {
        warn!(path = %path.display(), %error, "cannot be removed");
    }
}

pub(super) fn now() -> u64 {
    crate::now::Now::read().wall_ms()
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // Who asked may have gone.
    let _ = reply.send(result);
}
