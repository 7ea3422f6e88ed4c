//! The credentials of this machine's own parts: three random passwords in files that only the
//! user of the service can read, good from loopback alone. [`crate::folder`] reads them.
//!
//! With them the node, the gallery and the commands of this machine come in whatever users there
//! are. The password says the role; the user name is free, and the node's is its name.

use subtle::ConstantTimeEq;

use crate::roles::Role;

/// The files in the broker's directory, and the role that each gives.
pub(crate) const FILES: [(&str, Role); 3] = [
    ("node.password", Role::Node),
    ("gallery.password", Role::Gallery),
    ("admin.password", Role::Admin),
];

/// The passwords of this machine's own parts.
pub(crate) struct Local {
    passwords: Vec<(String, Role)>,
}

impl Local {
    /// None, for a broker without a directory.
    pub fn none() -> Local {
        Local { passwords: Vec::new() }
    }

    /// Those that were read from their files, each with the role that it gives.
    pub(crate) fn of(passwords: Vec<(String, Role)>) -> Local {
        Local { passwords }
    }

    /// The role that a password gives. All are compared, each in constant time.
    pub fn role(&self, password: &str) -> Option<Role> {
        let mut found = None;
        for (known, role) in &self.passwords {
            if bool::from(known.as_bytes().ct_eq(password.as_bytes())) {
                found = Some(*role);
            }
        }
        found
    }
}
