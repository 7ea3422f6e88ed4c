//! Bytes to bytes: the kinds of frames, the sizes made from them, and JPEG.
//!
//! `raw` and `jpeg` are the two kinds of frames. `sizes` makes the wanted pictures from a frame;
//! `outputs` decides which sizes are due and passes each picture on, stamped. `wants` knows the
//! wanted rates; `luma` lends one further consumer small grey planes; `pool` reuses memory. It
//! knows neither device, disk nor network. A frame is taken apart once, encoded once for each size,
//! and not encoded when nobody wants it.

pub(crate) mod jpeg;
pub(crate) mod luma;
pub(crate) mod outputs;
pub(crate) mod pool;
pub(crate) mod raw;
pub(crate) mod sizes;
pub(crate) mod wants;
