//! Turns a snapshot from MQTT into a photo: checks it, stores it, and acknowledges it to its node,
//! which keeps it until then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tracing::{error, info, warn};
use wire::{CameraId, MediaType, NodeName, PhotoId, Stamp, Stored, TimeSource, Topic, limits};

use crate::photos::picture::{self, Checked};
use crate::photos::snaps::SnapError;
use crate::photos::store::{Added, Content, NewPhoto, Store, StoreError};

/// Memory of snapshots in progress, in KiB; the largest fits three times.
const ROOM: usize = 32 * 1024;

/// The most messages that wait to be sent. Further ones are dropped: a node without an answer
/// offers its snapshot again.
pub(crate) const SAYINGS: usize = 256;

/// The most refusals that wait for those who asked for a snapshot.
const REFUSALS: usize = 64;

/// A message of the gallery on MQTT: QoS 1, not retained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Saying {
    pub topic: Topic,
    pub payload: String,
}

/// A node or this gallery says that there will be no such photo, at least for now.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub node: NodeName,
    pub id: PhotoId,
    pub why: SnapError,
}

/// Takes in snapshots.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    store: Store,
    room: Arc<Semaphore>,
    crowded: Arc<AtomicBool>,
    say: mpsc::Sender<Saying>,
    refusals: broadcast::Sender<Refusal>,
    keep_gps: bool,
}

/// A snapshot that can be stored.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub id: PhotoId,
    pub stamp: Stamp,
    jpeg: Bytes,
    checked: Checked,
}

/// A snapshot that will never be stored.
#[derive(Debug, PartialEq)]
pub(crate) struct Bad {
    /// The id that it claims, if readable.
    pub id: Option<PhotoId>,
    pub why: String,
}

impl Ingest {
    pub fn new(store: Store, say: mpsc::Sender<Saying>, keep_gps: bool) -> Self {
        let (room, crowded) = (Arc::new(Semaphore::new(ROOM)), Arc::default());
        let refusals = broadcast::Sender::new(REFUSALS);
        Ingest { store, room, crowded, say, refusals, keep_gps }
    }

    /// Reads a snapshot from `camera`'s topic, and removes the place unless it is to be kept.
    pub fn read(&self, camera: &CameraId, jpeg: Bytes) -> Result<Snapshot, Bad> {
        let stamp = Stamp::find(&jpeg);
        let id = stamp.as_ref().and_then(|stamp| stamp.photo.clone());
        let bad = |why: String| Bad { id: id.clone(), why };
        if jpeg.len() > limits::PICTURE {
            return Err(bad(format!("{} bytes; the most is {}", jpeg.len(), limits::PICTURE)));
        }
        let Some(stamp) = stamp else {
            return Err(bad("not a JPEG with Vitrina's stamp".to_owned()));
        };
        let Some(id) = id.clone() else {
            return Err(bad("its stamp names no photo".to_owned()));
        };
        if stamp.camera != *camera {
            return Err(bad(format!("its stamp says {}", stamp.camera)));
        }
        let looked = picture::look(MediaType::Jpeg, &jpeg);
        // A node sends no picture without its end.
        let whole = looked.and_then(|looked| match looked.is_cut {
            true => Err(picture::BadPicture::Cut),
            false => Ok(looked),
        });
        let checked = whole.map_err(|error| bad(error.to_string()))?.checked;
        let mut jpeg = Vec::from(jpeg);
        if !self.keep_gps {
            // A snapshot from our own nodes has no place, and stays as it is.
            picture::without_places(MediaType::Jpeg, &mut jpeg)
                .map_err(|error| bad(error.to_string()))?;
        }
        Ok(Snapshot { id, stamp, jpeg: jpeg.into(), checked })
    }

    /// The refusals from now on.
    pub fn refusals(&self) -> broadcast::Receiver<Refusal> {
        self.refusals.subscribe()
    }

    /// Queues a message to a node. If the queue is full, the message is dropped.
    pub fn say(&self, topic: Topic, payload: String) -> bool {
        self.say.try_send(Saying { topic, payload }).is_ok()
    }

    /// A node says that it cannot do what it was asked.
    pub fn refused(&self, refusal: Refusal) {
        // Perhaps nobody waits for it.
        let _ = self.refusals.send(refusal);
    }

    /// Tells a node not to offer a snapshot again.
    pub fn refuse(&self, node: &NodeName, id: &PhotoId, why: &str) {
        self.answer(node, id, Some(SnapError::Refused(why.to_owned())), true);
    }

    /// Stores a snapshot in the background. If there are too many at once, the snapshot is left to
    /// its node, which offers it again.
    pub fn store(&self, snapshot: Snapshot, camera_name: String, taken: u64, time: TimeSource) {
        let Snapshot { id, stamp: Stamp { camera, .. }, jpeg, checked } = snapshot;
        let kib = u32::try_from(jpeg.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let Ok(permit) = self.room.clone().try_acquire_many_owned(kib) else {
            if !self.crowded.swap(true, Ordering::Relaxed) {
                warn!(
                    "snapshots come faster than they can be stored; their nodes offer them again"
                );
            }
            return;
        };
        let new = NewPhoto {
            id: id.clone(),
            taken,
            time,
            media: MediaType::Jpeg,
            width: checked.width,
            height: checked.height,
            camera: Some(camera.clone()),
            camera_name,
            person: None,
            name: String::new(),
            content: Content::Bytes(jpeg),
        };
        let ingest = self.clone();
        // The task ends when the store has answered, which it does until it is closed.
        tokio::spawn(async move {
            let added = ingest.store.add(new).await;
            ingest.crowded.store(false, Ordering::Relaxed);
            ingest.tell(&camera, &id, added);
            drop(permit);
        });
    }

    /// Takes no more, and waits until those in progress are stored and acknowledged.
    pub async fn finish(&self) {
        if let Ok(all) = self.room.acquire_many(u32::try_from(ROOM).unwrap_or(u32::MAX)).await {
            all.forget();
        }
    }

    fn tell(&self, camera: &CameraId, id: &PhotoId, added: Result<Added, StoreError>) {
        let why = match added {
            Ok(Added::New(photo)) => {
                info!(%camera, id = %photo.id, bytes = photo.bytes, "photo stored");
                None
            }
            Ok(Added::Same(_)) => None,
            Ok(Added::Deleted) => None,
            // Another gallery that stores will answer.
            Err(StoreError::Closed | StoreError::ViewOnly(_)) => return,
            // The store has reported that already.
            Err(error @ (StoreError::Full(_) | StoreError::ReadOnly(_) | StoreError::Away(_))) => {
                Some(error.into())
            }
            Err(error) => {
                error!(%camera, %id, %error, "a snapshot could not be stored");
                Some(error.into())
            }
        };
        self.answer(&camera.node, id, why, false);
    }

    fn answer(&self, node: &NodeName, id: &PhotoId, why: Option<SnapError>, is_final: bool) {
        if let Some(why) = &why {
            self.refused(Refusal { node: node.clone(), id: id.clone(), why: why.clone() });
        }
        let error = why.map(|why| why.to_string());
        let stored = Stored { id: id.clone(), error, is_final };
        self.say(Topic::Stored(node.clone()), stored.to_json());
    }
}
