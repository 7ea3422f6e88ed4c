//! The talk and the log, stored on disk with a bound.

pub(crate) mod database;
pub(crate) mod journal;
