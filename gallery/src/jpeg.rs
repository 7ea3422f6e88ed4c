//! The bytes of a picture, for many viewers also as a file in memory.
//!
//! What is written to a socket is copied into the kernel for each viewer. The pages of a file are
//! not: `sendfile` lends all sockets the same ones. To make the file takes more than a few copies,
//! so it is made where many watch.

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
    file: OnceLock<Option<OwnedFd>>,
}

impl Jpeg {
    /// Tells how many will be sent it.
    pub fn is_for(&mut self, viewers: usize) {
        self.is_for_many = viewers >= MANY;
    }

    /// The same bytes as a file; `None` if they are better copied, or the kernel gives no file.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        if !self.is_for_many {
            return None;
        }
        self.file.get_or_init(|| make(&self.bytes).ok()).as_ref().map(AsFd::as_fd)
    }

    /// What it takes of memory.
    pub fn memory(&self) -> usize {
        self.bytes.len() * if self.is_for_many { 2 } else { 1 }
    }
}

fn make(bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd_create("picture", MemfdFlags::CLOEXEC)?;
    let mut at = 0;
    while at < bytes.len() {
        at += rustix::io::write(&file, &bytes[at..])?;
    }
    Ok(file)
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
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    #[test]
    fn only_for_many_there_is_a_file() {
        let mut jpeg = Jpeg::from(Bytes::from(vec![7; 100_000]));
        jpeg.is_for(MANY - 1);
        assert!(jpeg.file().is_none());
        assert_eq!(jpeg.memory(), 100_000);
        jpeg.is_for(MANY);
        let file = File::from(jpeg.file().unwrap().try_clone_to_owned().unwrap());
        let mut read = vec![0; 100_000];
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(read, jpeg[..]);
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        assert_eq!(jpeg.memory(), 200_000);
    }
}
