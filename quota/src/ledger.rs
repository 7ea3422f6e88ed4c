//! The rule, and the amount that each holder has. Pure, for callers with a lock of their own.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

/// The total divided by this is reserved for known holders.
const RESERVE: usize = 8;

/// A holder has little if it has at most the total divided by this, or at most this number.
const LITTLE_PART: usize = 64;
const LITTLE: usize = 8;

/// Whoever has a share.
pub trait Holder: Clone + Eq + Hash {
    /// Whether it may take from the last eighth, for example as a program of this machine.
    fn is_known(&self) -> bool;
}

/// Whether a holder of `theirs` may have `more`, where all holders together have `taken` of `total`.
pub fn allows(theirs: usize, more: usize, taken: usize, total: usize, is_known: bool) -> bool {
    let kept = if is_known { 0 } else { total / RESERVE };
    let theirs = theirs.saturating_add(more);
    let left = total.saturating_sub(taken).saturating_sub(kept).checked_sub(more);
    left.is_some_and(|left| theirs <= left || theirs <= LITTLE.max(total / LITTLE_PART))
}

/// The network that one machine can have: the first 64 bits of an IPv6 address, because whoever has
/// one address of a network has all of them.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into()
        }
        ip => ip,
    }
}

/// How much each holder has of something, and all of them together.
#[derive(Debug)]
pub struct Ledger<H> {
    total: usize,
    taken: usize,
    each: HashMap<H, usize>,
}

impl<H: Holder> Ledger<H> {
    /// A ledger in which nobody has any of `total` yet.
    pub fn new(total: usize) -> Ledger<H> {
        Ledger { total, taken: 0, each: HashMap::new() }
    }

    /// How much there is.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How much all holders have.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many holders have any.
    pub fn holders(&self) -> usize {
        self.each.len()
    }

    /// How much this holder has.
    pub fn of(&self, holder: &H) -> usize {
        self.each.get(holder).copied().unwrap_or(0)
    }

    /// Whether this holder may have `more`, see [`allows`].
    pub fn allows(&self, holder: &H, more: usize) -> bool {
        allows(self.of(holder), more, self.taken, self.total, holder.is_known())
    }

    /// Gives this holder `more`, whether or not [`Ledger::allows`] permits it.
    pub fn add(&mut self, holder: &H, more: usize) {
        if more > 0 {
            self.taken += more;
            *self.each.entry(holder.clone()).or_default() += more;
        }
    }

    /// Takes `less` back from this holder, at most what it has.
    pub fn sub(&mut self, holder: &H, less: usize) {
        if let Some(theirs) = self.each.get_mut(holder) {
            let less = less.min(*theirs);
            self.taken -= less;
            *theirs -= less;
            if *theirs == 0 {
                self.each.remove(holder);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Known if it is on this machine.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub(crate) struct Address(pub IpAddr);

    impl Holder for Address {
        fn is_known(&self) -> bool {
            self.0.is_loopback()
        }
    }

    pub(crate) fn at(address: &str) -> Address {
        Address(network(address.parse().unwrap()))
    }

    /// How much one holder can take.
    fn all(ledger: &mut Ledger<Address>, holder: &Address) -> usize {
        while ledger.allows(holder, 1) {
            ledger.add(holder, 1);
        }
        ledger.of(holder)
    }

    #[test]
    fn who_has_much_leaves_as_much_and_who_has_nothing_gets_something() {
        let mut things = Ledger::new(1024);
        assert_eq!(all(&mut things, &at("127.0.0.1")), 512);
        assert_eq!(all(&mut things, &at("127.0.0.2")), 256);
        let third = all(&mut things, &at("192.168.0.1"));
        assert_eq!(third, 64, "half of what the reserve of 128 leaves");
        assert_eq!(all(&mut things, &at("::1")), 96);
        assert!(!things.allows(&at("127.0.0.1"), 1));
        things.sub(&at("127.0.0.1"), 512);
        assert!(things.allows(&at("127.0.0.2"), 1));
        assert_eq!((things.of(&at("127.0.0.1")), things.holders()), (0, 3));
    }

    #[test]
    fn who_has_little_finds_room_as_long_as_there_is_any() {
        let mut things = Ledger::new(20_000);
        for n in 0..20 {
            all(&mut things, &at(&format!("10.0.0.{n}")));
        }
        assert_eq!(things.taken(), 20_000 - 20_000 / 8);
        assert!(!things.allows(&at("10.0.1.1"), 1), "the last eighth is for those who are known");
        assert!(things.allows(&at("127.0.0.1"), 312));
        for total in 1..=8 {
            assert_eq!(all(&mut Ledger::new(total), &at("127.0.0.1")), total);
        }
        assert_eq!(all(&mut Ledger::new(0), &at("127.0.0.1")), 0);
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_a_mapped_address_is_that_of_ipv4() {
        assert_eq!(at("fd00::1"), at("fd00::2:0:0:1"));
        assert_ne!(at("fd00::1"), at("fd00:0:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("127.0.0.1"), at("127.0.0.2"));
        assert!(at("::1").is_known() && at("::ffff:127.0.0.1").is_known());
        assert!(!at("::2").is_known() && !at("10.0.0.1").is_known());
    }

    proptest! {
        /// For any numbers.
        #[test]
        fn the_bound_holds(theirs: usize, others: usize, more: usize, total: usize, known: bool) {
            let taken = theirs.saturating_add(others);
            if allows(theirs, more, taken, total, known) {
                prop_assert!(taken.checked_add(more).is_some_and(|all| all <= total));
                // What is allowed stays allowed for a known holder, or for less.
                prop_assert!(allows(theirs, more, taken, total, true));
                prop_assert!(allows(theirs, more / 2, taken, total, known));
            }
        }
    }
}
