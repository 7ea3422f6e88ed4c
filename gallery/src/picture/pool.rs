//! Work on pictures, off the asynchronous threads and few at once.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::Config;

/// Each may take [`super::Limits::memory`].
const AT_ONCE: usize = 2;

/// A cheap handle: all clones share the room.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    room: Arc<Semaphore>,
    config: Config,
}

impl Pool {
    pub fn new(config: Config) -> Self {
        Pool { room: Arc::new(Semaphore::new(AT_ONCE)), config }
    }

    /// Waits for room, and then for the work, which goes on to its end if nobody waits any more.
    ///
    /// # Errors
    /// The work panicked, or the program is ending.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Config) -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let room = self.room.clone().acquire_owned().await.ok();
        let config = self.config;
        spawn_blocking(move || {
            let done = work(&config);
            drop(room);
            done
        })
        .await
    }
}
