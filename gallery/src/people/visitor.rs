//! A page's part in this: who uses it, what it receives, and the camera that it shows.

use std::collections::VecDeque;
use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use wire::frame::{Own, OwnSize};
use wire::page::ToPage;
use wire::{PersonId, PhotoId, Resolution, Size, people};

use super::cameras::Shown;
use super::pictures::Picture;
use super::presence::Device;
use super::requests::{Held, Saying};
use super::wants::Wanted;
use super::{Keys, People, json};
use crate::limits::shares::Who;
use crate::now::{Micros, Now};

/// The preview rate that pages must send, in frames a second.
const PREVIEWS: f32 = 1.0;

/// How early a frame may come, as a part of the time between two.
const EARLY: f32 = 0.5;

/// The most replies that wait for a page: we do not read from it while it takes none.
const REPLIES: usize = 64;

/// Somebody at a page. Dropping this makes them leave.
#[derive(Debug)]
pub(crate) struct Visitor {
    people: Arc<People>,
    address: IpAddr,
    device: Device,
    /// Whether the page's socket takes frames.
    may_show: bool,
    person: Option<PersonId>,
    camera: Option<OwnCamera>,
    lost: bool,
    messages: VecDeque<Arc<str>>,
    bundles: Receiver<Arc<str>>,
}

#[derive(Debug)]
struct OwnCamera {
    shown: Shown,
    /// When the last frame of each size was taken, the preview at the end.
    taken: [Micros; 4],
}

impl Visitor {
    /// `may_show`: the page's socket takes frames.
    pub fn new(people: Arc<People>, address: IpAddr, may_show: bool) -> Self {
        let (all, bundles) = people.listen();
        Visitor {
            device: people.new_device(),
            people,
            address,
            may_show,
            person: None,
            camera: None,
            lost: false,
            messages: all.into(),
            bundles,
        }
    }

    /// Whether somebody has joined here.
    pub fn is_here(&self) -> bool {
        self.person.is_some()
    }

    /// Whether a camera is shown here.
    pub fn shows(&self) -> bool {
        self.camera.is_some()
    }

    /// The connection broke, without a farewell.
    pub fn is_lost(&mut self) {
        self.lost = true;
    }

    /// The next message for the page.
    pub async fn next_message(&mut self) -> Arc<str> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return message;
            }
            let wanted = async {
                if let Some(camera) = &mut self.camera
                    && camera.shown.wanted.changed().await.is_ok()
                {
                    return *camera.shown.wanted.borrow_and_update();
                }
                pending().await
            };
            tokio::select! {
                now = wanted => return wanted_message(now),
                bundle = self.bundles.recv() => match bundle {
                    Ok(bundle) => return bundle,
                    Err(RecvError::Lagged(_)) => self.listen_anew(),
                    // The channel outlives the pages.
                    Err(RecvError::Closed) => pending().await,
                },
            }
        }
    }

    /// Tells the page of everybody and of the last lines again.
    pub fn listen_anew(&mut self) {
        let (all, bundles) = self.people.listen();
        self.bundles = bundles;
        self.messages.extend(all);
    }

    /// Whether the page must take its replies before we read from it again.
    pub fn is_full(&self) -> bool {
        self.messages.len() >= REPLIES
    }

    pub fn join(&mut self, name: String, id: Option<PersonId>, key: Option<&str>) {
        let Some(shown) = people::name(&name) else {
            let most = wire::limits::PERSON;
            let why = format!("a name has 1 to {most} characters that can be seen");
            return self.held(name, Held::never(why));
        };
        let keys = &self.people.keys;
        let proven = id.filter(|id| key.is_some_and(|key| keys.fits(id, key)));
        // A wrong key belongs to another gallery or is forged: either way this is a new person.
        let person = self.person.clone().or(proven).unwrap_or_else(Keys::new_id);
        if let Err(held) = self.people.join(&person, self.device, self.address, &shown) {
            return self.held(name, held);
        }
        let key = self.people.keys.key(&person);
        self.reply(&ToPage::You { id: person.clone(), key, name: shown });
        self.person = Some(person);
    }

    /// Says that a request or line is not passed on, and never will be.
    pub fn refuse(&mut self, text: String, id: Option<PhotoId>, why: &str) {
        self.reply(&ToPage::Held { text, id, seconds: None, why: why.to_owned() });
    }

    pub fn leave(&mut self) {
        self.unshare();
        if let Some(person) = self.person.take() {
            self.people.part(&person, self.device, true, false);
        }
    }

    pub fn say(&mut self, text: String, id: Option<PhotoId>) {
        let said = match &self.person {
            Some(person) => self.people.say(person, self.address, &text, id.clone()),
            None => Err(Held::never("join first, so that others know who says it")),
        };
        match (said, id) {
            (Ok(Saying::New), _) | (Ok(Saying::Known), None) => {}
            (Ok(Saying::Known), Some(id)) => self.reply(&ToPage::Said { id }),
            (Err(Held { seconds, why }), id) => {
                self.reply(&ToPage::Held { text, id, seconds, why });
            }
        }
    }

    /// # Errors
    /// Why the page may not.
    pub fn share(&mut self, name: String, size: Resolution) -> Result<(), String> {
        let Some(person) = &self.person else {
            return Err("join before you show a camera".to_owned());
        };
        if !self.may_show {
            return Err("a camera is shown on a socket of its own, /ws?camera".to_owned());
        }
        let person = person.clone();
        self.unshare();
        match self.people.show(&person, self.device, &name, size) {
            Ok(shown) => {
                self.camera = Some(OwnCamera { shown, taken: [0; 4] });
                self.messages.push_back(wanted_message(Wanted::default()));
            }
            Err(held) => self.held(name, held),
        }
        Ok(())
    }

    pub fn unshare(&mut self) {
        if let (Some(camera), Some(person)) = (self.camera.take(), &self.person) {
            self.people.end(person, &camera.shown.camera, self.lost);
        }
    }

    /// Takes a frame of the page's camera.
    ///
    /// # Errors
    /// Why it is not a frame.
    pub fn frame(&mut self, message: &[u8]) -> Result<(), String> {
        let Some(camera) = &mut self.camera else {
            let length = message.len();
            return Err(format!("an answer has 4 bytes, not {length}; no camera is shown here"));
        };
        let (own, jpeg) = Own::parse(message).ok_or("a frame without its header of 12 bytes")?;
        let now = Now::read();
        let Shown { camera: id, counters, wanted } = &camera.shown;
        let is_full = own.size == OwnSize::Live(Size::Full);
        let (place, rate) = match own.size {
            OwnSize::Live(size) => (size as usize, wanted.borrow().rates[size as usize]),
            OwnSize::Preview => (3, PREVIEWS),
        };
        let picture = Picture::new(id, own, jpeg, &self.people.boot, counters, now)?;
        counters.add(|counters| &counters.made, u64::from(is_full));
        let passed = now.mono.saturating_sub(camera.taken[place]) as f32 / 1e6;
        if rate > 0.0 && passed >= EARLY / rate {
            camera.taken[place] = now.mono;
            self.people.pictures.put(Who::at(self.address), picture);
        } else {
            counters.add(|counters| &counters.unwanted, u64::from(is_full));
        }
        self.reply(&ToPage::Got { seq: own.seq });
        Ok(())
    }

    fn held(&mut self, text: String, Held { seconds, why }: Held) {
        self.reply(&ToPage::Held { text, id: None, seconds, why });
    }

    fn reply(&mut self, what: &ToPage) {
        self.messages.push_back(json(what));
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.unshare();
        if let Some(person) = self.person.take() {
            self.people.part(&person, self.device, false, self.lost);
        }
    }
}

fn wanted_message(Wanted { rates: [full, half, quarter], looking }: Wanted) -> Arc<str> {
    json(&ToPage::Wanted { full, half, quarter, preview: PREVIEWS, looking })
}
