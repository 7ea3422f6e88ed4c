//! The capture node: V4L2 cameras in, JPEG over MQTT out.
//!
//! A thread for each camera reads frames and leaves the newest in a slot; a task for each of the
//! two connections takes them from there. Neither waits for the other, so a slow broker gets fewer
//! frames, but never late ones.

mod capture;
mod config;
mod devices;
mod identity;
mod link;
mod outgoing;
mod picture;
mod spool;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use wire::NodeName;

pub use crate::capture::driver::choose::{Ask, Interval, Offer};
pub use crate::config::{
    BadConfig, CameraConfig, CameraSection, Config, Section, Show, TestCard, TestCardSection,
};
pub use crate::devices::survey::{Survey, VideoNode, survey};
pub use crate::link::log::Log;
pub use crate::picture::raw::pixels::Coding;
pub use supervision::Health;

use crate::capture::camera::Outlet;
use crate::devices::cameras::Cameras;
use crate::identity::Identity;
use crate::link::ask::Questions;
use crate::link::kept_back::KeptBack;
use crate::link::mqtt::Link;
use crate::link::stats::Figures;
use crate::outgoing::answers::Answers;
use crate::outgoing::facts::Facts;
use crate::outgoing::slot::Slots;
use crate::spool::spooler::Spooler;

/// How long a clean stop waits for the last snapshots to be written.
const SPOOLED: Duration = Duration::from_secs(2);

/// A node that is ready to run.
pub struct Node {
    name: NodeName,
    health: Health,
    cameras: Arc<Cameras>,
    questions: Arc<Questions>,
    link: Arc<Link>,
    spool: JoinHandle<()>,
}

/// Why a node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel gives no inotify instance or watch.
    #[error(
        "the node cannot notice cameras that are plugged in: {0}; raise \
         fs.inotify.max_user_instances and max_user_watches"
    )]
    Hotplug(#[from] std::io::Error),
    /// The system cannot start another thread.
    #[error("cannot start the thread of the spool: {0}")]
    Thread(std::io::Error),
}

impl Node {
    /// Makes a node; it opens nothing and connects to nobody yet. It answers questions with the
    /// lines of `log`.
    ///
    /// # Errors
    /// [`Error`] says what is missing.
    pub fn new(config: Config, log: Log) -> Result<Node, Error> {
        let identity = Identity::read(&config.data);
        let health = Health::default();
        let answers = Arc::new(Answers::default());
        let (spooler, spool) = Spooler::start(
            config.data.join("spool"),
            config.spool,
            config.name.clone(),
            Arc::clone(&answers),
            &health,
        )
        .map_err(Error::Thread)?;
        let outlet = Outlet {
            root: config.root.clone(),
            boot: identity.boot.clone(),
            facts: Arc::new(Facts::new(config.root.clone())),
            slots: Arc::new(Slots::default()),
            health: health.clone(),
            spooler: spooler.clone(),
        };
        let name = config.name.clone();
        let (broker, tls) = (config.broker.clone(), config.tls.clone());
        let password_file = config.password_file.clone();
        let cameras = Arc::new(Cameras::new(config, identity.clone(), outlet.clone()));
        let questions = Arc::new(Questions::new(
            name.clone(),
            Arc::clone(&cameras),
            Arc::clone(&outlet.facts),
            Arc::clone(&answers),
            log,
        ));
        let kept_back = Arc::new(KeptBack::new(outlet.root.clone(), name.clone()));
        let figures = Figures::new(
            identity.boot.clone(),
            Arc::clone(&cameras),
            spooler.clone(),
            Arc::clone(&kept_back),
        );
        let link = Arc::new(Link {
            broker,
            tls,
            password_file,
            root: outlet.root,
            name: name.clone(),
            identity,
            facts: outlet.facts,
            slots: outlet.slots,
            health: health.clone(),
            cameras: Arc::clone(&cameras),
            answers,
            questions: Arc::clone(&questions),
            spooler,
            figures,
            kept_back,
        });
        Ok(Node { name, health, cameras, questions, link, spool })
    }

    /// The node's name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Tells whether the node is alive.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Captures and publishes until `shutdown`, then says good-bye. It retries an unreachable
    /// broker and a camera that does not work without end.
    ///
    /// # Errors
    /// [`Error`] when it cannot go on.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let stop = watch::Sender::new(false);
        let signal = async {
            shutdown.await;
            stop.send_replace(true);
        };
        let captured = async {
            let result = self.cameras.run(stop.subscribe()).await;
            // Without cameras there is no reason to be connected.
            stop.send_replace(true);
            result
        };
        let work = async {
            let (captured, (), (), (), ()) = tokio::join!(
                captured,
                Arc::clone(&self.link).run(stop.subscribe()),
                self.cameras.keep_time(stop.subscribe()),
                self.cameras.keep_titles(&self.link.answers, stop.subscribe()),
                self.questions.run(stop.subscribe())
            );
            self.link.spooler.end();
            let ended = async {
                while !self.spool.is_finished() {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            // The end of the process ends a thread with a hanging disk.
            timeout(SPOOLED, ended).await.ok();
            captured
        };
        let (mut signal, mut work) = (std::pin::pin!(signal), std::pin::pin!(work));
        tokio::select! {
            result = &mut work => Ok(result?),
            () = &mut signal => Ok(work.await?),
        }
    }
}
