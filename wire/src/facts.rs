//! Payloads of the text topics: what nodes, cameras and people say of themselves, and what others
//! ask of them.
//!
//! Each type is the JSON of one topic, with `parse` from bytes and `to_json` back. Parsing checks
//! every number and length, so every value is usable. It knows names and limits, but not MQTT, HTTP
//! or the page. Bytes from outside never cause a panic here.

pub(crate) mod ask;
pub(crate) mod camera;
pub(crate) mod node;
pub(crate) mod payload;
pub mod people;
pub(crate) mod photo;
#[cfg(test)]
mod tests;
pub mod title;
pub(crate) mod want;
