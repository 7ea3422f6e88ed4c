//! Cameras that come, go and are mistaken for each other.

use super::*;
use proptest::prelude::*;

/// A camera: what it says of itself, the port that it is in, and whether udev's link by id leads
/// to it.
#[derive(Debug, Clone)]
struct Cam {
    node: PathBuf,
    marks: Marks,
    card: String,
}

const LINK: &str = "/dev/v4l/by-id/usb-Cam-video-index0";

fn by_path(port: u32) -> PathBuf {
    PathBuf::from(format!("/dev/v4l/by-path/usb-{port}-video-index0"))
}

fn cam(node: u32, serial: &str, port: u32) -> Cam {
    let serial = (!serial.is_empty()).then(|| serial.to_owned());
    let marks = Marks {
        device: Some(format!("046d:0825 1.0 0 {}", serial.as_deref().unwrap_or("-"))),
        serial,
        port: Some(by_path(port)),
        ..Marks::default()
    };
    Cam { node: format!("/dev/video{node}").into(), marks, card: "Cam".to_owned() }
}

/// The same with the link.
fn linked(mut cam: Cam) -> Cam {
    cam.marks.link = Some(LINK.into());
    cam.marks.claims = vec![LINK.into()];
    cam
}

fn save(names: &mut Names, data: &Path) {
    if let Some(json) = names.unsaved() {
        fs::write(file(data), json).unwrap();
    }
}

struct House {
    data: tempfile::TempDir,
    names: Names,
}

impl House {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let names = Names::read(data.path(), vec![]);
        House { data, names }
    }

    fn with(kept: &str) -> Self {
        let mut house = House::new();
        fs::write(house.data.path().join("cameras.json"), kept).unwrap();
        house.restart();
        house
    }

    fn restart(&mut self) {
        save(&mut self.names, self.data.path());
        self.names = Names::read(self.data.path(), vec![]);
    }

    fn see(&mut self, cams: &[Cam]) -> Vec<String> {
        let named = self.bonds(cams);
        named.into_iter().map(|(name, _)| name).collect()
    }

    fn bonds(&mut self, cams: &[Cam]) -> Vec<(String, Bond)> {
        let seen = cams.iter().map(|cam| Seen {
            node: &cam.node,
            marks: &cam.marks,
            card: &cam.card,
            given: None,
        });
        let named = self.names.assign(&seen.collect::<Vec<_>>());
        named.into_iter().map(|(name, bond)| (name.to_string(), bond)).collect()
    }
}

#[test]
fn a_device_with_a_serial_number_of_its_own_keeps_its_name_in_any_port() {
    let mut house = House::new();
    assert_eq!(house.see(&[cam(0, "a", 1), cam(1, "b", 2)]), ["cam-a", "cam-b"]);
    house.restart();
    // The hub was moved, and the numbers are others.
    assert_eq!(house.see(&[cam(0, "b", 8), cam(1, "a", 9)]), ["cam-b", "cam-a"]);
    house.restart();
    // They were put into each other's ports.
    let swapped = house.bonds(&[cam(0, "a", 8), cam(1, "b", 9)]);
    assert_eq!(swapped[0], ("cam-a".into(), Bond::Device("a".into())));
    assert_eq!(swapped[1].0, "cam-b");
}

#[test]
fn twins_keep_their_names_by_their_ports_wherever_the_link_leads() {
    let mut house = House::new();
    let first = house.bonds(&[linked(cam(0, "x", 1)), cam(1, "x", 2), cam(2, "x", 3)]);
    assert_eq!(first[0], ("cam-x".into(), Bond::Port { twins: true }));
    assert_eq!((first[1].0.as_str(), first[2].0.as_str()), ("cam-x-2", "cam-x-3"));
    house.restart();
    let moved = house.see(&[cam(0, "x", 3), linked(cam(1, "x", 1)), cam(2, "x", 2)]);
    assert_eq!(moved, ["cam-x-3", "cam-x", "cam-x-2"]);
    house.restart();
    // Only one is left: that there were twins is not forgotten.
    assert_eq!(house.see(&[linked(cam(0, "x", 2))]), ["cam-x-2"]);
    house.restart();
    // It cannot be told which one is in a port that was empty.
    assert_eq!(house.see(&[linked(cam(0, "x", 7))]), ["cam-x-4"]);
    house.restart();
    assert_eq!(house.see(&[cam(0, "x", 7), cam(1, "x", 1)]), ["cam-x-4", "cam-x"]);
}

#[test]
fn a_running_device_keeps_its_name_when_its_twin_takes_the_link() {
    let mut house = House::new();
    let [a, b] = [cam(0, "x", 1), cam(1, "x", 2)];
    assert_eq!(house.see(&[linked(a.clone())]), ["cam-x"]);
    assert_eq!(house.see(&[a.clone(), linked(b.clone())]), ["cam-x", "cam-x-2"]);
    assert_eq!(house.see(&[linked(b.clone())]), ["cam-x-2"]);
    // It comes back under another number.
    let a = Cam { node: "/dev/video5".into(), ..a };
    assert_eq!(house.see(&[linked(b), a]), ["cam-x-2", "cam-x"]);
}

#[test]
fn the_port_that_a_device_left_does_not_give_its_name_away() {
    let mut house = House::new();
    assert_eq!(house.see(&[cam(0, "x", 1)]), ["cam-x"]);
    assert_eq!(house.see(&[cam(0, "x", 2)]), ["cam-x"]);
    // A twin comes into the first port.
    assert_eq!(house.see(&[cam(1, "x", 1), cam(0, "x", 2)]), ["cam-x-2", "cam-x"]);
    house.restart();
    assert_eq!(house.see(&[cam(0, "x", 1), cam(1, "x", 2)]), ["cam-x-2", "cam-x"]);
    // Nor does a port give a name to another device.
    assert_eq!(house.see(&[cam(0, "y", 1)]), ["cam-y"]);
}

#[test]
fn without_serial_numbers_the_only_one_may_move_and_two_stay_with_their_ports() {
    let mut house = House::new();
    assert_eq!(house.bonds(&[cam(0, "", 1)]), [("cam".into(), Bond::Model)]);
    house.restart();
    assert_eq!(house.see(&[cam(0, "", 2)]), ["cam"]);
    assert_eq!(house.see(&[cam(0, "", 2), cam(1, "", 1)]), ["cam", "cam-2"]);
    house.restart();
    assert_eq!(house.see(&[cam(0, "", 1), cam(1, "", 2)]), ["cam-2", "cam"]);
}

#[test]
fn one_serial_number_of_two_models_is_two_devices() {
    let mut house = House::new();
    let other = |node, port| {
        let mut other = cam(node, "x", port);
        other.marks.device = Some("1d6b:0102 1.0 0 x".to_owned());
        other
    };
    assert_eq!(house.see(&[cam(0, "x", 1), other(1, 2)]), ["cam-x", "cam-x-2"]);
    house.restart();
    let swapped = house.bonds(&[other(0, 1), cam(1, "x", 2)]);
    assert_eq!(swapped[0], ("cam-x-2".into(), Bond::Device("x".into())));
    assert_eq!(swapped[1].0, "cam-x");
}

#[test]
fn what_an_earlier_version_kept_is_kept() {
    let kept = format!(r#"{{"{LINK}":"door","{}":"hall"}}"#, by_path(2).display());
    let mut house = House::with(&kept);
    assert_eq!(house.see(&[linked(cam(0, "x", 1))]), ["door"]);
    house.restart();
    assert_eq!(house.see(&[cam(0, "x", 5)]), ["door"]);

    // Of twins one was known by the link; now the other one is here alone, and has it.
    let mut house = House::with(&kept);
    assert_eq!(house.see(&[linked(cam(0, "x", 2))]), ["hall"]);
    assert_eq!(house.see(&[linked(cam(0, "x", 2)), cam(1, "x", 1)]), ["hall", "door"]);

    // Both are here, and the link leads to either.
    for [a, b] in
        [[linked(cam(0, "x", 1)), cam(1, "x", 2)], [cam(0, "x", 1), linked(cam(1, "x", 2))]]
    {
        let mut house = House::with(&kept);
        assert_eq!(house.see(&[a.clone(), b.clone()]), ["door", "hall"]);
        house.restart();
        assert_eq!(house.see(&[b, a]), ["hall", "door"]);
    }
}

#[test]
fn a_name_that_the_configuration_gives_goes_to_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let door: CameraName = "cam-x".parse().unwrap();
    let mut names = Names::read(data.path(), vec![door.clone()]);
    let [a, b] = [cam(0, "x", 1), cam(1, "x", 2)];
    let seen = |cam: &'static Cam, given| Seen {
        node: &cam.node,
        marks: &cam.marks,
        card: &cam.card,
        given,
    };
    let (a, b): (&Cam, &Cam) = (Box::leak(a.into()), Box::leak(b.into()));
    let named = names.assign(&[seen(a, None), seen(b, Some(&door))]);
    assert_eq!(named[0].0.as_str(), "cam-x-2");
    assert_eq!(named[1], (door.clone(), Bond::Configuration));
    save(&mut names, data.path());
    let names = Names::read(data.path(), vec![door.clone()]);
    assert!(names.was_configured(&door, &b.marks, "Cam"));
    assert!(!names.was_configured(&door, &a.marks, "Cam"));
    let mut names = Names::read(data.path(), vec![]);
    let mut card = a.clone();
    card.card = "Test Card".into();
    card.marks = Marks::default();
    let card: &Cam = Box::leak(card.into());
    assert_eq!(names.assign(&[seen(card, None)])[0].0.as_str(), "test-card-2");
}

#[test]
fn the_name_of_a_number_is_not_kept() {
    let mut house = House::new();
    let bare = |node, card: &str| Cam {
        marks: Marks::default(),
        card: card.to_owned(),
        ..cam(node, "", 1)
    };
    assert_eq!(house.see(&[bare(0, "Loop"), bare(1, "Loop")]), ["loop", "loop-2"]);
    assert_eq!(house.bonds(&[bare(1, "Loop")]), [("loop-2".into(), Bond::Plug)]);
    assert_eq!(house.see(&[]), [""; 0]);
    assert_eq!(house.see(&[bare(1, "Loop"), bare(2, "Loop")]), ["loop-2", "loop-3"]);
    house.restart();
    assert_eq!(house.see(&[bare(1, "Loop")]), ["loop"]);
    // Another device under the same number is another camera.
    assert_eq!(house.see(&[bare(1, "Other")]), ["other"]);
}

#[test]
fn a_file_that_makes_no_sense_is_set_aside() {
    let mut house = House::with("{");
    assert_eq!(house.see(&[cam(0, "x", 1)]), ["cam-x"]);
    assert!(house.data.path().join("cameras.json.bad").exists());
}

/// Where the cameras of a house are: of each its serial number and its port.
fn house() -> impl Strategy<Value = Vec<(u8, u32)>> {
    proptest::collection::btree_map(0u32..6, 0u8..3, 0..6)
        .prop_map(|ports| {
            ports.into_iter().map(|(port, serial)| (serial, port)).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    /// Whatever is plugged in, and whenever the node restarts: no two cameras share a name, one
    /// that stays in place keeps its name, and one that differs from all that ever were here always
    /// has the same name.
    #[test]
    fn no_name_ever_moves_to_another_camera(
        turns in proptest::collection::vec((house(), any::<bool>(), 0usize..6), 1..12)
    ) {
        let mut house = House::new();
        let mut of_unique: BTreeMap<u8, String> = BTreeMap::new();
        let mut doubled = BTreeSet::new();
        let mut before: BTreeMap<(u8, u32), String> = BTreeMap::new();
        for (cams, restart, link) in turns {
            if restart {
                house.restart();
            }
            let all: Vec<Cam> = cams
                .iter()
                .enumerate()
                .map(|(node, (serial, port))| {
                    let cam = cam(node as u32, &serial.to_string(), *port);
                    if node == link { linked(cam) } else { cam }
                })
                .collect();
            let named = house.see(&all);
            let different: BTreeSet<&String> = named.iter().collect();
            prop_assert_eq!(different.len(), named.len(), "{:?}", named);
            for (i, (serial, _)) in cams.iter().enumerate() {
                if cams.iter().skip(i + 1).any(|(other, _)| other == serial) {
                    doubled.insert(*serial);
                }
            }
            let mut now = BTreeMap::new();
            for (cam, name) in cams.iter().zip(&named) {
                if let Some(old) = before.get(cam) {
                    prop_assert_eq!(old, name);
                }
                if !doubled.contains(&cam.0) {
                    prop_assert_eq!(of_unique.entry(cam.0).or_insert_with(|| name.clone()), name);
                }
                now.insert(*cam, name.clone());
            }
            before = now;
        }
    }
}
