//! What arrived, as it may be stored: of a kind that is taken, whole, and without its place.

use wire::MediaType;

use crate::photos::picture::{self, Checked, Pool};
use crate::photos::store::Incoming;
use crate::problem::Problem;

/// Taking the place out of a picture takes its bytes, once more where they must move to make room,
/// and what is noted aside: changes, and texts that were compressed.
pub(crate) const COPIES: u64 = 2;
pub(crate) const ASIDE: u64 = 12 << 20;

/// A picture that can be stored.
#[derive(Debug)]
pub(super) struct Picture {
    pub incoming: Incoming,
    pub media: MediaType,
    pub checked: Checked,
    /// When it may have been taken, as [`picture::times`] tells.
    pub times: Vec<u64>,
}

/// Takes the place out unless it is to be kept, and checks what is left: that is what is
/// stored. The file is read twice, since what decoding takes is known only when it was read.
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

/// Takes the place out unless it is to be kept, and looks at what is left. Tells what it takes to
/// decode that.
fn look(mut incoming: Incoming, config: &picture::Config) -> Result<(Picture, u64), Problem> {
    let mut bytes = incoming.draft().read()?;
    let media = picture::recognise(&bytes).ok_or_else(|| picture::not_taken(&bytes))?;
    // What will be refused need not be searched.
    let mut looked = picture::look(media, &bytes)?;
    looked.within(config)?;
    // With the place goes the satellites' time.
    let times = picture::times(media, &bytes);
    if !config.keep_gps && picture::without_places(media, &mut bytes)? {
        incoming.draft().rewrite(&bytes)?;
        looked = picture::look(media, &bytes)?;
        looked.within(config)?;
    }
    Ok((Picture { incoming, media, checked: looked.checked, times }, looked.memory))
}
