//! Limits the password attempts of one address, and of one user at one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Tries that one address has at once, and seconds until it gets another. Many nodes may share an
/// address and connect at the same moment.
const OF_ADDRESS: Bucket = Bucket { tries: 128.0, seconds: 3.0 };

/// Tries that one user at one address has at once. A client that repeats a wrong password does not
/// use up the tries of its neighbours.
const OF_USER: Bucket = Bucket { tries: 10.0, seconds: 10.0 };

/// The most addresses, and users at addresses, that are remembered.
const REMEMBERED: usize = 4096;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tries: f64,
    seconds: f64,
}

/// The tries that are left.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    left: Mutex<HashMap<Key, Left>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    user: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    tries: f64,
    at: Instant,
}

impl Attempts {
    /// Takes a try, or says that none is left. A name that no user can have is not counted.
    pub fn take(&self, address: IpAddr, user: Option<&str>, now: Instant) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(address, user);
        let mut all = true;
        for (key, bucket) in &keys {
            all &= left.get(key).is_none_or(|l| l.now(*bucket, now) >= 1.0);
        }
        if all {
            for (key, bucket) in keys {
                change(&mut left, key, bucket, now, -1.0);
            }
        }
        all
    }

    /// Gives a try back, because the password was right.
    pub fn give_back(&self, address: IpAddr, user: Option<&str>, now: Instant) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, bucket) in keys(address, user) {
            change(&mut left, key, bucket, now, 1.0);
        }
    }
}

impl Left {
    fn now(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tries + since / bucket.seconds).min(bucket.tries)
    }
}

fn keys(address: IpAddr, user: Option<&str>) -> Vec<(Key, Bucket)> {
    let address = network(address);
    let of_user = user.map(|user| (Key { address, user: Some(user.into()) }, OF_USER));
    [(Key { address, user: None }, OF_ADDRESS)].into_iter().chain(of_user).collect()
}

fn change(left: &mut HashMap<Key, Left>, key: Key, bucket: Bucket, now: Instant, by: f64) {
    if left.len() >= REMEMBERED && !left.contains_key(&key) {
        make_room(left, now);
    }
    let l = left.entry(key).or_insert(Left { tries: bucket.tries, at: now });
    *l = Left { tries: (l.now(bucket, now) + by).min(bucket.tries), at: now };
}

/// Forgets those who have all their tries again; if there are none, the one with the most left.
fn make_room(left: &mut HashMap<Key, Left>, now: Instant) {
    let missing = |key: &Key, l: &Left| {
        let bucket = if key.user.is_some() { OF_USER } else { OF_ADDRESS };
        bucket.tries - l.now(bucket, now)
    };
    left.retain(|key, l| missing(key, l) > 0.0);
    if left.len() >= REMEMBERED {
        let least = left.iter().min_by(|a, b| missing(a.0, a.1).total_cmp(&missing(b.0, b.1)));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            left.remove(&key);
        }
    }
}

/// The first half of an IPv6 address, because one machine has all of the other half.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn taken(attempts: &Attempts, address: IpAddr, user: &str, now: Instant) -> usize {
        (0..1000).filter(|_| attempts.take(address, Some(user), now)).count()
    }

    #[test]
    fn tries_are_few_and_come_back_slowly() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        assert_eq!(taken(&attempts, HERE, "ada", now), 10);
        assert_eq!(taken(&attempts, HERE, "bob", now), 10, "another user has its own");
        assert_eq!(taken(&attempts, THERE, "ada", now), 10, "and another address");
        assert_eq!(taken(&attempts, HERE, "ada", now + Duration::from_secs(21)), 2);
        for n in 0..1000 {
            attempts.take(HERE, Some(&n.to_string()), now);
        }
        assert_eq!(taken(&attempts, HERE, "eve", now), 0, "the address has used up all of its own");
        assert_eq!(taken(&attempts, THERE, "eve", now), 10);
    }

    #[test]
    fn who_knows_the_password_loses_none() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..1000 {
            assert!(attempts.take(HERE, Some("ada"), now));
            attempts.give_back(HERE, Some("ada"), now);
        }
        assert_eq!(taken(&attempts, HERE, "ada", now), 10, "and gets no more than there are");
    }

    #[test]
    fn one_machine_is_one_address_and_memory_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let v6 = |n: u128| IpAddr::from(Ipv6Addr::from((0xfd00 << 112) + n));
        assert_eq!(taken(&attempts, v6(1), "ada", now), 10);
        assert_eq!(taken(&attempts, v6(2), "ada", now), 0);
        for n in 0..10_000 {
            attempts.take(v6(n << 64), None, now);
        }
        assert!(attempts.left.lock().unwrap().len() <= REMEMBERED);
        assert_eq!(taken(&attempts, v6(1), "ada", now), 0, "who tried most is remembered");
    }
}
