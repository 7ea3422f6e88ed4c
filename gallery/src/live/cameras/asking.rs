//! When a node that sends heartbeats but not all of its facts is asked for them.

use crate::now::Micros;

/// The time before it is asked again, which doubles with each vain question.
pub(super) const FIRST: Micros = 10_000_000;
const DOUBLINGS: u32 = 6;

/// How often a node was asked in vain, and when to ask next.
#[derive(Debug, Default)]
pub(super) struct Asking {
    times: u32,
    next: Micros,
}

impl Asking {
    /// Whether to ask now. A node whose facts are known starts over.
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
