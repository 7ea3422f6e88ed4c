//! Limits the password attempts of one address, and of one user at one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quota::{Bucket, Rate, network};

/// Tries of one address. Many nodes may share an address and connect at the same moment.
const OF_ADDRESS: Rate = Rate { burst: 128.0, per_second: 1.0 / 3.0 };

/// Tries of one user at one address. A client that repeats a wrong password does not use up the
/// tries of its neighbours.
const OF_USER: Rate = Rate { burst: 10.0, per_second: 0.1 };

/// The most addresses, and users at addresses, that are remembered.
const REMEMBERED: usize = 4096;

/// The tries that are left. Unlike [`quota::Buckets`] this refuses nobody when it is full, because
/// then a client with many addresses could keep everybody out.
#[derive(Debug)]
pub(crate) struct Attempts {
    start: Instant,
    left: Mutex<HashMap<Key, Bucket>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    user: Option<Box<str>>,
}

impl Default for Attempts {
    fn default() -> Self {
        Attempts { start: Instant::now(), left: Mutex::default() }
    }
}

impl Attempts {
    /// Takes a try, or says that none is left. A name that no user can have is not counted.
    pub fn take(&self, address: IpAddr, user: Option<&str>, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.start);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let has_try = |key: Key| left.get(&key).is_none_or(|bucket| bucket.left(now) >= 1.0);
        keys(address, user).all(has_try)
            && keys(address, user).all(|key| bucket(&mut left, key, now).take(now).is_ok())
    }

    /// How long until there is a try.
    pub fn wait(&self, address: IpAddr, user: Option<&str>, now: Instant) -> Duration {
        let now = now.saturating_duration_since(self.start);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys(address, user).filter_map(|key| Some(left.get(&key)?.wait(now)));
        waits.max().unwrap_or_default()
    }

    /// Gives a try back, because the password was right.
    pub fn give_back(&self, address: IpAddr, user: Option<&str>, now: Instant) {
        let now = now.saturating_duration_since(self.start);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(address, user) {
            bucket(&mut left, key, now).give_back(now);
        }
    }
}

impl Key {
    fn rate(&self) -> Rate {
        if self.user.is_some() { OF_USER } else { OF_ADDRESS }
    }
}

fn keys(address: IpAddr, user: Option<&str>) -> impl Iterator<Item = Key> {
    let address = network(address);
    let of_user = user.map(|user| Key { address, user: Some(user.into()) });
    [Key { address, user: None }].into_iter().chain(of_user)
}

fn bucket(left: &mut HashMap<Key, Bucket>, key: Key, now: Duration) -> &mut Bucket {
    if left.len() >= REMEMBERED && !left.contains_key(&key) {
        make_room(left, now);
    }
    let rate = key.rate();
    left.entry(key).or_insert_with(|| Bucket::new(rate))
}

/// Forgets those who have all their tries again; if there are none, the one with the most left.
fn make_room(left: &mut HashMap<Key, Bucket>, now: Duration) {
    left.retain(|_, bucket| !bucket.is_full(now));
    if left.len() >= REMEMBERED {
        let missing = |(key, bucket): &(&Key, &Bucket)| key.rate().burst - bucket.left(now);
        let least = left.iter().min_by(|a, b| missing(a).total_cmp(&missing(b)));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            left.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

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
        let wait = attempts.wait(HERE, Some("ada"), now + Duration::from_secs(21));
        assert!((8.0..10.0).contains(&wait.as_secs_f32()), "{wait:?}");
        assert_eq!(attempts.wait(HERE, Some("eve"), now), Duration::ZERO);
        for n in 0..1000 {
            attempts.take(HERE, Some(&n.to_string()), now);
        }
        assert_eq!(taken(&attempts, HERE, "eve", now), 0, "the address has used up all of its own");
        assert_eq!(taken(&attempts, THERE, "eve", now), 10);
    }

    #[test]
    fn ten_thousand_guesses_are_few_tries() {
        for (addresses, most) in [(1, 11), (200, 2200)] {
            let (attempts, start) = (Attempts::default(), Instant::now());
            let tried = (0..10_000_u32).filter(|n| {
                let address = IpAddr::from([10, 1, 0, (n % addresses) as u8]);
                // All of them within ten seconds.
                attempts.take(address, Some("ada"), start + Duration::from_millis(u64::from(*n)))
            });
            let tried = tried.count();
            assert!((most / 2..=most).contains(&tried), "{tried} from {addresses}");
            assert!(attempts.take(THERE, Some("ada"), start), "and she herself comes in");
        }
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
