//! Names and topics: the only place that writes or reads a topic.
//!
//! A name is a type that cannot hold a bad name, so a topic made of names is valid. Payloads are in
//! `facts`. No other place formats a topic or a filter by hand.

pub mod filter;
pub(crate) mod foreign;
pub(crate) mod name;
pub(crate) mod topic;
