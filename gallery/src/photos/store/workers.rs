//! A few threads that wait for the disk, so that tasks need not.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use supervision::{Beat, Health, Need};
use tokio::sync::{mpsc, oneshot};

use super::error::StoreError;

/// The most work that waits in the queue; further callers wait for room.
const QUEUE: usize = 64;

/// Threads with one queue, each with its own state. Dropping this ends them.
#[derive(Debug)]
pub(super) struct Workers<S> {
    queue: mpsc::Sender<Work<S>>,
}

type Work<S> = Box<dyn FnOnce(&mut S) + Send>;

impl<S: Send + 'static> Workers<S> {
    /// Starts a thread for each of `states`.
    pub fn start(
        health: &Health,
        name: &str,
        states: impl IntoIterator<Item = S>,
    ) -> io::Result<Self> {
        let (queue, work) = mpsc::channel(QUEUE);
        let work = Arc::new(Mutex::new(work));
        for (number, state) in states.into_iter().enumerate() {
            let work = work.clone();
            let name = format!("{name}-{number}");
            health.thread(name, Need::Vital, move |alive| serve(&work, state, alive))?;
        }
        Ok(Workers { queue })
    }

    /// Does the work on one of the threads and waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = Box::new(move |state: &mut S| {
            // The asker may have gone.
            let _ = reply.send(work(state));
        });
        self.queue.send(work).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

fn serve<S>(work: &Mutex<mpsc::Receiver<Work<S>>>, mut state: S, alive: &Beat) {
    loop {
        // A thread that waits for the lock would otherwise wait for work.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(next) = next else { return };
        alive.beat();
        // A defect that one picture shows must not stop the others.
        let _ = catch_unwind(AssertUnwindSafe(|| next(&mut state)));
    }
}
