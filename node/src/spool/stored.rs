//! The ids of the last stored photos, kept on the disk: a repeated request for one of them gives no
//! second picture.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use durable::sync_folder;
use wire::PhotoId;

/// How many ids it remembers.
const REMEMBERED: usize = 1000;

/// The ids, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<PhotoId>);

impl Recent {
    /// Adds one; if there are too many, the oldest is forgotten.
    pub fn add(&mut self, id: PhotoId) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    /// Whether it has this id.
    pub fn contains(&self, id: &PhotoId) -> bool {
        self.0.contains(id)
    }
}

/// Two files on the disk with one id in each line. New ids go to the newer one, which replaces the
/// older one when it is full.
#[derive(Debug)]
pub(crate) struct Stored {
    newer: PathBuf,
    older: PathBuf,
    file: File,
    lines: usize,
}

impl Stored {
    /// Opens and reads the files in `folder`. A line that a crash cut off is not an id.
    ///
    /// # Errors
    /// They cannot be read or made.
    pub fn open(folder: &Path) -> io::Result<(Self, Recent)> {
        let (newer, older) = (folder.join("stored"), folder.join("stored.old"));
        let mut recent = Recent::default();
        read(&older)?.into_iter().for_each(|id| recent.add(id));
        let ids = read(&newer)?;
        let lines = ids.len();
        ids.into_iter().for_each(|id| recent.add(id));
        let file = append(&newer)?;
        sync_folder(folder)?;
        Ok((Stored { newer, older, file, lines }, recent))
    }

    /// Saves these ids; they are on the disk when this returns.
    ///
    /// # Errors
    /// They could not be written.
    pub fn add<'a>(&mut self, ids: impl Iterator<Item = &'a PhotoId>) -> io::Result<()> {
        // The last line may be cut off, now or from before.
        let mut lines = String::from("\n");
        for id in ids {
            lines.extend([id.as_str(), "\n"]);
            self.lines += 1;
        }
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        if self.lines >= REMEMBERED {
            fs::rename(&self.newer, &self.older)?;
            self.file = append(&self.newer)?;
            sync_folder(self.newer.parent().unwrap_or(Path::new(".")))?;
            self.lines = 0;
        }
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(durable::PRIVATE).open(path)
}

fn read(path: &Path) -> io::Result<Vec<PhotoId>> {
    match fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> PhotoId {
        PhotoId::new(n, 0)
    }

    #[test]
    fn the_last_thousand_are_remembered_and_not_all() {
        let folder = tempfile::tempdir().unwrap();
        let (mut stored, mut recent) = Stored::open(folder.path()).unwrap();
        for n in (0..3500).step_by(50) {
            let ids: Vec<PhotoId> = (n..n + 50).map(id).collect();
            stored.add(ids.iter()).unwrap();
            ids.into_iter().for_each(|id| recent.add(id));
        }
        for recent in [recent, Stored::open(folder.path()).unwrap().1] {
            assert!((2500..3500).all(|n| recent.contains(&id(n))));
            assert!(!recent.contains(&id(2499)));
        }
    }

    #[test]
    fn a_line_cut_off_by_a_crash_costs_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("stored");
        let text = format!("{}\n{}", id(1), &id(2).as_str()[..20]);
        for cut in 0..text.len() {
            fs::write(&file, &text[..cut]).unwrap();
            Stored::open(folder.path()).unwrap().0.add([id(3)].iter()).unwrap();
            let (_, recent) = Stored::open(folder.path()).unwrap();
            assert!(recent.contains(&id(3)) && !recent.contains(&id(2)));
            assert_eq!(recent.contains(&id(1)), cut >= 26, "{cut}");
        }
    }
}
