//! Who a caller was found to be.

use crate::roles::Role;
use crate::users::Users;

/// Who somebody is. Two are the same only if they may do the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A part of this machine, by the name that it gave.
    Local {
        /// The name that it gave.
        name: String,
        /// What its password is for.
        role: Role,
    },
    /// A user, with the hash that its password had: one that was removed and made again is another.
    User {
        /// The user's name.
        name: String,
        /// What the user is there for.
        role: Role,
        /// That of the password.
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
