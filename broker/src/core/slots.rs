//! Limits the connections, in all and from each address.
//!
//! A connection without CONNECT has a slot only as long as nobody else needs it: programs that
//! connect and stay silent keep no other program out, not even one from the same address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::counters::Counters;
use crate::limits::Limits;

/// The open connections.
pub(crate) struct Slots {
    limits: Limits,
    counters: Arc<Counters>,
    open: Mutex<HashMap<IpAddr, Open>>,
}

/// The connections of one address.
#[derive(Default)]
struct Open {
    count: usize,
    /// Those without a CONNECT, the oldest first.
    silent: VecDeque<Arc<Place>>,
}

/// Room for one connection, given back when dropped, even by a task that panics.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
    place: Arc<Place>,
}

#[derive(Default)]
struct Place {
    /// Another connection has taken it.
    is_lost: AtomicBool,
    lost: Notify,
}

/// The key of the limit that was reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSlot(pub &'static str);

impl Slots {
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Slots {
        Slots { limits, counters, open: Mutex::default() }
    }

    /// Takes a slot for a connection from this address, if need be from the connection that has
    /// been silent longest: of this address, or if all are taken, of the one with most silent ones.
    pub fn take(self: &Arc<Slots>, address: IpAddr) -> Result<Slot, NoSlot> {
        let mut open = self.lock();
        let from_here = open.get(&address).map_or(0, |here| here.count);
        if from_here >= self.limits.connections_per_address {
            open.get_mut(&address)
                .and_then(Open::lose_oldest)
                .ok_or(NoSlot("broker.connections_per_address"))?;
            self.counters.connections.sub(1);
        } else if open.values().map(|open| open.count).sum::<usize>() >= self.limits.connections {
            let most = open.values_mut().max_by_key(|open| open.silent.len());
            most.and_then(Open::lose_oldest).ok_or(NoSlot("broker.connections"))?;
            self.counters.connections.sub(1);
        }
        let place = Arc::new(Place::default());
        let here = open.entry(address).or_default();
        here.count += 1;
        here.silent.push_back(place.clone());
        self.counters.connections.add(1);
        Ok(Slot { slots: self.clone(), address, place })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn lose_oldest(&mut self) -> Option<()> {
        let place = self.silent.pop_front()?;
        self.count -= 1;
        place.is_lost.store(true, Ordering::Relaxed);
        place.lost.notify_one();
        Some(())
    }

    fn forget_silent(&mut self, place: &Arc<Place>) {
        self.silent.retain(|silent| !Arc::ptr_eq(silent, place));
    }
}

impl Slot {
    /// The client has sent CONNECT, so nobody can take its slot.
    pub fn keep(&self) {
        if let Some(here) = self.slots.lock().get_mut(&self.address) {
            here.forget_silent(&self.place);
        }
    }

    /// Waits until another connection takes the slot.
    pub async fn lost(&self) {
        self.place.lost.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        let Some(here) = open.get_mut(&self.address) else { return };
        if !self.place.is_lost.load(Ordering::Relaxed) {
            here.forget_silent(&self.place);
            here.count -= 1;
            self.slots.counters.connections.sub(1);
        }
        if here.count == 0 {
            open.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Section;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    fn slots(connections: usize, connections_per_address: usize) -> Arc<Slots> {
        let section = Section { connections, connections_per_address, ..Section::default() };
        Arc::new(Slots::new(section.check().unwrap().limits, Arc::default()))
    }

    fn is_lost(slot: &Slot) -> bool {
        slot.place.is_lost.load(Ordering::Relaxed)
    }

    #[test]
    fn who_stays_silent_makes_room_for_the_next() {
        let slots = slots(10, 2);
        let first = slots.take(ONE).unwrap();
        let second = slots.take(ONE).unwrap();
        let third = slots.take(ONE).unwrap();
        assert!(is_lost(&first) && !is_lost(&second) && !is_lost(&third));
        second.keep();
        third.keep();
        assert_eq!(slots.take(ONE).err(), Some(NoSlot("broker.connections_per_address")));
        let other = slots.take(OTHER).unwrap();
        assert_eq!(slots.counters.read().connections, 3);
        drop((first, second, third, other));
        assert_eq!(slots.counters.read().connections, 0);
        assert!(slots.lock().is_empty());
    }

    #[test]
    fn when_all_are_taken_who_has_most_silent_ones_loses_one() {
        let slots = slots(3, 3);
        let silent: Vec<_> = (0..2).map(|_| slots.take(ONE).unwrap()).collect();
        let other = slots.take(OTHER).unwrap();
        other.keep();
        let further = slots.take(OTHER).unwrap();
        assert!(is_lost(&silent[0]) && !is_lost(&silent[1]));
        further.keep();
        silent[1].keep();
        assert_eq!(slots.take(OTHER).err(), Some(NoSlot("broker.connections")));
    }
}
