//! What waits for the connection to the broker: the newest frame of each topic, the retained facts,
//! the answers, and what became of each frame.
//!
//! All of it is bounded: a slot holds one picture, a fact its newest payload, and of answers the
//! oldest go. Whoever puts something in never waits. It knows topics and bytes, and no MQTT client.

pub(crate) mod answers;
pub(crate) mod facts;
pub(crate) mod slot;
pub(crate) mod stats;
