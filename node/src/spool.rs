//! Snapshots on the disk that no gallery has stored yet.
//!
//! `snaps` are the requests that wait for a frame; `spooler` is the thread that writes it to the
//! `disk`, and what is known of each; `offers` decides which is offered next, `stored` remembers what
//! a gallery has, `schedule` when the clock asks for one. Nothing else writes here, a photo is
//! published only from the disk, and nothing is removed before it was stored. It knows no MQTT.

pub(crate) mod disk;
pub(crate) mod offers;
pub(crate) mod schedule;
pub(crate) mod snaps;
pub(crate) mod spooler;
pub(crate) mod stored;
