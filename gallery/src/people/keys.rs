//! Identities of people: a public id, and a key that proves it.
//!
//! The key is a keyed hash of the id, with a secret that only this gallery has. So the gallery
//! stores nothing about a person, and nobody can act as another.

use std::fs;
use std::io;
use std::path::Path;

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use subtle::ConstantTimeEq;
use wire::PersonId;

use crate::hex::hex;

/// The gallery's secret.
#[derive(Clone)]
pub(crate) struct Keys {
    secret: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Reads the secret from `file`, or makes it there, private to this user.
    pub fn open(file: &Path) -> io::Result<Keys> {
        match fs::read(file) {
            Ok(bytes) => {
                let secret = bytes.try_into().map_err(|_| {
                    let cure = "it does not hold 32 bytes; remove it, and a new one is made";
                    io::Error::new(io::ErrorKind::InvalidData, cure)
                })?;
                Ok(Keys { secret })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(io::Error::other)?;
                durable::write(file, &secret, 0o600)?;
                Ok(Keys { secret })
            }
            Err(error) => Err(error),
        }
    }

    /// A new person's id.
    pub fn new_id() -> PersonId {
        PersonId::new(getrandom::u64().expect("the system gives random bytes"))
    }

    /// The key of a person: 64 hex digits.
    pub fn key(&self, id: &PersonId) -> String {
        let mut mac = Blake2sMac256::new((&self.secret).into());
        mac.update(id.as_str().as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether the key is that person's. The time of the check reveals nothing about the key.
    pub fn fits(&self, id: &PersonId, key: &str) -> bool {
        self.key(id).as_bytes().ct_eq(key.as_bytes()).into()
    }

    /// The person who `Authorization: Bearer <id>.<key>` identifies.
    pub fn bearer(&self, authorization: &str) -> Option<PersonId> {
        let (scheme, token) = authorization.split_once(' ')?;
        let (id, key) = token.trim().split_once('.')?;
        let id = id.parse().ok()?;
        (scheme.eq_ignore_ascii_case("bearer") && self.fits(&id, key)).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_fits_its_own_person_only() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("secret")).unwrap();
        let (ana, li) = (Keys::new_id(), Keys::new_id());
        assert_ne!(ana, li);
        let key = keys.key(&ana);
        assert!(keys.fits(&ana, &key));
        assert!(!keys.fits(&li, &key));
        for bad in ["", "0", &key[1..], &key.to_uppercase(), &format!("{key}0")] {
            assert!(!keys.fits(&ana, bad) || bad == key, "{bad}");
        }
        assert_eq!(keys.bearer(&format!("Bearer {ana}.{key}")), Some(ana.clone()));
        for bad in [
            format!("Bearer {li}.{key}"),
            format!("Basic {ana}.{key}"),
            format!("Bearer {ana}"),
            format!("{ana}.{key}"),
            format!("Bearer .{key}"),
            String::new(),
        ] {
            assert_eq!(keys.bearer(&bad), None, "{bad}");
        }
    }

    #[test]
    fn the_secret_is_kept_for_nobody_else_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let id = Keys::new_id();
        let key = Keys::open(&file).unwrap().key(&id);
        assert!(Keys::open(&file).unwrap().fits(&id, &key));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let other = Keys::open(&folder.path().join("other")).unwrap();
        assert!(!other.fits(&id, &key), "another gallery's key");
        fs::write(&file, "short").unwrap();
        assert!(Keys::open(&file).unwrap_err().to_string().contains("remove it"));
    }
}
