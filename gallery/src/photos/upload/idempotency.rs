//! Idempotency keys of uploads: a repeated upload is recognised, and one key never stands for two
//! pictures (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! The store recognises the same bytes by itself, even after a restart, so no photo is stored twice
//! without this module. It may therefore remember little, and forget it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use wire::{PersonId, PhotoId};

use crate::limits::shares::Who;

/// The most clients that are remembered, pictures of each, and for how long.
const BRINGERS: usize = 200;
const PICTURES: usize = 200;
const FOR: Duration = Duration::from_secs(24 * 3600);

/// The most characters of a key.
const LENGTH: usize = 255;

/// Who uploads pictures. Each has keys of their own, which nobody else can use or query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Bringer {
    Person(PersonId),
    /// Somebody without a name.
    Stranger(Who),
}

/// The hash of a client's key: all hashes have one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

/// A text that is not a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Idempotency-Key is not 1 to {LENGTH} visible characters of ASCII")]
pub(crate) struct BadKey;

impl Key {
    pub fn parse(header: &[u8]) -> Result<Key, BadKey> {
        let good = (1..=LENGTH).contains(&header.len()) && header.iter().all(u8::is_ascii_graphic);
        if good { Ok(Key(Sha256::digest(header).into())) } else { Err(BadKey) }
    }
}

/// A picture as its client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub bringer: Bringer,
    pub key: Key,
    /// Its index in the request, from 0.
    pub number: usize,
}

/// What is remembered of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing; from now on the name stands for these bytes.
    New,
    /// The name stands for the same bytes, which became this photo, if that is known already.
    Same(Option<PhotoId>),
    /// The name stands for other bytes.
    Other,
}

/// The recent names. A cheap handle.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<Bringer, Remembered>>>);

/// The pictures of one client, oldest first, and when it claimed last.
#[derive(Debug)]
struct Remembered {
    pictures: VecDeque<Picture>,
    last: Instant,
}

#[derive(Debug)]
struct Picture {
    key: Key,
    number: usize,
    since: Instant,
    /// The SHA-256 of the received bytes, in hex.
    arrived: String,
    photo: Option<PhotoId>,
}

impl Names {
    /// A client names these bytes.
    pub fn claim(&self, named: &Named, arrived: &str, now: Instant) -> Claim {
        let mut bringers = self.lock();
        bringers.retain(|_, remembered| now.duration_since(remembered.last) < FOR);
        if bringers.len() >= BRINGERS && !bringers.contains_key(&named.bringer) {
            let oldest = bringers.iter().min_by_key(|(_, remembered)| remembered.last);
            if let Some(oldest) = oldest.map(|(bringer, _)| bringer.clone()) {
                bringers.remove(&oldest);
            }
        }
        let remembered = bringers
            .entry(named.bringer.clone())
            .or_insert_with(|| Remembered { pictures: VecDeque::new(), last: now });
        remembered.last = now;
        let pictures = &mut remembered.pictures;
        pictures.retain(|picture| now.duration_since(picture.since) < FOR);
        if let Some(known) = find(pictures, named) {
            let same = known.arrived == arrived;
            return if same { Claim::Same(known.photo.clone()) } else { Claim::Other };
        }
        if pictures.len() >= PICTURES {
            pictures.pop_front();
        }
        let Named { key, number, .. } = *named;
        let arrived = arrived.to_owned();
        pictures.push_back(Picture { key, number, since: now, arrived, photo: None });
        Claim::New
    }

    /// The picture with this name became this photo.
    pub fn stored(&self, named: &Named, photo: &PhotoId) {
        let mut bringers = self.lock();
        let remembered = bringers.get_mut(&named.bringer);
        if let Some(known) = remembered.and_then(|known| find(&mut known.pictures, named)) {
            known.photo = Some(photo.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bringer, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(pictures: &'a mut VecDeque<Picture>, named: &Named) -> Option<&'a mut Picture> {
    pictures.iter_mut().find(|known| known.key == named.key && known.number == named.number)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn named(address: u32, key: &str) -> Named {
        let bringer = Bringer::Stranger(Who::at(IpAddr::from(address.to_be_bytes())));
        Named { bringer, key: Key::parse(key.as_bytes()).unwrap(), number: 0 }
    }

    #[test]
    fn a_name_stands_for_one_picture_of_one_client() {
        let (names, now) = (Names::default(), Instant::now());
        let (mine, yours) = (named(1, "a"), named(2, "a"));
        let photo = PhotoId::new(1, 1);
        assert_eq!(names.claim(&mine, "x", now), Claim::New);
        assert_eq!(names.claim(&mine, "x", now), Claim::Same(None));
        names.stored(&mine, &photo);
        assert_eq!(names.claim(&mine, "x", now), Claim::Same(Some(photo)));
        assert_eq!(names.claim(&mine, "y", now), Claim::Other);
        assert_eq!(names.claim(&yours, "y", now), Claim::New);
        assert_eq!(names.claim(&Named { number: 1, ..mine.clone() }, "y", now), Claim::New);
        assert_eq!(names.claim(&mine, "y", now + FOR), Claim::New);
    }

    #[test]
    fn no_client_makes_others_forgotten_by_its_own_names() {
        let (names, now) = (Names::default(), Instant::now());
        let mine = named(1, "mine");
        names.claim(&mine, "x", now);
        for n in 0..PICTURES * 3 {
            names.claim(&named(2, &n.to_string()), "x", now);
        }
        assert_eq!(names.claim(&mine, "x", now), Claim::Same(None));
        assert_eq!(names.claim(&named(2, "0"), "x", now), Claim::New, "its own oldest went");
        for address in 0..3 * BRINGERS {
            let now = now + Duration::from_secs(1 + address as u64);
            names.claim(&named(10 + address as u32, "k"), "x", now);
        }
        assert!(names.lock().len() <= BRINGERS);
    }

    #[test]
    fn what_can_be_no_key_is_none() {
        assert!(Key::parse(b"\"8e03978e-40d5-43e8-bc93-6894a57f9324\"").is_ok());
        for bad in [&b""[..], b"a b", b"a\x00", "\u{e9}".as_bytes(), &[b'x'; LENGTH + 1]] {
            assert_eq!(Key::parse(bad), Err(BadKey), "{bad:?}");
        }
    }
}
