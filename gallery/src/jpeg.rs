//! The bytes of a picture, for many viewers also as a file in memory.
//!
//! What is written to a socket is copied into the kernel for each viewer. The pages of a file are
//! not: `sendfile` lends all sockets the same ones. To make the file takes more than a few copies,
//! so it is made where many watch. It begins with what the first of them is told before the
//! picture, which is the same for most.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create};

/// From so many viewers on the file is the cheaper way (`docs/decisions/freshness.md`).
const MANY: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Jpeg {
    bytes: Bytes,
    is_for_many: bool,
    file: OnceLock<Option<File>>,
}

/// A picture in a file, after what stands before it in a message.
#[derive(Debug)]
pub(crate) struct File {
    head: Vec<u8>,
    file: OwnedFd,
    len: usize,
}

impl Jpeg {
    /// Tells how many will be sent it.
    pub fn is_for(&mut self, viewers: usize) {
        self.is_for_many = viewers >= MANY;
    }

    /// Whether there is to be a file.
    pub fn is_for_many(&self) -> bool {
        self.is_for_many
    }

    /// The same bytes in a file, which begins with the `head` that this was called with first;
    /// `None` if they are better copied, or the kernel gives no file.
    pub fn file(&self, head: &[u8]) -> Option<&File> {
        if !self.is_for_many {
            return None;
        }
        self.file.get_or_init(|| File::make(head, &self.bytes).ok()).as_ref()
    }

    /// What it takes of memory.
    pub fn memory(&self) -> usize {
        self.bytes.len() * if self.is_for_many { 2 } else { 1 }
    }
}

impl File {
    fn make(head: &[u8], bytes: &[u8]) -> io::Result<File> {
        let file = memfd_create("picture", MemfdFlags::CLOEXEC)?;
        for mut part in [head, bytes] {
            while !part.is_empty() {
                part = &part[rustix::io::write(&file, part)?..];
            }
        }
        Ok(File { head: head.to_vec(), file, len: head.len() + bytes.len() })
    }

    /// What it begins with.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The length of all of it.
    pub fn len(&self) -> usize {
        self.len
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<Bytes> for Jpeg {
    fn from(bytes: Bytes) -> Self {
        Jpeg { bytes, is_for_many: false, file: OnceLock::new() }
    }
}

impl Deref for Jpeg {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn only_for_many_there_is_a_file() {
        let mut jpeg = Jpeg::from(Bytes::from(vec![7; 100_000]));
        jpeg.is_for(MANY - 1);
        assert!(jpeg.file(b"head").is_none());
        assert_eq!(jpeg.memory(), 100_000);
        jpeg.is_for(MANY);
        assert_eq!(jpeg.memory(), 200_000);
        let file = jpeg.file(b"head").unwrap();
        assert_eq!((file.head(), file.len()), (&b"head"[..], 100_004));
        assert_eq!(jpeg.file(b"another").unwrap().head(), b"head");
        let mut read = vec![0; 100_004];
        let file = std::fs::File::from(file.as_fd().try_clone_to_owned().unwrap());
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(read, [b"head", &jpeg[..]].concat());
        assert_eq!(file.metadata().unwrap().len(), 100_004);
    }
}
