//! Payloads of the text topics: what nodes, cameras and people say of themselves, and what is asked
//! of them.
//!
//! A type here is the JSON of one topic, with `parse` from bytes and `to_json` back. Parsing checks
//! every number and length, so whoever has a value can use it. It knows names and limits, and
//! nothing of MQTT, HTTP or the page. Bytes from outside never panic here.

pub(crate) mod ask;
pub(crate) mod camera;
pub(crate) mod node;
pub(crate) mod payload;
pub mod people;
pub(crate) mod photo;
#[cfg(test)]
mod tests;
pub(crate) mod want;
