//! Automatic removal: of photos that were in the trash long enough, and of those beyond the limits.

use std::time::Duration;

use tracing::info;

use super::{Writer, discard};
use crate::photos::store::blobs::{Key, UtcDay};
use crate::photos::store::error::StoreError;
use crate::photos::store::index::Tombstone;
use crate::photos::store::sidecar::Deletion;

/// How long a deleted photo can be restored, in milliseconds.
const TRASH: u64 = 10 * 60 * 1000;

/// How long to remember that a photo was removed by age, in milliseconds. A node that was away
/// longer, with that photo unacknowledged, brings it back.
const REMEMBER: u64 = 30 * 24 * 3600 * 1000;

/// After this long without changes a day is known to agree with the index.
const QUIET: Duration = Duration::from_secs(600);

impl Writer {
    /// Removes a part, so that nobody waits long. Returns whether more must be removed.
    pub(super) fn tend(&mut self, now: u64) -> Result<bool, StoreError> {
        let trashed = self.index.trashed(now.saturating_sub(TRASH))?;
        let forgotten = self.index.expired(now.saturating_sub(REMEMBER))?;
        let tx = self.index.begin()?;
        for tombstone in &trashed {
            let Tombstone { taken, ref id, media, .. } = *tombstone;
            discard(&*self.blobs, &Key::trash(id, media));
            discard(&*self.blobs, &Key::photo(taken, id, media));
            tx.bury(&Tombstone { trashed: false, ..tombstone.clone() })?;
        }
        for Tombstone { id, taken, .. } in &forgotten {
            discard(&*self.blobs, &Key::sidecar(*taken, id));
            tx.unbury(id)?;
        }
        tx.commit()?;
        let gone = self.retention.due(&self.index, now)?;
        let more = [trashed.len(), forgotten.len(), gone.len()].into_iter().any(|n| n > 0);
        if !gone.is_empty() {
            info!(photos = gone.len(), "removing photos that are over the limits of age or size");
            self.bury(gone, Deletion { at: now, expired: true })?;
        }
        let quiet: Vec<UtcDay> = self
            .busy
            .extract_if(|_, touched| touched.elapsed() > QUIET)
            .map(|(day, _)| day)
            .collect();
        for day in quiet {
            self.index.set_quiet(&day)?;
        }
        Ok(more)
    }
}
