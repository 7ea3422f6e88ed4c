//! Changes of existing photos: caption, pin, deletion and restoring.

use std::collections::HashSet;

use access::Cameras;
use tracing::warn;
use wire::{Mark, Photo, PhotoEvent, PhotoId};

use super::{Writer, discard, now};
use crate::photos::store::blobs::{Key, UtcDay};
use crate::photos::store::error::StoreError;
use crate::photos::store::index::{Known, Tombstone};
use crate::photos::store::sidecar::{Deletion, Sidecar};
use crate::photos::store::{Change, sees, visible};

impl Writer {
    pub(super) fn change(
        &mut self,
        id: &PhotoId,
        change: &Change,
        seen: &Cameras,
    ) -> Result<Photo, StoreError> {
        let before = self.photo(id, seen)?;
        let mut sidecar = before.clone();
        let photo = &mut sidecar.photo;
        if let Some(caption) = &change.caption {
            photo.caption.clone_from(caption);
        }
        if let Some(pinned) = change.pinned {
            photo.pinned = pinned;
        }
        self.touch(&UtcDay::of(sidecar.photo.taken))?;
        let changed = (|| {
            let tx = self.index.begin()?;
            tx.update(&sidecar.photo)?;
            sidecar.write(&*self.blobs)?;
            tx.commit()
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

    pub(super) fn delete(&mut self, id: &PhotoId, seen: &Cameras) -> Result<(), StoreError> {
        let sidecar = self.photo(id, seen)?;
        self.bury(vec![sidecar], Deletion { at: now(), expired: false })
    }

    /// Deletes photos. The tombstones come first: from then on the photos are deleted, whatever
    /// happens.
    pub(super) fn bury(
        &mut self,
        gone: Vec<Sidecar>,
        deletion: Deletion,
    ) -> Result<(), StoreError> {
        let days: HashSet<UtcDay> =
            gone.iter().map(|sidecar| UtcDay::of(sidecar.photo.taken)).collect();
        for day in &days {
            self.touch(day)?;
        }
        let buried = (|| {
            for sidecar in &gone {
                let tombstone = Sidecar { deleted: Some(deletion), ..sidecar.clone() };
                tombstone.write(&*self.blobs)?;
            }
            let tx = self.index.begin()?;
            for Sidecar { photo, .. } in &gone {
                let Photo { taken, media, .. } = *photo;
                let (id, hash) = (photo.id.clone(), photo.hash.clone());
                tx.remove(photo)?;
                let trashed = !deletion.expired;
                tx.bury(&Tombstone { id, taken, media, hash, deletion, trashed })?;
            }
            tx.commit()
        })();
        buried
            .inspect_err(|_: &StoreError| gone.iter().for_each(|sidecar| self.put_back(sidecar)))?;
        for Sidecar { photo, .. } in gone {
            let Photo { taken, media, .. } = photo;
            let id = photo.id.clone();
            let key = Key::photo(taken, &id, media);
            if deletion.expired {
                discard(&*self.blobs, &key);
            } else if let Err(error) = self.blobs.rename(&key, &Key::trash(&id, media)) {
                warn!(%error, "a deleted photo cannot be moved to the trash");
            }
            discard(&*self.blobs, &Key::thumb(taken, &id));
            self.tell(PhotoEvent::Deleted { id, photo: Some(Box::new(photo)) });
        }
        Ok(())
    }

    /// A change failed: the sidecar gets the index's content again.
    fn put_back(&self, sidecar: &Sidecar) {
        let Photo { taken, ref id, .. } = sidecar.photo;
        let key = Key::sidecar(taken, id);
        if Sidecar::read(&*self.blobs, &key).is_ok_and(|there| there == *sidecar) {
            return;
        }
        if let Err(error) = sidecar.write(&*self.blobs) {
            warn!(id = %sidecar.photo.id, %error, "cannot undo a failed change in its sidecar");
        }
    }

    pub(super) fn restore(&mut self, id: &PhotoId, seen: &Cameras) -> Result<Photo, StoreError> {
        let tombstone = match self.index.find(id)? {
            Known::Deleted(tombstone) if tombstone.trashed => tombstone,
            known => return visible(known, seen).map(|sidecar| sidecar.photo),
        };
        let Tombstone { taken, media, .. } = tombstone;
        let mut sidecar = Sidecar::read(&*self.blobs, &Key::sidecar(taken, id))?;
        if !sees(seen, &sidecar.photo) {
            return Err(StoreError::Unknown);
        }
        self.touch(&UtcDay::of(taken))?;
        sidecar.deleted = None;
        let (trash, place) = (Key::trash(id, media), Key::photo(taken, id, media));
        // A crash, or lack of room in the trash, may have left it there.
        if !self.blobs.has(&place) {
            self.blobs.rename(&trash, &place)?;
        }
        let restored = (|| {
            let tx = self.index.begin()?;
            tx.unbury(id)?;
            tx.insert(&sidecar)?;
            sidecar.write(&*self.blobs)?;
            tx.commit()
        })();
        restored.inspect_err(|_: &StoreError| {
            // It stays deleted, and can be restored later.
            let sidecar = Sidecar { deleted: Some(tombstone.deletion), ..sidecar.clone() };
            let put_back = sidecar.write(&*self.blobs);
            let _ = put_back.and_then(|()| self.blobs.rename(&place, &trash));
        })?;
        self.thumbs.make(sidecar.photo.clone());
        self.tell(PhotoEvent::Stored { photo: Box::new(sidecar.photo.clone()), back: true });
        Ok(sidecar.photo)
    }
}
