//! The section `[gallery.photos]`: as typed, and as used.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retention::Retention;
use crate::picture::Pool;

/// `[gallery.photos]` as typed. What exceeds any of the limits goes, the photos received first;
/// pinned ones stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// How long photos are kept: a number and `hours`, `days` or `years`. Default for good.
    pub keep: Option<String>,
    /// How many photos are kept. Default all.
    pub most: Option<u64>,
    /// How many bytes the photos may take: a number and `MB`, `GB`, `TB`, `MiB`, `GiB` or `TiB`.
    /// Default as many as there is room for.
    pub bytes: Option<String>,
    /// So much of the disk stays free, written like `bytes`; new photos are refused before that,
    /// and taken again when there is room. Default 1 GiB, or a twentieth of a disk smaller than
    /// 20 GiB.
    pub min_free: Option<String>,
}

/// A key that cannot be used. The text says what to write instead.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("gallery.photos.{key} = {value:?}: write it like {like:?}")]
pub struct BadSection {
    key: &'static str,
    value: String,
    like: &'static str,
}

/// How a store is kept.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The folder that all is in; made when missing.
    pub folder: PathBuf,
    pub retention: Retention,
    /// Bytes of the disk that stay free.
    pub min_free: Option<u64>,
    /// Where thumbnails are made.
    pub pictures: Pool,
}

impl BadSection {
    /// The key in its section.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }
}

impl Section {
    /// Checks the section. All is kept in `folder`; thumbnails are made in `pictures`.
    ///
    /// # Errors
    /// [`BadSection`] names the key and says how to write it.
    pub(crate) fn check(&self, folder: PathBuf, pictures: Pool) -> Result<Config, BadSection> {
        let age = read("keep", self.keep.as_deref(), &AGES, "90 days")?;
        let bytes = read("bytes", self.bytes.as_deref(), &SIZES, "20 GB")?;
        let min_free = read("min_free", self.min_free.as_deref(), &SIZES, "2 GiB")?;
        let retention = Retention { age: age.map(Duration::from_secs), photos: self.most, bytes };
        Ok(Config { folder, retention, min_free, pictures })
    }
}

type Units = [(&'static str, u64)];

const AGES: [(&str, u64); 6] = [
    ("hour", 3600),
    ("hours", 3600),
    ("day", 86_400),
    ("days", 86_400),
    ("year", 31_556_952),
    ("years", 31_556_952),
];

const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a whole number and a unit.
fn read(
    key: &'static str,
    value: Option<&str>,
    units: &Units,
    like: &'static str,
) -> Result<Option<u64>, BadSection> {
    let Some(value) = value else { return Ok(None) };
    let parsed = || {
        let digits = value.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = value.split_at(digits);
        let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
        number.parse::<u64>().ok()?.checked_mul(*factor)
    };
    match parsed() {
        Some(number) => Ok(Some(number)),
        None => Err(BadSection { key, value: value.to_owned(), like }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        let section: Section = toml::from_str(text).map_err(|error| error.to_string())?;
        section
            .check(PathBuf::new(), Pool::new(crate::picture::Config::default()))
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
            ("keep = '90'", "90 days"),
            ("keep = 'days'", "90 days"),
            ("keep = '90 apples'", "90 days"),
            ("bytes = '-1 GB'", "20 GB"),
            ("bytes = '99999999999 TB'", "20 GB"),
            ("min_free = '1.5 GiB'", "2 GiB"),
            ("least = 3", "unknown field"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
