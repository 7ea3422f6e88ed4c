//! A node on a real broker, through real sockets.

#![allow(clippy::unwrap_used, reason = "a test's helpers fail it")]

mod ask;
mod photos;
mod presence;
mod rig;
