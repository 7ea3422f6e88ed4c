//! How much of each thing a stranger may have.

pub(crate) mod shares;
pub(crate) mod strangers;
