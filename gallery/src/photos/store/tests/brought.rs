//! Uploads are stored once, however often they come.

use super::*;
use crate::photos::store::blobs::UtcDay;
use crate::photos::store::sidecar::Sidecar;

/// Uploads `arrived`, of which `left` is to be stored, as photo `n`.
async fn bring(store: &Store, n: u64, arrived: &[u8], left: &[u8]) -> Added {
    let incoming = store.incoming().await.unwrap();
    let mut incoming = store.write(incoming, arrived.to_owned().into()).await.unwrap();
    if arrived != left {
        incoming.draft().rewrite(left).unwrap();
    }
    let new = NewPhoto { content: Content::File(incoming), camera: None, ..photo(n, NOON) };
    store.add(new).await.unwrap()
}

fn new(added: Added) -> Photo {
    match added {
        Added::New(photo) => photo,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_at_the_same_moment_are_one_photo() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let all_at_once = (0..40).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { bring(&store, n, &[n as u8 % 2], &[n as u8 % 2]).await })
    });
    let all_at_once: Vec<_> = all_at_once.collect();
    let mut photos = std::collections::HashMap::<String, u64>::new();
    for one in all_at_once {
        match one.await.unwrap() {
            Added::New(photo) | Added::Same(photo) => *photos.entry(photo.hash).or_default() += 1,
            Added::Deleted => unreachable!(),
        }
    }
    assert_eq!(photos.into_values().collect::<Vec<_>>(), [20, 20]);
    assert_eq!(all(&store).await.len(), 2);
    // Two files and two sidecars: nothing of the others remains.
    assert_eq!(tree(folder.path()).len(), 4);
}

#[tokio::test]
async fn an_upload_is_known_by_what_arrived_and_by_what_is_left_of_it() {
    let folder = TempDir::new().unwrap();
    let mut store = open(folder.path());
    let photo = new(bring(&store, 1, b"with its place", b"without").await);
    for round in 0..3 {
        assert_eq!(
            bring(&store, 2, b"with its place", b"without").await,
            Added::Same(photo.clone())
        );
        // A later version removes more from it.
        assert_eq!(bring(&store, 3, b"with its place", b"with").await, Added::Same(photo.clone()));
        // The downloaded file, and one that arrived in another form.
        assert_eq!(bring(&store, 4, b"without", b"without").await, Added::Same(photo.clone()));
        assert_eq!(bring(&store, 5, b"elsewhere", b"without").await, Added::Same(photo.clone()));
        store.close().await;
        match round {
            // The sidecar knows it too.
            0 => drop(reindex(folder.path(), |_| {}).unwrap()),
            _ => {
                let index = database(folder.path());
                index.execute_batch("UPDATE totals SET clean = 0; DELETE FROM photos").unwrap();
                index.execute_batch("UPDATE totals SET photos = 0, bytes = 0").unwrap();
                index.execute("INSERT INTO busy VALUES ('2026/11/20')", []).unwrap();
            }
        }
        store = open(folder.path());
    }
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test]
async fn what_was_deleted_can_be_brought_anew_and_the_deletion_undone() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let first = new(bring(&store, 1, b"picture", b"picture").await);
    store.delete(&first.id).await.unwrap();
    let second = new(bring(&store, 2, b"picture", b"picture").await);
    assert_ne!(first.id, second.id);
    assert_eq!(bring(&store, 3, b"picture", b"picture").await, Added::Same(second.clone()));
    store.restore(&first.id).await.unwrap();
    assert_eq!(all(&store).await.len(), 2, "somebody wanted each of them");
    assert_eq!(bring(&store, 4, b"picture", b"picture").await, Added::Same(first));
}

#[tokio::test]
async fn a_camera_may_take_the_same_picture_twice() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let taken = add(&store, photo(1, NOON)).await;
    add(&store, NewPhoto { id: id(2), ..photo(1, NOON + 1) }).await;
    // Downloaded and uploaded again, it is that photo.
    assert_eq!(bring(&store, 3, b"picture 1", b"picture 1").await, Added::Same(taken));
    assert_eq!(all(&store).await.len(), 2);
}

/// Converts the index of the existing photos to version 1.
fn of_version_1(folder: &Path) {
    let photos = Reader::open(folder).unwrap().photos_of(&UtcDay::of(NOON)).unwrap();
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("index.db{ending}")));
    }
    let index = database(folder);
    index.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    index.execute_batch(include_str!("schema-1.sql")).unwrap();
    index.pragma_update(None, "user_version", 1).unwrap();
    for Sidecar { photo, .. } in photos {
        index
            .execute(
                "INSERT INTO photos (id, taken, received, time, media, bytes, width, height, hash,
                     camera_name, person_name, name, caption, pinned)
                 VALUES (?, ?, ?, 'exif', 'image/jpeg', ?, ?, ?, ?, '', '', ?, 'of then', 0)",
                (
                    photo.id.as_str(),
                    photo.taken,
                    photo.received,
                    photo.bytes,
                    photo.width,
                    photo.height,
                    photo.hash,
                    photo.name,
                ),
            )
            .unwrap();
    }
}

#[tokio::test]
async fn an_index_of_version_1_is_brought_up_to_date_and_not_made_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let photo = new(bring(&store, 1, b"old", b"old").await);
    store.close().await;
    of_version_1(folder.path());
    let store = open(folder.path());
    // The sidecar has no caption: this is the old row.
    assert_eq!(store.get(&photo.id).await.unwrap().caption, "of then");
    assert!(
        matches!(bring(&store, 2, b"old", b"old").await, Added::Same(same) if same.id == photo.id)
    );
    let other = new(bring(&store, 3, b"new", b"ne").await);
    assert!(
        matches!(bring(&store, 4, b"new", b"x").await, Added::Same(same) if same.id == other.id)
    );
    store.close().await;
    let schema = || {
        let index = database(folder.path());
        let sql = "SELECT name, sql FROM sqlite_schema WHERE name LIKE 'photos%' ORDER BY 1";
        let mut schema = index.prepare(sql).unwrap();
        let rows = schema.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let migrated = schema();
    reindex(folder.path(), |_| {}).unwrap();
    assert_eq!(schema(), migrated, "what is brought up to date is what is made again");
}

#[tokio::test]
async fn an_index_of_a_later_version_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let photo = add(&store, photo(1, NOON)).await;
    store.close().await;
    let index = database(folder.path());
    index.pragma_update(None, "user_version", 99).unwrap();
    index.execute_batch("ALTER TABLE photos RENAME TO pictures").unwrap();
    drop(index);
    assert_eq!(all(&open(folder.path())).await, [photo]);
}
