//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::Counters;
use crate::limits::Limits;

/// The connections that are open.
pub(crate) struct Slots {
    limits: Limits,
    counters: Arc<Counters>,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// Room for one connection, given back when dropped, also by a task that panics.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
}

/// The key of the limit that was reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSlot(pub &'static str);

impl Slots {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Slots {
        Slots { limits, counters, open: Mutex::default() }
    }

    /// Takes a slot for a connection from this address.
    pub fn take(self: &Arc<Slots>, address: IpAddr) -> Result<Slot, NoSlot> {
        let mut open = self.lock();
        if open.values().sum::<usize>() >= self.limits.connections {
            return Err(NoSlot("broker.connections"));
        }
        let from_here = open.entry(address).or_default();
        if *from_here >= self.limits.connections_per_address {
            return Err(NoSlot("broker.connections_per_address"));
        }
        *from_here += 1;
        self.counters.connections.add(1);
        Ok(Slot { slots: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        if let Some(from_here) = open.get_mut(&self.address) {
            *from_here -= 1;
            if *from_here == 0 {
                open.remove(&self.address);
            }
        }
        self.slots.counters.connections.sub(1);
    }
}
