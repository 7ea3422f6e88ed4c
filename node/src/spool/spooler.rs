//! The thread that writes snapshots to the spool, and the state of each: requested, waiting for a
//! gallery, stored, or refused.
//!
//! Only the thread `spool` writes; a camera hands it a frame and goes on. It takes all waiting
//! frames at once, so that many snapshots share one sync of the folder.

mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use supervision::{Beat, Health, Need};
use tokio::sync::{Notify, oneshot};
use wire::{GalleryId, NodeName, PhotoId, Stamp};

use crate::outgoing::answers::{Answers, Refusal};
use crate::spool::disk::{self, Entry};
use crate::spool::offers::{Next, Offers};
use crate::spool::stored::Recent;
use writer::{Writer, reason};

/// The thread's name.
const THREAD: &str = "spool";

/// Frames that may wait to be written. Each was requested, so more are refused with the reason.
const HANDED: usize = 32;

/// The way to the thread and to the state.
#[derive(Debug, Clone)]
pub(crate) struct Spooler {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    health: Health,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    node: NodeName,
    answers: Arc<Answers>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Requested, and not yet in the spool.
    asked: BTreeSet<PhotoId>,
    handed: usize,
    /// In the spool, by number.
    waiting: BTreeMap<u64, Entry>,
    numbers: BTreeMap<PhotoId, u64>,
    bytes: u64,
    stored: Recent,
    refused: BTreeSet<PhotoId>,
    offers: Offers,
    /// Why the node could not keep the last snapshot.
    trouble: Option<String>,
    is_looking: bool,
}

#[derive(Debug)]
enum Job {
    Keep(Shot),
    /// A gallery stored it.
    Remove(Entry),
    /// A gallery refused it for good, and why.
    Refuse(Entry, String),
    Look,
    End,
}

/// The condition of the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Bytes that wait for a gallery.
    pub bytes: u64,
    /// How many galleries refused for good.
    pub refused: u64,
    /// Why the node could not keep the last snapshot: a sentence for people.
    pub trouble: Option<String>,
}

/// A frame for a photo.
#[derive(Debug)]
pub(crate) struct Shot {
    /// The request that it answers.
    pub request: Request,
    /// The frame as a JPEG, not stamped.
    pub jpeg: Bytes,
    /// Its stamp, still without the photo's id.
    pub stamp: Stamp,
    /// The name of the camera's card.
    pub model: String,
}

/// A requested photo. If it fails for any reason, the asker is told once.
#[derive(Debug)]
pub(crate) struct Request {
    id: PhotoId,
    shared: Arc<Shared>,
    is_answered: bool,
    /// The asker in this process, who also learns of success; then nobody else is told.
    reply: Option<oneshot::Sender<Outcome>>,
}

/// The outcome of a request: it is in the spool, or cannot be taken, and why.
pub(crate) type Outcome = Result<(), Refusal>;

impl Request {
    /// It cannot be taken, and why.
    pub fn fail(mut self, why: impl Into<Refusal>) {
        self.refuse(why.into());
    }

    /// Whether nobody gets an answer: the node took it by the clock.
    pub fn is_scheduled(&self) -> bool {
        self.is_answered
    }

    /// It is in the spool.
    fn done(mut self) {
        self.is_answered = true;
        if let Some(reply) = self.reply.take() {
            // The asker may have given up.
            reply.send(Ok(())).ok();
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.shared.state().asked.remove(&self.id);
        if std::mem::replace(&mut self.is_answered, true) {
            return;
        }
        match self.reply.take() {
            Some(reply) => {
                reply.send(Err(refusal)).ok();
            }
            None => self.shared.answers.refuse(self.id.as_str(), refusal),
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.refuse("the camera or its node stopped before the photo was taken".into());
    }
}

impl Spooler {
    /// Starts the thread on the spool in `folder`, which may hold `limit` bytes. If the folder is
    /// unusable now, each snapshot tries again.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn start(
        folder: PathBuf,
        limit: u64,
        node: NodeName,
        answers: Arc<Answers>,
        health: &Health,
    ) -> io::Result<(Spooler, JoinHandle<()>)> {
        let (state, changed) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { folder, node, answers, state, changed });
        let (jobs, received) = mpsc::channel();
        let mut writer = Writer::new(Arc::clone(&shared), limit);
        if let Err(error) = writer.open() {
            writer.complain(&reason(&error).why);
        }
        let work = move |beat: &Beat| writer.run(&received, beat);
        let thread = health.thread(THREAD, Need::Vital, work)?;
        Ok((Spooler { shared, jobs, health: health.clone() }, thread))
    }

    /// Ends the thread once everything handed over is written.
    pub fn end(&self) {
        // If nobody receives, it has already ended.
        let _ = self.jobs.send(Job::End);
    }

    /// Accepts a request for a photo, with the asker's id or one that the node makes. `None` if
    /// that photo is there or on its way already; a waiting one is offered again.
    pub fn ask(&self, id: Option<PhotoId>) -> Option<Request> {
        let id = id.unwrap_or_else(new_id);
        let mut state = self.shared.state();
        if state.numbers.contains_key(&id) {
            state.offers.add(id);
            self.shared.changed.notify_one();
            return None;
        }
        if state.refused.contains(&id) {
            let why = "the gallery refused this photo for good; the node keeps it in spool/refused";
            self.shared.answers.refuse(id.as_str(), why);
            return None;
        }
        if state.stored.contains(&id) || !state.asked.insert(id.clone()) {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        Some(Request { id, shared, is_answered: false, reply: None })
    }

    /// The same for an asker in this process that waits for the outcome.
    pub fn ask_and_wait(&self) -> (PhotoId, Request, oneshot::Receiver<Outcome>) {
        let id = new_id();
        let (reply, outcome) = oneshot::channel();
        self.shared.state().asked.insert(id.clone());
        let (shared, reply) = (Arc::clone(&self.shared), Some(reply));
        let request = Request { id: id.clone(), shared, is_answered: false, reply };
        (id, request, outcome)
    }

    /// The same for the node itself: nobody gets an answer.
    pub fn ask_scheduled(&self) -> Option<Request> {
        self.ask(None).map(|mut request| {
            request.is_answered = true;
            request
        })
    }

    /// Takes a frame to write, without waiting for the disk.
    pub fn hand(&self, shot: Shot) {
        let is_full = {
            let mut state = self.shared.state();
            let is_full = state.handed >= HANDED;
            state.handed += usize::from(!is_full);
            is_full
        };
        if is_full {
            shot.request.fail("the node's disk is too slow for so many photos at once; try again");
        } else {
            // If nobody receives, its request reports that the node stops.
            let _ = self.jobs.send(Job::Keep(shot));
        }
    }

    /// A gallery has stored this photo.
    pub fn stored(&self, id: &PhotoId) {
        if let Some(entry) = self.shared.dequeue(id, |state| state.stored.add(id.clone())) {
            let _ = self.jobs.send(Job::Remove(entry));
        }
    }

    /// A gallery refused this photo for good.
    pub fn refused(&self, id: &PhotoId, why: &str) {
        let refuse = |state: &mut State| {
            state.refused.insert(id.clone());
        };
        if let Some(entry) = self.shared.dequeue(id, refuse) {
            let _ = self.jobs.send(Job::Refuse(entry, why.to_owned()));
        }
    }

    /// A gallery cannot store this photo now.
    pub fn put_off(&self, id: &PhotoId) {
        self.shared.state().offers.put_off(id, Instant::now());
        self.shared.changed.notify_one();
    }

    /// The broker accepts none of this size now.
    pub fn hold(&self, id: &PhotoId) {
        self.shared.state().offers.hold(id, Instant::now());
    }

    /// How many offers in a row got no answer although a gallery is online.
    pub fn unanswered(&self) -> u32 {
        self.shared.state().offers.unanswered()
    }

    /// A gallery came or went. All photos are offered again to one that comes, unless `is_retained`
    /// says that it was there before.
    pub fn gallery(&self, id: GalleryId, is_online: bool, is_retained: bool) {
        if self.shared.state().offers.gallery(id, is_online) && !is_retained {
            self.begin();
        }
    }

    /// The connection is up: all photos are offered again.
    pub fn begin(&self) {
        self.shared.state().begin();
        self.shared.changed.notify_one();
    }

    /// The connection is down.
    pub fn lost(&self) {
        self.shared.state().offers.end();
    }

    /// Waits for the next photo to offer.
    pub async fn offer(&self) -> Entry {
        loop {
            let next = self.shared.state().next();
            let until = match next {
                Ok(entry) => return entry,
                Err(until) => until,
            };
            let changed = self.shared.changed.notified();
            match until {
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(until.into()) => {}
                },
                None => changed.await,
            }
        }
    }

    /// The picture of an entry as this node now publishes it; `None` if it cannot be read.
    pub async fn picture(&self, entry: &Entry) -> Option<Vec<u8>> {
        let (shared, entry) = (Arc::clone(&self.shared), entry.clone());
        let read = move || shared.picture(&entry);
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// What waits, what was refused, and why no more can be kept. The call makes the thread check
    /// the last two again.
    pub fn condition(&self) -> Condition {
        let mut state = self.shared.state();
        let State { bytes, trouble, refused, .. } = &*state;
        let mut condition =
            Condition { bytes: *bytes, refused: refused.len() as u64, trouble: trouble.clone() };
        if self.health.has_lost(THREAD) {
            let why = "the thread that writes photos was ended by a fault of Vitrina; restart the \
                       node, and report it";
            condition.trouble = Some(why.to_owned());
            return condition;
        }
        let is_well = condition.trouble.is_none() && condition.refused == 0;
        if !is_well && !std::mem::replace(&mut state.is_looking, true) {
            let _ = self.jobs.send(Job::Look);
        }
        condition
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a photo from those that wait. `None` if it does not wait.
    fn dequeue(&self, id: &PhotoId, note: impl FnOnce(&mut State)) -> Option<Entry> {
        let mut state = self.state();
        let entry = state.forget(id)?;
        note(&mut state);
        drop(state);
        self.changed.notify_one();
        Some(entry)
    }

    fn picture(&self, entry: &Entry) -> Option<Vec<u8>> {
        let jpeg = match disk::read(&self.folder, entry) {
            Ok(jpeg) => jpeg,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::warn!(photo = %entry.id, "a snapshot is gone from the spool, although no \
                                                   gallery stored it");
                self.dequeue(&entry.id, |_| {});
                return None;
            }
            Err(error) => {
                tracing::warn!(photo = %entry.id, %error, "cannot read a snapshot in the spool");
                self.state().offers.put_off(&entry.id, Instant::now());
                return None;
            }
        };
        // The node had another name then, under which nobody may publish now.
        match Stamp::find(&jpeg) {
            Some(mut stamp) if stamp.camera.node != self.node => {
                stamp.camera.node = self.node.clone();
                let mut renamed = Vec::new();
                let bare = Stamp::remove(&jpeg)?;
                stamp.insert(&bare, &mut renamed).ok().map(|()| renamed)
            }
            _ => Some(jpeg),
        }
    }
}

impl State {
    /// Offers all photos again.
    fn begin(&mut self) {
        let State { offers, waiting, .. } = self;
        offers.begin(waiting.values().map(|entry| entry.id.clone()), Instant::now());
    }

    fn enter(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.numbers.insert(entry.id.clone(), entry.number);
        self.waiting.insert(entry.number, entry);
    }

    fn forget(&mut self, id: &PhotoId) -> Option<Entry> {
        let entry = self.waiting.remove(&self.numbers.remove(id)?)?;
        self.bytes -= entry.bytes;
        self.offers.remove(id);
        Some(entry)
    }

    /// The photo to offer now, or when to look again.
    fn next(&mut self) -> Result<Entry, Option<Instant>> {
        loop {
            match self.offers.next(Instant::now()) {
                Next::Offer(id) => {
                    let entry = self.numbers.get(&id).and_then(|number| self.waiting.get(number));
                    match entry {
                        Some(entry) => return Ok(entry.clone()),
                        None => self.offers.remove(&id),
                    }
                }
                Next::At(then) => return Err(Some(then)),
                Next::Nothing => return Err(None),
            }
        }
    }
}

fn new_id() -> PhotoId {
    PhotoId::new(clock::unix_ms(), fastrand::u128(..))
}

#[cfg(test)]
mod tests;
