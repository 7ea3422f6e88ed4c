//! Bytes to bytes: what a frame is, the sizes made of it, and JPEG. Neither device, disk nor network.

pub(crate) mod encode;
pub(crate) mod exif;
pub(crate) mod mjpeg;
pub(crate) mod outputs;
pub(crate) mod pixels;
pub(crate) mod planes;
pub(crate) mod pool;
#[cfg(feature = "turbojpeg")]
pub(crate) mod reduce;
#[cfg(test)]
pub(crate) mod scene;
pub(crate) mod sizes;
pub(crate) mod wants;
