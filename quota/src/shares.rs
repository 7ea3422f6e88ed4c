//! Shares that come back when they are dropped, and that a task can wait for.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::ledger::{Holder, Ledger};

/// A limited amount of something. A cheap handle.
///
/// ```
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct Client(u32);
/// impl quota::Holder for Client {
///     fn is_known(&self) -> bool {
///         false
///     }
/// }
/// // A holder may have as much as it leaves for others.
/// let uploads = quota::Shares::new("uploads", 32);
/// let mut shares: Vec<_> = std::iter::from_fn(|| uploads.take(Client(1)).ok()).collect();
/// assert_eq!((shares.len(), uploads.taken()), (14, 14));
/// shares.pop();
/// assert_eq!(uploads.taken(), 13, "a share comes back when it is dropped");
/// ```
#[derive(Debug)]
pub struct Shares<H: Holder>(Arc<Inner<H>>);

#[derive(Debug)]
struct Inner<H> {
    /// What it is, in the plural.
    what: &'static str,
    ledger: Mutex<Ledger<H>>,
    /// Told when a holder gives something back.
    freed: Notify,
}

/// The part that one holder has, until this is dropped.
#[derive(Debug)]
pub struct Share<H: Holder> {
    of: Shares<H>,
    holder: H,
    amount: usize,
}

/// No more is left for this holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    what: &'static str,
    total: usize,
    /// How much it has already.
    theirs: usize,
}

impl<H: Holder> Shares<H> {
    /// `what` names the thing in the plural, for errors.
    pub fn new(what: &'static str, total: usize) -> Shares<H> {
        let ledger = Mutex::new(Ledger::new(total));
        Shares(Arc::new(Inner { what, ledger, freed: Notify::new() }))
    }

    /// Takes one.
    ///
    /// # Errors
    /// [`Full`] if none is left for this holder.
    pub fn take(&self, holder: H) -> Result<Share<H>, Full> {
        let mut share = self.none(holder);
        share.grow(1).map(|()| share)
    }

    /// Takes one, and waits at most `most` for it.
    ///
    /// # Errors
    /// [`Full`] if none came free in this time.
    pub async fn take_within(&self, holder: H, most: Duration) -> Result<Share<H>, Full> {
        let mut share = self.none(holder);
        match timeout(most, share.wait(1)).await {
            Ok(()) => Ok(share),
            Err(_) => share.grow(1).map(|()| share),
        }
    }

    /// An empty share, which can grow.
    pub fn none(&self, holder: H) -> Share<H> {
        Share { of: self.clone(), holder, amount: 0 }
    }

    /// How much all holders have taken.
    pub fn taken(&self) -> usize {
        self.lock().taken()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger<H>> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Holder> Clone for Shares<H> {
    fn clone(&self) -> Self {
        Shares(self.0.clone())
    }
}

impl<H: Holder> Share<H> {
    /// Grows to at least `amount`.
    ///
    /// # Errors
    /// [`Full`]; the share stays as it was.
    pub fn grow(&mut self, amount: usize) -> Result<(), Full> {
        let more = amount.saturating_sub(self.amount);
        if more == 0 {
            return Ok(());
        }
        let mut ledger = self.of.lock();
        if !ledger.allows(&self.holder, more) {
            let (total, theirs) = (ledger.total(), ledger.of(&self.holder));
            return Err(Full { what: self.of.0.what, total, theirs });
        }
        ledger.add(&self.holder, more);
        drop(ledger);
        self.amount = amount;
        Ok(())
    }

    /// Shrinks to at most `amount`.
    pub fn shrink(&mut self, amount: usize) {
        let less = self.amount.saturating_sub(amount);
        if less == 0 {
            return;
        }
        self.of.lock().sub(&self.holder, less);
        self.amount = amount;
        self.of.0.freed.notify_waiters();
    }

    /// Gives back all it has.
    pub fn free(&mut self) {
        self.shrink(0);
    }

    /// Grows to at least `amount`, as soon as others have given enough back. Safe to cancel.
    pub async fn wait(&mut self, amount: usize) {
        let of = self.of.clone();
        loop {
            // The future notices what is freed from here on, even before its first poll.
            let freed = of.0.freed.notified();
            if self.grow(amount).is_ok() {
                return;
            }
            freed.await;
        }
    }

    /// Changes to exactly `amount`; waits as [`Share::wait`] does.
    pub async fn resize(&mut self, amount: usize) {
        self.shrink(amount);
        self.wait(amount).await;
    }

    /// Moves all it has into a new share.
    pub fn split(&mut self) -> Share<H> {
        let none = Share { amount: 0, of: self.of.clone(), holder: self.holder.clone() };
        std::mem::replace(self, none)
    }
}

impl<H: Holder> Drop for Share<H> {
    fn drop(&mut self) {
        self.free();
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Full { what, total, theirs } = self;
        match theirs {
            0 => write!(f, "all {total} {what} are taken"),
            _ => write!(f, "your address has {theirs} of the {total} {what}; others need the rest"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;
    use crate::ledger::tests::at;

    #[test]
    fn who_is_refused_is_told_what_it_has() {
        let shares = Shares::new("things", 1024);
        let greedy: Vec<_> = std::iter::from_fn(|| shares.take(at("127.0.0.1")).ok()).collect();
        let full = shares.take(at("127.0.0.1")).unwrap_err();
        assert_eq!(full, Full { what: "things", total: 1024, theirs: 512 });
        drop(greedy);
        assert_eq!((shares.taken(), shares.lock().holders()), (0, 0));
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

    #[tokio::test]
    async fn one_waits_for_itself_and_not_for_others() {
        let shares = Shares::new("bytes", 1000);
        let mut one = shares.none(at("127.0.0.1"));
        let mut two = shares.none(at("127.0.0.1"));
        let mut other = shares.none(at("127.0.0.2"));
        one.resize(400).await;
        let is_ready = |poll: Poll<()>| poll.is_ready();
        let mut context = Context::from_waker(Waker::noop());
        assert!(!is_ready(pin!(two.resize(400)).poll(&mut context)));
        other.resize(300).await;
        one.resize(0).await;
        two.resize(350).await;
        two.resize(10).await;
        assert_eq!(shares.taken(), 310);
        drop((one, two, other));
        assert_eq!(shares.taken(), 0);
    }

    proptest! {
        /// Always: the total is never exceeded, nobody takes more than is left, and all is given
        /// back.
        #[test]
        fn the_sums_are_right(steps: Vec<(u8, u8, bool)>) {
            let shares = Shares::new("bytes", 1000);
            let mut held = Vec::new();
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
                let ledger = shares.lock();
                prop_assert_eq!(ledger.taken(), held.iter().map(|share| share.amount).sum::<usize>());
                let each = (0..5).map(|n| ledger.of(&at(&format!("10.0.0.{n}"))));
                prop_assert_eq!(ledger.taken(), each.clone().sum::<usize>());
                prop_assert!(ledger.taken() <= 1000 - 125);
                prop_assert!(each.max() <= Some(438));
            }
            drop(held);
            prop_assert_eq!((shares.taken(), shares.lock().holders()), (0, 0));
        }
    }
}
