//! The newest frame of each camera in each size, and who waits for it.
//!
//! A frame is the bytes that the broker sent. It is never decoded, and copied only into a socket,
//! or for many viewers into a pipe whose memory pages all their sockets share. Each viewer has an
//! [`Inbox`] with one slot for each of its tiles; a newer frame replaces one that was not fetched.
//! So nothing here can grow when a viewer is slow.
//!
//! Each viewer gets the smallest size that is sharp enough where it is shown. Until the first frame
//! of that size comes, it gets frames of other sizes.

mod inbox;
mod jpeg;
mod splice;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use wire::frame::Header;
use wire::{Ages, CameraId, Size};

use crate::limits::shares::{Share, Shares, Who};
use crate::limits::strangers::FRAMES;
use crate::live::clocks::Captured;
use crate::now::Micros;

pub(crate) use inbox::Inbox;
pub(crate) use jpeg::Jpeg;
pub(crate) use splice::Lent;

/// Other sizes and previews are left out if a live frame of the right size came within this time
/// plus that of two frames.
const LIVE_FOR: Micros = 3_000_000;

/// A picture is sharp enough if it has this part of the pixels in width at which it is shown.
const SHARP: f64 = 0.6;

/// One picture, as received.
#[derive(Debug)]
pub(crate) struct Frame {
    pub jpeg: Jpeg,
    pub seq: u32,
    pub captured: Captured,
    pub received: Micros,
    /// The live size; `None` for a preview.
    pub size: Option<Size>,
    /// The parts of its age that its node measured, if any.
    pub ages: Option<Ages>,
    /// The stamp's monotonic time, which tells older from newer.
    pub mono: Micros,
    pub boot: String,
    /// The header for the first of many viewers, which may serve for the others.
    pub first: OnceLock<Header>,
    /// Its share of the memory, once it is taken.
    pub memory: Option<Share>,
}

/// Why a picture was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It was captured before the newest one of its size.
    Old,
    /// The memory for pictures, or its node's share of it, is full.
    Full,
}

impl Dropped {
    const ALL: [Dropped; 2] = [Dropped::Old, Dropped::Full];

    fn name(self) -> &'static str {
        match self {
            Dropped::Old => "old",
            Dropped::Full => "full",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Frames {
    memory: Shares,
    inner: Mutex<Inner>,
    next_serial: AtomicU32,
    /// Told when somebody begins, ends or changes watching.
    pub wants_changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<CameraId, Slot>,
    next_watch: u64,
}

#[derive(Debug, Default)]
struct Slot {
    shape: Shape,
    /// The live sizes in the order of [`Size::ALL`], then the preview.
    newest: [Option<Arc<Frame>>; 4],
    /// How many were dropped, in the order of [`Dropped::ALL`].
    dropped: [u64; 2],
    watchers: HashMap<u64, Watcher>,
}

/// What pictures a camera gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The width of its full picture in pixels; 0 if unknown.
    pub width: u32,
    /// The sizes that can be wanted. Full is always possible.
    pub sizes: Vec<Size>,
    /// The time between two of its frames if that is long, else 0.
    pub interval: Micros,
}

#[derive(Debug)]
struct Watcher {
    tile: u16,
    wanted: Wanted,
    inbox: Arc<Inbox>,
    /// The watcher's last frame: its capture by the stamp's clock, and its receipt.
    last: Option<(Micros, Micros)>,
}

/// What a watcher wants of a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    /// Frames a second; 0 for none for now.
    pub fps: f32,
    /// The width at which it is shown, in device pixels.
    pub width: u32,
}

impl Wanted {
    pub const NOTHING: Wanted = Wanted { fps: 0.0, width: 0 };

    /// The largest picture.
    pub fn full(fps: f32) -> Self {
        Wanted { fps, width: u32::MAX }
    }
}

/// The wanted rates of a camera's sizes, in the order of [`Size::ALL`].
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
    /// Whether live frames of this size arrive.
    fn has(&self, size: Size, now: Micros) -> bool {
        let newest = self.newest[place(Some(size))].as_ref();
        let within = LIVE_FOR + 2 * self.shape.interval;
        newest.is_some_and(|newest| now.saturating_sub(newest.received) < within)
    }

    /// The frame captured last; among several the largest.
    fn freshest(&self) -> Option<&Arc<Frame>> {
        self.newest.iter().rev().flatten().max_by_key(|frame| frame.captured.at)
    }

    fn is_empty(&self) -> bool {
        self.newest.iter().all(Option::is_none)
    }

    /// Takes a picture, which uses `memory`.
    fn take(
        &mut self,
        mut frame: Frame,
        memory: impl FnOnce(usize) -> Result<Share, Dropped>,
    ) -> Result<(), Dropped> {
        let place = place(frame.size);
        if let Some(newest) = &self.newest[place]
            && frame.received.saturating_sub(newest.received) < LIVE_FOR
            && newest.boot == frame.boot
            && newest.mono >= frame.mono
        {
            return Err(Dropped::Old);
        }
        frame.jpeg.is_for(self.watchers.len());
        frame.memory = Some(memory(frame.jpeg.memory())?);
        let frame = Arc::new(frame);
        let has = Size::ALL.map(|size| self.has(size, frame.received));
        for watcher in self.watchers.values_mut().filter(|watcher| watcher.wanted.fps > 0.0) {
            let right = self.shape.choose(watcher.wanted.width);
            if frame.size == Some(right) || !has[self::place(Some(right))] {
                watcher.put(&frame);
            }
        }
        self.newest[place] = Some(frame);
        Ok(())
    }

    /// Drops all pictures, also those that wait for a viewer.
    fn forget(&mut self) {
        self.newest = Default::default();
        self.shape = Shape::default();
        for watcher in self.watchers.values() {
            watcher.inbox.take(watcher.tile);
        }
    }
}

/// The index of the newest frame of a size.
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
        // Sizes of a camera may overtake each other, but a picture must never go back in time. If
        // the clock goes back, the wait is short.
        let is_older = self.last.is_some_and(|(mono, received)| {
            frame.mono < mono && frame.received.saturating_sub(received) < LIVE_FOR
        });
        if !is_older {
            self.last = Some((frame.mono, frame.received));
            self.inbox.put(self.tile, frame);
        }
    }
}

impl Default for Frames {
    fn default() -> Self {
        Frames::new(FRAMES.bytes())
    }
}

impl Frames {
    /// All frames together, the newest and those on their way, take at most `budget` bytes. Each
    /// node has its share of that.
    fn new(budget: usize) -> Self {
        Frames {
            memory: Shares::new("bytes of pictures", budget),
            inner: Mutex::default(),
            next_serial: AtomicU32::default(),
            wants_changed: Notify::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a picture as the newest of its camera and size and gives it to all who watch that.
    ///
    /// # Errors
    /// Why it was dropped; that is counted.
    pub fn offer(&self, camera: &CameraId, frame: Frame) -> Result<(), Dropped> {
        let mut inner = self.lock();
        let slot = inner.slots.entry(camera.clone()).or_default();
        let taken = slot.take(frame, |bytes| {
            // What people show from their pages must not displace the cameras of the house.
            let who = match camera.node.is_browser() {
                true => Who::Pages,
                false => Who::Node(camera.node.clone()),
            };
            let mut memory = self.memory.none(who);
            memory.grow(bytes).map_err(|_| Dropped::Full).map(|()| memory)
        });
        if let Err(dropped) = taken {
            slot.dropped[dropped as usize] += 1;
        }
        taken
    }

    /// How many pictures of a camera were dropped, by reason.
    pub fn dropped(&self, camera: &CameraId) -> BTreeMap<&'static str, u64> {
        let counts = self.lock().slots.get(camera).map_or([0; 2], |slot| slot.dropped);
        let counts = Dropped::ALL.map(Dropped::name).into_iter().zip(counts);
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// A serial number, with which a page answers a frame.
    pub fn serial(&self) -> u32 {
        self.next_serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Sets what pictures a camera gives.
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

    /// Drops the pictures of cameras that no longer exist.
    pub fn keep(&self, mut known: impl FnMut(&CameraId) -> bool) {
        self.lock().slots.retain(|camera, slot| {
            let is_known = known(camera);
            if !is_known {
                slot.forget();
            }
            is_known || !slot.watchers.is_empty()
        });
    }

    /// Begins to watch a camera: its newest frames go to `inbox` at `tile`.
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

    /// The rates at which each camera is watched: for each size the highest among the viewers for
    /// whom it is right.
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

    /// How many pages and programs watch each of the cameras that people show.
    pub fn lookers(&self) -> BTreeMap<CameraId, u32> {
        let inner = self.lock();
        let shown = inner.slots.iter().filter(|(camera, _)| camera.node.is_browser());
        let lookers = shown.map(|(camera, slot)| {
            let watching = slot.watchers.values().filter(|watcher| watcher.wanted.fps > 0.0);
            // A page may have several tiles of one camera.
            let all: HashSet<_> = watching.map(|watcher| Arc::as_ptr(&watcher.inbox)).collect();
            (camera.clone(), u32::try_from(all.len()).unwrap_or(u32::MAX))
        });
        lookers.collect()
    }
}

/// A viewer's watch on a camera, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    frames: Arc<Frames>,
    pub camera: CameraId,
    tile: u16,
    key: u64,
    inbox: Arc<Inbox>,
}

impl Watch {
    /// Sets what is wanted. A viewer that begins gets the newest frame at once.
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
