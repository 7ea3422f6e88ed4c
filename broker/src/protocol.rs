//! MQTT packets, from bytes and to bytes.
//!
//! `decoder` collects the bytes of a connection, `check` judges them, and `codec` says what they
//! mean; it is the only file that knows rumqttd. `publish` and `reply` write packets, without
//! copying payloads. It knows no session and no socket, and its only state is that of a connection.
//! No bytes cause a panic, and no memory is set aside for what a length only claims.

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
