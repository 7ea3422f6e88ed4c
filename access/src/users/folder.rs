//! The files in the broker's directory that say who may come in: the users, the credentials of this
//! machine's own parts, and the address for the first administrator. All reading and writing of them
//! is here.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{FlockOperation, Gid, Uid};
use tracing::warn;

use crate::users::local::{self, Local};
use crate::users::passwords::new_password;
use crate::users::{BadUsers, Users};

/// The name of the users' file.
const FILE: &str = "users.toml";

impl Users {
    /// Reads the users from the broker's directory. No file means no users.
    ///
    /// # Errors
    /// The file cannot be read or is not valid.
    pub fn read(folder: &Path) -> Result<Users, BadUsers> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => Users::parse(&text).map_err(|why| BadUsers::Content { path, why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Users::default()),
            Err(error) => Err(BadUsers::Io { path, error }),
        }
    }

    /// Changes the users in the broker's directory, and makes the directory if it is missing.
    /// Concurrent changes happen one after the other.
    ///
    /// # Errors
    /// Those of `change`; or the file cannot be read or written, and stays as it was.
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
}

impl Local {
    /// Reads the passwords from the broker's directory, and makes the missing ones.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Local> {
        make_folder(folder)?;
        let passwords = local::FILES
            .iter()
            .map(|(file, role)| {
                let path = folder.join(file);
                let known = match fs::read_to_string(&path) {
                    Ok(text) => text.trim_end().to_owned(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
                    Err(error) => return Err(error),
                };
                // An empty password, as a full disk may leave, would let everybody in.
                if known.len() >= 32 {
                    return Ok((known, *role));
                }
                let password = new_password()?;
                write_private(&path, &format!("{password}\n"))?;
                Ok((password, *role))
            })
            .collect::<io::Result<_>>()?;
        Ok(Local::of(passwords))
    }
}

/// The secret of the one-time address at which the first administrator is made.
const SETUP: &str = "setup.token";

/// The secret of the one-time address, which is made if there is none.
///
/// # Errors
/// The file cannot be read or written.
pub fn setup_token(folder: &Path) -> io::Result<String> {
    if let Some(token) = known_setup_token(folder)? {
        return Ok(token);
    }
    make_folder(folder)?;
    let token = new_password()?;
    write_private(&folder.join(SETUP), &format!("{token}\n"))?;
    Ok(token)
}

/// The secret of the one-time address, if there is one.
pub(crate) fn known_setup_token(folder: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(SETUP)) {
        // An empty one, as a full disk may leave, would let everybody in.
        Ok(text) => Ok(Some(text.trim_end().to_owned()).filter(|token| token.len() >= 32)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ends the one-time address.
pub(crate) fn forget_setup_token(folder: &Path) {
    if let Err(error) = fs::remove_file(folder.join(SETUP))
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!(%error, "cannot remove {SETUP}, which nobody needs any more");
    }
}

/// Tells whether the users' file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// The stamp of the users' file; `None` if there is no file.
    pub fn of_users(folder: &Path) -> Option<Stamp> {
        let file = fs::metadata(folder.join(FILE)).ok()?;
        Some(Stamp { modified: file.modified().ok()?, bytes: file.len(), inode: file.ino() })
    }
}

/// Makes the broker's directory, private to its user and owned by the owner of its parent.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let was_there = folder.is_dir();
    durable::private_folder(folder)?;
    match folder.parent() {
        Some(parent) if !was_there => give_to_owner_of(parent, &File::open(folder)?),
        _ => Ok(()),
    }
}

/// Writes a file that only its user can read. A crash leaves either the old or the new file.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // The broker's user must be able to read what root writes.
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
    use crate::roles::Role;
    use crate::users::passwords;

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
        assert!(passwords::verify(b"battery staple", &users.get("pi").unwrap().password));
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
    fn passwords_are_made_once_each_for_its_role_in_private_files() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("broker");
        let first = Local::in_folder(&folder).unwrap();
        let again = Local::in_folder(&folder).unwrap();
        for (file, role) in local::FILES {
            let path = folder.join(file);
            let password = fs::read_to_string(&path).unwrap();
            assert_eq!(first.role(password.trim_end().as_bytes()), Some(role));
            assert_eq!(again.role(password.trim_end().as_bytes()), Some(role));
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for wrong in ["", "\n", "admin"] {
            assert_eq!(first.role(wrong.as_bytes()), None);
        }
    }

    #[test]
    fn an_empty_file_is_no_password() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("admin.password"), "").unwrap();
        let local = Local::in_folder(data.path()).unwrap();
        assert_eq!(local.role(b""), None);
        assert!(fs::read_to_string(data.path().join("admin.password")).unwrap().len() > 32);
    }
}
