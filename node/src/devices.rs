//! Which cameras there are, what each is called, and where its device is now. It starts and ends
//! what `capture` does, and knows nothing of the broker.

pub(crate) mod cameras;
pub(crate) mod discover;
pub(crate) mod hotplug;
pub(crate) mod marks;
pub(crate) mod names;
pub(crate) mod survey;
