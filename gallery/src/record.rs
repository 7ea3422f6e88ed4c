//! The talk and the log, stored on disk with a bound.
//!
//! `database` keeps lines in a thread of its own, `journal` makes the lines of the log. It knows
//! topics and lines, but neither pages nor people. Nobody waits for its disk: what comes while that
//! is full or broken is counted and not kept.

pub(crate) mod database;
pub(crate) mod journal;
