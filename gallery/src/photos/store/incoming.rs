//! A photo on its way in: what is known of it, and its bytes, durable before they have a name.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wire::{Author, CameraId, MediaType, Photo, PhotoId, TimeSource};

use super::blobs::{Blobs, Draft, Lasting, Sealed, TAKEN_MOST, hash_of, hex};
use super::disk::Space;
use super::error::StoreError;
use super::index::Reader;
use super::sidecar::Sidecar;
use super::writer;

/// A photo to be stored. Its picture was checked already.
#[derive(Debug)]
pub(crate) struct NewPhoto {
    pub id: PhotoId,
    /// When it was taken, in milliseconds since 1970.
    pub taken: u64,
    pub time: TimeSource,
    pub media: MediaType,
    /// As it is shown.
    pub width: u32,
    pub height: u32,
    pub camera: Option<CameraId>,
    pub camera_name: String,
    pub person: Option<Author>,
    /// The name of the file that was brought.
    pub name: String,
    pub content: Content,
}

/// The bytes of a photo, stored as they are.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    File(Incoming),
}

/// A local file for what somebody brings, and the hash of what arrived. It is removed when it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Incoming {
    draft: Draft,
    arrived: Sha256,
}

impl Incoming {
    pub(super) fn new(draft: Draft) -> Self {
        Incoming { draft, arrived: Sha256::new() }
    }

    /// Writes a piece of what arrives.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.arrived.update(bytes);
        self.draft.write(bytes)
    }

    /// The SHA-256 of what arrived, in hex.
    pub fn arrived(&self) -> String {
        hex(&self.arrived.clone().finalize())
    }

    /// The file, to be read, and to be changed before it is stored.
    pub fn draft(&mut self) -> &mut Draft {
        &mut self.draft
    }
}

/// What became of a photo that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Added {
    /// It is stored. Its id is another one than was asked for if that was taken by another picture.
    New(Photo),
    /// The same picture was stored before: under this id, or under any if it was brought.
    Same(Photo),
    /// It was stored and deleted since, and stays deleted.
    Deleted,
}

/// A photo that is on the disk, synced, but without its name.
#[derive(Debug)]
pub(super) struct Prepared {
    pub sidecar: Sidecar,
    /// The hash of what arrived, of an upload: the same again is the same photo, whatever its id.
    pub brought: Option<String>,
    pub content: Box<dyn Sealed>,
    pub beside: Box<dyn Sealed>,
}

/// Puts a new photo on the disk, or says that it is known already.
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
    // A photo that is offered again is the rule after an outage, and costs no writing.
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
    space.told(bytes, write()).map(Ok)
}
