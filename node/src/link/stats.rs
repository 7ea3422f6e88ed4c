//! The node's figures: the one place that reads all its counters.

use std::sync::{Arc, Mutex, PoisonError};

use wire::Stats;

use crate::devices::cameras::Cameras;
use crate::link::kept_back::KeptBack;
use crate::outgoing::stats::{Load, rss};
use crate::spool::spooler::{Condition, Spooler};

/// Everything that counts.
pub(crate) struct Figures {
    boot: String,
    cameras: Arc<Cameras>,
    spooler: Spooler,
    kept_back: Arc<KeptBack>,
    load: Mutex<Load>,
}

impl Figures {
    /// At first, rates are those since now.
    pub fn new(
        boot: String,
        cameras: Arc<Cameras>,
        spooler: Spooler,
        kept_back: Arc<KeptBack>,
    ) -> Self {
        Figures { boot, cameras, spooler, kept_back, load: Mutex::new(Load::new()) }
    }

    /// All figures; rates are those since the last call.
    pub fn read(&self) -> Stats {
        let Condition { bytes, refused, trouble } = self.spooler.condition();
        Stats {
            at: clock::unix_ms(),
            mono: clock::whole(clock::monotonic().as_millis()),
            boot: self.boot.clone(),
            cpu: self.load.lock().unwrap_or_else(PoisonError::into_inner).cpu(),
            rss: rss(),
            spool: bytes,
            refused,
            trouble,
            kept_back: self.kept_back.why(self.spooler.unanswered()),
            cameras: self.cameras.stats(),
        }
    }
}
