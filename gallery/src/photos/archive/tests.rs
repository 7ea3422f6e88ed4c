//! Archives of a real store.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::pin::pin;

use ::zip::ZipArchive;
use futures_util::StreamExt;
use tempfile::TempDir;
use wire::TimeSource;

use super::*;
use crate::photos::picture::{self, Pool};
use crate::photos::store::{Added, Change, Config, Content, NewPhoto};

/// 2026-11-20T12:00:00Z.
const NOON: u64 = 1_795_176_000_000;

struct House {
    store: Store,
    folder: TempDir,
}

impl House {
    fn new() -> House {
        let folder = TempDir::new().unwrap();
        let pictures = Pool::new(picture::Config::default());
        let retention = Default::default();
        let config =
            Config { folder: folder.path().to_owned(), retention, min_free: Some(0), pictures };
        House { store: Store::open(config, Arc::default()).unwrap(), folder }
    }

    /// Photos one second apart, each with other bytes.
    async fn add(&self, sizes: &[usize]) -> Vec<Photo> {
        let mut photos = Vec::new();
        for (n, size) in sizes.iter().enumerate() {
            let taken = NOON + 1000 * n as u64;
            let new = NewPhoto {
                id: PhotoId::new(taken, n as u128),
                taken,
                time: TimeSource::Camera,
                media: MediaType::Jpeg,
                width: 4,
                height: 3,
                camera: Some("pi/door".parse().unwrap()),
                camera_name: "Front door".to_owned(),
                person: None,
                name: String::new(),
                content: Content::Bytes(vec![n as u8; *size].into()),
            };
            match self.store.add(new).await.unwrap() {
                Added::New(photo) => photos.push(photo),
                other => unreachable!("{other:?}"),
            }
        }
        photos
    }

    fn file(&self, photo: &Photo) -> PathBuf {
        self.folder.path().join(format!("photos/2026/11/20/{}.jpg", photo.id))
    }

    fn send(
        &self,
        photos: &[Photo],
    ) -> (u64, Arc<Progress>, impl Stream<Item = io::Result<Bytes>>) {
        let archive = plan(photos).finish();
        let (length, progress) = (archive.length(), Arc::new(Progress::default()));
        let stop = watch::channel(false).1;
        (length, progress.clone(), archive.send(self.store.clone(), progress, stop))
    }
}

fn plan(photos: &[Photo]) -> Plan {
    let mut plan = Plan::new(TimeZone::UTC);
    photos.iter().for_each(|photo| plan.add(photo.clone()));
    plan
}

/// All of it, and why it ended if it did before its end.
async fn all(stream: impl Stream<Item = io::Result<Bytes>>) -> (Vec<u8>, Option<String>) {
    let (mut stream, mut bytes) = (pin!(stream), Vec::new());
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => {
                assert!(piece.len() <= 2 * PIECE, "{}", piece.len());
                bytes.extend(piece);
            }
            Err(error) => return (bytes, Some(error.to_string())),
        }
    }
    (bytes, None)
}

fn read(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut files: Vec<_> = names
        .into_iter()
        .map(|name| {
            let mut bytes = Vec::new();
            archive.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
            (name, bytes)
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_archive_has_all_photos_and_the_length_that_was_told() {
    let house = House::new();
    let sizes = [1, 0, PIECE - 1, PIECE, PIECE + 1, 300_000];
    let mut photos = house.add(&sizes).await;
    let caption = Some("Two\nlines, ñandú".to_owned());
    photos[2] = house.store.change(&photos[2].id, Change { caption, pinned: None }).await.unwrap();
    // In another order, and one twice.
    let asked = [&photos[3..], &photos[..4]].concat();
    let (length, progress, stream) = house.send(&asked);
    assert_eq!(progress.read(), (0, 0, State::Sending));
    let (bytes, error) = all(stream).await;
    assert_eq!((bytes.len() as u64, error), (length, None));
    assert_eq!(progress.read(), (length, 6, State::Done));
    let files = read(&bytes);
    let (captions, files) = files.split_last().unwrap();
    let line = "2026-11-20/12.00.02 Front door.jpg\tTwo lines, ñandú\n";
    assert_eq!(captions, &("captions.txt".to_owned(), line.as_bytes().to_vec()));
    assert_eq!(files.len(), 6);
    for (n, (name, bytes)) in files.iter().enumerate() {
        assert_eq!(name, &format!("2026-11-20/12.00.0{n} Front door.jpg"));
        assert_eq!(bytes, &vec![n as u8; sizes[n]]);
    }
}

#[tokio::test]
async fn a_photo_deleted_while_it_is_sent_is_still_in_it() {
    let house = House::new();
    let photos = house.add(&[10, 20, 30]).await;
    let (length, _, stream) = house.send(&photos);
    house.store.delete(&photos[1].id).await.unwrap();
    let (bytes, error) = all(stream).await;
    assert_eq!((bytes.len() as u64, error), (length, None));
    assert_eq!(read(&bytes)[1].1, vec![1; 20]);
}

#[tokio::test]
async fn a_text_of_the_same_length_stands_in_place_of_what_cannot_be_read() {
    let house = House::new();
    let photos = house.add(&[1000, 1000, 10, 1000]).await;
    fs::remove_file(house.file(&photos[0])).unwrap();
    fs::write(house.file(&photos[1]), "another size").unwrap();
    fs::remove_file(house.file(&photos[2])).unwrap();
    fs::create_dir(house.file(&photos[2])).unwrap();
    let (length, progress, stream) = house.send(&photos);
    let (bytes, error) = all(stream).await;
    assert_eq!((bytes.len() as u64, error), (length, None));
    assert_eq!(progress.read().2, State::Done);
    let files = read(&bytes);
    for (n, size) in [1000, 1000, 10].into_iter().enumerate() {
        let (name, text) = &files[n];
        assert_eq!(name, &format!("2026-11-20/12.00.0{n} Front door.txt"));
        assert!(text.starts_with(&EXCUSE[..10]) && text.len() == size, "{text:?}");
    }
    assert_eq!(files[3].1, vec![3; 1000]);
}

#[tokio::test]
async fn an_archive_breaks_when_a_photo_changes_while_it_is_sent() {
    let house = House::new();
    let photos = house.add(&[3 * PIECE, 10]).await;
    for shorter in [false, true] {
        let (length, progress, stream) = house.send(&photos);
        let mut stream = Box::pin(stream);
        // Its header and its first bytes.
        let begin = [stream.next().await.unwrap().unwrap(), stream.next().await.unwrap().unwrap()];
        let changed = if shorter { vec![0; PIECE] } else { vec![7; 3 * PIECE] };
        fs::write(house.file(&photos[0]), changed).unwrap();
        let (rest, error) = all(stream).await;
        assert!(error.is_some(), "{shorter}");
        assert!((begin.concat().len() + rest.len()) < length as usize);
        assert_eq!(progress.read().2, State::Failed);
        fs::write(house.file(&photos[0]), vec![0; 3 * PIECE]).unwrap();
    }
}

#[tokio::test]
async fn an_archive_ends_when_it_is_cancelled_or_the_gallery_stops_or_its_client_is_gone() {
    let house = House::new();
    let photos = house.add(&[PIECE; 3]).await;
    let (_, progress, stream) = house.send(&photos);
    let mut stream = Box::pin(stream);
    stream.next().await.unwrap().unwrap();
    progress.cancel();
    assert!(all(stream).await.1.is_some());
    assert_eq!(progress.read().2, State::Cancelled);

    let (stop, stopping) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let stream = plan(&photos).finish().send(house.store.clone(), progress.clone(), stopping);
    let mut stream = Box::pin(stream);
    stream.next().await.unwrap().unwrap();
    stop.send(true).unwrap();
    assert!(all(stream).await.1.is_some());
    assert_eq!(progress.read().2, State::Failed);

    let (_, progress, stream) = house.send(&photos);
    drop(stream);
    assert_eq!(progress.read().2, State::Failed);
}

#[tokio::test]
async fn an_archive_is_called_by_its_days() {
    let house = House::new();
    let one = house.add(&[1]).await.remove(0);
    for (days, name) in [
        (0, "vitrina-2026-11-20.zip"),
        (1, "vitrina-2026-11-20-21.zip"),
        (20, "vitrina-2026-11-20-12-10.zip"),
        (60, "vitrina-2026-11-20-2027-01-19.zip"),
    ] {
        let later = Photo { taken: one.taken + days * 86_400_000, ..one.clone() };
        let other = Photo { id: PhotoId::new(later.taken, 9), ..later };
        assert_eq!(plan(&[other, one.clone()]).finish().name(), name);
    }
}

#[tokio::test]
async fn the_length_is_right_with_more_than_65535_photos_and_with_many_captions() {
    let house = House::new();
    let one = house.add(&[3]).await.remove(0);
    let photos: Vec<Photo> = (0..65_600_u64)
        .map(|n| {
            // All have the file of the first.
            let caption = "A caption that is said of all of them".repeat(2);
            Photo { taken: one.taken + n % 3, caption, ..one.clone() }
        })
        .collect();
    let mut plan = plan(&photos);
    let ids = plan.photos.iter_mut().zip(0..);
    ids.for_each(|(photo, n)| {
        photo.id = PhotoId::new(NOON, n);
        photo.bytes = 0;
    });
    let archive = plan.finish();
    let (length, progress) = (archive.length(), Arc::new(Progress::default()));
    // Nothing of them is there, and nothing is what they have.
    let (stop, step) = (watch::channel(false).1, Step::Photo(0));
    let mut sending = Sending { archive, store: house.store.clone(), progress, stop, step };
    let mut sent = Vec::new();
    while let Some(piece) = sending.piece().unwrap() {
        sent.extend(piece);
    }
    assert_eq!(sent.len() as u64, length);
    assert_eq!(ZipArchive::new(Cursor::new(sent)).unwrap().len(), 65_601);
}
