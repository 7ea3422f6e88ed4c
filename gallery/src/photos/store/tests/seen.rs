//! What somebody is given who sees some cameras alone: as if the photos of others had never been.

use futures_util::future::join_all;

use super::*;

/// A store in a folder with photos of all kinds, of these cameras alone and of none.
async fn store(folder: &Path, of: &Cameras) -> (Store, Vec<Photo>) {
    let store = open(folder);
    let added = (0..60).filter_map(|n| {
        let cameras =
            [None, Some("pi/door"), Some("attic/door"), Some("attic/bed"), Some("pi/yard")];
        let camera = cameras[n as usize % 5];
        let person = [None, Some("ana"), None, Some("luis")][n as usize % 4];
        let is_shown = camera.is_none_or(|camera| of.sees(&camera.parse().unwrap()));
        let new = by(camera, person, photo(n, NOON + n * HOUR / 4));
        let (store, caption) = (&store, (n % 3 == 0).then(|| format!("Caption {}", n % 7)));
        let added = async move {
            let photo = add(store, new).await;
            store.change(&photo.id, Change { caption, pinned: None }).await.unwrap()
        };
        is_shown.then_some(added)
    });
    let photos = join_all(added.collect::<Vec<_>>()).await;
    (store, photos)
}

async fn pages(store: &Store, filter: &Filter) -> Vec<Vec<PhotoId>> {
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let query = Query { filter: filter.clone(), before, limit: 7 };
        let page = store.list(query).await.unwrap();
        pages.push(page.photos.into_iter().map(|photo| photo.id).collect());
        let Some(next) = page.next else { return pages };
        before = Some(next);
    }
}

#[tokio::test]
async fn pages_days_counts_and_sources_are_those_of_a_store_without_the_hidden_photos() {
    let folder = TempDir::new().unwrap();
    let (all, _) = store(&folder.path().join("all"), &Cameras::ALL).await;
    for (n, seen) in ["pi/*", "pi/yard */door", "nobody/nothing"].into_iter().enumerate() {
        let seen: Cameras = seen.parse().unwrap();
        let limited = all.seen_by(&seen);
        let (fewer, _) = store(&folder.path().join(n.to_string()), &seen).await;
        assert_eq!(limited.sources().await.unwrap(), fewer.sources().await.unwrap(), "{seen}");
        let cameras = [None, Some("pi/door"), Some("attic/bed"), Some("pi/none")];
        let words = [None, Some("caption 3"), Some("door"), Some("bed"), Some("luis")];
        for camera in cameras.map(|camera| camera.map(|camera| camera.parse().unwrap())) {
            for person in [None, Some("ana"), Some("nobody")] {
                for words in words.map(|words| words.map(|words| words.parse().unwrap())) {
                    for from in [None, Some(NOON + 5 * HOUR)] {
                        let person = person.map(|person| person.parse().unwrap());
                        let (camera, words) = (camera.clone(), words.clone());
                        let filter = Filter { camera, person, from, words, ..Filter::default() };
                        let what = format!("{seen}: {filter:?}");
                        let expected = pages(&fewer, &filter).await;
                        assert_eq!(pages(&limited, &filter).await, expected, "{what}");
                        let found = limited.found(filter.clone()).await.unwrap();
                        assert_eq!(found, fewer.found(filter.clone()).await.unwrap(), "{what}");
                        let days_of = async |store| {
                            let mut days = days(store, filter.clone(), "Asia/Kathmandu").await;
                            // Sums of floats differ by their order.
                            days.iter_mut().for_each(|day| day.aspect = day.aspect.round());
                            days
                        };
                        assert_eq!(days_of(&limited).await, days_of(&fewer).await, "{what}");
                    }
                }
            }
        }
    }
}

/// Each way to a photo by its id, with its error.
async fn each(store: &Store, id: &PhotoId) -> [Option<String>; 7] {
    fn error<T>(result: Result<T, StoreError>) -> Option<String> {
        result.err().map(|error| format!("{error:?}"))
    }
    let change = Change { caption: Some("mine".to_owned()), pinned: Some(true) };
    [
        error(store.get(id).await),
        error(store.file(id).await),
        error(store.thumb(id).await),
        store.these(vec![id.clone()]).await.unwrap().is_empty().then(|| "Unknown".to_owned()),
        error(store.change(id, change).await),
        error(store.delete(id).await),
        error(store.restore(id).await),
    ]
}

#[tokio::test]
async fn a_hidden_photo_is_unknown_whatever_is_asked_of_it_and_stays_as_it_was() {
    let folder = TempDir::new().unwrap();
    let (all, photos) = store(folder.path(), &Cameras::ALL).await;
    let limited = all.seen_by(&"pi/*".parse().unwrap());
    let mut events = all.events();
    let unknown = [const { Some(String::new()) }; 7].map(|_| Some("Unknown".to_owned()));
    assert_eq!(each(&limited, &id(1_000_000)).await, unknown, "no such photo");
    let [hidden, gone] = [&photos[2], &photos[3]];
    assert_eq!(each(&limited, &hidden.id).await, unknown, "hidden");
    assert_eq!(all.get(&hidden.id).await.unwrap(), *hidden);
    all.delete(&gone.id).await.unwrap();
    assert_eq!(each(&limited, &gone.id).await, unknown, "hidden and deleted");
    assert!(matches!(all.get(&gone.id).await, Err(StoreError::Gone)), "still deleted");
    assert!(matches!(events.try_recv(), Ok(PhotoEvent::Deleted { .. })));
    assert!(events.try_recv().is_err(), "nothing else happened");
    // What is not hidden, is deleted and brought back.
    for shown in [&photos[0], &photos[1]] {
        assert_eq!(limited.get(&shown.id).await.unwrap(), *shown);
        limited.delete(&shown.id).await.unwrap();
        limited.restore(&shown.id).await.unwrap();
        assert_eq!(limited.get(&shown.id).await.unwrap(), *shown);
    }
}
