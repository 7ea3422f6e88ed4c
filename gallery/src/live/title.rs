//! Gives a camera or a node another title: asks the node, and waits until it has kept it.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use wire::{Answer, CameraId, Cause, NodeName, Topic, title};

use crate::live::hub::Hub;

/// How long a node may take to keep a title.
const WITHIN: Duration = Duration::from_secs(10);

/// Whose title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    Node(NodeName),
    Camera(CameraId),
}

/// Why a title was not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TitleError {
    #[error("there is no camera {0}")]
    UnknownCamera(CameraId),
    #[error("there is no node {0}")]
    UnknownNode(NodeName),
    /// A page shows the camera, which is named after the person.
    #[error("{0} is shown from a browser, and has the name of the person who shows it")]
    Browser(String),
    /// The broker or the node cannot be reached.
    #[error("{0}")]
    Away(String),
    /// The node refuses.
    #[error("{0}")]
    Refused(String),
    /// The node's disk keeps nothing more.
    #[error("{0}")]
    Full(String),
    /// The node has not answered.
    #[error("{0} did not answer; the title is set if it received it")]
    Late(NodeName),
}

impl Whose {
    fn node(&self) -> &NodeName {
        match self {
            Whose::Node(node) => node,
            Whose::Camera(camera) => &camera.node,
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Whose::Node(node) => Topic::SetTitle(node.clone()),
            Whose::Camera(camera) => {
                Topic::Set(camera.clone(), "title".parse().expect("a good name"))
            }
        }
    }

    fn answer_id(&self) -> String {
        match self {
            Whose::Node(_) => title::answer_id(None),
            Whose::Camera(CameraId { camera, .. }) => title::answer_id(Some(camera)),
        }
    }
}

impl Hub {
    /// Sets a title, or takes it away with an empty one. Returns the title that holds now, which is
    /// the one in the node's configuration if none was set by hand.
    ///
    /// # Errors
    /// [`TitleError`].
    pub async fn set_title(&self, whose: Whose, title: String) -> Result<String, TitleError> {
        self.can_set_title(&whose)?;
        // Before the request, so that no answer is missed.
        let mut answers = self.answers.subscribe();
        if !self.ingest.say(whose.topic(), title) {
            let busy = "the gallery has too much to say to its broker; try again";
            return Err(TitleError::Away(busy.to_owned()));
        }
        let (node, id) = (whose.node(), whose.answer_id());
        let answer = async {
            loop {
                match answers.recv().await {
                    Ok((from, answer)) if from == *node && answer.id == id => return Some(answer),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        let Ok(Some(Answer { result, error, cause, .. })) = timeout(WITHIN, answer).await else {
            return Err(TitleError::Late(node.clone()));
        };
        match (error, cause) {
            (Some(why), Some(Cause::Storage)) => Err(TitleError::Full(why)),
            (Some(why), _) => Err(TitleError::Refused(why)),
            (None, _) => {
                let told = result.as_ref().and_then(|result| result.get("title")?.as_str());
                Ok(title::fit(told.unwrap_or_default()))
            }
        }
    }

    fn can_set_title(&self, whose: &Whose) -> Result<(), TitleError> {
        let node = whose.node();
        if let Whose::Camera(camera) = whose {
            let unknown = || TitleError::UnknownCamera(camera.clone());
            let known = self.camera(camera).ok_or_else(unknown)?;
            if node.is_browser() {
                return Err(TitleError::Browser(known.name));
            }
        }
        if let Some(why) = self.faults().into_iter().next() {
            return Err(TitleError::Away(why));
        }
        match self.is_online(node) {
            Some(true) => Ok(()),
            Some(false) => {
                let why = format!("{node} is offline; it keeps its titles itself");
                Err(TitleError::Away(why))
            }
            None => Err(TitleError::UnknownNode(node.clone())),
        }
    }
}
