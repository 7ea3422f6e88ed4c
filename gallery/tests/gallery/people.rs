//! People: joining, talking, and the cameras that pages show.

use std::time::Duration;

use futures_util::SinkExt;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS, SubscribeFilter};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wire::page::{ALIVE_MS, FromPage, ToPage};
use wire::people::{Line, Person, Present, Say, What};
use wire::{CameraId, CameraState, PersonId, PhotoId, Root, Stamp, Topic};

use crate::house::{House, Page, broker, soon};

/// Who a page is.
#[derive(Debug, Clone, PartialEq)]
struct You {
    id: PersonId,
    key: String,
    name: String,
}

impl Page {
    /// Waits for a message in which something `is` found.
    async fn find<T>(&mut self, is: impl Fn(ToPage) -> Option<T>) -> T {
        loop {
            if let Some(found) = is(self.told().await) {
                return found;
            }
        }
    }

    async fn join(&mut self, name: &str, you: Option<&You>) -> You {
        let (id, key) = (you.map(|you| you.id.clone()), you.map(|you| you.key.clone()));
        self.say(&FromPage::Join { name: name.into(), id, key }).await;
        self.find(|told| match told {
            ToPage::You { id, key, name } => Some(You { id, key, name }),
            ToPage::Held { why, .. } => panic!("held: {why}"),
            _ => None,
        })
        .await
    }

    /// Waits until somebody is here, at the beginning or later.
    async fn sees(&mut self, is: impl Fn(&Present) -> bool) -> Present {
        self.find(|told| match told {
            ToPage::People { people: here } | ToPage::Presence { here, .. } => {
                here.into_iter().find(&is)
            }
            _ => None,
        })
        .await
    }

    /// Opens a page for Eva, closes it, and waits until she has left. `stays` does not leave.
    async fn sees_another_leave(&mut self, house: &House, stays: &PersonId) {
        let mut page = Page::open(house).await;
        let eva = page.join("Eva", None).await.id;
        drop(page);
        self.find(|told| match told {
            ToPage::Presence { gone, .. } => {
                assert!(!gone.contains(stays), "{gone:?}");
                gone.contains(&eva).then_some(())
            }
            _ => None,
        })
        .await;
    }

    async fn misses(&mut self, person: &PersonId) {
        self.find(|told| match told {
            ToPage::Presence { gone, .. } => gone.contains(person).then_some(()),
            ToPage::People { people } => people.iter().all(|p| p.id != *person).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn line(&mut self, is: impl Fn(&Line) -> bool) -> Line {
        self.find(|told| match told {
            ToPage::Talk { lines } => lines.into_iter().find(&is),
            _ => None,
        })
        .await
    }

    /// Waits until something was said. What this page said before its gallery had found the broker
    /// is said again.
    async fn hears(&mut self, text: &str) -> Line {
        let is = |line: &Line| matches!(&line.what, What::Said { text: said } if said == text);
        loop {
            match self.told().await {
                ToPage::Talk { lines } => {
                    if let Some(line) = lines.into_iter().find(is) {
                        return line;
                    }
                }
                ToPage::Held { text, why, .. } if why.contains("cannot reach the broker") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    self.speak(&text).await;
                }
                _ => {}
            }
        }
    }

    /// What is held back of what the page says, in how many seconds it may be said, and why.
    async fn held(&mut self) -> (String, Option<f32>, String) {
        self.find(|told| match told {
            ToPage::Held { text, seconds, why, .. } => Some((text, seconds, why)),
            _ => None,
        })
        .await
    }

    async fn speak(&mut self, text: &str) {
        self.say(&FromPage::Say { text: text.into(), id: None }).await;
    }

    async fn share(&mut self) {
        let size = "64x48".parse().unwrap();
        self.say(&FromPage::Share { name: "Ana's phone".into(), size }).await;
    }

    /// Sends a frame of the page's own camera.
    async fn show(&mut self, seq: u32, size: u16, age: f32, jpeg: &[u8]) {
        let mut frame = seq.to_le_bytes().to_vec();
        frame.extend(size.to_le_bytes());
        frame.extend([0, 0]);
        frame.extend(age.to_le_bytes());
        frame.extend(jpeg);
        self.socket.send(Message::Binary(frame.into())).await.unwrap();
    }
}

/// Somebody at the broker.
struct Listener {
    client: AsyncClient,
    heard: mpsc::UnboundedReceiver<(Topic, Vec<u8>, bool)>,
}

impl Listener {
    async fn new(house: &House) -> Listener {
        let mut options = MqttOptions::new("listener", "127.0.0.1", house.broker_address.port());
        options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
        let (client, mut events) = AsyncClient::new(options, 100);
        let (told, heard) = mpsc::unbounded_channel();
        let (subscribed, is_subscribed) = oneshot::channel();
        let mut subscribed = Some(subscribed);
        tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                if let Event::Incoming(Incoming::SubAck(_)) = event {
                    subscribed.take().map(|subscribed| subscribed.send(()));
                }
                if let Event::Incoming(Incoming::Publish(publish)) = event
                    && let Ok(topic) = Topic::parse(&Root::default(), &publish.topic)
                    && told.send((topic, publish.payload.to_vec(), publish.retain)).is_err()
                {
                    return;
                }
            }
        });
        let filters = ["vitrina/people/#", "vitrina/+/+/state", "vitrina/+/info"]
            .map(|filter| SubscribeFilter::new(filter.to_owned(), QoS::AtLeastOnce));
        client.subscribe_many(filters).await.unwrap();
        soon(is_subscribed).await.unwrap();
        Listener { client, heard }
    }

    async fn next(&mut self, topic: &Topic) -> Vec<u8> {
        loop {
            let (heard, payload, _) = soon(self.heard.recv()).await.unwrap();
            if heard == *topic {
                return payload;
            }
        }
    }

    async fn tell(&self, topic: &Topic, payload: &str, retain: bool) {
        let topic = topic.under(&Root::default()).to_string();
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
    }
}

fn jpeg() -> Vec<u8> {
    Stamp::remove(include_bytes!("../../../wire/golden/stamped.jpg")).unwrap()
}

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
    // Who comes later sees who is there, and what happened.
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
    // Nor with a key of their own.
    let mut eve = Page::open(&house).await;
    let mixed = You { key: got.key.clone(), ..you.clone() };
    assert_ne!(eve.join("Ana", Some(&mixed)).await.id, you.id);
    // Nor without any.
    let mut eve = Page::open(&house).await;
    eve.say(&FromPage::Join { name: "Ana".into(), id: Some(you.id.clone()), key: None }).await;
    let id = eve.find(|told| if let ToPage::You { id, .. } = told { Some(id) } else { None }).await;
    assert_ne!(id, you.id);
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
    // The keys of one are of no use at the other.
    let mut eve = Page::open(&other).await;
    assert_ne!(eve.join("Ana", Some(&a)).await.id, a.id);
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
    // What it left behind is still at the broker, and is nobody for who comes later.
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
    // It clears that itself when it is started again.
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
async fn a_terminal_at_the_broker_is_in_the_same_room() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let listener = Listener::new(&house).await;
    let id: PersonId = "terminal".parse().unwrap();
    let person = Person { name: "Zoe\u{202e}".into(), since: 1, gallery: None };
    let say = Say { id: PhotoId::new(1, 1), at: 1, text: "hello\u{0}".into() };
    // One who is not here cannot say anything.
    listener.tell(&Topic::Say(id.clone()), &say.to_json(), false).await;
    listener.tell(&Topic::Person(id.clone()), &person.to_json(), true).await;
    assert_eq!(page.sees(|present| present.id == id).await.name, "Zoe");
    listener.tell(&Topic::Say(id.clone()), &say.to_json(), false).await;
    assert_eq!(page.hears("hello").await.person.name, "Zoe");
    listener.tell(&Topic::Person(id.clone()), "", true).await;
    page.misses(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_its_camera_to_the_others() {
    let house = House::open().await;
    let mut listener = Listener::new(&house).await;
    let (mut ana, mut li) = (Page::open_at(&house, "/ws?camera").await, Page::open(&house).await);
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    let seen = li.camera(|found| found.camera == camera && found.state == CameraState::Idle).await;
    assert_eq!((seen.name.as_str(), seen.kind), ("Ana's phone", wire::Kind::Browser));
    li.sees(|present| present.camera.as_ref() == Some(&camera)).await;
    // The preview, while nobody looks.
    let wanted = |told| match told {
        ToPage::Wanted { full, preview, .. } => Some((full, preview)),
        _ => None,
    };
    assert_eq!(ana.find(wanted).await, (0.0, 1.0));
    ana.show(1, 3, 10.0, &jpeg()).await;
    let got = |told| if let ToPage::Got { seq } = told { Some(seq) } else { None };
    assert_eq!(ana.find(got).await, 1);
    // Somebody looks.
    li.watch(&camera, 30.0).await;
    loop {
        let ToPage::Wanted { full, half, quarter, .. } = ana.told().await else { continue };
        if full + half + quarter >= 30.0 {
            break;
        }
    }
    li.camera(|found| found.camera == camera && found.state == CameraState::Live).await;
    for seq in 2..200 {
        for size in 0..3 {
            ana.show(seq, size, 40.0, &jpeg()).await;
            assert_eq!(ana.find(got).await, seq);
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        if li.frames_so_far().await > 0 {
            break;
        }
    }
    let (header, _) = li.frame().await;
    li.answer([header.serial]).await;
    let age = header.sent - header.captured;
    assert!((9.0..20_000.0).contains(&age), "{age}");
    // Shown no more: marked as ended, then gone with all its facts.
    ana.say(&FromPage::Unshare).await;
    let off = li.camera(|found| found.camera == camera && found.state == CameraState::Off).await;
    assert_eq!(off.detail, "Ana stopped showing");
    ana.show(300, 0, 0.0, &jpeg()).await;
    assert!(ana.closed().await.1.contains("no camera"), "frames after the end");
    loop {
        if let ToPage::Cameras { cameras, .. } = li.told().await
            && cameras.is_empty()
        {
            break;
        }
    }
    while !listener.next(&Topic::State(camera.clone())).await.is_empty() {}
    while !listener.next(&Topic::Info(camera.node.clone())).await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cameras_that_a_dead_gallery_spoke_for_are_gone_and_cleared() {
    let house = House::open().await;
    let mut other = House::beside(&house).await;
    let (mut li, mut ana) = (Page::open(&house).await, Page::open_at(&other, "/ws?camera").await);
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    li.camera(|found| found.camera == camera).await;
    other.gallery.die();
    loop {
        if let ToPage::Cameras { cameras, .. } = li.told().await
            && cameras.is_empty()
        {
            break;
        }
    }
    let mut listener = Listener::new(&house).await;
    other.start().await;
    while !listener.next(&Topic::State(camera.clone())).await.is_empty() {}
    while !listener.next(&Topic::Info(camera.node.clone())).await.is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_shown_only_by_who_joined_and_only_as_pictures() {
    let house = House::open().await;
    // Nobody joined.
    let mut page = Page::open_at(&house, "/ws?camera").await;
    page.share().await;
    assert!(page.closed().await.1.contains("join before"));
    // Not on the page's usual socket.
    let mut page = Page::open(&house).await;
    page.join("Ana", None).await;
    page.share().await;
    assert!(page.closed().await.1.contains("/ws?camera"));
    // A frame without a camera, small and large.
    for size in [100, 100_000] {
        let mut page = Page::open_at(&house, "/ws?camera").await;
        page.join("Ana", None).await;
        page.show(1, 0, 0.0, &vec![7; size]).await;
        let (code, reason) = page.closed().await;
        assert!([1008, 1009].contains(&code), "{code} {reason}");
    }
    // Rubbish, a picture without its end, and one of no size.
    let jpeg = jpeg();
    for bad in [vec![7; 100_000], jpeg[..jpeg.len() - 2].to_vec(), b"\xff\xd8\xff\xd9".to_vec()] {
        let mut page = Page::open_at(&house, "/ws?camera").await;
        page.join("Ana", None).await;
        page.share().await;
        page.show(5, 0, 0.0, &bad).await;
        let (code, reason) = page.closed().await;
        assert!(code == 1008 && reason.contains("frame 5"), "{code} {reason}");
    }
    // An endless message.
    let mut page = Page::open_at(&house, "/ws?camera").await;
    page.join("Ana", None).await;
    page.share().await;
    let piece = Bytes::from(vec![7; 1024 * 1024]);
    let mut pieces = 0;
    loop {
        let opcode = OpCode::Data(if pieces == 0 { Data::Binary } else { Data::Continue });
        let frame = Frame::message(piece.clone(), opcode, false);
        if soon(page.socket.send(Message::Frame(frame))).await.is_err() {
            break;
        }
        pieces += 1;
        assert!(pieces < 100, "it goes on for ever");
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

fn id(n: u64) -> PhotoId {
    PhotoId::new(n, 7)
}

impl Page {
    async fn speak_as(&mut self, id: &PhotoId, text: &str) {
        self.say(&FromPage::Say { text: text.into(), id: Some(id.clone()) }).await;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_camera_is_told_how_many_look() {
    let house = House::open().await;
    let mut ana = Page::open_at(&house, "/ws?camera").await;
    let you = ana.join("Ana", None).await;
    ana.share().await;
    let looking = |n: u32| {
        move |told: ToPage| match told {
            ToPage::Wanted { looking, .. } => (looking == n).then_some(()),
            _ => None,
        }
    };
    ana.find(looking(0)).await;
    let camera: CameraId = format!("web-{}/camera", you.id).parse().unwrap();
    let (mut li, mut bo) = (Page::open(&house).await, Page::open(&house).await);
    li.camera(|shown| shown.camera == camera).await;
    li.watch(&camera, 10.0).await;
    ana.find(looking(1)).await;
    bo.camera(|shown| shown.camera == camera).await;
    bo.watch(&camera, 1.0).await;
    ana.find(looking(2)).await;
    li.say(&FromPage::Pause).await;
    ana.find(looking(1)).await;
    drop(bo);
    ana.find(looking(0)).await;
}
