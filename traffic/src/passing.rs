//! One message on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use crate::{Kind, Way};

/// One message on its way, and what became of it. Cheap to clone; all copies are the same message.
#[derive(Debug, Clone, Default)]
pub struct Passing(Option<Arc<Row>>);

#[derive(Debug)]
pub(crate) struct Row {
    /// In milliseconds since 1970.
    pub at: u64,
    pub since: Instant,
    pub way: Way,
    pub kind: Kind,
    pub bytes: usize,
    /// What its sender is called.
    pub from: Arc<str>,
    /// What stands for its sender, whatever that is called.
    label: Arc<str>,
    /// Which picture of its camera it is.
    serial: Option<u32>,
    pub to: AtomicU32,
    pub taken: AtomicU32,
    pub replaced: AtomicU32,
    /// The longest that one of them waited, in microseconds.
    pub waited: AtomicU64,
}

impl Passing {
    pub(crate) fn new(
        way: Way,
        (label, from): (&Arc<str>, &Arc<str>),
        kind: Kind,
        bytes: usize,
        serial: Option<u32>,
    ) -> Passing {
        Passing(Some(Arc::new(Row {
            at: clock::unix_ms(),
            since: Instant::now(),
            way,
            kind,
            bytes,
            from: from.clone(),
            label: label.clone(),
            serial,
            to: AtomicU32::new(0),
            taken: AtomicU32::new(0),
            replaced: AtomicU32::new(0),
            waited: AtomicU64::new(0),
        })))
    }

    /// It goes to so many.
    pub fn goes_to(&self, receivers: usize) {
        if let Some(row) = &self.0 {
            row.to.fetch_add(u32::try_from(receivers).unwrap_or(u32::MAX), Relaxed);
        }
    }

    /// One more got it, after so long.
    pub(crate) fn goes_also(&self, waited: Duration) {
        self.goes_to(1);
        self.took(waited);
    }

    /// One of them has it now.
    pub fn taken(&self) {
        // Without a row the clock is not read: this is called for each delivery of MQTT.
        if let Some(row) = &self.0 {
            self.took(row.since.elapsed());
        }
    }

    fn took(&self, waited: Duration) {
        if let Some(row) = &self.0 {
            row.taken.fetch_add(1, Relaxed);
            row.waited.fetch_max(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX), Relaxed);
        }
    }

    /// All of them have it now.
    pub fn all_taken(&self) {
        self.taken();
        if let Some(row) = &self.0 {
            row.taken.store(row.to.load(Relaxed).max(1), Relaxed);
        }
    }

    /// One of them will not get it: there is a newer one.
    pub fn replaced(&self) {
        if let Some(row) = &self.0 {
            row.replaced.fetch_add(1, Relaxed);
        }
    }

    /// When it came.
    pub fn since(&self) -> Instant {
        self.0.as_ref().map_or_else(Instant::now, |row| row.since)
    }

    pub(crate) fn row(&self) -> Option<&Row> {
        self.0.as_deref()
    }

    pub(crate) fn label(&self) -> &str {
        self.0.as_ref().map_or("", |row| &row.label)
    }

    pub(crate) fn way(&self) -> Option<Way> {
        self.0.as_ref().map(|row| row.way)
    }

    pub(crate) fn is(&self, serial: u32) -> bool {
        self.0.as_ref().is_some_and(|row| row.serial == Some(serial))
    }
}
