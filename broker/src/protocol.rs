//! MQTT packets, from bytes and to bytes. The only state is that of a connection's aliases.

pub(crate) mod aliases;
pub(crate) mod check;
mod codec;
pub(crate) mod decoder;
pub(crate) mod delivery;
pub(crate) mod held;
pub(crate) mod packet;
pub(crate) mod publish;
pub(crate) mod reply;
pub(crate) mod topic;
