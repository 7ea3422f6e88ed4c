//! Frames that are not JPEG: the layout of their pixels in memory, and the planes that are
//! separated from them and reduced.
//!
//! It knows pixels, but never who wants them. Nothing here goes through RGB except a camera's own
//! RGB, and each buffer is checked against its layout before a pixel is read.

pub(crate) mod pixels;
pub(crate) mod planes;
#[cfg(test)]
pub(crate) mod scene;
