//! Photos: taken, uploaded, checked, stored, listed and served. What was acknowledged is on the disk.

pub(crate) mod election;
pub(crate) mod filename;
pub(crate) mod idempotency;
pub(crate) mod ingest;
pub(crate) mod multipart;
pub(crate) mod picture;
mod problems;
pub(crate) mod snaps;
pub(crate) mod store;
pub(crate) mod upload;
