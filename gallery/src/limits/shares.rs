//! What there is only so much of, and how much of it each may take.
//!
//! Who has some may have more as long as at least as much as theirs is left for others. So one
//! alone gets half of all, a second one half of the rest, and who has nothing yet always finds
//! something, however greedy the others are (the dynamic thresholds of Choudhury and Hahne, IEEE/ACM
//! Transactions on Networking 6(2), 1998). The last eighth is for this machine's own programs.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use wire::NodeName;

/// This part of all is for this machine's own programs.
const RESERVE: usize = 8;

/// Whose share it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Address(IpAddr),
    Node(NodeName),
    /// All who show their camera from a page.
    Pages,
    Gallery,
}

impl Who {
    /// Of IPv6 the first 64 bits count: who has one address of a network has them all.
    pub fn at(address: IpAddr) -> Who {
        Who::Address(match address.to_canonical() {
            IpAddr::V6(ip) if !ip.is_loopback() => {
                Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into()
            }
            ip => ip,
        })
    }

    /// Whether it may take from the last eighth.
    fn is_near(&self) -> bool {
        match self {
            Who::Address(ip) => ip.is_loopback(),
            Who::Node(_) | Who::Gallery => true,
            Who::Pages => false,
        }
    }
}

/// So much of something. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What it is, in the plural.
    what: &'static str,
    total: usize,
    taken: Mutex<Taken>,
    /// Told when somebody gave something back.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    each: HashMap<Who, usize>,
}

/// What one holder has, until this is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: Shares,
    who: Who,
    amount: usize,
}

/// There is no more for this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    what: &'static str,
    total: usize,
    /// What it has already.
    theirs: usize,
}

impl Shares {
    /// `what` it is, in the plural, as an error says it.
    pub fn new(what: &'static str, total: usize) -> Shares {
        Shares(Arc::new(Inner { what, total, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// One of it.
    ///
    /// # Errors
    /// [`Full`] when there is none for this one.
    pub fn take(&self, who: Who) -> Result<Share, Full> {
        let mut share = self.none(who);
        share.grow(1).map(|()| share)
    }

    /// One of it, for which is waited so long.
    ///
    /// # Errors
    /// [`Full`] when there was none in this time.
    pub async fn take_within(&self, who: Who, most: Duration) -> Result<Share, Full> {
        let mut share = self.none(who);
        match timeout(most, share.wait(1)).await {
            Ok(()) => Ok(share),
            Err(_) => share.grow(1).map(|()| share),
        }
    }

    /// Nothing yet, which can grow.
    pub fn none(&self, who: Who) -> Share {
        Share { of: self.clone(), who, amount: 0 }
    }

    /// How much is taken, of all together.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Lets it be `amount` at least.
    ///
    /// # Errors
    /// [`Full`]; it is as it was.
    pub fn grow(&mut self, amount: usize) -> Result<(), Full> {
        let more = amount.saturating_sub(self.amount);
        if more == 0 {
            return Ok(());
        }
        let Inner { what, total, .. } = *self.of.0;
        let mut taken = self.of.lock();
        let theirs = taken.each.get(&self.who).copied().unwrap_or(0);
        let kept = if self.who.is_near() { 0 } else { total / RESERVE };
        let left = total.saturating_sub(taken.all).saturating_sub(kept).checked_sub(more);
        if left.is_none_or(|left| left < theirs + more) {
            return Err(Full { what, total, theirs });
        }
        taken.all += more;
        *taken.each.entry(self.who.clone()).or_default() += more;
        drop(taken);
        self.amount = amount;
        Ok(())
    }

    /// The same, as soon as others have given enough back. It can be cancelled without a loss.
    pub async fn wait(&mut self, amount: usize) {
        let of = self.of.clone();
        loop {
            let freed = of.0.freed.notified();
            if self.grow(amount).is_ok() {
                return;
            }
            freed.await;
        }
    }

    /// Takes out what it has.
    pub fn split(&mut self) -> Share {
        let none = Share { amount: 0, of: self.of.clone(), who: self.who.clone() };
        std::mem::replace(self, none)
    }

    /// Gives back what it has.
    pub fn free(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut taken = self.of.lock();
        taken.all -= self.amount;
        if let Some(theirs) = taken.each.get_mut(&self.who) {
            *theirs -= self.amount;
            if *theirs == 0 {
                taken.each.remove(&self.who);
            }
        }
        drop(taken);
        self.amount = 0;
        self.of.0.freed.notify_waiters();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.free();
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Full { what, total, theirs } = self;
        match theirs {
            0 => write!(f, "all of the {total} {what} are taken"),
            _ => write!(f, "your address has {theirs} of the {total} {what}; others need the rest"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(address: &str) -> Who {
        Who::at(address.parse().unwrap())
    }

    /// Takes as many as there are.
    fn all(shares: &Shares, who: &Who) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(who.clone()).ok()).collect()
    }

    #[test]
    fn who_has_much_leaves_as_much_and_who_has_nothing_gets_something() {
        let shares = Shares::new("things", 1024);
        let greedy = all(&shares, &at("127.0.0.1"));
        assert_eq!(greedy.len(), 512);
        let second = all(&shares, &at("127.0.0.2"));
        assert_eq!(second.len(), 256);
        let third = all(&shares, &at("192.168.0.1"));
        assert_eq!(third.len(), 64, "half of what the reserve of 128 leaves");
        assert_eq!(all(&shares, &at("::1")).len(), 96);
        let Err(full) = shares.take(at("127.0.0.1")) else { panic!("it has half already") };
        assert_eq!(full, Full { what: "things", total: 1024, theirs: 512 });
        drop(greedy);
        assert!(shares.take(at("127.0.0.2")).is_ok());
        drop((second, third));
        assert_eq!((shares.taken(), shares.lock().each.len()), (0, 0));
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_a_mapped_address_is_that_of_ipv4() {
        assert_eq!(at("fd00::1"), at("fd00::2:0:0:1"));
        assert_ne!(at("fd00::1"), at("fd00:0:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("127.0.0.1"), at("127.0.0.2"));
        assert!(at("::1").is_near() && at("::ffff:127.0.0.1").is_near());
        assert!(!at("::2").is_near() && !at("10.0.0.1").is_near());
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_something_is_given_back() {
        let shares = Shares::new("bytes", 100);
        let mut one = shares.none(at("127.0.0.1"));
        one.grow(50).unwrap();
        let mut another = shares.none(at("127.0.0.1"));
        let (mut rest, ()) = tokio::join!(
            async {
                another.wait(10).await;
                another.split()
            },
            async { drop(one.split()) }
        );
        assert_eq!((one.amount, rest.amount, shares.taken()), (0, 10, 10));
        let late = shares.take_within(at("127.0.0.1"), Duration::ZERO).await;
        assert!(late.is_ok());
        rest.grow(40).unwrap();
        assert!(shares.take_within(at("127.0.0.1"), Duration::from_millis(1)).await.is_ok());
        rest.grow(60).unwrap_err();
        assert_eq!(rest.amount, 40, "as it was");
    }

    proptest! {
        /// Whatever happens: never more than there is, nobody more than is left, and all is given
        /// back.
        #[test]
        fn the_sums_are_right(steps: Vec<(u8, u8, bool)>) {
            let shares = Shares::new("bytes", 1000);
            let mut held: Vec<Share> = Vec::new();
            for (who, amount, gives) in steps {
                let mut share = shares.none(at(&format!("10.0.0.{}", who % 5)));
                if share.grow(amount.into()).is_ok() {
                    held.push(share);
                } else {
                    prop_assert_eq!(share.amount, 0);
                }
                if gives && !held.is_empty() {
                    held.swap_remove(usize::from(amount) % held.len());
                }
                let taken = shares.lock();
                prop_assert_eq!(taken.all, held.iter().map(|share| share.amount).sum::<usize>());
                prop_assert_eq!(taken.all, taken.each.values().sum::<usize>());
                prop_assert!(taken.all <= 1000 - 125);
                prop_assert!(taken.each.values().all(|&theirs| theirs > 0 && theirs <= 438));
            }
            drop(held);
            prop_assert_eq!((shares.taken(), shares.lock().each.len()), (0, 0));
        }
    }
}
