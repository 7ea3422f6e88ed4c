//! Thumbnails: made once in the background, and again if missing.

use std::io::Read;
use std::sync::Arc;

use supervision::{Health, Need};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};
use wire::Photo;

use super::blobs::{Blobs, Key, Lasting, Prefix, Put, What};
use super::error::StoreError;
use crate::photos::picture::{self, BadPicture, EDITION, Pool, PoolError};

/// The most photos that wait for their thumbnails. Further thumbnails are made on request.
const QUEUE: usize = 1024;

/// The task that makes thumbnails of new photos. Dropping this ends it.
#[derive(Debug)]
pub(super) struct Background {
    photos: mpsc::Sender<Photo>,
}

impl Background {
    /// Starts the task on the current runtime.
    pub fn start(health: &Health, blobs: Arc<dyn Blobs>, pictures: Pool) -> Self {
        let (photos, mut waiting) = mpsc::channel::<Photo>(QUEUE);
        let other = blobs.clone();
        spawn_blocking(move || remove_other_editions(&*other));
        // Thumbnails that it does not make are made on request.
        let alive = health.task("store-thumbs", Need::Minor);
        tokio::spawn(async move {
            while let Some(photo) = waiting.recv().await {
                alive.beat();
                if let Err(error) = make(&blobs, &pictures, &photo).await {
                    debug!(id = %photo.id, %error, "cannot make a thumbnail");
                }
            }
        });
        Background { photos }
    }

    pub fn make(&self, photo: Photo) {
        let _ = self.photos.try_send(photo);
    }
}

/// Removes thumbnails of other editions.
fn remove_other_editions(blobs: &dyn Blobs) {
    let Ok(editions) = blobs.list(&Prefix::thumbs()) else { return };
    let others = editions.into_iter().filter(|it| it.what == What::Prefix && it.name != EDITION);
    for edition in others.map(|it| Prefix::thumbs().prefix(&it.name)) {
        if let Err(error) = blobs.delete_all(&edition) {
            warn!(%edition, %error, "cannot remove old thumbnails");
        }
    }
}

/// Makes the thumbnail of a photo unless it exists. Returns its name.
pub(super) async fn make(
    blobs: &Arc<dyn Blobs>,
    pictures: &Pool,
    photo: &Photo,
) -> Result<Key, StoreError> {
    let key = Key::thumb(photo.taken, &photo.id);
    let (store, looked_for) = (blobs.clone(), key.clone());
    let there = spawn_blocking(move || store.is_here().map(|()| is_whole(&*store, &looked_for)));
    if there.await.map_err(|_| StoreError::Closed)?? {
        return Ok(key);
    }
    // The picture itself says how much memory it needs, and reading that needs its bytes.
    let (from, media) = (Key::photo(photo.taken, &photo.id, photo.media), photo.media);
    let store = blobs.clone();
    let read = move || store.read(&from, u64::MAX)?.ok_or(StoreError::Gone);
    let looked = {
        let read = read.clone();
        pictures.run(photo.bytes, move |_| Ok::<_, StoreError>(picture::look(media, &read()?)?))
    };
    let looked = looked.await??;
    let (blobs, made) = (blobs.clone(), key.clone());
    let work = move |_: &picture::Config| {
        // Another request may have made it meanwhile.
        if is_whole(&*blobs, &made) {
            return Ok(());
        }
        let jpeg = picture::thumbnail(media, &read()?)?;
        // Not synced: a thumbnail that a power cut shortened is made again.
        blobs.write(&jpeg, Lasting::Perhaps)?.put(&made, Put::Replace)
    };
    pictures.run(looked.memory, work).await??;
    Ok(key)
}

impl From<BadPicture> for StoreError {
    fn from(bad: BadPicture) -> Self {
        StoreError::Picture(bad.to_string())
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        StoreError::Picture(error.to_string())
    }
}

/// Whether it is complete.
fn is_whole(blobs: &dyn Blobs, key: &Key) -> bool {
    let end = || {
        let blob = blobs.get(key).ok()??;
        let size = blob.size();
        let mut end = Vec::new();
        blob.read(size.checked_sub(2)?..size).ok()?.read_to_end(&mut end).ok()?;
        Some(end)
    };
    end().is_some_and(|end| end == [0xff, 0xd9])
}
