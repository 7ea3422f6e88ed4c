//! Who a client is, and which topics it may use.
//!
//! The crate `access` holds the rules about users and passwords; this folder holds what follows from
//! them in MQTT: the `grants` of a role, and the `owner` of a session and of its share. It knows
//! topics, but no session and no socket. No topic is used before a grant allows it.

pub(crate) mod authenticator;
pub(crate) mod grants;
pub(crate) mod owner;
