//! Where the bytes are: photos, their sidecars and thumbnails, each a blob with a name.
//!
//! The store knows blobs by [`Blobs`] alone. A folder is its one implementation. It may know files
//! and what a file system promises of them; it knows nothing of the index, of what is in a photo,
//! or of when one may be stored. What must never be: a name whose bytes are not whole, a name that
//! is called stored before [`Blobs::sync`] returned, and a copy where a name can be given.
//!
//! The functions wait for a disk or a network, so they are called on threads that may wait.

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

pub(crate) use draft::Draft;
pub(super) use folder::{Folder, Lock, make_folder};
pub(crate) use keys::Key;
pub(super) use keys::{Prefix, TAKEN_MOST, UtcDay};

/// A place for blobs. A blob has a name and bytes, and its bytes never change under that name but
/// as a whole.
pub(super) trait Blobs: Debug + Send + Sync {
    /// Whether what was opened is still what has its name.
    ///
    /// # Errors
    /// [`StoreError::Away`]: nothing may be changed, and nothing be called stored.
    fn is_here(&self) -> Result<(), StoreError>;

    /// An empty local file for what is to become a blob: to be received, checked and changed
    /// before it counts. It is removed when it is dropped.
    fn draft(&self) -> Result<Draft, StoreError>;

    /// Takes the bytes of a draft, without a name. A [`Lasting::Always`] draft is where no crash
    /// takes it when this returns. What lacks room fails here, before anything has a name.
    fn seal(&self, draft: Draft, lasting: Lasting) -> Result<Box<dyn Sealed>, StoreError>;

    /// Makes the names that were given under a prefix outlast a crash, all at once.
    fn sync(&self, prefix: &Prefix) -> Result<(), StoreError>;

    /// The blob of this name, to be read, unless there is none.
    ///
    /// # Errors
    /// Also where something else has that name.
    fn get(&self, key: &Key) -> Result<Option<Box<dyn Blob>>, StoreError>;

    /// Whether something has this name.
    fn has(&self, key: &Key) -> bool;

    /// Gives a blob another name, in place of what has it. Like a new one it lasts once it is
    /// synced; until then a crash leaves either name, or both.
    fn rename(&self, from: &Key, to: &Key) -> Result<(), StoreError>;

    /// Deletes a blob, which may be gone already. What is deleted may come back in a crash.
    fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Deletes everything under a prefix.
    fn delete_all(&self, prefix: &Prefix) -> Result<(), StoreError>;

    /// What is directly under a prefix, in no order; nothing if there is none.
    fn list(&self, prefix: &Prefix) -> Result<Vec<Listed>, StoreError>;

    /// Moves what is not what it should be to a name for a person to look at, which this answers.
    fn set_aside(&self, key: &Key) -> Result<String, StoreError>;
}

/// Bytes that wait for their name. They are removed when this is dropped.
pub(super) trait Sealed: Debug + Send {
    /// Gives the bytes their name, at once and whole, without copying them.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] for [`Put::New`] if something has the name; then that is
    /// left as it is.
    fn put(self: Box<Self>, key: &Key, how: Put) -> Result<(), StoreError>;
}

/// A blob that is open: what it holds stays readable when its name is given to another one.
pub(crate) trait Blob: Debug + Send {
    /// Its bytes.
    fn size(&self) -> u64;

    /// When it was written, if that is known.
    fn modified(&self) -> Option<SystemTime>;

    /// Reads a part of it, as one stream.
    ///
    /// # Errors
    /// What the disk says; a part beyond its end is cut there.
    fn read(self: Box<Self>, range: Range<u64>) -> Result<Reader, StoreError>;
}

/// The bytes of a blob as they come.
pub(crate) type Reader = Box<dyn Read + Send + Sync>;

/// What must become of bytes when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// They are there.
    Always,
    /// They can be made again: no sync is spent on them.
    Perhaps,
}

/// What becomes of a blob that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It stays, and the new one is refused.
    New,
    /// It goes.
    Replace,
}

/// What a prefix holds under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A blob of so many bytes.
    Blob(u64),
    /// More names.
    Prefix,
    /// Something else, or something that cannot be looked at.
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

    /// The bytes of a blob, but no more than `most` of them; nothing if there is no such blob.
    pub(super) fn read(&self, key: &Key, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(blob) = self.get(key)? else { return Ok(None) };
        read(blob, key, most).map(Some)
    }

    /// The SHA-256 of a blob in hex; nothing if there is no such blob.
    pub(super) fn hash(&self, key: &Key) -> Result<Option<String>, StoreError> {
        let Some(blob) = self.get(key)? else { return Ok(None) };
        let reader = blob.read(0..u64::MAX)?;
        hash(reader).map(Some).map_err(StoreError::io(Path::new(key.as_str())))
    }
}

/// The bytes of a blob that was opened by this name, but no more than `most` of them.
pub(super) fn read(blob: Box<dyn Blob>, key: &Key, most: u64) -> Result<Vec<u8>, StoreError> {
    let failed = |error| StoreError::io(Path::new(key.as_str()))(error);
    let size = usize::try_from(blob.size().min(most)).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|error| failed(io::Error::other(error)))?;
    blob.read(0..most)?.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The SHA-256 of what is read, in hex.
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

/// Lower case, two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
