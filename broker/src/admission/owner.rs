//! Whose a session is, and who is asked for what is kept.

use std::net::IpAddr;
use std::sync::Arc;

use access::Identity;

/// Whose session it is. No client id reaches the session of another user, nor one of its own from
/// a time when it had another role or another password.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub identity: Arc<Identity>,
    pub client_id: String,
}

/// Who is asked for what is kept: a user, or for those without one their address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    Known(Arc<Identity>),
    Address(IpAddr),
}

impl Holder {
    pub fn new(identity: &Arc<Identity>, peer: IpAddr) -> Holder {
        match &**identity {
            Identity::Anonymous(_) => Holder::Address(quota::network(peer)),
            Identity::Local { .. } | Identity::User { .. } => Holder::Known(identity.clone()),
        }
    }
}

impl Owner {
    /// The bytes of what a client chose of it.
    pub fn len(&self) -> usize {
        let name = match &*self.identity {
            Identity::Local { name, .. } => name.len(),
            Identity::User { .. } | Identity::Anonymous(_) => 0,
        };
        name + self.client_id.len()
    }
}
