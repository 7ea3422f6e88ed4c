use super::*;

fn frame(mono: Micros, received: Micros, size: Option<Size>) -> Frame {
    Frame {
        jpeg: bytes::Bytes::from(vec![0; 100]).into(),
        seq: 0,
        captured: Captured { at: mono, known: true },
        received,
        size,
        ages: None,
        mono,
        boot: "b".into(),
        first: OnceLock::new(),
        memory: None,
    }
}

const FULL: Option<Size> = Some(Size::Full);
const HALF: Option<Size> = Some(Size::Half);

fn shape(width: u32) -> Shape {
    Shape { width, sizes: Size::ALL.to_vec(), interval: 0 }
}

fn camera() -> CameraId {
    "pi/door".parse().unwrap()
}

#[test]
fn the_newest_takes_the_place_of_what_was_not_fetched() {
    let frames = Arc::new(Frames::default());
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 3, &inbox);
    watch.ask(Wanted::full(30.0));
    for mono in 1..=5 {
        frames.offer(&camera(), frame(mono, mono, FULL)).unwrap();
    }
    assert_eq!(inbox.waiting().tiles().collect::<Vec<_>>(), [(3, 100)]);
    assert_eq!(inbox.take(3).unwrap().mono, 5);
    assert!(inbox.waiting().is_empty());
    assert_eq!(frames.memory.taken(), 100, "nobody else has one");
}

#[test]
fn who_comes_later_gets_the_newest_at_once() {
    let frames = Arc::new(Frames::default());
    frames.offer(&camera(), frame(1, 1, None)).unwrap();
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 0, &inbox);
    assert!(inbox.take(0).is_none(), "nothing before it is asked for");
    watch.ask(Wanted::full(1.0));
    assert_eq!(inbox.take(0).unwrap().mono, 1);
    frames.offer(&camera(), frame(2, 2, None)).unwrap();
    watch.ask(Wanted::full(0.0));
    frames.offer(&camera(), frame(3, 3, None)).unwrap();
    assert!(inbox.take(0).is_none(), "paused");
}

#[test]
fn a_tile_gets_the_smallest_size_that_is_sharp_enough() {
    for (width, size) in [
        (0, Size::Quarter),
        (320, Size::Quarter),
        (533, Size::Quarter),
        (534, Size::Half),
        (1066, Size::Half),
        (1067, Size::Full),
        (u32::MAX, Size::Full),
    ] {
        assert_eq!(shape(1280).choose(width), size, "{width}");
    }
    let only_full = Shape { width: 1280, ..Shape::default() };
    assert_eq!(only_full.choose(100), Size::Full);
    let no_quarter = Shape { width: 1280, sizes: vec![Size::Full, Size::Half], interval: 0 };
    assert_eq!(no_quarter.choose(100), Size::Half);
    assert_eq!(shape(0).choose(100), Size::Full, "before its state is known");
}

#[test]
fn live_frames_of_the_right_size_go_before_others() {
    let frames = Arc::new(Frames::default());
    frames.shape(&camera(), shape(1280));
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 0, &inbox);
    watch.ask(Wanted { fps: 30.0, width: 800 });
    let got = |mono, received, size| {
        frames.offer(&camera(), frame(mono, received, size)).unwrap();
        inbox.take(0).is_some()
    };
    assert!(got(10, 10, None), "a preview is better than nothing");
    assert!(got(20, 20, FULL), "and so is another size");
    assert!(got(20, 21, HALF), "of the same moment");
    assert!(!got(30, 30, FULL));
    assert!(!got(31, 31, None));
    assert!(got(40, 40, HALF));
    assert!(got(50, 40 + LIVE_FOR, None), "the right ones have stopped");
    watch.ask(Wanted { fps: 30.0, width: 1280 });
    assert_eq!(frames.wants(), [(camera(), [30.0, 0.0, 0.0])].into());
    assert!(got(60, 50 + LIVE_FOR, HALF), "the old size until the new one comes");
    assert!(got(70, 60 + LIVE_FOR, FULL));
    assert!(!got(80, 70 + LIVE_FOR, HALF));
}

#[test]
fn a_picture_never_goes_back_in_time() {
    let frames = Arc::new(Frames::default());
    let offer = |mono, received, size| frames.offer(&camera(), frame(mono, received, size));
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 0, &inbox);
    watch.ask(Wanted::full(30.0));
    assert_eq!(offer(20, 20, HALF), Ok(()));
    assert_eq!(offer(15, 22, HALF), Err(Dropped::Old));
    assert_eq!(inbox.take(0).unwrap().mono, 20);
    assert_eq!(offer(10, 23, FULL), Ok(()));
    assert!(inbox.take(0).is_none(), "the sizes overtook each other");
    assert_eq!(offer(5, 40 + 2 * LIVE_FOR, FULL), Ok(()), "a forged clock holds nobody up");
    assert_eq!(inbox.take(0).unwrap().mono, 5);
}

#[test]
fn a_camera_is_wanted_at_the_highest_rate_of_each_size() {
    let frames = Arc::new(Frames::default());
    let inbox = Arc::new(Inbox::default());
    let (a, b) = (frames.watch(camera(), 0, &inbox), frames.watch(camera(), 1, &inbox));
    let c = frames.watch(camera(), 2, &inbox);
    assert!(frames.wants().is_empty());
    a.ask(Wanted { fps: 5.0, width: 300 });
    b.ask(Wanted { fps: 20.0, width: 1920 });
    c.ask(Wanted { fps: 10.0, width: 1920 });
    assert_eq!(frames.wants(), [(camera(), [20.0, 0.0, 0.0])].into(), "no other is offered");
    frames.shape(&camera(), shape(1280));
    assert_eq!(frames.wants(), [(camera(), [20.0, 0.0, 5.0])].into());
    drop((b, c));
    assert_eq!(frames.wants(), [(camera(), [0.0, 0.0, 5.0])].into());
    drop(a);
    assert!(frames.wants().is_empty());
    frames.keep(|_| false);
    assert!(frames.lock().slots.is_empty());
}

#[test]
fn a_forgotten_camera_leaves_nothing() {
    let frames = Arc::new(Frames::default());
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 0, &inbox);
    watch.ask(Wanted::full(1.0));
    frames.offer(&camera(), frame(1, 1, FULL)).unwrap();
    frames.keep(|_| true);
    assert!(frames.newest(&camera()).is_some());
    frames.keep(|_| false);
    assert!(frames.newest(&camera()).is_none());
    assert!(inbox.take(0).is_none(), "nor what waited for a page");
    assert_eq!(frames.memory.taken(), 0);
}

#[test]
fn a_frame_takes_memory_until_the_last_who_is_sent_it_has_it() {
    let frames = Arc::new(Frames::new(1000));
    let inbox = Arc::new(Inbox::default());
    let watch = frames.watch(camera(), 0, &inbox);
    watch.ask(Wanted::full(1.0));
    let mut slow = Vec::new();
    for mono in 1..=5 {
        frames.offer(&camera(), frame(mono, mono, FULL)).unwrap();
        slow.push(inbox.take(0).unwrap());
    }
    assert_eq!(frames.offer(&camera(), frame(6, 6, FULL)), Err(Dropped::Full));
    assert_eq!(frames.offer(&camera(), frame(2, 6, FULL)), Err(Dropped::Old));
    assert_eq!(frames.dropped(&camera()), [("full", 1), ("old", 1)].into());
    let other: CameraId = "web-a/camera".parse().unwrap();
    assert_eq!(frames.offer(&other, frame(1, 1, FULL)), Ok(()), "it has a share of its own");
    drop(slow);
    assert_eq!(frames.offer(&camera(), frame(6, 6, FULL)), Ok(()));
    assert_eq!(frames.memory.taken(), 200);
}

#[test]
fn pages_crowd_no_camera_of_the_house_out() {
    let frames = Frames::new(1000);
    let offer = |camera: String| frames.offer(&camera.parse().unwrap(), frame(1, 1, FULL));
    let shown = (0..20).filter(|n| offer(format!("web-{n}/camera")).is_ok()).count();
    assert_eq!(shown, 4, "half of what is not kept for the house");
    assert_eq!(offer("pi/door".to_owned()), Ok(()));
}
