//! The gallery through its sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod client;
mod house;
mod http;
mod pages;
mod photos;
mod samples;
mod snaps;
mod uploads;
