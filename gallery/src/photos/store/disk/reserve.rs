//! Reserved room: files that are given up on a full disk, so that photos can still be deleted and
//! captioned. Each is some bytes and an inode.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use durable::private_file;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::photos::store::blobs::make_folder;

/// A change mostly needs the room of one.
const FILES: usize = 16;

/// Bytes of one file, and the part of a small disk that all of them take.
const BYTES: u64 = 256 * 1024;
const PART: u64 = 32;

/// The reserved files.
#[derive(Debug)]
pub(in crate::photos::store) struct Reserve {
    folder: PathBuf,
    bytes: u64,
    held: Vec<PathBuf>,
}

impl Reserve {
    /// Finds the existing files, and makes missing ones as far as there is room.
    pub fn open(root: &Path) -> Reserve {
        let disk =
            statvfs(root).map_or(u64::MAX, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        let bytes = BYTES.min(disk / PART / FILES as u64);
        let mut reserve = Reserve { folder: root.join("reserve"), bytes, held: Vec::new() };
        reserve.fill();
        reserve
    }

    /// Makes missing files, as far as there is room.
    pub fn fill(&mut self) {
        if self.held.len() == FILES || make_folder(&self.folder).is_err() {
            return;
        }
        for number in 0..FILES {
            let path = self.folder.join(number.to_string());
            if self.held.contains(&path) {
                continue;
            }
            let whole = fs::metadata(&path).is_ok_and(|file| file.len() == self.bytes);
            if !whole && hold(&path, self.bytes).is_err() {
                // A half file is of little use to us, and others can use its room.
                let _ = fs::remove_file(&path);
                return;
            }
            self.held.push(path);
        }
    }

    /// Bytes that are missing in the reserve.
    pub fn missing(&self) -> u64 {
        (FILES - self.held.len()) as u64 * self.bytes
    }

    /// Gives up one file. Returns whether there was one.
    pub fn release(&mut self) -> bool {
        while let Some(path) = self.held.pop() {
            if fs::remove_file(&path).is_ok() {
                return true;
            }
        }
        false
    }
}

fn hold(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = private_file(path)?;
    file.set_len(0)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes.max(1)) {
        // Not every file system can preallocate.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            let zeros = vec![0; usize::try_from(bytes).unwrap_or(0)];
            file.write_all(&zeros).and_then(|()| file.sync_all())
        }
        held => held.map_err(io::Error::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_taken_again() {
        let root = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::open(root.path());
        let held = || fs::read_dir(root.path().join("reserve")).unwrap().count();
        assert_eq!(held(), FILES);
        assert!(reserve.release() && reserve.release());
        assert_eq!(held(), FILES - 2);
        reserve.fill();
        assert_eq!(held(), FILES);
        // The next start finds them.
        let mut again = Reserve::open(root.path());
        assert!((0..FILES).all(|_| again.release()));
        assert!(!again.release());
        assert_eq!(held(), 0);
    }
}
