//! Snapshots on the disk that no gallery has stored yet. Nothing else writes here, and nothing is
//! removed before it was stored.

pub(crate) mod disk;
pub(crate) mod offers;
pub(crate) mod schedule;
pub(crate) mod snaps;
pub(crate) mod spooler;
pub(crate) mod stored;
