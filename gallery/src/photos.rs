//! Photos: taken, uploaded, checked, stored and listed. An acknowledged photo is on the disk.
//!
//! `ingest` receives them from nodes and `upload` from people; both hand them to the `store`.
//! `election` decides which of several galleries stores. This folder may know pictures, files and
//! HTTP problems; it knows no routes, no sockets and no MQTT. It never acknowledges a photo that is
//! not on the disk, and never decodes a stranger's bytes before they are checked.

pub(crate) mod archive;
pub(crate) mod election;
pub(crate) mod filename;
pub(crate) mod ingest;
pub(crate) mod picture;
mod problems;
pub(crate) mod snaps;
pub(crate) mod store;
pub(crate) mod upload;
pub(crate) mod words;
