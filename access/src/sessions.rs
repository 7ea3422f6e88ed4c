//! Who is logged in, and on which devices. Pure: it reads no clock and no file; `folder` keeps it on
//! the disk.
//!
//! A browser holds a token of 256 random bits. Here is only the token's hash, so whoever reads the
//! file can log in as nobody. A slow hash is of no use: such a token cannot be guessed.

pub(crate) mod folder;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use base64ct::{Base64UrlUnpadded, Encoding};
use blake2::{Blake2s256, Digest};
use serde::{Deserialize, Serialize};

/// The most devices of one user; another one ends the session that was used longest ago.
pub(crate) const DEVICES: usize = 64;

/// How long an unused session lasts, in milliseconds.
pub(crate) const LIFE: u64 = 90 * 24 * 60 * 60 * 1000;

/// How exactly it is known when a session was used last, in milliseconds: each change is written.
const SEEN_EVERY: u64 = 15 * 60 * 1000;

/// What a browser holds. It proves who somebody is, so it stands in no log and no file.
pub struct Token([u8; 32]);

/// The hash of a token, by which its session is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

/// The password that a session began with, as a hash of its stored hash: with another password the
/// session is over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Began(String);

/// A device where somebody is logged in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// The name of the user.
    pub user: String,
    pub began: Began,
    /// The same with the password that the user is being given on this very device.
    #[serde(skip)]
    pub next: Option<Began>,
    /// Whether the login came over TLS: its token counts only there.
    pub secure: bool,
    /// When it began and when it was last used, in milliseconds since 1970.
    pub since: u64,
    pub seen: u64,
    /// What the device is called, such as "Firefox on Linux".
    pub device: String,
    /// Where it was last used.
    pub address: IpAddr,
}

/// All sessions.
#[derive(Default)]
pub(crate) struct Sessions {
    all: HashMap<Key, Session>,
    /// Whether something is not written yet.
    pub is_changed: bool,
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub(crate) fn new() -> std::io::Result<Token> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Token(bytes))
    }

    /// As the browser holds it: 43 letters, digits, `-` and `_`.
    pub fn text(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl Key {
    /// The hash of what a browser sent; `None` if that is no token.
    pub fn of(text: &str) -> Option<Key> {
        let mut bytes = [0; 32];
        let token = Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        (token.len() == 32).then(|| Key(Blake2s256::digest(token).into()))
    }

    /// The session's public name: enough of the hash to be the only one, and nothing of the token.
    pub fn id(&self) -> String {
        self.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn text(self) -> String {
        Base64UrlUnpadded::encode_string(&self.0)
    }

    fn parse(text: &str) -> Option<Key> {
        let mut bytes = [0; 32];
        let length = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
        (length == 32).then_some(Key(bytes))
    }
}

impl Began {
    /// With the password that has this stored hash.
    pub fn with(hash: &str) -> Began {
        Began(Base64UrlUnpadded::encode_string(&Blake2s256::digest(hash.as_bytes())))
    }
}

impl Session {
    fn is_over(&self, now: u64) -> bool {
        now.saturating_sub(self.seen) > LIFE
    }

    /// Whether it began with this password, or the user is being given it here.
    pub fn began_with(&self, hash: &str) -> bool {
        let with = Began::with(hash);
        self.began == with || self.next.as_ref() == Some(&with)
    }
}

impl Sessions {
    /// Begins a session. Those that are over go, and so does the one that its user used longest
    /// ago, if there are too many.
    pub fn begin(&mut self, token: &Token, session: Session, now: u64) -> Key {
        self.keep(|session| !session.is_over(now));
        while self.of(&session.user).count() >= DEVICES {
            let oldest = self.of(&session.user).min_by_key(|(_, session)| session.seen);
            let Some(key) = oldest.map(|(key, _)| *key) else { break };
            self.all.remove(&key);
        }
        let key = Key(Blake2s256::digest(token.0).into());
        self.all.insert(key, session);
        self.is_changed = true;
        key
    }

    /// The session of a token that is used now, unless it is over.
    pub fn get(&self, key: &Key, now: u64) -> Option<&Session> {
        self.all.get(key).filter(|session| !session.is_over(now))
    }

    /// A session is used now, from this address, which alone is not worth writing.
    pub fn touch(&mut self, key: &Key, address: IpAddr, now: u64) {
        let Some(session) = self.all.get_mut(key) else { return };
        session.address = address;
        // A machine without a clock of its own starts in the past: going back with it would end the
        // session once the clock is right.
        if now.saturating_sub(session.seen) >= SEEN_EVERY {
            session.seen = now;
            self.is_changed = true;
        }
    }

    /// The session with this key, to change it.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Session> {
        self.is_changed = true;
        self.all.get_mut(key)
    }

    /// Ends a session, and returns it.
    pub fn end(&mut self, key: &Key) -> Option<Session> {
        let ended = self.all.remove(key);
        self.is_changed |= ended.is_some();
        ended
    }

    /// Ends those that `is_good` does not hold for, and returns them.
    pub fn keep(&mut self, is_good: impl Fn(&Session) -> bool) -> Vec<Session> {
        let ended: Vec<Session> =
            self.all.extract_if(|_, session| !is_good(session)).map(|(_, ended)| ended).collect();
        self.is_changed |= !ended.is_empty();
        ended
    }

    /// The sessions of a user.
    pub fn of(&self, user: &str) -> impl Iterator<Item = (&Key, &Session)> {
        self.all.iter().filter(move |(_, session)| session.user == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const DAY: u64 = 24 * 60 * 60 * 1000;

    fn session(user: &str, seen: u64) -> Session {
        Session {
            user: user.to_owned(),
            began: Began::with("hash"),
            next: None,
            secure: false,
            since: seen,
            seen,
            device: "Firefox on Linux".to_owned(),
            address: HERE,
        }
    }

    fn begin(sessions: &mut Sessions, user: &str, now: u64) -> (Token, Key) {
        let token = Token::new().unwrap();
        let key = sessions.begin(&token, session(user, now), now);
        (token, key)
    }

    #[test]
    fn a_token_leads_to_its_session_and_to_no_other() {
        let mut sessions = Sessions::default();
        let (ana, ana_key) = begin(&mut sessions, "ana", 0);
        let (leo, _) = begin(&mut sessions, "leo", 0);
        assert_eq!(ana.text().len(), 43);
        assert_ne!(ana.text(), leo.text());
        let key = Key::of(&ana.text()).unwrap();
        assert_eq!(key, ana_key);
        assert_eq!(sessions.get(&key, 1).unwrap().user, "ana");
        assert!(!format!("{ana:?} {key:?}").contains(&ana.text()[..8]), "not even in a log");
        for bad in ["", "a", &ana.text()[1..], &format!("{}A", ana.text()), &"=".repeat(43)] {
            assert!(Key::of(bad).is_none(), "{bad}");
        }
        assert!(sessions.get(&Key::of(&Token::new().unwrap().text()).unwrap(), 1).is_none());
        sessions.end(&key).unwrap();
        assert!(sessions.get(&key, 1).is_none() && sessions.end(&key).is_none());
    }

    #[test]
    fn a_session_lasts_as_long_as_it_is_used() {
        let mut sessions = Sessions::default();
        let (_, key) = begin(&mut sessions, "ana", 0);
        for day in [80, 160, 240] {
            assert!(sessions.get(&key, day * DAY).is_some(), "{day}");
            sessions.touch(&key, HERE, day * DAY);
        }
        assert!(sessions.get(&key, 329 * DAY).is_some());
        assert!(sessions.get(&key, 331 * DAY).is_none());
        begin(&mut sessions, "leo", 331 * DAY);
        assert_eq!(sessions.of("ana").count(), 0, "it is not kept either");
    }

    #[test]
    fn not_each_use_and_place_is_written() {
        let mut sessions = Sessions::default();
        let (_, key) = begin(&mut sessions, "ana", DAY);
        sessions.is_changed = false;
        sessions.touch(&key, HERE, DAY + 60_000);
        assert!(!sessions.is_changed);
        sessions.touch(&key, THERE, DAY + 60_000);
        assert!(!sessions.is_changed);
        assert_eq!(sessions.get(&key, DAY).unwrap().address, THERE);
        sessions.touch(&key, THERE, DAY + SEEN_EVERY);
        assert!(sessions.is_changed);
    }

    #[test]
    fn a_start_with_a_clock_in_the_past_ends_nothing() {
        let mut sessions = Sessions::default();
        let (_, key) = begin(&mut sessions, "ana", 200 * DAY);
        sessions.touch(&key, HERE, 0);
        assert!(sessions.get(&key, 201 * DAY).is_some());
    }

    #[test]
    fn the_devices_of_a_user_are_bounded_and_those_of_others_stay() {
        let mut sessions = Sessions::default();
        let (_, other) = begin(&mut sessions, "leo", 0);
        let (_, oldest) = begin(&mut sessions, "ana", 1);
        let (_, second) = begin(&mut sessions, "ana", 2);
        for n in 0..DEVICES as u64 - 1 {
            begin(&mut sessions, "ana", 3 + n);
        }
        assert_eq!(sessions.of("ana").count(), DEVICES);
        assert!(sessions.get(&oldest, 100).is_none());
        assert!(sessions.get(&second, 100).is_some() && sessions.get(&other, 100).is_some());
    }

    #[test]
    fn a_session_belongs_to_the_password_it_began_with() {
        let mut one = session("ana", 0);
        assert!(one.began_with("hash") && !one.began_with("other"));
        one.next = Some(Began::with("other"));
        assert!(one.began_with("hash") && one.began_with("other") && !one.began_with("third"));
    }
}
