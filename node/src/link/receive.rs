//! Decides what a message on the text connection means, and who gets it. It knows no MQTT client.

use wire::{Ask, BadPayload, CameraId, Info, Snap, Status, Stored, Topic, Want, title};

use crate::devices::cameras::Cameras;
use crate::devices::titles::Whose;
use crate::link::mqtt::Link;

/// What the connection must do about a message.
pub(crate) enum Then {
    Nothing,
    /// Publish all facts again: somebody missed or overwrote them.
    PublishAgain,
    /// Leave our name to the node on this host, which had it first.
    Yield(String),
}

impl Link {
    /// Processes a message.
    ///
    /// # Errors
    /// [`BadPayload`] says why a command was not understood.
    pub fn receive(&self, topic: &str, payload: &[u8], retain: bool) -> Result<Then, BadPayload> {
        match Topic::parse(&self.root, topic).ok() {
            // A retained command is an old one.
            Some(
                Topic::Want(_)
                | Topic::Snap(_)
                | Topic::Set(..)
                | Topic::SetTitle(_)
                | Topic::Ask(_)
                | Topic::Stored(_),
            ) if retain => {}
            Some(Topic::Want(id)) => self.cameras.want(&id.camera, Want::parse(payload)?),
            Some(Topic::Snap(id)) => self.cameras.snap(&id.camera, Snap::parse(payload)?.id),
            Some(Topic::SetTitle(_)) => self.set_title(Whose::Node, payload),
            Some(Topic::Set(id, what)) if what.as_str() == "title" => {
                self.set_title(Whose::Camera(id.camera), payload);
            }
            Some(Topic::Set(CameraId { camera, .. }, what)) => {
                let why = format!("this node cannot set {what}; it can set title");
                self.answers.refuse(&format!("{camera}/set/{what}"), why);
            }
            Some(Topic::Ask(_)) => self.questions.ask(Ask::parse(payload)?),
            Some(Topic::Stored(_)) => match Stored::parse(payload)? {
                Stored { id, error: None, .. } => self.spooler.stored(&id),
                Stored { id, error: Some(why), is_final: true } => self.spooler.refused(&id, &why),
                Stored { id, .. } => self.spooler.put_off(&id),
            },
            Some(Topic::GalleryStatus(id)) => {
                let is_online = payload == Status::Online.as_str().as_bytes();
                self.spooler.gallery(id, is_online, retain);
                // It may have missed what we published, or its broker gives no retained messages to
                // wildcards, as RabbitMQ does.
                if is_online && !retain {
                    return Ok(Then::PublishAgain);
                }
            }
            // Retained messages are from the past; our own facts replace them.
            Some(Topic::Status(_) | Topic::Info(_)) if retain => {}
            Some(Topic::Status(_)) if payload == Status::Online.as_str().as_bytes() => {
                self.kept_back.came_back();
            }
            // Our will, published after our return.
            Some(Topic::Status(_)) => return Ok(Then::PublishAgain),
            // Another node took the name at the same moment, and the earlier one keeps it. Or
            // somebody cleared our info.
            Some(Topic::Info(_)) => match Info::parse(payload) {
                Ok(info) if info.instance == self.identity.instance => {}
                Ok(info) if self.identity.yields_to(&info) => return Ok(Then::Yield(info.host)),
                _ => return Ok(Then::PublishAgain),
            },
            // Somebody forgets a camera. One that is here is told again.
            Some(Topic::State(id))
                if payload.is_empty() && !retain && !Cameras::forget(&self.cameras, &id.camera) =>
            {
                return Ok(Then::PublishAgain);
            }
            _ => {}
        }
        Ok(Then::Nothing)
    }

    fn set_title(&self, whose: Whose, payload: &[u8]) {
        let id = whose.to_string();
        let title = title::parse(payload).map_err(|bad| bad.to_string());
        if let Err(why) = title.and_then(|title| self.cameras.titles().ask(whose, title)) {
            self.answers.refuse(&id, why);
        }
    }
}
