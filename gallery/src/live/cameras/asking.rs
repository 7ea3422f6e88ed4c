//! When a node that is heard but not known is asked for its facts.

use crate::now::Micros;

/// After so long it is asked again, and each time that did not help after twice as long.
pub(super) const FIRST: Micros = 10_000_000;
const DOUBLINGS: u32 = 6;

/// How often a node was asked in vain, and when it is asked next.
#[derive(Debug, Default)]
pub(super) struct Asking {
    times: u32,
    next: Micros,
}

impl Asking {
    /// Whether it is to be asked now. One that is known starts anew.
    pub fn ask(&mut self, is_known: bool, now: Micros) -> bool {
        if is_known {
            *self = Asking::default();
        }
        let is_due = !is_known && now >= self.next;
        if is_due {
            let pause = FIRST << self.times.min(DOUBLINGS);
            *self = Asking { times: self.times + 1, next: now + pause };
        }
        is_due
    }
}
