//! A camera's published state and controls, each published once and again when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wire::{CameraState, Controls, Reason, Resolution, Size, State, Topic};

use crate::capture::camera::About;
use crate::capture::source::Fault;
use crate::outgoing::facts::Facts;
use crate::picture::raw::pixels::Layout;

/// How many frames in a row must have a new size before it is published: some cameras alternate.
const STEADY: u32 = 10;

/// The published state, and what else is known.
pub(super) struct Report {
    about: About,
    facts: Arc<Facts>,
    /// The present stable path of the device.
    path: String,
    /// The present title.
    title: String,
    /// The controls at the last reading.
    controls: Controls,
    published: Option<State>,
    /// The last logged failure; the same one is not logged again.
    logged: Option<(Reason, String)>,
}

/// How a camera works.
pub(super) struct Working<'a> {
    /// Somebody watches.
    pub is_wanted: bool,
    pub layout: &'a Layout,
    /// How many frames in a row have had the same size.
    pub same_size: u32,
    pub sizes: &'a [Size],
    pub fps: Option<f32>,
    pub interval: Option<f32>,
}

impl Report {
    /// The report of a camera that has published nothing yet.
    pub fn new(about: About, facts: Arc<Facts>) -> Self {
        let (path, title) = (about.device.clone(), about.title.clone());
        let controls = Controls::default();
        Report { about, facts, path, title, controls, published: None, logged: None }
    }

    /// The device has this stable path now.
    pub fn path(&mut self, path: String) {
        self.path = path;
    }

    /// The camera has this title now, which is published at once.
    pub fn title(&mut self, title: String) {
        self.title = title;
        if let Some(published) = self.published.clone() {
            self.publish(State { title: self.title.clone(), ..published });
        }
    }

    /// The controls were read. A change is published at once while the camera works.
    pub fn controls(&mut self, controls: Controls) {
        self.controls = controls;
        if let Some(published) = self.published.clone().filter(|state| state.reason.is_none()) {
            self.publish(State { controls: self.controls.0.clone(), ..published });
        }
    }

    /// Why the camera does not work.
    pub fn trouble(&self) -> &str {
        match &self.logged {
            Some((_, detail)) => detail,
            None => "the camera has not begun to work yet; ask again",
        }
    }

    /// Frames flow.
    pub fn working(&mut self, working: &Working<'_>) {
        let &Working { is_wanted, layout, same_size, sizes, fps, interval } = working;
        let state = if is_wanted { CameraState::Live } else { CameraState::Idle };
        let (width, height) = (layout.width as u32, layout.height as u32);
        let size = Resolution { width, height };
        let is_told = self.published.as_ref().is_some_and(|told| {
            let is_same_size = told.size == Some(size) || same_size < STEADY;
            let same_path = told.device == self.path;
            let same_pace = told.sizes == sizes && told.interval == interval;
            told.state == state && same_pace && same_path && is_same_size
        });
        if is_told {
            return;
        }
        let before = self.publish(State {
            state,
            format: layout.coding.to_string(),
            size: Some(size),
            fps,
            interval,
            sizes: sizes.to_vec(),
            controls: self.controls.0.clone(),
            ..self.blank()
        });
        if self.logged.take().is_some() || before.is_none_or(|before| before.reason.is_some()) {
            let camera = self.about.id.camera.as_str();
            tracing::info!(camera, device = self.about.device, format = %layout.coding, width, height, fps, "camera works");
        }
    }

    /// Frames have not flowed since a time of the monotonic clock.
    pub fn failed(&mut self, fault: Fault, since: Duration) {
        let failure = (fault.reason, fault.detail.clone());
        if self.logged.as_ref() != Some(&failure) {
            let camera = self.about.id.camera.as_str();
            tracing::warn!(camera, device = self.about.device, "{}", fault.detail);
            self.logged = Some(failure);
        }
        let Fault { state, reason, detail, by } = fault;
        let lasts = clock::monotonic().saturating_sub(since).as_millis();
        let since = clock::unix_ms().saturating_sub(clock::whole(lasts));
        self.publish(State { state, reason: Some(reason), detail, by, since, ..self.blank() });
    }

    fn blank(&self) -> State {
        State {
            state: CameraState::Idle,
            reason: None,
            detail: String::new(),
            by: None,
            since: clock::unix_ms(),
            name: self.about.name.clone(),
            title: self.title.clone(),
            device: self.path.clone(),
            format: String::new(),
            size: None,
            fps: None,
            interval: None,
            sizes: Vec::new(),
            controls: BTreeMap::new(),
        }
    }

    /// Publishes a state with its controls if something in it is new. Returns the state published
    /// before.
    fn publish(&mut self, mut state: State) -> Option<State> {
        let before = self.published.clone();
        if let Some(before) = &before {
            let since = std::mem::replace(&mut state.since, before.since);
            if state == *before {
                return Some(before.clone());
            }
            state.since = since;
        }
        self.facts.set(&Topic::State(self.about.id.clone()), state.to_json());
        // The broker may still retain an earlier run's controls, so empty ones are published too.
        if before.as_ref().is_none_or(|before| before.controls != state.controls) {
            let topic = Topic::Controls(self.about.id.clone());
            match state.controls.is_empty() {
                true => self.facts.withdraw(&topic),
                false => self.facts.set(&topic, Controls(state.controls.clone()).to_json()),
            }
        }
        self.published = Some(state);
        before
    }
}
