//! Frames of cameras that make JPEG themselves: finds the whole picture in a frame, and what to
//! remove or add so that any viewer opens it without an error.
//!
//! Cameras put many other bytes into a frame: bytes between segments, an empty JPEG before the
//! picture, the rest of an older and longer picture behind it, another picture, or half of one
//! whose rest was lost on the bus. Only bytes of one whole picture may leave the node.
//!
//! The checker scans a frame once for markers. If they do not show whether the picture is whole, it
//! reads the codes, which takes a hundred times as long; see [`scan`]. It also reads those of a
//! stream's first frames, and later of an occasional frame, to learn whether the camera writes an
//! end for each picture. Without one, a picture seems to continue into the rest of an older one,
//! and to end there.

use memchr::{memchr, memmem};
use wire::jpeg::{EOI, RST0, RST7, SOI, SOS};

use header::{Coding, Header, Stop, header};

mod header;
mod scan;
mod standard;

/// A whole picture of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole<'a> {
    /// From its start to its end, as the camera gave it.
    pub jpeg: &'a [u8],
    /// The parts of the repaired picture; empty if it needs no repair.
    pieces: Vec<&'a [u8]>,
    /// Pixels across and down, whatever the driver agreed to.
    pub size: (u16, u16),
}

impl<'a> Whole<'a> {
    /// The picture, repaired in `memory` if needed.
    pub fn mended(&self, memory: &'a mut Vec<u8>) -> &'a [u8] {
        if self.pieces.is_empty() {
            return self.jpeg;
        }
        memory.clear();
        for piece in &self.pieces {
            memory.extend_from_slice(piece);
        }
        memory
    }
}

/// Checks one frame of a camera after another.
#[derive(Debug)]
pub(crate) struct Checker {
    frames: u32,
    /// How many more frames it reads the codes of.
    doubts: u32,
    /// The codes of this camera can be read, so a frame with unreadable codes is broken.
    is_read: bool,
}

/// How many frames in a row must have an end of their own before the checker trusts ends.
const DOUBTS: u32 = 8;
/// Later it reads the codes of one frame in this many.
const SELDOM: u32 = 512;
/// Many webcams write a few extra bytes before the end.
const EXTRANEOUS: usize = 64;

impl Default for Checker {
    fn default() -> Self {
        Checker { frames: 0, doubts: DOUBTS, is_read: false }
    }
}

impl Checker {
    /// The last whole picture of those in one frame.
    ///
    /// Bytes behind a whole picture are another one only if it begins right there; otherwise they
    /// are the rest of an older picture. Bytes behind a cut picture can only be a newer one.
    ///
    /// # Errors
    /// The reason under which stats count the frame: `empty`, `garbage` or `truncated`.
    pub fn check<'a>(&mut self, frame: &'a [u8]) -> Result<Whole<'a>, &'static str> {
        // uvcvideo delivers frames of a single byte when a camera sends only a header.
        if frame.len() < 4 {
            return Err("empty");
        }
        self.frames = self.frames.wrapping_add(1);
        let mut found = Err("garbage");
        let mut next = if frame.starts_with(&[0xff, SOI]) { Some(0) } else { begin(frame, 0) };
        while let Some(start) = next {
            let after = match self.picture(frame, start) {
                Ok((whole, end)) => {
                    found = Ok(whole);
                    adjacent(frame, end)
                }
                Err(Failed { word, next }) => {
                    if found.is_err() {
                        found = Err(word);
                    }
                    next.and_then(|at| begin(frame, at))
                }
            };
            next = after.filter(|&after| after > start);
        }
        found
    }

    /// The picture that begins at `start`, and where the next bytes begin.
    fn picture<'a>(&mut self, frame: &'a [u8], start: usize) -> Result<(Whole<'a>, usize), Failed> {
        let header = header(frame, start)?;
        let tables = missing_tables(&header)?;
        let codes = Codes::look(frame, header.scan.end);
        let whole = |end, is_ended| assemble(frame, start, &header, &tables, end, is_ended);
        if !header.is_one_scan() {
            let end = last_scan(frame, codes)?;
            return Ok((whole(end, true), end));
        }
        let is_ended = codes.marker == Some(EOI);
        let is_in_order = is_ended && codes.is_in_order(&header);
        let after = if is_ended { codes.end + 2 } else { codes.end };
        let is_doubted = self.doubts > 0 || self.frames.is_multiple_of(SELDOM);
        if is_in_order && !is_doubted {
            return Ok((whole(after, true), after));
        }
        let truncated = Failed { word: "truncated", next: codes.marker.map(|_| codes.end) };
        match scan::end(frame, start, &header, codes.end) {
            Ok((end, _)) if is_ended && codes.end - end <= EXTRANEOUS => {
                self.is_read = true;
                self.doubts = self.doubts.saturating_sub(1);
                let is_exact = end == codes.end;
                Ok((whole(if is_exact { after } else { end }, is_exact), after))
            }
            Ok((end, is_padded)) => {
                let bare = frame.get(header.scan.end..codes.end).unwrap_or_default();
                let is_foreign = match is_ended {
                    // The codes of two pictures can look like those of one, but rarely end so.
                    true => !is_padded,
                    false => scan::is_filling(bare, end - header.scan.end),
                };
                if is_foreign {
                    self.doubts = DOUBTS;
                    return Err(truncated);
                }
                (self.is_read, self.doubts) = (true, DOUBTS);
                Ok((whole(end, false), after))
            }
            // Its codes are of an unknown kind, but its markers are in order.
            Err(scan::Broken) if is_in_order && !self.is_read && self.doubts == 0 => {
                Ok((whole(after, true), after))
            }
            Err(scan::Broken) => {
                if is_in_order {
                    self.doubts = if self.is_read { DOUBTS } else { self.doubts - 1 };
                }
                Err(truncated)
            }
        }
    }
}

/// Where the next picture begins, at or after `from`.
fn begin(frame: &[u8], from: usize) -> Option<usize> {
    Some(from + memmem::find(frame.get(from..)?, header::BEGIN)?)
}

/// Where the next picture begins if only fill bytes precede it.
fn adjacent(frame: &[u8], end: usize) -> Option<usize> {
    let rest = frame.get(end..)?;
    let filled = rest.iter().take_while(|&&byte| byte == 0 || byte == 0xff).count();
    // The last FF belongs to its marker.
    let start = (end + filled).checked_sub(1)?;
    let is_start = start >= end && frame.get(start..)?.starts_with(&[0xff, SOI]);
    is_start.then_some(start)
}

/// Why there is no whole picture here, and where to look for one.
struct Failed {
    word: &'static str,
    next: Option<usize>,
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut(next) => Failed { word: "truncated", next },
            Stop::Another(start) => Failed { word: "truncated", next: Some(start) },
            Stop::Garbage(at) => Failed { word: "garbage", next: Some(at) },
            // Some cameras give an empty JPEG first.
            Stop::End(at) => Failed { word: "garbage", next: Some(at + 2) },
        }
    }
}

/// The standard tables that a scan needs and its picture lacks.
fn missing_tables(header: &Header<'_>) -> Result<Vec<&'static [u8]>, Failed> {
    let mut missing: Vec<&[u8]> = Vec::new();
    if header.coding != Coding::Sequential {
        return Ok(missing);
    }
    if !header.is_one_scan() {
        // The needs of later scans are not known here.
        let all = [(0, 0), (1, 0), (0, 1), (1, 1)];
        if header.tables == 0 {
            missing.extend(all.iter().filter_map(|&(class, to)| standard::standard(class, to)));
        }
        return Ok(missing);
    }
    for component in header.scanned() {
        for (class, destination) in [(0, component.dc), (1, component.ac)] {
            if header.tables >> (4 * class + destination) & 1 == 1 {
                continue;
            }
            let garbage = Failed { word: "garbage", next: Some(header.scan.end) };
            let table = standard::standard(class, destination).ok_or(garbage)?;
            if !missing.contains(&table) {
                missing.push(table);
            }
        }
    }
    Ok(missing)
}

/// The codes of a scan, according to the markers.
struct Codes {
    /// Where they end: at the `FF` of a marker that is not a restart, or with the frame.
    end: usize,
    marker: Option<u8>,
    restarts: usize,
    /// The restarts have the right numbers.
    is_counted: bool,
}

impl Codes {
    fn look(frame: &[u8], from: usize) -> Self {
        let mut codes = Codes { end: frame.len(), marker: None, restarts: 0, is_counted: true };
        let mut at = from;
        while let Some(found) = frame.get(at..).and_then(|rest| memchr(0xff, rest)) {
            at += found + 1;
            match frame.get(at) {
                Some(0x00) => at += 1,
                // Any number of FF bytes may precede a marker.
                Some(0xff) => {}
                Some(&restart @ RST0..=RST7) => {
                    codes.is_counted &= usize::from(restart - RST0) == codes.restarts % 8;
                    codes.restarts += 1;
                }
                Some(&marker) => {
                    (codes.end, codes.marker) = (at - 1, Some(marker));
                    break;
                }
                None => break,
            }
        }
        codes
    }

    /// Whether the number of restarts is right: lost bytes in between usually take some with them.
    fn is_in_order(&self, header: &Header<'_>) -> bool {
        let expected = match usize::from(header.restart) {
            0 => 0,
            restart => scan::mcus(header).div_ceil(restart).saturating_sub(1),
        };
        self.is_counted && self.restarts == expected
    }
}

/// Where a picture of several scans ends. Without its end, missing scans cannot be noticed.
fn last_scan(frame: &[u8], mut codes: Codes) -> Result<usize, Failed> {
    loop {
        if codes.marker == Some(EOI) {
            return Ok(codes.end + 2);
        }
        let mut at = codes.end;
        let scan = loop {
            match header::segment(frame, at) {
                Ok(segment) if segment.marker == SOS => break segment,
                Ok(segment) => at = segment.end,
                Err(Stop::End(end)) => return Ok(end + 2),
                Err(stop) => return Err(stop.into()),
            }
        };
        codes = Codes::look(frame, scan.end);
    }
}

/// The picture from `start` to `end`, which is behind its end of image if it has one.
fn assemble<'a>(
    frame: &'a [u8],
    start: usize,
    header: &Header<'_>,
    tables: &[&'a [u8]],
    end: usize,
    is_ended: bool,
) -> Whole<'a> {
    let part = |from: usize, to: usize| frame.get(from..to).unwrap_or_default();
    let size = header.size;
    let whole = Whole { jpeg: part(start, end), pieces: Vec::new(), size };
    if !header.is_odd && tables.is_empty() && is_ended {
        return whole;
    }
    let mut pieces = vec![part(start, start + 2)];
    let mut at = start + 2;
    while let Ok(segment) = header::segment(frame, at)
        && segment.start < header.scan.start
    {
        pieces.push(part(segment.start, segment.end));
        at = segment.end;
    }
    pieces.extend_from_slice(tables);
    pieces.push(part(header.scan.start, end));
    if !is_ended {
        pieces.push(&[0xff, EOI]);
    }
    Whole { pieces, ..whole }
}

#[cfg(test)]
mod tests;
