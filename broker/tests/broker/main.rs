//! The broker through real sockets. All tests are one program, so that it is linked once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod access;
mod aliases;
mod clients;
mod fuzz;
mod health;
mod logged;
mod once;
mod ordered;
mod owners;
mod raw;
mod retained;
mod running;
mod sessions;
mod shared;
mod shares;
mod slow;
mod sockets;
mod subscriptions;
mod sys;
mod takedowns;
mod transports;
mod versions;
mod wills;
