//! Names and topics: the only place where a topic is put together or taken apart.
//!
//! A name is a type that cannot hold a bad one, so a topic made of names is a valid one. Payloads
//! are for `facts`. No other place formats a topic or a filter by hand.

pub mod filter;
pub(crate) mod foreign;
pub(crate) mod name;
pub(crate) mod topic;
