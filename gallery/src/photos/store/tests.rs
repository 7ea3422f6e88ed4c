//! The store as a whole, on a real disk.

mod brought;
mod crash;
mod odd;
mod pages;
mod seen;
mod thumbs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wire::{Author, CameraId, Mark, MediaType, PhotoEvent, PhotoId, TimeSource};

use super::blobs::hash_of;
use super::index::inspect::{database, dump};
use super::writer::{Job, Retention};
use super::*;
use crate::photos::picture;
use pages::days;

/// 2026-11-20T12:00:00Z.
pub(super) const NOON: u64 = 1_795_176_000_000;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn pool(config: picture::Config) -> Pool {
    Pool::new(config)
}

pub(super) fn config(folder: &Path) -> Config {
    Config {
        folder: folder.to_owned(),
        retention: Retention::default(),
        min_free: Some(0),
        pictures: pool(picture::Config::default()),
    }
}

pub(super) fn open(folder: &Path) -> Store {
    Store::open(config(folder), Arc::default()).unwrap()
}

pub(super) fn id(n: u64) -> PhotoId {
    PhotoId::new(NOON, u128::from(n))
}

/// A photo of the front door, whose bytes depend on `n`.
pub(super) fn photo(n: u64, taken: u64) -> NewPhoto {
    NewPhoto {
        id: id(n),
        taken,
        time: TimeSource::Camera,
        media: MediaType::Jpeg,
        width: 1280,
        height: 720,
        camera: Some("pi/front-door".parse().unwrap()),
        camera_name: "Front door".to_owned(),
        person: None,
        name: String::new(),
        content: Content::Bytes(format!("picture {n}").into()),
    }
}

fn by(camera: Option<&str>, person: Option<&str>, new: NewPhoto) -> NewPhoto {
    let person = person
        .map(|person| Author { id: person.parse().unwrap(), name: format!("Name of {person}") });
    let camera: Option<CameraId> = camera.map(|camera| camera.parse().unwrap());
    let camera_name = camera.as_ref().map_or_else(String::new, ToString::to_string);
    NewPhoto { camera, camera_name, person, ..new }
}

pub(super) async fn add(store: &Store, new: NewPhoto) -> Photo {
    match store.add(new).await.unwrap() {
        Added::New(photo) => photo,
        other => unreachable!("{other:?}"),
    }
}

pub(super) async fn all(store: &Store) -> Vec<Photo> {
    store.list(Query { limit: 500, ..Query::default() }).await.unwrap().photos
}

/// The file of a photo's blob.
fn path(folder: &Path, stored: &Stored) -> PathBuf {
    folder.join(stored.key.as_str())
}

/// Every file below a folder, except the index.
pub(super) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !["index", "lock", "thumbs", "reserve"]
                .iter()
                .any(|ours| name.starts_with(ours))
            {
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Tends the store like the keeper, until nothing is left to do.
async fn tend(store: &Store, now: u64) {
    while store.ask(|reply| Job::Tend(now, reply)).await.unwrap() {}
}

#[tokio::test]
async fn a_photo_is_a_file_by_its_day_with_a_sidecar() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let mut events = store.events();
    let added = add(&store, photo(1, NOON)).await;
    assert_eq!(
        events.recv().await.unwrap(),
        PhotoEvent::Stored { photo: Box::new(added.clone()), back: false }
    );
    assert_eq!(store.get(&id(1)).await.unwrap(), added);
    assert_eq!(all(&store).await, std::slice::from_ref(&added));
    let path = path(folder.path(), &store.file(&id(1)).await.unwrap());
    assert_eq!(path, folder.path().join(format!("photos/2026/11/20/{}.jpg", id(1))));
    assert_eq!(fs::read(&path).unwrap(), b"picture 1");
    let sidecar = fs::read(path.with_extension("json")).unwrap();
    assert_eq!(serde_json::from_slice::<Photo>(&sidecar).unwrap(), added);
    assert!(matches!(store.get(&id(2)).await, Err(StoreError::Unknown)));
    store.close().await;
    assert!(matches!(store.add(photo(2, NOON)).await, Err(StoreError::Closed)));
    let again = open(folder.path());
    assert_eq!(all(&again).await, [added]);
}

#[tokio::test]
async fn an_upload_is_moved_and_never_copied() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let incoming = store.incoming().await.unwrap();
    let mut incoming = store.write(incoming, b"upload"[..].into()).await.unwrap();
    let aside = incoming.draft().path().to_owned();
    let upload = NewPhoto { content: Content::File(incoming), ..photo(1, NOON) };
    let added = add(&store, upload).await;
    assert!(!aside.exists());
    assert_eq!(added.bytes, 6);
    let left = store.incoming().await.unwrap().draft().path().to_owned();
    assert!(!left.exists(), "one that is dropped leaves nothing");
}

#[tokio::test]
async fn the_same_picture_is_stored_once_and_another_with_its_id_too() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let first = add(&store, photo(1, NOON)).await;
    // Offered again, with another correction of its time.
    assert_eq!(store.add(photo(1, NOON + 7)).await.unwrap(), Added::Same(first.clone()));
    let other = || NewPhoto { id: id(1), ..photo(2, NOON) };
    let second = add(&store, other()).await;
    assert_ne!(second.id, first.id);
    assert_eq!(store.add(other()).await.unwrap(), Added::Same(second.clone()));
    assert_eq!(all(&store).await.len(), 2);
    store.close().await;
    assert_eq!(open(folder.path()).add(other()).await.unwrap(), Added::Same(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn offered_many_times_at_once_is_stored_once() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let offers = (0..100).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.add(photo(n % 10, NOON)).await.unwrap() })
    });
    let offers: Vec<_> = offers.collect();
    let mut new = 0;
    for offer in offers {
        new += usize::from(matches!(offer.await.unwrap(), Added::New(_)));
    }
    assert_eq!((new, all(&store).await.len()), (10, 10));
}

#[tokio::test]
async fn what_was_deleted_stays_deleted() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let added = add(&store, photo(1, NOON)).await;
    let mut events = store.events();
    store.delete(&id(1)).await.unwrap();
    assert_eq!(
        events.recv().await.unwrap(),
        PhotoEvent::Deleted { id: id(1), photo: Some(Box::new(added.clone())) }
    );
    assert!(matches!(store.delete(&id(1)).await, Err(StoreError::Gone)));
    assert!(matches!(store.get(&id(1)).await, Err(StoreError::Gone)));
    assert_eq!(store.add(photo(1, NOON)).await.unwrap(), Added::Deleted);
    assert_eq!(all(&store).await, []);
    assert_eq!(store.restore(&id(1)).await.unwrap(), added);
    assert_eq!(
        events.recv().await.unwrap(),
        PhotoEvent::Stored { photo: Box::new(added.clone()), back: true }
    );
    assert_eq!(store.restore(&id(1)).await.unwrap(), added, "once more changes nothing");
    assert_eq!(store.file(&id(1)).await.unwrap().read().unwrap(), b"picture 1");
    store.delete(&id(1)).await.unwrap();
    tend(&store, writer::now() + 9 * 60_000).await;
    store.restore(&id(1)).await.unwrap();
    store.delete(&id(1)).await.unwrap();
    tend(&store, writer::now() + 11 * 60_000).await;
    assert!(matches!(store.restore(&id(1)).await, Err(StoreError::Gone)));
    assert_eq!(store.add(photo(1, NOON)).await.unwrap(), Added::Deleted);
    assert!(matches!(store.restore(&id(2)).await, Err(StoreError::Unknown)));
    let files: Vec<String> = tree(folder.path()).into_keys().collect();
    assert_eq!(files, [format!("photos/2026/11/20/{}.json", id(1))]);
}

#[tokio::test]
async fn captions_and_pins_are_told_and_kept() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let added = add(&store, photo(1, NOON)).await;
    let mut events = store.events();
    let change = Change { caption: Some("Cat".to_owned()), pinned: Some(true) };
    let changed = store.change(&id(1), change).await.unwrap();
    assert_eq!(changed, Photo { caption: "Cat".to_owned(), pinned: true, ..added });
    assert_eq!(
        events.recv().await.unwrap(),
        PhotoEvent::Changed {
            photo: Box::new(changed.clone()),
            what: vec![Mark::Caption, Mark::Pin]
        }
    );
    let change = Change { caption: None, pinned: Some(false) };
    assert_eq!(store.change(&id(1), change).await.unwrap().caption, "Cat");
    store.close().await;
    reindex(folder.path(), |_| {}).unwrap();
    let again = open(folder.path());
    assert_eq!(all(&again).await, [Photo { pinned: false, ..changed }]);
}

#[tokio::test]
async fn what_is_too_old_or_too_much_goes_and_pinned_photos_stay() {
    let folder = TempDir::new().unwrap();
    let retention = Retention { photos: Some(20), ..Retention::default() };
    let store = Store::open(Config { retention, ..config(folder.path()) }, Arc::default()).unwrap();
    for n in 0..50 {
        add(&store, photo(n, NOON + n * HOUR)).await;
    }
    let pin = Change { pinned: Some(true), ..Change::default() };
    store.change(&id(3), pin).await.unwrap();
    tend(&store, writer::now()).await;
    let left: Vec<PhotoId> = all(&store).await.into_iter().map(|photo| photo.id).rev().collect();
    let expected: Vec<PhotoId> = [3].into_iter().chain(31..50).map(id).collect();
    assert_eq!(left, expected);
    assert!(matches!(store.get(&id(4)).await, Err(StoreError::Gone)));
    assert_eq!(store.add(photo(4, NOON)).await.unwrap(), Added::Deleted);
    store.close().await;

    let age = Some(Duration::from_secs(3600));
    let retention = Retention { age, ..Retention::default() };
    let store = Store::open(Config { retention, ..config(folder.path()) }, Arc::default()).unwrap();
    tend(&store, writer::now()).await;
    assert_eq!(all(&store).await.len(), 20, "age counts from when they came");
    tend(&store, writer::now() + 2 * HOUR).await;
    assert_eq!(all(&store).await.len(), 1);
    // A removal by age is forgotten one day.
    tend(&store, writer::now() + 40 * DAY).await;
    let files = tree(folder.path());
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    add(&store, photo(4, NOON)).await;
    store.close().await;

    let retention = Retention { bytes: Some(15), ..Retention::default() };
    let store = Store::open(Config { retention, ..config(folder.path()) }, Arc::default()).unwrap();
    tend(&store, writer::now()).await;
    assert_eq!(all(&store).await.len(), 1, "9 bytes each");
}

#[tokio::test]
async fn an_index_made_again_says_the_same() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for n in 0..60 {
        let camera = [None, Some("pi/door"), Some("pi/yard")][n as usize % 3];
        let person = [None, Some("ana"), None, Some("luis")][n as usize % 4];
        add(&store, by(camera, person, photo(n, NOON + n * n * 70_000))).await;
    }
    for n in (0..60).step_by(7) {
        store.delete(&id(n)).await.unwrap();
    }
    store.restore(&id(7)).await.unwrap();
    for n in (1..60).step_by(11) {
        let change = Change { caption: Some(format!("No. {n}")), pinned: Some(n % 2 == 0) };
        let _ = store.change(&id(n), change).await;
    }
    let (listed, sources) = (days(&store, Filter::default(), "UTC").await, store.sources().await);
    store.close().await;
    let (before, files) = (dump(folder.path()), tree(folder.path()));
    let mut told = Vec::new();
    let recovered = reindex(folder.path(), |progress| told.push(progress)).unwrap();
    assert_eq!(recovered, Recovered { added: 52, ..Recovered::default() });
    assert_eq!(told.last(), Some(&Progress { done: 60, total: 60 }));
    assert_eq!(dump(folder.path()), before);
    assert_eq!(tree(folder.path()), files);
    let store = open(folder.path());
    assert_eq!(days(&store, Filter::default(), "UTC").await, listed);
    assert_eq!(store.sources().await.unwrap(), sources.unwrap());
    store.close().await;
    // Without an index, and with a file that is not a database.
    fs::remove_file(folder.path().join("index.db")).unwrap();
    open(folder.path()).close().await;
    assert_eq!(dump(folder.path()), before);
    fs::write(folder.path().join("index.db"), vec![b'x'; 100_000]).unwrap();
    open(folder.path()).close().await;
    assert_eq!(dump(folder.path()), before);
    assert!(folder.path().join("damaged/index.db").exists());
}

#[tokio::test]
async fn a_store_in_use_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    assert!(matches!(Store::open(config(folder.path()), Arc::default()), Err(OpenError::InUse(_))));
    assert!(matches!(reindex(folder.path(), |_| {}), Err(OpenError::InUse(_))));
    store.close().await;
    reindex(folder.path(), |_| {}).unwrap();
}

/// Opens a store that was not closed: a copy of its files, made while it is open.
fn crashed(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let to = copy.path().join(next.strip_prefix(folder).unwrap());
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(fs::copy(&path, to.join(path.file_name().unwrap())).unwrap()),
            }
        }
    }
    copy
}

#[tokio::test]
async fn an_unclean_end_is_mended() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for n in 0..10 {
        add(&store, photo(n, NOON + n)).await;
    }
    store.delete(&id(7)).await.unwrap();
    store.delete(&id(8)).await.unwrap();
    let copy = crashed(folder.path());
    let root = copy.path();
    let day = root.join("photos/2026/11/20");
    let path = |n: u64, ending: &str| day.join(format!("{}.{ending}", id(n)));

    // Half written, without a name.
    fs::write(root.join("incoming/.tmpabc"), b"half").unwrap();
    // Named, but without a committed row.
    let sidecar = fs::read_to_string(path(1, "json")).unwrap();
    let new = sidecar.replace(id(1).as_str(), id(77).as_str());
    fs::write(path(77, "json"), new).unwrap();
    fs::copy(path(1, "jpg"), path(77, "jpg")).unwrap();
    // Only the first of the two names.
    fs::write(path(78, "json"), sidecar.replace(id(1).as_str(), id(78).as_str())).unwrap();
    // The disk lied: a shorter file, and other bytes.
    fs::write(path(2, "jpg"), b"pict").unwrap();
    fs::write(path(3, "jpg"), b"PICTURE 3").unwrap();
    // Removed by hand.
    fs::remove_file(path(4, "jpg")).unwrap();
    // A deletion that got as far as its tombstone, and one whose undoing got as far.
    let tombstone = fs::read_to_string(path(7, "json")).unwrap();
    fs::write(path(5, "json"), tombstone.replace(id(7).as_str(), id(5).as_str())).unwrap();
    let undone = sidecar.replace(id(1).as_str(), id(8).as_str()).replace(
        hash_of(&fs::read(path(1, "jpg")).unwrap()).as_str(),
        &hash_of(&fs::read(root.join(format!("trash/{}.jpg", id(8)))).unwrap()),
    );
    fs::write(path(8, "json"), undone).unwrap();
    fs::rename(root.join(format!("trash/{}.jpg", id(8))), path(8, "jpg")).unwrap();
    // An unreadable sidecar.
    fs::write(path(6, "json"), b"{").unwrap();

    let store = open(root);
    let ids: Vec<PhotoId> = all(&store).await.into_iter().map(|photo| photo.id).collect();
    let mut left: Vec<PhotoId> = [0, 1, 6, 8, 9, 77].map(id).to_vec();
    left.sort();
    let mut sorted = ids;
    sorted.sort();
    assert_eq!(sorted, left);
    assert!(matches!(store.get(&id(5)).await, Err(StoreError::Gone)));
    assert!(matches!(store.get(&id(7)).await, Err(StoreError::Gone)));
    assert!(matches!(store.get(&id(4)).await, Err(StoreError::Unknown)), "it may come again");
    store.restore(&id(7)).await.unwrap();
    assert!(root.join(format!("damaged/{}.jpg", id(2))).exists());
    assert!(!root.join("incoming/.tmpabc").exists());
    store.close().await;
    let before = dump(root);
    reindex(root, |_| {}).unwrap();
    assert_eq!(dump(root), before);
}

#[tokio::test]
async fn sources_are_called_as_in_their_newest_photo() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let named = |n, name: &str| NewPhoto { camera_name: name.to_owned(), ..photo(n, NOON + n) };
    add(&store, named(2, "Yard")).await;
    add(&store, named(1, "Old yard")).await;
    add(&store, by(None, Some("ana"), photo(3, NOON))).await;
    let Sources { cameras, people } = store.sources().await.unwrap();
    assert_eq!((cameras[0].name.as_str(), cameras[0].count), ("Yard", 2));
    assert_eq!((people[0].name.as_str(), people[0].count), ("Name of ana", 1));
    store.delete(&id(2)).await.unwrap();
    store.delete(&id(3)).await.unwrap();
    let Sources { cameras, people } = store.sources().await.unwrap();
    assert_eq!((cameras[0].name.as_str(), cameras[0].count), ("Old yard", 1));
    assert_eq!(people, []);
}

#[tokio::test]
async fn a_gallery_that_only_shows_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    add(&store, photo(1, NOON)).await;
    store.set_view_only(Some("another one stores".to_owned()));
    assert!(matches!(store.add(photo(2, NOON)).await, Err(StoreError::ViewOnly(_))));
    assert!(matches!(store.incoming().await, Err(StoreError::ViewOnly(_))));
    assert!(matches!(store.delete(&id(1)).await, Err(StoreError::ViewOnly(_))));
    assert_eq!(all(&store).await.len(), 1);
    store.set_view_only(None);
    add(&store, photo(2, NOON)).await;
}

#[tokio::test]
async fn the_floor_of_free_space_refuses_without_a_trace() {
    let folder = TempDir::new().unwrap();
    let store = Store::open(
        Config { min_free: Some(u64::MAX / 2), ..config(folder.path()) },
        Arc::default(),
    );
    let store = store.unwrap();
    let before = tree(folder.path());
    let error = store.add(photo(1, NOON)).await.unwrap_err();
    assert!(error.to_string().contains("min_free"), "{error}");
    assert!(matches!(error, StoreError::Full(_)));
    assert!(matches!(store.incoming().await, Err(StoreError::Full(_))));
    assert_eq!(store.trouble().unwrap().to_string(), error.to_string());
    assert_eq!(tree(folder.path()), before);
}
