//! Prepares an upload for storing: of an accepted kind, whole, and without its place.

use wire::MediaType;

use crate::photos::picture::{self, Checked, Pool};
use crate::photos::store::Incoming;
use crate::problem::Problem;

/// Removing the place takes the picture's bytes, once more if they must move to make room, and the
/// noted changes and unpacked texts.
pub(crate) const COPIES: u64 = 2;
pub(crate) const ASIDE: u64 = 12 << 20;

/// A picture that can be stored.
#[derive(Debug)]
pub(super) struct Picture {
    pub incoming: Incoming,
    pub media: MediaType,
    pub checked: Checked,
    /// When it may have been taken, as [`picture::times`] says.
    pub times: Vec<u64>,
}

/// Removes the place unless it is to be kept, and checks the rest, which is what gets stored. Reads
/// the file twice, because only reading shows how much memory decoding takes.
pub(super) async fn check(pool: &Pool, mut incoming: Incoming) -> Result<Picture, Problem> {
    let length = incoming.draft().size()?;
    let looked = pool.run(length * COPIES + ASIDE, move |config| look(incoming, config));
    let (picture, memory) = looked.await??;
    let checked = pool.run(memory, move |_| {
        let mut picture = picture;
        picture::check(picture.media, &picture.incoming.draft().read()?)?;
        Ok(picture)
    });
    checked.await?
}

/// Removes the place unless it is to be kept, and examines the rest. Returns how much memory
/// decoding takes.
fn look(mut incoming: Incoming, config: &picture::Config) -> Result<(Picture, u64), Problem> {
    let mut bytes = incoming.draft().read()?;
    let media = picture::recognise(&bytes).ok_or_else(|| picture::not_taken(&bytes))?;
    // A picture that will be refused need not be searched.
    let mut looked = picture::look(media, &bytes)?;
    looked.within(config)?;
    // Removing the place also removes the GPS time.
    let times = picture::times(media, &bytes);
    if !config.keep_gps && picture::without_places(media, &mut bytes)? {
        incoming.draft().rewrite(&bytes)?;
        looked = picture::look(media, &bytes)?;
        looked.within(config)?;
    }
    Ok((Picture { incoming, media, checked: looked.checked, times }, looked.memory))
}
