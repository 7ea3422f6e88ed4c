//! Room for packets that are being received: large ones are collected in memory before they are
//! whole, and so is what never becomes one.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::access::identity::Holder;
use crate::core::share::Shares;

/// The room of all connections together, of which each address has a share, see [`crate::core::share`].
#[derive(Debug)]
pub(crate) struct Receiving {
    most: usize,
    taken: Mutex<Shares>,
    freed: Notify,
}

/// What one connection has of it, given back when dropped.
pub(crate) struct Part {
    receiving: Arc<Receiving>,
    holder: Holder,
    bytes: usize,
}

impl Receiving {
    pub fn new(most: usize) -> Receiving {
        Receiving { most, taken: Mutex::default(), freed: Notify::new() }
    }

    /// What a connection of this address has: nothing yet.
    pub fn part(self: &Arc<Receiving>, address: IpAddr) -> Part {
        let holder = Holder::Address(address.to_canonical());
        Part { receiving: self.clone(), holder, bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Has so many bytes from now on; waits until there is room for them.
    pub async fn resize(&mut self, bytes: usize) {
        let receiving = self.receiving.clone();
        while bytes > self.bytes {
            let mut freed = std::pin::pin!(receiving.freed.notified());
            freed.as_mut().enable();
            if self.grow(bytes) {
                return;
            }
            freed.await;
        }
        self.shrink(bytes);
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes - self.bytes;
        let mut taken = self.receiving.lock();
        let fits = taken.allow(&self.holder, more, self.receiving.most);
        if fits {
            taken.add(&self.holder, more);
            self.bytes = bytes;
        }
        fits
    }

    fn shrink(&mut self, bytes: usize) {
        if bytes < self.bytes {
            self.receiving.lock().sub(&self.holder, self.bytes - bytes);
            self.bytes = bytes;
            self.receiving.freed.notify_waiters();
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_address_waits_for_itself_and_not_for_others() {
        let receiving = Arc::new(Receiving::new(1000));
        let part = |n: u8| receiving.part([127, 0, 0, n].into());
        let (mut one, mut two, mut other) = (part(1), part(1), part(2));
        one.resize(400).await;
        assert!(two.resize(400).now_or_never().is_none());
        other.resize(400).await;
        one.resize(0).await;
        two.resize(400).await;
        drop((one, two, other));
        assert_eq!(receiving.lock().all(), 0);
    }
}
