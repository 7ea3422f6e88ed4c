//! All cameras of the node, where their devices are, and what the broker learns about the node.

mod titling;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use supervision::{Beat, Need, stopped};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use wire::{CameraId, CameraName, CameraStats, Controls, Info, Kind, PhotoId, Reason, Topic, Want};

use crate::capture::camera::{About, Camera, Outlet};
use crate::capture::commands::Command;
use crate::capture::driver::choose::{Ask, QUALITY};
use crate::capture::driver::errno::fault;
use crate::capture::driver::stream::stream;
use crate::capture::driver::v4l2::Device;
use crate::capture::source::{Fault, Open};
use crate::capture::test_card::Card;
use crate::config::{Config, Show, TEST_CARD};
use crate::devices::discover::{Found, Scout, What};
use crate::devices::hotplug::Hotplug;
use crate::devices::kept::Keeper;
use crate::devices::marks::Marks;
use crate::devices::names::{self, Names};
use crate::devices::survey::{self, Introduced, Known};
use crate::devices::titles::{Titles, Whose};
use crate::identity::Identity;
use crate::spool::schedule::Schedule;
use crate::spool::spooler::Outcome;

/// How long to look for a camera before the test card takes its place.
const FOUND_WITHIN: Duration = Duration::from_secs(1);
/// How long after the start missing configured cameras are reported: a bus takes some seconds to
/// find its devices.
const PRESENT_WITHIN: Duration = Duration::from_secs(10);
/// How often to look at video nodes that may become cameras without an event, and to replace dead
/// threads.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long the end waits until the names are on the disk.
const KEPT_WITHIN: Duration = Duration::from_secs(2);
/// The longest pause between looks at the clock, because somebody may set it.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);

/// The cameras by name.
pub(crate) struct Cameras {
    config: Config,
    identity: Identity,
    outlet: Outlet,
    titles: Titles,
    running: Mutex<BTreeMap<CameraName, Running>>,
    /// A camera's thread could not be started.
    unstarted: AtomicBool,
}

struct Running {
    camera: Arc<Camera>,
    /// The title in the configuration; empty without one.
    configured: String,
    thread: JoinHandle<()>,
    place: Place,
}

/// The result of a look at the devices.
struct Followed {
    has_camera: bool,
    /// Ambiguities in the configuration of cameras without a name.
    unclear: Vec<String>,
    /// Sections of the configuration whose cameras are not here.
    unmatched: Vec<String>,
}

/// The present path of a camera's device, and the marks to expect there; none while it is gone.
type Place = Arc<Mutex<Option<(PathBuf, Marks)>>>;

impl Running {
    fn place(&self) -> MutexGuard<'_, Option<(PathBuf, Marks)>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_at(place: &Option<(PathBuf, Marks)>, found: &Found) -> bool {
    place
        .as_ref()
        .is_some_and(|(node, marks)| *node == found.node && marks.are_of_the_same(&found.marks))
}

impl Cameras {
    /// None yet.
    pub fn new(config: Config, identity: Identity, outlet: Outlet) -> Self {
        Cameras {
            titles: Titles::read(&config.data),
            config,
            identity,
            outlet,
            running: Mutex::default(),
            unstarted: AtomicBool::new(false),
        }
    }

    /// Finds cameras and follows them until `stop`; then ends their threads.
    ///
    /// # Errors
    /// When the system cannot report hotplug events.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        let keeper = Keeper::start(names::file(&self.config.data), &self.outlet.health)?;
        let result = self.follow_all(&keeper, &mut stop).await;
        self.stop().await;
        // The end of the process ends a thread with a hanging disk.
        self.apart("keep names", move || keeper.end(KEPT_WITHIN)).await;
        result
    }

    async fn follow_all(
        &self,
        keeper: &Keeper,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<()> {
        self.publish_info();
        match self.config.test_card.show {
            Show::Always => self.show_test_card(),
            // The broker may still retain an earlier run's test card.
            Show::Auto | Show::Never => self.forget_test_card(),
        }
        let patience = sleep(FOUND_WITHIN);
        tokio::pin!(patience);
        let mut waits = self.config.test_card.show == Show::Auto;
        let presence = sleep(PRESENT_WITHIN);
        tokio::pin!(presence);
        let mut is_checked = false;
        let devices = self.config.cameras.iter().filter_map(|camera| camera.device.clone());
        let mut hotplug = Hotplug::new(devices.collect())?;
        let mut names = Names::read(&self.config.data, survey::given_names(&self.config));
        let scout = Scout::new(self.outlet.health.clone());
        let mut logged = BTreeSet::new();
        loop {
            let sent = scout.clone();
            let found = tokio::select! {
                Some(found) = self.apart("look", move || sent.scan()) => found,
                // There was no thread to look with; the running cameras go on.
                () = sleep(LOOK_AGAIN) => continue,
                () = stopped(stop) => return Ok(()),
            };
            let Followed { has_camera, unclear, unmatched } = self.follow(&found, &mut names);
            for words in unclear {
                if logged.insert(words.clone()) {
                    tracing::warn!("{words}");
                }
            }
            if let Some(json) = names.unsaved() {
                keeper.keep(json);
            }
            if has_camera && self.config.test_card.show == Show::Auto {
                waits = false;
                self.hide_test_card().await;
            }
            let found = Arc::new(found);
            // One future, because dropping it would lose the events that it has read.
            let changed = hotplug.changed();
            tokio::pin!(changed);
            loop {
                let (sent, known) = (scout.clone(), Arc::clone(&found));
                let may_change = found.iter().any(|found| found.what.may_change());
                let glance = async {
                    sleep(LOOK_AGAIN).await;
                    self.has_lost_threads()
                        || (may_change
                            && self.apart("glance", move || sent.glance(&known)).await
                                == Some(true))
                };
                tokio::select! {
                    () = &mut patience, if waits => {
                        waits = false;
                        self.show_test_card();
                    }
                    () = &mut presence, if !is_checked => {
                        is_checked = true;
                        unmatched.iter().for_each(|words| tracing::warn!("{words}"));
                    }
                    result = &mut changed => {
                        result?;
                        break;
                    }
                    is_other = glance => if is_other { break },
                    () = stopped(stop) => return Ok(()),
                }
            }
        }
    }

    /// Starts new cameras, and tells the others where their devices are now.
    fn follow(&self, found: &[Found], names: &mut Names) -> Followed {
        let cameras: Vec<&Found> =
            found.iter().filter(|found| !found.is_other() || self.has(found)).collect();
        let Introduced { cameras: known, unclear, unmatched } =
            survey::introduce(&self.config, &cameras, names);
        let mut here: BTreeSet<CameraName> = BTreeSet::new();
        for (found, Known { about, ask, .. }) in cameras.into_iter().zip(known) {
            if here.insert(about.id.camera.clone()) {
                self.place(found, about, ask);
            }
        }
        let missing = |name: &CameraName| {
            let unclear = unclear.iter().find(|unclear| unclear.name.as_ref() == Some(name));
            let ambiguous = |words: &String| Fault::error(Reason::Ambiguous, words.clone());
            unclear.map_or_else(Fault::unplugged, |unclear| ambiguous(&unclear.words))
        };
        self.expect(&here, missing);
        for (name, running) in self.running().iter() {
            if name.as_str() != TEST_CARD && !here.contains(name) {
                *running.place() = None;
                running.camera.give(Command::Withhold(missing(name)));
            }
        }
        let unnamed = unclear.into_iter().filter(|unclear| unclear.name.is_none());
        let unclear = unnamed.map(|unclear| unclear.words).collect();
        Followed { has_camera: !here.is_empty(), unclear, unmatched }
    }

    /// Starts a camera that was found, or tells it its present device.
    fn place(&self, found: &Found, about: About, ask: Ask) {
        let name = about.id.camera.clone();
        let place = Some((found.node.clone(), found.marks.clone()));
        let device = match &found.what {
            What::Silent(fault) => Err(fault.clone()),
            _ => Ok(found.node.clone()),
        };
        if let Some(running) = self.running().get(&name) {
            running.camera.give(Command::Path(about.device));
            match device {
                Ok(node) => {
                    *running.place() = place;
                    running.camera.give(Command::Plug(node));
                }
                // It may be silent because it works: some drivers then let nobody else in.
                Err(_) if is_at(&running.place(), found) => {}
                Err(fault) => {
                    *running.place() = None;
                    running.camera.give(Command::Withhold(fault));
                }
            }
            return;
        }
        let place: Place = Arc::new(Mutex::new(place.filter(|_| device.is_ok())));
        self.start(about, device, Arc::clone(&place), open_v4l2(ask, place));
    }

    /// Whether this is the device of a running camera: a loopback whose writer has gone does not
    /// look like a camera, but will be one again.
    fn has(&self, found: &Found) -> bool {
        self.running().values().any(|running| is_at(&running.place(), found))
    }

    /// Starts the missing cameras that the configuration identifies by device and name, so that the
    /// wall shows that they are missing, and why.
    fn expect(&self, here: &BTreeSet<CameraName>, missing: impl Fn(&CameraName) -> Fault) {
        for camera in &self.config.cameras {
            let (Some(name), Some(device)) = (&camera.name, &camera.device) else { continue };
            if here.contains(name) || self.running().contains_key(name) {
                continue;
            }
            let about = About {
                id: CameraId { node: self.config.name.clone(), camera: name.clone() },
                name: name.to_string(),
                title: camera.title.clone(),
                device: device.display().to_string(),
                model: name.to_string(),
                quality: camera.ask.quality,
                every: camera.every,
            };
            let place = Place::default();
            let open = open_v4l2(camera.ask, Arc::clone(&place));
            self.start(about, Err(missing(name)), place, open);
        }
    }

    /// Whether a camera has no thread. A thread that ended by itself is forgotten, so that it is
    /// started again; another may never have started.
    fn has_lost_threads(&self) -> bool {
        let ended: Vec<CameraName> = {
            let mut running = self.running();
            let ended = running.iter().filter(|(_, one)| one.thread.is_finished());
            let ended: Vec<CameraName> = ended.map(|(name, _)| name.clone()).collect();
            running.retain(|name, _| !ended.contains(name));
            ended
        };
        for name in &ended {
            tracing::error!(
                camera = name.as_str(),
                "the thread of this camera has ended; starting it again"
            );
            if name.as_str() == TEST_CARD {
                self.show_test_card();
            }
        }
        self.unstarted.swap(false, Ordering::Relaxed) || !ended.is_empty()
    }

    /// Passes on a want for one of them.
    pub fn want(&self, name: &CameraName, want: Want) {
        if let Some(running) = self.running().get(name) {
            running.camera.give(Command::Want(want));
        }
    }

    /// The present controls of one of them, from its device.
    ///
    /// # Errors
    /// A sentence that says why they are unknown.
    pub async fn controls(&self, name: &CameraName) -> Result<Controls, String> {
        let (reply, answer) = oneshot::channel();
        self.hand(name, Command::Controls(reply));
        answer.await.unwrap_or_else(|_| Err("the camera stopped; ask again".to_owned()))
    }

    /// Asks one of them for a photo.
    pub fn snap(&self, name: &CameraName, id: Option<PhotoId>) {
        if let Some(request) = self.outlet.spooler.ask(id) {
            self.hand(name, Command::Snap(request, clock::monotonic()));
        }
    }

    /// The same for an asker in this process that waits for the outcome.
    pub fn snap_and_wait(&self, name: &CameraName) -> (PhotoId, oneshot::Receiver<Outcome>) {
        let (id, request, outcome) = self.outlet.spooler.ask_and_wait();
        self.hand(name, Command::Snap(request, clock::monotonic()));
        (id, outcome)
    }

    /// Gives one of them a command, or refuses it if there is no such camera.
    fn hand(&self, name: &CameraName, command: Command) {
        let running = self.running();
        match running.get(name) {
            Some(one) => one.camera.give(command),
            None => command.refuse(&no_camera(&running, name)),
        }
    }

    /// Takes the photos that are due by the clock, and refuses those that have waited too long for
    /// a frame, until `stop`.
    pub async fn keep_time(&self, mut stop: watch::Receiver<bool>) {
        let mut schedules: BTreeMap<CameraName, Schedule> = BTreeMap::new();
        loop {
            let (local, now) = (clock::local(), clock::monotonic());
            let mut pause = LOOK_AT_CLOCK;
            for (name, running) in self.running().iter() {
                running.camera.expire();
                let Some(every) = running.camera.about().every else { continue };
                let schedule =
                    schedules.entry(name.clone()).or_insert_with(|| Schedule::new(every, local));
                if schedule.is_due(local, now)
                    && let Some(request) = self.outlet.spooler.ask_scheduled()
                {
                    running.camera.snap(request);
                }
                pause = pause.min(schedule.left(local));
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// The node's info, with the cameras that it has or had.
    pub fn info(&self) -> Info {
        let names: Vec<CameraName> = self.running().keys().cloned().collect();
        let is_test = !names.is_empty() && names.iter().all(|name| name.as_str() == TEST_CARD);
        let kind = if is_test { Kind::Test } else { Kind::V4l2 };
        let title = self.titles.of(&Whose::Node, &self.config.title);
        self.identity.info(kind, title, names)
    }

    /// The figures of each since the last call.
    pub fn stats(&self) -> BTreeMap<CameraName, CameraStats> {
        let running = self.running();
        running.iter().map(|(name, running)| (name.clone(), running.camera.stats())).collect()
    }

    fn show_test_card(&self) {
        let card = &self.config.test_card;
        let (title, every) = (card.title.clone(), card.every);
        let card = card.clone();
        let open: Open = Box::new(move |_| Ok(Box::new(Card::new(&card))));
        let about = About {
            id: self.test_card_id(),
            name: "Test card".to_owned(),
            title,
            device: "test card".to_owned(),
            model: "Vitrina test card".to_owned(),
            quality: QUALITY,
            every,
        };
        self.start(about, Ok(PathBuf::new()), Place::default(), open);
    }

    async fn hide_test_card(&self) {
        let Some(card) = self.running().remove(&self.test_card_id().camera) else { return };
        // Its thread may publish once more before it ends; after this nothing is published.
        end([&card]).await;
        self.forget_test_card();
        self.publish_info();
    }

    fn forget_test_card(&self) {
        for topic in [Topic::State, Topic::Controls] {
            self.outlet.facts.withdraw(&topic(self.test_card_id()));
        }
    }

    /// Somebody has cleared what the broker retains of a camera. One that is unplugged is forgotten,
    /// as if it had never been here, until it is plugged in again; `false` if it is here.
    pub fn forget(this: &Arc<Self>, name: &CameraName) -> bool {
        let gone = {
            let mut running = this.running();
            match running.get(name) {
                None => return true,
                Some(one) if one.place().is_some() || name.as_str() == TEST_CARD => {
                    return false;
                }
                Some(_) => running.remove(name),
            }
        };
        let (this, name) = (Arc::clone(this), name.clone());
        tokio::spawn(async move {
            end(gone.iter()).await;
            // It may have come back meanwhile.
            if !this.running().contains_key(&name) {
                let id = CameraId { node: this.config.name.clone(), camera: name };
                for topic in [Topic::State, Topic::Controls] {
                    this.outlet.facts.withdraw(&topic(id.clone()));
                }
            }
            this.publish_info();
        });
        true
    }

    fn test_card_id(&self) -> CameraId {
        let camera = TEST_CARD.parse().expect("a good name");
        CameraId { node: self.config.name.clone(), camera }
    }

    fn start(&self, mut about: About, device: Result<PathBuf, Fault>, place: Place, open: Open) {
        let name = about.id.camera.clone();
        // A title that is set meanwhile is told once the camera is among those that run.
        let mut running = self.running();
        let configured = about.title.clone();
        about.title = self.titles.of(&Whose::Camera(name.clone()), &configured);
        match Camera::start(about, device, open, self.outlet.clone()) {
            Ok((camera, thread)) => {
                running.insert(name, Running { camera, configured, thread, place });
                drop(running);
                self.publish_info();
            }
            Err(error) => {
                tracing::error!(camera = name.as_str(), %error, "cannot start a thread for this camera; trying again");
                self.unstarted.store(true, Ordering::Relaxed);
            }
        }
    }

    fn publish_info(&self) {
        self.outlet.facts.set(&Topic::Info(self.config.name.clone()), self.info().to_json());
    }

    async fn stop(&self) {
        let running = std::mem::take(&mut *self.running());
        end(running.values()).await;
    }

    /// The result of slow work, from a thread for which the end of the process does not wait.
    /// `None` if the thread did not start, or died.
    async fn apart<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (to, result) = oneshot::channel();
        let work = move |_: &Beat| drop(to.send(work()));
        self.outlet.health.thread(name, Need::Minor, work).ok()?;
        result.await.ok()
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<CameraName, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_camera(running: &BTreeMap<CameraName, Running>, name: &CameraName) -> String {
    let names: Vec<&str> = running.keys().map(CameraName::as_str).collect();
    match names.is_empty() {
        true => "this node has no camera".to_owned(),
        false => format!("this node has no camera {name}; it has {}", names.join(", ")),
    }
}

/// Opens the device if it is still the one that was found there: another device may have taken its
/// number since then.
fn open_v4l2(ask: Ask, place: Place) -> Open {
    Box::new(move |node| {
        let expected = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if expected.is_none_or(|(_, marks)| !Marks::of(node).are_of_the_same(&marks)) {
            return Err(Fault::unplugged());
        }
        let device = Device::open(node).map_err(|error| fault(node, "cannot be opened", &error))?;
        Ok(Box::new(stream(device, &ask)?))
    })
}

/// Ends these threads. The end of the process ends those that hang in a driver.
async fn end<'a>(running: impl IntoIterator<Item = &'a Running>) {
    let running: Vec<&Running> = running.into_iter().collect();
    for one in &running {
        one.camera.give(Command::Stop);
    }
    let all_ended = async {
        while !running.iter().all(|one| one.thread.is_finished()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(2), all_ended).await.ok();
}
