//! Who is here: people who join, leave and come back, at one gallery and at several.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_is_seen_by_all_and_by_the_broker() {
    let house = House::open().await;
    let mut listener = Listener::new(&house).await;
    let (mut ana, mut li) = (Page::open(&house).await, Page::open(&house).await);
    let you = ana.join("Ana", None).await;
    assert_eq!((you.id.as_str().len(), you.name.as_str()), (10, "Ana"));
    let seen = li.sees(|present| present.id == you.id).await;
    assert_eq!(seen.name, "Ana");
    let fact = listener.next(&Topic::Person(you.id.clone())).await;
    let fact = Person::parse(&fact).unwrap();
    assert_eq!((fact.name.as_str(), fact.since), ("Ana", seen.since));
    assert!(fact.gallery.is_some());
    // A late page sees who is there, and what happened.
    let mut late = Page::open(&house).await;
    late.sees(|present| present.id == you.id).await;
    late.line(|line| line.what == What::Joined && line.person.id == you.id).await;
    // Another name, and a farewell.
    ana.join("Ana Luz", None).await;
    li.line(|line| line.what == What::Renamed { before: "Ana".into() }).await;
    ana.say(&FromPage::Leave).await;
    li.misses(&you.id).await;
    assert_eq!(
        Person::parse(&listener.next(&Topic::Person(you.id.clone())).await).unwrap().name,
        "Ana Luz"
    );
    assert!(listener.next(&Topic::Person(you.id)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_are_one_person_who_leaves_with_the_last() {
    let house = House::open().await;
    let (mut one, mut li) = (Page::open(&house).await, Page::open(&house).await);
    let you = one.join("Ana", None).await;
    let mut two = Page::open(&house).await;
    assert_eq!(two.join("Ana", Some(&you)).await, you);
    li.sees(|present| present.id == you.id).await;
    drop(one);
    // Eva closes her page later and leaves, so by then Ana would have left as well.
    li.sees_another_leave(&house, &you.id).await;
    two.speak("still here").await;
    two.hears("still here").await;
    let mut told = Vec::new();
    loop {
        let message = li.told().await;
        let done = matches!(&message, ToPage::Talk { lines } if lines.iter().any(|l| matches!(&l.what, What::Said { .. })));
        told.push(message);
        if done {
            break;
        }
    }
    assert!(!told.iter().any(|m| matches!(m, ToPage::Presence { gone, .. } if !gone.is_empty())));
    drop(two);
    soon(li.misses(&you.id)).await;
    li.line(|line| line.what == What::Left { lost: false } && line.person.id == you.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_again_does_not_flicker() {
    let house = House::open().await;
    let (mut ana, mut li) = (Page::open(&house).await, Page::open(&house).await);
    let you = ana.join("Ana", None).await;
    li.sees(|present| present.id == you.id).await;
    drop(ana);
    let mut ana = Page::open(&house).await;
    assert_eq!(ana.join("Ana", Some(&you)).await, you);
    li.sees_another_leave(&house, &you.id).await;
    ana.speak("back").await;
    ana.hears("back").await;
    loop {
        match li.told().await {
            ToPage::Presence { gone, .. } => assert!(gone.is_empty()),
            ToPage::Talk { lines } => {
                let left = |line: &Line| matches!(line.what, What::Left { .. });
                assert!(!lines.iter().any(|line| left(line) && line.person.id == you.id));
                if lines.iter().any(|line| matches!(&line.what, What::Said { .. })) {
                    break;
                }
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_as_another() {
    let house = House::open().await;
    let (mut ana, mut eve) = (Page::open(&house).await, Page::open(&house).await);
    let you = ana.join("Ana", None).await;
    let forged = You { key: "0".repeat(64), ..you.clone() };
    let got = eve.join("Ana", Some(&forged)).await;
    assert_ne!((&got.id, &got.key), (&you.id, &you.key));
    // Nor with her own key.
    let mut eve = Page::open(&house).await;
    let mixed = You { key: got.key.clone(), ..you.clone() };
    assert_ne!(eve.join("Ana", Some(&mixed)).await.id, you.id);
    // Nor without a key.
    let mut eve = Page::open(&house).await;
    eve.say(&FromPage::Join { name: "Ana".into(), id: Some(you.id.clone()), key: None }).await;
    let id = eve.find(|told| if let ToPage::You { id, .. } = told { Some(id) } else { None }).await;
    assert_ne!(id, you.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_people_of_a_gallery_that_dies_are_gone_and_its_leftovers_cleared() {
    let house = House::open().await;
    let mut other = House::beside(&house).await;
    let (mut ana, mut li) = (Page::open(&house).await, Page::open(&other).await);
    let l = li.join("Li", None).await;
    ana.sees(|present| present.id == l.id).await;
    other.gallery.die();
    ana.misses(&l.id).await;
    ana.line(|line| line.what == What::Left { lost: true } && line.person.id == l.id).await;
    // Its leftovers are still at the broker, and are nobody for later pages.
    let mut listener = Listener::new(&house).await;
    assert!(!listener.next(&Topic::Person(l.id.clone())).await.is_empty());
    let third = House::beside(&house).await;
    let mut late = Page::open(&third).await;
    let you = late.join("Zoe", None).await;
    let here = late.find(|told| match told {
        ToPage::Presence { here, .. } if here.iter().any(|p| p.id == you.id) => Some(here),
        _ => None,
    });
    assert!(here.await.iter().all(|present| present.id != l.id));
    // It clears them itself when it starts again.
    other.start().await;
    assert!(listener.next(&Topic::Person(l.id)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_lost_and_found_is_told_everybody_again() {
    let mut house = House::open().await;
    let mut page = Page::open(&house).await;
    let you = page.join("Ana", None).await;
    house.broker.stop().await;
    page.find(|told| match told {
        ToPage::Notice { notices } => (!notices.is_empty()).then_some(()),
        _ => None,
    })
    .await;
    page.speak("lost").await;
    assert!(page.held().await.2.contains("cannot reach the broker"));
    let (_, back) = broker(&house.broker_address.to_string()).await;
    house.broker = back;
    let mut listener = Listener::new(&house).await;
    listener.next(&Topic::Person(you.id)).await;
    loop {
        page.speak("found").await;
        if let ToPage::Talk { .. } = page.told().await {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_here_can_be_asked_for() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let you = page.join("Ana", None).await;
    let (status, _, body) = crate::client::get(&house, "/api/people").await;
    assert_eq!(status, 200);
    let people: Vec<Present> = serde_json::from_slice(&body).unwrap();
    assert_eq!(people[0].id, you.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_watches_nothing_is_spoken_to_again_and_again() {
    let house = House::open().await;
    for path in ["/ws", "/ws?camera"] {
        let mut page = Page::open_at(&house, path).await;
        let alive = |told: ToPage| match told {
            ToPage::Alive { now } => Some(now),
            _ => None,
        };
        let (first, second) = (page.find(alive).await, page.find(alive).await);
        let passed = second - first;
        assert!(first > 1_700_000_000_000, "it tells the gallery's time, {first}");
        assert!(passed + 100 >= ALIVE_MS, "nothing more is said than is needed: after {passed} ms");
    }
}
