//! What everybody shares: what is known of the cameras, their newest frames, and what is wrong.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};
use wire::page::{Camera, Notice, NoticeCode};
use wire::{
    Answer, CameraId, Cause, GalleryId, NodeName, Size, Stamp, Status, TimeSource, Topic, limits,
};

use crate::live::arrivals::{Arrivals, Dark, Echo};
use crate::live::cameras::{Cameras, Fact};
use crate::live::clocks::{Captured, Clocks, Reading};
use crate::live::frames::{Dropped, Frame, Frames};
use crate::now::{self, Now};
use crate::people::People;
use crate::photos::election::{Order, Then, Turn};
use crate::photos::ingest::{Bad, Ingest, Refusal};
use crate::photos::snaps::SnapError;
use crate::photos::store::{Store, StoreError};
use crate::record::journal::Journal;

/// Bad messages are told once for each topic, of so many topics.
const COMPLAINTS: usize = 100;

/// Changes that come together, as all retained facts do, are shown together.
const GATHER: Duration = Duration::from_millis(30);

/// In milliseconds since 1970. A clock that shows less was never set.
const YEAR_2020: u64 = 1_577_836_800_000;

#[derive(Debug)]
pub(crate) struct Wall {
    state: Mutex<State>,
    pub frames: Arc<Frames>,
    pub store: Store,
    pub ingest: Ingest,
    pub people: Arc<People>,
    pub journal: Arc<Journal>,
    changed: Notify,
    /// Told when a node came online, since it knows no wants.
    pub node_online: Notify,
    /// Told when this gallery must say again that it is online.
    pub say_online: Notify,
    /// Told when others may have to be told whether this gallery came before them.
    pub say_come: Notify,
    cameras: watch::Sender<Arc<[Camera]>>,
    notices: watch::Sender<Arc<[Notice]>>,
}

#[derive(Debug)]
struct State {
    cameras: Cameras,
    clocks: Clocks,
    complained: HashSet<Topic>,
    /// All messages that were refused, also those of topics that were told of.
    refused: u64,
    broker_lost: bool,
    /// What the broker does not let this gallery read.
    denied: BTreeSet<String>,
    arrivals: Arrivals,
    echo: Echo,
    open: bool,
    /// The port on which it is there by HTTPS, if it is.
    https: Option<u16>,
    turn: Turn,
    /// Why this gallery only shows.
    view_only: Option<String>,
    /// Why nothing can be stored.
    trouble: Option<(NoticeCode, String)>,
    /// Why nodes take no photos.
    troubles: Vec<String>,
}

impl Wall {
    /// `open`: other machines can reach it; `https`: by HTTPS on this port.
    pub fn new(
        id: GalleryId,
        open: bool,
        https: Option<u16>,
        people: Arc<People>,
        store: Store,
        ingest: Ingest,
        journal: Arc<Journal>,
    ) -> Self {
        let state = State {
            cameras: Cameras::default(),
            clocks: Clocks::new(now::boot()),
            complained: HashSet::new(),
            refused: 0,
            broker_lost: false,
            denied: BTreeSet::new(),
            arrivals: Arrivals::default(),
            echo: Echo::default(),
            open,
            https,
            turn: Turn::new(id),
            view_only: None,
            trouble: store.trouble().map(|why| notice(&why)),
            troubles: Vec::new(),
        };
        Wall {
            notices: watch::Sender::new(state.notices()),
            state: Mutex::new(state),
            frames: Arc::default(),
            ingest,
            store,
            people,
            journal,
            changed: Notify::new(),
            node_online: Notify::new(),
            say_online: Notify::new(),
            say_come: Notify::new(),
            cameras: watch::Sender::new(Arc::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message from the broker; what a gallery does not need is passed over.
    ///
    /// # Errors
    /// Why it was refused, the first time for a topic, so that it is worth telling.
    pub fn hear(&self, topic: &Topic, payload: Bytes, retained: bool) -> Result<(), String> {
        self.journal.hear(topic, &payload, retained);
        let people = self.people.hear(topic, &payload, retained);
        let taken = people.and_then(|()| match topic {
            Topic::Status(node) => self.hear_fact(&Fact::Status(node), &payload, retained),
            Topic::Info(node) => self.hear_fact(&Fact::Info(node), &payload, retained),
            Topic::Stats(node) => self.hear_fact(&Fact::Stats(node), &payload, retained),
            Topic::State(camera) => self.hear_fact(&Fact::State(camera), &payload, retained),
            Topic::Preview(camera) => self.hear_picture(camera, payload, None),
            Topic::Live(camera, size) => self.hear_picture(camera, payload, Some(*size)),
            Topic::Snapshot(camera) => self.hear_snapshot(camera, payload),
            Topic::Answer(node) => self.hear_answer(node, &payload),
            Topic::GalleryStatus(id) => self.hear_gallery(id, &payload, retained),
            Topic::GalleryCome(id) if !retained => self.hear_come(id, &payload),
            _ => Ok(()),
        });
        taken.or_else(|why| {
            let mut state = self.state();
            state.refused += 1;
            let first =
                state.complained.len() < COMPLAINTS && state.complained.insert(topic.clone());
            if first { Err(why) } else { Ok(()) }
        })
    }

    fn hear_fact(&self, fact: &Fact<'_>, payload: &[u8], retained: bool) -> Result<(), String> {
        let now = Now::read();
        let mut state = self.state();
        let State { cameras, clocks, arrivals, .. } = &mut *state;
        let (Fact::Status(node) | Fact::Info(node) | Fact::Stats(node)) = *fact else {
            let Fact::State(camera) = *fact else { return Ok(()) };
            let local = |at| clocks.to_local(&camera.node, at, now);
            let heard = cameras.hear(fact, payload, retained, local, now);
            if heard.map_err(|e| e.to_string())?.changed {
                // While it does not work it says nothing of its pictures, and shows none.
                if let Some(shape) = cameras.shape(camera) {
                    self.frames.shape(camera, shape);
                }
                self.changed.notify_one();
            }
            return Ok(());
        };
        let heard =
            cameras.hear(fact, payload, retained, |_| None, now).map_err(|e| e.to_string())?;
        if let Some(stats) = &heard.stats {
            let (mono, at) = (stats.mono.saturating_mul(1000), stats.at.saturating_mul(1000));
            clocks.hear(node, Reading { boot: &stats.boot, mono, at, age: 0 }, now.mono);
            let fps = |rates: [f32; 3]| rates.into_iter().fold(0.0, f32::max);
            let wanted = self.frames.wants().into_iter().map(|(camera, it)| (camera, fps(it)));
            for (camera, dark) in arrivals.beat(node, stats, wanted) {
                warn!(%camera, "{}", words(dark));
            }
        }
        if heard.changed {
            self.changed.notify_one();
        }
        if heard.online {
            self.node_online.notify_one();
        }
        // Each node that hears that a gallery is online says all its facts.
        if heard.unknown {
            self.say_online.notify_one();
        }
        Ok(())
    }

    fn hear_picture(
        &self,
        camera: &CameraId,
        jpeg: Bytes,
        size: Option<Size>,
    ) -> Result<(), String> {
        let now = Now::read();
        if jpeg.len() > limits::PICTURE {
            return Err(format!("{} bytes; the most is {}", jpeg.len(), limits::PICTURE));
        }
        let stamp = Stamp::find(&jpeg).ok_or("no JPEG that carries our stamp")?;
        if stamp.camera != *camera {
            return Err(format!("stamped as {}", stamp.camera));
        }
        let captured = {
            let mut state = self.state();
            if !state.cameras.hear_picture(camera, now) {
                // Its state comes before long, and then the next picture.
                return Ok(());
            }
            if size.is_some() {
                state.arrivals.came(camera);
            }
            let Stamp { boot, mono, at, took, .. } = &stamp;
            let age = took.map_or(0, |took| took.made.into());
            let reading = Reading { boot, mono: *mono, at: *at, age };
            state.clocks.hear(&camera.node, reading, now.mono)
        };
        let Stamp { seq, mono, boot, took, .. } = stamp;
        let jpeg = jpeg.into();
        let (received, first, memory) = (now.mono, OnceLock::new(), None);
        let frame = Frame { jpeg, seq, captured, received, size, took, mono, boot, first, memory };
        match self.frames.offer(camera, frame) {
            // A picture that is too late is no complaint.
            Ok(()) | Err(Dropped::Old) => Ok(()),
            Err(Dropped::Full) => Err("the memory for pictures is full".to_owned()),
        }
    }

    /// A snapshot, or one that is offered again.
    fn hear_snapshot(&self, camera: &CameraId, jpeg: Bytes) -> Result<(), String> {
        if !self.state().turn.stores() {
            return Ok(());
        }
        let snapshot = self.ingest.read(camera, jpeg).map_err(|Bad { id, why }| {
            if let Some(id) = id {
                self.ingest.refuse(&camera.node, &id, &why);
            }
            why
        })?;
        let now = Now::read();
        let (name, captured) = {
            let state = self.state();
            let Stamp { boot, mono, .. } = &snapshot.stamp;
            let name = state.cameras.get(camera).map(|known| known.name);
            (name, state.clocks.captured(&camera.node, boot, *mono, now))
        };
        let name = name.unwrap_or_else(|| camera.to_string());
        // A node that was started again since: its own clock is better than the time of receipt,
        // unless it is plainly wrong.
        let told = snapshot.stamp.at / 1000;
        let told = Some(told).filter(|told| (YEAR_2020..=now.wall_ms()).contains(told));
        match captured.or(told) {
            Some(taken) => self.ingest.store(snapshot, name, taken, TimeSource::Camera),
            None => self.ingest.store(snapshot, name, now.wall_ms(), TimeSource::Received),
        }
        Ok(())
    }

    /// A node cannot do what it was asked to.
    fn hear_answer(&self, node: &NodeName, payload: &[u8]) -> Result<(), String> {
        let Answer { id, error, cause, .. } = Answer::parse(payload).map_err(|e| e.to_string())?;
        // Other questions have ids of their own.
        if let (Ok(id), Some(why)) = (id.parse(), error) {
            let why = match cause {
                Some(Cause::Storage) => SnapError::Full(why),
                _ => SnapError::Refused(why),
            };
            self.ingest.refused(Refusal { node: node.clone(), id, why });
        }
        Ok(())
    }

    fn hear_gallery(&self, id: &GalleryId, payload: &[u8], retained: bool) -> Result<(), String> {
        // A status that is cleared away is that of a gallery that will not come back.
        let status = match payload {
            [] => Status::Offline,
            _ => Status::parse(payload).map_err(|e| e.to_string())?,
        };
        let mut state = self.state();
        if !retained && state.turn.is_me(id) {
            state.echo.end();
        }
        if state.cameras.hear_gallery(id, status == Status::Offline) {
            self.changed.notify_one();
        }
        let then = state.turn.hear(id, status, retained);
        self.take_turn(state, then);
        Ok(())
    }

    fn hear_come(&self, id: &GalleryId, payload: &[u8]) -> Result<(), String> {
        let mut state = self.state();
        let then = match payload {
            [] => state.turn.hear_come(id),
            told => {
                let told = Order::parse(told);
                let (order, other) = told.ok_or("neither empty nor `before ID` or `after ID`")?;
                state.turn.hear_order(id, order, &other)
            }
        };
        self.take_turn(state, then);
        Ok(())
    }

    /// A gallery that is to be told which of them came before.
    pub fn next_untold(&self) -> Option<(GalleryId, Order)> {
        self.state().turn.next_untold()
    }

    /// Does what follows from what another gallery said.
    fn take_turn(&self, mut state: MutexGuard<'_, State>, then: Then) {
        self.say_come.notify_one();
        if then == Then::SayOnline {
            self.say_online.notify_one();
        }
        let other = state.turn.other().map(|other| {
            format!(
                "Gallery {other} came first and stores the photos; this one only shows. If that \
                 one will not come back: vitrina forget gallery/{other}"
            )
        });
        // Before it is known, it is as it was.
        if other != state.view_only && (other.is_some() || state.turn.stores()) {
            match &other {
                Some(why) => warn!(why, "view only"),
                None => info!("this gallery stores the photos now"),
            }
            self.store.set_view_only(other.clone());
            state.view_only = other;
            self.notices.send_replace(state.notices());
        }
    }

    pub fn broker_found(&self) {
        self.people.connected();
        self.journal.connected();
        let mut state = self.state();
        state.turn.connected();
        state.cameras.connected(Now::read());
        state.complained.clear();
        state.denied.clear();
        state.arrivals.clear();
        state.echo.begin(now::mono());
        state.broker_lost = false;
        self.notices.send_replace(state.notices());
    }

    /// The broker does not let this gallery read something.
    pub fn refused(&self, filter: String) {
        let mut state = self.state();
        if state.denied.len() < COMPLAINTS {
            state.denied.insert(filter);
        }
    }

    pub fn broker_lost(&self) {
        self.people.disconnected();
        let mut state = self.state();
        state.cameras.disconnected();
        state.echo.end();
        if !std::mem::replace(&mut state.broker_lost, true) {
            self.notices.send_replace(state.notices());
        }
    }

    /// What is wrong, for `/healthz`.
    pub fn ails(&self) -> Vec<String> {
        let lost = self.state().broker_lost.then(|| BROKER_LOST.to_owned());
        lost.into_iter().chain(self.store.trouble().map(|why| why.to_string())).collect()
    }

    /// What is not wrong here, but should be known, for `/healthz`.
    pub fn notes(&self) -> Vec<String> {
        let state = self.state();
        let refused = state.refused;
        let refused = (refused > 0).then(|| {
            format!("{refused} messages from the broker since the start were refused; the log says which topics")
        });
        let nodes = state.cameras.troubles().into_iter().chain(state.cameras.refused());
        let nodes = nodes.chain(state.cameras.kept_back());
        let allow = |filter: &String| {
            format!("The broker does not let this gallery read {filter}: allow its user to")
        };
        let nodes = nodes.chain(state.denied.iter().map(allow));
        let nodes = nodes.chain(state.echo.is_missing(now::mono()).then(|| UNHEARD.to_owned()));
        let large = self.people.pictures.takes().held();
        let nodes = nodes.chain(large.map(|why| format!("Pages' cameras: {why}")));
        let dark = state.arrivals.dark().take(TOLD);
        let dark = dark.map(|(camera, dark)| format!("{camera}: {}", words(dark)));
        let dropped = self.people.dropped().chain(self.journal.not_kept());
        let all = state.view_only.iter().cloned().chain(nodes).chain(dark);
        all.chain(refused).chain(dropped).collect()
    }

    /// Which cameras somebody must mend, for `/healthz`.
    pub fn errors(&self) -> Vec<String> {
        self.state().cameras.errors()
    }

    /// All cameras in the order of the wall, newest list first.
    pub fn cameras(&self) -> watch::Receiver<Arc<[Camera]>> {
        self.cameras.subscribe()
    }

    pub fn camera(&self, id: &CameraId) -> Option<Camera> {
        self.state().cameras.get(id)
    }

    pub fn notices(&self) -> watch::Receiver<Arc<[Notice]>> {
        self.notices.subscribe()
    }

    /// Shows what changed and lets time pass, once a second at least, for ever. `beat` is called
    /// each time.
    pub async fn run(&self, beat: impl Fn()) {
        loop {
            beat();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.changed.notified()).await;
            let cameras: Arc<[Camera]> = {
                let mut state = self.state();
                let State { cameras, clocks, .. } = &mut *state;
                cameras.tick(Now::read());
                clocks.keep(|node| cameras.knows(node));
                // Also of cameras that went when nothing on the wall changed, and a picture that
                // came while its camera went.
                self.frames.keep(|camera| cameras.shows(camera));
                cameras.list().into()
            };
            self.cameras.send_if_modified(|old| {
                let changed = *old != cameras;
                if changed {
                    tell(old, &cameras);
                    *old = cameras;
                }
                changed
            });
            self.watch_troubles();
            tokio::time::sleep(GATHER).await;
        }
    }
}

impl Wall {
    fn watch_troubles(&self) {
        let trouble = self.store.trouble().map(|why| notice(&why));
        let mut state = self.state();
        if state.echo.is_newly_missing(now::mono()) {
            warn!("{UNHEARD}");
        }
        let troubles = state.cameras.troubles();
        if (&trouble, &troubles) != (&state.trouble, &state.troubles) {
            (state.trouble, state.troubles) = (trouble, troubles);
            self.notices.send_replace(state.notices());
        }
    }
}

/// A line in the log for each camera that came, went or changed.
fn tell(old: &[Camera], new: &[Camera]) {
    for camera in new {
        let before = old.iter().find(|c| c.camera == camera.camera);
        // Live and idle alternate as people come and go.
        let works = |c: &Camera| c.reason.is_none();
        match before {
            Some(before) if works(before) && works(camera) => {}
            Some(before) if before.detail == camera.detail => {}
            _ if works(camera) => info!(camera = %camera.camera, "here"),
            _ => info!(camera = %camera.camera, detail = camera.detail, "not live"),
        }
    }
    for camera in old {
        if !new.iter().any(|c| c.camera == camera.camera) {
            info!(camera = %camera.camera, "forgotten");
        }
    }
}

fn notice(why: &StoreError) -> (NoticeCode, String) {
    let code = match why {
        StoreError::Full(_) => NoticeCode::DiskFull,
        _ => NoticeCode::NotStored,
    };
    (code, why.to_string())
}

/// What does not come for so many cameras is told one by one.
const TOLD: usize = 20;

/// What a broker keeps back of a camera, and what to do.
fn words(dark: Dark) -> &'static str {
    match dark {
        Dark::Pictures => {
            "it publishes pictures, but none comes here: the broker must let the node publish, and \
             this gallery read, live/+ under the pictures' topics, and take messages of their size"
        }
        Dark::Wants => {
            "it is asked for pictures, and does not hear it: the broker must let this gallery \
             publish, and the node read, its topic want"
        }
    }
}

const UNHEARD: &str = "What this gallery says does not come back from the broker, so it stores no \
                       photos: allow its user to publish and read under gallery/";

const BROKER_LOST: &str = "The broker cannot be reached; trying again";

impl State {
    fn notices(&self) -> Arc<[Notice]> {
        const OPEN: &str =
            "Everybody on the local network can see this wall: there is no password yet";
        let is = |holds: bool, text: &str| holds.then(|| text.to_owned());
        let https = |port| format!("This wall is there by HTTPS too, on port {port}");
        let troubles = (!self.troubles.is_empty()).then(|| self.troubles.join("; "));
        let all = [
            (NoticeCode::Https, self.https.map(https)),
            (NoticeCode::BrokerLost, is(self.broker_lost, BROKER_LOST)),
            (NoticeCode::Open, is(self.open, OPEN)),
            (NoticeCode::ViewOnly, self.view_only.clone()),
            (NoticeCode::NoSnapshots, troubles),
        ];
        let trouble = self.trouble.clone().map(|(code, text)| (code, Some(text)));
        let port = |code| self.https.filter(|_| code == NoticeCode::Https);
        let all = all.into_iter().chain(trouble);
        all.filter_map(|(code, text)| Some(Notice { code, text: text?, port: port(code) }))
            .collect()
    }
}

impl Frame {
    /// When it was captured and whether that is known, in milliseconds since 1970.
    pub fn captured_ms(&self, now: Now) -> (f64, bool) {
        let Captured { at, known } = self.captured;
        (now.wall as f64 / 1000.0 - now.mono.saturating_sub(at) as f64 / 1000.0, known)
    }

    /// How old it is, in milliseconds.
    pub fn age_ms(&self, now: Now) -> u64 {
        now.mono.saturating_sub(self.captured.at) / 1000
    }
}
