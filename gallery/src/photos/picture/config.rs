//! The section `[gallery.pictures]`: as typed, and as used.

use serde::{Deserialize, Serialize};

use wire::units;

use super::BadPicture;

/// `[gallery.pictures]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// Whether an uploaded picture keeps the place where it was taken, and so all its bytes.
    /// Default `false`.
    pub keep_gps: bool,
    /// The most bytes of an uploaded picture, 1 MiB to 1 GiB. Default 64 MiB.
    #[serde(with = "units::size")]
    pub upload: u64,
    /// The most pixels of a picture, in millions, 1 to 1000. Default 250.
    pub megapixels: u64,
    /// Bytes of memory for all work on pictures together, 16 MiB to 1 TiB. Default: a third of what
    /// this program may use, which is the machine's memory or its unit's limit.
    #[serde(with = "units::size::option", skip_serializing_if = "Option::is_none")]
    pub decode_bytes: Option<u64>,
}

impl Default for Section {
    fn default() -> Self {
        Section { keep_gps: false, upload: UPLOAD, megapixels: 250, decode_bytes: None }
    }
}

/// The default of `upload`, in bytes.
const UPLOAD: u64 = 64 << 20;

/// The least memory with which work on pictures makes sense.
const LEAST: u64 = 16 << 20;

/// The memory is divided by this for work on pictures, by default. Another third is for the broker,
/// the rest for frames and messages (`strangers`), request bodies, the index, and what the
/// allocator keeps.
const PART: u64 = 3;

/// `[gallery.pictures]` as used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config {
    pub keep_gps: bool,
    /// The most bytes of an upload.
    pub upload: u64,
    /// The most pixels of a picture.
    pub pixels: u64,
    /// Bytes for all work on pictures.
    pub memory: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config { keep_gps: false, upload: UPLOAD, pixels: 250_000_000, memory: 1 << 30 }
    }
}

impl Config {
    /// Checks that work of `bytes` bytes could ever be done.
    ///
    /// # Errors
    /// [`BadPicture::Memory`].
    pub fn affords(&self, bytes: u64) -> Result<(), BadPicture> {
        if bytes > self.memory {
            return Err(BadPicture::Memory {
                needs: bytes.div_ceil(1 << 20),
                has: self.memory >> 20,
            });
        }
        Ok(())
    }
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
        let Section { keep_gps, upload, megapixels, decode_bytes } = *self;
        if !(1 << 20..=1 << 30).contains(&upload) {
            let rule = "1 MiB to 1 GiB";
            return Err(BadSection { key: "upload", value: upload, rule });
        }
        if !(1..=1000).contains(&megapixels) {
            return Err(BadSection { key: "megapixels", value: megapixels, rule: "1 to 1000" });
        }
        if let Some(value) = decode_bytes.filter(|bytes| !(LEAST..=1 << 40).contains(bytes)) {
            let rule = "16 MiB to 1 TiB";
            return Err(BadSection { key: "decode_bytes", value, rule });
        }
        let memory = decode_bytes.unwrap_or_else(|| budget(memory::limit()));
        Ok(Config { keep_gps, upload, pixels: megapixels * 1_000_000, memory })
    }
}

/// The default of `decode_bytes` if the process may use `available` bytes.
fn budget(available: u64) -> u64 {
    (available / PART).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::strangers::{FRAMES, LISTS, MESSAGES, SHOWN};
    use crate::photos::upload::{ASIDE, COPIES};

    /// The worst case of what has no budget of its own: 64 incoming bodies with a piece of each,
    /// the index, the program itself, and what the allocator keeps.
    const REST: u64 = 40 << 20;

    /// The units' limits follow from the defaults: this fails if somebody changes one of them.
    #[test]
    fn the_units_have_room_for_the_largest_upload_and_for_all_else() {
        for unit in ["vitrina.service", "vitrina-gallery.service"] {
            let path = format!("{}/../systemd/{unit}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            let limit = |key: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
                line.strip_suffix('M').unwrap().parse::<u64>().unwrap() << 20
            };
            let (high, most) = (limit("MemoryHigh="), limit("MemoryMax="));
            assert!(high < most, "{unit}");
            let budget = budget(high);
            assert!(budget >= COPIES * UPLOAD + ASIDE, "{unit}: {budget}");
            // The broker takes as much for its messages (`broker.memory`).
            let broker = if unit == "vitrina.service" { budget } else { 0 };
            let parts = [FRAMES, MESSAGES, SHOWN, LISTS].map(|part| part.of(high) as u64);
            let all = budget + broker + parts.iter().sum::<u64>() + REST;
            assert!(all <= high, "{unit}: {all} of {high}");
        }
    }

    #[test]
    fn the_budget_is_a_third_of_what_the_program_may_use_unless_another_is_typed() {
        let memory = Section::default().check().unwrap().memory;
        assert_eq!(memory, budget(memory::limit()));
        let typed = Section { decode_bytes: Some(100 << 20), ..Section::default() };
        assert_eq!(typed.check().unwrap().memory, 100 << 20);
    }

    #[test]
    fn each_mistake_says_what_to_write() {
        for (section, word) in [
            (Section { decode_bytes: Some(1), ..Section::default() }, "16 MiB"),
            (Section { upload: 1 << 40, ..Section::default() }, "1 GiB"),
            (Section { megapixels: 0, ..Section::default() }, "1 to 1000"),
        ] {
            let error = section.check().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
