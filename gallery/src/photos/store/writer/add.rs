//! Adds photos: names them, and syncs and commits them together.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use tracing::warn;
use wire::{Photo, PhotoEvent, PhotoId};

use super::{Reply, Writer, answer, discard};
use crate::photos::store::blobs::{Key, Lasting, Prefix, Put, UtcDay};
use crate::photos::store::error::StoreError;
use crate::photos::store::incoming::{Added, Prepared};
use crate::photos::store::index::{Known, Reader};
use crate::photos::store::sidecar::Sidecar;

/// A photo with its name, but without a row.
struct Placed {
    sidecar: Sidecar,
    day: UtcDay,
    keys: [Key; 2],
}

impl Writer {
    pub(super) fn add(&mut self, group: Vec<(Prepared, Reply<Added>)>) {
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
                // Offered twice at the same moment: the second one is known already.
                again.push((prepared, reply));
                continue;
            }
            match self.place(prepared) {
                Ok(Ok(new)) => placed.push((new, reply)),
                Ok(Err(known)) => answer(reply, Ok(known)),
                Err(error) => answer(reply, Err(error)),
            }
        }
        // A photo in a folder that disappeared meanwhile does not count as stored.
        match self.commit(&placed).and_then(|()| self.blobs.is_here()) {
            Ok(()) => {
                for (Placed { sidecar, .. }, reply) in placed {
                    let photo = sidecar.photo.clone();
                    self.thumbs.make(sidecar.photo);
                    self.tell(PhotoEvent::Stored { photo: Box::new(photo.clone()), back: false });
                    answer(reply, Ok(Added::New(photo)));
                }
            }
            Err(error) => {
                for (Placed { keys, .. }, reply) in placed {
                    keys.iter().for_each(|key| discard(&*self.blobs, key));
                    answer(reply, Err(error.clone()));
                }
            }
        }
        if !again.is_empty() {
            self.add(again);
        }
    }

    /// Gives a photo its name, or finds that it is known already.
    fn place(&mut self, prepared: Prepared) -> Result<Result<Placed, Added>, StoreError> {
        let Prepared { mut sidecar, brought, content, mut beside } = prepared;
        if let Some(known) = known(&self.index, &sidecar.photo, brought.as_deref())? {
            return Ok(Err(known));
        }
        let mut how = self.way_for(&sidecar.photo)?;
        if how.is_none() {
            let other = other_id(&sidecar.photo);
            warn!(id = %sidecar.photo.id, %other, "two photos have this id; the second gets another");
            sidecar.photo.id = other;
            if let Some(known) = known(&self.index, &sidecar.photo, None)? {
                return Ok(Err(known));
            }
            beside = self.blobs.write(&sidecar.to_json(), Lasting::Always)?;
            how = self.way_for(&sidecar.photo)?;
        }
        let Photo { taken, ref id, media, .. } = sidecar.photo;
        let day = UtcDay::of(taken);
        self.touch(&day)?;
        let keys = [Key::photo(taken, id, media), Key::sidecar(taken, id)];
        // The sidecar first, so that a photo never lacks one.
        beside.put(&keys[1], Put::Replace)?;
        let put = content.put(&keys[0], how.unwrap_or(Put::New));
        put.inspect_err(|_| discard(&*self.blobs, &keys[1]))?;
        Ok(Ok(Placed { sidecar, day, keys }))
    }

    /// How a photo gets its name; `None` if a different picture has the id, in the index or not.
    /// What a crash left without a row is the same picture, and is replaced.
    fn way_for(&self, photo: &Photo) -> Result<Option<Put>, StoreError> {
        if self.index.find(&photo.id)? != Known::Nothing {
            return Ok(None);
        }
        let key = Key::photo(photo.taken, &photo.id, photo.media);
        match self.blobs.has(&key).then(|| self.blobs.hash(&key)).transpose()?.flatten() {
            None => Ok(Some(Put::New)),
            Some(hash) if hash == photo.hash => Ok(Some(Put::Replace)),
            Some(_) => Ok(None),
        }
    }

    /// Makes a whole group durable: the names, then the rows.
    fn commit(&mut self, placed: &[(Placed, Reply<Added>)]) -> Result<(), StoreError> {
        let days: HashSet<&UtcDay> = placed.iter().map(|(placed, _)| &placed.day).collect();
        for day in days {
            self.blobs.sync(&Prefix::day(day))?;
        }
        let tx = self.index.begin()?;
        for (Placed { sidecar, .. }, _) in placed {
            tx.insert(sidecar)?;
        }
        tx.commit()
    }
}

/// The result for a photo that the index knows: by its id, with the same picture, or for uploads by
/// the hash of what was `brought`. A deleted upload may be uploaded again.
pub(in crate::photos::store) fn known(
    index: &Reader,
    photo: &Photo,
    brought: Option<&str>,
) -> Result<Option<Added>, StoreError> {
    match index.find(&photo.id)? {
        Known::Photo(known) if known.photo.hash == photo.hash => {
            return Ok(Some(Added::Same(known.photo)));
        }
        Known::Deleted(tombstone) if tombstone.hash == photo.hash => {
            return Ok(Some(Added::Deleted));
        }
        _ => {}
    }
    let Some(arrived) = brought else { return Ok(None) };
    Ok(index.find_file([&photo.hash, arrived])?.map(Added::Same))
}

/// The id for a photo whose own id belongs to another picture. Both determine it, so that the photo
/// is recognised when it is offered again.
fn other_id(photo: &Photo) -> PhotoId {
    let digest = Sha256::digest(format!("{} {}", photo.id, photo.hash));
    let random = digest.iter().take(10).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    let other = PhotoId::new(0, random);
    let (time, random) = (&photo.id.as_str()[..10], &other.as_str()[10..]);
    format!("{time}{random}").parse().unwrap_or(other)
}
