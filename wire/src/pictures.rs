//! What is inside pictures: the marker segments of a JPEG, and the stamp that Vitrina puts there.
//!
//! It reads headers only, up to the first scan, and decodes no pixel. It knows names, and nothing of
//! topics' payloads.

pub mod jpeg;
pub(crate) mod stamp;
