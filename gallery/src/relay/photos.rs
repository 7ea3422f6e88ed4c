//! Turns pictures sent on `/` into photos, and sends photos taken elsewhere there.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quota::{Bucket, Rate, Throttle};
use supervision::stopped;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{interval, timeout};
use tracing::{info, warn};
use websocket::Kind;
use wire::{Photo, PhotoEvent, PhotoId};

use super::Relay;
use super::message::{MESSAGE, Message};
use super::outbox::ClientId;
use super::rooms::RoomName;
use crate::limits::shares::{Share, Shares, Who};
use crate::limits::strangers::{MESSAGE_WITHIN, OFFERS};
use crate::now::Now;
use crate::photos::picture;
use crate::photos::store::{Store, sees};
use crate::photos::upload::Uploads;

/// The gallery as a sender; no client has this id.
const GALLERY: ClientId = 0;

/// How many of a client's pictures may become photos at once, and in the long run.
const TURNS: Rate = Rate { burst: 5.0, per_second: 1.0 };

/// How often to log that pictures did not become photos.
const SAY_MISSED: Duration = Duration::from_secs(60);

/// The most photos from here that are remembered until the store announces them.
const REMEMBERED: usize = 256;

/// A photo received longer ago is not new: its deletion was undone.
const NEW_MS: u64 = 60_000;

/// The queue of clients' pictures.
pub(crate) type Offers = mpsc::Sender<(Message, Who, Share)>;
pub(crate) type Offered = mpsc::Receiver<(Message, Who, Share)>;

pub(crate) fn offers() -> (Offers, Offered) {
    mpsc::channel(OFFERS)
}

/// The pictures of one client.
#[derive(Debug)]
pub(crate) struct Pictures {
    offers: Offers,
    /// How many may wait, and whose they are.
    places: Shares,
    who: Who,
    turns: Bucket,
    missed: Arc<Missed>,
}

/// Pictures sent on `/` that did not become photos.
#[derive(Debug)]
pub(crate) struct Missed {
    count: AtomicU64,
    said: Throttle,
}

impl Default for Missed {
    fn default() -> Self {
        Missed { count: AtomicU64::new(0), said: Throttle::new(SAY_MISSED) }
    }
}

impl Missed {
    /// Counts one, and logs that at most once in [`SAY_MISSED`].
    fn count(&self, who: &Who, why: &str) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if self.said.is_due() {
            warn!(
                ?who,
                why,
                since_the_start = count,
                "passed on a picture that was sent on the relay's /, but did not store it as a \
                 photo"
            );
        }
    }
}

impl Pictures {
    pub fn new(offers: Offers, places: Shares, who: Who, missed: Arc<Missed>) -> Pictures {
        Pictures { offers, places, who, turns: Bucket::new(TURNS), missed }
    }

    /// Offers a message to the store, if it is a picture. A picture beyond the client's turns, or
    /// while the store is slower than all clients together, is only passed on.
    pub fn offer(&mut self, message: &Message) {
        let is_picture =
            message.kind == Kind::Binary && picture::recognise(&message.payload).is_some();
        if !is_picture {
            return;
        }
        if self.turns.take(Now::read().since_boot()).is_err() {
            let why = "this client sends more than 5 at once or one a second";
            return self.missed.count(&self.who, why);
        }
        let place = self.places.take(self.who.clone());
        let offered = place.is_ok_and(|place| {
            self.offers.try_send((message.clone(), self.who.clone(), place)).is_ok()
        });
        if !offered {
            self.missed.count(&self.who, "too many wait to be stored");
        }
    }
}

/// Stores offers, and sends photos that the store gets otherwise, until `stop` is true.
pub(crate) async fn run(
    relay: Relay,
    store: Store,
    uploads: Uploads,
    mut offered: Offered,
    mut stop: watch::Receiver<bool>,
    beat: impl Fn(),
) {
    let events = store.events();
    let ours = Ours::default();
    let keep = async {
        while let Some((picture, who, _place)) = offered.recv().await {
            let id = Now::read().new_id();
            // Before it is stored, because the store announces it at once.
            ours.remember(id.clone());
            if let Err(problem) = uploads.bring(id, picture.payload).await {
                relay.missed.count(&who, problem.error());
            }
        }
    };
    let live = async {
        let mut alive = interval(Duration::from_secs(5));
        loop {
            alive.tick().await;
            beat();
        }
    };
    tokio::select! {
        _ = async { tokio::join!(keep, say(&relay, &store, events, &ours), live) } => {}
        () = stopped(&mut stop) => {}
    }
}

async fn say(
    relay: &Relay,
    store: &Store,
    mut events: broadcast::Receiver<PhotoEvent>,
    ours: &Ours,
) {
    loop {
        match events.recv().await {
            Ok(PhotoEvent::Stored { photo, .. }) if ours.is_other(&photo.id) && is_said(&photo) => {
                if let Err(error) = say_photo(relay, store, &photo).await {
                    warn!(photo = %photo.id, %error, "cannot send a photo on the relay");
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(missed)) => {
                info!(missed, "photos came too fast to be sent on the relay");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn say_photo(relay: &Relay, store: &Store, photo: &Photo) -> io::Result<()> {
    let root = RoomName::default();
    if !relay.rooms.is_used(&root) {
        return Ok(());
    }
    let Ok(stored) = store.file(&photo.id).await else { return Ok(()) };
    let bytes = spawn_blocking(move || stored.read()).await?.map_err(io::Error::other)?;
    let mut memory = relay.strangers.messages.none(Who::Gallery);
    let full = || io::Error::other("too many messages wait for its clients");
    timeout(MESSAGE_WITHIN, memory.wait(bytes.len())).await.map_err(|_| full())?;
    let message = Message::new(Kind::Binary, Bytes::from(bytes), memory);
    relay.rooms.give(&root, GALLERY, &message, |cameras| sees(cameras, photo)).await;
    Ok(())
}

/// Whether it came just now, and is no larger than a client's message may be.
fn is_said(photo: &Photo) -> bool {
    Now::read().wall_ms().saturating_sub(photo.received) < NEW_MS && photo.bytes <= MESSAGE as u64
}

/// The photos that clients of the relay brought: all clients have received the picture already.
#[derive(Debug, Default)]
struct Ours(Mutex<VecDeque<PhotoId>>);

impl Ours {
    fn remember(&self, id: PhotoId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.truncate(REMEMBERED - 1);
        ids.push_front(id);
    }

    fn is_other(&self, id: &PhotoId) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pictures_that_become_no_photos_are_counted_whyever() {
        let (offers, mut offered) = offers();
        let memory = Shares::new("bytes of messages", 1 << 20);
        let places = Shares::new("pictures that wait", 64);
        let missed = Arc::<Missed>::default();
        let who = || Who::at([127, 0, 0, 1].into());
        let message = |kind, bytes: &'static [u8]| {
            Message::new(kind, Bytes::from_static(bytes), memory.none(who()))
        };
        let new =
            |places: &Shares| Pictures::new(offers.clone(), places.clone(), who(), missed.clone());
        let mut pictures = new(&places);
        for _ in 0..7 {
            pictures.offer(&message(Kind::Binary, b"\xff\xd8\xff\xe0"));
            pictures.offer(&message(Kind::Text, b"no picture"));
        }
        assert_eq!(missed.count.load(Ordering::Relaxed), 2, "beyond its turns");
        assert!((0..5).all(|_| offered.try_recv().is_ok()) && offered.try_recv().is_err());
        let mut crowded = new(&Shares::new("pictures that wait", 0));
        crowded.offer(&message(Kind::Binary, b"\xff\xd8\xff\xe0"));
        assert_eq!(missed.count.load(Ordering::Relaxed), 3, "without room");
    }
}
