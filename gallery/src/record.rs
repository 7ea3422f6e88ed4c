//! The talk, the log, what cameras were called and since when nodes are away, stored on disk with a
//! bound.
//!
//! `database` keeps lines in a thread of its own, `journal` makes the lines of the log, `roll` knows
//! the last name of each camera, `away` is a small file. It knows topics and lines, but neither
//! pages nor people. Nobody waits for its disk: what comes while that is full or broken is counted
//! and not kept.

pub(crate) mod away;
pub(crate) mod database;
pub(crate) mod journal;
pub(crate) mod roll;
