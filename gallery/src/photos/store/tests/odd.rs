//! Unexpected things in the photos' folder. None of them prevents a start.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Makes the next start check the day of noon as after an unclean end.
fn make_unclean(folder: &Path) {
    let index = database(folder);
    index.execute_batch("UPDATE totals SET clean = 0").unwrap();
    index.execute("INSERT OR IGNORE INTO busy VALUES ('2026/11/20')", []).unwrap();
}

#[tokio::test]
async fn a_folder_where_a_photo_should_be_and_all_else_stop_no_start() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let good = add(&store, photo(1, NOON)).await;
    store.close().await;
    let day = folder.path().join("photos/2026/11/20");
    let at = |n: u64, ending: &str| day.join(format!("{}.{ending}", id(n)));
    fs::create_dir_all(at(10, "jpg").join("inner")).unwrap();
    fs::create_dir(at(11, "json")).unwrap();
    fs::write(at(11, "jpg"), b"picture").unwrap();
    symlink("nowhere", at(12, "jpg")).unwrap();
    symlink(at(12, "png"), at(12, "png")).unwrap();
    pipe(&at(13, "jpg"));
    pipe(&at(14, "json"));
    fs::write(at(14, "jpg"), b"picture").unwrap();
    let _socket = UnixListener::bind(at(15, "gif")).unwrap();
    fs::write(at(16, "json"), b"{").unwrap();
    fs::write(at(16, "jpg"), b"picture").unwrap();
    fs::write(at(17, "json"), vec![b' '; 3_000_000]).unwrap();
    fs::write(at(17, "jpg"), b"picture").unwrap();
    // Of a future version.
    let later = fs::read_to_string(at(1, "json")).unwrap();
    let later =
        later.replace(id(1).as_str(), id(18).as_str()).replace("\"camera\",", "\"quantum\",");
    fs::write(at(18, "json"), later).unwrap();
    fs::write(at(18, "jpg"), b"picture").unwrap();
    fs::write(day.join(OsStr::from_bytes(b"\xff\xfe.jpg")), b"picture").unwrap();
    fs::create_dir_all(folder.path().join("photos").join(OsStr::from_bytes(b"\xff/11/20")))
        .unwrap();
    fs::write(folder.path().join("photos/2026/12"), b"no folder").unwrap();
    fs::create_dir_all(folder.path().join("incoming/a/b")).unwrap();
    pipe(&folder.path().join("trash/pipe"));
    let odd = [
        at(10, "jpg"),
        at(11, "json"),
        at(12, "jpg"),
        at(13, "jpg"),
        at(14, "json"),
        at(15, "gif"),
    ];

    for unclean in [true, false, true] {
        match unclean {
            true => make_unclean(folder.path()),
            false => drop(reindex(folder.path(), |_| {}).unwrap()),
        }
        let store = open(folder.path());
        let listed: Vec<PhotoId> = all(&store).await.into_iter().map(|photo| photo.id).collect();
        for n in [1, 16, 17, 18] {
            assert!(listed.contains(&id(n)), "{n}: {listed:?}");
        }
        assert_eq!(listed.len(), 4);
        assert_eq!(store.get(&id(1)).await.unwrap(), good);
        add(&store, photo(30, NOON)).await;
        store.delete(&id(30)).await.unwrap();
        store.close().await;
        assert!(odd.iter().all(|path| fs::symlink_metadata(path).is_ok()), "they are left alone");
        // So that this round's photo is new in the next.
        fs::remove_file(at(30, "json")).unwrap();
        fs::remove_file(folder.path().join(format!("trash/{}.jpg", id(30)))).unwrap();
        make_unclean(folder.path());
    }
}

#[tokio::test]
async fn old_photos_may_lie_on_another_disk() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(folder.path());
    let photo = add(&store, photo(1, NOON)).await;
    store.close().await;
    let year = folder.path().join("photos/2026");
    fs::rename(&year, elsewhere.path().join("2026")).unwrap();
    symlink(elsewhere.path().join("2026"), &year).unwrap();
    assert_eq!(reindex(folder.path(), |_| {}).unwrap().added, 1);
    assert_eq!(all(&open(folder.path())).await, [photo]);
}

#[tokio::test]
async fn an_index_that_is_no_file_or_cannot_be_read_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let photo = add(&store, photo(1, NOON)).await;
    store.close().await;
    let index = folder.path().join("index.db");
    let spoils: [&dyn Fn(); 5] = [
        &|| fs::create_dir_all(index.join("inner")).unwrap(),
        &|| fs::create_dir_all(index.join("again")).unwrap(),
        &|| pipe(&index),
        &|| symlink("nowhere", &index).unwrap(),
        &|| fs::write(&index, b"garbage").unwrap(),
    ];
    for spoil in spoils {
        fs::remove_file(&index).unwrap();
        spoil();
        let store = open(folder.path());
        assert_eq!(all(&store).await, std::slice::from_ref(&photo));
        store.close().await;
    }
}

#[tokio::test]
async fn nobody_else_can_read_what_is_stored() {
    let outer = TempDir::new().unwrap();
    let folder = outer.path().join("gallery");
    // As an earlier version made it.
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("index.db"), b"").unwrap();
    fs::set_permissions(folder.join("index.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&folder);
    let jpeg = picture::samples::picture(MediaType::Jpeg, 960, 540);
    add(&store, NewPhoto { content: Content::Bytes(jpeg.into()), ..photo(1, NOON) }).await;
    store.thumb(&id(1)).await.unwrap();
    add(&store, photo(2, NOON)).await;
    store.delete(&id(2)).await.unwrap();
    let _incoming = store.incoming().await.unwrap();
    let mut paths = vec![folder];
    let mut seen = 0;
    while let Some(path) = paths.pop() {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        seen += 1;
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn a_folder_that_went_away_takes_no_photo_and_comes_back() {
    let outer = TempDir::new().unwrap();
    let (folder, elsewhere) = (outer.path().join("gallery"), outer.path().join("elsewhere"));
    let store = open(&folder);
    add(&store, photo(1, NOON)).await;
    fs::rename(&folder, &elsewhere).unwrap();
    for there_is_another in [false, true] {
        if there_is_another {
            fs::create_dir_all(folder.join("incoming")).unwrap();
            fs::create_dir_all(folder.join("photos/2026/11/20")).unwrap();
        }
        let refused = store.add(photo(2, NOON)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Away(_)), "{refused}");
        assert!(matches!(store.incoming().await, Err(StoreError::Away(_))));
        assert!(matches!(store.may_store(), Err(StoreError::Away(_))));
        assert!(matches!(store.delete(&id(1)).await, Err(StoreError::Away(_))));
        assert!(matches!(store.file(&id(1)).await, Err(StoreError::Away(_))));
        assert!(matches!(store.thumb(&id(1)).await, Err(StoreError::Away(_))));
    }
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&elsewhere, &folder).unwrap();
    let mut troubles = store.troubles();
    let mended = troubles.wait_for(Option::is_none);
    tokio::time::timeout(Duration::from_secs(20), mended).await.unwrap().unwrap();
    add(&store, photo(2, NOON)).await;
    store.close().await;
    assert_eq!(all(&open(&folder)).await.len(), 2);
}

#[tokio::test]
async fn a_folder_within_that_went_away_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    fs::remove_dir_all(folder.path().join("incoming")).unwrap();
    fs::remove_dir_all(folder.path().join("photos")).unwrap();
    let since = std::time::Instant::now();
    while let Err(error) = store.add(photo(1, NOON)).await {
        assert!(since.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
