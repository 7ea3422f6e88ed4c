//! The page's WebSocket.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use wire::page::{FromPage, GalleryReason, NoticeCode, Tile, ToPage, Why};
use wire::{CameraState, Kind};

use crate::house::{House, Node, Page, broker, picture, soon};

#[tokio::test(flavor = "multi_thread")]
async fn facts_become_the_wall() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    // They come at the beginning, in any order, among others.
    let (mut no_camera, mut all_well) = (false, false);
    while !(no_camera && all_well) {
        match page.told().await {
            ToPage::Cameras { cameras, .. } => no_camera = cameras.is_empty(),
            ToPage::Notice { notices } => all_well = notices.is_empty(),
            _ => {}
        }
    }
    let mut node = Node::connect(house.broker_address, "workshop/bench").await;
    node.facts().await;
    let camera = page.camera(|c| c.state == CameraState::Live).await;
    assert_eq!(
        (camera.camera.to_string().as_str(), camera.name.as_str()),
        ("workshop/bench", "Bench")
    );
    assert_eq!(camera.kind, Kind::Test);
    node.state("error", r#","reason":"busy","detail":"taken by obs","by":"obs""#).await;
    let camera = page.camera(|c| c.state == CameraState::Error).await;
    assert_eq!((camera.by.as_deref(), camera.detail.as_str()), (Some("obs"), "taken by obs"));
    node.state("off", "").await;
    page.camera(|c| c.state == CameraState::Off && c.reason.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_measures_is_told_what_it_gets() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    page.say(&FromPage::Measure { on: true }).await;
    node.want(|want| want.full == Some(60.0)).await;
    for _ in 0..10 {
        let seq = node.frame(0).await;
        page.until(seq).await;
    }
    let told = loop {
        match page.told().await {
            ToPage::Measured { tiles } if !tiles.is_empty() => break tiles,
            _ => {}
        }
    };
    assert_eq!((told.len(), told[0].tile), (1, 5));
    assert!(told[0].fps > 0.0 && told[0].answer > 0.0, "{told:?}");
    assert_eq!((told[0].capture, told[0].node), (Some(0.2), Some(0.1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_reaches_the_page_as_it_was() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 30.0).await;
    let want = node.want(|want| want.full == Some(30.0)).await;
    assert!(want.by.starts_with("gallery-"), "{want:?}");
    let seq = node.frame(0).await;
    let (header, jpeg) = page.frame().await;
    assert_eq!((header.tile, header.seq), (5, seq));
    assert_eq!(jpeg, node.last);
    assert_eq!(header.flags, wire::frame::CLOCK_UNKNOWN, "its clock was heard once");
    assert!(header.captured <= header.sent && header.sent - header.captured < 60_000.0);
    page.answer([header.serial]).await;
    for _ in 0..3 {
        let seq = node.frame(0).await;
        page.until(seq).await;
    }
    let seq = node.frame(0).await;
    assert_eq!(page.until(seq).await.0.flags & wire::frame::CLOCK_UNKNOWN, 0, "it is known");
    // The wants are repeated, and end with the last viewer.
    node.want(|want| want.full == Some(30.0)).await;
    drop(page);
    node.want(|want| want.full == Some(0.0) && want.seconds == Some(0.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_frame_waits_for_an_answer_and_is_the_newest() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    let mut other = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    other.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    // The first answer shows the link's rate; then two frames may be unanswered.
    let first = node.frame(0).await;
    page.until(first).await;
    other.until(first).await;
    let mut last = 0;
    for _ in 0..20 {
        last = node.frame(0).await;
        other.until(last).await;
    }
    assert_eq!(page.frames_so_far().await, 2);
    let (header, _) = page.frame().await;
    let (second, _) = page.frame().await;
    page.answer([header.serial]).await;
    let (third, _) = page.frame().await;
    assert_eq!(third.seq, last, "what came meanwhile is not sent");
    // One message may answer both.
    page.answer([second.serial, third.serial]).await;
    for _ in 0..2 {
        let seq = node.frame(0).await;
        assert_eq!(page.frame().await.0.seq, seq);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_get_the_same_picture_whole() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        let mut page = Page::open(&house).await;
        page.watch(&node.camera, 30.0).await;
        pages.push(page);
    }
    node.want(|want| want.full == Some(30.0)).await;
    // More than a socket's buffer takes at once.
    for size in [0, 60_000, 900_000] {
        let seq = node.frame(size).await;
        for page in &mut pages {
            assert_eq!(page.until(seq).await.1, node.last);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn among_many_a_camera_in_two_tiles_is_two_frames_with_a_serial_each() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut pages = Vec::new();
    for n in 0..20 {
        let mut page = Page::open(&house).await;
        let tile = |tile| Tile { tile, camera: node.camera.clone(), width: 640, fps: 60.0 };
        page.say(&FromPage::Watch { tiles: vec![tile(5), tile(6)] }).await;
        page.say(&FromPage::Measure { on: n % 3 == 0 }).await;
        pages.push(page);
    }
    node.want(|want| want.full == Some(60.0)).await;
    let first = node.frame(60_000).await;
    for page in &mut pages {
        // So that the link is known to carry two.
        page.until(first).await;
        page.until(first).await;
    }
    for _ in 0..10 {
        let seq = node.frame(60_000).await;
        for page in &mut pages {
            let mut both = Vec::new();
            while both.len() < 2 {
                let (header, jpeg) = page.frame().await;
                assert_eq!((header.seq, &jpeg[..]), (seq, &node.last[..]));
                both.push((header.tile, header.serial));
            }
            both.sort_unstable();
            assert_eq!((both[0].0, both[1].0), (5, 6));
            assert_ne!(both[0].1, both[1].1);
            page.answer(both.iter().map(|(_, serial)| *serial)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_page_wants_nothing_and_is_shown_the_newest_on_its_return() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    page.say(&FromPage::Pause).await;
    node.want(|want| want.full == Some(0.0)).await;
    let seq = node.preview().await;
    // Another page shows that the gallery has it.
    let mut other = Page::open(&house).await;
    other.watch(&node.camera, 1.0).await;
    other.until(seq).await;
    assert_eq!(page.frames_so_far().await, 0);
    page.say(&FromPage::Resume).await;
    assert_eq!(page.frame().await.0.seq, seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_costs_nobody_a_frame() {
    const SIZE: usize = 300_000;
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut stalled = Page::open(&house).await;
    let mut page = Page::open(&house).await;
    stalled.watch(&node.camera, 60.0).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    let mut last = 0;
    for _ in 0..40 {
        last = node.frame(SIZE).await;
        page.until(last).await;
    }
    // Never more than two frames were on the way to the page that did not read.
    assert!(stalled.frames_so_far().await <= 2);
    stalled.until(last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_is_offline() {
    let (house, node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.camera(|c| c.state == CameraState::Live).await;
    node.die();
    let camera = page.camera(|c| c.state == CameraState::Lost).await;
    assert_eq!(camera.reason, Some(Why::Gallery(GalleryReason::NodeOffline)));
    assert_eq!(camera.detail, "pi is offline");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_broker_is_told_and_found_again() {
    let (mut house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    let lost = |told: &ToPage, lost: bool| match told {
        ToPage::Notice { notices } => {
            notices.iter().any(|notice| notice.code == NoticeCode::BrokerLost) == lost
        }
        _ => false,
    };
    while !lost(&page.told().await, false) {}
    house.broker.stop().await;
    while !lost(&page.told().await, true) {}
    assert_eq!(house.health.check(), Ok(()), "trying again is progress");
    let (_, back) = broker(&house.broker_address.to_string()).await;
    house.broker = back;
    while !lost(&page.told().await, false) {}
    // The node comes back too, and frames flow to the waiting page.
    let mut node = Node::connect(house.broker_address, "pi/door").await;
    node.facts().await;
    node.want(|want| want.full == Some(60.0)).await;
    let seq = node.frame(0).await;
    page.until(seq).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_closes_the_page_with_a_reason() {
    let (house, node) = House::with_camera("pi/door").await;
    let long = format!(r#"{{"type":"watch","tiles":[],"x":"{}"}}"#, "x".repeat(70_000));
    let tile = Tile { tile: 1, camera: node.camera.clone(), width: 1, fps: 1.0 };
    let watch = |tiles| serde_json::to_string(&FromPage::Watch { tiles }).unwrap();
    let many = watch((0..=256).map(|n| Tile { tile: n, ..tile.clone() }).collect());
    let twice = watch(vec![tile.clone(), tile.clone()]);
    let fast = watch(vec![Tile { fps: 1e9, ..tile }]);
    for (message, code, word) in [
        (Message::Text("{".into()), 1008, "EOF"),
        (Message::Text(r#"{"type":"dance"}"#.into()), 1008, "dance"),
        (Message::Text(many.into()), 1008, "257 tiles"),
        (Message::Text(twice.into()), 1008, "twice"),
        (Message::Text(fast.into()), 1008, "frames a second"),
        (Message::Text(long.into()), 1009, "65536"),
        (Message::Binary(vec![0; 100_000].into()), 1009, "65536"),
        (Message::Binary(vec![1, 2, 3].into()), 1008, "4 bytes"),
        (Message::Binary(vec![9, 0, 0, 0].into()), 1008, "no frame 9"),
    ] {
        let mut page = Page::open(&house).await;
        page.socket.send(message).await.unwrap();
        let (closed, reason) = page.closed().await;
        assert_eq!(closed, code, "{reason}");
        assert!(reason.contains(word), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_pictures_are_not_shown() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    let unstamped = b"\xff\xd8\xff\xd9".to_vec();
    let foreign = picture(&"pi/other".parse().unwrap(), 1, 1, 0);
    for rubbish in [b"text".to_vec(), Vec::new(), unstamped, foreign] {
        node.publish_live(rubbish).await;
    }
    let seq = node.frame(0).await;
    assert_eq!(page.frame().await.0.seq, seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_is_refused_with_a_reason() {
    let house = House::open().await;
    for (header, value, word) in [
        ("origin", "http://evil.example", "http://evil.example"),
        ("host", "evil.example", "gallery.hosts"),
    ] {
        let mut request = format!("ws://{}/ws", house.address).into_client_request().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        let error = soon(tokio_tungstenite::connect_async(request)).await.unwrap_err();
        let tokio_tungstenite::tungstenite::Error::Http(response) = error else {
            panic!("{error}");
        };
        assert_eq!(response.status(), 403);
        let body = String::from_utf8(response.into_body().unwrap()).unwrap();
        assert!(body.contains(word) && body.contains("hint"), "{body}");
    }
    let mut request = format!("ws://{}/ws", house.address).into_client_request().unwrap();
    let origin = format!("http://{}", house.address).parse().unwrap();
    request.headers_mut().insert("origin", origin);
    soon(tokio_tungstenite::connect_async(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_with_pages_that_are_open() {
    let (mut house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    // One answers the close; the other does not read the frame that it is being sent.
    let mut deaf = Page::open(&house).await;
    deaf.watch(&node.camera, 60.0).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    let seq = node.frame(9_000_000).await;
    page.until(seq).await;
    let closing = tokio::spawn(async move {
        let closed = page.closed().await;
        while let Some(Ok(_)) = page.socket.next().await {}
        closed
    });
    let began = Instant::now();
    house.gallery.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(soon(closing).await.unwrap().0, 1001);
}
