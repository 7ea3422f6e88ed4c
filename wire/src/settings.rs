//! Words that people write in a configuration: sizes, periods, the address of a broker.
//!
//! Each has one spelling rule for all keys and parts. It knows no key and no default.

pub mod broker_url;
pub mod units;
