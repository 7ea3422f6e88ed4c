//! Compares the blobs of a day with the index, and corrects the index.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::io;
use std::time::UNIX_EPOCH;

use tracing::{error, warn};
use wire::{MediaType, Photo, PhotoId, Stamp, TimeSource};

use crate::photos::picture;
use crate::photos::store::blobs::{self, Blobs, Key, Listed, Prefix, UtcDay, What};
use crate::photos::store::error::StoreError;
use crate::photos::store::index::{Index, Known, Tombstone, Transaction};
use crate::photos::store::sidecar::Sidecar;

/// After an unclean end, photos received within this many milliseconds before the newest are read
/// again.
const NEWEST: u64 = 60_000;

/// The corrections made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Photos that are new in the index.
    pub added: u64,
    /// Rows whose files are gone.
    pub dropped: u64,
    /// Rows that differed from the sidecar.
    pub corrected: u64,
    /// Unexpected files, moved to the folder `damaged` or skipped.
    pub damaged: u64,
}

/// How to check the bytes of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Read them if they may have been written just before the end.
    Unclean,
    /// A file with the right size is right.
    Size,
}

/// The index and the files of a store that nobody else writes to.
pub(super) struct Recovery<'a> {
    blobs: &'a dyn Blobs,
    trust: Trust,
    /// Photos received since then are read again.
    newest: u64,
    pub recovered: Recovered,
}

/// The files in a day's folder, by photo id.
#[derive(Default)]
struct Found {
    photos: HashMap<PhotoId, (MediaType, u64)>,
    sidecars: HashSet<PhotoId>,
    /// Names of photos that are not files, or cannot be examined. Everything with that id stays
    /// unchanged until somebody repairs it.
    odd: HashSet<PhotoId>,
}

impl<'a> Recovery<'a> {
    pub fn new(blobs: &'a dyn Blobs, index: &Index, trust: Trust) -> Result<Self, StoreError> {
        let newest = index.newest_received()?.saturating_sub(NEWEST);
        Ok(Recovery { blobs, trust, newest, recovered: Recovered::default() })
    }

    /// Makes one day agree. Calls `seen` for each photo.
    pub fn day(
        &mut self,
        index: &mut Index,
        day: &UtcDay,
        mut seen: impl FnMut(),
    ) -> Result<(), StoreError> {
        let prefix = Prefix::day(day);
        let found = match look(self.blobs, &prefix) {
            Ok(found) => found,
            Err(error) => {
                self.pass_over(&prefix, &error);
                return Ok(());
            }
        };
        let rows = index.photos_of(day)?;
        let tombstones = index.tombstones_of(day)?;
        let tx = index.begin()?;
        for id in found
            .sidecars
            .iter()
            .chain(found.photos.keys().filter(|id| !found.sidecars.contains(*id)))
        {
            seen();
            if found.odd.contains(id) {
                self.recovered.damaged += 1;
                continue;
            }
            let key = prefix.key(&format!("{id}.json"));
            let photo = found.photos.get(id).copied();
            let sidecar = match Sidecar::read(self.blobs, &key) {
                // Somebody else put a sidecar into the wrong day's folder.
                Ok(sidecar)
                    if sidecar.photo.id == *id && UtcDay::of(sidecar.photo.taken) == *day =>
                {
                    sidecar
                }
                Ok(_) => {
                    self.set_aside(&key, "a sidecar that belongs elsewhere");
                    continue;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        Some(io::ErrorKind::NotFound | io::ErrorKind::InvalidData)
                    ) =>
                {
                    if found.sidecars.contains(id) {
                        self.set_aside(&key, &format!("a sidecar that cannot be read: {error}"));
                    }
                    match photo.map(|(media, bytes)| self.adopt(day, id, media, bytes)) {
                        Some(Ok(sidecar)) => sidecar,
                        Some(Err(error)) => {
                            self.pass_over(&prefix.key(id.as_str()), &error);
                            continue;
                        }
                        None => continue,
                    }
                }
                Err(error) => {
                    self.pass_over(&key, &error);
                    continue;
                }
            };
            match self.one(&tx, sidecar, photo) {
                // One unreadable file must not hide all others.
                Err(error @ StoreError::Io { .. }) => {
                    self.pass_over(&prefix.key(id.as_str()), &error);
                }
                done => done?,
            }
        }
        for Sidecar { photo, .. } in rows {
            if found.is_missing(&photo.id) {
                warn!(id = %photo.id, "removed a photo from the index, because its file is gone");
                tx.remove(&photo)?;
                self.recovered.dropped += 1;
            }
        }
        for Tombstone { id, .. } in tombstones {
            if found.is_missing(&id) {
                tx.unbury(&id)?;
            }
        }
        tx.commit()
    }

    /// Makes the index agree with one sidecar.
    fn one(
        &mut self,
        tx: &Transaction<'_>,
        sidecar: Sidecar,
        file: Option<(MediaType, u64)>,
    ) -> Result<(), StoreError> {
        let Photo { taken, ref id, media, bytes, .. } = sidecar.photo;
        let key = Key::photo(taken, id, media);
        let known = tx.find(id)?;
        if let Some(deletion) = sidecar.deleted {
            let trash = Key::trash(id, media);
            if file.is_some() && !deletion.expired {
                self.blobs.rename(&key, &trash)?;
            } else if file.is_some() {
                self.blobs.delete(&key)?;
            }
            if let Known::Photo(known) = &known {
                tx.remove(&known.photo)?;
                self.recovered.corrected += 1;
            }
            let (id, hash, trashed) = (id.clone(), sidecar.photo.hash, self.blobs.has(&trash));
            return tx.bury(&Tombstone { id, taken, media, hash, deletion, trashed });
        }
        let same = matches!(&known, Known::Photo(known) if **known == sidecar);
        let whole = match file {
            None => false,
            Some((_, size)) if size != bytes => false,
            Some(_) => {
                let doubtful = !same || sidecar.photo.received >= self.newest;
                self.trust == Trust::Size
                    || !doubtful
                    || self.blobs.hash(&key)?.as_ref() == Some(&sidecar.photo.hash)
            }
        };
        if !whole {
            if let Known::Photo(known) = &known {
                warn!(%id, "removed a photo from the index, because its file is not whole");
                tx.remove(&known.photo)?;
                self.recovered.dropped += 1;
            }
            // A crash between the two names leaves only a sidecar: that photo was never stored.
            let beside = Key::sidecar(taken, id);
            match file {
                None => self.blobs.delete(&beside)?,
                Some(_) => {
                    self.set_aside(&key, "a photo that changed since it was stored");
                    self.set_aside(&beside, "its sidecar");
                }
            }
            return Ok(());
        }
        match known {
            Known::Photo(_) if same => return Ok(()),
            Known::Photo(known) => {
                tx.remove(&known.photo)?;
                self.recovered.corrected += 1;
            }
            Known::Deleted(tombstone) => {
                tx.unbury(&tombstone.id)?;
                self.recovered.corrected += 1;
            }
            Known::Nothing => self.recovered.added += 1,
        }
        tx.insert(&sidecar)
    }

    /// Makes a sidecar for a photo without one, from the picture's facts.
    fn adopt(
        &mut self,
        day: &UtcDay,
        id: &PhotoId,
        media: MediaType,
        bytes: u64,
    ) -> Result<Sidecar, StoreError> {
        let key = Prefix::day(day).key(&format!("{id}.{}", media.extension()));
        warn!(%key, "making the missing sidecar of a photo from its picture");
        let gone = || StoreError::io(key.as_str().as_ref())(io::ErrorKind::NotFound.into());
        let blob = self.blobs.get(&key)?.ok_or_else(gone)?;
        let modified = blob.modified();
        let picture = blobs::read(blob, &key, u64::MAX)?;
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
        let received = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let photo = Photo {
            id: id.clone(),
            taken,
            time,
            received: received.map_or(taken, |at| u64::try_from(at.as_millis()).unwrap_or(taken)),
            media,
            bytes,
            width: checked.map_or(0, |checked| checked.width),
            height: checked.map_or(0, |checked| checked.height),
            hash: blobs::hash_of(&picture),
            camera: stamp.map(|stamp| stamp.camera),
            camera_name: String::new(),
            person: None,
            name: String::new(),
            caption: String::new(),
            pinned: false,
        };
        let sidecar = Sidecar { photo, arrived: None, deleted: None };
        sidecar.write(self.blobs)?;
        Ok(sidecar)
    }

    fn pass_over(&mut self, name: &dyn Display, error: &StoreError) {
        error!(%name, %error, "skipped what cannot be read");
        self.recovered.damaged += 1;
    }

    fn set_aside(&mut self, key: &Key, what: &str) {
        match self.blobs.set_aside(key) {
            Ok(aside) => error!(%key, aside, what, "set aside"),
            Err(error) => error!(%key, %error, what, "cannot set this aside"),
        }
        self.recovered.damaged += 1;
    }
}

fn look(blobs: &dyn Blobs, day: &Prefix) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for Listed { name, what } in blobs.list(day)? {
        // A file with another kind of name belongs to somebody else.
        let Some((id, ending)) = name.rsplit_once('.') else { continue };
        let Ok(id) = id.parse() else { continue };
        let media = MediaType::ALL.into_iter().find(|media| media.extension() == ending);
        if ending != "json" && media.is_none() {
            continue;
        }
        match (what, media) {
            (What::Blob(_), None) => drop(found.sidecars.insert(id)),
            (What::Blob(bytes), Some(media)) => drop(found.photos.insert(id, (media, bytes))),
            (What::Prefix | What::Odd, _) => {
                warn!(key = %day.key(&name), "skipped what is not a file, although it is called \
                                              as a photo");
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

/// Every day with blobs, oldest first.
pub(super) fn days(blobs: &dyn Blobs) -> Vec<UtcDay> {
    let mut days = Vec::new();
    let photos = Prefix::photos();
    for year in prefixes(blobs, &photos) {
        let in_year = photos.prefix(&year);
        for month in prefixes(blobs, &in_year) {
            for day in prefixes(blobs, &in_year.prefix(&month)) {
                days.extend(UtcDay::parse(&format!("{year}/{month}/{day}")));
            }
        }
    }
    days.sort();
    days
}

/// The prefixes in a prefix; empty if it cannot be read.
fn prefixes(blobs: &dyn Blobs, of: &Prefix) -> Vec<String> {
    let listed = blobs.list(of).inspect_err(|error| {
        error!(prefix = %of, %error, "skipped a folder that cannot be read");
    });
    let listed = listed.into_iter().flatten();
    listed.filter(|it| it.what == What::Prefix).map(|it| it.name).collect()
}

/// How many photos and tombstones there are, without reading them.
pub(super) fn count(blobs: &dyn Blobs) -> u64 {
    let found = days(blobs).into_iter().filter_map(|day| look(blobs, &Prefix::day(&day)).ok());
    found
        .map(|found| found.sidecars.union(&found.photos.into_keys().collect()).count() as u64)
        .sum()
}

/// Makes the changes of these days, and of the trash, survive a crash.
pub(super) fn sync(blobs: &dyn Blobs, days: &[UtcDay]) -> Result<(), StoreError> {
    for day in days {
        // A folder that cannot be opened was skipped.
        match blobs.sync(&Prefix::day(day)) {
            Err(error)
                if !matches!(
                    error.kind(),
                    Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    blobs.sync(&Prefix::trash())
}
