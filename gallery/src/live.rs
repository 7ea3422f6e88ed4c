//! The cameras and their newest frames, and how these reach a page.
//!
//! `hub` is the state that all share: the `cameras`, the `clocks` of their nodes, the newest
//! `frames`, and which of them do not arrive (`arrivals`). `page` is the conversation with one page
//! over its `socket`; `snap` asks a camera for a photo. It knows topics and payloads, but no MQTT
//! client and no routes. No frame is decoded or altered, none waits for a page that is slow, and the
//! next one replaces one that nobody took.

pub(crate) mod arrivals;
pub(crate) mod cameras;
pub(crate) mod clocks;
pub(crate) mod forget;
pub(crate) mod frames;
pub(crate) mod hub;
pub(crate) mod page;
mod snap;
pub(crate) mod socket;
pub(crate) mod title;
