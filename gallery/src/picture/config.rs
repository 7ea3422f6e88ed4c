//! The section `[gallery.pictures]`: as typed, and as used.

use serde::{Deserialize, Serialize};

use super::Limits;

/// `[gallery.pictures]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// Whether a picture that is uploaded keeps the place where it was taken, and with it every
    /// byte. Default `false`.
    pub keep_gps: bool,
    /// Millions of pixels that a picture may have, 1 to 1000. Default 100.
    pub megapixels: u64,
    /// Bytes of memory that decoding one picture may take, 16 MiB to 16 GiB. Two are decoded at
    /// once. Default 512 MiB.
    pub decode_bytes: u64,
}

impl Default for Section {
    fn default() -> Self {
        Section { keep_gps: false, megapixels: 100, decode_bytes: 512 << 20 }
    }
}

/// `[gallery.pictures]` as used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub keep_gps: bool,
    pub limits: Limits,
}

/// Why a section cannot be used. The text says what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("gallery.pictures.{key} = {value}: write {rule}")]
pub struct BadSection {
    key: &'static str,
    value: u64,
    rule: &'static str,
}

impl BadSection {
    /// The key in its section.
    pub(crate) fn key(&self) -> &'static str {
        self.key
    }
}

impl Section {
    /// Checks the section.
    pub(crate) fn check(&self) -> Result<Config, BadSection> {
        let Section { keep_gps, megapixels, decode_bytes } = *self;
        if !(1..=1000).contains(&megapixels) {
            return Err(BadSection { key: "megapixels", value: megapixels, rule: "1 to 1000" });
        }
        if !(16 << 20..=16 << 30).contains(&decode_bytes) {
            let rule = "16777216 (16 MiB) to 17179869184 (16 GiB)";
            return Err(BadSection { key: "decode_bytes", value: decode_bytes, rule });
        }
        let limits = Limits { pixels: megapixels * 1_000_000, memory: decode_bytes };
        Ok(Config { keep_gps, limits })
    }
}
