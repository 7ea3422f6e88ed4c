//! The controls of a device: the list, the values, and when to read them again.
//!
//! A driver gives the next control after an id (`V4L2_CTRL_FLAG_NEXT_CTRL`,
//! `vidioc-queryctrl.rst`). If it must ask the device about that control and gets no answer, as in
//! uvcvideo, it always returns an error there, and no later control can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wire::{Control, Controls};

use crate::capture::driver::descriptions::Described;
use crate::capture::driver::v4l2::Device;

/// If the driver has events: how often controls that keep changing are read.
const AGAIN: Duration = Duration::from_secs(1);
/// If it has none: how often all are read, because each may be a question to the device.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// A driver's answer about a control.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The control and its id.
    Is(u32, T),
    /// There is one, but the driver cannot describe it.
    Fails,
    /// There is no control.
    None,
}

/// The most controls of a device.
const MOST: usize = 256;
/// The first ids of the classes of controls that cameras have (`v4l2-controls.h`): user, camera,
/// flash, JPEG, image source, image processing, detection, a driver's own, Logitech's.
const KINDS: [u32; 9] = [
    0x0098_0900,
    0x009a_0900,
    0x009c_0900,
    0x009d_0900,
    0x009e_0900,
    0x009f_0900,
    0x00a3_0900,
    0x0800_0000,
    0x0a04_6d00,
];
/// How many ids of each class are tried.
const EACH: u32 = 64;

/// All controls that can be described, in the order of their ids. `next` gives the control after an
/// id, `exact` the one with that id.
pub(crate) fn find<T>(
    mut next: impl FnMut(u32) -> Answer<T>,
    mut exact: impl FnMut(u32) -> Answer<T>,
) -> Vec<(u32, T)> {
    let (mut found, mut last) = (Vec::new(), 0);
    while found.len() < MOST {
        match next(last) {
            // A driver that repeats the same ones would keep the loop running without end.
            Answer::Is(id, control) if id > last => {
                found.push((id, control));
                last = id;
                continue;
            }
            _ => {}
        }
        let mut ids = KINDS.into_iter().flat_map(|kind| kind..kind + EACH).filter(|&id| id > last);
        let behind = ids.find_map(|id| match exact(id) {
            Answer::Is(_, control) => Some((id, Some(control))),
            Answer::Fails => Some((id, None)),
            Answer::None => None,
        });
        let Some((id, control)) = behind else { break };
        found.extend(control.map(|control| (id, control)));
        last = id;
    }
    found
}

/// Controls that were read.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    controls: BTreeMap<String, Control>,
    /// Those that the hardware itself changes all the time (`V4L2_CTRL_FLAG_VOLATILE`).
    volatile: BTreeSet<String>,
}

impl Listed {
    /// All of them.
    pub fn all(&self) -> Controls {
        Controls(self.controls.clone())
    }

    /// Whether anything has changed except the value of a volatile control: an automatic exposure
    /// would be news all the time.
    pub fn differ(&self, before: &Listed) -> bool {
        let is_news = |(name, control): (&String, &Control)| {
            let mut was = before.controls.get(name).cloned();
            if let Some(was) = was.as_mut().filter(|_| self.volatile.contains(name)) {
                was.value = control.value;
            }
            was.as_ref() != Some(control)
        };
        self.controls.len() != before.controls.len() || self.controls.iter().any(is_news)
    }
}

/// The controls that hold a number, with the names that `v4l2-ctl` gives them.
pub(crate) fn list(device: &Device) -> Listed {
    let mut listed = Listed::default();
    for (id, described) in described(device) {
        let Some(value) = device.control(id) else { continue };
        let Described { name, control, is_volatile, .. } = described;
        let name = snake_case(&name);
        let name = if name.is_empty() { format!("control_{id:08x}") } else { name };
        // Controls with the same name each get an entry.
        let names = (2..).map(|n| format!("{name}_{n}"));
        let mut names = std::iter::once(name.clone()).chain(names);
        if let Some(name) = names.find(|name| !listed.controls.contains_key(name)) {
            if is_volatile {
                listed.volatile.insert(name.clone());
            }
            listed.controls.insert(name, Control { value: value.into(), ..control });
        }
    }
    listed
}

/// Subscribes to changes of controls by others. Returns whether it worked for all.
pub(crate) fn subscribe(device: &Device) -> bool {
    described(device).into_iter().all(|(id, _)| device.subscribe_control(id))
}

fn described(device: &Device) -> impl IntoIterator<Item = (u32, Described)> {
    let all = find(|id| device.next_control(id), |id| device.describe_control(id));
    all.into_iter().filter(|(_, described)| described.is_readable)
}

/// Lower case, with one underscore for whatever separates words.
fn snake_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// When to read controls again.
#[derive(Debug)]
pub(crate) struct Watch {
    has_events: bool,
    /// An event has come since the last reading.
    had_event: bool,
    read: Duration,
}

impl Watch {
    /// The controls were read at `now`, by the monotonic clock.
    pub fn new(has_events: bool, now: Duration) -> Self {
        Watch { has_events, had_event: false, read: now }
    }

    /// Whether it is time to read; `has_event` says that the driver reported a change.
    pub fn is_due(&mut self, has_event: bool, now: Duration) -> bool {
        self.had_event |= has_event;
        let since = now.saturating_sub(self.read);
        match (self.had_event, self.has_events) {
            (true, _) => since >= AGAIN,
            (false, true) => false,
            (false, false) => since >= LOOK_AGAIN,
        }
    }

    /// The controls were read.
    pub fn has_read(&mut self, now: Duration) {
        (self.had_event, self.read) = (false, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BRIGHTNESS: u32 = 0x0098_0900;
    const EXPOSURE: u32 = 0x009a_0901;

    /// A driver with these controls, some of which fail.
    fn ids(controls: &[(u32, bool)]) -> Vec<u32> {
        let answer = |control: Option<&(u32, bool)>| match control {
            Some(&(id, true)) => Answer::Is(id, ()),
            Some(_) => Answer::Fails,
            None => Answer::None,
        };
        let next = |last| answer(controls.iter().find(|(id, _)| *id > last));
        let exact = |asked| answer(controls.iter().find(|(id, _)| *id == asked));
        find(next, exact).into_iter().map(|(id, ())| id).collect()
    }

    #[test]
    fn a_control_that_fails_hides_no_other() {
        let good = |id| (id, true);
        let all = [good(BRIGHTNESS), good(BRIGHTNESS + 1), (BRIGHTNESS + 2, false), good(EXPOSURE)];
        assert_eq!(ids(&all), [BRIGHTNESS, BRIGHTNESS + 1, EXPOSURE]);
        // The first and the last of a kind, and all.
        let all =
            [(BRIGHTNESS, false), good(BRIGHTNESS + 28), (EXPOSURE, false), good(EXPOSURE + 1)];
        assert_eq!(ids(&all), [BRIGHTNESS + 28, EXPOSURE + 1]);
        assert!(ids(&[(BRIGHTNESS, false), (EXPOSURE, false)]).is_empty());
    }

    #[test]
    fn a_driver_that_never_ends_is_left() {
        let found = find(|_| Answer::Is(7, ()), |_| Answer::None);
        assert_eq!(found.len(), 1, "the same one again and again");
        let found = find(|last| Answer::Is(last + 1, ()), |id| Answer::Is(id, ()));
        assert_eq!(found.len(), MOST);
        let found = find(|_| Answer::<()>::Fails, |_| Answer::Fails);
        assert_eq!(found.len(), 0);
    }

    #[test]
    fn controls_have_the_names_of_v4l2_ctl() {
        assert_eq!(snake_case("White Balance, Automatic"), "white_balance_automatic");
        assert_eq!(snake_case("Exposure Time, Absolute"), "exposure_time_absolute");
    }

    #[test]
    fn controls_are_read_again_at_an_event_and_where_there_are_none_now_and_then() {
        let second = Duration::from_secs;
        let mut watch = Watch::new(true, second(100));
        assert!(!watch.is_due(false, second(1000)), "nobody changed any");
        assert!(watch.is_due(true, second(1000)));
        watch.has_read(second(1000));
        assert!(
            !watch.is_due(true, second(1000)),
            "a slider that is dragged is read once a second"
        );
        assert!(watch.is_due(false, second(1001)), "its last value is read, too");
        let mut watch = Watch::new(false, second(100));
        assert!(!watch.is_due(false, second(109)));
        assert!(watch.is_due(false, second(110)));
    }

    #[test]
    fn a_value_that_the_hardware_changes_by_itself_is_no_news() {
        let listed = |values: [i64; 2]| {
            let control = |value| Control { value, min: 0, max: 9, step: 1, default: 5 };
            let controls = [("gain", values[0]), ("hue", values[1])];
            let controls = controls.map(|(name, value)| (name.to_owned(), control(value)));
            Listed { controls: controls.into(), volatile: ["gain".to_owned()].into() }
        };
        assert!(!listed([1, 1]).differ(&listed([2, 1])));
        assert!(listed([1, 1]).differ(&listed([1, 2])));
        let mut wider = listed([1, 1]);
        wider.controls.get_mut("gain").unwrap().max = 10;
        assert!(wider.differ(&listed([1, 1])));
        assert!(listed([1, 1]).differ(&Listed::default()));
        assert!(Listed::default().differ(&listed([1, 1])));
    }

    proptest! {
        #[test]
        fn every_good_control_of_a_camera_is_found(
            offsets in proptest::collection::btree_map((0usize..KINDS.len(), 0..EACH), any::<bool>(), 0..100)
        ) {
            let controls: Vec<(u32, bool)> =
                offsets.into_iter().map(|((kind, offset), good)| (KINDS[kind] + offset, good)).collect();
            let good: Vec<u32> = controls.iter().filter(|one| one.1).map(|one| one.0).collect();
            prop_assert_eq!(ids(&controls), good);
        }
    }
}
