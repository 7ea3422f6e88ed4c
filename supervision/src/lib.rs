//! Which threads and tasks of a part are alive.
//!
//! Each has a [`Beat`]. A panic that unwinds through it is a death, which [`Health`] remembers
//! until another begins under the same name. Otherwise, dropping a beat releases it. `/healthz` and
//! systemd's watchdog check this, and systemd restarts the process. A task that runs until its part
//! ends waits for [`stopped`]. One that lost its connection asks [`Retry`] when to try again.

mod retry;
mod stop;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io};

pub use retry::Retry;
pub use stop::stopped;

/// What is watched, and which of it has died. Cheap to clone: clones share one state.
///
/// ```
/// use supervision::{Health, Need};
///
/// let health = Health::default();
/// let thread = health.thread("keeper", Need::Minor, |beat| beat.beat()).unwrap();
/// thread.join().unwrap();
/// assert_eq!(health.check(), Ok(()), "it ended as it should");
/// let thread = health.thread("keeper", Need::Minor, |_| panic!("a fault")).unwrap();
/// assert!(thread.join().is_err());
/// assert!(health.check().unwrap_err().starts_with("keeper was ended by a fault"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    watched: Vec<Watched>,
    parts: Vec<Health>,
}

#[derive(Debug)]
struct Watched {
    need: Need,
    within: Option<Duration>,
    life: Arc<Life>,
}

#[derive(Debug)]
struct Life {
    what: String,
    last: Mutex<Instant>,
    has_died: AtomicBool,
    #[cfg(feature = "kill")]
    is_killed: AtomicBool,
}

/// Whether the rest is useful without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Pictures or photos are not served without it.
    Vital,
    /// Something smaller is missing without it.
    Minor,
}

/// Something that is dead or stands still. Its `Display` text is a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How much the part needs it.
    pub need: Need,
    what: String,
    /// For how long it has stood still; `None` if it is dead.
    idle: Option<Duration>,
}

impl Health {
    /// Begins to watch a vital task that must show a sign of life at least this often, until its
    /// [`Beat`] is dropped.
    pub fn watch(&self, what: impl Into<String>, within: Duration) -> Beat {
        self.begin(what.into(), Need::Vital, Some(within))
    }

    /// Begins to watch a task for its death only, until its [`Beat`] is dropped.
    pub fn task(&self, what: impl Into<String>, need: Need) -> Beat {
        self.begin(what.into(), need, None)
    }

    /// Starts a thread that is watched for its death only, because a disk may block it for any
    /// time. The kernel shows 15 bytes of its name.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn thread(
        &self,
        name: impl Into<String>,
        need: Need,
        work: impl FnOnce(&Beat) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        self.spawn(name.into(), need, None, work)
    }

    /// The same for a vital thread that must show a sign of life at least this often.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn thread_within(
        &self,
        name: impl Into<String>,
        within: Duration,
        work: impl FnOnce(&Beat) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        self.spawn(name.into(), Need::Vital, Some(within), work)
    }

    fn spawn(
        &self,
        name: String,
        need: Need,
        within: Option<Duration>,
        work: impl FnOnce(&Beat) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let beat = self.begin(name.clone(), need, within);
        Builder::new().name(name).spawn(move || work(&beat))
    }

    fn begin(&self, what: String, need: Need, within: Option<Duration>) -> Beat {
        let life = Arc::new(Life {
            what,
            last: Mutex::new(Instant::now()),
            has_died: AtomicBool::new(false),
            #[cfg(feature = "kill")]
            is_killed: AtomicBool::new(false),
        });
        let mut inner = self.lock();
        // It has started again.
        inner.watched.retain(|one| !one.life.has_died.load(Relaxed) || one.life.what != life.what);
        inner.watched.push(Watched { need, within, life: Arc::clone(&life) });
        Beat(life)
    }

    /// Whether this has died and has not started again.
    pub fn has_lost(&self, what: &str) -> bool {
        let is_it = |one: &Watched| one.life.what == what && one.life.has_died.load(Relaxed);
        self.lock().watched.iter().any(is_it)
    }

    /// Adds another part of the process, whose troubles this reports too.
    pub fn include(&self, part: &Health) {
        self.lock().parts.push(part.clone());
    }

    /// All that is dead or stands still.
    pub fn troubles(&self) -> Vec<Trouble> {
        let mut inner = self.lock();
        // A released beat need not move any more.
        inner
            .watched
            .retain(|one| one.life.has_died.load(Relaxed) || Arc::strong_count(&one.life) > 1);
        let mut troubles: Vec<Trouble> =
            inner.watched.iter().filter_map(Watched::trouble).collect();
        let parts = inner.parts.clone();
        drop(inner);
        troubles.extend(parts.iter().flat_map(Health::troubles));
        troubles
    }

    /// Whether everything watched is alive and moves.
    ///
    /// # Errors
    /// Names what is not.
    pub fn check(&self) -> Result<(), String> {
        let troubles: Vec<String> = self.troubles().iter().map(ToString::to_string).collect();
        if troubles.is_empty() { Ok(()) } else { Err(troubles.join("; ")) }
    }

    /// Makes this panic at its next sign of life.
    #[cfg(feature = "kill")]
    pub fn kill(&self, what: &str) {
        let inner = self.lock();
        for one in inner.watched.iter().filter(|one| one.life.what == what) {
            one.life.is_killed.store(true, Relaxed);
        }
        inner.parts.iter().for_each(|part| part.kill(what));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn trouble(&self) -> Option<Trouble> {
        let (need, what) = (self.need, &self.life.what);
        let trouble = |idle| Some(Trouble { need, what: what.clone(), idle });
        if self.life.has_died.load(Relaxed) {
            return trouble(None);
        }
        let idle = self.life.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if self.within.is_some_and(|within| idle > within) { trouble(Some(idle)) } else { None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.idle {
            None => write!(
                f,
                "{} was ended by a fault of Vitrina; systemd restarts this process, elsewhere \
                 restart it; please report it",
                self.what
            ),
            Some(idle) => write!(f, "{} has made no progress for {} s", self.what, idle.as_secs()),
        }
    }
}

/// A thread or task holds this while it lives.
#[derive(Debug)]
pub struct Beat(Arc<Life>);

impl Beat {
    /// Shows a sign of life.
    pub fn beat(&self) {
        #[cfg(feature = "kill")]
        assert!(!self.0.is_killed.load(Relaxed), "killed by a test: {}", self.0.what);
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// It ends, although its owner did not release it.
    pub fn lost(&self) {
        self.0.has_died.store(true, Relaxed);
        tracing::error!(what = self.0.what, "this ended, and should not");
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if thread::panicking() {
            self.lost();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_still_is_named_until_it_moves_or_ends() {
        let health = Health::default();
        assert_eq!(health.check(), Ok(()));
        let slow = health.watch("camera door", Duration::ZERO);
        let _fine = health.watch("camera hall", Duration::from_secs(60));
        assert!(health.check().unwrap_err().starts_with("camera door has made no progress"));
        drop(slow);
        assert_eq!(health.check(), Ok(()));
    }

    #[test]
    fn a_thread_that_panics_is_named_until_it_is_there_again() {
        let (all, part) = (Health::default(), Health::default());
        all.include(&part);
        let start = |dies: bool| {
            let work = move |_: &Beat| assert!(!dies, "meant to die");
            part.thread("spool", Need::Minor, work).unwrap().join()
        };
        assert!(start(false).is_ok());
        assert_eq!(all.check(), Ok(()), "it was let go");
        assert!(start(true).is_err());
        let troubles = all.troubles();
        assert_eq!(troubles.len(), 1);
        assert_eq!(troubles[0].need, Need::Minor);
        assert!(all.check().unwrap_err().starts_with("spool was ended by a fault"));
        assert!(start(false).is_ok());
        assert_eq!(all.check(), Ok(()));
    }

    #[cfg(feature = "kill")]
    #[test]
    fn what_is_killed_dies_at_its_next_sign_of_life() {
        let health = Health::default();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let work = move |beat: &Beat| {
            let _ = wait.recv();
            beat.beat();
        };
        let thread = health.thread("pool-0", Need::Vital, work).unwrap();
        health.kill("pool-0");
        assert_eq!(health.check(), Ok(()));
        drop(go);
        assert!(thread.join().is_err());
        assert!(health.check().is_err());
    }
}
