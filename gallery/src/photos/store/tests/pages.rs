//! The queries of the index.

use proptest::prelude::*;
use wire::PersonId;

use super::*;
use crate::photos::store::index::{CameraSource, Cursor};

#[tokio::test]
async fn pages_go_through_all_photos_once_and_filters_agree() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    let mut photos = Vec::new();
    for n in 0..90 {
        let camera = [None, Some("pi/door"), Some("pi/yard")][n as usize % 3];
        let person = [None, Some("ana"), None, Some("luis")][n as usize % 4];
        // Many in the same millisecond.
        photos.push(add(&store, by(camera, person, photo(n, NOON + n / 10))).await);
    }
    photos.sort_by_key(|photo| std::cmp::Reverse((photo.taken, photo.id.to_string())));
    let cameras = [None, Some("pi/door"), Some("pi/yard"), Some("pi/none")];
    let people = [None, Some("ana"), Some("luis"), Some("nobody")];
    let times = [
        (None, None),
        (Some(NOON + 2), None),
        (None, Some(NOON + 5)),
        (Some(NOON + 3), Some(NOON + 4)),
    ];
    for camera in cameras.map(|c| c.map(|c| c.parse::<CameraId>().unwrap())) {
        for person in people.map(|p| p.map(|p| p.parse::<PersonId>().unwrap())) {
            for (from, to) in times {
                let expected: Vec<&Photo> = photos
                    .iter()
                    .filter(|p| camera.is_none() || p.camera == camera)
                    .filter(|p| {
                        person.is_none() || p.person.as_ref().map(|a| &a.id) == person.as_ref()
                    })
                    .filter(|p| from.is_none_or(|from| p.taken >= from))
                    .filter(|p| to.is_none_or(|to| p.taken < to))
                    .collect();
                let filter = Filter { camera: camera.clone(), person: person.clone(), from, to };
                let (mut found, mut before) = (Vec::new(), None);
                loop {
                    let query = Query { filter: filter.clone(), before, limit: 7 };
                    let page = store.list(query).await.unwrap();
                    found.extend(page.photos);
                    let Some(next) = page.next else { break };
                    before = Some(next.to_string().parse().unwrap());
                }
                assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
            }
        }
    }
}

pub(super) async fn days(store: &Store, filter: Filter, zone: &str) -> Vec<Day> {
    store.days(filter, TimeZone::get(zone).unwrap()).await.unwrap()
}

#[tokio::test]
async fn days_are_those_of_the_zone_that_asks() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for (n, quarter) in [0, 25, 44, 48, 52, 120].into_iter().enumerate() {
        let camera = ["pi/door", "pi/yard"][n % 2];
        add(&store, by(Some(camera), None, photo(n as u64, NOON + quarter * HOUR / 4))).await;
    }
    let brief = |days: Vec<Day>| -> Vec<(String, u64, u64)> {
        days.into_iter().map(|day| (day.day, day.count, day.cameras)).collect()
    };
    let day = |day: &str, count, cameras| (day.to_owned(), count, cameras);
    let utc = days(&store, Filter::default(), "UTC").await;
    assert_eq!(utc[1].start..utc[1].end, NOON + 12 * HOUR - DAY..NOON + 12 * HOUR);
    assert!((utc[1].aspect - 3.0 * 16.0 / 9.0).abs() < 0.01);
    assert_eq!(brief(utc), [day("2026-11-21", 3, 2), day("2026-11-20", 3, 2)]);
    let madrid = brief(days(&store, Filter::default(), "Europe/Madrid").await);
    assert_eq!(madrid, [day("2026-11-21", 4, 2), day("2026-11-20", 2, 2)]);
    let nepal = brief(days(&store, Filter::default(), "Asia/Kathmandu").await);
    assert_eq!(nepal, [day("2026-11-21", 5, 2), day("2026-11-20", 1, 1)]);
    let door = Filter { camera: Some("pi/door".parse().unwrap()), ..Filter::default() };
    assert_eq!(
        brief(days(&store, door, "UTC").await),
        [day("2026-11-21", 1, 1), day("2026-11-20", 2, 1)]
    );
    let late = Filter { from: Some(NOON + 13 * HOUR), ..Filter::default() };
    assert_eq!(brief(days(&store, late, "UTC").await), [day("2026-11-21", 2, 2)]);
    // Deleting the last photo of a camera removes it from the count.
    store.delete(&id(1)).await.unwrap();
    assert_eq!(brief(days(&store, Filter::default(), "UTC").await)[1], day("2026-11-20", 2, 1));
}

#[tokio::test]
async fn a_filled_index_is_one_as_the_store_makes_it() {
    let folder = TempDir::new().unwrap();
    fill(folder.path(), 1234).unwrap();
    assert!(matches!(fill(folder.path(), 1), Err(OpenError::Failed { .. })));
    let store = open(folder.path());
    let count = |days: Vec<Day>| days.into_iter().map(|day| day.count).sum::<u64>();
    assert_eq!(count(days(&store, Filter::default(), "UTC").await), 1234);
    let Sources { cameras, people } = store.sources().await.unwrap();
    for CameraSource { camera, count: known, .. } in cameras {
        let filter = Filter { camera: Some(camera), ..Filter::default() };
        assert_eq!(count(days(&store, filter.clone(), "Asia/Kathmandu").await), known);
        let page = store.list(Query { filter, before: None, limit: 500 }).await.unwrap();
        assert_eq!(page.photos.len() as u64, known);
    }
    assert_eq!(people.len(), 40);
}

proptest! {
    #[test]
    fn any_cursor_is_read_or_refused(text: String, taken: u64, random: u128) {
        let _ = text.parse::<Cursor>();
        let _ = format!("{taken:x}.{}", PhotoId::new(taken, random)).parse::<Cursor>().unwrap();
    }
}
