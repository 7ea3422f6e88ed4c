//! The gallery through its sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod client;
mod house;
mod http;
mod https;
mod ingest;
mod logins;
mod once;
mod others;
mod pages;
mod people;
mod photos;
mod places;
mod relay;
mod samples;
mod snaps;
mod strangers;
mod uploads;
