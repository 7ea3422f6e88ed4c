//! Whether the gallery's own tasks make progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::now::{Micros, mono};

/// A task that shows no progress for this long hangs. The slowest needs 10 s, when it looks for a
/// broker that is not there.
const HANGS_AFTER: Micros = 30_000_000;

/// Tells whether the gallery works, for a watchdog.
#[derive(Debug, Clone)]
pub struct Health {
    beats: Arc<[AtomicU64; Task::ALL.len()]>,
}

/// The tasks that run as long as the gallery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    Broker,
    Wall,
    Listener,
    People,
    Relay,
}

impl Task {
    pub const ALL: [Task; 5] =
        [Task::Broker, Task::Wall, Task::Listener, Task::People, Task::Relay];

    pub fn name(self) -> &'static str {
        match self {
            Task::Broker => "connection to the broker",
            Task::Wall => "state of the wall",
            Task::Listener => "listener",
            Task::People => "list of people",
            Task::Relay => "photos of the relay",
        }
    }
}

impl Health {
    pub(crate) fn new() -> Self {
        let health = Health { beats: Arc::default() };
        Task::ALL.into_iter().for_each(|task| health.beat(task));
        health
    }

    /// The task makes progress.
    pub(crate) fn beat(&self, task: Task) {
        self.beats[task as usize].store(mono(), Ordering::Relaxed);
    }

    /// Whether each of the gallery's tasks made progress lately. A broker that cannot be reached
    /// and is tried again is progress.
    ///
    /// # Errors
    /// Names the task that hangs.
    pub fn check(&self) -> Result<(), String> {
        for task in Task::ALL {
            let last = self.beats[task as usize].load(Ordering::Relaxed);
            let silent = mono().saturating_sub(last);
            if silent > HANGS_AFTER {
                let (name, seconds) = (task.name(), silent / 1_000_000);
                return Err(format!("the gallery's {name} made no progress for {seconds} s"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_hangs_is_named() {
        let health = Health::new();
        assert_eq!(health.check(), Ok(()));
        health.beats[Task::Broker as usize].store(0, Ordering::Relaxed);
        // A machine that has just been started cannot show it.
        if mono() > HANGS_AFTER {
            assert!(health.check().unwrap_err().contains("connection to the broker"));
        }
        health.beat(Task::Broker);
        assert_eq!(health.check(), Ok(()));
    }
}
