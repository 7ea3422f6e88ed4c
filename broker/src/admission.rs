//! Who a client is, and which topics it may use. The crate `access` holds the rules about users and
//! passwords; this folder holds what follows from them in MQTT.

pub(crate) mod authenticator;
pub(crate) mod grants;
pub(crate) mod owner;
