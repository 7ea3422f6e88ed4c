//! Finds cameras, names them, and follows their devices.
//!
//! `discover` asks video nodes what they are, each in a thread of its own. `marks` identify a
//! device, `names` gives it a name, `kept` writes the names to the disk. `hotplug` reports when
//! anything may have changed; `cameras` starts and ends the threads of `capture`, and hands them
//! commands; `titles` keeps what people call them; `survey` is the list for people. A name never moves to another camera, and no hanging
//! driver or disk keeps this from following the others. It knows nothing of the broker.

pub(crate) mod cameras;
pub(crate) mod discover;
pub(crate) mod hotplug;
pub(crate) mod kept;
pub(crate) mod marks;
pub(crate) mod names;
pub(crate) mod survey;
pub(crate) mod titles;
