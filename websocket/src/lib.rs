//! The server's side of WebSocket (RFC 6455): bytes in, frames or messages out, and back.
//!
//! [`handshake`] checks the request for a WebSocket. [`Frames`] parses what a client sends and
//! gives its payload as it comes; [`Messages`] gathers whole messages. [`head`] makes the head of a
//! frame from the server; the payload stays where it is.
//!
//! The crate reads no socket and no clock: its user limits time and memory. It has no extensions
//! and so no compression, because pictures are compressed already.

pub mod close;
mod frame;
mod frames;
pub mod handshake;
mod messages;

pub use close::Broken;
pub use frame::{CONTROL, Kind, Opcode, head, put_head};
pub use frames::{Frames, Part, TooLong};
pub use messages::{Incoming, Messages};
