//! The users of a house: their names, their roles and the hashes of their passwords. Pure:
//! [`folder`] reads and writes the file, and `vitrina user` changes it.

pub(crate) mod folder;
pub(crate) mod local;
pub(crate) mod passwords;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cameras::Cameras;
use crate::hours::Hours;
use crate::roles::{Role, is_node};

const HEAD: &str = "# Who may connect to the broker and log in on the wall. Change them with `vitrina \
                    user` or on the page; both see it at once.\n";

/// The most users, so that the file can always be read at once.
const MOST: usize = 10_000;

/// The least length of a password, in characters.
const PASSWORD_LEAST: usize = 8;

/// The greatest length of names and passwords, in bytes.
const NAME_MOST: usize = 64;
const PASSWORD_MOST: usize = 1024;

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The user's role.
    pub role: Role,
    /// The hash of its password, in the PHC format.
    pub(crate) password: String,
    /// The cameras that it may see on the wall.
    #[serde(default)]
    pub cameras: Cameras,
    /// When it may look at the wall; none means always.
    #[serde(default)]
    pub hours: Option<Hours>,
}

impl User {
    /// Whether it may come in at the broker: pictures have no limits there, so who has some may
    /// only come to the wall.
    pub(crate) fn may_connect(&self) -> bool {
        self.cameras.are_all() && self.hours.is_none()
    }
}

/// All users by name. [`Users::read`] and [`Users::edit`] take them from a folder. A name is 1 to
/// 64 of `a-z A-Z 0-9 - _ . @`; a node's user has the node's name.
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
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is not valid.
    #[error("{path} does not hold users: {why}; correct it, or remove it and add them again")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No user can have this name.
    #[error("{0:?} cannot be a user's name: choose 1 to 64 of a-z A-Z 0-9 - _ . @")]
    Name(String),
    /// No node can have this name.
    #[error(
        "{0:?} cannot be a node's name, which its user must have: choose 1 to 32 of a-z 0-9 - _, \
         but not gallery, people or web-…"
    )]
    NodeName(String),
    /// The user exists already.
    #[error("there is a user {0} already; change the password with `vitrina user passwd {0}`")]
    Known(String),
    /// There is no such user.
    #[error("there is no user {0}; see `vitrina user list`")]
    Unknown(String),
    /// The password is too short or too long.
    #[error("choose a password of at least 8 characters and at most 1024 bytes")]
    Password,
    /// Nobody would be left who may change users on the wall.
    #[error("{0} is the last administrator; make somebody else one first")]
    LastAdmin(String),
    /// The first administrator was made already.
    #[error("somebody runs this house already; see `vitrina user list`")]
    SetUp,
    /// There are as many users as there may be.
    #[error("there are {MOST} users already; remove some first")]
    TooMany,
}

impl Users {
    /// Adds a user.
    ///
    /// # Errors
    /// The name or the password is not valid, or the user exists.
    pub fn add(
        &mut self,
        name: &str,
        role: Role,
        password: impl AsRef<[u8]>,
    ) -> Result<(), BadUsers> {
        self.check_new(name, role)?;
        let password = checked_hash(password.as_ref())?;
        let user = User { role, password, cameras: Cameras::default(), hours: None };
        self.user.insert(name.to_owned(), user);
        Ok(())
    }

    /// Whether a user may be added.
    ///
    /// # Errors
    /// The name is not valid for the role, or the user exists.
    pub fn check_new(&self, name: &str, role: Role) -> Result<(), BadUsers> {
        if !is_user_name(name) {
            return Err(BadUsers::Name(name.to_owned()));
        }
        if role == Role::Node && !is_node(name) {
            return Err(BadUsers::NodeName(name.to_owned()));
        }
        if self.user.contains_key(name) {
            return Err(BadUsers::Known(name.to_owned()));
        }
        if self.user.len() >= MOST {
            return Err(BadUsers::TooMany);
        }
        Ok(())
    }

    /// Gives a user another password.
    ///
    /// # Errors
    /// There is no such user, or the password is not valid.
    pub fn set_password(&mut self, name: &str, password: impl AsRef<[u8]>) -> Result<(), BadUsers> {
        let user = self.known(name)?;
        user.password = checked_hash(password.as_ref())?;
        Ok(())
    }

    /// Gives a user another role.
    ///
    /// # Errors
    /// There is no such user, or the name is not valid for the role.
    pub fn set_role(&mut self, name: &str, role: Role) -> Result<(), BadUsers> {
        if role == Role::Node && !is_node(name) {
            return Err(BadUsers::NodeName(name.to_owned()));
        }
        self.known(name)?.role = role;
        Ok(())
    }

    /// Limits what a user may see on the wall, and when; what is none stays as it is.
    ///
    /// # Errors
    /// There is no such user.
    pub fn limit(
        &mut self,
        name: &str,
        cameras: Option<Cameras>,
        hours: Option<Option<Hours>>,
    ) -> Result<(), BadUsers> {
        let user = self.known(name)?;
        user.cameras = cameras.unwrap_or_else(|| user.cameras.clone());
        user.hours = hours.unwrap_or(user.hours);
        Ok(())
    }

    pub(crate) fn known(&mut self, name: &str) -> Result<&mut User, BadUsers> {
        self.user.get_mut(name).ok_or_else(|| BadUsers::Unknown(name.to_owned()))
    }

    /// Removes a user.
    ///
    /// # Errors
    /// There is no such user.
    pub fn remove(&mut self, name: &str) -> Result<(), BadUsers> {
        self.user.remove(name).map(drop).ok_or_else(|| BadUsers::Unknown(name.to_owned()))
    }

    /// Adds a user as it was before.
    ///
    /// # Errors
    /// There is a user of this name, or there are too many.
    pub(crate) fn put_back(&mut self, name: &str, user: User) -> Result<(), BadUsers> {
        self.check_new(name, user.role)?;
        self.user.insert(name.to_owned(), user);
        Ok(())
    }

    /// All users, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &User)> {
        self.user.iter().map(|(name, user)| (name.as_str(), user))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.user.is_empty()
    }

    /// Whether somebody can log in on the wall.
    pub fn have_people(&self) -> bool {
        self.user.values().any(|user| user.role.is_person())
    }

    /// Who may say who else may come.
    pub fn administrators(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|(_, user)| user.role == Role::Admin).map(|(name, _)| name)
    }

    /// Whether somebody may say at any time who else may come, or else only at their hours; none
    /// if nobody ever may.
    pub(crate) fn are_kept_always(&self) -> Option<bool> {
        let administrators = self.user.values().filter(|user| user.role == Role::Admin);
        administrators.map(|user| user.hours.is_none()).max()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&User> {
        self.user.get(name)
    }

    pub(crate) fn parse(text: &str) -> Result<Users, String> {
        let users: Users = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        for (name, user) in users.iter() {
            if !is_user_name(name) || user.role == Role::Node && !is_node(name) {
                return Err(format!("{name:?} cannot be the name of a {}", user.role));
            }
            if !passwords::is_hash(&user.password) {
                return Err(format!("the password of {name} is not an argon2id hash"));
            }
        }
        Ok(users)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (name, User { role, password, cameras, hours }) in &self.user {
            let _ =
                write!(text, "\n[user.\"{name}\"]\nrole = \"{role}\"\npassword = \"{password}\"\n");
            if !cameras.are_all() {
                let patterns: Vec<String> = cameras.iter().collect();
                let _ = writeln!(text, "cameras = [\"{}\"]", patterns.join("\", \""));
            }
            if let Some(hours) = hours {
                let (from, to) = hours.times();
                let _ = writeln!(text, "hours = {{ from = \"{from}\", to = \"{to}\" }}");
            }
        }
        text
    }
}

/// Whether a user may have this name.
pub(crate) fn is_user_name(name: &str) -> bool {
    (1..=NAME_MOST).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@'))
}

/// The hash of a password that somebody may choose.
pub(crate) fn checked_hash(password: &[u8]) -> Result<String, BadUsers> {
    // One that is no text has no characters.
    let length = str::from_utf8(password).map_or(password.len(), |text| text.chars().count());
    if length < PASSWORD_LEAST || password.len() > PASSWORD_MOST {
        return Err(BadUsers::Password);
    }
    passwords::hash(password)
        .map_err(|error| BadUsers::Io { path: PathBuf::from("the hash of the password"), error })
}
