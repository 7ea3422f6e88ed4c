//! The pictures of pages' cameras on their way to the broker: the newest of each topic.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use wire::frame::{Own, OwnSize};
use wire::{CameraId, PacketLimits, Stamp, Topic, jpeg, limits};

use crate::limits::shares::{Share, Shares, Who};
use crate::limits::strangers::SHOWN;
use crate::now::Now;

/// An older frame was held up on its way; its exact age no longer matters.
const AGE_MOST: f32 = 60_000.0;

/// The longest side of a camera's picture, in pixels.
const SIDE: u32 = 16_384;

/// Counts of a camera's frames.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Full frames that came.
    pub made: AtomicU64,
    /// Full frames that were handed to the broker.
    pub published: AtomicU64,
    /// Full frames that a newer one replaced.
    pub superseded: AtomicU64,
    /// Full frames that nobody wanted.
    pub unwanted: AtomicU64,
    /// Full frames that are too large for the broker.
    pub too_large: AtomicU64,
    /// Bytes of all sizes handed to the broker.
    pub bytes: AtomicU64,
}

impl Counters {
    pub fn add(&self, counter: fn(&Counters) -> &AtomicU64, n: u64) {
        counter(self).fetch_add(n, Ordering::Relaxed);
    }
}

/// A picture on its way.
#[derive(Debug)]
pub(crate) struct Picture {
    pub topic: Topic,
    pub jpeg: Bytes,
    counters: Arc<Counters>,
    /// Its share of the memory, while it waits.
    memory: Option<Share>,
}

impl Picture {
    /// Stamps a page's frame. The page tells the age, because its clock may be wrong.
    ///
    /// # Errors
    /// A sentence that says why it is not a picture.
    pub fn new(
        camera: &CameraId,
        own: Own,
        jpeg: &[u8],
        boot: &str,
        counters: &Arc<Counters>,
        now: Now,
    ) -> Result<Picture, String> {
        check(own, jpeg).map_err(|why| format!("frame {} {why}", own.seq))?;
        let age = own.age.clamp(0.0, AGE_MOST) as u64 * 1000;
        let stamp = Stamp {
            camera: camera.clone(),
            seq: own.seq,
            at: now.wall.saturating_sub(age),
            mono: now.mono.saturating_sub(age),
            boot: boot.to_owned(),
            ages: None,
            photo: None,
        };
        // Stamps that the page wrote itself are not trusted.
        let bare = Stamp::remove(jpeg);
        let mut stamped = Vec::new();
        let inserted = stamp.insert(bare.as_deref().unwrap_or(jpeg), &mut stamped);
        inserted.map_err(|error| format!("frame {}: {error}", own.seq))?;
        let topic = match own.size {
            OwnSize::Live(size) => Topic::Live(camera.clone(), size),
            OwnSize::Preview => Topic::Preview(camera.clone()),
        };
        Ok(Picture { topic, jpeg: stamped.into(), counters: counters.clone(), memory: None })
    }

    fn is_full(&self) -> bool {
        matches!(self.topic, Topic::Live(_, wire::Size::Full))
    }

    fn count(&self, counter: fn(&Counters) -> &AtomicU64) {
        if self.is_full() {
            self.counters.add(counter, 1);
        }
    }

    /// It was handed to the broker.
    pub fn published(&self) {
        self.count(|counters| &counters.published);
        self.counters.add(|counters| &counters.bytes, self.jpeg.len() as u64);
    }

    /// It is too large for the broker.
    pub fn too_large(&self) {
        self.count(|counters| &counters.too_large);
    }

    /// A newer picture replaced it.
    fn superseded(&self) {
        self.count(|counters| &counters.superseded);
    }
}

fn check(own: Own, jpeg: &[u8]) -> Result<(), String> {
    if jpeg.len() > limits::PICTURE {
        return Err(format!("has {} bytes; the most is {}", jpeg.len(), limits::PICTURE));
    }
    if let Some(Err(error)) = jpeg::segments(jpeg).last() {
        return Err(format!("is not a JPEG: it {error}"));
    }
    if !jpeg.ends_with(&[0xff, jpeg::EOI]) {
        return Err("is not a whole JPEG: its end is missing".to_owned());
    }
    let (width, height) = jpeg::size(jpeg).ok_or("is a JPEG without a size")?;
    let widest = if own.size == OwnSize::Preview { limits::PREVIEW_WIDTH } else { SIDE };
    if width > widest || height > SIDE {
        return Err(format!("has {width}x{height} pixels; the widest is {widest}"));
    }
    Ok(())
}

/// One slot for each topic.
#[derive(Debug)]
pub(crate) struct Pictures {
    memory: Shares,
    /// In the order in which their topics began to wait.
    waiting: Mutex<VecDeque<Picture>>,
    came: Notify,
    /// The packet sizes that the broker accepts.
    takes: Mutex<PacketLimits>,
}

impl Default for Pictures {
    fn default() -> Self {
        let memory = Shares::new("bytes of pictures", SHOWN.bytes());
        Pictures { memory, waiting: Mutex::default(), came: Notify::new(), takes: Mutex::default() }
    }
}

impl Pictures {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Picture>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a picture that somebody brings. It replaces the one of the same topic and takes its
    /// turn.
    pub fn put(&self, who: Who, mut picture: Picture) {
        let mut memory = self.memory.none(who);
        if memory.grow(picture.jpeg.len()).is_err() {
            return picture.superseded();
        }
        picture.memory = Some(memory);
        let mut waiting = self.lock();
        match waiting.iter_mut().find(|waits| waits.topic == picture.topic) {
            Some(old) => std::mem::replace(old, picture).superseded(),
            None => waiting.push_back(picture),
        }
        drop(waiting);
        self.came.notify_one();
    }

    /// Ends when there may be a picture to take.
    pub async fn came(&self) {
        self.came.notified().await;
    }

    /// The picture whose topic has waited longest.
    pub fn take(&self) -> Option<Picture> {
        let picture = self.lock().pop_front()?;
        Some(Picture { memory: None, ..picture })
    }

    /// The known limits of the broker's packets.
    pub fn takes(&self) -> MutexGuard<'_, PacketLimits> {
        self.takes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops all waiting pictures: they would be old when the broker is back.
    pub fn clear(&self) {
        let left = std::mem::take(&mut *self.lock());
        left.iter().for_each(Picture::superseded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Size;

    const NOW: Now = Now { mono: 5_000_000, wall: 1_763_640_000_000_000 };

    fn golden() -> Vec<u8> {
        let golden = include_bytes!("../../../wire/golden/stamped.jpg");
        Stamp::remove(golden).unwrap()
    }

    fn camera() -> CameraId {
        "web-a/camera".parse().unwrap()
    }

    fn picture(seq: u32, size: OwnSize, age: f32, jpeg: &[u8]) -> Result<Picture, String> {
        let own = Own { seq, size, age };
        Picture::new(&camera(), own, jpeg, "6f2d41aa", &Arc::default(), NOW)
    }

    #[test]
    fn a_frame_is_stamped_with_the_gallerys_clock() {
        let full = OwnSize::Live(Size::Full);
        let made = picture(7, full, 1500.4, &golden()).unwrap();
        assert_eq!(made.topic, Topic::Live(camera(), Size::Full));
        let stamp = Stamp::find(&made.jpeg).unwrap();
        assert_eq!((stamp.seq, stamp.mono, stamp.at), (7, 3_500_000, 1_763_639_998_500_000));
        assert_eq!(Stamp::remove(&made.jpeg).unwrap(), golden());
        for (age, mono) in [(-5.0, 5_000_000), (1e9, 0), (f32::MAX, 0)] {
            let made = picture(7, full, age, &golden()).unwrap();
            assert_eq!(Stamp::find(&made.jpeg).unwrap().mono, mono);
        }
    }

    #[test]
    fn a_stamp_of_the_pages_own_is_not_believed() {
        let forged = include_bytes!("../../../wire/golden/stamped.jpg");
        let made = picture(7, OwnSize::Preview, 0.0, forged).unwrap();
        assert_eq!(Stamp::find(&made.jpeg).unwrap().camera, camera());
    }

    #[test]
    fn what_is_no_picture_is_refused_with_a_reason() {
        let golden = golden();
        let cut = &golden[..golden.len() - 2];
        for (bad, word) in [
            (&b""[..], "is not a JPEG"),
            (b"rubbish of some length", "is not a JPEG"),
            (&golden[..20], "is not a JPEG"),
            (cut, "end is missing"),
            (&vec![0; limits::PICTURE + 1], "bytes"),
        ] {
            let why = picture(7, OwnSize::Preview, 0.0, bad).unwrap_err();
            assert!(why.contains(word) && why.contains("frame 7"), "{why}");
        }
    }

    #[test]
    fn the_newest_of_each_topic_waits() {
        let pictures = Pictures::default();
        let counters = Arc::<Counters>::default();
        let put = |seq, size| {
            let own = Own { seq, size, age: 0.0 };
            let picture = Picture::new(&camera(), own, &golden(), "6f2d41aa", &counters, NOW);
            pictures.put(Who::Gallery, picture.unwrap());
        };
        put(1, OwnSize::Live(Size::Full));
        put(2, OwnSize::Preview);
        put(3, OwnSize::Live(Size::Full));
        let seq = |picture: Picture| Stamp::find(&picture.jpeg).unwrap().seq;
        assert_eq!(pictures.take().map(seq), Some(3));
        assert_eq!(counters.superseded.load(Ordering::Relaxed), 1);
        assert_eq!(pictures.take().map(seq), Some(2));
        assert!(pictures.take().is_none());
        assert_eq!(pictures.memory.taken(), 0);
    }
}
