//! Which cameras there are, what each is called, and where its device is now.
//!
//! `discover` asks video nodes what they are, each in a thread of its own, `marks` is what a device
//! can be known again by, `names` what it is called, `kept` writes that to the disk; `hotplug` tells
//! when anything may have changed; `cameras` starts and ends what `capture` does, and hands it
//! commands; `survey` is the list for people. A name never moves to another camera, and no driver or
//! disk that hangs keeps this from following the others. It knows nothing of the broker.

pub(crate) mod cameras;
pub(crate) mod discover;
pub(crate) mod hotplug;
pub(crate) mod kept;
pub(crate) mod marks;
pub(crate) mod names;
pub(crate) mod survey;
