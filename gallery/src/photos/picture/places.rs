//! Removes from a picture where it was taken, without changing a pixel.
//!
//! Places hide in more forms than anybody knows, so this does not search for them. It keeps the
//! parts of each container that are needed to draw it right, the facts of EXIF and XMP that are
//! listed here and reveal no place, and the images and sound of a film behind a picture. It removes
//! everything else, also what nobody understands. `docs/protocol.md` has the list for users.

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

/// The most changes of one picture. A picture with so many parts is meant to waste our time.
const CHANGES: usize = 65_536;

/// Removes from a picture, and from what phones append to it (further pictures, a short film), all
/// that may reveal a place. Returns whether there was anything to remove. The structure must have
/// been read ([`super::look`]).
///
/// # Errors
/// [`BadPicture`] if it has too many parts.
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

/// The planned changes of a picture: parts to replace, in any order, none within another.
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

    /// Replaces a range with these bytes, unless they are there already.
    fn replace(&mut self, bytes: &[u8], range: Range<usize>, new: Vec<u8>) {
        if bytes.get(range.clone()) != Some(&new[..]) {
            self.add(range, With::Bytes(new));
        }
    }

    fn insert(&mut self, at: usize, new: Vec<u8>) {
        self.add(at..at, With::Bytes(new));
    }

    fn add(&mut self, range: Range<usize>, with: With) {
        // One more shows that there were too many.
        if self.list.len() <= CHANGES {
            self.list.push((range, with));
        }
    }

    /// Makes the changes within the picture's own memory, because it may be large.
    fn make(mut self, bytes: &mut Vec<u8>) {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        // Writing may overtake reading: so first everything moves toward the end.
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
