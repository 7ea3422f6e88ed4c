//! Identifies a user by name and password. It checks passwords and counts the tries; the caller
//! decides what follows.

mod attempts;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep};
use tracing::{error, info};

use crate::identity::Identity;
use crate::users::folder::Stamp;
use crate::users::local::Local;
use crate::users::{self, BadUsers, User, Users, passwords};
use attempts::Attempts;

/// Passwords that are hashed at once. Each takes 19 MiB and one processor.
const AT_ONCE: usize = 2;

/// Clients that may wait for a hash.
const WAITING: usize = 128;

/// How often the users' file is checked for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a wrong password waits for its answer.
const WRONG: Duration = Duration::from_secs(1);

/// The known users and credentials.
pub struct Authentication {
    folder: Option<PathBuf>,
    local: Local,
    users: watch::Sender<Arc<Users>>,
    attempts: Attempts,
    known: Known,
    hashing: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// The one that reads the users' file again.
    keeping: Semaphore,
}

/// Why a name and a password identify nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no such user, or the password is wrong; the answer does not say which.
    Wrong,
    /// Too many tries: not even the right password is checked.
    TooMany,
    /// Too many others wait; the client may try again.
    Busy,
}

impl Denied {
    /// The reason in words.
    pub fn why(self) -> &'static str {
        match self {
            Denied::Wrong => "a wrong user name or password",
            Denied::TooMany => "too many wrong passwords: wait a minute before the next try",
            Denied::Busy => "too many passwords are being checked",
        }
    }
}

impl Authentication {
    /// Reads the broker's directory, or makes its files. Without a directory nobody is known.
    ///
    /// # Errors
    /// The directory cannot be used, or the users' file is not valid.
    pub fn new(folder: Option<PathBuf>) -> Result<Authentication, BadUsers> {
        let local = match &folder {
            Some(folder) => Local::in_folder(folder)
                .map_err(|error| BadUsers::Io { path: folder.clone(), error })?,
            None => Local::none(),
        };
        Authentication::with(local, folder)
    }

    /// The same without a broker, whose parts of this machine would need passwords.
    ///
    /// # Errors
    /// The users' file cannot be read or is not valid.
    pub fn of_users(folder: PathBuf) -> Result<Authentication, BadUsers> {
        Authentication::with(Local::none(), Some(folder))
    }

    fn with(local: Local, folder: Option<PathBuf>) -> Result<Authentication, BadUsers> {
        let users = folder.as_deref().map_or_else(|| Ok(Users::default()), Users::read)?;
        Ok(Authentication {
            folder,
            local,
            users: watch::Sender::new(Arc::new(users)),
            attempts: Attempts::default(),
            known: Known::new()
                .map_err(|error| BadUsers::Io { path: PathBuf::from("randomness"), error })?,
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
            keeping: Semaphore::new(1),
        })
    }

    /// Whether there are users.
    pub fn has_users(&self) -> bool {
        !self.users.borrow().is_empty()
    }

    /// Identifies a client. `None` if there are no users: then a client with a name is treated like
    /// one without. A wrong password takes a second.
    ///
    /// # Errors
    /// `Denied` says why.
    pub async fn identify(
        self: &Arc<Authentication>,
        peer: IpAddr,
        name: String,
        password: Vec<u8>,
    ) -> Result<Option<Identity>, Denied> {
        let peer = peer.to_canonical();
        if peer.is_loopback()
            && let Some(role) = self.local.role(&password)
        {
            return Ok(Some(Identity::Local { name, role }));
        }
        let list = self.users.borrow().clone();
        match list.is_empty() {
            true => Ok(None),
            false => self.check(peer, &list, name, password, User::may_connect).await.map(Some),
        }
    }

    /// Identifies a person, who can log in on the wall. It costs what [`Authentication::identify`]
    /// costs, and both take from the same tries.
    ///
    /// # Errors
    /// `Denied` says why.
    pub(crate) async fn person(
        self: &Arc<Authentication>,
        peer: IpAddr,
        name: String,
        password: String,
    ) -> Result<Identity, Denied> {
        let list = self.users.borrow().clone();
        let is_person = |user: &User| user.role.is_person();
        self.check(peer.to_canonical(), &list, name, password.into_bytes(), is_person).await
    }

    /// Checks a secret that is no user's password; each wrong one costs a try of the address.
    ///
    /// # Errors
    /// `Denied` says why.
    pub(crate) async fn secret(&self, peer: IpAddr, is_right: bool) -> Result<(), Denied> {
        let peer = peer.to_canonical();
        if !self.attempts.take(peer, None, Instant::now()) {
            sleep(WRONG).await;
            return Err(Denied::TooMany);
        }
        if is_right {
            self.attempts.give_back(peer, None, Instant::now());
            return Ok(());
        }
        sleep(WRONG).await;
        Err(Denied::Wrong)
    }

    /// Keeps every password waiting, until this is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_hashing(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.hashing.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap()
    }

    /// How long until an address has another try for a user.
    pub(crate) fn wait(&self, peer: IpAddr, name: &str) -> Duration {
        let counted = Some(name).filter(|name| users::is_user_name(name));
        self.attempts.wait(peer.to_canonical(), counted, Instant::now())
    }

    /// The folder of the users.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The users now.
    pub(crate) fn users(&self) -> Arc<Users> {
        self.users.borrow().clone()
    }

    /// The users whenever they change.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Users>> {
        self.users.subscribe()
    }

    /// Whether a client that was let in would be let in again with the same identity.
    pub fn knows(&self, identity: &Identity) -> bool {
        identity.is_of(&self.users.borrow())
    }

    /// Waits until a client would no longer be let in with the same identity.
    pub async fn revoked(&self, identity: &Identity) {
        let mut users = self.users.subscribe();
        // The sender belongs to `self`, so it still exists.
        let _ = users.wait_for(|users| !identity.is_of(users)).await;
    }

    /// Reads the users again whenever their file changes, and calls `tell` when they changed. Never
    /// ends. A broken or missing file leaves the users as they were, because without users
    /// everybody could come in.
    pub async fn keep_users(&self, tell: impl Fn()) {
        let mut users = self.users.subscribe();
        let telling = async {
            // The sender belongs to `self`, so it still exists.
            while users.changed().await.is_ok() {
                tell();
            }
        };
        tokio::join!(self.keep_file(), telling);
    }

    async fn keep_file(&self) {
        let Some(folder) = &self.folder else { return };
        // Broker and gallery of one process both keep them: one reads, and after its end the other.
        let Ok(_reader) = self.keeping.acquire().await else { return };
        let mut look = interval(LOOK_EVERY);
        let mut seen = Stamp::of_users(folder);
        // A change between the first reading and now is read as well.
        let mut is_first = true;
        loop {
            look.tick().await;
            // On another thread, because a disk may be slow.
            let path = folder.clone();
            let stamped = spawn_blocking(move || Stamp::of_users(&path));
            let Ok(now) = stamped.await else { continue };
            if now == seen && !is_first {
                continue;
            }
            (seen, is_first) = (now, false);
            self.read_again().await;
        }
    }

    /// Reads the users again, after a change.
    pub(crate) async fn read_again(&self) {
        let Some(folder) = self.folder.clone() else { return };
        let read = move || (Users::read(&folder), Stamp::of_users(&folder).is_some());
        if let Ok((read, is_there)) = spawn_blocking(read).await {
            self.take_users(read, is_there);
        }
    }

    fn take_users(&self, read: Result<Users, BadUsers>, is_there: bool) {
        let had_some = self.has_users();
        match read {
            Ok(_) if !is_there && had_some => {
                error!("the file of the users is gone; its users stay valid until this restarts");
            }
            Ok(users) => {
                let count = users.iter().count();
                let is_changed = self.users.send_if_modified(|old| {
                    let is_changed = **old != users;
                    *old = Arc::new(users);
                    is_changed
                });
                if is_changed {
                    self.known.forget();
                    info!(users = count, "read the changed users");
                }
            }
            Err(error) => {
                error!(%error, "the file of the users cannot be used; the users stay as they were");
            }
        }
    }

    async fn check(
        self: &Arc<Authentication>,
        peer: IpAddr,
        list: &Users,
        name: String,
        password: Vec<u8>,
        admits: impl Fn(&User) -> bool,
    ) -> Result<Identity, Denied> {
        let counted = Some(name.as_str()).filter(|name| users::is_user_name(name));
        if !self.attempts.take(peer, counted, Instant::now()) {
            sleep(WRONG).await;
            return Err(Denied::TooMany);
        }
        // Others cost as much as those that do not exist, and are not told from them.
        let user = counted.and_then(|name| list.get(name)).filter(|user| admits(user));
        let hash = user.map_or(passwords::NOBODY, |user| &user.password);
        let is_right = self.is_right(&name, password, hash).await?;
        match user {
            Some(user) if is_right => {
                self.attempts.give_back(peer, Some(&name), Instant::now());
                Ok(Identity::User { role: user.role, hash: user.password.clone(), name })
            }
            _ => {
                sleep(WRONG).await;
                Err(Denied::Wrong)
            }
        }
    }

    async fn is_right(
        self: &Arc<Authentication>,
        name: &str,
        password: Vec<u8>,
        hash: &str,
    ) -> Result<bool, Denied> {
        if self.known.has(name, &password, hash) {
            return Ok(true);
        }
        let Some(_place) = Place::take(&self.waiting) else { return Err(Denied::Busy) };
        let Ok(permit) = self.hashing.clone().acquire_owned().await else {
            return Err(Denied::Busy);
        };
        // Another connection of this user may have been checked meanwhile.
        if self.known.has(name, &password, hash) {
            return Ok(true);
        }
        let (all, name, hash) = (self.clone(), name.to_owned(), hash.to_owned());
        // Goes on after the client has gone, so that its password is known when it returns.
        let hashed = spawn_blocking(move || {
            let is_right = passwords::verify(&password, &hash);
            if is_right {
                all.known.put(&name, &password, &hash);
            }
            drop(permit);
            is_right
        });
        hashed.await.map_err(|_| Denied::Busy)
    }
}

/// A place in the queue of waiting clients.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(waiting: &AtomicUsize) -> Option<Place<'_>> {
        let place = Place(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Passwords that were right, at most one for each user: keyed hashes, with the key in memory only.
struct Known {
    key: [u8; 32],
    right: Mutex<HashMap<String, [u8; 32]>>,
}

impl Known {
    fn new() -> io::Result<Known> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        Ok(Known { key, right: Mutex::default() })
    }

    fn has(&self, name: &str, password: &[u8], hash: &str) -> bool {
        let digest = self.digest(name, password, hash);
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.get(name).is_some_and(|known| known.ct_eq(&digest).into())
    }

    fn put(&self, name: &str, password: &[u8], hash: &str) {
        let digest = self.digest(name, password, hash);
        self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), digest);
    }

    fn forget(&self) {
        self.right.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Includes the stored hash, so that an old password is not right after a change.
    fn digest(&self, name: &str, password: &[u8], hash: &str) -> [u8; 32] {
        let mut mac = Blake2sMac256::new((&self.key).into());
        for part in [name.as_bytes(), hash.as_bytes(), password] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
