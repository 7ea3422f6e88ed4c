//! The source of frames: a camera, or the test card.

use std::path::Path;
use std::time::Duration;

use wire::{CameraState, Controls, Reason};

use crate::picture::raw::pixels::Layout;

/// A stream of frames that runs until it is dropped.
pub(crate) trait Source {
    /// The layout of its frames in memory.
    fn layout(&self) -> Layout;

    /// The promised rate, in frames a second; `None` if there is none.
    fn fps(&self) -> Option<f32>;

    /// The longest promised time between two frames; `None` if there is none.
    fn interval(&self) -> Option<Duration> {
        let fps = self.fps().filter(|fps| *fps > 0.0)?;
        Duration::try_from_secs_f32(1.0 / fps).ok()
    }

    /// Its controls, read again.
    fn controls(&mut self) -> Controls {
        Controls::default()
    }

    /// Its controls, if the driver or another program has changed any since the last call, as far
    /// as that is cheap to know; the first call returns them all.
    fn changed_controls(&mut self) -> Option<Controls> {
        None
    }

    /// The next frame, or `None` if there was none within `wait`.
    ///
    /// # Errors
    /// [`Fault`] when the stream has ended and must be reopened.
    fn next(&mut self, wait: Duration) -> Result<Option<Frame<'_>>, Fault>;
}

/// Opens the stream of the device at this path.
pub(crate) type Open = Box<dyn Fn(&Path) -> Result<Box<dyn Source>, Fault> + Send>;

/// A frame as it was captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// What the source filled in.
    pub bytes: &'a [u8],
    /// The driver's number of the frame.
    pub sequence: u32,
    /// The capture time, by the monotonic clock: later than the one before, and never an unchecked
    /// time of the driver.
    pub at: Duration,
    /// The driver's capture time, by any clock; `None` without a driver.
    pub told: Option<Duration>,
    /// The driver says that it is broken.
    pub error: bool,
    /// It waited while the node worked on an earlier frame, and a newer one is ready or almost.
    pub late: bool,
}

/// Why there are no frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Whether time mends it (lost) or a person must (error).
    pub state: CameraState,
    /// The word for programs.
    pub reason: Reason,
    /// The sentence for people: what is wrong and what to do.
    pub detail: String,
    /// The program that has the camera.
    pub by: Option<String>,
}

impl Fault {
    /// It comes back by itself.
    pub fn lost(reason: Reason, detail: impl Into<String>) -> Self {
        Fault { state: CameraState::Lost, reason, detail: detail.into(), by: None }
    }

    /// Somebody must do something.
    pub fn error(reason: Reason, detail: impl Into<String>) -> Self {
        Fault { state: CameraState::Error, reason, detail: detail.into(), by: None }
    }

    /// No frame comes for longer than it may take.
    pub fn stalled() -> Self {
        let detail = "gives no frames; Vitrina keeps trying; if this lasts, unplug it and plug it \
                      in again";
        Fault::lost(Reason::Stalled, detail)
    }

    /// No frame that comes is whole.
    pub fn broken() -> Self {
        let detail = "every frame that it gives is broken; try another cable or port";
        Fault::lost(Reason::Broken, detail)
    }

    /// Every frame repeats the last one.
    pub fn frozen() -> Self {
        let detail = "gives one picture again and again; restart the program or device that it \
                      comes from";
        Fault::lost(Reason::Frozen, detail)
    }

    /// The device went away.
    pub fn unplugged() -> Self {
        let detail = "unplugged; it comes back by itself when it is plugged in again";
        Fault::lost(Reason::Unplugged, detail)
    }
}
