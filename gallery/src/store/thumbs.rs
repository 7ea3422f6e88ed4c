//! Thumbnails: made once, in the background, and again when one is missing.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use supervision::{Health, Need};
use tokio::sync::mpsc;
use tracing::debug;
use wire::Photo;

use super::error::StoreError;
use super::files::{DayFolder, Files, put};
use crate::picture::{self, Limits};

/// So many photos may wait for their thumbnails. What is beyond is made when it is asked for.
const QUEUE: usize = 1024;

/// The thread that makes thumbnails of new photos. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Background {
    photos: mpsc::Sender<Photo>,
}

impl Background {
    pub fn start(health: &Health, files: Files, limits: Limits) -> io::Result<Self> {
        let (photos, mut waiting) = mpsc::channel::<Photo>(QUEUE);
        // What it leaves undone is made when it is asked for.
        health.thread("store-thumbs", Need::Minor, move |alive| {
            while let Some(photo) = waiting.blocking_recv() {
                alive.beat();
                // A defect met by one picture must not stop all others.
                let made = catch_unwind(AssertUnwindSafe(|| make(&files, &limits, &photo)));
                if let Ok(Err(error)) = made {
                    debug!(id = %photo.id, %error, "no thumbnail");
                }
            }
        })?;
        Ok(Background { photos })
    }

    pub fn make(&self, photo: Photo) {
        let _ = self.photos.try_send(photo);
    }
}

/// Makes the thumbnail of a photo unless it is there.
pub(super) fn make(files: &Files, limits: &Limits, photo: &Photo) -> Result<(), StoreError> {
    let path = files.thumb(photo.taken, &photo.id);
    if is_whole(&path) {
        return Ok(());
    }
    let photo_path = files.photo(photo.taken, &photo.id, photo.media);
    let picture = fs::read(&photo_path).map_err(StoreError::io(&photo_path))?;
    let jpeg = picture::thumbnail(photo.media, &picture, limits)
        .map_err(|error| StoreError::Picture(error.to_string()))?;
    files.make_thumbs(&DayFolder::of(photo.taken))?;
    // Not synced: one that the end of the power cut short is made again.
    let mut file = files.aside()?;
    file.write_all(&jpeg).map_err(StoreError::io(&path))?;
    put(file, &path)
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
