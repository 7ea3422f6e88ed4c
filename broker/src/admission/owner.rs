//! Who owns a session, and whose share stored messages count to.

use std::net::IpAddr;
use std::sync::Arc;

use access::Identity;

/// The owner of a session. A client id never reaches the session of another user, nor one of the
/// same user with another role or password.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub identity: Arc<Identity>,
    pub client_id: String,
}

/// Whose share stored messages count to: the user's, or without one the address's.
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

impl quota::Holder for Holder {
    /// Clients with a login, and this machine.
    fn is_known(&self) -> bool {
        match self {
            Holder::Known(_) => true,
            Holder::Address(ip) => ip.is_loopback(),
        }
    }
}

impl Owner {
    /// The length in bytes of the parts that a client chose.
    pub fn len(&self) -> usize {
        let name = match &*self.identity {
            Identity::Local { name, .. } => name.len(),
            Identity::User { .. } | Identity::Anonymous(_) => 0,
        };
        name + self.client_id.len()
    }
}
