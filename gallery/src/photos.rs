//! Photos: taken, uploaded, checked, stored and listed. What was acknowledged is on the disk.
//!
//! They come in by `ingest` from a node and by `upload` from people, and end in the `store`;
//! `election` says which of several galleries stores. This folder may know pictures, files and the
//! answer that a problem becomes; it knows no routes, no sockets and no MQTT. What must never be: a
//! photo that is acknowledged and not on the disk, and bytes of a stranger that are decoded before
//! they were checked.

pub(crate) mod election;
pub(crate) mod filename;
pub(crate) mod ingest;
pub(crate) mod picture;
mod problems;
pub(crate) mod snaps;
pub(crate) mod store;
pub(crate) mod upload;
