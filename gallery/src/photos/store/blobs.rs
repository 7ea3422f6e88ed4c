//! Storage of bytes: photos, their sidecars and thumbnails, each a blob with a name.
//!
//! The store uses blobs only through [`Blobs`], whose one implementation is a folder. This module
//! knows files and the guarantees of file systems, but not the index, the content of photos, or
//! when one may be stored. A name never has incomplete bytes, never counts as stored before
//! [`Blobs::sync`] returns, and bytes are never copied if they can be given a name.
//!
//! The functions wait for a disk or a network, so call them on threads that may wait.

mod draft;
mod folder;
mod keys;

use std::fmt::Debug;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::error::StoreError;
use crate::hex::hex;

pub(crate) use draft::Draft;
pub(super) use folder::{Folder, Lock, make_folder};
pub(crate) use keys::Key;
pub(super) use keys::{Prefix, TAKEN_MOST, UtcDay};

/// A place for blobs. A blob has a name and bytes; the bytes under a name change only as a whole.
pub(super) trait Blobs: Debug + Send + Sync {
    /// Checks that the opened place still has its name.
    ///
    /// # Errors
    /// [`StoreError::Away`]: nothing may be changed, and nothing counts as stored.
    fn is_here(&self) -> Result<(), StoreError>;

    /// An empty local file for a future blob: it can be filled, checked and changed first. Dropping
    /// it removes it.
    fn draft(&self) -> Result<Draft, StoreError>;

    /// Takes the bytes of a draft, without giving them a name. A [`Lasting::Always`] draft survives
    /// any crash once this returns. Lack of room fails here, before anything has a name.
    fn seal(&self, draft: Draft, lasting: Lasting) -> Result<Box<dyn Sealed>, StoreError>;

    /// Makes all names given under a prefix survive a crash, at once.
    fn sync(&self, prefix: &Prefix) -> Result<(), StoreError>;

    /// Opens the blob with this name for reading; `None` if there is none.
    ///
    /// # Errors
    /// Also if something else has that name.
    fn get(&self, key: &Key) -> Result<Option<Box<dyn Blob>>, StoreError>;

    /// Whether something has this name.
    fn has(&self, key: &Key) -> bool;

    /// Renames a blob, and replaces what has the new name. Like a new name it is durable after a
    /// sync; until then a crash leaves either name, or both.
    fn rename(&self, from: &Key, to: &Key) -> Result<(), StoreError>;

    /// Deletes a blob, which may be gone already. A crash may bring it back.
    fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Deletes everything under a prefix.
    fn delete_all(&self, prefix: &Prefix) -> Result<(), StoreError>;

    /// The entries directly under a prefix, in no order; empty if there is no such prefix.
    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, StoreError>;

    /// Moves something unexpected to a name for a person to look at, and returns that name.
    fn set_aside(&self, key: &Key) -> Result<String, StoreError>;
}

/// Bytes without a name yet. Dropping this removes them.
pub(super) trait Sealed: Debug + Send {
    /// Gives the bytes their name, atomically and without copying them.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] for [`Put::New`] if something has the name, which then
    /// stays unchanged.
    fn put(self: Box<Self>, key: &Key, how: Put) -> Result<(), StoreError>;
}

/// An open blob: its content stays readable when its name is given to another one.
pub(crate) trait Blob: Debug + Send {
    /// Its size in bytes.
    fn size(&self) -> u64;

    /// When it was written, if known.
    fn modified(&self) -> Option<SystemTime>;

    /// Reads a part as one stream.
    ///
    /// # Errors
    /// The disk's error; a part beyond the end is cut there.
    fn read(self: Box<Self>, range: Range<u64>) -> Result<Reader, StoreError>;
}

/// A stream of a blob's bytes.
pub(crate) type Reader = Box<dyn Read + Send + Sync>;

/// What must happen to bytes in a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// They survive.
    Always,
    /// They can be made again, so they are not synced.
    Perhaps,
}

/// What happens to an existing blob of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It stays, and the new one is refused.
    New,
    /// It is replaced.
    Replace,
}

/// An entry under a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A blob of this many bytes.
    Blob(u64),
    /// A deeper prefix.
    Prefix,
    /// Something else, or something that cannot be examined.
    Odd,
}

impl dyn Blobs + '_ {
    /// Seals bytes that are in memory.
    pub(super) fn write(
        &self,
        bytes: &[u8],
        lasting: Lasting,
    ) -> Result<Box<dyn Sealed>, StoreError> {
        let mut draft = self.draft()?;
        draft.write(bytes)?;
        self.seal(draft, lasting)
    }

    /// The first `most` bytes of a blob; `None` if there is no such blob.
    pub(super) fn read(&self, key: &Key, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(blob) = self.get(key)? else { return Ok(None) };
        read(blob, key, most).map(Some)
    }

    /// The SHA-256 of a blob in hex; `None` if there is no such blob.
    pub(super) fn hash(&self, key: &Key) -> Result<Option<String>, StoreError> {
        let Some(blob) = self.get(key)? else { return Ok(None) };
        let reader = blob.read(0..u64::MAX)?;
        hash(reader).map(Some).map_err(StoreError::io(Path::new(key.as_str())))
    }
}

/// The first `most` bytes of a blob that was opened by this name.
pub(super) fn read(blob: Box<dyn Blob>, key: &Key, most: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |error| StoreError::io(Path::new(key.as_str()))(error);
    let size = usize::try_from(blob.size().min(most)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|error| failed(io::Error::other(error)))?;
    blob.read(0..most)?.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The SHA-256 of a reader's bytes, in hex.
pub(super) fn hash(reader: impl Read) -> io::Result<String> {
    let (mut hasher, mut reader) = (Sha256::new(), BufReader::with_capacity(64 << 10, reader));
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(bytes);
        let read = bytes.len();
        reader.consume(read);
    }
}

/// The SHA-256 of these bytes, in hex.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
