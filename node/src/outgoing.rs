//! What waits for the connection to the broker: the newest frame of each topic, the retained facts,
//! the answers. All of it is bounded; none of it knows MQTT.

pub(crate) mod answers;
pub(crate) mod facts;
pub(crate) mod slot;
pub(crate) mod stats;
