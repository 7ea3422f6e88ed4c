//! The way in for clients: sockets, TLS, WebSocket, and one task for each connection.
//!
//! `listener` accepts within the `slots` of the core, `handshake` and `websocket` carry MQTT over
//! WebSocket, `connection` is the task of one client. Only these files know sockets. What a packet
//! changes is decided in `core`, what its bytes mean in `protocol`. A client has a time for its
//! CONNECT and for each unfinished packet, and never waits for another client.

pub(crate) mod connection;
pub(crate) mod handshake;
pub(crate) mod listener;
pub(crate) mod websocket;
