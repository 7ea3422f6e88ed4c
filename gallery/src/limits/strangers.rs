//! How much strangers may take of each thing: one list of all such bounds.

use std::time::Duration;

use crate::limits::shares::Shares;

/// How long a WebSocket message may take from its beginning to its end.
pub(crate) const MESSAGE_WITHIN: Duration = Duration::from_secs(30);

/// The shares that strangers have of the gallery. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Strangers {
    /// HTTP connections, except those that became WebSockets.
    pub connections: Shares,
    /// TLS handshakes under way.
    pub handshakes: Shares,
    /// WebSockets of pages.
    pub pages: Shares,
    /// Pages' WebSockets that show a camera, with messages as large as a picture.
    pub cameras: Shares,
    /// Pictures and MJPEG streams for programs that speak only HTTP.
    pub stills: Shares,
    /// Uploads that are being received.
    pub uploads: Shares,
    /// ZIPs of photos that are being sent.
    pub zips: Shares,
    /// Bytes for the lists of what is in these ZIPs.
    pub lists: Shares,
    /// Photos that cameras were asked for and that somebody waits for.
    pub snaps: Shares,
    /// Titles that nodes were asked to keep and that somebody waits for.
    pub titles: Shares,
    /// Cameras and nodes that are being forgotten.
    pub forgets: Shares,
    /// Clients of the relay.
    pub relay: Shares,
    /// Pictures that clients of the relay sent and that wait to be stored.
    pub offers: Shares,
    /// Bytes of messages: unfinished ones of all WebSockets, and those of the relay until the last
    /// client has taken them.
    pub messages: Shares,
}

/// A part of the memory that this program may use, within bounds in MiB. The broker has a third of
/// all, work on pictures another (`picture::Config`), and these together a quarter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    part: u64,
    least: usize,
    most: usize,
}

/// For the newest frames, and those on their way.
pub(crate) const FRAMES: Part = Part { part: 8, least: 64, most: 512 };
/// For messages that are unfinished or waiting.
pub(crate) const MESSAGES: Part = Part { part: 12, least: 32, most: 128 };
/// For pictures of browsers' cameras that wait for the broker.
pub(crate) const SHOWN: Part = Part { part: 32, least: 24, most: 64 };
/// For the lists of what is in ZIPs.
pub(crate) const LISTS: Part = Part { part: 96, least: 8, most: 32 };

impl Part {
    /// In bytes, of the memory that the program may use now.
    pub fn bytes(self) -> usize {
        self.of(memory::limit())
    }

    /// In bytes, if the program may use `memory` bytes.
    pub fn of(self, memory: u64) -> usize {
        let bytes = usize::try_from(memory / self.part).unwrap_or(usize::MAX);
        bytes.clamp(self.least << 20, self.most << 20)
    }
}

/// The most pictures of the relay that wait to be stored.
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
            zips: Shares::new("ZIPs of photos", 32),
            lists: Shares::new("bytes for lists of ZIPs", LISTS.bytes()),
            snaps: Shares::new("photos that are waited for", 64),
            titles: Shares::new("titles that are waited for", 64),
            forgets: Shares::new("cameras that are being forgotten", 16),
            relay: Shares::new("clients of the relay", 1000),
            offers: Shares::new("pictures of the relay that wait to be stored", OFFERS),
            messages: Shares::new("bytes for messages", MESSAGES.bytes()),
        }
    }
}
