//! Frames that are no JPEG: how their pixels lie in memory, and the planes that they are taken apart
//! into and made smaller.
//!
//! It knows pixels only, never who wants them. Nothing here goes by way of RGB but what a camera
//! gives as RGB, and each buffer is checked against its layout before a pixel is read.

pub(crate) mod pixels;
pub(crate) mod planes;
#[cfg(test)]
pub(crate) mod scene;
