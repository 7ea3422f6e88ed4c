//! The connections to the broker: what is received there and what is published.
//!
//! `mqtt` is the two connections and the only place that knows an MQTT client; `claim` decides
//! whether the node's name can be taken, `retry` how long to wait, `receive` what a message means;
//! `ask` answers questions, with the last lines of the `log`; `stats` reads all counters, and
//! `kept_back` says what the broker keeps from the node. Nothing that a stranger sends may block a
//! connection or grow without bound, and pictures never wait for text.

pub(crate) mod ask;
pub(crate) mod claim;
pub(crate) mod kept_back;
pub(crate) mod log;
pub(crate) mod mqtt;
pub(crate) mod receive;
pub(crate) mod retry;
pub(crate) mod stats;
