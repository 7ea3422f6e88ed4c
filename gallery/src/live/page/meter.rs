//! Measures what a page gets, and the parts of its frames' age.
//!
//! Each frame is followed from its sending to its answer. The stamp and the time of receipt give
//! the parts of capture, node and broker. Our own clock measures everything after that, so the
//! page's clock is not needed.
//!
//! Pure: the time goes in.

use std::collections::{BTreeMap, HashMap};

use wire::page::Measured;

use crate::live::frames::Frame;
use crate::now::Micros;

/// Follows the frames of one page.
#[derive(Debug)]
pub(crate) struct Meter {
    since: Micros,
    /// The unanswered frames by serial: as many as the page's credits allow.
    going: HashMap<u32, Going>,
    tiles: BTreeMap<u16, Sums>,
}

#[derive(Debug)]
struct Going {
    tile: u16,
    sent: Micros,
    spent: [Option<Micros>; PARTS],
}

/// Capture, node, broker, gallery and answer, in microseconds.
const PARTS: usize = 5;

#[derive(Debug, Default)]
struct Sums {
    frames: u32,
    /// For each part, how many frames had it and its sum.
    spent: [(u32, Micros); PARTS],
}

impl Meter {
    /// Begins to measure.
    pub fn new(now: Micros) -> Self {
        Meter { since: now, going: HashMap::new(), tiles: BTreeMap::new() }
    }

    /// A frame is sent.
    pub fn sent(&mut self, serial: u32, tile: u16, frame: &Frame, now: Micros) {
        let ages = frame.ages.map(|ages| (Micros::from(ages.got), Micros::from(ages.made)));
        let age = frame.received.saturating_sub(frame.captured.at);
        let spent = [
            ages.map(|(got, _)| got),
            ages.map(|(got, made)| made.saturating_sub(got)),
            ages.filter(|_| frame.captured.known).map(|(_, made)| age.saturating_sub(made)),
            Some(now.saturating_sub(frame.received)),
            None,
        ];
        self.going.insert(serial, Going { tile, sent: now, spent });
    }

    /// The page answered it.
    pub fn answered(&mut self, serial: u32, now: Micros) {
        let Some(Going { tile, sent, mut spent }) = self.going.remove(&serial) else { return };
        spent[PARTS - 1] = Some(now.saturating_sub(sent));
        let sums = self.tiles.entry(tile).or_default();
        sums.frames += 1;
        for ((told, sum), spent) in sums.spent.iter_mut().zip(spent) {
            if let Some(spent) = spent {
                *told += 1;
                *sum += spent;
            }
        }
    }

    /// What was measured since the last call.
    pub fn take(&mut self, now: Micros) -> Vec<Measured> {
        let seconds =
            now.saturating_sub(std::mem::replace(&mut self.since, now)).max(1) as f32 / 1e6;
        let tiles = std::mem::take(&mut self.tiles).into_iter();
        let measured = |(tile, Sums { frames, spent }): (u16, Sums)| {
            let mean = |(told, sum): (u32, Micros)| {
                let ms = sum as f32 / 1000.0 / told as f32;
                (told > 0).then_some((ms * 10.0).round() / 10.0)
            };
            let [capture, node, broker, gallery, answer] = spent.map(mean);
            Measured {
                tile,
                fps: (frames as f32 / seconds * 10.0).round() / 10.0,
                capture,
                node,
                broker,
                gallery: gallery.unwrap_or(0.0),
                answer: answer.unwrap_or(0.0),
            }
        };
        tiles.map(measured).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::clocks::Captured;
    use bytes::Bytes;
    use wire::Ages;

    const MS: Micros = 1000;

    fn frame(ages: Option<Ages>, known: bool) -> Frame {
        Frame {
            jpeg: Bytes::new().into(),
            seq: 0,
            captured: Captured { at: if known { 100 * MS } else { 150 * MS }, known },
            received: 150 * MS,
            size: None,
            ages,
            mono: 0,
            boot: "b".into(),
            first: Default::default(),
            memory: None,
        }
    }

    #[test]
    fn an_age_is_the_sum_of_its_parts() {
        let mut meter = Meter::new(0);
        let ages = Some(Ages { got: 33_000, made: 40_000 });
        for serial in 0..20 {
            meter.sent(serial, 3, &frame(ages, true), 152 * MS);
            meter.answered(serial, 160 * MS);
        }
        let measured = Measured {
            tile: 3,
            fps: 10.0,
            capture: Some(33.0),
            node: Some(7.0),
            broker: Some(10.0),
            gallery: 2.0,
            answer: 8.0,
        };
        assert_eq!(meter.take(2000 * MS), [measured]);
        assert_eq!(meter.take(3000 * MS), [], "nothing came since");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let mut meter = Meter::new(0);
        meter.sent(0, 1, &frame(None, true), 150 * MS);
        meter.sent(1, 2, &frame(Some(Ages { got: 1000, made: 2000 }), false), 150 * MS);
        for serial in [0, 1, 7] {
            meter.answered(serial, 151 * MS);
        }
        let told = meter.take(1000 * MS);
        let parts = |of: &Measured| (of.capture, of.node, of.broker);
        assert_eq!(parts(&told[0]), (None, None, None));
        assert_eq!(parts(&told[1]), (Some(1.0), Some(1.0), None));
    }

    #[test]
    fn frames_that_were_sent_before_are_passed_over() {
        let mut meter = Meter::new(0);
        meter.answered(4, 1);
        assert_eq!(meter.take(2), []);
    }
}
