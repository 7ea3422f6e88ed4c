//! What `vitrina` does besides running its parts: a module for each command, each with a `run`.
//!
//! `mqtt` is their connection to a broker and `lines` what somebody types; no command knows another.

pub mod ask;
pub mod cameras;
pub mod chat;
pub mod forget;
mod lines;
pub mod log;
pub mod manual;
mod mqtt;
pub mod reindex;
pub mod snap;
pub mod talk_turns;
pub mod user;
pub mod watch;
