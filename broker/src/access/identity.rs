//! Who a client was found to be, and whose its session is.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::roles::Role;
use crate::access::users::Users;

/// Who somebody is. Two are the same only if they may do the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A part of this machine, by the name that it gave.
    Local { name: String, role: Role },
    /// A user, with the hash that its password had: one that was removed and made again is another.
    User { name: String, role: Role, hash: String },
    /// Somebody without a user name.
    Anonymous(Allowed),
}

/// What somebody without a user name may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Allowed {
    /// As long as there are no users.
    Everything,
    /// When there are users.
    As(Role),
}

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

impl Identity {
    /// Whether there still is such a one.
    pub fn is_of(&self, users: &Users) -> bool {
        match self {
            Identity::Local { .. } => true,
            Identity::User { name, role, hash } => {
                users.get(name).is_some_and(|user| user.role == *role && user.password == *hash)
            }
            Identity::Anonymous(Allowed::Everything) => users.is_empty(),
            Identity::Anonymous(Allowed::As(_)) => !users.is_empty(),
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
