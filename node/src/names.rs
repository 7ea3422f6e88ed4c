//! The names of cameras, kept so that none ever moves to another camera.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wire::CameraName;

use crate::config::TEST_CARD;

/// Which stable path has which name; a small JSON file.
#[derive(Debug)]
pub(crate) struct Names {
    file: PathBuf,
    kept: BTreeMap<PathBuf, CameraName>,
    /// Names that the configuration gives out.
    taken: Vec<CameraName>,
    changed: bool,
}

impl Names {
    /// Reads what is kept in `data`. A file that makes no sense is set aside.
    pub fn read(data: &Path, taken: Vec<CameraName>) -> Self {
        let file = data.join("cameras.json");
        let kept = match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|error| {
                let aside = file.with_extension("json.bad");
                tracing::warn!(file = %file.display(), %error, "the names of cameras cannot be read and are given anew");
                fs::rename(&file, aside).ok();
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Names { file, kept, taken, changed: false }
    }

    /// The name of the camera with this stable path: the one that it had, else one made from its
    /// card name and serial number that no other has.
    pub fn name(&mut self, path: &Path, card: &str, serial: Option<&str>) -> CameraName {
        if let Some(name) = self.kept.get(path).filter(|name| !self.taken.contains(name)) {
            return name.clone();
        }
        let base = CameraName::from_card(card, serial);
        let mut name = base.clone();
        let mut n = 1;
        while self.taken.contains(&name)
            || name.as_str() == TEST_CARD
            || self.kept.values().any(|kept| *kept == name)
        {
            n += 1;
            name = base.numbered(n);
        }
        self.kept.insert(path.to_owned(), name.clone());
        self.changed = true;
        name
    }

    /// Writes the names to the disk, as a whole or not at all, if any is new.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        // A node's number is whoever comes first's, so what it is called now says nothing later.
        let kept = self.kept.iter().filter(|(path, _)| path.parent() != Some(Path::new("/dev")));
        let json = serde_json::to_vec_pretty(&kept.collect::<BTreeMap<_, _>>())?;
        durable::write(&self.file, &json, 0o600)?;
        self.changed = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(names: &mut Names, path: &str) -> String {
        names.name(Path::new(path), "Front Cam", None).to_string()
    }

    #[test]
    fn a_name_is_kept_over_restarts_whoever_comes_first() {
        let data = tempfile::tempdir().unwrap();
        let mut names = Names::read(data.path(), vec![]);
        assert_eq!(name(&mut names, "/dev/v4l/by-id/a"), "front-cam");
        assert_eq!(name(&mut names, "/dev/v4l/by-id/b"), "front-cam-2");
        names.save().unwrap();
        let mut names = Names::read(data.path(), vec![]);
        assert_eq!(name(&mut names, "/dev/v4l/by-id/b"), "front-cam-2");
        assert_eq!(name(&mut names, "/dev/v4l/by-id/c"), "front-cam-3");
        assert_eq!(name(&mut names, "/dev/v4l/by-id/a"), "front-cam");
    }

    #[test]
    fn a_name_that_the_configuration_gives_goes_to_nobody_else() {
        let data = tempfile::tempdir().unwrap();
        let mut names = Names::read(data.path(), vec![]);
        name(&mut names, "/dev/v4l/by-id/a");
        names.save().unwrap();
        let mut names = Names::read(data.path(), vec!["front-cam".parse().unwrap()]);
        assert_eq!(name(&mut names, "/dev/v4l/by-id/a"), "front-cam-2");
        let card = names.name(Path::new("/dev/t"), "Test Card", None);
        assert_eq!(card.as_str(), "test-card-2");
    }

    #[test]
    fn the_name_of_a_number_is_not_kept() {
        let data = tempfile::tempdir().unwrap();
        let mut names = Names::read(data.path(), vec![]);
        assert_eq!(name(&mut names, "/dev/video0"), "front-cam");
        assert_eq!(name(&mut names, "/dev/video0"), "front-cam");
        names.save().unwrap();
        let mut names = Names::read(data.path(), vec![]);
        assert_eq!(name(&mut names, "/dev/v4l/by-id/a"), "front-cam");
    }

    #[test]
    fn a_file_that_makes_no_sense_is_set_aside() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("cameras.json"), "{").unwrap();
        let mut names = Names::read(data.path(), vec![]);
        assert_eq!(name(&mut names, "/dev/v4l/by-id/a"), "front-cam");
        assert!(data.path().join("cameras.json.bad").exists());
    }
}
