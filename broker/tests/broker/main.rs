//! The broker through real sockets. One program, so that it is linked once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod clients;
mod door;
mod fuzz;
mod ordered;
mod raw;
mod retained;
mod running;
mod slow;
mod sockets;
mod subscriptions;
mod takedowns;
mod transports;
mod versions;
mod wills;
