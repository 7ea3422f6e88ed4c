//! The newest frame of each camera in each size, and who waits for it.
//!
//! A frame is the bytes that the broker sent: never decoded, never copied but into a socket, or
//! for many into a pipe whose pages all their sockets are lent.
//! Whoever watches has an [`Inbox`] with one place for each of its tiles; a newer frame takes the
//! place of one that was not fetched. So nothing here can grow when somebody is slow.
//!
//! Each gets the smallest size that is sharp enough where it is shown. Until the first frame of
//! that size comes, what there is in other sizes is better than nothing.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use tokio::sync::Notify;
use wire::frame::Header;
use wire::{CameraId, Size, Took};

use crate::clocks::Captured;
use crate::jpeg::Jpeg;
use crate::now::Micros;

/// All newest frames together take at most so many bytes.
const BUDGET: usize = 512 * 1024 * 1024;

/// Other sizes and previews are left out while live frames of the right size came within this
/// time, and that of two frames.
const LIVE_FOR: Micros = 3_000_000;

/// A picture is sharp enough where it has this part of the pixels across that it is shown on.
const SHARP: f64 = 0.6;

/// One picture, as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub jpeg: Jpeg,
    pub seq: u32,
    pub captured: Captured,
    pub received: Micros,
    /// The live size; `None` for a preview.
    pub size: Option<Size>,
    /// What its node took of its age, if it tells.
    pub took: Option<Took>,
    /// The stamp's own clock, to tell older from newer.
    pub mono: Micros,
    pub boot: String,
    /// What the first of many viewers was told of it, which may serve for others.
    pub first: OnceLock<Header>,
}

/// Why a picture was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Captured before the newest one of its size.
    Old,
    /// The memory for pictures is full.
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct Frames {
    inner: Mutex<Inner>,
    next_serial: AtomicU32,
    /// Told when somebody begins, ends or changes watching.
    pub wants_changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<CameraId, Slot>,
    bytes: usize,
    next_watch: u64,
}

#[derive(Debug, Default)]
struct Slot {
    shape: Shape,
    /// Of the live sizes in the order of [`Size::ALL`], and of the preview.
    newest: [Option<Arc<Frame>>; 4],
    watchers: HashMap<u64, Watcher>,
}

/// What pictures a camera gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The width of its full picture in pixels; 0 if that is not known.
    pub width: u32,
    /// The sizes it can be wanted in. It can always be wanted in full.
    pub sizes: Vec<Size>,
    /// The time between two of its frames where that is long, else 0.
    pub interval: Micros,
}

#[derive(Debug)]
struct Watcher {
    tile: u16,
    wanted: Wanted,
    inbox: Arc<Inbox>,
    /// When the last frame that it got was captured, by the stamp's clock, and received.
    last: Option<(Micros, Micros)>,
}

/// What a watcher wants of a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    /// Frames a second; 0 for nothing for now.
    pub fps: f32,
    /// How wide it is shown, in device pixels.
    pub width: u32,
}

impl Wanted {
    pub const NOTHING: Wanted = Wanted { fps: 0.0, width: 0 };

    /// The largest picture.
    pub fn full(fps: f32) -> Self {
        Wanted { fps, width: u32::MAX }
    }
}

/// The rates wanted of a camera's sizes, in the order of [`Size::ALL`].
pub(crate) type Rates = [f32; 3];

impl Shape {
    /// The smallest size that is sharp enough at this width.
    fn choose(&self, width: u32) -> Size {
        let across = |size| match size {
            Size::Full => self.width,
            Size::Half => self.width.div_ceil(2),
            Size::Quarter => self.width.div_ceil(4),
        };
        let is_sharp = |size| f64::from(across(size)) >= SHARP * f64::from(width);
        let mut smallest_first = Size::ALL.into_iter().rev();
        let chosen = smallest_first.find(|&size| self.sizes.contains(&size) && is_sharp(size));
        chosen.filter(|_| self.width > 0).unwrap_or(Size::Full)
    }
}

impl Slot {
    /// Whether live frames of this size come.
    fn has(&self, size: Size, now: Micros) -> bool {
        let newest = self.newest[place(Some(size))].as_ref();
        let within = LIVE_FOR + 2 * self.shape.interval;
        newest.is_some_and(|newest| now.saturating_sub(newest.received) < within)
    }

    /// The one that was captured last; of several the largest.
    fn freshest(&self) -> Option<&Arc<Frame>> {
        self.newest.iter().rev().flatten().max_by_key(|frame| frame.captured.at)
    }

    fn is_empty(&self) -> bool {
        self.newest.iter().all(Option::is_none)
    }
}

/// Where the newest of a size is kept.
fn place(size: Option<Size>) -> usize {
    match size {
        Some(Size::Full) => 0,
        Some(Size::Half) => 1,
        Some(Size::Quarter) => 2,
        None => 3,
    }
}

impl Watcher {
    fn put(&mut self, frame: &Arc<Frame>) {
        // Sizes of a camera may overtake each other; a picture never goes back in time. A clock
        // that does holds nobody up for long.
        let is_older = self.last.is_some_and(|(mono, received)| {
            frame.mono < mono && frame.received.saturating_sub(received) < LIVE_FOR
        });
        if !is_older {
            self.last = Some((frame.mono, frame.received));
            self.inbox.put(self.tile, frame);
        }
    }
}

impl Frames {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a picture as the newest of its camera and size and hands it to all who watch that.
    pub fn offer(&self, camera: &CameraId, mut frame: Frame) -> Result<(), Dropped> {
        let mut inner = self.lock();
        let place = place(frame.size);
        let slot = inner.slots.get(camera);
        let old = slot.and_then(|slot| slot.newest[place].as_ref());
        if let Some(newest) = old
            && frame.received.saturating_sub(newest.received) < LIVE_FOR
            && newest.boot == frame.boot
            && newest.mono >= frame.mono
        {
            return Err(Dropped::Old);
        }
        frame.jpeg.is_for(slot.map_or(0, |slot| slot.watchers.len()));
        let bytes = inner.bytes - old.map_or(0, |frame| frame.jpeg.memory()) + frame.jpeg.memory();
        if bytes > BUDGET {
            return Err(Dropped::Full);
        }
        inner.bytes = bytes;
        let slot = inner.slots.entry(camera.clone()).or_default();
        let frame = Arc::new(frame);
        let has = Size::ALL.map(|size| slot.has(size, frame.received));
        let Slot { shape, watchers, newest, .. } = slot;
        for watcher in watchers.values_mut().filter(|watcher| watcher.wanted.fps > 0.0) {
            let right = shape.choose(watcher.wanted.width);
            if frame.size == Some(right) || !has[self::place(Some(right))] {
                watcher.put(&frame);
            }
        }
        newest[place] = Some(frame);
        Ok(())
    }

    /// A number to answer a frame with.
    pub fn serial(&self) -> u32 {
        self.next_serial.fetch_add(1, Ordering::Relaxed)
    }

    /// What pictures a camera gives now.
    pub fn shape(&self, camera: &CameraId, shape: Shape) {
        let mut inner = self.lock();
        let slot = inner.slots.entry(camera.clone()).or_default();
        if slot.shape != shape {
            slot.shape = shape;
            drop(inner);
            self.wants_changed.notify_one();
        }
    }

    pub fn newest(&self, camera: &CameraId) -> Option<Arc<Frame>> {
        self.lock().slots.get(camera)?.freshest().cloned()
    }

    /// Drops the pictures of cameras that are no more.
    pub fn keep(&self, mut known: impl FnMut(&CameraId) -> bool) {
        let inner = &mut *self.lock();
        inner.slots.retain(|camera, slot| {
            let is_known = known(camera);
            if !is_known {
                let gone = slot.newest.iter_mut().filter_map(Option::take);
                inner.bytes -= gone.map(|frame| frame.jpeg.memory()).sum::<usize>();
                slot.shape = Shape::default();
            }
            is_known || !slot.watchers.is_empty()
        });
    }

    /// Begins to watch a camera: its newest frames come into `inbox` at `tile`.
    pub fn watch(self: &Arc<Self>, camera: CameraId, tile: u16, inbox: &Arc<Inbox>) -> Watch {
        let mut inner = self.lock();
        let key = inner.next_watch;
        inner.next_watch += 1;
        let wanted = Wanted::NOTHING;
        let watcher = Watcher { tile, wanted, inbox: inbox.clone(), last: None };
        inner.slots.entry(camera.clone()).or_default().watchers.insert(key, watcher);
        drop(inner);
        Watch { frames: self.clone(), camera, tile, key, inbox: inbox.clone() }
    }

    /// The rates at which each camera is watched: for each size the highest over all to whom it
    /// is the right one.
    pub fn wants(&self) -> BTreeMap<CameraId, Rates> {
        let rates = |slot: &Slot| {
            let mut rates = Rates::default();
            for Watcher { wanted, .. } in slot.watchers.values() {
                let rate = &mut rates[place(Some(slot.shape.choose(wanted.width)))];
                *rate = rate.max(wanted.fps);
            }
            rates
        };
        let inner = self.lock();
        let wants = inner.slots.iter().map(|(camera, slot)| (camera.clone(), rates(slot)));
        wants.filter(|(_, rates)| rates.iter().any(|&fps| fps > 0.0)).collect()
    }
}

/// Somebody watches a camera, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    frames: Arc<Frames>,
    pub camera: CameraId,
    tile: u16,
    key: u64,
    inbox: Arc<Inbox>,
}

impl Watch {
    /// Sets what is wanted. Who begins to want gets the newest frame at once.
    pub fn ask(&self, wanted: Wanted) {
        let mut inner = self.frames.lock();
        let Some(slot) = inner.slots.get_mut(&self.camera) else { return };
        let newest = slot.freshest().cloned();
        let Some(watcher) = slot.watchers.get_mut(&self.key) else { return };
        let before = std::mem::replace(&mut watcher.wanted, wanted);
        if wanted.fps <= 0.0 {
            self.inbox.take(self.tile);
        }
        if before.fps <= 0.0
            && wanted.fps > 0.0
            && let Some(newest) = &newest
        {
            watcher.put(newest);
        }
        drop(inner);
        if before != wanted {
            self.frames.wants_changed.notify_one();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut inner = self.frames.lock();
        if let Some(slot) = inner.slots.get_mut(&self.camera) {
            slot.watchers.remove(&self.key);
            if slot.watchers.is_empty() && slot.is_empty() && slot.shape == Shape::default() {
                inner.slots.remove(&self.camera);
            }
        }
        drop(inner);
        self.inbox.take(self.tile);
        self.frames.wants_changed.notify_one();
    }
}

/// The newest frame of each tile that was not fetched yet, for one task.
#[derive(Debug)]
pub(crate) struct Inbox(Mutex<Tiles>);

#[derive(Debug)]
struct Tiles {
    waiting: Vec<(u16, Arc<Frame>)>,
    /// One came since the task was told.
    has_new: bool,
    task: Waker,
}

/// What waits in an inbox; nothing else comes or goes as long as this is held.
pub(crate) struct Waiting<'a>(MutexGuard<'a, Tiles>);

impl Waiting<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.waiting.is_empty()
    }

    /// The tiles for which a frame waits, and how many bytes it has.
    pub fn tiles(&self) -> impl Iterator<Item = (u16, usize)> {
        self.0.waiting.iter().map(|(tile, frame)| (*tile, frame.jpeg.len()))
    }

    pub fn take(&mut self, tile: u16) -> Option<Arc<Frame>> {
        let place = self.0.waiting.iter().position(|(waits, _)| *waits == tile)?;
        Some(self.0.waiting.swap_remove(place).1)
    }
}

impl Default for Inbox {
    fn default() -> Self {
        let task = Waker::noop().clone();
        Inbox(Mutex::new(Tiles { waiting: Vec::new(), has_new: false, task }))
    }
}

impl Inbox {
    pub fn waiting(&self) -> Waiting<'_> {
        Waiting(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, tile: u16, frame: &Arc<Frame>) {
        let mut waiting = self.waiting();
        waiting.take(tile);
        let tiles = &mut *waiting.0;
        tiles.waiting.push((tile, frame.clone()));
        tiles.has_new = true;
        tiles.task.wake_by_ref();
    }

    pub fn take(&self, tile: u16) -> Option<Arc<Frame>> {
        self.waiting().take(tile)
    }

    /// Ends when a frame came since this last ended.
    pub async fn came(&self) {
        poll_fn(|context| {
            let tiles = &mut *self.waiting().0;
            if std::mem::take(&mut tiles.has_new) {
                return Poll::Ready(());
            }
            tiles.task.clone_from(context.waker());
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(mono: Micros, received: Micros, size: Option<Size>) -> Frame {
        Frame {
            jpeg: bytes::Bytes::from(vec![0; 100]).into(),
            seq: 0,
            captured: Captured { at: mono, known: true },
            received,
            size,
            took: None,
            mono,
            boot: "b".into(),
            first: OnceLock::new(),
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
        assert_eq!(frames.lock().bytes, 100);
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
        let frames = Frames::default();
        frames.offer(&camera(), frame(1, 1, FULL)).unwrap();
        frames.keep(|_| true);
        assert!(frames.newest(&camera()).is_some());
        frames.keep(|_| false);
        assert!(frames.newest(&camera()).is_none());
        assert_eq!(frames.lock().bytes, 0);
    }
}
