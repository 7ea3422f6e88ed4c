//! What a V4L2 driver says, and what is made of it.
//!
//! `v4l2` asks the kernel and is the only file that knows its structures; `descriptions` are its
//! answers; `offers` asks for formats,
//! sizes and rates, `bounds` makes them fit to be used, `choose` picks one; `controls` lists what can
//! be set; `stream` reads frames, and `times` says when each was captured; `errno` and `holder` say
//! why a device cannot be used. No number of a driver is used before it was checked, no list of a
//! driver is followed without end, and nothing here knows who wants frames.

pub(crate) mod bounds;
pub(crate) mod choose;
pub(crate) mod controls;
pub(crate) mod descriptions;
pub(crate) mod errno;
pub(crate) mod holder;
pub(crate) mod offers;
pub(crate) mod stream;
pub(crate) mod times;
pub(crate) mod v4l2;
