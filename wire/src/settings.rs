//! Values that people write in a configuration: sizes, periods, the address of a broker.
//!
//! All keys and parts share one spelling rule for each. It knows no key and no default.

pub mod broker_url;
pub mod units;
