//! Thumbnails: made once, in the background, and again when one is missing.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use supervision::{Health, Need};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{debug, warn};
use wire::Photo;

use super::error::StoreError;
use super::files::{DayFolder, Files, put};
use crate::photos::picture::{self, BadPicture, EDITION, Pool, PoolError};

/// So many photos may wait for their thumbnails. What is beyond is made when it is asked for.
const QUEUE: usize = 1024;

/// The task that makes thumbnails of new photos. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Background {
    photos: mpsc::Sender<Photo>,
}

impl Background {
    /// Starts it on the current runtime.
    pub fn start(health: &Health, files: Files, pictures: Pool) -> Self {
        let (photos, mut waiting) = mpsc::channel::<Photo>(QUEUE);
        let thumbs = files.thumbs();
        spawn_blocking(move || remove_other_editions(&thumbs));
        // What it leaves undone is made when it is asked for.
        let alive = health.task("store-thumbs", Need::Minor);
        tokio::spawn(async move {
            while let Some(photo) = waiting.recv().await {
                alive.beat();
                if let Err(error) = make(&files, &pictures, &photo).await {
                    debug!(id = %photo.id, %error, "no thumbnail");
                }
            }
        });
        Background { photos }
    }

    pub fn make(&self, photo: Photo) {
        let _ = self.photos.try_send(photo);
    }
}

/// Removes thumbnails that were made otherwise than now.
fn remove_other_editions(thumbs: &Path) {
    let Ok(editions) = fs::read_dir(thumbs) else { return };
    for edition in editions.flatten().filter(|folder| folder.file_name() != EDITION) {
        if let Err(error) = fs::remove_dir_all(edition.path()) {
            warn!(path = %edition.path().display(), %error, "old thumbnails cannot be removed");
        }
    }
}

/// Makes the thumbnail of a photo unless it is there. Gives its path.
pub(super) async fn make(
    files: &Files,
    pictures: &Pool,
    photo: &Photo,
) -> Result<PathBuf, StoreError> {
    let path = files.thumb(photo.taken, &photo.id);
    let (store, looked_for) = (files.clone(), path.clone());
    let there = spawn_blocking(move || store.is_here().map(|()| is_whole(&looked_for)));
    if there.await.map_err(|_| StoreError::Closed)?? {
        return Ok(path);
    }
    // What it takes is told by the picture itself, and to read that takes its bytes.
    let (from, media) = (files.photo(photo.taken, &photo.id, photo.media), photo.media);
    let read = move || fs::read(&from).map_err(StoreError::io(&from));
    let looked = {
        let read = read.clone();
        pictures.run(photo.bytes, move |_| Ok::<_, StoreError>(picture::look(media, &read()?)?))
    };
    let looked = looked.await??;
    let (files, made, day) = (files.clone(), path.clone(), DayFolder::of(photo.taken));
    let work = move |_: &picture::Config| {
        // Another one may have asked for it meanwhile.
        if is_whole(&made) {
            return Ok(());
        }
        let jpeg = picture::thumbnail(media, &read()?)?;
        files.make_thumbs(&day)?;
        // Not synced: one that the end of the power cut short is made again.
        let mut file = files.aside()?;
        file.write_all(&jpeg).map_err(StoreError::io(&made))?;
        put(file, &made)
    };
    pictures.run(looked.memory, work).await??;
    Ok(path)
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

/// Whether it is there to its last byte.
fn is_whole(path: &Path) -> bool {
    let ends_as_jpeg = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-2))?;
        let mut end = [0; 2];
        file.read_exact(&mut end)?;
        Ok(end == [0xff, 0xd9])
    };
    ends_as_jpeg().unwrap_or(false)
}
