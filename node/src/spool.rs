//! Snapshots on the disk that no gallery has stored yet.
//!
//! `snaps` are the requests that wait for a frame. `spooler` is the thread that writes it to the
//! `disk`, and knows the state of each photo. `offers` picks the next offer, `stored` remembers
//! what galleries have, `schedule` takes photos by the clock. Nothing else writes here. Photos are
//! published only from the disk, and removed only once stored. It knows no MQTT.

pub(crate) mod disk;
pub(crate) mod offers;
pub(crate) mod schedule;
pub(crate) mod snaps;
pub(crate) mod spooler;
pub(crate) mod stored;
