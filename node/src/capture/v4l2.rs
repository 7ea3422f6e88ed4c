//! Cameras through Video4Linux2 (`Documentation/userspace-api/media/v4l`). The only file that
//! knows it, and the only one with `unsafe`.
//!
//! Of the crate `v4l` it takes the structures, request numbers and the `ioctl` and `mmap`
//! wrappers. Its own types panic on what a driver may well say (a card name that is no UTF-8, an
//! error at STREAMOFF) and its stream ignores the error flag, so the ring of buffers is here.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use v4l::v4l_sys as sys;
use v4l::v4l2 as call;
use v4l::v4l2::vidioc;
use wire::{Control, Reason};

use crate::capture::bounds::{self, Side};
use crate::capture::choose::{Ask, Choice, Interval, Offer, choose, no_choice};
use crate::capture::controls::{self, Answer};
use crate::capture::errno::fault;
use crate::capture::source::{Fault, Frame, Source};
use crate::capture::times::{Came, Times};
use crate::clock;
use crate::picture::pixels::{Coding, Layout, Range};

const CAPTURE: u32 = sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP: u32 = sys::v4l2_memory_V4L2_MEMORY_MMAP;
/// Buffers in the ring: one at the driver, one with us, and two for when we are late.
const BUFFERS: u32 = 4;
/// So many formats, sizes of a format and rates of a size are asked for: some drivers never say
/// that a list is over.
const LONGEST: (u32, u32, u32) = (256, 128, 64);

/// An open device.
pub(crate) struct Device {
    file: File,
    path: PathBuf,
}

/// What a device says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caps {
    pub driver: String,
    pub card: String,
    /// Whether it captures pictures of one plane, takes pictures from a program, captures those of
    /// several planes, turns pictures into others, captures metadata, streams.
    pub capture: bool,
    pub output: bool,
    pub planes: bool,
    pub m2m: bool,
    pub meta: bool,
    pub streams: bool,
}

impl Device {
    /// Opens a device, which wakes it but takes it from nobody.
    pub fn open(path: &Path) -> io::Result<Self> {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(path)?;
        Ok(Device { file, path: path.to_owned() })
    }

    /// VIDIOC_QUERYCAP.
    pub fn caps(&self) -> io::Result<Caps> {
        let mut caps: sys::v4l2_capability = zeroed();
        self.ioctl(vidioc::VIDIOC_QUERYCAP, &mut caps)?;
        let flags = match caps.capabilities & sys::V4L2_CAP_DEVICE_CAPS {
            0 => caps.capabilities,
            _ => caps.device_caps,
        };
        let has = |flag| flags & flag != 0;
        Ok(Caps {
            driver: text(&caps.driver),
            card: text(&caps.card),
            capture: has(sys::V4L2_CAP_VIDEO_CAPTURE),
            output: has(sys::V4L2_CAP_VIDEO_OUTPUT),
            planes: has(sys::V4L2_CAP_VIDEO_CAPTURE_MPLANE),
            m2m: has(sys::V4L2_CAP_VIDEO_M2M | sys::V4L2_CAP_VIDEO_M2M_MPLANE),
            meta: has(sys::V4L2_CAP_META_CAPTURE),
            streams: has(sys::V4L2_CAP_STREAMING),
        })
    }

    /// The four characters and the description of each format.
    pub fn formats(&self) -> Vec<([u8; 4], String)> {
        let format = |index| {
            let mut format: sys::v4l2_fmtdesc = zeroed();
            (format.index, format.type_) = (index, CAPTURE);
            self.ioctl(vidioc::VIDIOC_ENUM_FMT, &mut format).ok()?;
            Some((format.pixelformat.to_le_bytes(), text(&format.description)))
        };
        (0..LONGEST.0).map_while(format).collect()
    }

    /// Every format that a node can use, in every size. Where the driver gives bounds, common
    /// sizes and what is asked are looked for within them.
    pub fn offers(&self, ask: &Ask) -> Vec<Offer> {
        let mut codings = Vec::new();
        for (fourcc, _) in self.formats() {
            codings.extend(Coding::from_fourcc(fourcc).filter(|coding| !codings.contains(coding)));
        }
        let mut offers = Vec::new();
        for coding in codings {
            for (width, height) in self.sizes(coding, ask) {
                let intervals = self.intervals(coding, width, height, ask);
                offers.push(Offer { coding, width, height, intervals });
            }
        }
        offers
    }

    fn sizes(&self, coding: Coding, ask: &Ask) -> Vec<(u32, u32)> {
        let mut sizes = Vec::new();
        for index in 0..LONGEST.1 {
            let mut size: sys::v4l2_frmsizeenum = zeroed();
            (size.index, size.pixel_format) = (index, u32::from_le_bytes(coding.fourcc()));
            if self.ioctl(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut size).is_err() {
                break;
            }
            if size.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
                // SAFETY: the type says which member the driver filled; all are plain numbers.
                let discrete = unsafe { size.__bindgen_anon_1.discrete };
                let size = (discrete.width, discrete.height);
                if bounds::is_size(size) && !sizes.contains(&size) {
                    sizes.push(size);
                }
                continue;
            }
            // SAFETY: as above.
            let by = unsafe { size.__bindgen_anon_1.stepwise };
            let width = Side { min: by.min_width, max: by.max_width, step: by.step_width };
            let height = Side { min: by.min_height, max: by.max_height, step: by.step_height };
            sizes = bounds::sizes(width, height, ask.width.zip(ask.height));
            break;
        }
        // A driver that tells no sizes has one: the one that is set.
        if sizes.is_empty()
            && let Ok(format) = self.format()
        {
            sizes.extend(Some((format.width, format.height)).filter(|&size| bounds::is_size(size)));
        }
        sizes
    }

    fn intervals(&self, coding: Coding, width: u32, height: u32, ask: &Ask) -> Vec<Interval> {
        let mut intervals = Vec::new();
        let from = |fract: sys::v4l2_fract| Interval::new(fract.numerator, fract.denominator);
        for index in 0..LONGEST.2 {
            let mut entry: sys::v4l2_frmivalenum = zeroed();
            (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(coding.fourcc()));
            (entry.width, entry.height) = (width, height);
            if self.ioctl(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut entry).is_err() {
                break;
            }
            if entry.type_ == sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
                // SAFETY: the type says which member the driver filled; all are plain numbers.
                let interval = from(unsafe { entry.__bindgen_anon_1.discrete });
                intervals.extend(interval.filter(|interval| !intervals.contains(interval)));
                continue;
            }
            // SAFETY: as above.
            let by = unsafe { entry.__bindgen_anon_1.stepwise };
            let asked = ask.fps.and_then(|fps| Interval::new(1000, (fps * 1000.0) as u32));
            return bounds::intervals(from(by.min), from(by.max), asked);
        }
        intervals
    }

    /// Sets format, size and rate and starts the stream.
    ///
    /// # Errors
    /// [`Fault`] says what is in the way and who can mend it.
    pub fn stream(self, ask: &Ask) -> Result<Stream, Fault> {
        let caps = self.caps().map_err(|error| self.fault("does not say what it is", &error))?;
        if !caps.capture || self.formats().is_empty() {
            let detail = "gives no pictures now, as a loopback that no program writes to; it comes \
                          back by itself when one does";
            return Err(Fault::lost(Reason::Stalled, detail));
        }
        let offers = self.offers(ask);
        let choice = choose(&offers, ask).ok_or_else(|| no_choice(&offers, ask))?;
        let layout = self.set_format(&choice)?;
        let fps = self.set_rate(choice.interval);
        let offered = choice.interval.map(Interval::fps);
        // Where a driver says two things, the slower one is waited for.
        let rates = fps.into_iter().chain(offered).filter(|fps| *fps > 0.0);
        let slowest = rates.map(|fps| 1.0 / fps).reduce(f32::max);
        let controls = self.controls();
        let ring = Ring::new(self)?;
        Ok(Stream {
            ring,
            layout,
            controls,
            fps: fps.or(offered),
            interval: slowest.and_then(|seconds| Duration::try_from_secs_f32(seconds).ok()),
            held: None,
            times: Times::default(),
            empty: clock::monotonic(),
            freshest: None,
        })
    }

    /// The controls that hold a number, by the names that `v4l2-ctl` gives them.
    fn controls(&self) -> BTreeMap<String, Control> {
        let query = |id: u32| {
            let mut query: sys::v4l2_queryctrl = zeroed();
            query.id = id;
            match self.ioctl(vidioc::VIDIOC_QUERYCTRL, &mut query) {
                Ok(()) => Answer::Is(query.id, query),
                Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                    Some(Errno::INVAL | Errno::NOTTY) => Answer::None,
                    _ => Answer::Fails,
                },
            }
        };
        let next = |id: u32| query(id | sys::V4L2_CTRL_FLAG_NEXT_CTRL);
        let mut controls = BTreeMap::new();
        for (id, query) in controls::find(next, query) {
            const NUMBERS: [u32; 4] = [
                sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER,
                sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN,
                sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU,
                sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER_MENU,
            ];
            let unreadable = sys::V4L2_CTRL_FLAG_DISABLED | sys::V4L2_CTRL_FLAG_WRITE_ONLY;
            let mut now: sys::v4l2_control = zeroed();
            now.id = id;
            if !NUMBERS.contains(&query.type_)
                || query.flags & unreadable != 0
                || self.ioctl(vidioc::VIDIOC_G_CTRL, &mut now).is_err()
            {
                continue;
            }
            let control = Control {
                value: now.value.into(),
                min: query.minimum.into(),
                max: query.maximum.into(),
                step: query.step.unsigned_abs().into(),
                default: query.default_value.into(),
            };
            let name = control_name(&text(&query.name));
            let name = if name.is_empty() { format!("control_{id:08x}") } else { name };
            // Of two that are called the same each is there.
            let names = (2..).map(|n| format!("{name}_{n}"));
            let mut names = std::iter::once(name.clone()).chain(names);
            if let Some(name) = names.find(|name| !controls.contains_key(name)) {
                controls.insert(name, control);
            }
        }
        controls
    }

    fn format(&self) -> io::Result<sys::v4l2_pix_format> {
        let mut format: sys::v4l2_format = zeroed();
        format.type_ = CAPTURE;
        self.ioctl(vidioc::VIDIOC_G_FMT, &mut format)?;
        // SAFETY: the driver filled the member of the type asked for.
        Ok(unsafe { format.fmt.pix })
    }

    fn set_format(&self, choice: &Choice) -> Result<Layout, Fault> {
        let mut format: sys::v4l2_format = zeroed();
        format.type_ = CAPTURE;
        let mut pix: sys::v4l2_pix_format = zeroed();
        (pix.width, pix.height) = (choice.width, choice.height);
        pix.pixelformat = u32::from_le_bytes(choice.coding.fourcc());
        pix.field = sys::v4l2_field_V4L2_FIELD_NONE;
        format.fmt.pix = pix;
        self.ioctl(vidioc::VIDIOC_S_FMT, &mut format)
            .map_err(|error| self.fault("does not take the format", &error))?;
        // SAFETY: as in `format`.
        let pix = unsafe { format.fmt.pix };
        // A driver may give another size than asked, but another format would be misread.
        if pix.pixelformat.to_le_bytes() != choice.coding.fourcc() {
            let detail =
                format!("the driver offers {} and then gives another format", choice.coding);
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
            range: range(&pix),
        };
        layout.stride = stride(layout.line(), &pix);
        Ok(layout)
    }

    /// Returns the rate that the driver then promises, if it knows rates.
    fn set_rate(&self, interval: Option<Interval>) -> Option<f32> {
        let mut parm: sys::v4l2_streamparm = zeroed();
        parm.type_ = CAPTURE;
        self.ioctl(vidioc::VIDIOC_G_PARM, &mut parm).ok()?;
        // SAFETY: the driver filled the member of the type asked for.
        let mut capture = unsafe { parm.parm.capture };
        if let Some(interval) = interval
            && capture.capability & sys::V4L2_CAP_TIMEPERFRAME != 0
        {
            capture.timeperframe.numerator = interval.numerator();
            capture.timeperframe.denominator = interval.denominator();
            parm.parm.capture = capture;
            // One that keeps its rate is a camera all the same; stats tell the true rate.
            self.ioctl(vidioc::VIDIOC_S_PARM, &mut parm).ok()?;
            // SAFETY: as above.
            capture = unsafe { parm.parm.capture };
        }
        let sys::v4l2_fract { numerator, denominator } = capture.timeperframe;
        Interval::new(numerator, denominator).map(Interval::fps)
    }

    fn ioctl<T: Plain>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        loop {
            let argument = std::ptr::from_mut(argument).cast();
            // SAFETY: each call in this file gives the request its own structure, as the kernel's
            // header pairs them; the kernel writes no further than that.
            match unsafe { call::ioctl(self.file.as_raw_fd(), request, argument) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn fault(&self, what: &str, error: &io::Error) -> Fault {
        fault(&self.path, what, error)
    }
}

/// Lower case, and one underscore for whatever lies between words.
fn control_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// Bytes from one line of `line` bytes to the next: as the driver says, where lines of that length
/// can be in a picture of the size that it says.
fn stride(line: usize, pix: &sys::v4l2_pix_format) -> usize {
    let (stride, height) = (u64::from(pix.bytesperline), u64::from(pix.height));
    // Some say no size. No picture has more bytes than a memory of 32 bits can address.
    let most = u64::from(pix.sizeimage).max(2 * line as u64 * height).min(1 << 31);
    if stride * height.saturating_sub(1) + line as u64 > most {
        line
    } else {
        line.max(stride as usize)
    }
}

/// The range where the driver says it, else as `V4L2_MAP_QUANTIZATION_DEFAULT` has it.
fn range(pix: &sys::v4l2_pix_format) -> Range {
    let is_rgb = Coding::from_fourcc(pix.pixelformat.to_le_bytes()).is_some_and(Coding::is_rgb);
    match pix.quantization {
        sys::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE => Range::Full,
        sys::v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE => Range::Limited,
        _ if is_rgb || pix.colorspace == sys::v4l2_colorspace_V4L2_COLORSPACE_JPEG => Range::Full,
        _ => Range::Limited,
    }
}

/// A running stream.
pub(crate) struct Stream {
    ring: Ring,
    layout: Layout,
    controls: BTreeMap<String, Control>,
    fps: Option<f32>,
    /// The longest time between two frames that the driver tells.
    interval: Option<Duration>,
    /// The buffer that the last frame lies in; the driver gets it back before the next.
    held: Option<u32>,
    times: Times,
    /// When no filled buffer was there for the last time, by the monotonic clock.
    empty: Duration,
    /// The age of the freshest frame: what exposure and transfer take.
    freshest: Option<Duration>,
}

/// The time between two frames of a camera that does not tell its rate.
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

    fn controls(&self) -> BTreeMap<String, Control> {
        self.controls.clone()
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
        let (now, told) = (clock::monotonic(), told(&buffer));
        let kind = buffer.flags & sys::V4L2_BUF_FLAG_TIMESTAMP_MASK;
        let monotonic = told.filter(|_| kind == sys::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC);
        let came = Came { now, empty: self.empty, waited, interval };
        let (at, believed) = self.times.take(monotonic, came);
        // While all buffers were full the driver had to stop, so the newest can be old, too. One
        // that came while it was waited for is never late, so that some frame always is not.
        let is_old = believed && {
            let age = now.saturating_sub(at);
            let freshest = self.freshest.map_or(age, |freshest| freshest.min(age));
            self.freshest = Some(freshest);
            age > freshest + 2 * interval
        };
        let late = !waited && (is_old || self.ring.is_ready()?);
        let Some(map) = self.ring.maps.get(buffer.index as usize) else {
            let detail =
                "the driver gave a buffer that it does not have; it is tried again and again";
            return Err(Fault::error(Reason::Device, detail));
        };
        self.held = Some(buffer.index);
        let bytes = map.bytes();
        Ok(Some(Frame {
            bytes: &bytes[..bytes.len().min(buffer.bytesused as usize)],
            sequence: buffer.sequence,
            at,
            told,
            late,
            error: buffer.flags & sys::V4L2_BUF_FLAG_ERROR != 0,
        }))
    }
}

/// When a buffer was captured, by whatever clock.
fn told(buffer: &sys::v4l2_buffer) -> Option<Duration> {
    let seconds = u64::try_from(buffer.timestamp.tv_sec).ok()?;
    let micros = u64::try_from(buffer.timestamp.tv_usec).ok()?;
    Duration::from_secs(seconds).checked_add(Duration::from_micros(micros))
}

/// The buffers that the driver fills, mapped into this process, and the stream that fills them.
struct Ring {
    // Dropped in this order: unmapped, then closed.
    maps: Vec<Map>,
    device: Device,
}

impl Ring {
    fn new(device: Device) -> Result<Self, Fault> {
        let mut request: sys::v4l2_requestbuffers = zeroed();
        (request.count, request.type_, request.memory) = (BUFFERS, CAPTURE, MMAP);
        device
            .ioctl(vidioc::VIDIOC_REQBUFS, &mut request)
            .map_err(|error| device.fault("gives no buffers", &error))?;
        if request.count == 0 {
            return Err(device.fault("gives no buffers", &io::ErrorKind::OutOfMemory.into()));
        }
        let mut ring = Ring { maps: Vec::new(), device };
        for index in 0..request.count.min(32) {
            let mut buffer = buffer(index);
            let mapped = ring
                .device
                .ioctl(vidioc::VIDIOC_QUERYBUF, &mut buffer)
                // SAFETY: for MMAP the member is the offset.
                .and_then(|()| {
                    Map::new(&ring.device.file, buffer.length, unsafe { buffer.m.offset })
                });
            match mapped {
                Ok(map) => ring.maps.push(map),
                Err(error) => return Err(ring.device.fault("gives no buffers", &error)),
            }
            ring.queue(index)?;
        }
        let mut kind = CAPTURE;
        let started = ring.device.ioctl(vidioc::VIDIOC_STREAMON, &mut kind);
        started.map_err(|error| ring.device.fault("does not start to stream", &error))?;
        Ok(ring)
    }

    fn queue(&self, index: u32) -> Result<(), Fault> {
        let queued = self.device.ioctl(vidioc::VIDIOC_QBUF, &mut buffer(index));
        queued.map_err(|error| self.device.fault("does not take a buffer", &error))
    }

    /// Whether a filled buffer is there now.
    fn is_ready(&self) -> Result<bool, Fault> {
        Ok(self.poll(Duration::ZERO)?.is_some_and(|events| events.contains(PollFlags::IN)))
    }

    fn poll(&self, wait: Duration) -> Result<Option<PollFlags>, Fault> {
        let mut fds = [PollFd::new(&self.device.file, PollFlags::IN)];
        let timeout =
            Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => Ok(None),
            Ok(_) => Ok(Some(fds[0].revents())),
            Err(error) => Err(self.device.fault("cannot be waited for", &error.into())),
        }
    }

    /// A filled buffer, or `None` if none was within `wait`.
    fn dequeue(&self, wait: Duration) -> Result<Option<sys::v4l2_buffer>, Fault> {
        let Some(events) = self.poll(wait)? else { return Ok(None) };
        let broken = !events.contains(PollFlags::IN);
        let mut buffer = buffer(0);
        match self.device.ioctl(vidioc::VIDIOC_DQBUF, &mut buffer) {
            Ok(()) => Ok(Some(buffer)),
            // Nothing to read and never again: without this the loop would not rest.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && broken => {
                Err(self.device.fault("stopped streaming", &error))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(self.device.fault("stopped streaming", &error)),
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // A device that is gone cannot stop; closing it frees the buffers all the same.
        let mut kind = CAPTURE;
        self.device.ioctl(vidioc::VIDIOC_STREAMOFF, &mut kind).ok();
    }
}

fn buffer(index: u32) -> sys::v4l2_buffer {
    let mut buffer: sys::v4l2_buffer = zeroed();
    (buffer.index, buffer.type_, buffer.memory) = (index, CAPTURE, MMAP);
    buffer
}

/// One buffer of the driver's, mapped.
struct Map {
    start: NonNull<u8>,
    length: usize,
}

impl Map {
    fn new(file: &File, length: u32, offset: u32) -> io::Result<Self> {
        const PROT_READ: i32 = 1;
        const PROT_WRITE: i32 = 2;
        const MAP_SHARED: i32 = 1;
        let length = length as usize;
        // SAFETY: a new mapping at an address of the kernel's choice; the descriptor is open, and
        // length and offset are the driver's own.
        let start = unsafe {
            let protection = PROT_READ | PROT_WRITE;
            let fd = file.as_raw_fd();
            call::mmap(std::ptr::null_mut(), length, protection, MAP_SHARED, fd, offset.into())?
        };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Map { start, length })
    }

    /// What the driver filled in. It is to be read between DQBUF and QBUF; see `Stream::held`.
    fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is as long and lives as long as `self`, and the driver does not
        // write to a buffer that it does not own.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and no slice outlives `self`.
        unsafe { call::munmap(self.start.as_ptr().cast(), self.length) }.ok();
    }
}

/// A structure of the kernel's for which all bits zero is a value.
///
/// # Safety
/// It must be plain numbers, arrays and unions of them, or pointers that may be null.
unsafe trait Plain: Copy {}

// SAFETY: structures of `videodev2.h` without references.
unsafe impl Plain for sys::v4l2_capability {}
unsafe impl Plain for sys::v4l2_fmtdesc {}
unsafe impl Plain for sys::v4l2_frmsizeenum {}
unsafe impl Plain for sys::v4l2_frmivalenum {}
unsafe impl Plain for sys::v4l2_format {}
unsafe impl Plain for sys::v4l2_pix_format {}
unsafe impl Plain for sys::v4l2_streamparm {}
unsafe impl Plain for sys::v4l2_requestbuffers {}
unsafe impl Plain for sys::v4l2_buffer {}
unsafe impl Plain for sys::v4l2_queryctrl {}
unsafe impl Plain for sys::v4l2_control {}
unsafe impl Plain for u32 {}

fn zeroed<T: Plain>() -> T {
    // SAFETY: `Plain` promises it.
    unsafe { std::mem::zeroed() }
}

/// A driver's text up to its first zero byte; what is no UTF-8 in it is replaced, and so is what
/// would command a terminal.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    text.trim().replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_name_that_is_no_utf8_is_still_a_text() {
        assert_eq!(text(b"Caf\xe9 Cam\0\0rest"), "Caf\u{fffd} Cam");
        assert_eq!(text(b"sixteen bytes!!!"), "sixteen bytes!!!");
        assert_eq!(text(b"Cam\x1b[2J\n"), "Cam\u{fffd}[2J");
    }

    #[test]
    fn controls_have_the_names_of_v4l2_ctl() {
        assert_eq!(control_name("White Balance, Automatic"), "white_balance_automatic");
        assert_eq!(control_name("Exposure Time, Absolute"), "exposure_time_absolute");
    }

    #[test]
    fn a_stride_that_cannot_be_is_that_of_lines_without_filling() {
        let stride = |bytesperline, sizeimage| {
            let mut pix: sys::v4l2_pix_format = zeroed();
            (pix.width, pix.height) = (640, 480);
            (pix.bytesperline, pix.sizeimage) = (bytesperline, sizeimage);
            stride(1280, &pix)
        };
        assert_eq!(stride(1280, 1280 * 480), 1280);
        assert_eq!(stride(1344, 1344 * 480), 1344);
        assert_eq!(stride(1344, 0), 1344, "no size of a picture is said");
        assert_eq!(stride(0, 1280 * 480), 1280);
        assert_eq!(stride(7, 1280 * 480), 1280);
        assert_eq!(stride(u32::MAX, 1280 * 480), 1280);
        assert_eq!(stride(u32::MAX, u32::MAX), 1280);
        assert_eq!(stride(4096, 1280 * 480), 1280);
    }

    #[test]
    fn the_default_range_is_limited_but_for_rgb_and_jpeg() {
        let pix = |coding: Coding, colorspace, quantization| {
            let mut pix: sys::v4l2_pix_format = zeroed();
            pix.pixelformat = u32::from_le_bytes(coding.fourcc());
            (pix.colorspace, pix.quantization) = (colorspace, quantization);
            range(&pix)
        };
        let srgb = sys::v4l2_colorspace_V4L2_COLORSPACE_SRGB;
        let jpeg = sys::v4l2_colorspace_V4L2_COLORSPACE_JPEG;
        assert_eq!(pix(Coding::Yuyv, srgb, 0), Range::Limited);
        assert_eq!(pix(Coding::Yuyv, jpeg, 0), Range::Full);
        assert_eq!(pix(Coding::Rgb24, srgb, 0), Range::Full);
        assert_eq!(pix(Coding::Yuyv, srgb, 1), Range::Full);
        assert_eq!(pix(Coding::Rgb24, srgb, 2), Range::Limited);
    }
}
