//! People made, changed and removed on the wall.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Instant;

use tokio::task::spawn_blocking;

use super::{Author, Logins};
use crate::cameras::Cameras;
use crate::hours::Hours;
use crate::roles::Role;
use crate::standing::Person;
use crate::users::{BadUsers, Users};

/// A user that is to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The password.
    pub password: String,
    /// The cameras that they may see.
    pub cameras: Cameras,
    /// When they may look; none means always.
    pub hours: Option<Hours>,
}

/// What is to become of a user; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The role.
    pub role: Option<Role>,
    /// The password.
    pub password: Option<String>,
    /// The cameras that they may see.
    pub cameras: Option<Cameras>,
    /// When they may look; an inner none means always.
    pub hours: Option<Option<Hours>>,
}

/// A user, as administrators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The cameras that they may see.
    pub cameras: Cameras,
    /// When they may look; none means always.
    pub hours: Option<Hours>,
    /// On how many devices they are logged in.
    pub devices: usize,
    /// When one of these was last used, in milliseconds since 1970.
    pub seen: Option<u64>,
}

impl Logins {
    /// All users by name.
    pub fn users(&self) -> Vec<Listed> {
        let (users, sessions) = (self.known.users(), self.sessions());
        let listed = users.iter().map(|(name, user)| Listed {
            name: name.to_owned(),
            role: user.role,
            cameras: user.cameras.clone(),
            hours: user.hours,
            devices: sessions.of(name).count(),
            seen: sessions.of(name).map(|(_, session)| session.seen).max(),
        });
        listed.collect()
    }

    /// Makes a user. `by` is who does it, for the log.
    ///
    /// # Errors
    /// [`BadUsers`] says why not.
    pub async fn add_user(&self, by: Option<&Person>, new: NewUser) -> Result<(), BadUsers> {
        let NewUser { name, role, password, cameras, hours } = new;
        let add = move |name: &str, users: &mut Users| {
            users.add(name, role, &password)?;
            users.limit(name, Some(cameras), Some(hours))
        };
        self.edit(by.map(|by| &*by.name), &name, add).await
    }

    /// Changes a user. With another password they are logged out everywhere.
    ///
    /// # Errors
    /// [`BadUsers`] says why not; then nothing has changed.
    pub async fn change_user(
        &self,
        by: Option<&Person>,
        name: &str,
        change: UserChange,
    ) -> Result<(), BadUsers> {
        self.check_known(name)?;
        let UserChange { role, password, cameras, hours } = change;
        let change = move |name: &str, users: &mut Users| {
            users.limit(name, cameras, hours)?;
            if let Some(role) = role {
                users.set_role(name, role)?;
            }
            password.map_or(Ok(()), |password| users.set_password(name, &password))
        };
        self.edit(by.map(|by| &*by.name), name, change).await
    }

    /// Removes a user, who is logged out everywhere, and can be brought back for a minute.
    ///
    /// # Errors
    /// [`BadUsers`] says why not.
    pub async fn remove_user(&self, by: Option<&Person>, name: &str) -> Result<(), BadUsers> {
        let was = self.known.users().get(name).cloned();
        let was = was.ok_or_else(|| BadUsers::Unknown(name.to_owned()))?;
        self.edit(by.map(|by| &*by.name), name, |name, users| users.remove(name)).await?;
        self.removed().keep(name, was, Instant::now());
        Ok(())
    }

    /// Brings back a user who was removed a moment ago, with the password of before. Nobody is
    /// logged in by that.
    ///
    /// # Errors
    /// [`BadUsers`] says why not.
    pub async fn restore_user(&self, by: Option<&Person>, name: &str) -> Result<(), BadUsers> {
        let was = self.removed().take(name, Instant::now());
        let was = was.ok_or_else(|| BadUsers::Unknown(name.to_owned()))?;
        let restore = |name: &str, users: &mut Users| users.put_back(name, was);
        self.edit(by.map(|by| &*by.name), name, restore).await
    }

    /// Fails before anything is read or written in vain.
    fn check_known(&self, name: &str) -> Result<(), BadUsers> {
        let is_known = self.known.users().get(name).is_some();
        is_known.then_some(()).ok_or_else(|| BadUsers::Unknown(name.to_owned()))
    }

    /// Changes the users, and sees the change at once. `by` did it on the wall.
    pub(super) async fn edit(
        &self,
        by: Option<&str>,
        name: &str,
        change: impl FnOnce(&str, &mut Users) -> Result<(), BadUsers> + Send + 'static,
    ) -> Result<(), BadUsers> {
        let nowhere = || BadUsers::Io {
            path: PathBuf::from("the folder of the users"),
            error: std::io::ErrorKind::NotFound.into(),
        };
        let folder = self.known.folder().map(Path::to_owned).ok_or_else(nowhere)?;
        let (whom, by, authors) = (name.to_owned(), by.map(str::to_owned), self.authors.clone());
        let edit = move || {
            Users::edit(&folder, |users| {
                let before = users.are_kept_always();
                change(&whom, users)?;
                if users.are_kept_always() < before {
                    return Err(BadUsers::LastAdmin(whom));
                }
                // Before the change is seen.
                if let Some(by) = by {
                    let author = Author { by, made: users.get(&whom).cloned() };
                    authors.lock().unwrap_or_else(PoisonError::into_inner).insert(whom, author);
                }
                Ok(())
            })
        };
        let edited = spawn_blocking(edit).await.unwrap_or_else(|_| Err(nowhere()));
        if edited.is_ok() {
            self.known.read_again().await;
        }
        edited
    }
}
