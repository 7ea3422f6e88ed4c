//! A camera's thread with a scripted source in place of a device.

use super::*;
use std::collections::VecDeque;
use std::sync::mpsc;

use tokio::sync::oneshot;
use wire::{CameraState, Control, Controls, Reason, State, Topic, Want};

use crate::capture::source::{Frame, Source};
use crate::picture::raw::pixels::Layout;
use crate::picture::raw::pixels::{Coding, Range};

/// What a scripted camera does when it is asked for a frame.
enum Step {
    Frame { sequence: u32, bytes: Vec<u8>, error: bool, told: Option<Duration> },
    Late { sequence: u32 },
    Nothing,
    Fault(Fault),
    Die,
}

struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    bytes: Vec<u8>,
    ended: mpsc::Sender<()>,
    /// What others set the controls to, one after another.
    set: Arc<Mutex<VecDeque<Controls>>>,
    controls: Controls,
}

impl Source for Script {
    fn layout(&self) -> Layout {
        Layout { coding: Coding::Grey, width: 16, height: 16, stride: 16, range: Range::Full }
    }

    fn fps(&self) -> Option<f32> {
        Some(30.0)
    }

    fn controls(&mut self) -> Controls {
        self.controls.clone()
    }

    fn changed_controls(&mut self) -> Option<Controls> {
        self.controls = self.set.lock().unwrap().pop_front()?;
        Some(self.controls.clone())
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, Fault> {
        let step = self.steps.lock().unwrap().pop_front();
        match step {
            Some(Step::Frame { sequence, bytes, error, told }) => {
                self.bytes = bytes;
                if told.is_some() {
                    std::thread::sleep(Duration::from_millis(30));
                }
                let at = clock::monotonic();
                Ok(Some(Frame { bytes: &self.bytes, sequence, at, told, error, late: false }))
            }
            Some(Step::Late { sequence }) => {
                self.bytes = vec![99; 256];
                let at = clock::monotonic();
                Ok(Some(Frame {
                    bytes: &self.bytes,
                    sequence,
                    at,
                    told: None,
                    error: false,
                    late: true,
                }))
            }
            Some(Step::Fault(fault)) => Err(fault),
            Some(Step::Die) => panic!("meant to die"),
            Some(Step::Nothing) | None => {
                self.ended.send(()).ok();
                std::thread::sleep(wait);
                Ok(None)
            }
        }
    }
}

struct Rig {
    camera: Arc<Camera>,
    thread: JoinHandle<()>,
    outlet: Outlet,
    ended: mpsc::Receiver<()>,
    opened: mpsc::Receiver<PathBuf>,
    set: Arc<Mutex<VecDeque<Controls>>>,
    _data: tempfile::TempDir,
}

const WITHIN: Duration = Duration::from_secs(20);

impl Rig {
    fn start(steps: Vec<Step>) -> Self {
        let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
        let set = Arc::new(Mutex::new(VecDeque::new()));
        let set_by = Arc::clone(&set);
        let (ended_to, ended) = mpsc::channel();
        let (opened_to, opened) = mpsc::channel();
        let open: Open = Box::new(move |path| {
            opened_to.send(path.to_owned()).ok();
            Ok(Box::new(Script {
                steps: Arc::clone(&steps),
                bytes: vec![],
                ended: ended_to.clone(),
                set: Arc::clone(&set_by),
                controls: Controls::default(),
            }))
        });
        let data = tempfile::tempdir().unwrap();
        let node = "attic".parse().unwrap();
        let health = Health::default();
        let (spooler, _) =
            Spooler::start(data.path().to_owned(), 1 << 30, node, Arc::default(), &health).unwrap();
        let outlet = Outlet {
            root: Root::default(),
            boot: "6f2d41aa".into(),
            facts: Arc::new(Facts::new(Root::default())),
            slots: Arc::default(),
            health,
            spooler,
        };
        outlet.slots.open();
        let about = About {
            id: "attic/door".parse().unwrap(),
            name: "Door".into(),
            title: String::new(),
            device: "/dev/door".into(),
            model: "Door".into(),
            quality: 80,
            every: None,
        };
        let device = Ok(PathBuf::from("/dev/video0"));
        let (camera, thread) = Camera::start(about, device, open, outlet.clone()).unwrap();
        Rig { camera, thread, outlet, ended, opened, set, _data: data }
    }

    fn state(&self, is: impl Fn(&State) -> bool) -> State {
        let until = Instant::now() + WITHIN;
        while Instant::now() < until {
            let fact = self.outlet.facts.get(&Topic::State("attic/door".parse().unwrap()));
            if let Some(state) = fact.and_then(|fact| State::parse(fact.as_bytes()).ok())
                && is(&state)
            {
                return state;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("not in time: {:?}", self.outlet.facts.after(0));
    }

    fn stop(self) -> CameraStats {
        self.camera.give(Command::Stop);
        self.thread.join().unwrap();
        self.outlet.slots.close();
        self.camera.stats()
    }
}

fn frame(sequence: u32) -> Step {
    Step::Frame { sequence, bytes: vec![99; 256], error: false, told: None }
}

/// A frame of one shade, with this time from its driver.
fn told(sequence: u32, told: u64, shade: u8) -> Step {
    let told = Some(Duration::from_millis(told));
    Step::Frame { sequence, bytes: vec![shade; 256], error: false, told }
}

#[tokio::test]
async fn a_raw_frame_that_comes_late_is_not_encoded() {
    let rig = Rig::start(vec![Step::Late { sequence: 0 }, frame(1)]);
    let preview = tokio::time::timeout(WITHIN, rig.outlet.slots.take()).await.unwrap();
    rig.ended.recv_timeout(WITHIN).unwrap();
    assert_eq!(Stamp::find(&preview.jpeg).unwrap().seq, 1);
    let stats = rig.stop();
    assert_eq!((stats.made, stats.dropped.get("unwanted")), (2, Some(&2)));
}

#[test]
fn every_frame_has_one_fate() {
    let broken = |sequence, length, error| Step::Frame {
        sequence,
        bytes: vec![0; length],
        error,
        told: None,
    };
    let rig = Rig::start(vec![
        frame(0),
        frame(3),
        broken(4, 256, true),
        broken(5, 0, false),
        broken(6, 100, false),
        frame(7),
        frame(9),
    ]);
    rig.ended.recv_timeout(WITHIN).unwrap();
    let stats = rig.stop();
    let expected =
        [("driver", 3), ("empty", 1), ("error-flag", 1), ("truncated", 1), ("unwanted", 4)];
    let dropped: Vec<(&str, u64)> = stats.dropped.iter().map(|(r, &n)| (r.as_str(), n)).collect();
    assert_eq!(dropped, expected);
    assert_eq!((stats.made, stats.published), (10, 0));
}

#[test]
fn a_stalled_camera_is_lost_after_three_seconds_and_works_again_by_itself() {
    let mut steps: Vec<Step> = (0..4).map(frame).collect();
    steps.extend((0..16).map(|_| Step::Nothing));
    steps.extend((1..100).map(frame));
    let rig = Rig::start(steps);
    rig.state(|state| state.state == CameraState::Idle);
    let lost = rig.state(|state| state.state == CameraState::Lost);
    assert_eq!(lost.reason, Some(Reason::Stalled));
    rig.state(|state| state.state == CameraState::Idle);
    rig.stop();
}

#[test]
fn a_camera_whose_first_frame_takes_long_is_waited_for_without_a_word() {
    let mut steps: Vec<Step> = (0..16).map(|_| Step::Nothing).collect();
    steps.extend((0..100).map(frame));
    let rig = Rig::start(steps);
    let first = rig.state(|_| true);
    assert_eq!((first.state, rig.opened.try_iter().count()), (CameraState::Idle, 1));
    rig.stop();
}

#[test]
fn a_source_that_stands_still_is_lost_since_it_does_and_live_when_it_moves() {
    let mut steps = vec![told(0, 5, 1)];
    steps.extend((1..131).map(|sequence| told(sequence, 38, 2)));
    steps.extend((131..200).map(|sequence| told(sequence, 4000 + u64::from(sequence), 2)));
    let rig = Rig::start(steps);
    rig.state(|state| state.state == CameraState::Idle);
    let lost = rig.state(|state| state.state == CameraState::Lost);
    assert_eq!(lost.reason, Some(Reason::Frozen));
    assert!(clock::unix_ms() - lost.since >= 3000, "since the first of them");
    rig.state(|state| state.state == CameraState::Idle);
    assert_eq!(rig.opened.try_iter().count(), 1, "it was not opened again");
    rig.ended.recv_timeout(WITHIN).unwrap();
    assert_eq!(rig.stop().dropped["repeated"], 128);
}

#[test]
fn a_stream_that_fails_is_opened_again_and_a_plug_ends_the_wait() {
    let busy = Fault::error(Reason::Busy, "taken by obs");
    let rig = Rig::start(vec![frame(0), Step::Fault(busy), frame(0)]);
    rig.opened.recv_timeout(WITHIN).unwrap();
    let state = rig.state(|state| state.state == CameraState::Error);
    assert_eq!((state.reason, state.detail.as_str()), (Some(Reason::Busy), "taken by obs"));
    rig.camera.give(Command::Plug("/dev/video7".into()));
    assert_eq!(rig.opened.recv_timeout(WITHIN).unwrap(), PathBuf::from("/dev/video7"));
    rig.state(|state| state.state == CameraState::Idle);
    rig.camera.give(Command::Withhold(Fault::unplugged()));
    let state = rig.state(|state| state.state == CameraState::Lost);
    assert_eq!(state.reason, Some(Reason::Unplugged));
    assert_eq!(rig.stop().made, 2);
}

#[test]
fn a_camera_is_live_while_it_is_wanted() {
    let rig = Rig::start((0..200).flat_map(|i| [frame(i), Step::Nothing]).collect());
    rig.state(|state| state.state == CameraState::Idle);
    let want = Want::parse(br#"{"by":"me","full":30,"for":2}"#).unwrap();
    rig.camera.give(Command::Want(want));
    rig.state(|state| state.state == CameraState::Live);
    rig.state(|state| state.state == CameraState::Idle);
    let stats = rig.stop();
    assert_eq!(stats.made, stats.published + stats.dropped.values().sum::<u64>());
    assert!(stats.dropped.contains_key("superseded"), "{stats:?}");
}

#[test]
fn a_thread_that_dies_is_an_error_with_its_reason_until_it_works_again() {
    let rig = Rig::start(vec![frame(0), Step::Die, Step::Die, frame(0), frame(1)]);
    let died = rig.state(|state| state.state == CameraState::Error);
    assert_eq!(died.reason, Some(Reason::Crashed));
    assert!(died.detail.contains("meant to die"), "{}", died.detail);
    rig.state(|state| state.state == CameraState::Idle);
    assert!(!rig.thread.is_finished());
    assert_eq!(rig.stop().made, 3);
}

#[test]
fn a_camera_that_is_withheld_says_why_and_is_not_opened() {
    let rig = Rig::start(vec![frame(0), frame(1)]);
    rig.state(|state| state.state == CameraState::Idle);
    rig.opened.recv_timeout(WITHIN).unwrap();
    rig.camera.give(Command::Withhold(Fault::error(Reason::Ambiguous, "could be either")));
    let state = rig.state(|state| state.state == CameraState::Error);
    assert_eq!((state.reason, state.detail.as_str()), (Some(Reason::Ambiguous), "could be either"));
    rig.camera.give(Command::Path("/dev/v4l/by-path/door".into()));
    rig.camera.give(Command::Plug("/dev/video7".into()));
    assert_eq!(rig.opened.recv_timeout(WITHIN).unwrap(), PathBuf::from("/dev/video7"));
    rig.stop();
}

#[test]
fn a_thread_that_died_is_told_to_health() {
    let rig = Rig::start(vec![]);
    assert_eq!(rig.outlet.health.check(), Ok(()));
    rig.outlet.health.kill("camera door");
    assert!(rig.thread.join().is_err());
    let told = rig.outlet.health.check().unwrap_err();
    assert!(told.starts_with("camera door was ended"), "{told}");
}

fn brightness(value: i64) -> Controls {
    let control = Control { value, min: 0, max: 255, step: 1, default: 128 };
    Controls([("brightness".to_owned(), control)].into())
}

impl Rig {
    fn controls(&self) -> Option<String> {
        self.outlet.facts.get(&Topic::Controls("attic/door".parse().unwrap()))
    }

    async fn ask_controls(&self) -> Result<Controls, String> {
        let (reply, answer) = oneshot::channel();
        self.camera.give(Command::Controls(reply));
        tokio::time::timeout(WITHIN, answer).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn controls_are_told_again_when_they_change_and_not_of_a_camera_that_is_lost() {
    let rig = Rig::start((0..2000).flat_map(|i| [frame(i), Step::Nothing]).collect());
    rig.state(|state| state.state == CameraState::Idle);
    assert_eq!(rig.controls().as_deref(), Some(""), "those of an earlier run are taken back");
    for value in [128, 64] {
        rig.set.lock().unwrap().push_back(brightness(value));
        let told = rig.state(|state| {
            !state.controls.is_empty() && Controls(state.controls.clone()) == brightness(value)
        });
        assert_eq!(told.state, CameraState::Idle);
        let until = Instant::now() + WITHIN;
        while rig.controls() != Some(brightness(value).to_json()) {
            assert!(Instant::now() < until, "not in time: {:?}", rig.controls());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!(rig.ask_controls().await, Ok(brightness(64)));
    rig.camera.give(Command::Withhold(Fault::unplugged()));
    let lost = rig.state(|state| state.state == CameraState::Lost);
    assert!(lost.controls.is_empty());
    let why = rig.ask_controls().await.unwrap_err();
    assert!(why.starts_with("unplugged"), "{why}");
    assert_eq!(rig.controls().as_deref(), Some(""));
    rig.stop();
}

#[test]
fn luma_is_lent_while_nobody_looks_and_the_broker_is_away() {
    let rig = Rig::start((0..2000).flat_map(|i| [frame(i), Step::Nothing]).collect());
    rig.outlet.slots.close();
    let (sink, seen) = crate::picture::luma::tests::notes(1000.0, 8);
    rig.camera.luma().register(sink);
    let until = Instant::now() + WITHIN;
    while seen.lock().unwrap().0.len() < 3 {
        assert!(Instant::now() < until, "not in time");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(seen.lock().unwrap().0[0], (8, 8, 99));
    rig.stop();
}
