//! The section `[gallery.photos]`: as typed, and as used.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wire::units;

use super::writer::Retention;
use crate::photos::picture::Pool;

/// `[gallery.photos]` as typed. Photos beyond any limit are deleted, the first received first;
/// pinned ones stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// How long photos are kept, such as `90 days`; the units are those of [`wire::units`].
    /// Default: forever.
    pub keep: Option<String>,
    /// How many photos are kept. Default: all.
    pub most: Option<u64>,
    /// How much room the photos may take, such as `20 GB`. Default: all there is.
    pub bytes: Option<String>,
    /// How much of the disk stays free, written like `bytes`; without it new photos are refused
    /// until there is room. Default 1 GiB, or a twentieth of a disk smaller than 20 GiB.
    pub min_free: Option<String>,
}

/// A key that cannot be used. The text says what to write instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("gallery.photos.{key} = {value:?}: {right}")]
pub struct BadSection {
    key: &'static str,
    value: String,
    right: &'static str,
}

/// The configuration of a store.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The store's folder, made if missing.
    pub folder: PathBuf,
    pub retention: Retention,
    /// Bytes of the disk that stay free.
    pub min_free: Option<u64>,
    /// The pool that makes thumbnails.
    pub pictures: Pool,
}

impl BadSection {
    /// The key in its section.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }
}

impl Section {
    /// Checks the section. The store is in `folder`; `pictures` makes thumbnails.
    ///
    /// # Errors
    /// [`BadSection`] names the key and says how to write it.
    pub(crate) fn check(&self, folder: PathBuf, pictures: Pool) -> Result<Config, BadSection> {
        let bad = |key, value: &str, right| BadSection { key, value: value.to_owned(), right };
        let size = |key, value: Option<&str>| {
            value.map(|v| units::bytes(v).map_err(|right| bad(key, v, right))).transpose()
        };
        let keep = self.keep.as_deref();
        let age = keep.map(|v| units::period(v).map_err(|right| bad("keep", v, right)));
        let bytes = size("bytes", self.bytes.as_deref())?;
        let min_free = size("min_free", self.min_free.as_deref())?;
        let retention = Retention { age: age.transpose()?, photos: self.most, bytes };
        Ok(Config { folder, retention, min_free, pictures })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        let section: Section = toml::from_str(text).map_err(|error| error.to_string())?;
        section
            .check(PathBuf::new(), Pool::new(crate::photos::picture::Config::default()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_typed_keeps_everything() {
        let config = check("").unwrap();
        assert_eq!(config.retention, Retention::default());
        assert_eq!(config.min_free, None);
    }

    #[test]
    fn ages_and_sizes_are_read() {
        let config = check("keep = '90 days'\nmost = 7\nbytes = '20GB'\nmin_free = '0 B'").unwrap();
        let age = Some(Duration::from_secs(90 * 86_400));
        assert_eq!(
            config.retention,
            Retention { age, photos: Some(7), bytes: Some(20_000_000_000) }
        );
        assert_eq!(config.min_free, Some(0));
    }

    #[test]
    fn each_mistake_says_what_to_write() {
        for (text, word) in [
            ("keep = '90'", units::A_PERIOD),
            ("keep = 'days'", units::A_PERIOD),
            ("keep = '90 apples'", units::A_PERIOD),
            ("bytes = '-1 GB'", units::A_SIZE),
            ("bytes = '99999999999 TB'", units::A_SIZE),
            ("min_free = '1.5 GiB'", units::A_SIZE),
            ("least = 3", "unknown field"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
