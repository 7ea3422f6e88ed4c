//! Snapshots: asked for, spooled, offered, stored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use node::{Section, TestCardSection};
use tempfile::TempDir;
use tokio::time::timeout;
use wire::{Answer, PhotoId, Stamp, Stats, Stored, jpeg};

use crate::rig::{ALL, Broker, Listener, Message, Running, WITHIN, absent, section};

const SNAP: &str = "vitrina/attic/test-card/snap";
const SNAPSHOT: &str = "vitrina-jpeg/attic/test-card/snapshot";
const PREVIEW: &str = "vitrina-jpeg/attic/test-card/preview";

fn id(n: u64) -> PhotoId {
    PhotoId::new(n, 7)
}

fn photo(message: &Message) -> Option<PhotoId> {
    Stamp::find(&message.payload).unwrap().photo
}

fn pictures(data: &TempDir, folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data.path().join("node").join(folder)).unwrap();
    let is_jpeg = |path: &PathBuf| path.extension().is_some_and(|e| e == "jpg");
    files.map(|file| file.unwrap().path()).filter(is_jpeg).collect()
}

async fn until(what: &str, is: impl Fn() -> bool) {
    let wait = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(WITHIN, wait).await.is_ok(), "not in time: {what}");
}

impl Listener {
    async fn snap(&self, id: &PhotoId) {
        self.say(SNAP, false, &format!(r#"{{"id":"{id}"}}"#)).await;
    }

    async fn snapshot(&mut self, id: &PhotoId) -> Message {
        self.until(SNAPSHOT, |message| photo(message).as_ref() == Some(id)).await
    }

    async fn say_stored(&self, id: &PhotoId, error: Option<&str>, is_final: bool) {
        let stored = Stored { id: id.clone(), error: error.map(str::to_owned), is_final };
        self.say("vitrina/attic/stored", false, &stored.to_json()).await;
    }

    async fn refusal(&mut self, id: &PhotoId) -> String {
        let is = |message: &Message| Answer::parse(&message.payload).unwrap().id == id.as_str();
        let message = self.until("vitrina/attic/answer", is).await;
        Answer::parse(&message.payload).unwrap().error.unwrap()
    }

    /// The photos published before this many previews had come.
    async fn snapshots_before(&mut self, preview: usize) -> Vec<PhotoId> {
        let (mut seen, mut previews) = (Vec::new(), 0);
        while previews < preview {
            let message = self.next().await;
            match message.topic.as_str() {
                SNAPSHOT => seen.extend(photo(&message)),
                PREVIEW => previews += 1,
                _ => {}
            }
        }
        seen
    }
}

async fn house() -> (Broker, Listener, Running) {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.until(PREVIEW, |_| true).await;
    (broker, listener, node)
}

fn tags(jpeg: &[u8]) -> impl Fn(exif::Tag) -> String {
    let exif = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(jpeg)).unwrap();
    move |tag| exif.get_field(tag, exif::In::PRIMARY).unwrap().display_value().to_string()
}

#[tokio::test]
async fn a_snapshot_is_whole_newer_than_the_request_and_removed_when_it_is_stored() {
    let (broker, mut listener, node) = house().await;
    let asked = Stamp::find(&listener.until(PREVIEW, |_| true).await.payload).unwrap();
    listener.say(SNAP, false, "").await;
    let snapshot = listener.until(SNAPSHOT, |_| true).await;
    let stamp = Stamp::find(&snapshot.payload).unwrap();
    assert!(!snapshot.retained && stamp.mono > asked.mono && stamp.seq > asked.seq);
    assert_eq!(jpeg::size(&snapshot.payload), Some((320, 240)));
    let tags = tags(&snapshot.payload);
    assert_eq!(tags(exif::Tag::Model), "\"Vitrina test card\"");
    assert!(tags(exif::Tag::DateTimeOriginal).starts_with("20"));
    assert_eq!(pictures(&node.data, "spool").len(), 1);
    let id = stamp.photo.unwrap();
    listener.say_stored(&id, None, false).await;
    until("it is removed", || pictures(&node.data, "spool").is_empty()).await;
    node.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn the_same_id_asked_again_is_the_same_photo() {
    let (_broker, mut listener, node) = house().await;
    listener.snap(&id(1)).await;
    listener.snap(&id(1)).await;
    let first = listener.snapshot(&id(1)).await;
    listener.snap(&id(1)).await;
    assert_eq!(listener.snapshot(&id(1)).await.payload, first.payload, "it is offered again");
    listener.say_stored(&id(1), None, false).await;
    until("it is removed", || pictures(&node.data, "spool").is_empty()).await;
    listener.snap(&id(1)).await;
    // When the node takes the next one, it has received the earlier message.
    listener.snap(&id(2)).await;
    let mut seen = Vec::new();
    while !seen.contains(&id(2)) {
        seen.extend(photo(&listener.until(SNAPSHOT, |_| true).await));
    }
    assert_eq!(seen.iter().filter(|&seen| *seen == id(1)).count(), 0, "{seen:?}");
    node.stop().await;
}

#[tokio::test]
async fn a_crash_loses_none_and_a_restart_offers_all_again() {
    let (broker, mut listener, node) = house().await;
    for n in 1..=3 {
        listener.snap(&id(n)).await;
        listener.snapshot(&id(n)).await;
    }
    let data = node.kill().await;
    let node = Running::start_in(data, section("attic", broker.address));
    let mut missing = vec![id(1), id(2), id(3)];
    while !missing.is_empty() {
        let offered = photo(&listener.until(SNAPSHOT, |_| true).await).unwrap();
        listener.say_stored(&offered, None, false).await;
        missing.retain(|id| *id != offered);
    }
    until("all are removed", || pictures(&node.data, "spool").is_empty()).await;
    node.stop().await;
}

#[tokio::test]
async fn a_gallery_that_comes_is_offered_what_waits_and_two_at_a_time() {
    let (_broker, mut listener, node) = house().await;
    for n in 1..=5 {
        listener.snap(&id(n)).await;
        listener.snapshot(&id(n)).await;
    }
    listener.say("vitrina/gallery/home/status", true, "online").await;
    let mut offered = listener.snapshots_before(2).await;
    assert_eq!(offered, [id(1), id(2)]);
    while let Some(id) = offered.pop() {
        listener.say_stored(&id, None, false).await;
        if !pictures(&node.data, "spool").is_empty() {
            offered.extend(listener.snapshots_before(1).await);
        }
    }
    until("all are removed", || pictures(&node.data, "spool").is_empty()).await;
    node.stop().await;
}

#[tokio::test]
async fn what_a_gallery_cannot_store_now_is_kept_and_offered_to_the_next() {
    let (_broker, mut listener, node) = house().await;
    listener.say("vitrina/gallery/home/status", true, "online").await;
    listener.snap(&id(1)).await;
    listener.snapshot(&id(1)).await;
    listener.say_stored(&id(1), Some("the disk is full"), false).await;
    assert_eq!(listener.snapshots_before(2).await, []);
    assert_eq!(pictures(&node.data, "spool").len(), 1);
    listener.say("vitrina/gallery/home/status", true, "offline").await;
    listener.say("vitrina/gallery/home/status", true, "online").await;
    listener.snapshot(&id(1)).await;
    node.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_kept_and_not_offered_again() {
    let (_broker, mut listener, node) = house().await;
    listener.snap(&id(1)).await;
    listener.snapshot(&id(1)).await;
    listener.say_stored(&id(1), Some("no JPEG"), true).await;
    until("it is moved", || pictures(&node.data, "spool/refused").len() == 1).await;
    listener.say("vitrina/gallery/home/status", true, "online").await;
    assert_eq!(listener.snapshots_before(2).await, []);
    listener.snap(&id(1)).await;
    assert!(listener.refusal(&id(1)).await.contains("refused"));
    node.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_answered_at_once() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let section = Section {
        camera: vec![absent("door")],
        spool: Some("1 kB".into()),
        ..section("attic", broker.address)
    };
    let node = Running::start_in(tempfile::tempdir().unwrap(), section);
    listener.until("vitrina/attic/door/state", |_| true).await;
    listener.snap(&id(1)).await;
    assert!(listener.refusal(&id(1)).await.contains("spool is full"));
    for (camera, n, expected) in [("door", 2, "unplugged"), ("cellar", 3, "door, test-card")] {
        let topic = format!("vitrina/attic/{camera}/snap");
        listener.say(&topic, false, &format!(r#"{{"id":"{}"}}"#, id(n))).await;
        let told = listener.refusal(&id(n)).await;
        assert!(told.contains(expected), "{told}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_retained_snap_and_nonsense_take_no_photo() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    listener.say(SNAP, true, &format!(r#"{{"id":"{}"}}"#, id(1))).await;
    let node = Running::start("attic", broker.address);
    listener.until(PREVIEW, |_| true).await;
    for bad in ["{", "[]", r#"{"id":"../../etc/passwd"}"#, "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        listener.say(SNAP, false, bad).await;
        listener.say("vitrina/attic/stored", false, bad).await;
    }
    listener.snap(&id(2)).await;
    let first = listener.until(SNAPSHOT, |_| true).await;
    assert_eq!(photo(&first), Some(id(2)));
    node.stop().await;
}

#[tokio::test]
async fn after_a_restart_of_the_broker_what_waits_is_offered_again() {
    let (broker, mut listener, node) = house().await;
    let address = broker.address;
    listener.snap(&id(1)).await;
    listener.snapshot(&id(1)).await;
    broker.stop().await;
    let broker = Broker::start(&address.to_string()).await;
    let mut listener = Listener::connect(address, ALL).await;
    listener.snapshot(&id(1)).await;
    node.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn photos_are_taken_by_the_clock_without_a_broker_and_offered_when_there_is_one() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let every = |address| {
        let section = section("attic", address);
        let test_card = TestCardSection { every: Some("1 s".into()), ..section.test_card };
        Section { test_card, ..section }
    };
    let node = Running::start_in(tempfile::tempdir().unwrap(), every(nowhere));
    until("two are taken", || pictures(&node.data, "spool").len() >= 2).await;
    let data = node.stop().await;
    let first = first_of(&data);
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start_in(data, section("attic", broker.address));
    let offered = listener.until(SNAPSHOT, |_| true).await;
    assert_eq!(offered.payload, std::fs::read(first).unwrap());
    let is = |message: &Message| Stats::parse(&message.payload).unwrap().spool > 0;
    listener.until("vitrina/attic/stats", is).await;
    node.stop().await;
}

fn first_of(data: &TempDir) -> PathBuf {
    let mut pictures = pictures(data, "spool");
    pictures.sort();
    let first: &Path = pictures.first().unwrap();
    first.to_owned()
}

#[tokio::test]
async fn snapshots_and_live_frames_do_not_starve_each_other() {
    const FULL: &str = "vitrina-jpeg/attic/test-card/live/full";
    let (_broker, mut listener, node) = house().await;
    listener.say("vitrina/attic/test-card/want", false, r#"{"by":"me","full":25,"for":60}"#).await;
    listener.until(FULL, |_| true).await;
    for n in 0..30 {
        listener.snap(&id(n)).await;
    }
    let (mut snapshots, mut frames) = (0, 0);
    while snapshots < 30 || frames < 30 {
        let message = listener.next().await;
        match message.topic.as_str() {
            SNAPSHOT => {
                snapshots += 1;
                listener.say_stored(&photo(&message).unwrap(), None, false).await;
            }
            FULL => frames += 1,
            "vitrina/attic/answer" => assert_eq!(message.text(), "", "none is refused"),
            _ => {}
        }
    }
    node.stop().await;
}
