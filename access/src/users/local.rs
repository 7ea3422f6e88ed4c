//! The credentials of this machine's own parts: three random passwords in files that only the
//! service's user can read, valid from loopback only. [`super::folder`] reads them.
//!
//! With them this machine's node, gallery and commands come in whichever users exist. The password
//! decides the role; the user name is free, and a node uses its own name.

use subtle::ConstantTimeEq;

use crate::roles::Role;

/// The files in the broker's directory, with the role of each.
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
    /// No passwords, for a broker without a directory.
    pub fn none() -> Local {
        Local { passwords: Vec::new() }
    }

    /// The passwords that were read from their files, each with its role.
    pub(crate) fn of(passwords: Vec<(String, Role)>) -> Local {
        Local { passwords }
    }

    /// The role of a password. Compares with all of them, each in constant time.
    pub fn role(&self, password: &[u8]) -> Option<Role> {
        let mut found = None;
        for (known, role) in &self.passwords {
            if bool::from(known.as_bytes().ct_eq(password)) {
                found = Some(*role);
            }
        }
        found
    }
}
