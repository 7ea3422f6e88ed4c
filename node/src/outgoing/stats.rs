//! The outcome of each frame, and the load of the process.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wire::CameraStats;

/// The figures of one camera, shared between its thread and the connection.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counters(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    published: u64,
    bytes: u64,
    dropped: BTreeMap<&'static str, u64>,
    /// Good frames since the last stats.
    good: u32,
    since: Option<Instant>,
}

impl Counters {
    /// A ticket for a captured frame, whose outcome is open.
    pub fn ticket(&self) -> Ticket {
        Ticket(Arc::new(Fate { counters: self.clone(), end: Mutex::new(End::Lost) }))
    }

    /// Counts frames that ended without a ticket.
    pub fn dropped(&self, reason: &'static str, frames: u64) {
        if frames > 0 {
            self.with(|counts| *counts.dropped.entry(reason).or_default() += frames);
        }
    }

    /// Counts bytes of a picture handed to the broker.
    pub fn bytes(&self, bytes: usize) {
        self.with(|counts| counts.bytes += bytes as u64);
    }

    /// Counts a good frame of the camera.
    pub fn good(&self) {
        self.with(|counts| counts.good += 1);
    }

    /// The figures for the wire; the rate is since the last call.
    ///
    /// `made` is the sum of all outcomes, so it always agrees with them: a frame on its way counts
    /// when it has arrived.
    pub fn snapshot(&self) -> CameraStats {
        let now = Instant::now();
        self.with(|counts| {
            let fps = match counts.since.replace(now) {
                Some(since) => counts.good as f32 / (now - since).as_secs_f32().max(0.001),
                None => 0.0,
            };
            counts.good = 0;
            CameraStats {
                fps: ((fps * 100.0).round() / 100.0).min(wire::limits::FPS),
                made: counts.published + counts.dropped.values().sum::<u64>(),
                published: counts.published,
                bytes: counts.bytes,
                dropped: counts
                    .dropped
                    .iter()
                    .map(|(&reason, &n)| (reason.to_owned(), n))
                    .collect(),
            }
        })
    }

    fn with<T>(&self, then: impl FnOnce(&mut Counts) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One frame on its way, with a clone for each of its sizes. When all have ended, the frame counts
/// once: as published if one of them was. A dropped ticket means that the connection was lost.
#[derive(Debug, Clone)]
pub(crate) struct Ticket(Arc<Fate>);

#[derive(Debug)]
struct Fate {
    counters: Counters,
    end: Mutex<End>,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Lost,
    Dropped(&'static str),
    Published,
}

impl Ticket {
    /// The picture went to the broker.
    pub fn published(self) {
        *self.end() = End::Published;
    }

    /// The picture was dropped for this reason.
    pub fn dropped(self, reason: &'static str) {
        let mut end = self.end();
        if !matches!(*end, End::Published) {
            *end = End::Dropped(reason);
        }
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.0.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        match *self.end.get_mut().unwrap_or_else(PoisonError::into_inner) {
            End::Published => self.counters.with(|counts| counts.published += 1),
            End::Dropped(reason) => self.counters.dropped(reason, 1),
            End::Lost => self.counters.dropped("connection", 1),
        }
    }
}

/// The process's own load.
#[derive(Debug)]
pub(crate) struct Load {
    at: Instant,
    taken: Duration,
}

impl Load {
    /// Starts counting now.
    pub fn new() -> Self {
        Load { at: Instant::now(), taken: clock::process() }
    }

    /// Processor time since the last call, in percent of one core.
    pub fn cpu(&mut self) -> f32 {
        let (at, taken) = (Instant::now(), clock::process());
        let share = (taken.saturating_sub(self.taken)).as_secs_f32()
            / (at - self.at).as_secs_f32().max(0.001);
        *self = Load { at, taken };
        (share * 1000.0).round() / 10.0
    }
}

/// Resident memory in bytes; 0 if `/proc` does not show it.
pub(crate) fn rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_let_go_is_counted() {
        let counters = Counters::default();
        drop(counters.ticket());
        counters.ticket().published();
        counters.ticket().dropped("superseded");
        let stats = counters.snapshot();
        assert_eq!((stats.made, stats.published), (3, 1));
        assert_eq!(stats.dropped["connection"], 1);
        assert_eq!(stats.dropped["superseded"], 1);
    }

    #[test]
    fn a_frame_in_two_sizes_is_one_frame() {
        let counters = Counters::default();
        let ticket = counters.ticket();
        ticket.clone().published();
        ticket.clone().dropped("superseded");
        assert_eq!(counters.snapshot().made, 0, "one is on its way");
        drop(ticket);
        let stats = counters.snapshot();
        assert_eq!((stats.made, stats.published), (1, 1));
        let ticket = counters.ticket();
        ticket.clone().dropped("superseded");
        drop(ticket);
        assert_eq!(counters.snapshot().dropped, [("superseded".to_owned(), 1)].into());
    }

    #[test]
    fn the_load_is_told() {
        let mut load = Load::new();
        assert!(load.cpu() >= 0.0);
        assert!(rss() > 100_000);
    }

    proptest! {
        #[test]
        fn made_is_published_plus_dropped(fates in proptest::collection::vec(0u8..4, 0..200)) {
            let counters = Counters::default();
            for fate in &fates {
                match fate {
                    0 => counters.ticket().published(),
                    1 => counters.ticket().dropped("superseded"),
                    2 => counters.dropped("driver", 1),
                    _ => drop(counters.ticket()),
                }
            }
            let stats = counters.snapshot();
            prop_assert_eq!(stats.made, fates.len() as u64);
            prop_assert_eq!(stats.made, stats.published + stats.dropped.values().sum::<u64>());
        }
    }
}
