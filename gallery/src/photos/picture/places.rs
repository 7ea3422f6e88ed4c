//! Takes out of a picture where it was taken, without touching a pixel.
//!
//! Places hide in more forms than anybody knows. So nothing is searched for and removed: of each
//! container the parts are kept that are needed to draw it right, of EXIF and XMP the facts that
//! are listed here and tell no place, of a film behind a picture its images and its sound. All
//! else goes, what nobody understands too. `docs/protocol.md` has the list for users.

mod exif;
mod film;
mod gif;
mod jpeg;
mod png;
mod webp;
mod xmp;

use std::ops::Range;

use wire::MediaType;

use super::BadPicture;

/// Changes of one picture. Far more parts than any program writes are made to tire us.
const CHANGES: usize = 65_536;

/// Removes from a picture, and from what phones append to it (further pictures, a short film), all
/// that may tell a place. Tells whether there was anything to remove. Its structure was read
/// before ([`super::look`]).
///
/// # Errors
/// [`BadPicture`] if it is in too many parts.
pub(crate) fn without_places(media: MediaType, bytes: &mut Vec<u8>) -> Result<bool, BadPicture> {
    let mut changes = Changes::default();
    match media {
        MediaType::Jpeg => jpeg::clean(bytes, &mut changes),
        MediaType::Png => png::clean(bytes, &mut changes),
        MediaType::WebP => webp::clean(bytes, &mut changes),
        MediaType::Gif => gif::clean(bytes, &mut changes),
    }
    if changes.list.len() > CHANGES {
        return Err(BadPicture::broken("it is in too many parts"));
    }
    let any = !changes.list.is_empty();
    changes.make(bytes);
    Ok(any)
}

/// What is to become of a picture: parts that others take the place of, in any order and none
/// within another.
#[derive(Debug, Default)]
struct Changes {
    list: Vec<(Range<usize>, With)>,
}

#[derive(Debug, PartialEq, Eq)]
enum With {
    Zeros,
    Bytes(Vec<u8>),
}

impl Changes {
    fn remove(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        match self.list.last_mut() {
            Some((last, With::Bytes(new))) if new.is_empty() && last.end == range.start => {
                last.end = range.end;
            }
            _ => self.add(range, With::Bytes(Vec::new())),
        }
    }

    fn zero(&mut self, range: Range<usize>) {
        self.add(range, With::Zeros);
    }

    /// Puts these bytes there, unless they are there already.
    fn replace(&mut self, bytes: &[u8], range: Range<usize>, new: Vec<u8>) {
        if bytes.get(range.clone()) != Some(&new[..]) {
            self.add(range, With::Bytes(new));
        }
    }

    fn insert(&mut self, at: usize, new: Vec<u8>) {
        self.add(at..at, With::Bytes(new));
    }

    fn add(&mut self, range: Range<usize>, with: With) {
        // One more tells that there were too many.
        if self.list.len() <= CHANGES {
            self.list.push((range, with));
        }
    }

    /// Makes them within the memory that the picture has, since it may be large.
    fn make(mut self, bytes: &mut Vec<u8>) {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        // What is written may run ahead of what is read: so far all is moved before.
        let (mut removed, mut added, mut ahead) = (0, 0, 0);
        for (range, with) in &self.list {
            if let With::Bytes(new) = with {
                removed += range.len();
                added += new.len();
                ahead = ahead.max(added.saturating_sub(removed));
            }
        }
        if ahead > 0 {
            bytes.splice(0..0, std::iter::repeat_n(0, ahead));
        }
        let (mut read, mut write) = (ahead, 0);
        let copy = |bytes: &mut Vec<u8>, from: Range<usize>, write: &mut usize| {
            let length = from.len();
            if from.start != *write {
                bytes.copy_within(from, *write);
            }
            *write += length;
        };
        for (range, with) in self.list {
            let (start, end) = (range.start + ahead, range.end + ahead);
            copy(bytes, read..start, &mut write);
            match with {
                With::Zeros => {
                    bytes[write..write + range.len()].fill(0);
                    write += range.len();
                }
                With::Bytes(new) => {
                    bytes[write..write + new.len()].copy_from_slice(&new);
                    write += new.len();
                }
            }
            read = end;
        }
        let end = bytes.len();
        copy(bytes, read..end, &mut write);
        bytes.truncate(write);
    }
}

#[cfg(test)]
mod tests;
