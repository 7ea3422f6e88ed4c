//! Logins on the wall: who somebody is by the token that their browser holds, how they get one, and
//! how they lose it; and how people are made, changed and removed there.
//!
//! A user who is removed, or has another password, is logged out everywhere at once, also where a
//! socket is open: whoever serves one waits for [`Changes`] and asks again. Reasons:
//! `docs/decisions/logins.md`.

mod guesses;
mod people;
mod removed;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{error, warn};
use wire::log::{Change, Event};

use crate::authentication::{Authentication, Denied};
use crate::identity::Identity;
use crate::rights::Visitors;
use crate::roles::Role;
use crate::sessions::{self, Began, Key, Session, Sessions, Token};
use crate::standing::{Person, Standing};
use crate::users::{self, BadUsers, User, Users, folder};
use guesses::Guesses;
use removed::Removed;

pub use people::{Listed, NewUser, UserChange};

/// How often hours may have begun or ended, for those who wait for [`Changes`].
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How often the sessions are written, if they were used, and the log is told of wrong passwords.
const TEND_EVERY: Duration = Duration::from_secs(5);

/// The rules for those who have no login.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules {
    /// Whether other machines may come in while nobody has a login.
    pub open: bool,
    /// What somebody without a login may do once people have some.
    pub visitors: Visitors,
}

/// From where, how and with what somebody comes.
#[derive(Debug, Clone)]
pub struct Comes {
    /// The address.
    pub peer: IpAddr,
    /// Whether TLS was used.
    pub is_secure: bool,
    /// Whether they are at this very machine, and come through no proxy.
    pub is_near: bool,
    /// What the device is called.
    pub device: String,
    /// What their browser held before as its tokens.
    pub before: Vec<String>,
}

/// Why somebody does not become the first administrator.
#[derive(Debug)]
pub enum NotSetUp {
    /// The address is not the one that the gallery gave, or was tried too often.
    Denied(Denied),
    /// There is somebody already, or the name or the password is not good.
    Bad(BadUsers),
}

/// A device where somebody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Names it, and is no secret.
    pub id: String,
    /// What it is called, such as "Firefox on Linux".
    pub name: String,
    /// Since when and until when it was used, in milliseconds since 1970; the second is true to a
    /// quarter of an hour.
    pub since: u64,
    /// See `since`.
    pub seen: u64,
    /// Where it was last used.
    pub address: IpAddr,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// All logins of a house.
pub struct Logins {
    known: Arc<Authentication>,
    rules: Rules,
    sessions: Arc<Mutex<Sessions>>,
    /// One writes the sessions at a time, and the last writes what is newest. It says whether the
    /// last one failed.
    writing: Arc<Mutex<bool>>,
    changed: watch::Sender<()>,
    /// Who on the wall made which user what it is, for the log.
    authors: Arc<Mutex<HashMap<String, Author>>>,
    removed: Mutex<Removed>,
    guesses: Mutex<Guesses>,
    start: Instant,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logins").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Who changed a user on the wall, and what they made it; none if they removed it.
struct Author {
    by: String,
    made: Option<User>,
}

/// Tells when somebody may have another standing than before.
#[derive(Debug)]
pub struct Changes {
    users: watch::Receiver<Arc<Users>>,
    sessions: watch::Receiver<()>,
    look: Interval,
}

impl Changes {
    /// Waits for the next change, or until a while has passed: hours begin and end by themselves.
    /// Safe to cancel.
    pub async fn next(&mut self) {
        let Changes { users, sessions, look } = self;
        tokio::select! {
            Ok(()) = users.changed() => {}
            Ok(()) = sessions.changed() => {}
            _ = look.tick() => {}
        }
    }
}

impl Logins {
    /// The logins of these users, with the sessions that lie beside them. `tell` is told what the
    /// log should have.
    pub fn new(
        known: Arc<Authentication>,
        rules: Rules,
        tell: impl Fn(Event) + Send + Sync + 'static,
    ) -> Logins {
        let read = known.folder().map_or_else(|| Ok(Sessions::default()), Sessions::read);
        let mut sessions = read.unwrap_or_else(|error| {
            error!(%error, "the sessions cannot be read; everybody has to log in again");
            Sessions::default()
        });
        let users = known.users();
        sessions.keep(|session| is_of(session, &users).is_some());
        Logins {
            known,
            rules,
            sessions: Arc::new(Mutex::new(sessions)),
            writing: Arc::default(),
            changed: watch::Sender::new(()),
            authors: Arc::default(),
            removed: Mutex::default(),
            guesses: Mutex::default(),
            start: Instant::now(),
            tell: Box::new(tell),
        }
    }

    /// What somebody without a login may do once people have some.
    pub fn visitors(&self) -> Visitors {
        self.rules.visitors
    }

    /// Whether people have logins here.
    pub fn have_people(&self) -> bool {
        self.known.users().have_people()
    }

    /// Who can change what others may do.
    pub fn administrators(&self) -> Vec<String> {
        self.known.users().administrators().map(str::to_owned).collect()
    }

    /// Tells of changes from now on.
    pub fn changes(&self) -> Changes {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        Changes { users: self.known.changes(), sessions: self.changed.subscribe(), look }
    }

    /// As what somebody comes whose browser holds these tokens. Another page of this host can give
    /// a browser a second one; if both are good, nobody knows which is theirs, and none counts.
    pub fn standing(&self, peer: IpAddr, is_secure: bool, tokens: &[String]) -> Standing {
        let mut people = tokens
            .iter()
            .filter_map(|token| Key::of(token).and_then(|key| self.person(peer, is_secure, key)));
        match (people.next(), people.next()) {
            (Some(person), None) => person,
            (Some(person), Some(same)) if person == same => person,
            _ => self.without_login(peer),
        }
    }

    /// Whether a token is that of somebody's session.
    pub fn is_of(&self, person: &Person, token: &str) -> bool {
        Key::of(token) == Some(person.key)
    }

    /// The same after a change; `None` if they were logged out.
    pub fn renewed(&self, peer: IpAddr, is_secure: bool, before: &Standing) -> Option<Standing> {
        match before {
            Standing::Person(person) => self.person(peer, is_secure, person.key),
            Standing::Open | Standing::Visitor => Some(self.without_login(peer)),
        }
    }

    fn without_login(&self, peer: IpAddr) -> Standing {
        let is_let_in = self.rules.open || peer.to_canonical().is_loopback();
        match self.have_people() || !is_let_in {
            true => Standing::Visitor,
            false => Standing::Open,
        }
    }

    fn person(&self, peer: IpAddr, is_secure: bool, key: Key) -> Option<Standing> {
        let (users, now) = (self.known.users(), now());
        let mut sessions = self.sessions();
        let session = sessions.get(&key, now).filter(|session| session.secure == is_secure)?;
        let user = is_of(session, &users)?;
        let (name, cameras) = (session.user.as_str().into(), user.cameras.clone());
        sessions.touch(&key, peer, now);
        Some(Standing::Person(Person { name, role: user.role, cameras, hours: user.hours, key }))
    }

    /// Logs somebody in, with a new token; the one before is over. A wrong password takes a second.
    ///
    /// # Errors
    /// `Denied` says why.
    pub async fn log_in(
        &self,
        comes: &Comes,
        name: String,
        password: String,
    ) -> Result<(Token, Standing), Denied> {
        match self.known.person(comes.peer, name, password).await {
            Ok(Identity::User { name, hash, .. }) => {
                self.begin(comes, name, &hash).await.ok_or(Denied::Busy)
            }
            Ok(Identity::Local { .. } | Identity::Anonymous(_)) => Err(Denied::Wrong),
            Err(denied) => {
                self.guessed(comes.peer, denied);
                Err(denied)
            }
        }
    }

    fn guessed(&self, peer: IpAddr, denied: Denied) {
        if denied != Denied::Busy {
            let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
            guesses.note(peer.to_canonical(), self.start.elapsed());
        }
    }

    /// How long until an address may try a name again.
    pub fn wait(&self, peer: IpAddr, name: &str) -> Duration {
        self.known.wait(peer, name)
    }

    async fn begin(&self, comes: &Comes, name: String, hash: &str) -> Option<(Token, Standing)> {
        let token = Token::new().inspect_err(|error| error!(%error, "nobody can log in")).ok()?;
        let now = now();
        let session = Session {
            user: name.clone(),
            began: Began::with(hash),
            next: None,
            secure: comes.is_secure,
            since: now,
            seen: now,
            device: comes.device.clone(),
            address: comes.peer,
        };
        let key = {
            let mut sessions = self.sessions();
            for before in comes.before.iter().filter_map(|token| Key::of(token)) {
                sessions.end(&before);
            }
            sessions.begin(&token, session, now)
        };
        self.write().await;
        self.changed.send_replace(());
        let (address, device) = (comes.peer, comes.device.clone());
        (self.tell)(Event::Login { name, address, device });
        // The user may have gone meanwhile.
        Some((token, self.person(comes.peer, comes.is_secure, key)?))
    }

    /// Logs somebody out where they are.
    pub async fn log_out(&self, person: &Person) {
        self.end(person, vec![person.key]).await;
    }

    /// The devices of somebody, the one used last first.
    pub fn devices(&self, person: &Person) -> Vec<Device> {
        let sessions = self.sessions();
        let mut devices: Vec<Device> = sessions
            .of(&person.name)
            .map(|(key, session)| Device {
                id: key.id(),
                name: session.device.clone(),
                since: session.since,
                seen: session.seen,
                address: session.address,
                current: *key == person.key,
            })
            .collect();
        devices.sort_by_key(|device| (!device.current, std::cmp::Reverse(device.seen)));
        devices
    }

    /// Logs somebody out on one of their devices, or on all others. Returns how many that were.
    pub async fn log_out_elsewhere(&self, person: &Person, id: Option<&str>) -> usize {
        let is_meant = |key: &Key| match id {
            Some(id) => key.id() == id,
            None => *key != person.key,
        };
        let keys: Vec<Key> = {
            let sessions = self.sessions();
            sessions.of(&person.name).map(|(key, _)| *key).filter(is_meant).collect()
        };
        self.end(person, keys).await
    }

    async fn end(&self, person: &Person, keys: Vec<Key>) -> usize {
        let count = {
            let mut sessions = self.sessions();
            keys.iter().filter_map(|key| sessions.end(key)).count()
        };
        if count > 0 {
            self.changed.send_replace(());
            (self.tell)(Event::Logout {
                name: person.name.to_string(),
                count: count as u64,
                by: None,
            });
            self.write().await;
        }
        count
    }

    /// Gives somebody another password, and logs them out everywhere else.
    ///
    /// # Errors
    /// The old one is wrong, or the new one is not good.
    pub async fn set_password(
        &self,
        peer: IpAddr,
        person: &Person,
        old: String,
        new: String,
    ) -> Result<Result<(), BadUsers>, Denied> {
        let name = person.name.to_string();
        if let Err(denied) = self.known.person(peer, name.clone(), old).await {
            self.guessed(peer, denied);
            return Err(denied);
        }
        let hashed = spawn_blocking(move || users::checked_hash(new.as_bytes())).await;
        let hash = match hashed {
            Ok(Ok(hash)) => hash,
            Ok(Err(bad)) => return Ok(Err(bad)),
            Err(_) => return Err(Denied::Busy),
        };
        // This very device stays.
        if let Some(session) = self.sessions().get_mut(&person.key) {
            session.next = Some(Began::with(&hash));
        }
        let changed = self
            .edit(Some(&name), &name, |name, users| {
                users.known(name)?.password = hash;
                Ok(())
            })
            .await;
        if let Some(session) = self.sessions().get_mut(&person.key)
            && let Some(next) = session.next.take()
            && changed.is_ok()
        {
            session.began = next;
        }
        self.write().await;
        Ok(changed)
    }

    /// Makes the first administrator, and logs them in: somebody at this very machine, or with the
    /// one-time address.
    ///
    /// # Errors
    /// [`NotSetUp`].
    pub async fn set_up(
        &self,
        comes: &Comes,
        token: Option<&str>,
        name: String,
        password: String,
    ) -> Result<(Token, Standing), NotSetUp> {
        if self.have_people() {
            return Err(NotSetUp::Bad(BadUsers::SetUp));
        }
        let is_right = match token {
            None => comes.is_near,
            Some(token) => {
                let folder = self.known.folder().map(PathBuf::from);
                let read = || folder::known_setup_token(&folder?).ok()?;
                let known = spawn_blocking(read).await.ok().flatten();
                known.is_some_and(|known| known.as_bytes().ct_eq(token.as_bytes()).into())
            }
        };
        if let Err(denied) = self.known.secret(comes.peer, is_right).await {
            self.guessed(comes.peer, denied);
            return Err(NotSetUp::Denied(denied));
        }
        let hash = self
            .edit(None, &name, move |name, users| {
                if users.have_people() {
                    return Err(BadUsers::SetUp);
                }
                users.add(name, Role::Admin, &password)
            })
            .await
            .map(|()| self.known.users().get(&name).map(|user| user.password.clone()));
        let hash = hash.map_err(NotSetUp::Bad)?.ok_or(NotSetUp::Denied(Denied::Busy))?;
        self.begin(comes, name, &hash).await.ok_or(NotSetUp::Denied(Denied::Busy))
    }

    /// The secret of the one-time address at which the first administrator is made; `None` if
    /// there is somebody.
    ///
    /// # Errors
    /// Its file cannot be read or written.
    pub fn setup_token(&self) -> std::io::Result<Option<String>> {
        match self.known.folder() {
            Some(folder) if !self.have_people() => folder::setup_token(folder).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads the users again when they change, ends the sessions of those who changed, tells the
    /// log, and writes when sessions were used. Never ends. Calls `beat` now and then.
    pub async fn keep(&self, beat: impl Fn()) {
        let mut users = self.known.changes();
        let mut before = self.known.users();
        let mut tend = interval(TEND_EVERY);
        let tending = async {
            self.after_setup().await;
            loop {
                tokio::select! {
                    Ok(()) = users.changed() => {
                        let now = users.borrow_and_update().clone();
                        self.compare(&before, &now).await;
                        before = now;
                    }
                    _ = tend.tick() => {
                        beat();
                        self.tell_guesses();
                        if self.sessions().is_changed {
                            self.write().await;
                        }
                    }
                }
            }
        };
        tokio::join!(self.known.keep_users(|| {}), tending);
    }

    /// The users have changed.
    async fn compare(&self, before: &Users, now: &Users) {
        let names = before.iter().chain(now.iter()).map(|(name, _)| name);
        let names: std::collections::BTreeSet<&str> = names.collect();
        for name in names {
            let (old, new) = (before.get(name), now.get(name));
            let Some(change) = change(old, new) else { continue };
            // What was changed elsewhere since then is not theirs.
            let author = self.authors().remove(name).filter(|it| it.made.as_ref() == new);
            let by = author.map(|author| author.by);
            let role = new.map(|user| user.role.to_string());
            (self.tell)(Event::User { name: name.to_owned(), role, change, by: by.clone() });
            let ended = self
                .sessions()
                .keep(|session| session.user != name || is_of(session, now).is_some());
            if !ended.is_empty() {
                let (name, count) = (name.to_owned(), ended.len() as u64);
                (self.tell)(Event::Logout { name, count, by });
            }
        }
        self.after_setup().await;
        if self.sessions().is_changed {
            self.write().await;
        }
    }

    /// Once there is somebody, the one-time address is gone.
    async fn after_setup(&self) {
        if let Some(folder) = self.known.folder().map(PathBuf::from).filter(|_| self.have_people())
        {
            let _ = spawn_blocking(move || folder::forget_setup_token(&folder)).await;
        }
    }

    fn tell_guesses(&self) {
        let told = {
            let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
            guesses.told(self.start.elapsed())
        };
        told.into_iter().for_each(|event| (self.tell)(event));
    }

    /// Writes the sessions. If that fails it is tried again until it succeeds: otherwise those that
    /// ended would be back after the next start, and those that began would not.
    async fn write(&self) {
        let Some(folder) = self.known.folder().map(PathBuf::from) else { return };
        let (sessions, writing) = (self.sessions.clone(), self.writing.clone());
        let written = spawn_blocking(move || {
            let mut has_failed = writing.lock().unwrap_or_else(PoisonError::into_inner);
            let text = {
                let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
                sessions.is_changed = false;
                sessions.text()
            };
            let written = sessions::folder::write(&folder, &text);
            let had_failed = std::mem::replace(&mut *has_failed, written.is_err());
            let Err(error) = written else { return };
            sessions.lock().unwrap_or_else(PoisonError::into_inner).is_changed = true;
            if !had_failed {
                warn!(%error, "cannot write who is logged in, and tries again; a start before that \
                               succeeds takes back who logged in or out meanwhile");
            }
        });
        let _ = written.await;
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn removed(&self) -> MutexGuard<'_, Removed> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authors(&self) -> MutexGuard<'_, HashMap<String, Author>> {
        self.authors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The user of a session, if they are still who began it.
fn is_of<'a>(session: &Session, users: &'a Users) -> Option<&'a User> {
    let user = users.get(&session.user)?;
    (user.role.is_person() && session.began_with(&user.password)).then_some(user)
}

/// What became of a user.
fn change(old: Option<&User>, new: Option<&User>) -> Option<Change> {
    match (old, new) {
        (None, Some(_)) => Some(Change::Made),
        (Some(_), None) => Some(Change::Removed),
        (Some(old), Some(new)) if old.password != new.password => Some(Change::Password),
        (Some(old), Some(new)) if old != new => Some(Change::Changed),
        _ => None,
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
