//! Forgetting what will not come back, as `vitrina forget` does: by clearing what the broker
//! retains of it.

use std::time::Duration;

use tokio::time::timeout;
use warp::http::StatusCode;
use wire::{CameraId, Forgotten, NodeName, StillHere, Topic};

use super::cameras::MOST;
use crate::live::hub::Hub;
use crate::problem::{Code, Problem};

/// The most facts that wait to be cleared: of the most cameras that one node can have.
const WAITING: usize = 4 * MOST;

/// How long the broker may take to say that something is cleared.
const CLEARED_WITHIN: Duration = Duration::from_secs(5);

/// Why something is not forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgetError {
    /// Nothing is known of it.
    #[error("the gallery knows nothing of {0}")]
    Unknown(Forgotten),
    #[error(transparent)]
    StillHere(#[from] StillHere),
    /// The broker cannot be asked.
    #[error("{0}")]
    Away(String),
    /// The broker did not clear it.
    #[error("the broker has not cleared what it retains of {0}")]
    NotCleared(Forgotten),
}

impl From<ForgetError> for Problem {
    fn from(error: ForgetError) -> Self {
        let sentence = error.to_string();
        match error {
            ForgetError::Unknown(what) => {
                let problem = Problem::not_found(sentence, "GET /api/cameras lists them");
                match what {
                    Forgotten::Camera(_) => problem.coded(Code::CameraUnknown),
                    _ => problem,
                }
            }
            ForgetError::StillHere(_) => {
                let hint = "forget only what will not come back";
                Problem::new(StatusCode::CONFLICT, sentence, hint).coded(Code::StillHere)
            }
            ForgetError::Away(_) => {
                Problem::unavailable(sentence, "nothing was forgotten").coded(Code::BrokerAway)
            }
            ForgetError::NotCleared(what) => {
                let hint = format!(
                    "it may not let the gallery clear a node's facts; on its machine, run: \
                     vitrina forget {what}"
                );
                Problem::new(StatusCode::BAD_GATEWAY, sentence, hint).coded(Code::NotCleared)
            }
        }
    }
}

impl Hub {
    /// Has the broker clear all that it retains of a node or camera, and waits until it did. With
    /// the last camera of a node that is gone, the node goes too.
    ///
    /// # Errors
    /// [`ForgetError`].
    pub async fn forget(&self, what: Forgotten) -> Result<(), ForgetError> {
        let mut cameras = self.cameras();
        let what = self.clear(what)?;
        let gone = async {
            // A node without cameras changes nothing on the wall.
            while self.knows(&what) && cameras.changed().await.is_ok() {}
        };
        match timeout(CLEARED_WITHIN, gone).await {
            Ok(()) => Ok(()),
            Err(_) if !self.knows(&what) => Ok(()),
            Err(_) => Err(ForgetError::NotCleared(what)),
        }
    }

    /// Queues the facts that are to be cleared. Returns what is really forgotten.
    fn clear(&self, what: Forgotten) -> Result<Forgotten, ForgetError> {
        let mut state = self.state();
        if state.broker_lost {
            let why = "the gallery cannot reach the broker; try again when it can";
            return Err(ForgetError::Away(why.to_owned()));
        }
        let (Forgotten::Node(node) | Forgotten::Camera(CameraId { node, .. })) = &what else {
            return Err(ForgetError::Unknown(what));
        };
        let facts = state.cameras.facts(node);
        if !facts.iter().any(|(topic, _)| what.has(topic)) {
            return Err(ForgetError::Unknown(what));
        }
        let check = |what: &Forgotten| {
            what.check(facts.iter().map(|(topic, payload)| (topic, payload.as_bytes())))
        };
        check(&what)?;
        let is_state = |(topic, _): &&(Topic, String)| matches!(topic, Topic::State(_));
        let whole = Forgotten::Node(node.clone());
        let what = match facts.iter().filter(is_state).count() {
            1 if check(&whole).is_ok() => whole,
            _ => what,
        };
        let topics = facts.into_iter().map(|(topic, _)| topic).filter(|topic| what.has(topic));
        let topics: Vec<Topic> = topics.collect();
        if state.clearing.len() + topics.len() > WAITING {
            let why = "the gallery has too much to say to its broker; try again";
            return Err(ForgetError::Away(why.to_owned()));
        }
        state.clearing.extend(topics);
        self.say_clear.notify_one();
        Ok(what)
    }

    /// Whether the broker told something of a camera, also if the wall does not show it.
    pub fn knows_camera(&self, camera: &CameraId) -> bool {
        self.state().cameras.has(camera)
    }

    /// Whether the broker told something of a node.
    pub fn knows_node(&self, node: &NodeName) -> bool {
        self.state().cameras.knows(node)
    }

    fn knows(&self, what: &Forgotten) -> bool {
        let state = self.state();
        match what {
            Forgotten::Node(node) => state.cameras.knows(node),
            Forgotten::Camera(camera) => state.cameras.shows(camera),
            Forgotten::Gallery(_) => false,
        }
    }

    /// The next fact that the broker is to clear.
    pub fn next_cleared(&self) -> Option<Topic> {
        self.state().clearing.pop_front()
    }
}
