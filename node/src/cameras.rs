//! All cameras of the node: which there are, where their devices are, and what the broker is
//! told of the node itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use wire::{CameraId, CameraName, Kind, Stats, Topic, Want};

use crate::camera::{About, Camera, Outlet};
use crate::clock;
use crate::config::{Config, QUALITY, Show};
use crate::identity::Identity;
use crate::source::Open;
use crate::stats::{Load, rss};
use crate::stop::stopped;
use crate::test_card::{self, Card};

/// How long a camera may take to be found before the test card is shown in its place.
const FOUND_WITHIN: Duration = Duration::from_secs(1);

/// The cameras by name.
pub(crate) struct Cameras {
    config: Config,
    identity: Identity,
    outlet: Outlet,
    running: Mutex<BTreeMap<CameraName, Running>>,
    load: Mutex<Load>,
}

struct Running {
    camera: Arc<Camera>,
    thread: JoinHandle<()>,
}

impl Cameras {
    /// None yet.
    pub fn new(config: Config, identity: Identity, outlet: Outlet) -> Self {
        Cameras {
            config,
            identity,
            outlet,
            running: Mutex::default(),
            load: Mutex::new(Load::new()),
        }
    }

    /// Finds cameras and follows them until `stop`; then ends their threads.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        self.publish_info();
        if self.config.test_card.show == Show::Always {
            self.show_test_card();
        }
        let started = Instant::now();
        tokio::select! {
            () = tokio::time::sleep_until((started + FOUND_WITHIN).into()) => {}
            () = stopped(&mut stop) => {}
        }
        if self.config.test_card.show == Show::Auto {
            self.show_test_card();
        }
        stopped(&mut stop).await;
        self.stop().await;
    }

    /// Takes a want for one of them.
    pub fn want(&self, name: &CameraName, want: &Want) {
        let camera = self.running().get(name).map(|running| Arc::clone(&running.camera));
        if let Some(camera) = camera
            && !camera.want(want)
        {
            tracing::debug!(camera = name.as_str(), by = want.by, "too many ask for this camera");
        }
    }

    /// The node's figures since the last call.
    pub fn stats(&self) -> Stats {
        let running = self.running();
        let cameras = running.iter().map(|(name, running)| (name.clone(), running.camera.stats()));
        Stats {
            at: clock::unix_ms(),
            mono: clock::whole(clock::monotonic().as_millis()),
            boot: self.identity.boot.clone(),
            cpu: self.load.lock().unwrap_or_else(PoisonError::into_inner).cpu(),
            rss: rss(),
            spool: 0,
            cameras: cameras.collect(),
        }
    }

    fn show_test_card(&self) {
        let card = self.config.test_card;
        let open: Open = Box::new(move |_| Ok(Box::new(Card::new(&card))));
        let name: CameraName = test_card::NAME.parse().expect("a good name");
        let about = About {
            id: CameraId { node: self.config.name.clone(), camera: name },
            title: "Test card".to_owned(),
            device: "test card".to_owned(),
            quality: QUALITY,
        };
        self.start(about, Some(PathBuf::new()), open);
    }

    fn start(&self, about: About, device: Option<PathBuf>, open: Open) {
        let name = about.id.camera.clone();
        match Camera::start(about, device, open, self.outlet.clone()) {
            Ok((camera, thread)) => {
                self.running().insert(name, Running { camera, thread });
                self.publish_info();
            }
            Err(error) => {
                tracing::error!(camera = name.as_str(), %error, "no thread for this camera")
            }
        }
    }

    fn publish_info(&self) {
        let names: Vec<CameraName> = self.running().keys().cloned().collect();
        let is_test =
            !names.is_empty() && names.iter().all(|name| name.as_str() == test_card::NAME);
        let kind = if is_test { Kind::Test } else { Kind::V4l2 };
        let topic = Topic::Info(self.config.name.clone()).under(&self.outlet.root).to_string();
        self.outlet.facts.set(topic, self.identity.info(kind, names).to_json());
    }

    async fn stop(&self) {
        let running = std::mem::take(&mut *self.running());
        for one in running.values() {
            one.camera.stop();
        }
        // One that hangs in its driver is left to the end of the process.
        let all_ended = async {
            while !running.values().all(|one| one.thread.is_finished()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), all_ended).await.ok();
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<CameraName, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
