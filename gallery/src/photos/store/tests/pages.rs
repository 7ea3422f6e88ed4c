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
                let filter = Filter {
                    seen: Cameras::ALL,
                    camera: camera.clone(),
                    person: person.clone(),
                    from,
                    to,
                    words: None,
                };
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
async fn what_is_brought_hides_no_camera_of_the_same_quarter() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for (n, camera) in [Some("pi/door"), None, Some("pi/yard"), None].into_iter().enumerate() {
        add(&store, by(camera, None, photo(n as u64, NOON))).await;
    }
    let day = days(&store, Filter::default(), "UTC").await.remove(0);
    assert_eq!((day.count, day.cameras), (4, 2));
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

fn of(words: &str) -> Filter {
    Filter { words: Some(words.parse().unwrap()), ..Filter::default() }
}

async fn caption(store: &Store, n: u64, caption: &str) {
    let caption = Some(caption.to_owned());
    store.change(&id(n), Change { caption, pinned: None }).await.unwrap();
}

#[tokio::test]
async fn a_word_is_found_in_captions_and_in_the_names_of_cameras_and_people() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for n in 0..40 {
        let camera = [None, Some("pi/harbour"), Some("pi/yard")][n as usize % 3];
        let person = [None, Some("harpa"), None, Some("luis")][n as usize % 4];
        add(&store, by(camera, person, photo(n, NOON + n * HOUR))).await;
    }
    caption(&store, 3, "First HÁRvest from the patio").await;
    caption(&store, 6, "100 % of '; it_").await;
    let all = all(&store).await;
    for words in [
        "har",
        "HARVEST",
        "first harpa",
        "patio har",
        "luis",
        "name yard",
        "%",
        "_",
        "'",
        ";",
        "\0",
        "pi/yard",
        "nothing",
        "'; DROP TABLE photos; --",
        "\u{301}",
        "100%",
        "é",
    ] {
        let filter = of(words);
        let rule = filter.words.clone().unwrap();
        let texts = |photo: &Photo| {
            let camera = photo.camera.as_ref().map_or_else(String::new, ToString::to_string);
            let person = photo.person.as_ref().map_or("", |person| &*person.name);
            format!("{}\n{}\n{}\n{}", photo.caption, camera, photo.camera_name, person)
        };
        let expected: Vec<&Photo> = all.iter().filter(|photo| rule.are_in(&texts(photo))).collect();
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let query = Query { filter: filter.clone(), before, limit: 3 };
            let page = store.list(query).await.unwrap();
            found.extend(page.photos);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{words}");
        let counted = days(&store, filter, "Asia/Kathmandu").await;
        let every = days(&store, Filter::default(), "Asia/Kathmandu").await;
        let sum: u64 = counted.iter().map(|day| day.count).sum();
        assert_eq!(sum, expected.len() as u64, "{words}");
        for day in counted {
            let whole = every.iter().find(|other| other.day == day.day).unwrap();
            assert_eq!((day.of, day.start, day.end), (Some(whole.count), whole.start, whole.end));
            let here = expected.iter().filter(|photo| (day.start..day.end).contains(&photo.taken));
            assert_eq!(here.clone().count() as u64, day.count);
            let cameras: std::collections::HashSet<_> =
                here.filter_map(|photo| photo.camera.as_ref()).collect();
            assert_eq!(cameras.len() as u64, day.cameras);
            assert!((day.aspect - day.count as f64 * 16.0 / 9.0).abs() < 0.01);
        }
    }
}

#[tokio::test]
async fn words_and_other_filters_hold_together() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for n in 0..12 {
        let camera = ["pi/harbour", "pi/yard"][n as usize % 2];
        add(&store, by(Some(camera), Some("ana"), photo(n, NOON + n))).await;
    }
    let filter = Filter {
        camera: Some("pi/harbour".parse().unwrap()),
        person: Some("ana".parse().unwrap()),
        from: Some(NOON + 2),
        to: Some(NOON + 9),
        ..of("har ana")
    };
    let query = Query { filter: filter.clone(), before: None, limit: 100 };
    let found = store.list(query).await.unwrap().photos;
    let times: Vec<u64> = found.iter().map(|photo| photo.taken - NOON).collect();
    assert_eq!(times, [8, 6, 4, 2]);
    assert_eq!(days(&store, filter.clone(), "UTC").await[0].count, 4);
    let nobody = Filter { person: Some("nobody".parse().unwrap()), ..filter };
    assert_eq!(days(&store, nobody, "UTC").await, []);
}

#[tokio::test]
async fn what_has_a_word_is_offered_with_its_photos() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    for n in 0..9 {
        let camera = ["pi/harbour", "pi/yard", "har/door"][n as usize % 3];
        add(&store, by(Some(camera), Some(["harpa", "luis"][n as usize % 2]), photo(n, NOON + n)))
            .await;
    }
    caption(&store, 1, "Harvest").await;
    caption(&store, 4, "Harvest").await;
    caption(&store, 3, "The har\nbour").await;
    caption(&store, 5, "Nothing").await;
    let found = store.found(of("HÁR")).await.unwrap();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "captions": [
                {"caption": "Harvest", "parts": ["", "Har", "vest"], "count": 2},
                {"caption": "The har\nbour", "parts": ["The ", "har", "\nbour"], "count": 1},
            ],
            "cameras": [
                {"camera": "har/door", "parts": ["", "har", "/door"], "count": 3},
                {"camera": "pi/harbour", "parts": ["pi/", "har", "bour"], "count": 3},
            ],
            "people": [{"id": "harpa", "parts": ["Name of ", "har", "pa"], "count": 5}],
        })
    );
    assert_eq!(store.found(Filter::default()).await.unwrap(), Default::default());
}

#[tokio::test]
async fn a_camera_is_found_by_the_title_that_it_has_now() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    add(&store, by(Some("pi/yard"), None, photo(1, NOON))).await;
    store.roll().note(&"pi/yard".parse().unwrap(), "Pátio");
    let query = Query { filter: of("patio"), before: None, limit: 9 };
    assert_eq!(store.list(query).await.unwrap().photos[0].camera_name, "Pátio");
    let found = store.found(of("patio")).await.unwrap();
    assert_eq!(found.cameras[0].parts, ["", "Pátio", ""]);
    assert_eq!(days(&store, of("patio"), "UTC").await[0].count, 1);
    assert_eq!(store.these(vec![id(1)]).await.unwrap()[0].camera_name, "Pátio");
}

#[tokio::test]
async fn looking_for_a_word_does_not_hold_up_who_looks_for_none() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    add(&store, photo(1, NOON)).await;
    // The one thread that looks for words is busy until it is let go.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let busy = store.clone();
    let busy = tokio::spawn(async move {
        let searchers = &busy.shared.searchers;
        searchers.run(move |_| wait.recv().map_err(|_| StoreError::Closed)).await
    });
    let look = tokio::spawn({
        let store = store.clone();
        async move { store.found(of("front")).await }
    });
    assert_eq!(all(&store).await.len(), 1);
    assert!(!look.is_finished());
    go.send(()).unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(look.await.unwrap().unwrap().cameras.len(), 1);
}
