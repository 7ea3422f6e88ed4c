//! The way in for clients: sockets, TLS, WebSocket, and one task for each connection.

pub(crate) mod connection;
pub(crate) mod handshake;
pub(crate) mod listener;
pub(crate) mod websocket;
