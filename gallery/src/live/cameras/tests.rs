//! The state of nodes and cameras, message by message.

use super::*;
use proptest::prelude::*;
use wire::{Forgotten, Root};

const S: Micros = 1_000_000;

fn at(seconds: u64) -> Now {
    Now { mono: seconds * S, wall: (1_763_640_000 + seconds) * S }
}

fn id(text: &str) -> CameraId {
    text.parse().unwrap()
}

fn state(name: &str) -> Vec<u8> {
    format!(r#"{{"state":"live","since":1763640000000,"name":"{name}","device":"x"}}"#).into()
}

fn info(instance: &str, cameras: &[&str]) -> Vec<u8> {
    format!(
        r#"{{"kind":"test","version":"0","machine":"1","boot":"2","instance":"{instance}",
        "host":"h","started":1,"cameras":{}}}"#,
        serde_json::to_string(cameras).unwrap()
    )
    .into()
}

#[test]
fn a_node_whose_facts_are_missing_is_asked_for_them_ever_more_seldom() {
    let stats = br#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"cameras":{}}"#;
    let (mut cameras, attic) = (Cameras::default(), "attic".parse().unwrap());
    cameras.connected(at(0));
    let mut receive = |fact: Fact<'_>, payload: &[u8], seconds| {
        cameras.receive(&fact, payload, false, |_| None, at(seconds)).unwrap().unknown
    };
    let beat = |receive: &mut dyn FnMut(Fact<'_>, &[u8], u64) -> bool, seconds| {
        receive(Fact::Stats(&attic), stats, seconds)
    };
    assert!(!beat(&mut receive, 1), "they may be on their way");
    let asked: Vec<u64> = (4..400).step_by(10).filter(|&s| beat(&mut receive, s)).collect();
    assert_eq!(asked, [4, 14, 34, 74, 154, 314]);
    receive(Fact::Status(&attic), b"online", 400);
    receive(Fact::Info(&attic), &info("a", &["door"]), 400);
    assert!(beat(&mut receive, 1000), "the state of its camera is missing");
    receive(Fact::State(&id("attic/door")), &state("Door"), 1001);
    assert!(!beat(&mut receive, 9000));
}

#[test]
fn a_camera_that_somebody_must_mend_is_told_until_it_works() {
    let mut wall = Wall::new();
    wall.status("attic", "online", 1);
    wall.state("attic/door", 1);
    assert!(wall.0.errors().is_empty());
    let say = |wall: &mut Wall, state: &str| {
        let state = format!(
            r#"{{"state":"{state}","reason":"crashed","detail":"a fault of Vitrina","since":1,"name":"x","device":"x"}}"#
        );
        wall.receive(&Fact::State(&id("attic/door")), state.as_bytes(), false, 2);
        wall.0.errors()
    };
    assert_eq!(say(&mut wall, "error"), ["attic/door: a fault of Vitrina"]);
    // A lost camera comes back by itself.
    assert!(say(&mut wall, "lost").is_empty());
    say(&mut wall, "error");
    wall.status("attic", "offline", 3);
    assert!(wall.0.errors().is_empty(), "the node is gone");
    wall.status("attic", "online", 4);
    assert_eq!(wall.0.errors().len(), 1);
    assert!(say(&mut wall, "idle").is_empty());
    for n in 0..TOLD + 5 {
        let camera = format!("attic/c{n}");
        wall.receive(
            &Fact::State(&id(&camera)),
            br#"{"state":"error","since":1,"name":"x","device":"x"}"#,
            false,
            5,
        );
    }
    assert_eq!(wall.0.errors().len(), TOLD + 1);
    assert_eq!(wall.0.errors()[TOLD], "and 5 more cameras");
}

struct Wall(Cameras);

impl Wall {
    fn new() -> Self {
        let mut cameras = Cameras::default();
        cameras.connected(at(0));
        Wall(cameras)
    }

    fn receive(&mut self, fact: &Fact<'_>, payload: &[u8], retained: bool, now: u64) -> Changes {
        self.0.receive(fact, payload, retained, |_| None, at(now)).unwrap()
    }

    fn status(&mut self, node: &str, status: &str, now: u64) -> Changes {
        self.receive(&Fact::Status(&node.parse().unwrap()), status.as_bytes(), false, now)
    }

    fn state(&mut self, camera: &str, now: u64) -> Changes {
        self.receive(&Fact::State(&id(camera)), &state("x"), false, now)
    }

    fn shown(&self, camera: &str) -> (CameraState, Option<Why>) {
        let shown = self.0.get(&id(camera)).unwrap();
        (shown.state, shown.reason)
    }
}

const OFFLINE: (CameraState, Option<Why>) =
    (CameraState::Lost, Some(Why::Gallery(GalleryReason::NodeOffline)));
const LIVE: (CameraState, Option<Why>) = (CameraState::Live, None);

#[test]
fn the_wall_is_ordered_by_node_and_camera() {
    let mut wall = Wall::new();
    for camera in ["b/a", "a/z", "a/b", "c/m"] {
        wall.state(camera, 1);
    }
    let order: Vec<String> = wall.0.list().iter().map(|c| c.camera.to_string()).collect();
    assert_eq!(order, ["a/b", "a/z", "b/a", "c/m"]);
}

#[test]
fn since_when_a_node_is_away_outlives_the_gallery() {
    const DAY: u64 = 86_400;
    let mut wall = Wall::new();
    wall.state("pi/door", 1);
    wall.status("pi", "online", 2);
    assert!(wall.0.away().is_empty());
    wall.status("pi", "offline", 9);
    let kept = wall.0.away().clone();

    let mut wall = Wall(Cameras::default());
    wall.0.remember(kept.clone(), at(DAY));
    wall.0.connected(at(DAY));
    let pi = "pi".parse().unwrap();
    wall.receive(&Fact::State(&id("pi/door")), &state("x"), true, DAY);
    wall.receive(&Fact::Status(&pi), b"offline", true, DAY + 1);
    let since = |wall: &Wall| wall.0.get(&id("pi/door")).unwrap().since;
    assert_eq!(since(&wall), at(9).wall_ms());
    wall.0.tick(at(DAY + 20));
    assert_eq!(*wall.0.away(), kept);
    wall.status("pi", "online", DAY + 30);
    assert!(wall.0.away().is_empty(), "it lives");
    wall.status("pi", "offline", DAY + 40);
    assert_eq!(since(&wall), at(DAY + 40).wall_ms());
    wall.receive(&Fact::State(&id("pi/door")), b"", false, DAY + 50);
    wall.receive(&Fact::Status(&pi), b"", false, DAY + 50);
    assert!(wall.0.away().is_empty(), "it is forgotten");

    let mut wall = Wall(Cameras::default());
    wall.0.remember(kept, at(0));
    assert_eq!(wall.0.away().values().next(), Some(&at(0).wall_ms()), "the clock was set back");
    wall.0.connected(at(1));
    wall.0.tick(at(20));
    assert!(wall.0.away().is_empty(), "the broker retains nothing of it");
}

#[test]
fn a_gallery_knows_which_facts_go_with_what_is_gone() {
    let mut wall = Wall::new();
    wall.state("pi/door", 1);
    wall.state("pi/roof", 1);
    wall.state("attic/hall", 1);
    wall.status("pi", "online", 2);
    let (pi, door) = ("pi".parse().unwrap(), Forgotten::Camera(id("pi/door")));
    let check = |wall: &Wall, what: &Forgotten| {
        let facts = wall.0.facts(&pi);
        what.check(facts.iter().map(|(topic, payload)| (topic, payload.as_bytes()))).is_ok()
    };
    assert!(!check(&wall, &door) && !check(&wall, &Forgotten::Node(pi.clone())));
    wall.0.tick(at(60));
    assert!(check(&wall, &door), "a silent node is gone");
    wall.status("pi", "offline", 61);
    assert!(check(&wall, &door) && check(&wall, &Forgotten::Node(pi.clone())));
    let name = |(topic, _): &(Topic, String)| topic.under(&Root::default()).to_string();
    let topics: Vec<String> = wall.0.facts(&pi).iter().map(name).collect();
    assert_eq!(
        topics,
        [
            "vitrina/pi/door/state",
            "vitrina/pi/door/controls",
            "vitrina/pi/door/motion",
            "vitrina/pi/roof/state",
            "vitrina/pi/roof/controls",
            "vitrina/pi/roof/motion",
            "vitrina/pi/info",
            "vitrina/pi/status",
        ]
    );
    assert!(wall.0.facts(&"nobody".parse().unwrap()).is_empty());
}

#[test]
fn a_camera_is_live_while_its_node_is_online() {
    let mut wall = Wall::new();
    wall.state("pi/door", 1);
    assert_eq!(wall.shown("pi/door"), OFFLINE, "nobody said that the node is there");
    assert!(wall.status("pi", "online", 2).online);
    assert_eq!(wall.shown("pi/door"), LIVE);
    assert!(wall.status("pi", "offline", 9).changed);
    assert_eq!(wall.shown("pi/door"), OFFLINE);
    let shown = wall.0.get(&id("pi/door")).unwrap();
    assert_eq!((shown.since, &*shown.detail), (at(9).wall_ms(), "pi is offline"));
    assert!(!wall.status("pi", "offline", 12).changed);
    assert_eq!(wall.0.get(&id("pi/door")).unwrap().since, at(9).wall_ms());
}

#[test]
fn a_silent_node_is_offline_until_it_speaks() {
    let mut wall = Wall::new();
    wall.status("pi", "online", 1);
    wall.state("pi/door", 1);
    assert!(!wall.0.tick(at(35)));
    assert!(wall.0.tick(at(36)));
    assert!(!wall.0.tick(at(37)), "said once");
    assert_eq!(wall.shown("pi/door"), OFFLINE);
    let stats = br#"{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,"cameras":{}}"#;
    let changes = wall.receive(&Fact::Stats(&"pi".parse().unwrap()), stats, false, 40);
    assert!(changes.changed && changes.online && changes.stats.is_some());
    assert_eq!(wall.shown("pi/door"), LIVE);
}

#[test]
fn nobody_falls_silent_while_the_broker_is_away() {
    let mut wall = Wall::new();
    wall.status("pi", "online", 1);
    wall.state("pi/door", 1);
    wall.0.disconnected();
    assert!(!wall.0.tick(at(100)));
    assert_eq!(wall.shown("pi/door"), LIVE);
    wall.0.connected(at(101));
    assert!(!wall.0.tick(at(102)));
}

#[test]
fn what_the_broker_does_not_tell_again_is_gone() {
    let mut wall = Wall::new();
    for camera in ["pi/door", "pi/roof", "old/cam"] {
        wall.state(camera, 1);
    }
    wall.0.disconnected();
    wall.0.connected(at(10));
    wall.state("pi/door", 11);
    assert!(!wall.0.tick(at(19)));
    assert_eq!(wall.0.list().len(), 3);
    assert!(wall.0.tick(at(20)));
    let left: Vec<String> = wall.0.list().iter().map(|c| c.camera.to_string()).collect();
    assert_eq!(left, ["pi/door"]);
    assert!(!wall.0.knows(&"old".parse().unwrap()));
}

#[test]
fn an_empty_payload_forgets() {
    let mut wall = Wall::new();
    wall.status("pi", "offline", 1);
    wall.state("pi/door", 1);
    assert!(wall.receive(&Fact::State(&id("pi/door")), b"", false, 2).changed);
    assert!(!wall.receive(&Fact::State(&id("pi/door")), b"", false, 2).changed);
    assert_eq!(wall.0.list(), []);
    wall.status("pi", "", 3);
    assert!(!wall.0.knows(&"pi".parse().unwrap()));
}

#[test]
fn a_leftover_of_an_earlier_run_is_lost() {
    let mut wall = Wall::new();
    let pi = "pi".parse().unwrap();
    wall.status("pi", "online", 1);
    wall.receive(&Fact::Info(&pi), &info("a", &["door"]), true, 1);
    wall.receive(&Fact::State(&id("pi/door")), &state("x"), true, 1);
    wall.receive(&Fact::State(&id("pi/roof")), &state("x"), true, 1);
    assert_eq!(wall.shown("pi/door"), LIVE);
    let unplugged = (CameraState::Lost, Some(Why::Node(Reason::Unplugged)));
    assert_eq!(wall.shown("pi/roof"), unplugged);
    assert!(wall.state("pi/roof", 2).changed, "the node tells it itself now");
    assert_eq!(wall.shown("pi/roof"), LIVE);
    wall.receive(&Fact::Info(&pi), &info("b", &[]), false, 3);
    assert_eq!(wall.shown("pi/roof"), unplugged, "the node was restarted without it");
}

#[test]
fn a_stranger_cannot_fill_the_memory() {
    let mut wall = Wall::new();
    for i in 0..MOST {
        wall.state(&format!("n/c{i}"), 1);
    }
    let more = wall.0.receive(&Fact::State(&id("n/more")), &state("x"), false, |_| None, at(1));
    assert!(matches!(more, Err(Refused::TooMany)));
    wall.state("n/c1", 2);
    wall.receive(&Fact::State(&id("n/c1")), b"", false, 2);
    wall.state("n/more", 2);
    assert_eq!(wall.0.list().len(), MOST);
}

#[test]
fn since_is_by_the_gallery_s_clock_and_not_in_the_future() {
    let mut wall = Wall::new();
    let payload = state("x");
    let door = id("pi/door");
    let fact = Fact::State(&door);
    wall.0.receive(&fact, &payload, false, |_| Some(at(3).wall_ms()), at(5)).unwrap();
    wall.status("pi", "online", 5);
    assert_eq!(wall.0.get(&door).unwrap().since, at(3).wall_ms());
    wall.0.receive(&Fact::State(&id("pi/b")), &payload, false, |_| Some(u64::MAX), at(5)).unwrap();
    assert_eq!(wall.0.get(&id("pi/b")).unwrap().since, at(5).wall_ms());
}

proptest! {
    #[test]
    fn any_messages_keep_the_count_right(
        messages in proptest::collection::vec((0u8..6, 0u8..3, 0u8..3, any::<bool>()), 0..60)
    ) {
        let mut wall = Wall::new();
        for (i, (what, node, camera, retained)) in messages.into_iter().enumerate() {
            let now = i as u64 * 4;
            let node_name = format!("n{node}").parse().unwrap();
            let camera = id(&format!("n{node}/c{camera}"));
            match what {
                0 => drop(wall.receive(&Fact::State(&camera), &state("x"), retained, now)),
                1 => drop(wall.receive(&Fact::State(&camera), b"", retained, now)),
                2 => drop(wall.receive(&Fact::Status(&node_name), b"online", retained, now)),
                3 => drop(wall.receive(&Fact::Status(&node_name), b"", retained, now)),
                4 => wall.0.connected(at(now)),
                _ => wall.0.disconnected(),
            }
            wall.0.tick(at(now));
            prop_assert_eq!(wall.0.list().len(), wall.0.count);
        }
    }
}
