//! JPEG as cameras make it and as it is made here.
//!
//! `mjpeg` finds the one whole picture in what a camera calls JPEG, `reduce` decodes it at a fraction
//! of its size, `encode` makes JPEG of planes, `exif` writes what a photo says of itself. It knows
//! bytes and planes only: no file, no time, nobody who wants pictures. Bytes of a camera are an
//! error at worst, never a panic, and no more memory is taken than the size that was checked asks for.

pub(crate) mod encode;
pub(crate) mod exif;
pub(crate) mod mjpeg;
#[cfg(feature = "turbojpeg")]
pub(crate) mod reduce;
