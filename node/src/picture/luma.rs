//! A tap for small grey pictures: it lends the reduced frame to one further consumer, such as one
//! that detects motion.
//!
//! While no consumer is registered, a frame costs a look at an empty slot, and no decoding. The
//! lent planes are decoded once, together with the sizes due in the same frame. It has no queue: a
//! slow consumer gets fewer frames, because late frames are not lent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::picture::raw::pixels::Layout;
use crate::picture::raw::planes::{Plane, Planes};
use crate::picture::wants::Pacer;

/// A consumer of a camera's small grey pictures.
pub(crate) trait LumaSink: Send {
    /// The wanted rate, in frames a second. The tap asks for each frame.
    fn rate(&self) -> f32;

    /// The greatest wanted width, in pixels.
    fn width(&self) -> usize;

    /// Handles a picture on the camera's thread, within a millisecond. Slower work copies it first.
    fn look(&mut self, luma: &Luma<'_>);
}

/// The Y of a reduced frame, at full range.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "no consumer is built yet"))]
pub(crate) struct Luma<'a> {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// One byte for each pixel.
    pub y: Plane<'a>,
    /// When it was captured, by the monotonic clock.
    pub at: Duration,
}

/// The slot of one consumer. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct LumaTap(Arc<Mutex<Option<Consumer>>>);

struct Consumer {
    sink: Box<dyn LumaSink>,
    pacer: Pacer,
}

impl LumaTap {
    /// Lends pictures to `sink` from now on, in place of the consumer before.
    #[cfg_attr(not(test), expect(dead_code, reason = "no consumer is built yet"))]
    pub fn register(&self, sink: Box<dyn LumaSink>) {
        *self.lock() = Some(Consumer { sink, pacer: Pacer::default() });
    }

    /// Lends no more pictures.
    #[cfg_attr(not(test), expect(dead_code, reason = "no consumer is built yet"))]
    pub fn withdraw(&self) {
        *self.lock() = None;
    }

    /// The step at which to reduce the frame captured at `at` for the consumer, if it is due. Ask
    /// this for each frame that can be reduced.
    pub fn due(&self, layout: &Layout, late: bool, at: Duration) -> Option<usize> {
        let mut consumer = self.lock();
        let Consumer { sink, pacer } = consumer.as_mut()?;
        let is_due = pacer.passes(sink.rate(), at) && !late;
        // A decoder reduces by powers of two cheaply, but not at the JPEG's own size.
        let least = if layout.coding.is_jpeg() { 2 } else { 1 };
        let step = layout.width.div_ceil(sink.width().max(1)).max(least);
        is_due.then(|| step.next_power_of_two())
    }

    /// Lends a frame. A consumer that panics is dropped: that costs one frame and no camera.
    pub fn lend(&self, planes: &Planes<'_>, at: Duration) {
        let Some(mut consumer) = self.lock().take() else { return };
        let Planes { width, height, planes: [y, ..], .. } = *planes;
        consumer.sink.look(&Luma { width, height, y, at });
        // Another consumer may have registered in the meantime.
        self.lock().get_or_insert(consumer);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Consumer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::picture::raw::pixels::{Coding, Range};
    use crate::picture::raw::scene::packed;

    /// What a consumer got: width, height, and the mean of all pixels; and the last capture time.
    pub(crate) type Seen = Arc<Mutex<(Vec<(usize, usize, u8)>, Duration)>>;

    /// A consumer that records what it gets.
    pub(crate) struct Notes {
        pub rate: f32,
        pub width: usize,
        pub seen: Seen,
        pub dies: bool,
    }

    impl LumaSink for Notes {
        fn rate(&self) -> f32 {
            self.rate
        }

        fn width(&self) -> usize {
            self.width
        }

        fn look(&mut self, luma: &Luma<'_>) {
            assert!(!self.dies, "meant to die");
            let rows = (0..luma.height).flat_map(|row| luma.y.row(row, luma.width));
            let sum: usize = rows.map(|&y| usize::from(y)).sum();
            let mean = (sum / (luma.width * luma.height)) as u8;
            let mut seen = self.seen.lock().unwrap();
            seen.0.push((luma.width, luma.height, mean));
            seen.1 = luma.at;
        }
    }

    pub(crate) fn notes(rate: f32, width: usize) -> (Box<Notes>, Seen) {
        let seen = Seen::default();
        (Box::new(Notes { rate, width, seen: Arc::clone(&seen), dies: false }), seen)
    }

    #[test]
    fn a_consumer_has_frames_at_its_own_rate_and_size_and_none_that_is_late() {
        let (tap, layout) = (LumaTap::default(), packed(Coding::Yuyv, 1280, 720, Range::Full));
        let at = |n: u64| Duration::from_millis(1000 + 33 * n);
        assert!((0..30).all(|n| tap.due(&layout, false, at(n)).is_none()), "nobody wants any");
        tap.register(notes(5.0, 320).0);
        let due: Vec<usize> = (0..90).filter_map(|n| tap.due(&layout, false, at(n))).collect();
        assert!((14..=16).contains(&due.len()), "{}", due.len());
        assert!(due.iter().all(|&step| step == 4));
        assert!((90..180).all(|n| tap.due(&layout, true, at(n)).is_none()));
        tap.withdraw();
        assert!((180..270).all(|n| tap.due(&layout, false, at(n)).is_none()));
    }
}
