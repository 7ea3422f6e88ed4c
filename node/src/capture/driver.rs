//! The answers of a V4L2 driver, and their interpretation.
//!
//! `v4l2` asks the kernel and is the only file that knows its structures; `descriptions` are its
//! answers. `offers` lists formats, sizes and rates, `bounds` makes them usable, `choose` picks
//! one. `controls` lists the controls. `stream` reads frames, and `times` finds their capture
//! times. `errno` and `holder` explain why a device cannot be used. No number of a driver is used
//! unchecked, no list of a driver is followed without end, and nothing here knows who wants frames.

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
