//! Which photos go when there are too many. Pinned ones stay.

use std::time::Duration;

use crate::photos::store::error::StoreError;
use crate::photos::store::index::Index;
use crate::photos::store::sidecar::Sidecar;

/// At most so many go at once.
const BATCH: usize = 16;

/// How much is kept; `None` is without end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Counted from when a photo was received.
    pub age: Option<Duration>,
    pub photos: Option<u64>,
    /// Of the photos alone, without sidecars and thumbnails.
    pub bytes: Option<u64>,
}

impl Retention {
    /// The next photos that are to go at `now`, in milliseconds since 1970: those that were
    /// received first.
    pub(super) fn due(&self, index: &Index, now: u64) -> Result<Vec<Sidecar>, StoreError> {
        if *self == Retention::default() {
            return Ok(Vec::new());
        }
        let (mut photos, mut bytes) = index.totals()?;
        let mut due = index.oldest(BATCH)?;
        let age = self.age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let going = due.iter().take_while(|sidecar| {
            let photo = &sidecar.photo;
            let goes = age.is_some_and(|age| photo.received.saturating_add(age) <= now)
                || self.photos.is_some_and(|most| photos > most)
                || self.bytes.is_some_and(|most| bytes > most);
            photos = photos.saturating_sub(1);
            bytes = bytes.saturating_sub(photo.bytes);
            goes
        });
        let going = going.count();
        due.truncate(going);
        Ok(due)
    }
}
