//! What waits for the connection to the broker: the newest frame of each topic, the retained facts,
//! the answers, and the outcome of each frame.
//!
//! Everything is bounded: a slot holds one picture, a fact its newest payload, and too many answers
//! push out the oldest. No producer ever waits. It knows topics and bytes, but no MQTT client.

pub(crate) mod answers;
pub(crate) mod facts;
pub(crate) mod slot;
pub(crate) mod stats;
