//! The server's side of WebSocket (RFC 6455): bytes in, frames or messages out, and back.
//!
//! [`handshake`] judges the request that asks for one. [`Frames`] takes apart what a client sends
//! and hands payload on as it comes; [`Messages`] gathers it. [`head`] is what goes before the
//! payload of a frame from the server, which lies wherever it lies.
//!
//! It reads no socket and no clock, so time limits and memory are its user's. There are no
//! extensions, and so no compression: pictures are compressed already.

pub mod close;
mod frame;
mod frames;
pub mod handshake;
mod messages;

pub use close::Broken;
pub use frame::{CONTROL, Kind, Opcode, head, put_head};
pub use frames::{Frames, Part};
pub use messages::{Heard, Messages};
