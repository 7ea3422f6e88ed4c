//! Cameras: a thread for each, its commands, and the order of its frames.
//!
//! `driver` is V4L2, `source` the trait of everything that gives frames, `test_card` a source
//! without a device. `camera` is the thread with the one retry loop, `commands` the queue to it.
//! `pace` knows how long the next frame may take, `sequence` numbers frames, `frozen` notices a
//! source that stands still. It knows nothing of MQTT: facts, pictures and photos go out through
//! the `Outlet`. Nothing here waits for a disk or a network.

pub(crate) mod camera;
pub(crate) mod commands;
pub(crate) mod driver;
pub(crate) mod frozen;
pub(crate) mod pace;
pub(crate) mod sequence;
pub(crate) mod source;
pub(crate) mod test_card;
