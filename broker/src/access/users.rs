//! The users of a broker, in a file: who they are, what they are there for, and what their
//! passwords hash to. Changed by `vitrina user`, read by the broker.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Gid, Uid};
use serde::{Deserialize, Serialize};

use crate::access::passwords;
use crate::access::roles::{self, Role};

/// The name of the file, in the broker's own directory.
const FILE: &str = "users.toml";

const HEAD: &str = "# The users of the MQTT broker. Change them with `vitrina user`; the broker \
                    sees it at once.\n";

/// Passwords are at least this long, in characters.
const PASSWORD_LEAST: usize = 8;

/// Names and passwords are at most this long, in bytes.
const NAME_MOST: usize = 64;
const PASSWORD_MOST: usize = 1024;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What the user is there for.
    pub role: Role,
    /// The hash of its password, in the PHC format.
    pub(crate) password: String,
}

/// All users by their names. A name is 1 to 64 of `a-z A-Z 0-9 - _ . @`; a node's is the node's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Users {
    user: BTreeMap<String, User>,
}

/// Why users cannot be read or changed. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BadUsers {
    /// The file or its directory cannot be used.
    #[error(
        "{path} cannot be used: {error}; run this as the user that the broker runs as, or as \
             root, or name another directory with --data"
    )]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold users: {why}; mend it, or remove it and add them again")]
    Content {
        /// Which.
        path: PathBuf,
        /// What it holds.
        why: String,
    },
    /// The name cannot be a user's.
    #[error("{0:?} cannot be a user's name: choose 1 to 64 of a-z A-Z 0-9 - _ . @")]
    Name(String),
    /// The name cannot be a node's.
    #[error(
        "{0:?} cannot be a node's name, which its user must have: choose 1 to 32 of a-z 0-9 - _, \
         but not gallery, people or web-…"
    )]
    NodeName(String),
    /// The user is there already.
    #[error("there is a user {0} already; change the password with `vitrina user passwd {0}`")]
    Known(String),
    /// There is no such user.
    #[error("there is no user {0}; see `vitrina user list`")]
    Unknown(String),
    /// The password is too short or too long.
    #[error("choose a password of 8 characters at least, and 1024 bytes at most")]
    Password,
}

impl Users {
    /// Reads the users from the broker's directory. No file means no users.
    ///
    /// # Errors
    /// The file cannot be read or holds something else.
    pub fn read(folder: &Path) -> Result<Users, BadUsers> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Users::parse(&text).map_err(|why| BadUsers::Content { path, why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Users::default()),
            Err(error) => Err(BadUsers::Io { path, error }),
        }
    }

    /// Changes the users in the broker's directory, which is made if it is missing. Two that
    /// change them at once do so one after the other.
    ///
    /// # Errors
    /// Those of `change`; or the file cannot be read or written, and is as it was.
    pub fn edit(
        folder: &Path,
        change: impl FnOnce(&mut Users) -> Result<(), BadUsers>,
    ) -> Result<(), BadUsers> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| BadUsers::Io { path, error }
        };
        make_folder(folder).map_err(failed(folder))?;
        let lock = File::open(folder).map_err(failed(folder))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)
            .map_err(|errno| failed(folder)(errno.into()))?;
        let mut users = Users::read(folder)?;
        change(&mut users)?;
        let path = folder.join(FILE);
        write_private(&path, &users.to_text()).map_err(failed(&path))
    }

    /// Adds a user.
    ///
    /// # Errors
    /// The name or the password is not good, or the user is there.
    pub fn add(&mut self, name: &str, role: Role, password: &str) -> Result<(), BadUsers> {
        self.check_new(name, role)?;
        self.user.insert(name.to_owned(), User { role, password: checked_hash(password)? });
        Ok(())
    }

    /// Whether a user may be added.
    ///
    /// # Errors
    /// The name is not good for the role, or the user is there.
    pub fn check_new(&self, name: &str, role: Role) -> Result<(), BadUsers> {
        if !is_user_name(name) {
            return Err(BadUsers::Name(name.to_owned()));
        }
        if role == Role::Node && !roles::is_node(name) {
            return Err(BadUsers::NodeName(name.to_owned()));
        }
        if self.user.contains_key(name) {
            return Err(BadUsers::Known(name.to_owned()));
        }
        Ok(())
    }

    /// Gives a user another password.
    ///
    /// # Errors
    /// There is no such user, or the password is not good.
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<(), BadUsers> {
        let user = self.user.get_mut(name).ok_or_else(|| BadUsers::Unknown(name.to_owned()))?;
        user.password = checked_hash(password)?;
        Ok(())
    }

    /// Removes a user.
    ///
    /// # Errors
    /// There is no such user.
    pub fn remove(&mut self, name: &str) -> Result<(), BadUsers> {
        self.user.remove(name).map(drop).ok_or_else(|| BadUsers::Unknown(name.to_owned()))
    }

    /// All users, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &User)> {
        self.user.iter().map(|(name, user)| (name.as_str(), user))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.user.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&User> {
        self.user.get(name)
    }

    fn parse(text: &str) -> Result<Users, String> {
        let users: Users = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        for (name, user) in users.iter() {
            if !is_user_name(name) || user.role == Role::Node && !roles::is_node(name) {
                return Err(format!("{name:?} cannot be the name of a {}", user.role));
            }
            if !passwords::is_hash(&user.password) {
                return Err(format!("the password of {name} is not an argon2id hash"));
            }
        }
        Ok(users)
    }

    fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (name, User { role, password }) in &self.user {
            let _ =
                write!(text, "\n[user.\"{name}\"]\nrole = \"{role}\"\npassword = \"{password}\"\n");
        }
        text
    }
}

/// Where the users are kept, for those who look whether they have changed.
pub(crate) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// A password that nobody has to remember: 32 characters of 160 random bits.
///
/// # Errors
/// The system has no randomness.
pub fn new_password() -> io::Result<String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // Crockford's alphabet, in which nothing looks like anything else.
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |five: u8| char::from(LETTERS.get(usize::from(five)).copied().unwrap_or(b'0'));
    let five_bits = |i: usize| {
        let (byte, bit) = (i * 5 / 8, i * 5 % 8);
        let two = [byte, byte + 1].map(|at| bytes.get(at).copied().unwrap_or(0));
        (u16::from_be_bytes(two) << bit >> 11).to_be_bytes()
    };
    Ok((0..32).map(|i| letter(five_bits(i)[1])).collect())
}

/// Whether this may be a user's name.
pub(crate) fn is_user_name(name: &str) -> bool {
    (1..=NAME_MOST).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'))
}

fn checked_hash(password: &str) -> Result<String, BadUsers> {
    if password.chars().count() < PASSWORD_LEAST || password.len() > PASSWORD_MOST {
        return Err(BadUsers::Password);
    }
    passwords::hash(password)
        .map_err(|error| BadUsers::Io { path: PathBuf::from("the hash of the password"), error })
}

/// Makes the broker's directory, for its user alone, and for the one whose directory it is in.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let was_there = folder.is_dir();
    durable::private_folder(folder)?;
    match folder.parent() {
        Some(parent) if !was_there => give_to_owner_of(parent, &File::open(folder)?),
        _ => Ok(()),
    }
}

/// Writes a file for its user alone. A crash leaves the whole new file or the old one.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // What root writes is read by the user that the broker runs as.
    let folder = path.parent().unwrap_or(Path::new("."));
    durable::write_prepared(path, text.as_bytes(), 0o600, |file| give_to_owner_of(folder, file))
}

fn give_to_owner_of(folder: &Path, file: &File) -> io::Result<()> {
    let (wanted, is) = (fs::metadata(folder)?, file.metadata()?);
    if rustix::process::geteuid().is_root() && wanted.uid() != is.uid() {
        let (uid, gid) = (Uid::from_raw(wanted.uid()), Gid::from_raw(wanted.gid()));
        rustix::fs::fchown(file, Some(uid), Some(gid))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn users_are_added_changed_and_removed_in_a_private_file() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("broker");
        assert!(Users::read(&folder).unwrap().is_empty());
        Users::edit(&folder, |users| users.add("pi", Role::Node, "correct horse")).unwrap();
        Users::edit(&folder, |users| users.add("ada@home", Role::Viewer, "12345678")).unwrap();
        Users::edit(&folder, |users| users.set_password("pi", "battery staple")).unwrap();
        let users = Users::read(&folder).unwrap();
        let roles: Vec<_> = users.iter().map(|(name, user)| (name, user.role)).collect();
        assert_eq!(roles, [("ada@home", Role::Viewer), ("pi", Role::Node)]);
        assert!(passwords::verify("battery staple", &users.get("pi").unwrap().password));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        Users::edit(&folder, |users| users.remove("pi")).unwrap();
        Users::edit(&folder, |users| users.remove("ada@home")).unwrap();
        assert!(Users::read(&folder).unwrap().is_empty());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn each_refusal_says_what_to_do_and_changes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let edit = |change: &dyn Fn(&mut Users) -> Result<(), BadUsers>| {
            Users::edit(data.path(), |users| change(users)).map_err(|error| error.to_string())
        };
        edit(&|users| users.add("pi", Role::Node, "12345678")).unwrap();
        let before = Users::read(data.path()).unwrap();
        for (result, word) in [
            (edit(&|users| users.add("pi", Role::Admin, "12345678")), "passwd pi"),
            (edit(&|users| users.add("a/b", Role::Admin, "12345678")), "a-z"),
            (edit(&|users| users.add("", Role::Admin, "12345678")), "a-z"),
            (edit(&|users| users.add("web-1", Role::Node, "12345678")), "not gallery"),
            (edit(&|users| users.add("Pi", Role::Node, "12345678")), "not gallery"),
            (edit(&|users| users.add("ada", Role::Admin, "1234567")), "8 characters"),
            (edit(&|users| users.set_password("ada", "12345678")), "user list"),
            (edit(&|users| users.remove("ada")), "user list"),
        ] {
            assert!(result.clone().unwrap_err().contains(word), "{word}: {result:?}");
        }
        assert_eq!(Users::read(data.path()).unwrap(), before);
    }

    #[test]
    fn a_file_that_holds_something_else_is_an_error() {
        let good = passwords::NOBODY;
        for (text, word) in [
            ("user = 1".to_owned(), "users.toml"),
            ("[user.pi]\nrole = 'root'\npassword = ''".to_owned(), "root"),
            ("[user.pi]\nrole = 'node'\npassword = 'plain'".to_owned(), "argon2id"),
            (format!("[user.people]\nrole = 'node'\npassword = '{good}'"), "people"),
            (format!("[user.pi]\nrole = 'node'\npassword = '{good}'\nx = 1"), "x"),
        ] {
            let data = tempfile::tempdir().unwrap();
            fs::write(data.path().join(FILE), &text).unwrap();
            let error = Users::read(data.path()).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn new_passwords_are_random_and_of_good_letters() {
        let (one, other) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()), "{one}");
    }
}
