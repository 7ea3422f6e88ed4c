//! Gives the node and its cameras titles, one after another.

use std::io;

use serde_json::json;
use supervision::stopped;
use tokio::sync::watch;
use wire::Answer;

use super::{Cameras, no_camera};
use crate::capture::commands::Command;
use crate::devices::titles::{Titles, Whose};
use crate::outgoing::answers::{Answers, Refusal};

impl Cameras {
    /// The titles by hand.
    pub fn titles(&self) -> &Titles {
        &self.titles
    }

    /// Sets titles one after another, and answers, until `stop`.
    pub async fn keep_titles(&self, answers: &Answers, mut stop: watch::Receiver<bool>) {
        loop {
            let set = async {
                let (whose, title) = self.titles.next().await;
                (whose.to_string(), self.set_title(&whose, &title).await)
            };
            let (id, set) = tokio::select! {
                set = set => set,
                () = stopped(&mut stop) => return,
            };
            match set {
                Ok(title) => {
                    let result = Some(json!({ "title": title }));
                    answers.give(Answer { id, result, error: None, cause: None });
                }
                Err(refusal) => answers.refuse(&id, refusal),
            }
        }
    }

    /// Keeps a title on the disk, then tells it. Returns the title that holds now.
    async fn set_title(&self, whose: &Whose, title: &str) -> Result<String, Refusal> {
        if let Whose::Camera(name) = whose {
            let running = self.running();
            if !running.contains_key(name) {
                return Err(no_camera(&running, name).into());
            }
        }
        if let Some(kept) = self.titles.with(whose, title)? {
            let (file, json) = (self.titles.file().to_owned(), json!(kept).to_string());
            let write = move || durable::write(&file, json.as_bytes(), durable::PRIVATE);
            let no_thread = || Err(io::Error::other("no thread could be started"));
            let written = self.apart("keep titles", write).await.unwrap_or_else(no_thread);
            written.map_err(|error| {
                let file = self.titles.file().display();
                Refusal::storage(format!("the title cannot be kept in {file}: {error}"))
            })?;
            self.titles.keep(kept);
        }
        Ok(self.tell_title(whose))
    }

    fn tell_title(&self, whose: &Whose) -> String {
        let Whose::Camera(name) = whose else {
            self.publish_info();
            return self.titles.of(whose, &self.config.title);
        };
        let running = self.running();
        let one = running.get(name);
        let title = self.titles.of(whose, one.map_or("", |one| &one.configured));
        if let Some(one) = one {
            one.camera.give(Command::Title(title.clone()));
        }
        title
    }
}
