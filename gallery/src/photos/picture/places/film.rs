//! The film that phones put behind a JPEG (Android's Motion Photo 1.0, Samsung's trailer): an MP4
//! (ISO 14496-12). Its tracks of images and sound are kept, with what a player needs of them.
//!
//! All else is overwritten with zeros, so that no offset changes: user data, metadata, further
//! tracks, which may hold a path, and media data outside the kept tracks. A film that cannot be
//! read to its end is cut off.

use std::ops::Range;

use super::Changes;

/// The longest head of a film.
const FTYP: usize = 1024;

/// The most chunks of a film, and atoms; a few seconds have some hundred.
const CHUNKS: usize = 16_384;

/// The kept parts of a track are at most this deep: `mdia`, `minf`, `stbl`.
const DEPTH: usize = 3;

/// Keeps a film that begins behind `from`, and nothing else. Returns its length.
pub(super) fn clean(bytes: &[u8], from: usize, changes: &mut Changes) -> Option<usize> {
    let rest = bytes.get(from..).unwrap_or_default();
    let film = memchr::memmem::find_iter(rest, b"ftyp").take(8).find_map(|at| {
        let start = at.checked_sub(4)?;
        Film::read(&rest[start..]).map(|film| (from + start, film))
    });
    let Some((start, film)) = film else {
        changes.remove(from..bytes.len());
        return None;
    };
    changes.remove(from..start);
    let moved = |range: &Range<usize>| start + range.start..start + range.end;
    for name in &film.unnamed {
        changes.replace(bytes, start + name..start + name + 4, b"free".to_vec());
    }
    for zeros in film.zeros.iter().map(moved) {
        if bytes[zeros.clone()].iter().any(|&byte| byte != 0) {
            changes.zero(zeros);
        }
    }
    changes.remove(start + film.length..bytes.len());
    Some(film.length)
}

/// The changes of a film.
#[derive(Debug, Default)]
struct Film {
    length: usize,
    /// The positions of atom types to overwrite.
    unnamed: Vec<usize>,
    zeros: Vec<Range<usize>>,
}

#[derive(Debug, Clone)]
struct Atom {
    kind: [u8; 4],
    /// The position of its type.
    name: usize,
    body: Range<usize>,
}

impl Film {
    fn read(bytes: &[u8]) -> Option<Film> {
        let mut film = Film::default();
        let (mut media, mut samples) = (Vec::new(), None);
        let all = 0..bytes.len();
        let first = Atom::read(bytes, &all, 0)?;
        if first.kind != *b"ftyp" || first.body.len() > FTYP {
            return None;
        }
        film.length = first.body.end;
        while let Some(atom) = Atom::read(bytes, &all, film.length) {
            match &atom.kind {
                b"moov" if samples.is_none() => samples = Some(film.movie(bytes, &atom)?),
                b"mdat" => media.push(atom.body.clone()),
                b"free" | b"skip" | b"wide" | b"udta" | b"meta" | b"uuid" => film.blank(&atom),
                // A phone's film has no fragments; anything but an atom ends it.
                b"moof" | b"moov" => return None,
                _ => break,
            }
            film.length = atom.body.end;
            if media.len() + film.unnamed.len() > CHUNKS {
                return None;
            }
        }
        let mut samples = samples.filter(|samples| !samples.is_empty())?;
        samples.sort_by_key(|range| range.start);
        for body in media {
            let mut at = body.start;
            for sample in &samples {
                if sample.start > at && at < body.end {
                    film.zeros.push(at..sample.start.min(body.end));
                }
                at = at.max(sample.end);
            }
            if at < body.end {
                film.zeros.push(at..body.end);
            }
        }
        Some(film)
    }

    /// Keeps the parts of `moov` that players need, and returns where the samples are.
    fn movie(&mut self, bytes: &[u8], movie: &Atom) -> Option<Vec<Range<usize>>> {
        let mut samples = Vec::new();
        for atom in movie.atoms(bytes)? {
            match &atom.kind {
                b"mvhd" => {}
                b"trak" => match track(bytes, &atom) {
                    Some(table) => {
                        samples.extend(chunks(bytes, &table)?);
                        if samples.len() > CHUNKS {
                            return None;
                        }
                        self.keep(bytes, &atom, DEPTH)?;
                    }
                    None => self.blank(&atom),
                },
                _ => self.blank(&atom),
            }
        }
        Some(samples)
    }

    /// Keeps the needed atoms in an atom, down to `depth`.
    fn keep(&mut self, bytes: &[u8], atom: &Atom, depth: usize) -> Option<()> {
        for atom in atom.atoms(bytes)? {
            match &atom.kind {
                b"edts" | b"mdia" | b"minf" | b"stbl" | b"dinf" => {
                    self.keep(bytes, &atom, depth.checked_sub(1)?)?;
                }
                b"tkhd" | b"elst" | b"mdhd" | b"vmhd" | b"smhd" | b"dref" | b"stsd" | b"stts"
                | b"ctts" | b"cslg" | b"stss" | b"stsz" | b"stsc" | b"stco" | b"co64" | b"sdtp"
                | b"sgpd" | b"sbgp" => {}
                // Behind the kind of track there is room for text.
                b"hdlr" => {
                    let words = (atom.body.start + 24).min(atom.body.end);
                    self.zeros.push(words..atom.body.end);
                }
                _ => self.blank(&atom),
            }
        }
        (self.unnamed.len() + self.zeros.len() <= 2 * CHUNKS).then_some(())
    }

    fn blank(&mut self, atom: &Atom) {
        self.unnamed.push(atom.name);
        self.zeros.push(atom.body.clone());
    }
}

impl Atom {
    fn read(bytes: &[u8], within: &Range<usize>, at: usize) -> Option<Atom> {
        let head = bytes.get(at..at.checked_add(8)?)?;
        let kind: [u8; 4] = head[4..8].try_into().ok()?;
        let (start, length) = match u32::from_be_bytes(head[..4].try_into().ok()?) {
            0 => (at + 8, within.end.checked_sub(at)?),
            1 => {
                let long = bytes.get(at + 8..at + 16)?.try_into().ok()?;
                (at + 16, usize::try_from(u64::from_be_bytes(long)).ok()?)
            }
            short => (at + 8, usize::try_from(short).ok()?),
        };
        let end = at.checked_add(length).filter(|end| (start..=within.end).contains(end))?;
        Some(Atom { kind, name: at + 4, body: start..end })
    }

    /// The atoms in this one, which must fill it.
    fn atoms(&self, bytes: &[u8]) -> Option<Vec<Atom>> {
        let mut atoms = Vec::new();
        let mut at = self.body.start;
        while at < self.body.end {
            // QuickTime ends a list of user data with four zeros.
            if self.body.end - at < 8 {
                return None;
            }
            let atom = Atom::read(bytes, &self.body, at)?;
            at = atom.body.end;
            atoms.push(atom);
            if atoms.len() > CHUNKS {
                return None;
            }
        }
        Some(atoms)
    }

    fn find(&self, bytes: &[u8], kind: &[u8; 4]) -> Option<Atom> {
        self.atoms(bytes)?.into_iter().find(|atom| atom.kind == *kind)
    }
}

/// The table of samples of a track of images or sound.
fn track(bytes: &[u8], track: &Atom) -> Option<Atom> {
    let media = track.find(bytes, b"mdia")?;
    let handler = media.find(bytes, b"hdlr")?.body;
    let kind = bytes.get(handler.start + 8..handler.start + 12)?;
    if kind != b"vide" && kind != b"soun" {
        return None;
    }
    media.find(bytes, b"minf")?.find(bytes, b"stbl")
}

/// The positions of a table's samples (ISO 14496-12, 8.7). Each must have a size.
fn chunks(bytes: &[u8], table: &Atom) -> Option<Vec<Range<usize>>> {
    let number = |at: usize| {
        let field = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(field)).ok()
    };
    // A list of entries of `size` bytes, behind a version, flags and their number.
    let list = |body: Range<usize>, head: usize, size: usize| {
        let count = number(body.start + head)?;
        let start = body.start + head + 4;
        let end = start.checked_add(count.checked_mul(size)?)?;
        (end <= body.end).then(|| (start..end).step_by(size))
    };
    let sizes = table.find(bytes, b"stsz")?.body;
    if number(sizes.start + 4)? != 0 {
        return None;
    }
    let mut sizes = list(sizes, 8, 4)?;
    let runs = list(table.find(bytes, b"stsc")?.body, 4, 12)?;
    let mut runs = runs.filter_map(|at| Some((number(at)?, number(at + 4)?))).peekable();
    let (mut offsets, is_long) = match table.find(bytes, b"stco") {
        Some(offsets) => (list(offsets.body, 4, 4)?, false),
        None => (list(table.find(bytes, b"co64")?.body, 4, 8)?, true),
    };
    let mut chunks = Vec::new();
    let mut samples = 0;
    for chunk in 1..=CHUNKS + 1 {
        let Some(at) = offsets.next() else { return Some(chunks) };
        while let Some((_, count)) = runs.next_if(|(first, _)| *first <= chunk) {
            samples = count;
        }
        // An offset of 64 bits is within the file only if its upper half is empty.
        let start = match is_long {
            true if number(at)? != 0 => return None,
            true => number(at + 4)?,
            false => number(at)?,
        };
        let mut end = start;
        for size in sizes.by_ref().take(samples) {
            end = end.checked_add(number(size)?)?;
        }
        chunks.push(start..end);
    }
    None
}
