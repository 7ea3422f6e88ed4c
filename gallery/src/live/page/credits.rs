//! Which tile of a page may be sent a frame now, if any.
//!
//! The page answers each frame that it drew. Unanswered frames are in some buffer on their way;
//! because they are few, no buffer can hold old pictures. The reasons and figures are in
//! `docs/decisions/freshness.md`.
//!
//! Pure: the time goes in, the next tile comes out.

use std::collections::{BTreeMap, VecDeque};

use crate::now::Micros;

/// The most unanswered frames of a tile.
const OUTSTANDING: u32 = 2;

/// The most unanswered bytes: as many as the page takes in this time, or one frame.
const WINDOW: Micros = 250_000;

/// The delivered rate is the highest of the last [`STEPS`] steps of this length.
const STEP: Micros = 250_000;
const STEPS: u64 = 8;

/// The frames that one page may be sent.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    tiles: BTreeMap<u16, Tile>,
    /// The unanswered frames by serial, in the order of sending.
    sent: VecDeque<(u32, Sent)>,
    outstanding: usize,
    paused: bool,
    delivered: u64,
    /// The unanswered bytes of frames whose answers may wait. These have long arrived.
    waiting: u64,
    /// The step number, and the highest rate in it, in bytes a second.
    rates: VecDeque<(u64, u64)>,
    /// How long an answer takes that may not wait: the newest if it is longer, else their mean.
    answer: Micros,
}

#[derive(Debug, Default)]
struct Tile {
    outstanding: u32,
    /// The time between two frames; `None` for none.
    interval: Option<Micros>,
    due: Micros,
    last: Micros,
}

#[derive(Debug)]
struct Sent {
    tile: u16,
    bytes: usize,
    at: Micros,
    /// How many bytes were delivered when it was sent.
    delivered: u64,
    /// Whether its answer may wait for the next one.
    waits: bool,
}

impl Credits {
    /// The page shows these tiles, each with its highest rate in frames a second.
    pub fn watch(&mut self, tiles: impl IntoIterator<Item = (u16, f32)>) {
        let mut old = std::mem::take(&mut self.tiles);
        for (number, fps) in tiles {
            let mut tile = old.remove(&number).unwrap_or_default();
            tile.interval = (fps > 0.0).then(|| (1e6 / f64::from(fps)) as Micros);
            // A tile with a low rate does not wait for its old time when its rate rises.
            if let Some(interval) = tile.interval {
                tile.due = tile.due.min(tile.last.saturating_add(interval));
            }
            self.tiles.insert(number, tile);
        }
    }

    /// The page is hidden, or shown again.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The longest waiting tile that may be sent its waiting frame. `waiting` holds the tiles with
    /// a frame, and its length.
    pub fn next(
        &self,
        now: Micros,
        waiting: impl IntoIterator<Item = (u16, usize)>,
    ) -> Option<u16> {
        if self.paused {
            return None;
        }
        let (_, number, bytes) = waiting
            .into_iter()
            .filter_map(|(number, bytes)| Some((self.tiles.get(&number)?, number, bytes)))
            .filter(|(tile, ..)| tile.outstanding < OUTSTANDING && tile.is_due(now))
            .map(|(tile, number, bytes)| (tile.last, number, bytes))
            .min()?;
        let together = self.outstanding.saturating_add(bytes);
        let fits = self.outstanding == 0 || together <= self.window(now);
        fits.then_some(number)
    }

    /// When to look again if nothing comes: a frame may wait for its tile's rate.
    pub fn wake(
        &self,
        now: Micros,
        waiting: impl IntoIterator<Item = (u16, usize)>,
    ) -> Option<Micros> {
        if self.paused {
            return None;
        }
        let tiles = waiting.into_iter().filter_map(|(number, _)| self.tiles.get(&number));
        tiles
            .filter(|tile| tile.outstanding < OUTSTANDING && !tile.is_due(now))
            .map(|tile| tile.due)
            .min()
    }

    /// Whether a frame's answer may wait for that of the tile's next frame without delaying the
    /// third: there is credit left, and answers take less than three quarters of the time between
    /// two frames.
    pub fn may_wait(&self, number: u16, bytes: usize, now: Micros) -> bool {
        let is_quick = self.tiles.get(&number).is_some_and(|tile| {
            tile.outstanding == 0 && 4 * self.answer < 3 * now.saturating_sub(tile.last)
        });
        is_quick && 2 * self.outstanding.saturating_add(bytes) <= self.window(now)
    }

    /// Whether the frame with this serial is unanswered.
    pub fn expects(&self, serial: u32) -> bool {
        self.sent.iter().any(|(waits, _)| *waits == serial)
    }

    /// A frame is sent; its answer `waits` if [`Credits::may_wait`] allowed it.
    pub fn sent(&mut self, serial: u32, number: u16, bytes: usize, waits: bool, now: Micros) {
        if let Some(tile) = self.tiles.get_mut(&number) {
            tile.outstanding += 1;
            tile.last = now;
            let interval = tile.interval.unwrap_or(0);
            // Small delays of a camera are made up for, long ones are not.
            tile.due = (tile.due + interval).max(now.saturating_sub(interval) + interval);
        }
        self.outstanding += bytes;
        let delivered = self.delivered + self.waiting;
        if waits {
            self.waiting += bytes as u64;
        }
        let sent = Sent { tile: number, bytes, at: now, delivered, waits };
        self.sent.push_back((serial, sent));
    }

    /// The page answered. `false` if no such frame is unanswered.
    pub fn answered(&mut self, serial: u32, now: Micros) -> bool {
        // Nearly always the first.
        let place = self.sent.iter().position(|(waits, _)| *waits == serial);
        let Some((_, sent)) = place.and_then(|place| self.sent.remove(place)) else {
            return false;
        };
        if let Some(tile) = self.tiles.get_mut(&sent.tile) {
            tile.outstanding = tile.outstanding.saturating_sub(1);
        }
        self.outstanding -= sent.bytes;
        self.delivered += sent.bytes as u64;
        // The bytes delivered between sending and answer, as congestion control measures them: this
        // is the link's rate even if the page asks for little.
        let elapsed = now.saturating_sub(sent.at);
        if sent.waits {
            self.waiting -= sent.bytes as u64;
        } else {
            self.answer = elapsed.max((7 * self.answer + elapsed) / 8);
        }
        let delivered = self.delivered.saturating_sub(sent.delivered);
        let rate = delivered.saturating_mul(1_000_000) / elapsed.max(1000);
        let step = now / STEP;
        match self.rates.back_mut() {
            Some((last, highest)) if *last == step => *highest = rate.max(*highest),
            _ => self.rates.push_back((step, rate)),
        }
        while self.rates.front().is_some_and(|(first, _)| first + STEPS <= step) {
            self.rates.pop_front();
        }
        true
    }

    /// The most bytes that may be unanswered.
    fn window(&self, now: Micros) -> usize {
        usize::try_from(self.rate(now) * WINDOW / 1_000_000).unwrap_or(usize::MAX)
    }

    /// The page's rate, in bytes a second.
    fn rate(&self, now: Micros) -> u64 {
        let step = now / STEP;
        let recent = self.rates.iter().filter(|(at, _)| at + STEPS > step);
        recent.map(|(_, rate)| *rate).max().unwrap_or(0)
    }
}

impl Tile {
    fn is_due(&self, now: Micros) -> bool {
        // A quarter early is in time, or a camera with exactly this rate would lose frames.
        self.interval.is_some_and(|interval| now + interval / 4 >= self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Micros = 1000;

    /// The next tile if a frame of `bytes` bytes waits for each tile.
    fn next(credits: &Credits, now: Micros, bytes: usize) -> Option<u16> {
        credits.next(now, credits.tiles.keys().map(|number| (*number, bytes)))
    }

    /// Sends a frame of at least one byte; returns its serial.
    fn send(credits: &mut Credits, tile: u16, bytes: usize, waits: bool, now: Micros) -> u32 {
        let serial = credits.delivered as u32 + credits.outstanding as u32;
        credits.sent(serial, tile, bytes, waits, now);
        serial
    }

    fn credits(tiles: &[(u16, f32)]) -> Credits {
        let mut credits = Credits::default();
        credits.watch(tiles.iter().copied());
        credits
    }

    /// Sends and answers a frame within a millisecond, so that the known rate is high.
    fn warm(credits: &mut Credits, tile: u16, now: Micros) {
        let serial = send(credits, tile, 1_000_000, false, now);
        assert!(credits.answered(serial, now + MS));
    }

    #[test]
    fn a_third_frame_waits_for_an_answer() {
        let mut credits = credits(&[(7, 60.0)]);
        warm(&mut credits, 7, 0);
        let mut serials = Vec::new();
        for now in [100 * MS, 200 * MS] {
            assert_eq!(next(&credits, now, 1000), Some(7));
            serials.push(send(&mut credits, 7, 1000, false, now));
        }
        assert_eq!(next(&credits, 300 * MS, 1000), None);
        assert!(credits.answered(serials[0], 301 * MS));
        assert_eq!(next(&credits, 301 * MS, 1000), Some(7));
    }

    #[test]
    fn an_unknown_or_repeated_answer_is_told() {
        let mut credits = credits(&[(0, 60.0)]);
        assert!(!credits.answered(0, 0));
        let serial = send(&mut credits, 0, 10, false, 0);
        assert!(credits.answered(serial, 1));
        assert!(!credits.answered(serial, 1));
    }

    #[test]
    fn the_first_frame_goes_alone() {
        let mut credits = credits(&[(0, 60.0), (1, 60.0)]);
        send(&mut credits, 0, 60_000, false, MS);
        assert_eq!(next(&credits, MS, 60_000), None, "the way is not known yet");
    }

    #[test]
    fn a_slow_way_has_one_frame_on_it() {
        // 200 kB/s: 50 kB fit into the window, less than one frame of 60 kB.
        let mut credits = credits(&[(0, 60.0), (1, 60.0)]);
        let serial = send(&mut credits, 0, 60_000, false, 0);
        credits.answered(serial, 300 * MS);
        send(&mut credits, 1, 60_000, false, 300 * MS);
        assert_eq!(next(&credits, 301 * MS, 60_000), None);
    }

    /// A page that answers after `after`, unless the answer may wait for the next one: how many of
    /// 100 frames of a camera of 30 a second it gets, and how many of their answers may wait.
    fn watched(after: Micros) -> (usize, usize) {
        let mut credits = credits(&[(0, 60.0)]);
        let (mut frames, mut waits) = (0, 0);
        let (mut drawn, mut told) = (Vec::new(), Vec::new());
        for now in (1..=100).flat_map(|n| (0..33).map(move |ms| (33 * n + ms) * MS)) {
            while let Some((serial, _)) = told.pop_if(|(_, at)| *at <= now) {
                assert!(credits.answered(serial, now));
            }
            if now % (33 * MS) == 0 && next(&credits, now, 60_000).is_some() {
                let may_wait = credits.may_wait(0, 60_000, now);
                drawn.push(send(&mut credits, 0, 60_000, may_wait, now));
                if !may_wait {
                    let answers = drawn.drain(..).rev().map(|serial| (serial, now + after));
                    told.splice(0..0, answers);
                }
                frames += 1;
                waits += usize::from(may_wait);
            }
        }
        (frames, waits)
    }

    #[test]
    fn every_second_answer_may_wait_where_none_is_waited_for() {
        for after in [1, 10, 24] {
            let (frames, waits) = watched(after * MS);
            assert_eq!(frames, 100);
            assert!((48..=50).contains(&waits), "{waits} after {after} ms");
        }
        assert_eq!(watched(25 * MS), (100, 0));
        assert_eq!(watched(50 * MS), (99, 0));
    }

    #[test]
    fn the_tile_that_waited_longest_is_next() {
        let mut credits = credits(&[(0, 60.0), (1, 60.0), (2, 60.0)]);
        warm(&mut credits, 0, 50 * MS);
        let mut order = Vec::new();
        let mut now = 100 * MS;
        for _ in 0..6 {
            let tile = next(&credits, now, 1000).unwrap();
            let serial = send(&mut credits, tile, 1000, false, now);
            credits.answered(serial, now + MS);
            order.push(tile);
            now += 20 * MS;
        }
        assert_eq!(order, [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn a_tile_gets_its_rate_and_not_more() {
        let mut credits = credits(&[(0, 10.0)]);
        let mut sent = 0;
        let mut asleep = 0;
        for now in (0..10_000).map(|ms| ms * MS) {
            if next(&credits, now, 1000).is_some() {
                let serial = send(&mut credits, 0, 1000, false, now);
                credits.answered(serial, now);
                sent += 1;
            } else if let Some(wake) = credits.wake(now, [(0, 1000)]) {
                assert!(wake > now);
                asleep += 1;
            }
        }
        assert!((99..=101).contains(&sent), "{sent}");
        assert_eq!(asleep, 10_000 - sent);
    }

    #[test]
    fn a_camera_at_exactly_the_rate_loses_nothing() {
        let mut credits = credits(&[(0, 30.0)]);
        for i in 0..300u64 {
            let jitter = [0, 4, 1, 6, 2][i as usize % 5] * MS;
            let now = i * 33_333 + jitter;
            assert_eq!(next(&credits, now, 1000), Some(0), "frame {i}");
            let serial = send(&mut credits, 0, 1000, false, now);
            credits.answered(serial, now + MS);
        }
    }

    #[test]
    fn a_paused_page_gets_nothing() {
        let mut credits = credits(&[(0, 60.0)]);
        credits.pause(true);
        assert_eq!(next(&credits, MS, 10), None);
        assert_eq!(credits.wake(MS, [(0, 10)]), None);
        credits.pause(false);
        assert_eq!(next(&credits, MS, 10), Some(0));
    }

    #[test]
    fn a_tile_that_wants_nothing_gets_nothing() {
        let credits = credits(&[(0, 0.0)]);
        assert_eq!(next(&credits, MS, 10), None);
    }

    #[test]
    fn a_tile_whose_rate_rises_does_not_wait_for_its_old_time() {
        let mut credits = credits(&[(0, 0.05)]);
        let serial = send(&mut credits, 0, 1000, false, 100 * MS);
        credits.answered(serial, 101 * MS);
        assert_eq!(next(&credits, 5000 * MS, 1000), None);
        credits.watch([(0, 30.0)]);
        assert_eq!(next(&credits, 5000 * MS, 1000), Some(0));
        // And it gets its new rate from then on, except for the late frame.
        let sent = (5000..6000).filter(|ms| {
            let is_next = next(&credits, ms * MS, 1000).is_some();
            if is_next {
                let serial = send(&mut credits, 0, 1000, false, ms * MS);
                credits.answered(serial, ms * MS);
            }
            is_next
        });
        assert!((30..=32).contains(&sent.count()));
    }

    #[test]
    fn new_tiles_are_no_new_credit() {
        let mut credits = credits(&[(0, 60.0)]);
        for number in 0..100 {
            credits.watch([(number, 60.0)]);
            if next(&credits, MS, 1000) == Some(number) {
                send(&mut credits, number, 1000, false, MS);
            }
        }
        assert_eq!(credits.sent.len(), 1);
    }

    proptest! {
        /// Whatever the page answers and when: at most two frames of a tile are unanswered, and
        /// their bytes are at most one frame or what the page takes in the window.
        #[test]
        fn what_is_outstanding_is_bounded(
            steps in proptest::collection::vec((0u8..4, 1usize..200_000, 0u64..50), 1..300),
        ) {
            let mut credits = credits(&[(0, 60.0), (1, 30.0), (2, 60.0)]);
            let (mut now, mut waiting) = (0, Vec::new());
            for (what, bytes, ms) in steps {
                now += ms * MS;
                if what == 0 && !waiting.is_empty() {
                    let serial: u32 = waiting.remove(bytes % waiting.len());
                    prop_assert!(credits.answered(serial, now));
                } else if let Some(tile) = next(&credits, now, bytes) {
                    let waits = credits.may_wait(tile, bytes, now);
                    waiting.push(send(&mut credits, tile, bytes, waits, now));
                    let window = credits.rate(now) as usize / 4;
                    prop_assert!(waiting.len() == 1 || credits.outstanding <= window);
                }
                for tile in 0..3 {
                    let frames = credits.sent.iter().filter(|(_, sent)| sent.tile == tile).count();
                    prop_assert!(frames <= 2);
                }
                let bytes: usize = credits.sent.iter().map(|(_, sent)| sent.bytes).sum();
                prop_assert_eq!(bytes, credits.outstanding);
            }
        }
    }
}
