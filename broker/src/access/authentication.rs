//! Who somebody is, and what follows from it. Here passwords are checked and their tries counted;
//! what a role may do says [`crate::access::roles`].

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use reach::Networks;
use subtle::ConstantTimeEq;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep};
use tracing::{error, info};
use wire::Root;

use crate::access::attempts::Attempts;
use crate::access::identity::{Allowed, Identity};
use crate::access::local::Local;
use crate::access::passwords;
use crate::access::roles::{Grant, Role};
use crate::access::users::{self, BadUsers, Users};
use crate::protocol::packet::{Login, Reason, Refusal};

/// Passwords that are hashed at once. Each costs 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// Clients that may wait for that.
const WAITING: usize = 128;

/// How often the file of the users is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a wrong password waits for its answer.
const WRONG: Duration = Duration::from_secs(1);

/// What the door goes by, see [`crate::Section`].
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub root: Root,
    pub deny: Arc<[String]>,
    /// Whether strangers of the networks may come in while there are no users.
    pub open: bool,
    /// Nobody comes in from elsewhere.
    pub networks: Networks,
    /// What who has no user name may do when there are users.
    pub anonymous: Option<Role>,
    /// The broker's directory.
    pub folder: Option<PathBuf>,
}

/// The door of a broker.
pub(crate) struct Door {
    rules: Rules,
    local: Local,
    users: watch::Sender<Arc<Users>>,
    attempts: Attempts,
    known: Known,
    hashing: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A client that may come in.
#[derive(Debug)]
pub(crate) struct Guest {
    pub grant: Grant,
    pub identity: Arc<Identity>,
    users: watch::Receiver<Arc<Users>>,
}

impl Door {
    /// Reads what is in the broker's directory, or makes it.
    ///
    /// # Errors
    /// The directory cannot be used, or the file of the users holds something else.
    pub fn new(rules: Rules) -> Result<Door, BadUsers> {
        let (local, users) = match &rules.folder {
            Some(folder) => {
                let local = Local::in_folder(folder)
                    .map_err(|error| BadUsers::Io { path: folder.clone(), error })?;
                (local, Users::read(folder)?)
            }
            None => (Local::none(), Users::default()),
        };
        Ok(Door {
            rules,
            local,
            users: watch::Sender::new(Arc::new(users)),
            attempts: Attempts::default(),
            known: Known::new()
                .map_err(|error| BadUsers::Io { path: PathBuf::from("randomness"), error })?,
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
        })
    }

    /// From where clients may come.
    pub fn networks(&self) -> &Networks {
        &self.rules.networks
    }

    /// Whether there are users.
    pub fn has_users(&self) -> bool {
        !self.users.borrow().is_empty()
    }

    /// Finds out who a client is. It takes a second when the password is wrong.
    ///
    /// # Errors
    /// Why the client may not come in.
    pub async fn admit(
        self: &Arc<Door>,
        peer: IpAddr,
        login: Option<Login>,
    ) -> Result<Guest, Refusal> {
        let peer = peer.to_canonical();
        let users = self.users.subscribe();
        let list = users.borrow().clone();
        if let Some(Login { user, password }) = login {
            if peer.is_loopback()
                && let Some(role) = self.local.role(&password)
            {
                return Ok(self.guest(users, Identity::Local { name: user, role }));
            }
            // Without users, who sends a name is as welcome as who sends none.
            if !list.is_empty() {
                let user = self.check(peer, &list, user, password).await?;
                return Ok(self.guest(users, user));
            }
        }
        let allowed = self.allowed(peer, &list).ok_or_else(|| {
            let why = match list.is_empty() {
                true => "another machine comes in by a user (vitrina user add) or with broker.open",
                false => "no user name was given, and broker.anonymous is not set",
            };
            Refusal::new(Reason::NotAuthorized, why)
        })?;
        Ok(self.guest(users, Identity::Anonymous(allowed)))
    }

    /// Whether somebody who was let in would still be let in as it was.
    pub fn knows(&self, identity: &Identity) -> bool {
        identity.is_of(&self.users.borrow())
    }

    /// Waits until a guest would not be let in any more as it was.
    pub async fn revoked(&self, guest: &Guest) {
        let mut users = guest.users.clone();
        // The sender is of this door, so that it cannot be gone.
        let _ = users.wait_for(|users| !guest.identity.is_of(users)).await;
    }

    /// Reads the users again whenever their file has changed, for ever, and tells when they have
    /// changed. A file that is broken or has gone leaves the users as they were, for without them
    /// everybody could come in.
    pub async fn keep_users(&self, tell: impl Fn()) {
        let Some(folder) = &self.rules.folder else { return std::future::pending().await };
        let path = users::file_in(folder);
        let mut look = interval(LOOK_EVERY);
        let mut seen = stamp(&path);
        // What changed between the first reading and now is read as well.
        let mut is_first = true;
        loop {
            look.tick().await;
            // Aside, since a disk may take long.
            let path = path.clone();
            let Ok(now) = spawn_blocking(move || stamp(&path)).await else { continue };
            if now == seen && !is_first {
                continue;
            }
            (seen, is_first) = (now, false);
            let folder = folder.clone();
            let read = spawn_blocking(move || Users::read(&folder)).await;
            if read.is_ok_and(|read| self.take_users(read, seen.is_some())) {
                tell();
            }
        }
    }

    /// Says whether the users have changed.
    fn take_users(&self, read: Result<Users, BadUsers>, is_there: bool) -> bool {
        let had_some = self.has_users();
        match read {
            Ok(_) if !is_there && had_some => {
                error!("the file of the users has gone; those that were in it stay as they were");
                false
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
                    info!(users = count, "the users have changed");
                }
                is_changed
            }
            Err(error) => {
                error!(%error, "the users stay as they were");
                false
            }
        }
    }

    fn guest(&self, users: watch::Receiver<Arc<Users>>, identity: Identity) -> Guest {
        let Rules { root, deny, .. } = &self.rules;
        let grant = match &identity {
            Identity::Local { name, role } | Identity::User { name, role, .. } => {
                Grant::of(*role, name, root, deny.clone())
            }
            Identity::Anonymous(Allowed::As(role)) => Grant::of(*role, "", root, deny.clone()),
            Identity::Anonymous(Allowed::Everything) => Grant::everything(deny.clone()),
        };
        Guest { grant, identity: Arc::new(identity), users }
    }

    /// What somebody without a user name may do.
    fn allowed(&self, peer: IpAddr, users: &Users) -> Option<Allowed> {
        if users.is_empty() {
            (self.rules.open || peer.is_loopback()).then_some(Allowed::Everything)
        } else {
            self.rules.anonymous.map(Allowed::As)
        }
    }

    async fn check(
        self: &Arc<Door>,
        peer: IpAddr,
        list: &Users,
        name: String,
        password: String,
    ) -> Result<Identity, Refusal> {
        let counted = Some(name.as_str()).filter(|name| users::is_user_name(name));
        if !self.attempts.take(peer, counted, Instant::now()) {
            sleep(WRONG).await;
            let why = "too many wrong passwords: none is tried for a while";
            return Err(Refusal::new(Reason::BadLogin, why));
        }
        let user = counted.and_then(|name| list.get(name));
        let hash = user.map_or(passwords::NOBODY, |user| &user.password);
        let is_right = self.is_right(&name, password, hash).await?;
        match user {
            Some(user) if is_right => {
                self.attempts.give_back(peer, Some(&name), Instant::now());
                Ok(Identity::User { role: user.role, hash: user.password.clone(), name })
            }
            _ => {
                sleep(WRONG).await;
                Err(Refusal::new(Reason::BadLogin, "a wrong user name or password"))
            }
        }
    }

    async fn is_right(
        self: &Arc<Door>,
        name: &str,
        password: String,
        hash: &str,
    ) -> Result<bool, Refusal> {
        let busy = || Refusal::new(Reason::ServerBusy, "too many passwords are being checked");
        if self.known.has(name, &password, hash) {
            return Ok(true);
        }
        let Some(_place) = Place::take(&self.waiting) else { return Err(busy()) };
        let Ok(permit) = self.hashing.clone().acquire_owned().await else {
            return Err(busy());
        };
        // Another connection of this user may have been before us.
        if self.known.has(name, &password, hash) {
            return Ok(true);
        }
        let (door, name, hash) = (self.clone(), name.to_owned(), hash.to_owned());
        // Goes on when the client has gone, so that it finds its password known when it returns.
        let hashed = spawn_blocking(move || {
            let is_right = passwords::verify(&password, &hash);
            if is_right {
                door.known.put(&name, &password, &hash);
            }
            drop(permit);
            is_right
        });
        hashed.await.map_err(|_| busy())
    }
}

/// A place among those who wait.
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

/// Passwords that were found right, as keyed hashes of which the key is in memory only: one for
/// each user at most.
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

    fn has(&self, name: &str, password: &str, hash: &str) -> bool {
        let digest = self.digest(name, password, hash);
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.get(name).is_some_and(|known| known.ct_eq(&digest).into())
    }

    fn put(&self, name: &str, password: &str, hash: &str) {
        let digest = self.digest(name, password, hash);
        self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), digest);
    }

    fn forget(&self) {
        self.right.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Of the hash as well, so that what was right before a change is not right after it.
    fn digest(&self, name: &str, password: &str, hash: &str) -> [u8; 32] {
        let mut mac = Blake2sMac256::new((&self.key).into());
        for part in [name, hash, password] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// By what a changed file is known.
fn stamp(path: &Path) -> Option<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len(), file.ino()))
}
