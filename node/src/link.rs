//! The connections to the broker: what is heard there and what is said.

pub(crate) mod ask;
pub(crate) mod claim;
pub(crate) mod log;
pub(crate) mod mqtt;
pub(crate) mod retry;
