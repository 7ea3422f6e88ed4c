//! Brings the index into agreement with the files, which are right wherever the two differ.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use durable::sync_folder;
use rusqlite::{Connection, Transaction};
use tracing::{error, warn};
use wire::{MediaType, Photo, PhotoId, Stamp, TimeSource};

use super::error::StoreError;
use super::files::{DayFolder, Files, remove, rename};
use super::index::{self, Known, Tombstone};
use super::sidecar::Sidecar;
use super::writer::{hash, write_sidecar};
use crate::photos::picture;

/// Photos that were received in the last of these milliseconds before the newest are read again
/// after an unclean end.
const NEWEST: u64 = 60_000;

/// What had to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Photos that the index has now and had not.
    pub added: u64,
    /// Rows whose files are gone.
    pub dropped: u64,
    /// Rows that said something else than the file beside the photo.
    pub corrected: u64,
    /// Files that are not what they should be, moved to the folder `damaged` or passed over.
    pub damaged: u64,
}

/// How the bytes of a photo are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They are read where they may have been written just before the end.
    Unclean,
    /// A file of the right size is right.
    Size,
}

/// The index and the files of a store that nobody else writes to.
pub(super) struct Settler<'a> {
    files: &'a Files,
    trust: Trust,
    /// Photos received since then are read again.
    newest: u64,
    pub settled: Settled,
}

/// What a day's folder holds, by the photo's id.
#[derive(Default)]
struct Found {
    photos: HashMap<PhotoId, (MediaType, u64)>,
    sidecars: HashSet<PhotoId>,
    /// What has a photo's name and is no file, or cannot be looked at. All of that id is left as
    /// it is, until somebody puts it right.
    odd: HashSet<PhotoId>,
}

impl<'a> Settler<'a> {
    pub fn new(files: &'a Files, index: &Connection, trust: Trust) -> Result<Self, StoreError> {
        let newest = index::newest_received(index)?.saturating_sub(NEWEST);
        Ok(Settler { files, trust, newest, settled: Settled::default() })
    }

    /// Settles one day. `seen` is called for each photo.
    pub fn day(
        &mut self,
        index: &mut Connection,
        day: &DayFolder,
        mut seen: impl FnMut(),
    ) -> Result<(), StoreError> {
        let folder = self.files.day(day);
        let found = match look(&folder) {
            Ok(found) => found,
            Err(error) => {
                self.pass_over(&folder, &error);
                return Ok(());
            }
        };
        let rows = index::photos_of(index, day)?;
        let tombstones = index::tombstones_of(index, day)?;
        let tx = index.transaction()?;
        for id in found
            .sidecars
            .iter()
            .chain(found.photos.keys().filter(|id| !found.sidecars.contains(*id)))
        {
            seen();
            if found.odd.contains(id) {
                self.settled.damaged += 1;
                continue;
            }
            let path = folder.join(format!("{id}.json"));
            let photo = found.photos.get(id).copied();
            let sidecar = match Sidecar::read(&path) {
                // One in another day's folder was put there by somebody else.
                Ok(sidecar)
                    if sidecar.photo.id == *id && DayFolder::of(sidecar.photo.taken) == *day =>
                {
                    sidecar
                }
                Ok(_) => {
                    self.set_aside(&path, "a sidecar that belongs elsewhere");
                    continue;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                    ) =>
                {
                    if found.sidecars.contains(id) {
                        self.set_aside(&path, &format!("a sidecar that cannot be read: {error}"));
                    }
                    match photo.map(|(media, bytes)| self.adopt(day, id, media, bytes)) {
                        Some(Ok(sidecar)) => sidecar,
                        Some(Err(error)) => {
                            self.pass_over(&folder.join(id.as_str()), &error);
                            continue;
                        }
                        None => continue,
                    }
                }
                Err(error) => {
                    self.pass_over(&path, &error);
                    continue;
                }
            };
            match self.one(&tx, sidecar, photo) {
                // One file that the disk does not give must not keep all others away.
                Err(error @ StoreError::Io { .. }) => {
                    self.pass_over(&folder.join(id.as_str()), &error);
                }
                done => done?,
            }
        }
        for Sidecar { photo, .. } in rows {
            if found.is_missing(&photo.id) {
                warn!(id = %photo.id, "a photo in the index has no file any more; forgotten");
                index::remove(&tx, &photo)?;
                self.settled.dropped += 1;
            }
        }
        for Tombstone { id, .. } in tombstones {
            if found.is_missing(&id) {
                index::unbury(&tx, &id)?;
            }
        }
        Ok(tx.commit()?)
    }

    /// Settles what a sidecar says.
    fn one(
        &mut self,
        tx: &Transaction<'_>,
        sidecar: Sidecar,
        file: Option<(MediaType, u64)>,
    ) -> Result<(), StoreError> {
        let Photo { taken, ref id, media, bytes, .. } = sidecar.photo;
        let path = self.files.photo(taken, id, media);
        let known = index::find(tx, id)?;
        if let Some(deletion) = sidecar.deleted {
            let trash = self.files.trash(id, media);
            if file.is_some() && !deletion.expired {
                rename(&path, &trash)?;
            } else if file.is_some() {
                remove(&path).map_err(StoreError::io(&path))?;
            }
            if let Known::Photo(known) = &known {
                index::remove(tx, &known.photo)?;
                self.settled.corrected += 1;
            }
            let (id, hash, trashed) = (id.clone(), sidecar.photo.hash, trash.exists());
            return Ok(index::bury(tx, &Tombstone { id, taken, media, hash, deletion, trashed })?);
        }
        let same = matches!(&known, Known::Photo(known) if **known == sidecar);
        let whole = match file {
            None => false,
            Some((_, size)) if size != bytes => false,
            Some(_) => {
                let doubtful = !same || sidecar.photo.received >= self.newest;
                self.trust == Trust::Size || !doubtful || hash(&path)? == sidecar.photo.hash
            }
        };
        if !whole {
            if let Known::Photo(known) = &known {
                warn!(%id, "a photo in the index has no whole file any more; forgotten");
                index::remove(tx, &known.photo)?;
                self.settled.dropped += 1;
            }
            // A crash between the two names leaves a sidecar alone: that photo was never stored.
            let beside = self.files.sidecar(taken, id);
            match file {
                None => remove(&beside).map_err(StoreError::io(&beside))?,
                Some(_) => {
                    self.set_aside(&path, "a photo that is not what was stored");
                    self.set_aside(&beside, "its sidecar");
                }
            }
            return Ok(());
        }
        match known {
            Known::Photo(_) if same => return Ok(()),
            Known::Photo(known) => {
                index::remove(tx, &known.photo)?;
                self.settled.corrected += 1;
            }
            Known::Deleted(tombstone) => {
                index::unbury(tx, &tombstone.id)?;
                self.settled.corrected += 1;
            }
            Known::Nothing => self.settled.added += 1,
        }
        Ok(index::insert(tx, &sidecar)?)
    }

    /// Makes a sidecar for a photo that has none, of what the picture says.
    fn adopt(
        &mut self,
        day: &DayFolder,
        id: &PhotoId,
        media: MediaType,
        bytes: u64,
    ) -> Result<Sidecar, StoreError> {
        let path = self.files.day(day).join(format!("{id}.{}", media.extension()));
        warn!(path = %path.display(), "a photo without a sidecar; it gets one of what the picture says");
        let picture = fs::read(&path).map_err(StoreError::io(&path))?;
        let checked = picture::look(media, &picture).ok().map(|looked| looked.checked);
        let stamp = Stamp::find(&picture);
        let times = day.times();
        let within = |taken: &u64| times.contains(taken);
        let stamped = stamp.as_ref().map(|stamp| stamp.at / 1000).filter(within);
        let told = picture::times(media, &picture).into_iter().find(within);
        let (taken, time) = match (stamped, told) {
            (Some(taken), _) => (taken, TimeSource::Camera),
            (None, Some(taken)) => (taken, TimeSource::Exif),
            (None, None) => (times.start, TimeSource::Received),
        };
        let modified = fs::metadata(&path).and_then(|file| file.modified()).ok();
        let received = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let photo = Photo {
            id: id.clone(),
            taken,
            time,
            received: received.map_or(taken, |at| u64::try_from(at.as_millis()).unwrap_or(taken)),
            media,
            bytes,
            width: checked.map_or(0, |checked| checked.width),
            height: checked.map_or(0, |checked| checked.height),
            hash: hash(&path)?,
            camera: stamp.map(|stamp| stamp.camera),
            camera_name: String::new(),
            person: None,
            name: String::new(),
            caption: String::new(),
            pinned: false,
        };
        let sidecar = Sidecar { photo, arrived: None, deleted: None };
        write_sidecar(self.files, &sidecar)?;
        Ok(sidecar)
    }

    fn pass_over(&mut self, path: &Path, error: &dyn std::fmt::Display) {
        error!(path = %path.display(), %error, "cannot be read, and is passed over");
        self.settled.damaged += 1;
    }

    fn set_aside(&mut self, path: &Path, what: &str) {
        let aside = self.files.damaged(path.file_name().unwrap_or(OsStr::new("unnamed")));
        match aside.and_then(|aside| fs::rename(path, &aside).map(|()| aside)) {
            Ok(aside) => {
                error!(path = %path.display(), aside = %aside.display(), what, "set aside");
            }
            Err(error) => error!(path = %path.display(), %error, what, "cannot be set aside"),
        }
        self.settled.damaged += 1;
    }
}

fn look(folder: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        // What is called otherwise is somebody else's.
        let id = name.file_stem().and_then(OsStr::to_str).and_then(|stem| stem.parse().ok());
        let (Some(id), Some(ending)) = (id, name.extension().and_then(OsStr::to_str)) else {
            continue;
        };
        let media = MediaType::ALL.into_iter().find(|media| media.extension() == ending);
        if ending != "json" && media.is_none() {
            continue;
        }
        // A link is followed: who moved their old photos to another disk still has them here.
        match (fs::metadata(entry.path()), media) {
            (Ok(file), None) if file.is_file() => drop(found.sidecars.insert(id)),
            (Ok(file), Some(media)) if file.is_file() => {
                found.photos.insert(id, (media, file.len()));
            }
            _ => {
                let path = entry.path();
                warn!(path = %path.display(), "this is no file, and no photo; it is passed over");
                found.odd.insert(id);
            }
        }
    }
    Ok(found)
}

impl Found {
    fn is_missing(&self, id: &PhotoId) -> bool {
        !self.sidecars.contains(id) && !self.photos.contains_key(id) && !self.odd.contains(id)
    }
}

/// How many photos and tombstones there are, without reading them.
pub(super) fn count(files: &Files) -> u64 {
    let found = files.days().into_iter().filter_map(|day| look(&files.day(&day)).ok());
    found
        .map(|found| found.sidecars.union(&found.photos.into_keys().collect()).count() as u64)
        .sum()
}

/// Puts on the disk that folders were changed.
pub(super) fn sync(files: &Files, days: &[DayFolder]) -> io::Result<()> {
    for day in days {
        // One that cannot be opened was passed over.
        match sync_folder(&files.day(day)) {
            Err(error)
                if !matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    sync_folder(&files.root().join("trash"))
}
