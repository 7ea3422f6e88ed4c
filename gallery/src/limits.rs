//! How much of each thing a stranger may have.
//!
//! `strangers` is the one list of these bounds, `shares` says whose a share is. It counts, and knows
//! nothing of what it counts. Whatever a stranger can fill takes its share here first.

pub(crate) mod shares;
pub(crate) mod strangers;
