//! The talk: lines from pages and from the broker, held back, received once, and stored.

use super::*;

fn id(n: u64) -> PhotoId {
    PhotoId::new(n, 7)
}

impl Page {
    async fn speak_as(&mut self, id: &PhotoId, text: &str) {
        self.say(&FromPage::Say { text: text.into(), id: Some(id.clone()) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_at_once_has_joined_before() {
    let house = House::open().await;
    let mut reader = Page::open(&house).await;
    reader.join("Li", None).await;
    reader.speak("the broker is there").await;
    reader.hears("the broker is there").await;
    let mut ana = Page::open(&house).await;
    ana.say(&FromPage::Join { name: "Ana".into(), id: None, key: None }).await;
    ana.say(&FromPage::Say { text: "Hello".into(), id: None }).await;
    let mut heard: Vec<Line> = Vec::new();
    while !heard.iter().any(|line| matches!(line.what, What::Said { .. })) {
        if let ToPage::Talk { lines } = reader.told().await {
            heard.extend(lines);
        }
    }
    assert_eq!(heard[0].what, What::Joined, "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_texts_are_refused_or_made_fit_to_be_shown() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    for bad in ["x".repeat(10_000), " \u{200b}\u{202e} ".into(), String::new()] {
        page.say(&FromPage::Join { name: bad.clone(), id: None, key: None }).await;
        let (text, seconds, why) = page.held().await;
        assert_eq!((text, seconds), (bad, None));
        assert!(why.contains("1 to 40"), "{why}");
    }
    page.speak("nobody").await;
    assert!(page.held().await.2.contains("join first"));
    let you = page.join("<b>A\u{202e}na\u{200b}</b>", None).await;
    assert_eq!(you.name, "<b>Ana</b>", "shown as text, without what is not seen");
    page.speak("<script>\u{2066}alert(1)</script>\u{0}").await;
    page.hears("<script>alert(1)</script>").await;
    page.speak(&"x".repeat(2001)).await;
    assert!(page.held().await.2.contains("1 to 2000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_messages_at_once_are_held_back() {
    let house = House::open().await;
    let (mut eve, mut li) = (Page::open(&house).await, Page::open(&house).await);
    eve.join("Eve", None).await;
    li.join("Li", None).await;
    li.speak("the broker is there").await;
    li.hears("the broker is there").await;
    for n in 0..100 {
        eve.speak(&format!("{n}")).await;
    }
    let mut held = 0;
    let mut last = None;
    while last.as_deref() != Some("99") {
        let (text, seconds, why) = eve.held().await;
        assert!(seconds.is_some_and(|s| s > 0.0 && s < 60.0) && why.contains("at once"), "{why}");
        held += 1;
        last = Some(text);
    }
    assert!(held >= 80, "{held} were held back");
    // Others go on.
    li.speak("and I").await;
    eve.hears("and I").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_there_for_who_comes_later_and_after_a_restart() {
    let mut house = House::open().await;
    let mut page = Page::open(&house).await;
    let you = page.join("Ana", None).await;
    page.speak("#camera/pi/door is dark").await;
    let line = page.hears("#camera/pi/door is dark").await;
    let mut late = Page::open(&house).await;
    assert_eq!(late.hears("#camera/pi/door is dark").await, line);
    house.restart().await;
    let mut page = Page::open(&house).await;
    assert_eq!(page.hears("#camera/pi/door is dark").await, line);
    assert_eq!(page.join("Ana", Some(&you)).await, you, "the key is good after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_galleries_at_one_broker_are_one_room() {
    let house = House::open().await;
    let other = House::beside(&house).await;
    let (mut ana, mut li) = (Page::open(&house).await, Page::open(&other).await);
    let (a, l) = (ana.join("Ana", None).await, li.join("Li", None).await);
    ana.sees(|present| present.id == l.id).await;
    li.sees(|present| present.id == a.id).await;
    li.line(|line| line.what == What::Joined && line.person.id == a.id).await;
    ana.speak("from one").await;
    assert_eq!(li.hears("from one").await.person.id, a.id);
    li.speak("from the other").await;
    assert_eq!(ana.hears("from the other").await.person.name, "Li");
    // One gallery's keys are of no use at another.
    let mut eve = Page::open(&other).await;
    assert_ne!(eve.join("Ana", Some(&a)).await.id, a.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_at_the_broker_is_in_the_same_room() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let listener = Listener::new(&house).await;
    let id: PersonId = "terminal".parse().unwrap();
    let person = Person { name: "Zoe\u{202e}".into(), since: 1, gallery: None };
    let say = Say { id: PhotoId::new(1, 1), at: 1, text: "hello\u{0}".into() };
    // A person who is not here cannot say anything.
    listener.tell(&Topic::Say(id.clone()), &say.to_json(), false).await;
    listener.tell(&Topic::Person(id.clone()), &person.to_json(), true).await;
    assert_eq!(page.sees(|present| present.id == id).await.name, "Zoe");
    listener.tell(&Topic::Say(id.clone()), &say.to_json(), false).await;
    assert_eq!(page.hears("hello").await.person.name, "Zoe");
    listener.tell(&Topic::Person(id.clone()), "", true).await;
    page.misses(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_twice_under_one_id_is_there_once_and_known_again_after_a_restart() {
    let mut house = House::open().await;
    let mut ana = Page::open(&house).await;
    let you = ana.join("Ana", None).await;
    ana.speak("the broker is there").await;
    ana.hears("the broker is there").await;
    for _ in 0..3 {
        ana.speak_as(&id(1), "once").await;
    }
    assert_eq!(ana.hears("once").await.id, id(1), "a line has the id of its sayer");
    ana.speak_as(&id(1), "once").await;
    ana.speak_as(&id(2), "after it").await;
    let mut told = 0;
    let said = |told: ToPage| match told {
        ToPage::Said { id } => Some(Some(id)),
        ToPage::Talk { lines } if lines.iter().any(|line| line.id == id(2)) => Some(None),
        ToPage::Talk { lines } if lines.iter().any(|line| line.id == id(1)) => panic!("twice"),
        _ => None,
    };
    while let Some(known) = ana.find(said).await {
        assert_eq!(known, id(1));
        told += 1;
    }
    assert!(told >= 1, "who says it again is told that it was said");
    house.restart().await;
    let mut ana = Page::open(&house).await;
    ana.join("Ana", Some(&you)).await;
    ana.speak_as(&id(1), "once").await;
    let known = |told: ToPage| match told {
        ToPage::Said { id } => Some(id),
        ToPage::Held { why, .. } => panic!("{why}"),
        _ => None,
    };
    assert_eq!(ana.find(known).await, id(1), "also when the broker cannot be reached");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_tells_under_which_id_it_was_said() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let held = |told: ToPage| match told {
        ToPage::Held { id, seconds, .. } => Some((id, seconds)),
        _ => None,
    };
    page.speak_as(&id(1), "nobody says this").await;
    assert_eq!(page.find(held).await, (Some(id(1)), None));
    page.join("Ana", None).await;
    page.speak_as(&id(2), "\u{200b}").await;
    assert_eq!(page.find(held).await, (Some(id(2)), None));
}
