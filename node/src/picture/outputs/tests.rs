use super::*;
use crate::picture::raw::pixels::{Coding, Range};
use crate::picture::raw::scene::{packed, raw};

struct Rig {
    pictures: Pictures,
    layout: Layout,
    slots: Slots,
    counters: Counters,
    seq: u32,
}

impl Rig {
    fn new(layout: Layout) -> Self {
        let id = "attic/door".parse().unwrap();
        let mut pictures = Pictures::new(&Root::default(), &id, LumaTap::default());
        pictures.restart();
        let slots = Slots::default();
        slots.open();
        Rig { pictures, layout, slots, counters: Counters::default(), seq: 0 }
    }

    /// Shows a frame, 100 ms after the last one, and returns the pictures made from it.
    async fn show(&mut self, frame: &[u8], rates: [f32; 3], late: bool) -> Vec<Made> {
        self.seq += 1;
        let at = Duration::from_millis(5000 + 100 * u64::from(self.seq));
        let due = self.pictures.due(&self.layout, rates, late, at);
        let mut stamp = Stamp {
            camera: "attic/door".parse().unwrap(),
            seq: self.seq,
            at: 1,
            mono: 2,
            boot: "6f2d41aa".into(),
            ages: None,
            photo: None,
        };
        let ticket = due.live.then(|| self.counters.ticket());
        let from = From { layout: &self.layout, frame, quality: 80, at };
        self.pictures.put(from, &mut stamp, &self.slots, &self.counters, ticket.as_ref());
        drop(ticket);
        let mut made = Vec::new();
        while let Some(picture) = self.slots.try_take() {
            assert_eq!(Stamp::find(&picture.jpeg), Some(stamp.clone()));
            let topic = picture.topic.strip_prefix("vitrina-jpeg/attic/door/").unwrap();
            made.push(Made {
                topic: topic.to_owned(),
                size: jpeg::size(&picture.jpeg).unwrap(),
                at: picture.jpeg.as_ptr() as usize,
            });
            if let Some(ticket) = picture.ticket {
                ticket.published();
            }
        }
        made
    }

    fn dropped(&self, reason: &str) -> u64 {
        self.counters.snapshot().dropped.get(reason).copied().unwrap_or(0)
    }
}

#[derive(Debug, Clone)]
struct Made {
    topic: String,
    size: (u32, u32),
    /// Where its bytes lie.
    at: usize,
}

fn topics(made: &[Made]) -> Vec<(&str, (u32, u32))> {
    made.iter().map(|made| (made.topic.as_str(), made.size)).collect()
}

fn changed(frame: &[u8], by: u8) -> Vec<u8> {
    frame.iter().map(|value| value.wrapping_add(by)).collect()
}

#[tokio::test]
async fn each_size_is_made_while_it_is_wanted_and_the_preview_once_a_second() {
    let layout = packed(Coding::Yuyv, 1300, 50, Range::Full);
    let mut rig = Rig::new(layout);
    let frame = raw(&layout);
    let made = rig.show(&frame, [0.0; 3], false).await;
    assert_eq!(topics(&made), [("preview", (434, 17))]);
    let made = rig.show(&changed(&frame, 1), [0.0, 10.0, 10.0], false).await;
    assert_eq!(topics(&made), [("live/half", (650, 25)), ("live/quarter", (325, 13))]);
    let mut count = std::collections::BTreeMap::new();
    for i in 0..30 {
        for made in rig.show(&changed(&frame, i), [5.0, 0.0, 10.0], false).await {
            *count.entry(made.topic).or_insert(0) += 1;
        }
    }
    assert_eq!(count["live/quarter"], 30);
    assert!((14..=16).contains(&count["live/full"]), "{count:?}");
    assert!((2..=4).contains(&count["preview"]), "{count:?}");
    let stats = rig.counters.snapshot();
    assert_eq!((stats.made, stats.published), (31, 31), "a frame in two sizes counts once");
}

#[tokio::test]
async fn a_picture_for_two_topics_is_made_once() {
    let layout = packed(Coding::Nv12, 640, 48, Range::Full);
    let mut rig = Rig::new(layout);
    let made = rig.show(&raw(&layout), [10.0, 0.0, 0.0], false).await;
    assert_eq!(topics(&made), [("live/full", (640, 48)), ("preview", (640, 48))]);
    assert_eq!(made[0].at, made[1].at);
    // Twice as wide the preview is as large as half.
    let layout = packed(Coding::Nv12, 1280, 48, Range::Full);
    let mut rig = Rig::new(layout);
    let made = rig.show(&raw(&layout), [0.0, 10.0, 0.0], false).await;
    assert_eq!(topics(&made), [("live/half", (640, 24)), ("preview", (640, 24))]);
    assert_eq!(made[0].at, made[1].at);
}

#[tokio::test]
async fn a_picture_that_shows_nothing_new_is_sent_once_a_second() {
    let layout = packed(Coding::Yuyv, 64, 48, Range::Full);
    let mut rig = Rig::new(layout);
    let frame = raw(&layout);
    let mut sent = Vec::new();
    for i in 0..31 {
        let made = rig.show(&frame, [10.0, 10.0, 0.0], false).await;
        let live: Vec<_> = made.iter().filter(|made| made.topic != "preview").collect();
        assert!(live.is_empty() || live.len() == 2, "{made:?}");
        sent.extend((!live.is_empty()).then_some(i));
    }
    assert_eq!(sent, [0, 10, 20, 30]);
    assert_eq!(rig.dropped("unchanged"), 27);
    let made = rig.show(&changed(&frame, 40), [10.0, 10.0, 0.0], false).await;
    assert!(made.len() >= 2, "something new goes out at once");
}

#[tokio::test]
async fn memory_of_pictures_is_used_again() {
    let layout = packed(Coding::Yuyv, 64, 48, Range::Full);
    let mut rig = Rig::new(layout);
    let frame = raw(&layout);
    let mut seen = std::collections::BTreeSet::new();
    for i in 0..200u8 {
        let made = rig.show(&changed(&frame, i), [10.0, 10.0, 10.0], false).await;
        seen.extend(made.iter().map(|made| made.at));
    }
    // Of 600 pictures; one that is longer than all before it may move.
    assert!(seen.len() <= 30, "{}", seen.len());
}

#[tokio::test]
async fn a_late_frame_goes_where_nothing_is_computed() {
    let layout = packed(Coding::Yuyv, 64, 48, Range::Full);
    let mut rig = Rig::new(layout);
    assert!(rig.show(&raw(&layout), [10.0; 3], true).await.is_empty());
    let jpeg = jpeg_of(&layout);
    let mut rig = Rig::new(Layout { coding: Coding::Mjpeg, ..layout });
    let made = rig.show(&jpeg, [10.0; 3], true).await;
    assert_eq!(topics(&made), [("live/full", (64, 48)), ("preview", (64, 48))]);
}

fn jpeg_of(layout: &Layout) -> Vec<u8> {
    let mut jpeg = Vec::new();
    Sizes::default()
        .make(layout, &raw(layout), 90, &[1], None, |_, made| jpeg = made.unwrap().to_vec());
    jpeg
}

#[tokio::test]
async fn a_jpeg_is_told_from_the_next_also_where_the_camera_comments_on_it() {
    let layout = packed(Coding::Yuyv, 64, 48, Range::Full);
    let jpeg = jpeg_of(&layout);
    let mut rig = Rig::new(Layout { coding: Coding::Mjpeg, ..layout });
    for i in 0..5u8 {
        let commented = [&jpeg[..2], &[0xff, COM, 0, 3, i], &jpeg[2..]].concat();
        let made = rig.show(&commented, [10.0, 0.0, 0.0], false).await;
        assert_eq!(made.is_empty(), i > 0);
    }
    assert_eq!(rig.dropped("unchanged"), 4);
}

#[cfg(feature = "turbojpeg")]
#[tokio::test]
async fn a_jpeg_camera_is_made_smaller_and_where_that_cannot_be_shown_as_it_is() {
    let layout = packed(Coding::Yuyv, 1280, 48, Range::Full);
    let jpeg = jpeg_of(&layout);
    let mut rig = Rig::new(Layout { coding: Coding::Mjpeg, ..layout });
    let made = rig.show(&jpeg, [0.0, 0.0, 10.0], false).await;
    assert_eq!(topics(&made), [("preview", (640, 24)), ("live/quarter", (320, 12))]);
    assert_eq!(rig.pictures.offered(&rig.layout), Size::ALL);
    // A kind that no camera makes, in a picture that is whole.
    let sof = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let mut odd = jpeg;
    odd[sof + 1] = 0xc2;
    for _ in 0..HOPELESS {
        rig.show(&odd, [0.0, 0.0, 10.0], false).await;
    }
    assert_eq!(rig.pictures.offered(&rig.layout), [Size::Full]);
    let mut previews = Vec::new();
    for _ in 0..11 {
        previews.extend(rig.show(&odd, [0.0; 3], false).await);
    }
    assert_eq!(topics(&previews), [("preview", (1280, 48))]);
    assert_eq!(rig.dropped("garbage") + rig.dropped("format"), u64::from(HOPELESS));
}

#[tokio::test]
async fn luma_is_lent_beside_pictures_and_alone_and_never_encoded_for_it() {
    use crate::picture::luma::tests::notes;
    for coding in [Coding::Yuyv, Coding::Nv12, Coding::Grey] {
        let layout = packed(coding, 640, 48, Range::Full);
        let mut rig = Rig::new(layout);
        let (sink, seen) = notes(5.0, 160);
        rig.pictures.luma.register(sink);
        let frame = vec![128; layout.bytes()];
        let made = rig.show(&frame, [0.0; 3], false).await;
        assert_eq!(topics(&made), [("preview", (640, 48))]);
        for _ in 0..20 {
            rig.show(&frame, [0.0; 3], false).await;
        }
        let (seen, at) = &*seen.lock().unwrap();
        assert!(*at > Duration::from_secs(6), "{at:?}");
        assert!((10..=12).contains(&seen.len()), "two seconds at 5 a second: {}", seen.len());
        assert!(seen.iter().all(|seen| *seen == (160, 12, 128)), "{seen:?}");
    }
}

#[cfg(feature = "turbojpeg")]
#[tokio::test]
async fn luma_of_a_jpeg_is_decoded_small_beside_live_pictures_and_alone() {
    use crate::picture::jpeg::encode::{Encode, Encoder};
    use crate::picture::luma::tests::notes;
    use crate::picture::raw::planes::Buffer;
    let raw_layout = packed(Coding::Yuyv, 640, 480, Range::Full);
    let (mut buffer, mut encoder) = (Buffer::default(), Encoder::default());
    let frame = vec![128; raw_layout.bytes()];
    let planes = buffer.separate(&raw_layout, &frame).unwrap();
    let jpeg = encoder.encode(&planes, 90).unwrap().to_vec();
    let mut rig = Rig::new(packed(Coding::Mjpeg, 640, 480, Range::Full));
    for (width, size) in [(640, (320, 240)), (320, (320, 240)), (80, (80, 60)), (20, (20, 15))] {
        let (sink, seen) = notes(1000.0, width);
        rig.pictures.luma.register(sink);
        rig.show(&jpeg, [1000.0, 0.0, 0.0], false).await;
        rig.pictures.due(&rig.layout.clone(), [0.0; 3], false, Duration::from_secs(60));
        rig.pictures.lend(From {
            layout: &rig.layout,
            frame: &jpeg,
            quality: 80,
            at: Duration::ZERO,
        });
        let (seen, _) = &*seen.lock().unwrap();
        assert_eq!(seen.len(), 2, "{width}");
        assert!(seen.iter().all(|s| (s.0, s.1) == size && s.2.abs_diff(128) < 3), "{seen:?}");
    }
}

#[tokio::test]
async fn a_consumer_of_luma_that_dies_is_let_go() {
    use crate::picture::luma::tests::{Notes, Seen};
    let layout = packed(Coding::Grey, 64, 48, Range::Full);
    let mut rig = Rig::new(layout);
    rig.pictures.luma.register(Box::new(Notes {
        rate: 1000.0,
        width: 32,
        seen: Seen::default(),
        dies: true,
    }));
    let frame = vec![1; layout.bytes()];
    let at = Duration::from_secs(5);
    assert!(rig.pictures.due(&layout, [0.0; 3], false, at).luma);
    let from = From { layout: &layout, frame: &frame, quality: 80, at };
    let died = std::panic::AssertUnwindSafe(|| rig.pictures.lend(from));
    assert!(std::panic::catch_unwind(died).is_err());
    assert!(!rig.pictures.due(&layout, [0.0; 3], false, 2 * at).luma);
}
