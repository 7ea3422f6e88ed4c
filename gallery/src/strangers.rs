//! How much strangers may take of each thing: all bounds of this kind, in one list.

use std::time::Duration;

use crate::shares::Shares;

/// A message of a WebSocket that was begun is finished within this time.
pub(crate) const MESSAGE_WITHIN: Duration = Duration::from_secs(30);

/// What strangers take of the gallery. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Strangers {
    /// Connections of HTTP; those that became WebSockets do not count.
    pub connections: Shares,
    /// Handshakes of TLS that are under way.
    pub handshakes: Shares,
    /// WebSockets of pages.
    pub pages: Shares,
    /// Those of them on which pages show their cameras, with messages as large as a picture.
    pub cameras: Shares,
    /// Pictures and streams of MJPEG for programs that speak HTTP only.
    pub stills: Shares,
    /// Uploads that are being received.
    pub uploads: Shares,
    /// Photos that cameras were asked for and that are waited for.
    pub snaps: Shares,
    /// Clients of the relay.
    pub relay: Shares,
    /// Pictures that clients of the relay said, and that wait to be stored.
    pub offers: Shares,
    /// Bytes of messages: unfinished ones of all WebSockets, and those of the relay until the last
    /// has taken them.
    pub messages: Shares,
}

/// A part of the memory that this program may use, in bytes, between `least` and `most` MiB.
pub(crate) fn part_of_memory(part: u64, least: usize, most: usize) -> usize {
    let bytes = usize::try_from(memory::limit() / part).unwrap_or(usize::MAX);
    bytes.clamp(least << 20, most << 20)
}

/// So many pictures of the relay wait to be stored at most.
pub(crate) const OFFERS: usize = 16;

impl Strangers {
    pub fn new() -> Self {
        Strangers {
            connections: Shares::new("connections", 1024),
            handshakes: Shares::new("handshakes of TLS", 128),
            pages: Shares::new("pages that look at this wall", 1000),
            cameras: Shares::new("sockets for cameras of browsers", 64),
            stills: Shares::new("streams and snapshots", 200),
            uploads: Shares::new("uploads", 64),
            snaps: Shares::new("photos that are waited for", 64),
            relay: Shares::new("clients of the relay", 1000),
            offers: Shares::new("pictures of the relay that wait to be stored", OFFERS),
            messages: Shares::new("bytes for messages", part_of_memory(4, 32, 128)),
        }
    }
}
