//! Facts, frames, names, and what comes and goes.

use tokio::time::timeout;
use wire::{CameraState, Info, Reason, Stamp, Stats, jpeg};

use crate::rig::{ALL, Broker, Listener, Running, WITHIN, absent, state_of};

#[tokio::test]
async fn facts_are_retained_and_the_last_word_is_offline() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut early = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    early.until("vitrina/attic/test-card/state", |m| state_of(m).state == CameraState::Idle).await;
    early.until("vitrina-jpeg/attic/test-card/preview", |_| true).await;

    let mut late = Listener::connect(broker.address, ALL).await;
    let (mut info, mut state, mut status) = (None, None, None);
    while info.is_none() || state.is_none() || status.is_none() {
        let message = late.next().await;
        match message.topic.as_str() {
            "vitrina/attic/info" => info = Some(message),
            "vitrina/attic/test-card/state" => state = Some(message),
            "vitrina/attic/status" => status = Some(message),
            _ => {}
        }
    }
    let (info, state, status) = (info.unwrap(), state.unwrap(), status.unwrap());
    assert!(info.retained && state.retained && status.retained);
    assert_eq!(status.text(), "online");
    let info = Info::parse(&info.payload).unwrap();
    assert!(info.cameras.iter().any(|name| name.as_str() == "test-card"));
    let state = state_of(&state);
    assert_eq!(
        (state.format.as_str(), state.size.unwrap().to_string()),
        ("NV12", "320x240".into())
    );

    node.stop().await;
    late.status("attic", "offline").await;
    let mut after = Listener::connect(broker.address, ALL).await;
    assert!(after.status("attic", "offline").await.retained);
    broker.stop().await;
}

#[tokio::test]
async fn a_crash_leaves_the_will() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.status("attic", "online").await;
    node.kill().await;
    listener.status("attic", "offline").await;
}

#[tokio::test]
async fn frames_flow_while_they_are_wanted_and_every_one_is_counted() {
    const FULL: &str = "vitrina-jpeg/attic/test-card/live/full";
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.until("vitrina-jpeg/attic/test-card/preview", |_| true).await;
    listener.say("vitrina/attic/test-card/want", false, r#"{"by":"me","full":30,"for":2}"#).await;
    let mut last = None;
    for _ in 0..20 {
        let frame = listener.until(FULL, |_| true).await;
        assert!(!frame.retained);
        let stamp = Stamp::find(&frame.payload).unwrap();
        assert_eq!(stamp.camera.to_string(), "attic/test-card");
        assert_eq!(jpeg::size(&frame.payload), Some((320, 240)));
        assert!(last < Some(stamp.seq));
        last = Some(stamp.seq);
    }
    // The want is not repeated, so it ends: previews go on, but no frames.
    listener
        .until("vitrina/attic/test-card/state", |m| state_of(m).state == CameraState::Idle)
        .await;
    let mut previews = 0;
    let mut seen = Vec::new();
    while previews < 3 {
        let message = listener.next().await;
        previews += usize::from(message.topic.ends_with("/preview"));
        seen.push(message.topic);
    }
    // One may have been on its way.
    assert!(seen.iter().filter(|topic| *topic == FULL).count() <= 1, "{seen:?}");

    let figures = listener.until("vitrina/attic/stats", |message| {
        Stats::parse(&message.payload).unwrap().cameras.values().any(|camera| camera.published > 0)
    });
    let stats = Stats::parse(&figures.await.payload).unwrap();
    let camera = stats.cameras.values().next().unwrap();
    assert_eq!(camera.made, camera.published + camera.dropped.values().sum::<u64>());
    assert!(camera.published >= 20 && camera.dropped["unwanted"] > 0, "{camera:?}");
    assert!(stats.rss > 0 && stats.mono > 0);
    node.stop().await;
}

#[tokio::test]
async fn a_retained_want_and_nonsense_are_ignored() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    listener
        .say("vitrina/attic/test-card/want", true, r#"{"by":"ghost","full":30,"for":600}"#)
        .await;
    let node = Running::start("attic", broker.address);
    listener.status("attic", "online").await;
    for bad in ["", "{", "[]", r#"{"by":"me","full":-1}"#] {
        listener.say("vitrina/attic/test-card/want", false, bad).await;
    }
    let mut previews = 0;
    while previews < 3 {
        let message = listener.next().await;
        assert!(!message.topic.contains("/live/"), "{}", message.topic);
        previews += usize::from(message.topic.ends_with("/preview"));
    }
    node.stop().await;
}

#[tokio::test]
async fn the_second_node_of_one_name_waits_until_the_first_has_left() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener =
        Listener::connect(broker.address, &["vitrina/+/info", "vitrina/+/status"]).await;
    let first = Running::start("attic", broker.address);
    listener.status("attic", "online").await;
    let second = Running::start("attic", broker.address);
    // Another node that starts later is online: the second has had its time.
    let other = Running::start("cellar", broker.address);
    let mut instances = std::collections::BTreeSet::new();
    loop {
        let message = listener.next().await;
        match message.topic.as_str() {
            "vitrina/attic/info" => {
                instances.insert(Info::parse(&message.payload).unwrap().instance);
            }
            "vitrina/attic/status" => assert_eq!(message.text(), "online"),
            "vitrina/cellar/status" => break,
            _ => {}
        }
    }
    assert!(instances.len() <= 1, "{instances:?}");

    first.stop().await;
    listener.status("attic", "offline").await;
    listener
        .until("vitrina/attic/info", |m| {
            !instances.contains(&Info::parse(&m.payload).unwrap().instance)
        })
        .await;
    listener.status("attic", "online").await;
    second.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn after_a_restart_of_the_broker_all_facts_are_there_again() {
    let broker = Broker::start("127.0.0.1:0").await;
    let address = broker.address;
    let mut listener = Listener::connect(address, ALL).await;
    let node = Running::start("attic", address);
    listener.until("vitrina-jpeg/attic/test-card/preview", |_| true).await;
    broker.stop().await;
    let broker = Broker::start(&address.to_string()).await;
    let mut listener = Listener::connect(address, ALL).await;
    let mut missing = vec![
        "vitrina/attic/info",
        "vitrina/attic/status",
        "vitrina/attic/test-card/state",
        "vitrina-jpeg/attic/test-card/preview",
    ];
    while !missing.is_empty() {
        let message = listener.next().await;
        missing.retain(|topic| *topic != message.topic);
    }
    node.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_will_that_comes_late_is_answered() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.until("vitrina-jpeg/attic/test-card/preview", |_| true).await;
    listener.say("vitrina/attic/status", true, "offline").await;
    listener.status("attic", "offline").await;
    listener.status("attic", "online").await;
    node.stop().await;
}

#[tokio::test]
async fn a_configured_camera_that_is_not_there_is_shown_as_lost() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start_with("attic", broker.address, vec![absent("door")]);
    let state = listener.until("vitrina/attic/door/state", |_| true).await;
    let state = state_of(&state);
    assert_eq!((state.state, state.reason), (CameraState::Lost, Some(Reason::Unplugged)));
    node.stop().await;
}

#[tokio::test]
async fn without_a_broker_the_node_is_alive_and_stops_when_told() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = Running::start("attic", nobody.local_addr().unwrap());
    // It tries again, so it is alive.
    for _ in 0..3 {
        drop(timeout(WITHIN, nobody.accept()).await.expect("a try in time"));
    }
    node.stop().await;
}
