//! Who a caller is.

use crate::roles::Role;
use crate::users::Users;

/// Who somebody is. Two identities are equal only if they have the same rights.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A part of this machine, by the name it gave.
    Local {
        /// The name it gave.
        name: String,
        /// The role of its password.
        role: Role,
    },
    /// A user, with its password's hash: a user who was removed and added again is another one.
    User {
        /// The user's name.
        name: String,
        /// The user's role.
        role: Role,
        /// The hash of the password.
        hash: String,
    },
    /// Somebody without a user name.
    Anonymous(Allowed),
}

/// What somebody without a user name may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// As long as there are no users.
    Everything,
    /// When there are users.
    As(Role),
}

impl Identity {
    /// Whether the users still include this identity.
    pub fn is_of(&self, users: &Users) -> bool {
        match self {
            Identity::Local { .. } => true,
            Identity::User { name, role, hash } => users.get(name).is_some_and(|user| {
                user.role == *role && user.password == *hash && user.may_connect()
            }),
            Identity::Anonymous(Allowed::Everything) => users.is_empty(),
            Identity::Anonymous(Allowed::As(_)) => !users.is_empty(),
        }
    }
}
