//! The cameras and their newest frames, and how these reach a page. The next frame replaces one
//! that nobody took.

pub(crate) mod arrivals;
pub(crate) mod cameras;
pub(crate) mod clocks;
pub(crate) mod frames;
pub(crate) mod hub;
pub(crate) mod page;
mod snap;
pub(crate) mod socket;
