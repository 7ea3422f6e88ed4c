//! The clocks of the nodes, seen from here.
//!
//! A node's wall clock can be wrong (a Pi has none), but its monotonic clock is reliable. A picture
//! carries the monotonic time of its capture and arrives a little later. Over many pictures the
//! smallest difference between receipt and capture is the offset of the two clocks plus the
//! shortest delay of a message. The window slides, because two crystals drift.

use std::collections::{HashMap, VecDeque};

use wire::NodeName;

use crate::now::{Micros, Now};

/// Differences are kept for this many steps of [`STEP`].
const STEPS: u64 = 6;
const STEP: Micros = 10_000_000;

/// How many messages must come before the smallest difference counts.
const ENOUGH: u32 = 3;

/// Where each node's clocks stand.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// This machine's boot: a picture taken in it carries our own monotonic time.
    own_boot: String,
    nodes: HashMap<NodeName, NodeClock>,
}

#[derive(Debug)]
struct NodeClock {
    boot: String,
    /// The step number, and the smallest difference in it: receipt minus the node's monotonic time.
    smallest: VecDeque<(u64, i64)>,
    messages: u32,
    /// The node's wall clock minus its monotonic clock.
    wall: i64,
}

/// A node's two clocks at one moment, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub boot: &'a str,
    pub mono: Micros,
    pub at: Micros,
    /// How old the reading was when the message was made, as the node says: a picture with a long
    /// exposure carries a time long past.
    pub age: Micros,
}

/// When a picture was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Captured {
    /// By the monotonic clock of this machine.
    pub at: Micros,
    /// Whether the time is known; otherwise it is the time of receipt.
    pub known: bool,
}

impl Clocks {
    pub fn new(own_boot: String) -> Self {
        Clocks { own_boot, nodes: HashMap::new() }
    }

    /// A message with a node's clocks was received at `now`.
    pub fn observe(&mut self, node: &NodeName, reading: Reading<'_>, now: Micros) -> Captured {
        let received = Captured { at: now, known: false };
        let Reading { boot, mono, at, age } = reading;
        let made = mono.saturating_add(age);
        let (Some(difference), Some(wall)) = (distance(now, made), distance(at, mono)) else {
            return received;
        };
        if self.nodes.get(node).is_none_or(|clock| clock.boot != boot) {
            let fresh =
                NodeClock { boot: boot.to_owned(), smallest: VecDeque::new(), messages: 0, wall };
            self.nodes.insert(node.clone(), fresh);
        }
        let Some(clock) = self.nodes.get_mut(node) else { return received };
        clock.wall = wall;
        clock.messages = clock.messages.saturating_add(1);
        let step = now / STEP;
        match clock.smallest.back_mut() {
            Some((last, smallest)) if *last == step => *smallest = difference.min(*smallest),
            _ => clock.smallest.push_back((step, difference)),
        }
        while clock.smallest.front().is_some_and(|(first, _)| first + STEPS <= step) {
            clock.smallest.pop_front();
        }
        // The two clocks are the same one. A future time would be forged.
        if boot == self.own_boot && mono <= now {
            return Captured { at: mono, known: true };
        }
        match clock.offset() {
            Some(offset) => {
                let at = i64::try_from(mono).unwrap_or(0).saturating_add(offset);
                Captured { at: u64::try_from(at).unwrap_or(0).min(now), known: true }
            }
            None => received,
        }
    }

    /// Converts a time of a node's wall clock, in milliseconds since 1970, to this machine's clock;
    /// `None` while the node's clocks are unknown.
    pub fn to_local(&self, node: &NodeName, at: u64, now: Now) -> Option<u64> {
        let clock = self.nodes.get(node)?;
        let offset = if clock.boot == self.own_boot { 0 } else { clock.offset()? };
        // From the node's wall clock to its monotonic one, to ours, to our wall clock.
        let mono = i64::try_from(at).ok()?.checked_mul(1000)?.checked_sub(clock.wall)?;
        let ago = i64::try_from(now.mono).ok()?.checked_sub(mono.checked_add(offset)?)? / 1000;
        u64::try_from(i64::try_from(now.wall_ms()).ok()?.checked_sub(ago.max(0))?).ok()
    }

    /// When a node captured something in the given boot, in milliseconds since 1970 by this
    /// machine's clock; `None` if no clock of that boot was received. A late message does not
    /// change the clock.
    pub fn captured(&self, node: &NodeName, boot: &str, mono: Micros, now: Now) -> Option<u64> {
        let at = if boot == self.own_boot {
            mono
        } else {
            let clock = self.nodes.get(node).filter(|clock| clock.boot == boot)?;
            let smallest = clock.smallest.iter().map(|(_, difference)| *difference).min()?;
            u64::try_from(i64::try_from(mono).ok()?.checked_add(smallest)?).ok()?
        };
        // A future time would be forged.
        now.wall.checked_sub(now.mono.checked_sub(at)?).map(|at| at / 1000)
    }

    /// Forgets the clocks of unknown nodes.
    pub fn keep(&mut self, mut known: impl FnMut(&NodeName) -> bool) {
        self.nodes.retain(|node, _| known(node));
    }
}

impl NodeClock {
    fn offset(&self) -> Option<i64> {
        let smallest = self.smallest.iter().map(|(_, difference)| *difference).min()?;
        (self.messages >= ENOUGH).then_some(smallest)
    }
}

fn distance(a: Micros, b: Micros) -> Option<i64> {
    i64::try_from(a).ok()?.checked_sub(i64::try_from(b).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "00000001";
    const THEIRS: &str = "6f2d41aa";
    const S: Micros = 1_000_000;

    fn node() -> NodeName {
        "pi".parse().unwrap()
    }

    fn reading(boot: &str, mono: Micros) -> Reading<'_> {
        Reading { boot, mono, at: 1_700_000_000 * S + mono, age: 0 }
    }

    #[test]
    fn the_shortest_way_sets_the_offset() {
        let mut clocks = Clocks::new(OURS.into());
        let offset = 5000 * S;
        let mut captured = Vec::new();
        for (i, delay) in [40_000, 90_000, 10_000, 300_000].into_iter().enumerate() {
            let mono = (i as u64 + 1) * S;
            captured.push(clocks.observe(&node(), reading(THEIRS, mono), mono + offset + delay));
        }
        assert!(!captured[0].known && !captured[1].known);
        assert_eq!(captured[1].at, 2 * S + offset + 90_000, "the time of receipt");
        assert_eq!(captured[2], Captured { at: 3 * S + offset + 10_000, known: true });
        assert_eq!(captured[3], Captured { at: 4 * S + offset + 10_000, known: true });
    }

    #[test]
    fn a_picture_of_a_long_exposure_does_not_put_the_clock_wrong() {
        let mut clocks = Clocks::new(OURS.into());
        let offset = 5000 * S;
        for mono in (1..9).map(|n| n * 5 * S) {
            let reading = Reading { age: 5 * S, ..reading(THEIRS, mono) };
            let captured = clocks.observe(&node(), reading, mono + offset + 5 * S + 20_000);
            let after = Captured { at: mono + offset + 20_000, known: true };
            assert!(!captured.known || captured == after, "{captured:?}");
        }
    }

    #[test]
    fn the_window_forgets_so_that_drift_is_followed() {
        let mut clocks = Clocks::new(OURS.into());
        for mono in (0..200).map(|s| s * S) {
            // The node's clock loses a millisecond each second.
            let now = 1000 * S + mono + mono / 1000;
            let captured = clocks.observe(&node(), reading(THEIRS, mono), now);
            assert!(now - captured.at <= 61_000, "{}", now - captured.at);
        }
    }

    #[test]
    fn a_reboot_starts_over() {
        let mut clocks = Clocks::new(OURS.into());
        for mono in 1..5 {
            clocks.observe(&node(), reading(THEIRS, 1000 * S + mono), 2000 * S + mono);
        }
        let captured = clocks.observe(&node(), reading("bbbbbbbb", 5 * S), 2001 * S);
        assert_eq!(captured, Captured { at: 2001 * S, known: false });
    }

    #[test]
    fn a_picture_of_this_machine_is_known_at_once() {
        let mut clocks = Clocks::new(OURS.into());
        let captured = clocks.observe(&node(), reading(OURS, 70 * S), 71 * S);
        assert_eq!(captured, Captured { at: 70 * S, known: true });
        let forged = clocks.observe(&node(), reading(OURS, 90 * S), 71 * S);
        assert_eq!(forged, Captured { at: 71 * S, known: false });
    }

    #[test]
    fn a_wrong_wall_clock_is_put_right() {
        let mut clocks = Clocks::new(OURS.into());
        let now = Now { mono: 2000 * S, wall: 1_763_640_000 * S };
        assert_eq!(clocks.to_local(&node(), 0, now), None);
        // A Pi whose clock says 1970.
        for _ in 0..3 {
            let reading = Reading { boot: THEIRS, mono: 100 * S, at: 500 * S, age: 0 };
            clocks.observe(&node(), reading, 2000 * S);
        }
        assert_eq!(clocks.to_local(&node(), 470_000, now), Some(1_763_640_000_000 - 30_000));
        assert_eq!(clocks.to_local(&node(), u64::MAX, now), None);
    }

    #[test]
    fn the_clock_of_a_node_that_went_is_forgotten() {
        let mut clocks = Clocks::new(OURS.into());
        let gone: NodeName = "gone".parse().unwrap();
        for name in [&node(), &gone] {
            clocks.observe(name, reading(THEIRS, S), 2 * S);
        }
        clocks.keep(|name| *name != gone);
        assert_eq!(clocks.nodes.keys().collect::<Vec<_>>(), [&node()]);
    }

    proptest! {
        #[test]
        fn a_picture_is_never_from_the_future(monos: Vec<u64>, ats: u64, step in 0u64..100_000_000) {
            let mut clocks = Clocks::new(OURS.into());
            let mut now = 1;
            for mono in monos {
                now += step;
                let reading = Reading { boot: THEIRS, mono, at: ats, age: ats };
                prop_assert!(clocks.observe(&node(), reading, now).at <= now);
                let _ = clocks.to_local(&node(), ats, Now { mono: now, wall: ats });
            }
        }
    }
}
