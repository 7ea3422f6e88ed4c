//! The credentials of this machine's own parts: three random passwords in files that only the
//! user of the service can read, good from loopback alone.
//!
//! With them the node, the gallery and the commands of this machine come in whatever users there
//! are. The password says the role; the user name is free, and the node's is its name.

use std::fs;
use std::io;
use std::path::Path;

use subtle::ConstantTimeEq;

use crate::access::roles::Role;
use crate::access::users;

/// The files in the broker's directory, and the role that each gives.
const FILES: [(&str, Role); 3] = [
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

    /// Reads the passwords from the broker's directory, and makes those that are missing.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn in_folder(folder: &Path) -> io::Result<Local> {
        users::make_folder(folder)?;
        let passwords = FILES
            .iter()
            .map(|(file, role)| {
                let path = folder.join(file);
                let known = match fs::read_to_string(&path) {
                    Ok(text) => text.trim_end().to_owned(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                    Err(error) => return Err(error),
                };
                // An empty one, as a full disk may leave, would let everybody in.
                if known.len() >= 32 {
                    return Ok((known, *role));
                }
                let password = users::new_password()?;
                users::write_private(&path, &format!("{password}\n"))?;
                Ok((password, *role))
            })
            .collect::<io::Result<_>>()?;
        Ok(Local { passwords })
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_are_made_once_each_for_its_role_in_private_files() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("broker");
        let first = Local::in_folder(&folder).unwrap();
        let again = Local::in_folder(&folder).unwrap();
        for (file, role) in FILES {
            let path = folder.join(file);
            let password = fs::read_to_string(&path).unwrap();
            assert_eq!(first.role(password.trim_end()), Some(role));
            assert_eq!(again.role(password.trim_end()), Some(role));
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for wrong in ["", "\n", "admin"] {
            assert_eq!(first.role(wrong), None);
        }
    }

    #[test]
    fn an_empty_file_is_no_password() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("admin.password"), "").unwrap();
        let local = Local::in_folder(data.path()).unwrap();
        assert_eq!(local.role(""), None);
        assert!(fs::read_to_string(data.path().join("admin.password")).unwrap().len() > 32);
    }
}
