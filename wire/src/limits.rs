//! The numbers that every part keeps to.

use std::time::Duration;

/// The largest picture, in bytes of JPEG.
pub const PICTURE: usize = 10 * 1024 * 1024;

/// The largest MQTT packet in bytes: a picture with its topic and properties.
pub const PACKET: usize = PICTURE + 64 * 1024;

/// The largest JSON payload that is read, in bytes.
pub const JSON: usize = 64 * 1024;

/// The longest name of a node or camera, in bytes.
pub const NAME: usize = 32;

/// A preview is at most this wide, in pixels.
pub const PREVIEW_WIDTH: u32 = 640;

/// How often a camera that works shows a preview.
pub const PREVIEW_EVERY: Duration = Duration::from_secs(1);

/// How often a node publishes its stats, which are also its heartbeat.
pub const STATS_EVERY: Duration = Duration::from_secs(10);

/// How long a want holds when it does not say.
pub const WANT_FOR: Duration = Duration::from_secs(10);

/// The longest that a want may hold.
pub const WANT_FOR_MOST: Duration = Duration::from_secs(600);

/// How often a gallery repeats its wants.
pub const WANT_EVERY: Duration = Duration::from_secs(3);

/// How many askers a camera remembers at once.
pub const WANT_BY: usize = 64;

/// The highest rate that can be asked for or told, in frames a second.
pub const FPS: f32 = 1000.0;

/// A camera that works but shows no frame for this long is lost.
pub const STALLED_AFTER: Duration = Duration::from_secs(3);

/// A picture older than this is marked with its age.
pub const STALE_AFTER: Duration = Duration::from_secs(2);

/// How long a snapshot may take from the request until it is stored, before the asker is told that
/// it is still on its way.
pub const SNAP_WITHIN: Duration = Duration::from_secs(10);

/// How often a node offers the snapshots that nobody has stored yet.
pub const OFFER_EVERY: Duration = Duration::from_secs(30);

/// How many snapshots a node offers before the first of them is stored.
pub const OFFERS: usize = 2;

/// Photos are listed in pages of at most this many.
pub const PHOTOS: usize = 500;

/// The longest caption, in characters.
pub const CAPTION: usize = 500;

/// The longest name of a person, in characters.
pub const PERSON: usize = 40;

/// The longest message of a talk, in characters.
pub const SAY: usize = 2000;

/// So many lines of the log are told to a page that asks to follow it.
pub const LOG: usize = 200;

/// So many lines of the talk are there for who comes later.
pub const TALK: usize = 200;
