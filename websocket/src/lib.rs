//! The server's side of WebSocket (RFC 6455): bytes in, frames or messages out, and back.
//!
//! [`handshake`] checks the request that asks for one. [`Frames`] parses what a client sends and
//! hands on its payload as it comes; [`Messages`] gathers it. [`head`] makes what goes before the
//! payload of a frame from the server; the payload itself stays where it is.
//!
//! It reads no socket and no clock: its user sets limits for time and memory. There are no
//! extensions, so no compression: pictures are compressed already.

pub mod close;
mod frame;
mod frames;
pub mod handshake;
mod messages;

pub use close::Broken;
pub use frame::{CONTROL, Kind, Opcode, head, put_head};
pub use frames::{Frames, Part};
pub use messages::{Heard, Messages};
