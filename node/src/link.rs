//! The connections to the broker: what the node receives and publishes.
//!
//! `mqtt` is the two connections and the only place that knows an MQTT client. `claim` decides
//! whether the node can take its name, `retry` how long to wait, `receive` what a message means.
//! `ask` answers questions, with the last lines of the `log`; `stats` reads all counters, and
//! `kept_back` reports what the broker withholds from the node. Nothing from a stranger may block a
//! connection or grow without bound, and pictures never wait for text.

pub(crate) mod ask;
pub(crate) mod claim;
pub(crate) mod kept_back;
pub(crate) mod log;
pub(crate) mod mqtt;
pub(crate) mod receive;
pub(crate) mod retry;
pub(crate) mod stats;
