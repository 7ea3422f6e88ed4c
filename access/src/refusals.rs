//! Logs who was not let in, and why: once for each address and reason, so that the log explains a
//! missing client and no client can fill it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A refusal that continues is logged again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// The most addresses and reasons remembered at once; further ones are not logged.
const MOST: usize = 1024;

/// The most characters of a stranger's text that are logged: enough for the names of machines.
const BRIEF: usize = 64;

/// The refusals that were logged.
#[derive(Debug, Default)]
pub struct Refusals {
    said: Mutex<HashMap<(IpAddr, &'static str), Instant>>,
    /// All refusals.
    count: AtomicU64,
}

impl Refusals {
    /// How many refusals there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts a refusal, and says whether to log it now.
    pub fn is_news(&self, address: IpAddr, why: &'static str) -> bool {
        self.is_news_at(address, why, Instant::now())
    }

    fn is_news_at(&self, address: IpAddr, why: &'static str, now: Instant) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_canonical(), why);
        if said.get(&key).is_some_and(|at| now.duration_since(*at) < AGAIN_AFTER) {
            return false;
        }
        if said.len() >= MOST {
            said.retain(|_, at| now.duration_since(*at) < AGAIN_AFTER);
        }
        said.len() < MOST && said.insert(key, now).is_none_or(|at| at <= now)
    }
}

/// The beginning of a text that a stranger chose, such as a client id or a user name, for the log.
pub struct Brief<'a>(pub &'a str);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.chars();
        rest.by_ref().take(BRIEF).try_for_each(|c| write!(f, "{}", c.escape_debug()))?;
        if rest.next().is_some() { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_said_once_for_each_address_and_reason() {
        let refusals = Refusals::default();
        let now = Instant::now();
        let [one, other] = [1, 2].map(|n| IpAddr::from([10, 0, 0, n]));
        assert!(refusals.is_news_at(one, "a", now));
        assert!(!refusals.is_news_at(one, "a", now));
        assert!(refusals.is_news_at(one, "b", now));
        assert!(refusals.is_news_at(other, "a", now));
        assert!(refusals.is_news_at(one, "a", now + AGAIN_AFTER));
        assert_eq!(refusals.count(), 5, "also what was not said");
    }

    #[test]
    fn many_addresses_fill_neither_memory_nor_log() {
        let refusals = Refusals::default();
        let now = Instant::now();
        let said =
            (0..5000_u32).filter(|n| refusals.is_news_at(IpAddr::from(n.to_be_bytes()), "a", now));
        assert_eq!(said.count(), MOST);
        assert!(refusals.is_news_at(IpAddr::from([9, 9, 9, 9]), "a", now + AGAIN_AFTER));
    }

    #[test]
    fn a_long_name_is_logged_by_its_beginning() {
        assert_eq!(Brief("pi\n\u{1b}[1m").to_string(), "pi\\n\\u{1b}[1m");
        let long = Brief(&"é".repeat(30_000)).to_string();
        assert_eq!(long, format!("{}… (60000 bytes)", "é".repeat(BRIEF)));
    }
}
