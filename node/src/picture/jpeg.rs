//! JPEG from cameras, and JPEG made here.
//!
//! `mjpeg` finds the one whole picture in a camera's JPEG frame, `reduce` decodes it at a fraction
//! of its size, `encode` makes JPEG from planes, `exif` writes a photo's facts. It knows bytes and
//! planes, but no file, time or consumer. A camera's bytes cause an error at worst, never a panic,
//! and no more memory than the checked size needs.

pub(crate) mod encode;
pub(crate) mod exif;
pub(crate) mod mjpeg;
#[cfg(feature = "turbojpeg")]
pub(crate) mod reduce;
