//! Who is here, step by step.

use super::*;

const S: Micros = 1_000_000;

fn at(seconds: u64) -> Now {
    Now { mono: seconds * S, wall: (1_763_640_000 + seconds) * S }
}

fn id(text: &str) -> PersonId {
    text.parse().unwrap()
}

fn gallery(text: &str) -> GalleryId {
    text.parse().unwrap()
}

struct Here(Presence);

impl Here {
    fn new() -> Self {
        let mut presence = Presence::new(gallery("me"));
        presence.connected(at(0));
        Here(presence)
    }

    fn join(&mut self, person: &str, device: Device, name: &str, now: u64) -> bool {
        self.0.join(&id(person), device, name, at(now)).unwrap().is_some()
    }

    fn receive(&mut self, person: &str, name: &str, of: Option<&str>, retained: bool) -> bool {
        let told = Person { name: name.into(), since: 5, gallery: of.map(gallery) };
        self.0.receive(&id(person), Some(told), retained, at(1)).unwrap()
    }

    /// Who is here, and the events since the last call.
    fn now(&mut self) -> (Vec<String>, Vec<String>) {
        let names = self.0.list().into_iter().map(|present| present.name).collect();
        let changes = self.0.changes();
        let told = changes.happened.into_iter().map(|(who, what)| match what {
            What::Left { lost: true } => format!("{} lost", who.name),
            What::Left { .. } => format!("{} left", who.name),
            What::Joined => format!("{} joined", who.name),
            What::Renamed { before } => format!("{before} is {}", who.name),
            What::Said { text } => text,
        });
        (names, told.collect())
    }
}

fn strings<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).into()
}

#[test]
fn two_tabs_are_one_person() {
    let mut here = Here::new();
    assert!(here.join("a", 1, "Ana", 0));
    assert!(!here.join("a", 2, "Ana", 1), "nothing new");
    assert_eq!(here.now(), (strings(["Ana"]), strings(["Ana joined"])));
    here.0.part(&id("a"), 1, false, false, at(2));
    assert!(here.0.tick(at(100)).is_empty());
    assert_eq!(here.now(), (strings(["Ana"]), strings([])));
    here.0.part(&id("a"), 2, false, false, at(100));
    assert_eq!(here.now().0, strings(["Ana"]), "for a while");
    assert_eq!(here.0.tick(at(103)), [id("a")]);
    assert_eq!(here.now(), (strings([]), strings(["Ana left"])));
}

#[test]
fn a_page_that_is_loaded_again_does_not_flicker() {
    let mut here = Here::new();
    here.join("a", 1, "Ana", 0);
    here.now();
    here.0.part(&id("a"), 1, false, true, at(1));
    assert_eq!(here.0.next_leaves(), Some(4 * S));
    here.join("a", 2, "Ana", 2);
    assert_eq!(here.0.next_leaves(), None);
    assert!(here.0.tick(at(50)).is_empty());
    assert_eq!(here.now(), (strings(["Ana"]), strings([])));
    // The end of an abandoned connection comes late.
    here.0.part(&id("a"), 1, false, true, at(51));
    assert!(here.0.tick(at(60)).is_empty());
}

#[test]
fn a_farewell_is_at_once_and_a_lost_network_is_said() {
    let mut here = Here::new();
    here.join("a", 1, "Ana", 0);
    here.join("b", 2, "Li", 0);
    here.now();
    assert!(here.0.part(&id("a"), 1, true, false, at(1)));
    assert!(!here.0.part(&id("b"), 2, false, true, at(1)));
    here.0.tick(at(4));
    assert_eq!(here.now(), (strings([]), strings(["Ana left", "Li lost"])));
    assert_eq!(here.0.facts().count(), 0);
}

#[test]
fn a_new_name_is_told_with_the_old_one() {
    let mut here = Here::new();
    here.join("a", 1, "Ana", 0);
    here.now();
    assert!(here.join("a", 1, "Ana Luz", 1));
    assert_eq!(here.now(), (strings(["Ana Luz"]), strings(["Ana is Ana Luz"])));
}

#[test]
fn no_more_than_the_most_join() {
    let mut here = Here::new();
    for n in 0..OURS {
        assert!(here.join(&format!("p{n}"), n as u64, "x", 0));
    }
    assert_eq!(here.0.join(&id("late"), 0, "x", at(0)), Err(Full));
    assert_eq!(here.0.join(&id("p1"), 7777, "x", at(0)), Ok(None), "a second tab");
}

#[test]
fn people_of_another_gallery_are_here_while_it_is() {
    let mut here = Here::new();
    here.receive("a", "Ana", Some("other"), true);
    assert_eq!(here.now(), (strings([]), strings([])), "it may be a leftover");
    here.0.receive_gallery(&gallery("other"), Some(Status::Online));
    assert_eq!(here.now(), (strings(["Ana"]), strings(["Ana joined"])));
    here.receive("b", "Li", Some("other"), false);
    here.receive("b", "Li Wei", Some("other"), false);
    here.0.receive(&id("a"), None, false, at(2)).unwrap();
    assert_eq!(
        here.now(),
        (strings(["Li Wei"]), strings(["Li joined", "Li is Li Wei", "Ana left"]))
    );
    here.0.receive_gallery(&gallery("other"), Some(Status::Offline));
    assert_eq!(here.now(), (strings([]), strings(["Li Wei lost"])));
    here.receive("b", "Li Wei", Some("other"), true);
    here.0.receive_gallery(&gallery("other"), Some(Status::Online));
    assert_eq!(here.now(), (strings([]), strings([])), "what it left behind");
    here.receive("chat", "Zoe", None, true);
    assert_eq!(here.now().0, strings(["Zoe"]), "without a gallery");
}

#[test]
fn who_is_not_told_again_after_the_broker_came_back_is_gone() {
    let mut here = Here::new();
    here.receive("a", "Ana", None, false);
    here.receive("b", "Li", None, false);
    here.now();
    here.0.disconnected();
    here.0.tick(at(100));
    assert_eq!(here.now().0.len(), 2);
    here.0.connected(at(200));
    here.receive("b", "Li", None, true);
    here.0.tick(at(210));
    assert_eq!(here.now(), (strings(["Li"]), strings(["Ana lost"])));
}

#[test]
fn leftovers_of_ours_are_to_be_cleared_but_not_who_is_here() {
    let mut here = Here::new();
    here.join("a", 1, "Ana", 0);
    assert!(here.receive("old", "Zoe", Some("me"), true));
    assert!(!here.receive("a", "Forged", Some("me"), true));
    assert!(!here.receive("a", "Forged", None, false));
    assert!(!here.receive("b", "Late echo", Some("me"), false));
    assert_eq!(here.now().0, strings(["Ana"]));
}

#[test]
fn others_are_bounded() {
    let mut here = Here::new();
    for n in 0..THEIRS {
        here.receive(&format!("p{n}"), "x", None, false);
    }
    let one = Person { name: "x".into(), since: 0, gallery: None };
    assert_eq!(here.0.receive(&id("more"), Some(one), false, at(0)), Err(Full));
    assert!(here.join("a", 1, "Ana", 0), "ours have a room of their own");
}

#[test]
fn a_camera_is_told_with_its_person() {
    let mut here = Here::new();
    here.join("a", 1, "Ana", 0);
    here.0.changes();
    let camera: CameraId = "web-a/camera".parse().unwrap();
    here.0.receive_camera(&camera, true);
    assert_eq!(here.0.changes().here[0].camera, Some(camera.clone()));
    here.0.receive_camera(&camera, true);
    assert_eq!(here.0.changes(), Changes::default());
    here.0.receive_camera(&camera, false);
    assert_eq!(here.0.changes().here[0].camera, None);
    here.0.receive_camera(&"pi/camera".parse().unwrap(), true);
    assert_eq!(here.0.changes(), Changes::default());
}
