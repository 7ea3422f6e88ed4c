//! A streaming device: sets format and rate, takes frames with their times, reads controls.

use std::time::Duration;

use wire::{Controls, Reason};

use crate::capture::driver::bounds;
use crate::capture::driver::choose::{Ask, Choice, Interval, choose, no_choice};
use crate::capture::driver::controls::{self, Listed, Watch};
use crate::capture::driver::offers::offers;
use crate::capture::driver::times::{Came, Times};
use crate::capture::driver::v4l2::{Device, Ring};
use crate::capture::source::{Fault, Frame, Source};
use crate::picture::raw::pixels::Layout;

/// Sets format, size and rate and starts the stream.
///
/// # Errors
/// [`Fault`] says what is wrong and who can fix it.
pub(crate) fn stream(device: Device, ask: &Ask) -> Result<Stream, Fault> {
    let caps = device.caps().map_err(|error| device.fault("does not say what it is", &error))?;
    if !caps.capture || device.formats().is_empty() {
        let detail = "gives no pictures now, as a loopback that no program writes to; it comes \
                      back by itself when one does";
        return Err(Fault::lost(Reason::Stalled, detail));
    }
    let offers = offers(&device, ask);
    let choice = choose(&offers, ask).ok_or_else(|| no_choice(&offers, ask))?;
    let layout = set_format(&device, &choice)?;
    let fps = device.set_rate(choice.interval);
    let offered = choice.interval.map(Interval::fps);
    // If a driver reports two rates, the slower one counts.
    let rates = fps.into_iter().chain(offered).filter(|fps| *fps > 0.0);
    let slowest = rates.map(|fps| 1.0 / fps).reduce(f32::max);
    let watch = Watch::new(controls::subscribe(&device), clock::monotonic());
    // After the subscription, so that no change is missed.
    let controls = controls::list(&device);
    let ring = Ring::new(device)?;
    Ok(Stream {
        ring,
        layout,
        controls,
        watch,
        is_new: true,
        fps: fps.or(offered),
        interval: slowest.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok()),
        held: None,
        times: Times::default(),
        empty: clock::monotonic(),
        freshest: None,
    })
}

fn set_format(device: &Device, choice: &Choice) -> Result<Layout, Fault> {
    let pix = device
        .set_format(choice.coding.fourcc(), (choice.width, choice.height))
        .map_err(|error| device.fault("does not take the format", &error))?;
    // A driver may give another size than asked, but another format would be misread.
    if pix.fourcc != choice.coding.fourcc() {
        let detail = format!("the driver offers {} and then gives another format", choice.coding);
        return Err(Fault::error(Reason::Format, detail));
    }
    if !bounds::is_size((pix.width, pix.height)) {
        let detail = format!(
            "the driver says that its pictures have {}x{} pixels, which cannot be",
            pix.width, pix.height
        );
        return Err(Fault::error(Reason::Format, detail));
    }
    let mut layout = Layout {
        coding: choice.coding,
        width: pix.width as usize,
        height: pix.height as usize,
        stride: 0,
        range: pix.range,
    };
    layout.stride = bounds::stride(layout.line(), &pix);
    Ok(layout)
}

/// A running stream.
pub(crate) struct Stream {
    ring: Ring,
    layout: Layout,
    /// The controls at the last reading.
    controls: Listed,
    watch: Watch,
    /// They have not been reported yet.
    is_new: bool,
    fps: Option<f32>,
    /// The longest time between two frames that the driver reports.
    interval: Option<Duration>,
    /// The buffer with the last frame; the driver gets it back before the next one.
    held: Option<u32>,
    times: Times,
    /// When the queue was last seen empty, by the monotonic clock.
    empty: Duration,
    /// The age of the freshest frame: the time for exposure and transfer.
    freshest: Option<Duration>,
}

/// The time between two frames of a camera that does not report its rate.
const INTERVAL: Duration = Duration::from_millis(33);

impl Source for Stream {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn fps(&self) -> Option<f32> {
        self.fps
    }

    fn interval(&self) -> Option<Duration> {
        self.interval
    }

    fn controls(&mut self) -> Controls {
        self.controls = controls::list(self.ring.device());
        self.watch.has_read(clock::monotonic());
        self.controls.all()
    }

    fn changed_controls(&mut self) -> Option<Controls> {
        if std::mem::take(&mut self.is_new) {
            return Some(self.controls.all());
        }
        let has_event = self.ring.device().had_control_event();
        if !self.watch.is_due(has_event, clock::monotonic()) {
            return None;
        }
        let before = std::mem::take(&mut self.controls);
        let now = self.controls();
        self.controls.differ(&before).then_some(now)
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, Fault> {
        if let Some(index) = self.held.take() {
            self.ring.queue(index)?;
        }
        let waited = !self.ring.is_ready()?;
        if waited {
            self.empty = clock::monotonic();
        }
        let Some(buffer) = self.ring.dequeue(wait)? else { return Ok(None) };
        let interval = self.interval.unwrap_or(INTERVAL);
        let (now, told) = (clock::monotonic(), buffer.timestamp);
        let monotonic = told.filter(|_| buffer.is_monotonic);
        let came = Came { now, empty: self.empty, waited, interval };
        let (at, believed) = self.times.captured(monotonic, came);
        // While all buffers were full the driver had to stop, so even the newest frame can be old.
        // A frame that came during the wait is never late, so some frames always pass.
        let is_old = believed && {
            let age = now.saturating_sub(at);
            let freshest = self.freshest.map_or(age, |freshest| freshest.min(age));
            self.freshest = Some(freshest);
            age > freshest + 2 * interval
        };
        let late = !waited && (is_old || self.ring.is_ready()?);
        let Some(bytes) = self.ring.bytes(buffer.index) else {
            let detail = "the driver gave a buffer that it does not have; Vitrina keeps trying";
            return Err(Fault::error(Reason::Device, detail));
        };
        self.held = Some(buffer.index);
        Ok(Some(Frame {
            bytes: &bytes[..bytes.len().min(buffer.bytes_used)],
            sequence: buffer.sequence,
            at,
            told,
            late,
            error: buffer.is_error,
        }))
    }
}
