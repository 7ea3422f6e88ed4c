//! WebSocket (RFC 6455), as far as it is not left to a library: with a payload shared by all who
//! are sent it, and a client that takes nothing told from one that is slow.
//!
//! `handshake` makes a connection one, `frames` are its bytes, [`Hearing`] bounds what a client may
//! leave unfinished, and a [`Socket`] is one for whoever says and hears one thing after another.

pub(crate) mod frames;
pub(crate) mod handshake;
mod hearing;
mod socket;
mod stream;

pub(crate) use hearing::Hearing;
pub(crate) use socket::Socket;
pub(crate) use stream::{Stream, upgraded};
