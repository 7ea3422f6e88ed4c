//! The newest frame of each camera, and who waits for it.
//!
//! A frame is the bytes that the broker sent: never decoded, never copied but into a socket.
//! Whoever watches has an [`Inbox`] with one place for each of its tiles; a newer frame takes the
//! place of one that was not fetched. So nothing here can grow when somebody is slow.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use wire::CameraId;

use crate::clocks::Captured;
use crate::now::Micros;

/// All newest frames together take at most so many bytes.
const BUDGET: usize = 512 * 1024 * 1024;

/// A preview is left out while live frames came within this time.
const LIVE_FOR: Micros = 3_000_000;

/// One picture, as it came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub jpeg: Bytes,
    pub seq: u32,
    pub captured: Captured,
    pub received: Micros,
    pub live: bool,
    /// The stamp's own clock, to tell older from newer.
    pub mono: Micros,
    pub boot: String,
}

/// Why a picture was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// A preview, while live frames come.
    Preview,
    /// Captured before the newest one.
    Old,
    /// The memory for pictures is full.
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct Frames {
    inner: Mutex<Inner>,
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
    newest: Option<Arc<Frame>>,
    watchers: HashMap<u64, Watcher>,
}

#[derive(Debug)]
struct Watcher {
    tile: u16,
    fps: f32,
    inbox: Arc<Inbox>,
}

impl Frames {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a picture as the newest of its camera and hands it to all who watch.
    pub fn offer(&self, camera: &CameraId, frame: Frame) -> Result<(), Dropped> {
        let mut inner = self.lock();
        let old = inner.slots.get(camera).and_then(|slot| slot.newest.as_ref());
        if let Some(newest) = old
            && frame.received.saturating_sub(newest.received) < LIVE_FOR
        {
            if newest.live && !frame.live {
                return Err(Dropped::Preview);
            }
            if newest.boot == frame.boot && newest.mono >= frame.mono {
                return Err(Dropped::Old);
            }
        }
        let bytes = inner.bytes - old.map_or(0, |frame| frame.jpeg.len()) + frame.jpeg.len();
        if bytes > BUDGET {
            return Err(Dropped::Full);
        }
        inner.bytes = bytes;
        let slot = inner.slots.entry(camera.clone()).or_default();
        let frame = Arc::new(frame);
        for watcher in slot.watchers.values().filter(|watcher| watcher.fps > 0.0) {
            watcher.inbox.put(watcher.tile, &frame);
        }
        slot.newest = Some(frame);
        Ok(())
    }

    pub fn newest(&self, camera: &CameraId) -> Option<Arc<Frame>> {
        self.lock().slots.get(camera)?.newest.clone()
    }

    /// Drops the pictures of cameras that are no more.
    pub fn keep(&self, mut known: impl FnMut(&CameraId) -> bool) {
        let inner = &mut *self.lock();
        inner.slots.retain(|camera, slot| {
            if slot.newest.is_some() && !known(camera) {
                inner.bytes -= slot.newest.take().map_or(0, |frame| frame.jpeg.len());
            }
            slot.newest.is_some() || !slot.watchers.is_empty()
        });
    }

    /// Begins to watch a camera: its newest frames come into `inbox` at `tile`.
    pub fn watch(self: &Arc<Self>, camera: CameraId, tile: u16, inbox: &Arc<Inbox>) -> Watch {
        let mut inner = self.lock();
        let key = inner.next_watch;
        inner.next_watch += 1;
        let watcher = Watcher { tile, fps: 0.0, inbox: inbox.clone() };
        inner.slots.entry(camera.clone()).or_default().watchers.insert(key, watcher);
        drop(inner);
        Watch { frames: self.clone(), camera, tile, key, inbox: inbox.clone() }
    }

    /// The rate at which each camera is watched: the highest over all who watch it.
    pub fn wants(&self) -> BTreeMap<CameraId, f32> {
        let rate = |slot: &Slot| slot.watchers.values().map(|w| w.fps).fold(0.0, f32::max);
        let inner = self.lock();
        let wants = inner.slots.iter().map(|(camera, slot)| (camera.clone(), rate(slot)));
        wants.filter(|(_, fps)| *fps > 0.0).collect()
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
    /// Sets the rate that is wanted; 0 wants nothing for now. Who begins to want gets the newest
    /// frame at once.
    pub fn ask(&self, fps: f32) {
        let mut inner = self.frames.lock();
        let Some(slot) = inner.slots.get_mut(&self.camera) else { return };
        let Some(watcher) = slot.watchers.get_mut(&self.key) else { return };
        let before = std::mem::replace(&mut watcher.fps, fps);
        if fps <= 0.0 {
            self.inbox.take(self.tile);
        }
        if before <= 0.0
            && fps > 0.0
            && let Some(newest) = &slot.newest
        {
            self.inbox.put(self.tile, newest);
        }
        drop(inner);
        if before.total_cmp(&fps).is_ne() {
            self.frames.wants_changed.notify_one();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut inner = self.frames.lock();
        if let Some(slot) = inner.slots.get_mut(&self.camera) {
            slot.watchers.remove(&self.key);
            if slot.watchers.is_empty() && slot.newest.is_none() {
                inner.slots.remove(&self.camera);
            }
        }
        drop(inner);
        self.inbox.take(self.tile);
        self.frames.wants_changed.notify_one();
    }
}

/// The newest frame of each tile that was not fetched yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    tiles: Mutex<HashMap<u16, Arc<Frame>>>,
    came: Notify,
}

impl Inbox {
    fn tiles(&self) -> MutexGuard<'_, HashMap<u16, Arc<Frame>>> {
        self.tiles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, tile: u16, frame: &Arc<Frame>) {
        self.tiles().insert(tile, frame.clone());
        self.came.notify_one();
    }

    /// How many bytes wait for the tile.
    pub fn waiting(&self, tile: u16) -> Option<usize> {
        self.tiles().get(&tile).map(|frame| frame.jpeg.len())
    }

    pub fn take(&self, tile: u16) -> Option<Arc<Frame>> {
        self.tiles().remove(&tile)
    }

    /// Ends when a frame came since this last ended.
    pub async fn came(&self) {
        self.came.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(mono: Micros, received: Micros, live: bool) -> Frame {
        Frame {
            jpeg: Bytes::from(vec![0; 100]),
            seq: 0,
            captured: Captured { at: mono, known: true },
            received,
            live,
            mono,
            boot: "b".into(),
        }
    }

    fn camera() -> CameraId {
        "pi/door".parse().unwrap()
    }

    #[test]
    fn the_newest_takes_the_place_of_what_was_not_fetched() {
        let frames = Arc::new(Frames::default());
        let inbox = Arc::new(Inbox::default());
        let watch = frames.watch(camera(), 3, &inbox);
        watch.ask(30.0);
        for mono in 1..=5 {
            frames.offer(&camera(), frame(mono, mono, true)).unwrap();
        }
        assert_eq!(inbox.waiting(3), Some(100));
        assert_eq!(inbox.take(3).unwrap().mono, 5);
        assert_eq!(inbox.waiting(3), None);
        assert_eq!(frames.lock().bytes, 100);
    }

    #[test]
    fn who_comes_later_gets_the_newest_at_once() {
        let frames = Arc::new(Frames::default());
        frames.offer(&camera(), frame(1, 1, false)).unwrap();
        let inbox = Arc::new(Inbox::default());
        let watch = frames.watch(camera(), 0, &inbox);
        assert!(inbox.take(0).is_none(), "nothing before it is asked for");
        watch.ask(1.0);
        assert_eq!(inbox.take(0).unwrap().mono, 1);
        frames.offer(&camera(), frame(2, 2, false)).unwrap();
        watch.ask(0.0);
        frames.offer(&camera(), frame(3, 3, false)).unwrap();
        assert!(inbox.take(0).is_none(), "paused");
    }

    #[test]
    fn live_frames_go_before_previews_and_newer_before_older() {
        let frames = Frames::default();
        let offer = |mono, received, live| frames.offer(&camera(), frame(mono, received, live));
        assert_eq!(offer(10, 10, false), Ok(()));
        assert_eq!(offer(20, 20, true), Ok(()));
        assert_eq!(offer(20, 21, false), Err(Dropped::Preview));
        assert_eq!(offer(15, 22, true), Err(Dropped::Old));
        assert_eq!(offer(30, 20 + LIVE_FOR, false), Ok(()));
        assert_eq!(offer(5, 40 + 2 * LIVE_FOR, false), Ok(()), "a forged clock holds nobody up");
    }

    #[test]
    fn a_camera_is_wanted_at_the_highest_rate() {
        let frames = Arc::new(Frames::default());
        let inbox = Arc::new(Inbox::default());
        let (a, b) = (frames.watch(camera(), 0, &inbox), frames.watch(camera(), 1, &inbox));
        assert!(frames.wants().is_empty());
        a.ask(5.0);
        b.ask(20.0);
        assert_eq!(frames.wants(), [(camera(), 20.0)].into());
        drop(b);
        assert_eq!(frames.wants(), [(camera(), 5.0)].into());
        drop(a);
        assert!(frames.wants().is_empty());
        assert!(frames.lock().slots.is_empty());
    }

    #[test]
    fn a_forgotten_camera_leaves_nothing() {
        let frames = Frames::default();
        frames.offer(&camera(), frame(1, 1, true)).unwrap();
        frames.keep(|_| true);
        assert!(frames.newest(&camera()).is_some());
        frames.keep(|_| false);
        assert!(frames.newest(&camera()).is_none());
        assert_eq!(frames.lock().bytes, 0);
    }
}
