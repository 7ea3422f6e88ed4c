//! A local file for a future blob.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::StoreError;

/// A local file, removed when dropped.
#[derive(Debug)]
pub(crate) struct Draft(NamedTempFile);

impl Draft {
    pub(super) fn new(file: NamedTempFile) -> Self {
        Draft(file)
    }

    pub(super) fn into_file(self) -> NamedTempFile {
        self.0
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The open file, for changes. It need not be synced: sealing does that.
    pub fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.write_all(bytes).map_err(StoreError::io(self.0.path()))
    }

    /// Replaces the whole content.
    pub fn rewrite(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.0.as_file_mut();
        let rewritten = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.set_len(bytes.len() as u64));
        rewritten.map_err(StoreError::io(self.0.path()))
    }

    /// The bytes.
    pub fn read(&self) -> Result<Vec<u8>, StoreError> {
        std::fs::read(self.path()).map_err(StoreError::io(self.path()))
    }

    /// The size in bytes.
    pub fn size(&self) -> Result<u64, StoreError> {
        let file = self.0.as_file().metadata().map_err(StoreError::io(self.path()))?;
        Ok(file.len())
    }

    /// The SHA-256 in hex.
    pub fn hash(&self) -> Result<String, StoreError> {
        let hash = File::open(self.path()).and_then(super::hash);
        hash.map_err(StoreError::io(self.path()))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.as_file().sync_all()
    }
}
