//! How much of what is limited one client may have, so that nobody can take all.

use std::collections::HashMap;

use crate::access::identity::Holder;

/// What each has of something of which there is a limit.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    all: usize,
    each: HashMap<Holder, usize>,
}

impl Shares {
    /// What all have together.
    #[cfg(test)]
    pub fn all(&self) -> usize {
        self.all
    }

    /// What one has.
    pub fn own(&self, holder: &Holder) -> usize {
        self.each.get(holder).copied().unwrap_or(0)
    }

    /// Whether one may have so much more, where all may have `most`: see [`allows`].
    pub fn allow(&self, holder: &Holder, more: usize, most: usize) -> bool {
        allows(self.own(holder), self.all, more, most)
    }

    pub fn add(&mut self, holder: &Holder, more: usize) {
        if more > 0 {
            self.all += more;
            *self.each.entry(holder.clone()).or_default() += more;
        }
    }

    pub fn sub(&mut self, holder: &Holder, less: usize) {
        if let Some(own) = self.each.get_mut(holder) {
            self.all -= less;
            *own -= less;
            if *own == 0 {
                self.each.remove(holder);
            }
        }
    }
}

/// Whether who has `own` of what all have may have so much more, where all may have `most`:
/// nobody has more than half, and the last eighth is for those who have little, as the parts of
/// Vitrina do.
pub(crate) fn allows(own: usize, all: usize, more: usize, most: usize) -> bool {
    let has_little = own + more <= (most / 64).max(8);
    let most_of_all = if has_little { most } else { most - most / 8 };
    all + more <= most_of_all && (has_little || own + more <= most / 2)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_takes_all_and_who_has_little_always_finds_room() {
        const MOST: usize = 20_000;
        let [one, other, node] = [1, 2, 3].map(|n| Holder::Address(IpAddr::from([10, 0, 0, n])));
        let mut shares = Shares::default();
        while shares.allow(&one, 1, MOST) {
            shares.add(&one, 1);
        }
        assert_eq!(shares.own(&one), MOST / 2);
        while shares.allow(&other, 1, MOST) {
            shares.add(&other, 1);
        }
        assert_eq!(shares.all(), MOST - MOST / 8);
        for _ in 0..MOST / 64 {
            assert!(shares.allow(&node, 1, MOST));
            shares.add(&node, 1);
        }
        assert!(!shares.allow(&node, 1, MOST));
        shares.sub(&one, MOST / 2);
        assert_eq!((shares.own(&one), shares.each.len()), (0, 2));
    }

    proptest! {
        #[test]
        fn the_limit_holds(own in 0..100_usize, others in 0..100_usize, more in 0..100_usize, most in 0..200_usize) {
            if allows(own, own + others, more, most) {
                prop_assert!(own + others + more <= most);
            }
        }
    }
}
