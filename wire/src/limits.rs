//! The numbers that every part obeys, and the limits of a broker that a part must discover.
//!
//! Only numbers that two parts must agree on are here; a number of one part is a constant beside
//! its use. It uses nothing else of this crate.

mod packets;

pub use packets::PacketLimits;

use std::time::Duration;

/// The largest picture, in bytes of JPEG.
pub const PICTURE: usize = 10 * 1024 * 1024;

/// The largest MQTT packet in bytes: a picture with its topic and properties.
pub const PACKET: usize = PICTURE + 64 * 1024;

/// The largest accepted JSON payload, in bytes.
pub const JSON: usize = 64 * 1024;

/// The longest name of a node or camera, in bytes.
pub const NAME: usize = 32;

/// A preview is at most this wide, in pixels.
pub const PREVIEW_WIDTH: u32 = 640;

/// How often a camera that works shows a preview.
pub const PREVIEW_EVERY: Duration = Duration::from_secs(1);

/// How often a node publishes its stats, which are also its heartbeat.
pub const STATS_EVERY: Duration = Duration::from_secs(10);

/// How long a want holds unless it says.
pub const WANT_FOR: Duration = Duration::from_secs(10);

/// The longest that a want may hold.
pub const WANT_FOR_MOST: Duration = Duration::from_secs(600);

/// How often a gallery repeats its wants.
pub const WANT_EVERY: Duration = Duration::from_secs(3);

/// How many askers a camera remembers at once.
pub const WANT_BY: usize = 64;

/// The highest rate that a want can ask for or a camera report, in frames a second.
pub const FPS: f32 = 1000.0;

/// A camera that shows no frame for this long counts as lost, unless it is a slow one.
pub const STALLED_AFTER: Duration = Duration::from_secs(3);

/// The longest time between two frames that a camera may report, in seconds.
pub const INTERVAL: f32 = 3600.0;

/// The page marks an older picture with its age.
pub const STALE_AFTER: Duration = Duration::from_secs(2);

/// From this age on, a picture does not count as live. `interval` is the time between two frames
/// that the camera reports, in seconds. While the last picture is still the newest, one may be
/// under exposure and another on its way.
pub fn stale_after(interval: Option<f32>) -> Duration {
    STALE_AFTER + 2 * between(interval)
}

/// How long a snapshot from a fast camera may take from the request until it is stored. After that,
/// the asker learns that it is still on its way.
pub const SNAP_WITHIN: Duration = Duration::from_secs(10);

/// Nobody waits longer for a snapshot, however slow its camera is.
pub const SNAP_WITHIN_MOST: Duration = Duration::from_secs(120);

/// How long a snapshot may take if the camera reports this time between two frames, in seconds: a
/// frame under exposure at the request is not the photo.
pub fn snap_within(interval: Option<f32>) -> Duration {
    (SNAP_WITHIN + 2 * between(interval)).min(SNAP_WITHIN_MOST)
}

/// The reported interval, if it is possible.
fn between(interval: Option<f32>) -> Duration {
    let told = interval.unwrap_or(0.0).clamp(0.0, INTERVAL);
    Duration::try_from_secs_f32(told).unwrap_or_default()
}

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

/// The longest title of a node or camera, in characters as people count them (Unicode's extended
/// grapheme clusters, UAX #29).
pub const TITLE: usize = 64;

/// The longest title in bytes of UTF-8: a character can have any number of marks.
pub const TITLE_BYTES: usize = 512;

/// The largest state of a camera, in bytes of JSON: some clients take no larger message.
pub const STATE: usize = 4096;

/// The longest message in the talk, in characters.
pub const SAY: usize = 2000;

/// How many lines of the log a page gets when it begins to follow it.
pub const LOG: usize = 200;

/// How many lines of the talk a newcomer gets.
pub const TALK: usize = 200;

/// How many lines of one person at once, and in the long run each second, readers of the talk
/// accept; they drop the rest. A delay can bunch lines, so senders keep to [`SAID`], which is
/// lower, and lose none.
pub const RECEIVED: (f32, f32) = (100.0, 20.0);

/// How many lines a person says at once, and in the long run each second. Up to 4 s of them may
/// arrive together.
pub const SAID: (f32, f32) = (20.0, 20.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_the_interval_that_a_camera_tells_and_stay_bounded() {
        let seconds = |limit: fn(Option<f32>) -> Duration, interval| limit(interval).as_secs();
        for (interval, stale, snap) in [
            (None, 2, 10),
            (Some(5.0), 12, 20),
            (Some(30.0), 62, 70),
            (Some(1e9), 7202, 120),
            (Some(-1.0), 2, 10),
            (Some(f32::NAN), 2, 10),
        ] {
            assert_eq!(seconds(stale_after, interval), stale, "{interval:?}");
            assert_eq!(seconds(snap_within, interval), snap, "{interval:?}");
        }
    }
}
