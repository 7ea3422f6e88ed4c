//! The names of blobs, and the day by which they are sorted.

use std::fmt;
use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use wire::{MediaType, PhotoId};

use crate::photos::picture::EDITION;

/// The last moment with a day: the end of the third last day of the year 9999, up to which days can
/// be computed in every time zone.
pub(in crate::photos::store) const TAKEN_MOST: u64 = 253_402_128_000_000 - 1;

/// A day in UTC, in the form of names: `2026/11/20`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::photos::store) struct UtcDay(String);

/// The name of a blob: segments separated by slashes, such as `photos/2026/11/20/<id>.jpg`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

/// The beginning of names, up to a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::photos::store) struct Prefix(String);

impl UtcDay {
    /// The day of a time in milliseconds since 1970.
    pub fn of(taken: u64) -> Self {
        let taken = i64::try_from(taken.min(TAKEN_MOST)).unwrap_or(0);
        let at = Timestamp::from_millisecond(taken).unwrap_or_default();
        UtcDay(at.to_zoned_datetime(TimeZone::UTC).strftime("%Y/%m/%d").to_string())
    }

    pub fn parse(text: &str) -> Option<Self> {
        Date::strptime("%Y/%m/%d", text).ok()?;
        Some(UtcDay(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first millisecond, and that of the next day.
    pub fn times(&self) -> Range<u64> {
        let date = Date::strptime("%Y/%m/%d", &self.0).unwrap_or_default();
        let start = |date: Date| {
            let at =
                date.to_zoned_datetime(TimeZone::UTC).map(|at| at.timestamp().as_millisecond());
            u64::try_from(at.unwrap_or(0)).unwrap_or(0)
        };
        start(date)..date.checked_add(1.day()).map_or(u64::MAX >> 1, start)
    }
}

impl Key {
    /// A photo taken at this time, in milliseconds since 1970.
    pub(in crate::photos::store) fn photo(taken: u64, id: &PhotoId, media: MediaType) -> Self {
        Prefix::day(&UtcDay::of(taken)).key(&format!("{id}.{}", media.extension()))
    }

    /// The sidecar of a photo taken at this time.
    pub(in crate::photos::store) fn sidecar(taken: u64, id: &PhotoId) -> Self {
        Prefix::day(&UtcDay::of(taken)).key(&format!("{id}.json"))
    }

    /// The thumbnail of a photo taken at this time.
    pub(in crate::photos::store) fn thumb(taken: u64, id: &PhotoId) -> Self {
        let day = UtcDay::of(taken);
        Key(format!("{}/{EDITION}/{}/{id}.jpg", Prefix::thumbs().0, day.0))
    }

    /// A deleted photo that can still be restored.
    pub(in crate::photos::store) fn trash(id: &PhotoId, media: MediaType) -> Self {
        Prefix::trash().key(&format!("{id}.{}", media.extension()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Prefix {
    /// All photos and sidecars.
    pub fn photos() -> Self {
        Prefix("photos".to_owned())
    }

    /// The photos and sidecars of a day.
    pub fn day(day: &UtcDay) -> Self {
        Prefix::photos().prefix(&day.0)
    }

    /// The thumbnails, with a prefix for each edition.
    pub fn thumbs() -> Self {
        Prefix("thumbs".to_owned())
    }

    /// The recently deleted photos.
    pub fn trash() -> Self {
        Prefix("trash".to_owned())
    }

    /// A deeper prefix.
    pub fn prefix(&self, name: &str) -> Self {
        Prefix(format!("{}/{name}", self.0))
    }

    /// A name under this prefix.
    pub fn key(&self, name: &str) -> Key {
        Key(format!("{}/{name}", self.0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        for (taken, day) in [
            (0, "1970/01/01"),
            (1_763_683_199_999, "2025/11/20"),
            (1_763_683_200_000, "2025/11/21"),
            (u64::MAX, "9999/12/29"),
        ] {
            let folder = UtcDay::of(taken);
            assert_eq!(folder.as_str(), day);
            assert!(folder.times().contains(&taken.min(TAKEN_MOST)), "{taken}");
            assert_eq!(UtcDay::parse(day), Some(folder));
        }
        for bad in ["2026/13/01", "2026/1/1x", "../../etc", ""] {
            assert_eq!(UtcDay::parse(bad), None, "{bad}");
        }
    }
}
