//! A photo on its way in: its facts, and its bytes, which are durable before they have a name.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wire::{Author, CameraId, MediaType, Photo, PhotoId, TimeSource};

use super::blobs::{Blobs, Draft, Lasting, Sealed, TAKEN_MOST, hash_of};
use super::disk::Space;
use super::error::StoreError;
use super::index::Reader;
use super::sidecar::Sidecar;
use super::writer;
use crate::hex::hex;

/// A photo to store. Its picture has been checked.
#[derive(Debug)]
pub(crate) struct NewPhoto {
    pub id: PhotoId,
    /// When it was taken, in milliseconds since 1970.
    pub taken: u64,
    pub time: TimeSource,
    pub media: MediaType,
    /// As shown.
    pub width: u32,
    pub height: u32,
    pub camera: Option<CameraId>,
    pub camera_name: String,
    pub person: Option<Author>,
    /// The name of the uploaded file.
    pub name: String,
    pub content: Content,
}

/// The bytes of a photo, stored as they are.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(Incoming),
}

/// A local file for an upload, and the hash of the received bytes. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Incoming {
    draft: Draft,
    arrived: Sha256,
}

impl Incoming {
    pub(super) fn new(draft: Draft) -> Self {
        Incoming { draft, arrived: Sha256::new() }
    }

    /// Writes a received piece.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.arrived.update(bytes);
        self.draft.write(bytes)
    }

    /// The SHA-256 of the received bytes, in hex.
    pub fn arrived(&self) -> String {
        hex(&self.arrived.clone().finalize())
    }

    /// The file, to be read, and changed before it is stored.
    pub fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }
}

/// The result of storing a photo.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Added {
    /// It is stored, with another id if a different picture had the requested one.
    New(Photo),
    /// The same picture was stored before: under this id, or for uploads under any id.
    Same(Photo),
    /// It was stored and then deleted, and stays deleted.
    Deleted,
}

/// A photo that is on the disk and synced, but without a name.
#[derive(Debug)]
pub(super) struct Prepared {
    pub sidecar: Sidecar,
    /// Of an upload, the received bytes' hash: the same bytes are the same photo, whatever its id.
    pub brought: Option<String>,
    pub content: Box<dyn Sealed>,
    pub beside: Box<dyn Sealed>,
}

/// Writes a new photo to the disk, or says that it is known already.
pub(super) fn prepare(
    blobs: &dyn Blobs,
    space: &Space,
    index: &Reader,
    new: NewPhoto,
) -> Result<Result<Prepared, Added>, StoreError> {
    let (bytes, hash, brought) = match &new.content {
        Content::Bytes(bytes) => (bytes.len() as u64, hash_of(bytes), None),
        Content::File(incoming) => {
            let draft = &incoming.draft;
            (draft.size()?, draft.hash()?, Some(incoming.arrived()))
        }
    };
    let NewPhoto {
        id, taken, time, media, width, height, camera, camera_name, person, name, ..
    } = new;
    let photo = Photo {
        id,
        taken: taken.min(TAKEN_MOST),
        time,
        received: writer::now(),
        media,
        bytes,
        width,
        height,
        hash,
        camera,
        camera_name,
        person,
        name,
        caption: String::new(),
        pinned: false,
    };
    // After an outage most photos are offered again; this costs no writing.
    if let Some(known) = writer::known(index, &photo, brought.as_deref())? {
        return Ok(Err(known));
    }
    let arrived = brought.clone().filter(|arrived| *arrived != photo.hash);
    let sidecar = Sidecar { photo, arrived, deleted: None };
    let write = || {
        let content = match new.content {
            Content::Bytes(bytes) => blobs.write(&bytes, Lasting::Always)?,
            Content::File(Incoming { draft, .. }) => blobs.seal(draft, Lasting::Always)?,
        };
        let beside = blobs.write(&sidecar.to_json(), Lasting::Always)?;
        Ok(Prepared { sidecar, brought, content, beside })
    };
    space.check(bytes)?;
    space.noted(bytes, write()).map(Ok)
}
