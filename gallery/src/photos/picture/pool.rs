//! Work on pictures: on its own threads, within one budget of memory, which is reserved before use.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use supervision::{Health, Need};
use tokio::sync::{Semaphore, oneshot};

use super::{BadPicture, Config};

/// How many pictures are worked on at once, however small. Each has a lasting thread: the allocator
/// keeps some memory that a thread has freed, so there must be few threads.
const AT_ONCE: usize = 2;

/// The unit of the budget.
const KIB: u64 = 1024;

/// A cheap handle: all clones share the budget and the threads, which end with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    turns: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// The health of the threads.
    health: Health,
    /// The queue of the threads, once they run. A job with a turn finds a free thread.
    jobs: OnceLock<mpsc::Sender<Job>>,
}

type Job = Box<dyn FnOnce() + Send>;

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// It takes more memory than the whole budget.
    #[error(transparent)]
    Memory(BadPicture),
    /// It panicked.
    #[error("the work on the picture failed; this is a defect")]
    Failed,
    /// No thread could be started for it.
    #[error("no thread can be started to work on the picture: {0}")]
    Thread(#[from] io::Error),
}

impl Pool {
    pub fn new(config: Config) -> Self {
        let units = usize::try_from(config.memory / KIB).unwrap_or(usize::MAX);
        let memory = Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let (health, jobs) = (Health::default(), OnceLock::new());
        Pool { shared: Arc::new(Shared { config, turns, memory, health, jobs }) }
    }

    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Waits for its turn and for `bytes` of the budget, then for the work, which goes on even if
    /// nobody waits any more. The order is that of arrival: small work does not overtake large work
    /// that waits.
    ///
    /// # Errors
    /// [`PoolError`].
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: u64,
        work: impl FnOnce(&Config) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let Shared { config, turns, memory, .. } = &*self.shared;
        config.affords(bytes).map_err(PoolError::Memory)?;
        let units = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
        // They fail only when closed, which never happens.
        let turn = turns.clone().acquire_owned().await.ok();
        let memory = memory.clone().acquire_many_owned(units).await.ok();
        let (config, (reply, answer)) = (*config, oneshot::channel());
        let job = Box::new(move || {
            // A defect that one picture shows must not stop the others.
            let done = catch_unwind(AssertUnwindSafe(|| work(&config)));
            drop((memory, turn));
            // The asker may have gone.
            let _ = reply.send(done);
        });
        self.threads()?.send(job).map_err(|_| PoolError::Failed)?;
        answer.await.map_err(|_| PoolError::Failed)?.map_err(|_| PoolError::Failed)
    }

    fn threads(&self) -> io::Result<&mpsc::Sender<Job>> {
        if let Some(jobs) = self.shared.jobs.get() {
            return Ok(jobs);
        }
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..AT_ONCE {
            let queue = queue.clone();
            let name = format!("pictures-{number}");
            self.shared.health.thread(name, Need::Vital, move |alive| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    alive.beat();
                    job();
                }
            })?;
        }
        // Of two that start threads at once, one set ends again.
        Ok(self.shared.jobs.get_or_init(|| jobs))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn pool(memory: u64) -> Pool {
        Pool::new(Config { memory, ..Config::default() })
    }

    #[tokio::test]
    async fn what_can_never_fit_is_refused_with_the_limit_named() {
        let error = pool(64 << 20).run(65 << 20, |_| ()).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("65 MiB") && said.contains("64 MiB"), "{said}");
        assert!(said.contains("gallery.pictures.decode_bytes"), "{said}");
        assert!(pool(64 << 20).run(64 << 20, |_| ()).await.is_ok());
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_and_is_not_overtaken() {
        let pool = pool(100 << 20);
        let order = Arc::new(Mutex::new(Vec::new()));
        let (go, wait) = channel::<()>();
        let start = |name: &'static str, mib: u64, wait: Option<Receiver<()>>| {
            let (pool, order) = (pool.clone(), order.clone());
            tokio::spawn(async move {
                let work = move |_: &Config| {
                    if let Some(wait) = wait {
                        wait.recv().unwrap();
                    }
                    order.lock().unwrap().push(name);
                };
                pool.run(mib << 20, work).await.unwrap();
            })
        };
        let holder = start("holder", 60, Some(wait));
        tokio::task::yield_now().await;
        let big = start("big", 90, None);
        tokio::task::yield_now().await;
        // It fits beside the holder, but not beside the big one.
        let small = start("small", 20, None);
        tokio::task::yield_now().await;
        assert!(order.lock().unwrap().is_empty());
        go.send(()).unwrap();
        for task in [holder, big, small] {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["holder", "big", "small"]);
        assert_eq!(pool.shared.memory.available_permits(), 100 << 10, "all is given back");
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_memory_back() {
        let pool = pool(10 << 20);
        let failed = pool.run(10 << 20, |_| panic!("a defect")).await;
        assert!(matches!(failed, Err(PoolError::Failed)));
        assert!(pool.run(10 << 20, |_| ()).await.is_ok());
    }
}
