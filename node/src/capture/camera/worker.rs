//! The thread of one camera: it opens the device, streams, retries, and passes each frame on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use supervision::Beat;
use wire::{Ages, CameraState, Reason, Size, Stamp};

use crate::capture::camera::report::{Report, Working};
use crate::capture::camera::{Camera, Outlet};
use crate::capture::commands::Command;
use crate::capture::frozen::Frozen;
use crate::capture::pace::{Missing, Pace};
use crate::capture::sequence::Sequence;
use crate::capture::source::{Fault, Frame, Open, Source};
use crate::picture::jpeg::mjpeg::Checker;
use crate::picture::outputs::{From, Pictures};
use crate::picture::raw::pixels::Layout;
use crate::picture::wants::Wants;

/// The longest wait for a frame before the thread looks at commands.
const LOOK: Duration = Duration::from_millis(250);
/// The pause before it retries a lost camera; plugging the camera in ends the pause.
const LOST_PAUSE: Duration = Duration::from_secs(1);
/// The pause after an error that a person must fix.
const ERROR_PAUSE: Duration = Duration::from_secs(3);
/// The pauses before a panicked thread works again: the first, and the longest, which is shorter
/// than the limit for a hang.
const DIED_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(20));

/// The state of the thread.
pub(super) struct Worker<'a> {
    camera: Arc<Camera>,
    outlet: Outlet,
    beat: &'a Beat,
    open: Open,
    /// The present path of the device, or why the thread must not open it.
    device: Result<PathBuf, Fault>,
    /// A command gave a reason to retry now.
    again: bool,
    stop: bool,
    wants: Wants,
    sequence: Sequence,
    pace: Pace,
    frozen: Frozen,
    report: Report,
    pictures: Pictures,
    mjpeg: Checker,
    /// How many frames in a row have had the same size.
    same_size: u32,
    /// A repaired JPEG.
    mended: Vec<u8>,
}

impl<'a> Worker<'a> {
    /// A worker for a device that `open` opens.
    pub fn new(
        camera: Arc<Camera>,
        device: Result<PathBuf, Fault>,
        open: Open,
        outlet: Outlet,
        beat: &'a Beat,
    ) -> Self {
        Worker {
            report: Report::new(camera.about.clone(), Arc::clone(&outlet.facts)),
            pictures: Pictures::new(&outlet.root, &camera.about.id, camera.luma.clone()),
            camera,
            outlet,
            beat,
            open,
            device,
            again: false,
            stop: false,
            wants: Wants::default(),
            sequence: Sequence::default(),
            pace: Pace::default(),
            frozen: Frozen::default(),
            mjpeg: Checker::default(),
            same_size: 0,
            mended: Vec::new(),
        }
    }

    /// Works until it must end. It reports a panic like any other fault, and retries.
    pub fn supervise(&mut self) {
        let mut pause = DIED_PAUSE.0;
        loop {
            let begun = Instant::now();
            let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.run())) else { return };
            if begun.elapsed() > 2 * DIED_PAUSE.1 {
                pause = DIED_PAUSE.0;
            }
            // A panic may have left these half done.
            self.pictures =
                Pictures::new(&self.outlet.root, &self.camera.about.id, self.camera.luma.clone());
            self.mended = Vec::new();
            let why = panic.downcast_ref::<String>().map(String::as_str);
            let why = why.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            let detail = format!(
                "a fault of Vitrina ended the work on this camera ({why}); Vitrina keeps trying; \
                 please report it"
            );
            self.fail(Fault::error(Reason::Crashed, detail));
            self.beat.beat();
            self.pause(pause);
            pause = (2 * pause).min(DIED_PAUSE.1);
        }
    }

    /// Streams while it can; this is the one place that reports faults and retries.
    fn run(&mut self) {
        loop {
            self.obey(None);
            self.again = false;
            if self.stop {
                return;
            }
            let fault = match self.device.clone() {
                Ok(device) => match self.run_once(&device) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let pause = match fault.state {
                CameraState::Error => ERROR_PAUSE,
                _ => LOST_PAUSE,
            };
            self.fail(fault);
            self.pause(pause);
        }
    }

    /// One stream from open to its end: `Ok` if other commands came.
    fn run_once(&mut self, device: &Path) -> Result<(), Fault> {
        self.beat.beat();
        let mut source = (self.open)(device)?;
        let mut layout = source.layout();
        let fps = source.fps();
        self.sequence.restart();
        self.pictures.restart();
        self.mjpeg = Checker::default();
        self.pace.begin(source.interval(), clock::monotonic());
        self.camera.snaps().wait(self.pace.photo());
        loop {
            self.beat.beat();
            self.obey(Some(&mut *source));
            if self.stop || self.device.as_deref() != Ok(device) {
                return Ok(());
            }
            if let Some(controls) = source.changed_controls() {
                self.report.controls(controls);
            }
            if let Some(frame) = source.next(LOOK)? {
                // Requests from before this frame's capture must get it.
                while let Some(command) = self.camera.commands.next_quick() {
                    self.carry_out(command, None);
                }
                let frame = self.frame(&mut layout, &frame);
                self.pace.frame(frame.is_ok(), clock::monotonic());
                match frame {
                    Ok(()) => self.work(&layout, fps),
                    Err(reason) => self.camera.counters.dropped(reason, 1),
                }
            }
            if let Some((missing, again)) = self.pace.missing(clock::monotonic()) {
                let fault = match (missing, self.frozen.since()) {
                    (Missing::Frames, _) => Fault::stalled(),
                    // The stream goes on, and is live as soon as its source moves.
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

    /// Carries out all waiting commands. Without a source, there is no stream.
    fn obey(&mut self, mut source: Option<&mut dyn Source>) {
        while let Some(command) = self.camera.commands.next() {
            match &mut source {
                Some(source) => self.carry_out(command, Some(&mut **source)),
                None => self.carry_out(command, None),
            }
        }
    }

    fn carry_out(&mut self, command: Command, source: Option<&mut dyn Source>) {
        match command {
            Command::Plug(device) => (self.device, self.again) = (Ok(device), true),
            Command::Withhold(fault) => (self.device, self.again) = (Err(fault), true),
            Command::Path(path) => self.report.path(path),
            Command::Title(title) => self.report.title(title),
            Command::Want(want) => {
                if !self.wants.insert(&want, Instant::now()) {
                    Command::Want(want).refuse("too many ask for pictures of this camera");
                }
            }
            Command::Snap(request, asked) => self.camera.snaps().ask(request, asked),
            Command::Controls(reply) => match source {
                Some(source) => {
                    let controls = source.controls();
                    self.report.controls(controls.clone());
                    // The asker may have given up.
                    reply.send(Ok(controls)).ok();
                }
                None => Command::Controls(reply).refuse(self.report.trouble()),
            },
            Command::Stop => self.stop = true,
        }
    }

    /// Passes a frame on to its consumers. For a JPEG, the layout takes the size of the picture.
    ///
    /// # Errors
    /// The reason under which stats count a broken frame.
    fn frame(&mut self, layout: &mut Layout, frame: &Frame<'_>) -> Result<(), &'static str> {
        let (seq, missing) = self.sequence.number(frame.sequence);
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
        let now = Instant::now();
        let rates = Size::ALL.map(|size| self.wants.rate(size, now));
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
        if !live && !snap && !due.luma {
            return Ok(());
        }
        let jpeg = whole.as_ref().map(|whole| whole.mended(&mut self.mended));
        // Both clocks are read together, because the frame's age is subtracted from both.
        let age = clock::monotonic().saturating_sub(frame.at);
        let mut stamp = Stamp {
            camera: self.camera.about.id.clone(),
            seq,
            at: clock::whole(clock::unix().saturating_sub(age).as_micros()),
            mono: clock::whole(frame.at.as_micros()),
            boot: self.outlet.boot.clone(),
            ages: None,
            photo: None,
        };
        let from = From {
            layout,
            frame: jpeg.unwrap_or(frame.bytes),
            quality: self.camera.about.quality,
            at: frame.at,
        };
        if snap && let Ok(jpeg) = self.pictures.full(from).map(Bytes::copy_from_slice) {
            self.camera.spool(&self.outlet.spooler, frame.at, &jpeg, &stamp);
        }
        if live {
            let got = clock::micros(age);
            stamp.ages = Some(Ages { got, made: got });
            self.pictures.put(from, &mut stamp, &self.outlet.slots, counters, ticket.as_ref());
        } else {
            self.pictures.lend(from);
        }
        Ok(())
    }

    /// Frames flow.
    fn work(&mut self, layout: &Layout, fps: Option<f32>) {
        let now = Instant::now();
        let is_wanted = Size::ALL.into_iter().any(|size| self.wants.rate(size, now) > 0.0);
        {
            let mut snaps = self.camera.snaps();
            snaps.works();
            snaps.wait(self.pace.photo());
        }
        self.report.working(&Working {
            is_wanted,
            layout,
            same_size: self.same_size,
            sizes: self.pictures.offered(layout),
            fps,
            interval: self.pace.published(),
        });
    }

    /// Frames do not flow.
    fn fail(&mut self, fault: Fault) {
        self.fail_since(fault, clock::monotonic());
    }

    /// Frames have not flowed since a time of the monotonic clock.
    fn fail_since(&mut self, fault: Fault, since: Duration) {
        self.camera.snaps().fail(&fault.detail);
        self.report.failed(fault, since);
    }

    /// Waits before the next try, and carries out commands meanwhile; some end the wait.
    fn pause(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.again && !self.stop && self.camera.commands.wait(until) {
            self.obey(None);
        }
        self.beat.beat();
    }
}
