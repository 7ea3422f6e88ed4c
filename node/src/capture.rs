//! V4L2 devices and what they give: formats are chosen, streams opened, frames taken with their
//! times. It knows nothing of MQTT; of pictures only what their bytes are.

pub(crate) mod bounds;
pub(crate) mod camera;
pub(crate) mod choose;
pub(crate) mod controls;
pub(crate) mod errno;
pub(crate) mod frozen;
pub(crate) mod holder;
pub(crate) mod pace;
pub(crate) mod sequence;
pub(crate) mod source;
pub(crate) mod test_card;
pub(crate) mod times;
pub(crate) mod v4l2;
