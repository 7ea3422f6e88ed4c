//! Cameras through Video4Linux2 (`Documentation/userspace-api/media/v4l`). This is the only file
//! that knows V4L2's structures, and the only one with `unsafe`.
//!
//! It takes the structures, request numbers and the `ioctl` and `mmap` wrappers from the crate
//! `v4l`. The crate's own types panic on some answers (a card name that is not UTF-8, an error at
//! STREAMOFF), and its stream ignores the error flag, so the ring of buffers is here.
#![allow(unsafe_code)]

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
use wire::Control;

use crate::capture::driver::bounds::Side;
use crate::capture::driver::choose::Interval;
use crate::capture::driver::controls::Answer;
use crate::capture::driver::descriptions::{Caps, Described, Filled, Intervals, Pix, Sizes, text};
use crate::capture::driver::errno::fault;
use crate::capture::source::Fault;
use crate::picture::raw::pixels::{Coding, Range};

const CAPTURE: u32 = sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP: u32 = sys::v4l2_memory_V4L2_MEMORY_MMAP;
/// Buffers in the ring: one at the driver, one in use, and two for when the node is late.
const BUFFERS: u32 = 4;
/// The most formats: some drivers never end a list.
const FORMATS: u32 = 256;
/// The most events taken at once; the kernel keeps one or two for each control.
const EVENTS: u32 = 512;
/// VIDIOC_DQEVENT and VIDIOC_SUBSCRIBE_EVENT (`videodev2.h`), which the crate lacks: direction,
/// size, and number of `_IOR('V', 89, …)` and `_IOW('V', 90, …)`.
const DEQUEUE_EVENT: vidioc::_IOC_TYPE = request::<sys::v4l2_event>(2, 89);
const SUBSCRIBE_EVENT: vidioc::_IOC_TYPE = request::<sys::v4l2_event_subscription>(1, 90);

/// A request number by the rule of `asm-generic/ioctl.h`.
const fn request<T>(direction: u32, number: u32) -> vidioc::_IOC_TYPE {
    (direction << 30 | (size_of::<T>() as u32) << 16 | (b'V' as u32) << 8 | number)
        as vidioc::_IOC_TYPE
}

/// An open device.
pub(crate) struct Device {
    file: File,
    path: PathBuf,
}

impl From<&sys::v4l2_pix_format> for Pix {
    fn from(pix: &sys::v4l2_pix_format) -> Pix {
        Pix {
            width: pix.width,
            height: pix.height,
            fourcc: pix.pixelformat.to_le_bytes(),
            stride: pix.bytesperline,
            image: pix.sizeimage,
            range: range(pix),
        }
    }
}

impl Device {
    /// Opens a device. This wakes it, but takes it from no other program.
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
        (0..FORMATS).map_while(format).collect()
    }

    /// One entry of the list of sizes of a format (VIDIOC_ENUM_FRAMESIZES).
    pub fn frame_sizes(&self, fourcc: [u8; 4], index: u32) -> Option<Sizes> {
        let mut size: sys::v4l2_frmsizeenum = zeroed();
        (size.index, size.pixel_format) = (index, u32::from_le_bytes(fourcc));
        self.ioctl(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut size).ok()?;
        if size.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
            // SAFETY: the type says which member the driver filled; all are plain numbers.
            let discrete = unsafe { size.__bindgen_anon_1.discrete };
            return Some(Sizes::One((discrete.width, discrete.height)));
        }
        // SAFETY: as above.
        let by = unsafe { size.__bindgen_anon_1.stepwise };
        let width = Side { min: by.min_width, max: by.max_width, step: by.step_width };
        let height = Side { min: by.min_height, max: by.max_height, step: by.step_height };
        Some(Sizes::Within(width, height))
    }

    /// One entry of the list of rates of a size (VIDIOC_ENUM_FRAMEINTERVALS).
    pub fn frame_intervals(
        &self,
        fourcc: [u8; 4],
        (width, height): (u32, u32),
        index: u32,
    ) -> Option<Intervals> {
        let from = |fract: sys::v4l2_fract| Interval::new(fract.numerator, fract.denominator);
        let mut entry: sys::v4l2_frmivalenum = zeroed();
        (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(fourcc));
        (entry.width, entry.height) = (width, height);
        self.ioctl(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut entry).ok()?;
        if entry.type_ == sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
            // SAFETY: the type says which member the driver filled; all are plain numbers.
            return Some(Intervals::One(from(unsafe { entry.__bindgen_anon_1.discrete })));
        }
        // SAFETY: as above.
        let by = unsafe { entry.__bindgen_anon_1.stepwise };
        Some(Intervals::Within(from(by.min), from(by.max)))
    }

    /// The next control after an id (VIDIOC_QUERYCTRL with V4L2_CTRL_FLAG_NEXT_CTRL).
    pub fn next_control(&self, id: u32) -> Answer<Described> {
        self.describe_control(id | sys::V4L2_CTRL_FLAG_NEXT_CTRL)
    }

    /// The description of the control with this id (VIDIOC_QUERYCTRL), without its value.
    pub fn describe_control(&self, id: u32) -> Answer<Described> {
        const NUMBERS: [u32; 4] = [
            sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER,
            sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_BOOLEAN,
            sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU,
            sys::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER_MENU,
        ];
        let mut query: sys::v4l2_queryctrl = zeroed();
        query.id = id;
        if let Err(error) = self.ioctl(vidioc::VIDIOC_QUERYCTRL, &mut query) {
            return match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::INVAL | Errno::NOTTY) => Answer::None,
                _ => Answer::Fails,
            };
        }
        let unreadable = sys::V4L2_CTRL_FLAG_DISABLED | sys::V4L2_CTRL_FLAG_WRITE_ONLY;
        let control = Control {
            value: query.default_value.into(),
            min: query.minimum.into(),
            max: query.maximum.into(),
            step: query.step.unsigned_abs().into(),
            default: query.default_value.into(),
        };
        Answer::Is(
            query.id,
            Described {
                name: text(&query.name),
                control,
                is_readable: NUMBERS.contains(&query.type_) && query.flags & unreadable == 0,
                is_volatile: query.flags & sys::V4L2_CTRL_FLAG_VOLATILE != 0,
            },
        )
    }

    /// The value of a control (VIDIOC_G_CTRL), if the device reports it.
    pub fn control(&self, id: u32) -> Option<i32> {
        let mut control: sys::v4l2_control = zeroed();
        control.id = id;
        self.ioctl(vidioc::VIDIOC_G_CTRL, &mut control).ok()?;
        Some(control.value)
    }

    /// Subscribes to changes of a control by others (VIDIOC_SUBSCRIBE_EVENT, V4L2_EVENT_CTRL).
    /// Returns whether events will come.
    pub fn subscribe_control(&self, id: u32) -> bool {
        let mut subscription: sys::v4l2_event_subscription = zeroed();
        (subscription.type_, subscription.id) = (sys::V4L2_EVENT_CTRL, id);
        self.ioctl(SUBSCRIBE_EVENT, &mut subscription).is_ok()
    }

    /// Whether events came since the last call (VIDIOC_DQEVENT); it takes all.
    pub fn had_control_event(&self) -> bool {
        let mut event: sys::v4l2_event = zeroed();
        let events = (0..EVENTS).take_while(|_| self.ioctl(DEQUEUE_EVENT, &mut event).is_ok());
        events.count() > 0
    }

    /// The present format (VIDIOC_G_FMT).
    pub fn format(&self) -> io::Result<Pix> {
        let mut format: sys::v4l2_format = zeroed();
        format.type_ = CAPTURE;
        self.ioctl(vidioc::VIDIOC_G_FMT, &mut format)?;
        // SAFETY: the driver filled the member of the type asked for.
        Ok(Pix::from(unsafe { &format.fmt.pix }))
    }

    /// Sets a format and size (VIDIOC_S_FMT), and returns what the driver chose.
    pub fn set_format(&self, fourcc: [u8; 4], size: (u32, u32)) -> io::Result<Pix> {
        let mut format: sys::v4l2_format = zeroed();
        format.type_ = CAPTURE;
        let mut pix: sys::v4l2_pix_format = zeroed();
        (pix.width, pix.height) = size;
        pix.pixelformat = u32::from_le_bytes(fourcc);
        pix.field = sys::v4l2_field_V4L2_FIELD_NONE;
        format.fmt.pix = pix;
        self.ioctl(vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: as in `format`.
        Ok(Pix::from(unsafe { &format.fmt.pix }))
    }

    /// Sets the rate, and returns the rate that the driver promises, if it knows rates.
    pub fn set_rate(&self, interval: Option<Interval>) -> Option<f32> {
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
            // A driver that keeps its rate is a camera too; stats show the true rate.
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

    /// Explains an error of this device; `what` names the failed action.
    pub fn fault(&self, what: &str, error: &io::Error) -> Fault {
        fault(&self.path, what, error)
    }
}

/// The range that the driver reports, else that of `V4L2_MAP_QUANTIZATION_DEFAULT`.
fn range(pix: &sys::v4l2_pix_format) -> Range {
    let is_rgb = Coding::from_fourcc(pix.pixelformat.to_le_bytes()).is_some_and(Coding::is_rgb);
    match pix.quantization {
        sys::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE => Range::Full,
        sys::v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE => Range::Limited,
        _ if is_rgb || pix.colorspace == sys::v4l2_colorspace_V4L2_COLORSPACE_JPEG => Range::Full,
        _ => Range::Limited,
    }
}

impl From<&sys::v4l2_buffer> for Filled {
    fn from(buffer: &sys::v4l2_buffer) -> Filled {
        let clock = buffer.flags & sys::V4L2_BUF_FLAG_TIMESTAMP_MASK;
        let seconds = u64::try_from(buffer.timestamp.tv_sec).map(Duration::from_secs);
        let micros = u64::try_from(buffer.timestamp.tv_usec).map(Duration::from_micros);
        let (seconds, micros) = (seconds.ok(), micros.ok());
        Filled {
            index: buffer.index,
            bytes_used: buffer.bytesused as usize,
            sequence: buffer.sequence,
            timestamp: seconds
                .zip(micros)
                .and_then(|(seconds, micros)| seconds.checked_add(micros)),
            is_monotonic: clock == sys::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
            is_error: buffer.flags & sys::V4L2_BUF_FLAG_ERROR != 0,
        }
    }
}

/// The driver's buffers, mapped into this process, and the stream that fills them.
pub(crate) struct Ring {
    // Dropped in this order: unmapped, then closed.
    maps: Vec<Map>,
    device: Device,
}

impl Ring {
    /// Makes the buffers of a device with a set format, and starts the stream.
    ///
    /// # Errors
    /// [`Fault`] says what is wrong and who can fix it.
    pub fn new(device: Device) -> Result<Self, Fault> {
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

    /// The device, for questions during the stream.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The content of a buffer; `None` if there is none with this index. Read it only between
    /// `dequeue` and `queue`.
    pub fn bytes(&self, index: u32) -> Option<&[u8]> {
        self.maps.get(index as usize).map(Map::bytes)
    }

    /// Gives a buffer to the driver.
    pub fn queue(&self, index: u32) -> Result<(), Fault> {
        let queued = self.device.ioctl(vidioc::VIDIOC_QBUF, &mut buffer(index));
        queued.map_err(|error| self.device.fault("does not take a buffer", &error))
    }

    /// Whether a filled buffer is ready.
    pub fn is_ready(&self) -> Result<bool, Fault> {
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

    /// A filled buffer, or `None` if there was none within `wait`.
    pub fn dequeue(&self, wait: Duration) -> Result<Option<Filled>, Fault> {
        let Some(events) = self.poll(wait)? else { return Ok(None) };
        let broken = !events.contains(PollFlags::IN);
        let mut buffer = buffer(0);
        match self.device.ioctl(vidioc::VIDIOC_DQBUF, &mut buffer) {
            Ok(()) => Ok(Some(Filled::from(&buffer))),
            // Nothing will ever be readable again: without this the loop would spin.
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
        // A removed device cannot stop; closing it frees the buffers anyway.
        let mut kind = CAPTURE;
        self.device.ioctl(vidioc::VIDIOC_STREAMOFF, &mut kind).ok();
    }
}

fn buffer(index: u32) -> sys::v4l2_buffer {
    let mut buffer: sys::v4l2_buffer = zeroed();
    (buffer.index, buffer.type_, buffer.memory) = (index, CAPTURE, MMAP);
    buffer
}

/// One mapped buffer of the driver.
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

    /// The driver's data. Read it only between DQBUF and QBUF; see `Stream::held`.
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

/// A structure of the kernel for which all bits zero is a valid value.
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
unsafe impl Plain for sys::v4l2_event {}
unsafe impl Plain for sys::v4l2_event_subscription {}
unsafe impl Plain for u32 {}

fn zeroed<T: Plain>() -> T {
    // SAFETY: `Plain` promises it.
    unsafe { std::mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
