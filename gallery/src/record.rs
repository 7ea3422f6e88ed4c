//! What is said and what happens, kept on disk with a bound.

pub(crate) mod database;
pub(crate) mod journal;
