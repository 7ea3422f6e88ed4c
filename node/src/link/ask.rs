//! Questions to the node, one at a time: while it works on one, it answers others that it is busy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use supervision::stopped;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use wire::{Answer, Ask, CameraId, CameraName, NodeName, Topic, limits};

use crate::devices::cameras::Cameras;
use crate::link::log::Log;
use crate::outgoing::answers::{Answers, Refusal};
use crate::outgoing::facts::Facts;

/// The methods, and what each gives.
const HELP: [(&str, &str); 6] = [
    ("help", "this list"),
    ("info", "who the node is: version, machine, start, cameras"),
    ("cameras", "what each camera is doing"),
    ("controls", r#"the controls of a camera: {"camera":"NAME"}"#),
    ("snap", r#"takes a photo, and answers when it is on the node's disk: {"camera":"NAME"}"#),
    ("log", r#"the last lines of the node's log: {"lines":20}, 100 at most"#),
];

/// How long a driver may take to read its controls. A camera refuses sooner if its thread hangs.
const CONTROLS_WITHIN: Duration = Duration::from_secs(12);

/// How many lines of the log an answer has by default, and at most.
const LINES: usize = 20;
const LINES_MOST: usize = 100;

/// The methods that the node answers.
pub(crate) struct Questions {
    name: NodeName,
    cameras: Arc<Cameras>,
    facts: Arc<Facts>,
    answers: Arc<Answers>,
    log: Log,
    /// The question in progress.
    current: Mutex<Option<Ask>>,
    asked: Notify,
}

impl Questions {
    /// To a node of this name.
    pub fn new(
        name: NodeName,
        cameras: Arc<Cameras>,
        facts: Arc<Facts>,
        answers: Arc<Answers>,
        log: Log,
    ) -> Self {
        let (current, asked) = (Mutex::default(), Notify::new());
        Questions { name, cameras, facts, answers, log, current, asked }
    }

    /// Accepts a question, or answers that the node is busy.
    pub fn ask(&self, ask: Ask) {
        let mut current = self.current();
        match &*current {
            None => {
                *current = Some(ask);
                self.asked.notify_one();
            }
            Some(Ask { method, .. }) => {
                let why = format!("busy with another question ({method}); ask again");
                self.answers.refuse(&ask.id, why);
            }
        }
    }

    /// Answers until `stop`.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = self.asked.notified() => {}
                () = stopped(&mut stop) => return,
            }
            let Some(Ask { id, method, params }) = self.current().clone() else { continue };
            let answered = tokio::select! {
                answered = self.answer(&method, params) => answered,
                () = stopped(&mut stop) => Err("the node stops".into()),
            };
            // Before the answer, so that its reader can ask the next one.
            *self.current() = None;
            let answer = |result| Answer { id: id.clone(), result, error: None, cause: None };
            match answered.map(|result| answer(Some(result))) {
                Ok(answer) if answer.to_json().len() > limits::JSON => {
                    self.answers.refuse(&id, "the answer is too large; ask for less");
                }
                Ok(answer) => self.answers.give(answer),
                Err(refusal) => self.answers.refuse(&id, refusal),
            }
        }
    }

    async fn answer(&self, method: &str, params: Option<Value>) -> Result<Value, Refusal> {
        match method {
            "help" => {
                let Nothing {} = read(params)?;
                Ok(HELP.iter().map(|(method, what)| ((*method).to_owned(), json!(what))).collect())
            }
            "info" => {
                let Nothing {} = read(params)?;
                Ok(json!(self.cameras.info()))
            }
            "cameras" => {
                let Nothing {} = read(params)?;
                let names = self.cameras.info().cameras;
                Ok(names.iter().map(|name| Value::Object(self.state(name))).collect())
            }
            "controls" => {
                let camera = self.camera(params)?;
                let controls = timeout(CONTROLS_WITHIN, self.cameras.controls(&camera)).await;
                let hangs = || "the camera's driver does not answer".to_owned();
                Ok(json!(controls.map_err(|_| hangs())??))
            }
            "snap" => self.snap(&self.camera(params)?).await,
            "log" => {
                let Last { lines } = read(params)?;
                let lines = lines.unwrap_or(LINES);
                if !(1..=LINES_MOST).contains(&lines) {
                    let why = format!("lines is {lines}; it must be 1 to {LINES_MOST}");
                    return Err(why.into());
                }
                Ok(json!(self.log.last(lines)))
            }
            other => {
                let methods = HELP.map(|(method, _)| method).join(", ");
                let other: String = other.escape_default().collect();
                Err(format!("there is no method {other}; there are {methods}").into())
            }
        }
    }

    async fn snap(&self, camera: &CameraName) -> Result<Value, Refusal> {
        let (photo, outcome) = self.cameras.snap_and_wait(camera);
        let interval = self.state_of(camera).get("interval").and_then(Value::as_f64);
        let within = limits::snap_within(interval.map(|seconds| seconds as f32));
        match timeout(within, outcome).await {
            Ok(Ok(Ok(()))) => Ok(json!({ "photo": photo })),
            Ok(Ok(Err(refusal))) => Err(refusal),
            // The disk hangs: the outcome is unknown.
            Ok(Err(_)) | Err(_) => {
                let why = format!("the node's disk does not answer; photo {photo} may come later");
                Err(why.into())
            }
        }
    }

    /// The state of a camera, without its many controls.
    fn state(&self, camera: &CameraName) -> Map<String, Value> {
        let mut state = self.state_of(camera);
        state.retain(|key, _| key != "controls" && key != "sizes");
        state.insert("camera".to_owned(), json!(camera));
        state
    }

    fn state_of(&self, camera: &CameraName) -> Map<String, Value> {
        let id = CameraId { node: self.name.clone(), camera: camera.clone() };
        let state = self.facts.get(&Topic::State(id));
        state.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
    }

    /// The camera in the question, which need not name the only one.
    fn camera(&self, params: Option<Value>) -> Result<CameraName, String> {
        let names = self.cameras.info().cameras;
        let Of { camera } = read(params)?;
        match (camera, &names[..]) {
            (_, []) => Err("this node has no camera".to_owned()),
            (None, [only]) => Ok(only.clone()),
            (Some(camera), _) if names.contains(&camera) => Ok(camera),
            (camera, _) => {
                let names: Vec<&str> = names.iter().map(CameraName::as_str).collect();
                let names = names.join(", ");
                Err(match camera {
                    Some(camera) => format!("this node has no camera {camera}; it has {names}"),
                    None => format!(r#"say which camera, as {{"camera":"NAME"}}: {names}"#),
                })
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Ask>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    camera: Option<CameraName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    lines: Option<usize>,
}

fn read<T: for<'de> Deserialize<'de>>(params: Option<Value>) -> Result<T, String> {
    match params.unwrap_or_else(|| json!({})) {
        object @ Value::Object(_) => serde_json::from_value(object)
            .map_err(|error| format!("the params are not understood: {error}")),
        _ => Err(r#"the params must be a JSON object such as {"camera":"NAME"}"#.to_owned()),
    }
}
