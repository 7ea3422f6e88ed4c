//! An index of many photos without files, for measuring.

use std::path::Path;

use fastrand::Rng;
use wire::{Author, CameraId, MediaType, PersonId, Photo, PhotoId, TimeSource};

use super::{Index, Result, file};
use crate::photos::store::error::OpenError;
use crate::photos::store::recovery::{failed, take};
use crate::photos::store::sidecar::Sidecar;

/// 2023-01-01T00:00:00Z.
const BEGIN: u64 = 1_672_531_200_000;

/// Milliseconds between two photos, on average.
const PACE: u64 = 90_000;

const CAMERAS: usize = 16;
const PEOPLE: usize = 40;

/// How many photos are committed at once.
const GROUP: u64 = 20_000;

/// Makes a store in `root` whose index knows `photos` photos, of several cameras and people over
/// years. Their files are missing.
///
/// # Errors
/// [`OpenError`], also if an index exists.
pub fn fill(root: &Path, photos: u64) -> std::result::Result<(), OpenError> {
    let (_folder, _lock) = take(root)?;
    let filled = || {
        let mut index = file::open(&file::path(root))?;
        index.0.0.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -64000;")?;
        index.create()?;
        insert(&mut index, photos)?;
        index.close()
    };
    filled().map_err(|error| failed(root, &error))
}

fn insert(index: &mut Index, photos: u64) -> Result<()> {
    let mut rng = Rng::with_seed(7);
    let cameras: Vec<CameraId> =
        (0..CAMERAS).filter_map(|n| format!("node-{}/camera-{n}", n / 4).parse().ok()).collect();
    let people: Vec<Author> = (0..PEOPLE)
        .filter_map(|n| {
            let id: PersonId = format!("person-{n}").parse().ok()?;
            Some(Author { id, name: format!("Person {n}") })
        })
        .collect();
    let mut taken = BEGIN;
    for first in (0..photos).step_by(GROUP as usize) {
        let tx = index.begin()?;
        for n in first..(first + GROUP).min(photos) {
            taken += rng.u64(..2 * PACE);
            // Most are a camera's; somebody asked for some of those; the rest are uploads.
            let (by_camera, by_person) = [(true, false), (true, true), (false, true)]
                [[0, 0, 0, 0, 0, 0, 0, 1, 1, 2][rng.usize(..10)]];
            let camera = rng.choice(&cameras).filter(|_| by_camera).cloned();
            let photo = Photo {
                id: PhotoId::new(taken, rng.u128(..)),
                taken,
                time: if by_camera { TimeSource::Camera } else { TimeSource::Exif },
                received: taken + rng.u64(..5000),
                media: MediaType::Jpeg,
                bytes: rng.u64(100_000..500_000),
                width: 1920,
                height: 1080,
                hash: format!("{n:064x}"),
                camera_name: camera.as_ref().map_or_else(String::new, |id| format!("The {id}")),
                camera,
                person: rng.choice(&people).filter(|_| by_person).cloned(),
                name: if by_camera { String::new() } else { format!("IMG_{n}.jpg") },
                caption: if rng.u8(..50) == 0 { format!("No. {n}") } else { String::new() },
                pinned: rng.u8(..100) == 0,
            };
            tx.insert(&Sidecar { photo, arrived: None, deleted: None })?;
        }
        tx.commit()?;
    }
    Ok(())
}
