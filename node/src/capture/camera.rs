//! One camera: its thread, which opens, streams and tries again, and what others see of it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use supervision::{Beat, Health};
use wire::{
    CameraId, CameraState, CameraStats, Control, Reason, Resolution, Root, Size, Stamp, State,
    Took, Topic, Want,
};

use crate::capture::frozen::Frozen;
use crate::capture::pace::{Missing, Pace};
use crate::capture::sequence::Sequence;
use crate::capture::source::{Fault, Frame, Open};
use crate::clock;
use crate::outgoing::facts::Facts;
use crate::outgoing::slot::Slots;
use crate::outgoing::stats::Counters;
use crate::picture::mjpeg::Checker;
use crate::picture::outputs::{From, Pictures};
use crate::picture::pixels::Layout;
use crate::picture::wants::Wants;
use crate::spool::snaps::Snaps;
use crate::spool::spooler::{Request, Shot, Spooler};

/// How long a wait for a frame lasts at most before other things are looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The pause before a lost camera is tried again; a plug ends it.
const LOST_PAUSE: Duration = Duration::from_secs(1);
/// The pause after an error that a person must mend.
const ERROR_PAUSE: Duration = Duration::from_secs(3);
/// The pauses before a thread that died is tried again: the first, and the longest, which is
/// shorter than what passes for a hang.
const DIED_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));
/// A camera thread that has not moved for so long hangs in its driver.
const HANGS: Duration = Duration::from_secs(30);

/// Another size is told when so many frames on end have it: some cameras give two by turns.
const STEADY: u32 = 10;

/// What a camera is, besides its frames.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Node and name.
    pub id: CameraId,
    /// What people call it.
    pub title: String,
    /// The stable path of its device as it was at first, or `test card`.
    pub device: String,
    /// The name of its card.
    pub model: String,
    /// JPEG quality where the node encodes.
    pub quality: u8,
    /// How often it takes a photo by itself.
    pub every: Option<Duration>,
}

/// Where a camera's facts and pictures go.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    /// The first word of all topics.
    pub root: Root,
    /// Eight hex digits of the boot id.
    pub boot: String,
    /// Retained messages.
    pub facts: Arc<Facts>,
    /// Pictures.
    pub slots: Arc<Slots>,
    /// Who watches over the threads.
    pub health: Health,
    /// Photos.
    pub spooler: Spooler,
}

/// A camera as the rest of the node sees it. Dropping it does not end its thread; see
/// [`Camera::stop`].
#[derive(Debug)]
pub(crate) struct Camera {
    about: About,
    wants: Mutex<Wants>,
    snaps: Mutex<Snaps>,
    counters: Counters,
    orders: Mutex<Orders>,
    ordered: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    /// Where the device is now; `None` while it is nowhere.
    device: Option<PathBuf>,
    /// Why it is not to be opened.
    withheld: Option<Fault>,
    /// The stable path that it has now.
    path: String,
    /// Something changed that makes a new try worth while.
    again: bool,
    stop: bool,
}

impl Camera {
    /// Starts the thread of a camera whose device is there, or is missing for a reason.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(
        about: About,
        device: Result<PathBuf, Fault>,
        open: Open,
        outlet: Outlet,
    ) -> std::io::Result<(Arc<Camera>, JoinHandle<()>)> {
        let path = about.device.clone();
        let (device, withheld) = match device {
            Ok(device) => (Some(device), None),
            Err(fault) => (None, Some(fault)),
        };
        let camera = Arc::new(Camera {
            about,
            wants: Mutex::default(),
            snaps: Mutex::default(),
            counters: Counters::default(),
            orders: Mutex::new(Orders { device, withheld, path, ..Orders::default() }),
            ordered: Condvar::new(),
        });
        let beat = outlet.health.watch(format!("camera {}", camera.about.id.camera), HANGS);
        let topic = Topic::State(camera.about.id.clone()).under(&outlet.root).to_string();
        let mut thread = Thread {
            camera: Arc::clone(&camera),
            topic,
            pictures: Pictures::new(&outlet.root, &camera.about.id),
            outlet,
            beat,
            open,
            sequence: Sequence::default(),
            pace: Pace::default(),
            frozen: Frozen::default(),
            told: None,
            logged: None,
            mjpeg: Checker::default(),
            same_size: 0,
            mended: Vec::new(),
        };
        // The kernel cuts a thread's name after 15 bytes.
        let name = format!("camera {}", camera.about.id.camera);
        let handle = std::thread::Builder::new().name(name).spawn(move || thread.supervise())?;
        Ok((camera, handle))
    }

    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Somebody asks for frames. False if too many others do.
    pub fn want(&self, want: &Want) -> bool {
        self.wants().insert(want, Instant::now())
    }

    /// Somebody asks for a photo: the first frame captured from now on.
    pub fn snap(&self, request: Request) {
        self.snaps().ask(request, clock::monotonic());
    }

    /// Refuses photos that no frame came for.
    pub fn expire(&self) {
        self.snaps().expire(clock::monotonic());
    }

    /// Hands a frame to the spool for all whose photo it is.
    fn take(&self, spooler: &Spooler, at: Duration, jpeg: &Bytes, stamp: &Stamp) {
        let requests = self.snaps().take(at);
        for request in requests {
            let (jpeg, stamp, model) = (jpeg.clone(), stamp.clone(), self.about.model.clone());
            spooler.hand(Shot { request, jpeg, stamp, model });
        }
    }

    /// Its figures since the last call.
    pub fn stats(&self) -> CameraStats {
        self.counters.snapshot()
    }

    /// Its device is here now, or nowhere. What failed before is tried again at once.
    pub fn plug(&self, device: Option<PathBuf>) {
        let mut orders = self.orders();
        orders.device = device;
        orders.withheld = None;
        orders.again = true;
        self.ordered.notify_one();
    }

    /// Its device is not to be opened, and this is why.
    pub fn withhold(&self, fault: Fault) {
        let mut orders = self.orders();
        orders.device = None;
        orders.withheld = Some(fault);
        orders.again = true;
        self.ordered.notify_one();
    }

    /// The stable path that its device has now.
    pub fn call(&self, path: &str) {
        self.orders().path = path.to_owned();
    }

    /// The thread ends within half a second, unless it hangs in its driver.
    pub fn stop(&self) {
        self.orders().stop = true;
        self.ordered.notify_one();
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snaps(&self) -> MutexGuard<'_, Snaps> {
        self.snaps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wants(&self) -> MutexGuard<'_, Wants> {
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Thread {
    camera: Arc<Camera>,
    /// Of its state.
    topic: String,
    outlet: Outlet,
    beat: Beat,
    open: Open,
    sequence: Sequence,
    pace: Pace,
    frozen: Frozen,
    told: Option<State>,
    /// The failure that was logged last; the same one is not logged again.
    logged: Option<(Reason, String)>,
    pictures: Pictures,
    mjpeg: Checker,
    /// Frames on end that had the size of the one before.
    same_size: u32,
    /// A JPEG that had to be put together.
    mended: Vec<u8>,
}

impl Thread {
    /// Works until it is told to end. What nobody foresaw is told like any other fault, and tried
    /// again.
    fn supervise(&mut self) {
        let mut pause = DIED_PAUSE.0;
        loop {
            let begun = Instant::now();
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.run())) else { return };
            if begun.elapsed() > 2 * DIED_PAUSE.1 {
                pause = DIED_PAUSE.0;
            }
            // Nothing is kept that it may have left half done.
            self.pictures = Pictures::new(&self.outlet.root, &self.camera.about.id);
            self.mended = Vec::new();
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            let detail = format!(
                "a fault of Vitrina ended the work on this camera ({why}); it is tried again and \
                 again, and whoever sees this may report it"
            );
            self.fail(Fault::error(Reason::Crashed, detail));
            self.beat.beat();
            self.pause(pause);
            pause = (2 * pause).min(DIED_PAUSE.1);
        }
    }

    /// Streams for as long as it may; whatever goes wrong is told and tried again here.
    fn run(&mut self) {
        loop {
            let (device, withheld, stop) = {
                let mut orders = self.camera.orders();
                orders.again = false;
                (orders.device.clone(), orders.withheld.clone(), orders.stop)
            };
            if stop {
                return;
            }
            let fault = match device {
                Some(device) => match self.run_once(&device) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                None => withheld.unwrap_or_else(Fault::unplugged),
            };
            let pause = match fault.state {
                CameraState::Error => ERROR_PAUSE,
                _ => LOST_PAUSE,
            };
            self.fail(fault);
            self.pause(pause);
        }
    }

    /// One stream from open to its end: `Ok` when other orders came.
    fn run_once(&mut self, device: &Path) -> Result<(), Fault> {
        self.beat.beat();
        let mut source = (self.open)(device)?;
        let mut layout = source.layout();
        let fps = source.fps();
        let controls = source.controls();
        self.sequence.restart();
        self.pictures.restart();
        self.mjpeg = Checker::default();
        self.pace.begin(source.interval(), clock::monotonic());
        self.camera.snaps().wait(self.pace.photo());
        loop {
            self.beat.beat();
            {
                let orders = self.camera.orders();
                if orders.stop || orders.device.as_deref() != Some(device) {
                    return Ok(());
                }
            }
            if let Some(frame) = source.next(LOOK)? {
                let frame = self.frame(&mut layout, &frame);
                self.pace.frame(frame.is_ok(), clock::monotonic());
                match frame {
                    Ok(()) => self.work(&layout, fps, &controls),
                    Err(reason) => self.camera.counters.dropped(reason, 1),
                }
            }
            if let Some((missing, again)) = self.pace.missing(clock::monotonic()) {
                let fault = match (missing, self.frozen.since()) {
                    (Missing::Frames, _) => Fault::stalled(),
                    // It streams, and is live at once when its source moves.
                    (Missing::Good, Some(since)) => {
                        self.fail_since(Fault::frozen(), since);
                        continue;
                    }
                    (Missing::Good, None) => Fault::broken(),
                };
                if again {
                    self.pace.end();
                    return Err(fault);
                }
                self.fail(fault);
            }
        }
    }

    /// Passes a frame on to whom it may concern. Of a JPEG the layout's size becomes its own.
    ///
    /// # Errors
    /// The word under which a broken frame is counted.
    fn frame(&mut self, layout: &mut Layout, frame: &Frame<'_>) -> Result<(), &'static str> {
        let (seq, missing) = self.sequence.take(frame.sequence);
        let counters = &self.camera.counters;
        counters.dropped("driver", u64::from(missing));
        if frame.error {
            return Err("error-flag");
        }
        let whole = if layout.coding.is_jpeg() {
            let whole = self.mjpeg.check(frame.bytes)?;
            let size = (layout.width, layout.height);
            (layout.width, layout.height) = (whole.size.0.into(), whole.size.1.into());
            let is_same = size == (layout.width, layout.height);
            self.same_size = if is_same { self.same_size.saturating_add(1) } else { 0 };
            Some(whole)
        } else if frame.bytes.is_empty() {
            return Err("empty");
        } else if frame.bytes.len() < layout.bytes() {
            return Err("truncated");
        } else {
            None
        };
        let picture = whole.as_ref().map_or(frame.bytes, |whole| whole.jpeg);
        if self.frozen.repeats(frame.told, frame.at, picture) {
            return Err("repeated");
        }
        let rates = {
            let (wants, now) = (self.camera.wants(), Instant::now());
            Size::ALL.map(|size| wants.rate(size, now))
        };
        let snap = self.camera.snaps().is_due(frame.at);
        let due = self.pictures.due(layout, rates, frame.late, frame.at);
        let up = self.outlet.slots.is_open();
        let ticket = if due.live && up {
            Some(counters.ticket())
        } else {
            let wanted = rates.iter().any(|&rate| rate > 0.0);
            counters.dropped(
                match due.live {
                    true => "connection",
                    false if frame.late && wanted => "superseded",
                    false => "unwanted",
                },
                1,
            );
            None
        };
        counters.good();
        let live = up && due.any;
        if !live && !snap {
            return Ok(());
        }
        let jpeg = whole.as_ref().map(|whole| whole.mended(&mut self.mended));
        // The two clocks are read together, so that the frame's age is taken from both.
        let age = clock::monotonic().saturating_sub(frame.at);
        let mut stamp = Stamp {
            camera: self.camera.about.id.clone(),
            seq,
            at: clock::whole(clock::unix().saturating_sub(age).as_micros()),
            mono: clock::whole(frame.at.as_micros()),
            boot: self.outlet.boot.clone(),
            took: None,
            photo: None,
        };
        let from = From {
            layout,
            frame: jpeg.unwrap_or(frame.bytes),
            quality: self.camera.about.quality,
            at: frame.at,
        };
        if snap && let Ok(jpeg) = self.pictures.full(from).map(Bytes::copy_from_slice) {
            self.camera.take(&self.outlet.spooler, frame.at, &jpeg, &stamp);
        }
        if live {
            let got = clock::micros(age);
            stamp.took = Some(Took { got, made: got });
            self.pictures.put(from, &mut stamp, &self.outlet.slots, counters, ticket.as_ref());
        }
        Ok(())
    }

    /// Frames flow.
    fn work(&mut self, layout: &Layout, fps: Option<f32>, controls: &BTreeMap<String, Control>) {
        let wanted = {
            let (wants, now) = (self.camera.wants(), Instant::now());
            Size::ALL.into_iter().any(|size| wants.rate(size, now) > 0.0)
        };
        {
            let mut snaps = self.camera.snaps();
            snaps.works();
            snaps.wait(self.pace.photo());
        }
        let state = if wanted { CameraState::Live } else { CameraState::Idle };
        let sizes = self.pictures.offered(layout);
        let (width, height) = (layout.width as u32, layout.height as u32);
        let size = Resolution { width, height };
        let interval = self.pace.told();
        let is_told = self.told.as_ref().is_some_and(|told| {
            let same_size = told.size == Some(size) || self.same_size < STEADY;
            let same_path = told.device == self.camera.orders().path;
            let same_pace = told.sizes == sizes && told.interval == interval;
            told.state == state && same_pace && same_path && same_size
        });
        if is_told {
            return;
        }
        let told = self.tell(State {
            state,
            format: layout.coding.to_string(),
            size: Some(size),
            fps,
            interval,
            sizes: sizes.to_vec(),
            controls: controls.clone(),
            ..self.blank()
        });
        if self.logged.take().is_some() || told.is_none_or(|before| before.reason.is_some()) {
            let camera = self.camera.about.id.camera.as_str();
            tracing::info!(camera, device = self.camera.about.device, format = %layout.coding, width, height, fps, "camera works");
        }
    }

    /// Frames do not flow.
    fn fail(&mut self, fault: Fault) {
        self.fail_since(fault, clock::monotonic());
    }

    /// The same, since a time by the monotonic clock.
    fn fail_since(&mut self, fault: Fault, since: Duration) {
        self.camera.snaps().fail(&fault.detail);
        let failure = (fault.reason, fault.detail.clone());
        if self.logged.as_ref() != Some(&failure) {
            let camera = self.camera.about.id.camera.as_str();
            tracing::warn!(camera, device = self.camera.about.device, "{}", fault.detail);
            self.logged = Some(failure);
        }
        let Fault { state, reason, detail, by } = fault;
        let lasts = clock::monotonic().saturating_sub(since).as_millis();
        let since = clock::unix_ms().saturating_sub(clock::whole(lasts));
        self.tell(State { state, reason: Some(reason), detail, by, since, ..self.blank() });
    }

    fn blank(&self) -> State {
        State {
            state: CameraState::Idle,
            reason: None,
            detail: String::new(),
            by: None,
            since: clock::unix_ms(),
            name: self.camera.about.title.clone(),
            device: self.camera.orders().path.clone(),
            format: String::new(),
            size: None,
            fps: None,
            interval: None,
            sizes: Vec::new(),
            controls: BTreeMap::new(),
        }
    }

    /// Publishes a state if it says something new. Returns what was told before.
    fn tell(&mut self, mut state: State) -> Option<State> {
        let before = self.told.clone();
        if let Some(told) = &before {
            let since = std::mem::replace(&mut state.since, told.since);
            if state == *told {
                return before;
            }
            state.since = since;
        }
        self.outlet.facts.set(self.topic.clone(), state.to_json());
        self.told = Some(state);
        before
    }

    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut orders = self.camera.orders();
        while !orders.again && !orders.stop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.camera.ordered.wait_timeout(orders, left);
            orders = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.beat.beat();
    }
}

#[cfg(test)]
mod tests;
