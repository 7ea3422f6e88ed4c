//! What is inside pictures: the marker segments of a JPEG, and the stamp that Vitrina puts there.
//!
//! It reads headers only, up to the first scan, and decodes no pixel. It knows names, but not the
//! payloads of topics.

pub mod jpeg;
pub(crate) mod stamp;
