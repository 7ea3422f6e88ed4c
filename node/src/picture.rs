//! Bytes to bytes: what a frame is, the sizes made of it, and JPEG.
//!
//! `raw` and `jpeg` are the two kinds of frames; `sizes` makes what is wanted of one; `outputs`
//! decides which sizes are due and hands each picture on, stamped; `wants` knows which rates are
//! asked for; `luma` lends one further consumer small grey planes; `pool` is memory that is used
//! again. It knows neither device, disk nor network. A frame is taken apart once and encoded once
//! for each size, and not at all when nobody wants it.

pub(crate) mod jpeg;
pub(crate) mod luma;
pub(crate) mod outputs;
pub(crate) mod pool;
pub(crate) mod raw;
pub(crate) mod sizes;
pub(crate) mod wants;
