//! Which photos are removed when there are too many. Pinned ones stay.

use std::time::Duration;

use crate::photos::store::error::StoreError;
use crate::photos::store::index::Index;
use crate::photos::store::sidecar::Sidecar;

/// The most photos that are removed at once.
const BATCH: usize = 16;

/// How much is kept; `None` means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// From the receipt of a photo.
    pub age: Option<Duration>,
    pub photos: Option<u64>,
    /// Of photos only, without sidecars and thumbnails.
    pub bytes: Option<u64>,
}

impl Retention {
    /// The next photos to remove at `now`, in milliseconds since 1970: those received first.
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
