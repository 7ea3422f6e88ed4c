//! The broker's counters, for monitoring.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

/// Totals since the start, and current numbers. A running broker updates them; [`Counters::read`]
/// reads them.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) connections: Number,
    pub(crate) clients: Number,
    pub(crate) sessions: Number,
    pub(crate) subscriptions: Number,
    pub(crate) retained: Number,
    pub(crate) queued_bytes: Number,
    pub(crate) held_bytes: Number,
    pub(crate) packets_in: Number,
    pub(crate) packets_out: Number,
    pub(crate) messages_in: Number,
    pub(crate) messages_out: Number,
    pub(crate) bytes_in: Number,
    pub(crate) bytes_out: Number,
    pub(crate) replaced: Number,
    pub(crate) dropped: Number,
    pub(crate) overrun: Number,
    pub(crate) expired: Number,
    pub(crate) discarded: Number,
}

/// The values of [`Counters`] at one moment. Each value is right by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sockets that are open now, including those without CONNECT.
    pub connections: u64,
    /// Clients that are connected now.
    pub clients: u64,
    /// Sessions of clients that are not connected now.
    pub sessions: u64,
    /// Topic filters subscribed to now.
    pub subscriptions: u64,
    /// Messages retained now.
    pub retained: u64,
    /// Bytes that wait for clients now or may be sent again; a payload counts once for each client.
    pub queued_bytes: u64,
    /// Bytes of memory of messages that wait, are retained or are being written now; a payload
    /// counts once.
    pub held_bytes: u64,
    /// Packets received from clients.
    pub packets_in: u64,
    /// Packets handed to clients' sockets.
    pub packets_out: u64,
    /// Messages received from clients.
    pub messages_in: u64,
    /// Messages handed to clients' sockets.
    pub messages_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// QoS 0 messages that newer ones replaced, for clients that did not keep up.
    pub replaced: u64,
    /// Messages dropped for another reason: not allowed, larger than the client accepts, expired,
    /// or no room among the retained.
    pub dropped: u64,
    /// Clients disconnected because their queue was full.
    pub overrun: u64,
    /// Sessions that ended because their clients stayed away too long.
    pub expired: u64,
    /// Sessions that ended because there was no room for the messages of their absent clients.
    pub discarded: u64,
}

impl Counters {
    /// All counts as they are now.
    pub fn read(&self) -> Counts {
        Counts {
            connections: self.connections.get(),
            clients: self.clients.get(),
            sessions: self.sessions.get(),
            subscriptions: self.subscriptions.get(),
            retained: self.retained.get(),
            queued_bytes: self.queued_bytes.get(),
            held_bytes: self.held_bytes.get(),
            packets_in: self.packets_in.get(),
            packets_out: self.packets_out.get(),
            messages_in: self.messages_in.get(),
            messages_out: self.messages_out.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            replaced: self.replaced.get(),
            dropped: self.dropped.get(),
            overrun: self.overrun.get(),
            expired: self.expired.get(),
            discarded: self.discarded.get(),
        }
    }
}

/// A number that many tasks change.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Relaxed);
    }

    pub fn sub(&self, n: usize) {
        self.0.fetch_sub(n as u64, Relaxed);
    }

    pub fn set(&self, n: usize) {
        self.0.store(n as u64, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
