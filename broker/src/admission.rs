//! Who a client is, and which topics that one may use. Who is known and by what, the crate `access`
//! says, for all who let people in; here is what follows from it in MQTT.

pub(crate) mod authenticator;
pub(crate) mod grants;
pub(crate) mod owner;
