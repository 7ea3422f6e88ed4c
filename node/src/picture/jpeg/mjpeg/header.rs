//! Reads the header of a camera's JPEG as libjpeg does: it skips bytes outside segments.

use memchr::{memchr, memmem};
use wire::jpeg::{APP0, APP15, COM, DHT, DQT, DRI, EOI, RST0, RST7, SOI, SOS, Segment, is_frame};

/// Where and why the reading of segments stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The frame ends. Another picture may begin behind `.0`, if there is such a position.
    Cut(Option<usize>),
    /// An end of image is here.
    End(usize),
    /// Another picture begins here.
    Another(usize),
    /// The bytes here are not a JPEG that viewers show.
    Garbage(usize),
}

/// The next segment at or behind `at`. It begins at the last `FF` before its marker, so a segment
/// further on than expected shows that other bytes lie between.
pub(super) fn segment(frame: &[u8], mut at: usize) -> Result<Segment<'_>, Stop> {
    loop {
        let rest = frame.get(at..).unwrap_or_default();
        let nothing = if rest.is_empty() { Stop::Cut(None) } else { Stop::Garbage(frame.len()) };
        let found = at + memchr(0xff, rest).ok_or(nothing)?;
        let filled = frame[found..].iter().take_while(|&&byte| byte == 0xff).count();
        let start = found + filled - 1;
        let &marker = frame.get(start + 1).ok_or(Stop::Cut(None))?;
        at = start + 2;
        match marker {
            SOI => return Err(Stop::Another(start)),
            EOI => return Err(Stop::End(start)),
            // Stuffed, reserved, TEM, or a restart, which have no length and mean nothing here.
            0x00..=0xbf | RST0..=RST7 => continue,
            // JPG, hierarchical markers, and extensions.
            0xc8 | 0xde | 0xdf | 0xf0..=0xfd | 0xff => return Err(Stop::Garbage(start)),
            _ => {}
        }
        let length = match frame.get(at..at + 2) {
            // No segment is that long; the frame was cut right after the marker.
            Some(&[0xff, SOI]) => return Err(Stop::Another(at)),
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(Stop::Cut(None)),
        };
        if length < 2 {
            if is_metadata(marker) {
                at += 2;
                continue;
            }
            return Err(Stop::Garbage(start));
        }
        let end = at + length;
        return match frame.get(at + 2..end) {
            Some(data) => Ok(Segment { marker, data, start, end }),
            // An application segment can contain a thumbnail.
            None => Err(Stop::Cut((!is_metadata(marker)).then_some(start))),
        };
    }
}

/// Whether a segment has only what no decoder needs.
fn is_metadata(marker: u8) -> bool {
    matches!(marker, APP0..=APP15 | COM)
}

/// The kinds of JPEG that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Each coefficient comes once, in Huffman codes.
    Sequential,
    /// Scans refine those before them, or codes are arithmetic.
    Other,
}

/// A component of a frame (T.81, B.2.2), and with which tables a scan codes it (B.2.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Component {
    pub id: u8,
    /// Its sampling factors across and down.
    pub across: u8,
    pub down: u8,
    /// Its quantisation table.
    pub quantiser: u8,
    /// Its Huffman tables.
    pub dc: u8,
    pub ac: u8,
}

/// The contents of a header up to its first scan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub coding: Coding,
    /// Pixels across and down.
    pub size: (u16, u16),
    /// The components of the frame.
    pub components: usize,
    /// The components of the scan, in its order.
    pub scanned: [Component; 4],
    pub in_scan: usize,
    /// MCUs between two restarts; 0 if there are none.
    pub restart: u16,
    /// Bit `4 * class + destination` for each present Huffman table.
    pub tables: u8,
    /// The start of the scan.
    pub scan: Segment<'a>,
    /// Some bytes belong to no segment.
    pub is_odd: bool,
}

impl Header<'_> {
    /// The components of the scan.
    pub fn scanned(&self) -> &[Component] {
        &self.scanned[..self.in_scan]
    }

    /// Whether one scan has the whole picture.
    pub fn is_one_scan(&self) -> bool {
        self.coding == Coding::Sequential && self.components == self.in_scan
    }
}

/// Reads the header of the picture that begins at `start`.
///
/// A picture that was cut within its header swallows the start of the next one, which this then
/// finds.
pub(super) fn header(frame: &[u8], start: usize) -> Result<Header<'_>, Stop> {
    let mut suspects = Vec::new();
    let header = read(frame, start, &mut suspects);
    let scan = header.as_ref().ok().map(|header| header.scan.start);
    match swallowed(frame, &suspects, scan) {
        Some(at) => Err(Stop::Another(at)),
        None => header,
    }
}

/// Where a picture begins within one of the `suspects` and continues behind it: up to `scan`, if
/// known. A thumbnail ends within its segment.
fn swallowed(frame: &[u8], suspects: &[Segment<'_>], scan: Option<usize>) -> Option<usize> {
    /// How many starts it tries in a segment, so that garbage costs little.
    const TRIES: usize = 8;
    suspects.iter().find_map(|suspect| {
        let starts = memmem::rfind_iter(within(frame, suspect), BEGIN).take(TRIES);
        starts.map(|at| suspect.start + 2 + at).find(|&at| {
            read(frame, at, &mut Vec::new()).is_ok_and(|header| {
                let found = header.scan.start;
                found >= suspect.end && scan.is_none_or(|scan| scan == found)
            })
        })
    })
}

/// The start of a real picture: followed by the next marker.
pub(super) const BEGIN: &[u8] = &[0xff, SOI, 0xff];

/// The bytes of a segment in which a picture can begin.
fn within<'a>(frame: &'a [u8], segment: &Segment<'_>) -> &'a [u8] {
    frame.get(segment.start + 2..frame.len().min(segment.end + 2)).unwrap_or_default()
}

/// Reads a header, and notes segments that may have swallowed another picture's start.
fn read<'a>(
    frame: &'a [u8],
    start: usize,
    suspects: &mut Vec<Segment<'a>>,
) -> Result<Header<'a>, Stop> {
    let (mut at, mut is_odd) = (start + 2, false);
    let mut shape = None;
    let (mut restart, mut tables, mut quantisers) = (0, 0, 0);
    loop {
        let segment = segment(frame, at)?;
        is_odd |= segment.start != at;
        if let Some(begin) = memmem::find(within(frame, &segment), BEGIN) {
            if !is_metadata(segment.marker) {
                return Err(Stop::Another(segment.start + 2 + begin));
            }
            suspects.push(segment);
        }
        let garbage = Stop::Garbage(segment.start);
        match segment.marker {
            DHT => tables |= huffman(segment.data).ok_or(garbage)?,
            DQT => quantisers |= quantisation(segment.data).ok_or(garbage)?,
            DRI => match *segment.data {
                [high, low] => restart = u16::from_be_bytes([high, low]),
                _ => return Err(garbage),
            },
            SOS => {
                let shape: Shape = shape.ok_or(garbage)?;
                let (scanned, in_scan) = shape.scan(segment.data).ok_or(garbage)?;
                let all = &scanned[..in_scan];
                if all.iter().any(|component| quantisers >> component.quantiser & 1 == 0) {
                    return Err(garbage);
                }
                let Shape { coding, size, count, .. } = shape;
                return Ok(Header {
                    coding,
                    size,
                    components: count,
                    scanned,
                    in_scan,
                    restart,
                    tables,
                    scan: segment,
                    is_odd,
                });
            }
            marker if is_frame(marker) => {
                let read = Shape::read(marker, segment.data).ok_or(garbage)?;
                if shape.replace(read).is_some() {
                    return Err(garbage);
                }
            }
            _ => {}
        }
        at = segment.end;
    }
}

/// The contents of a frame header (B.2.2).
#[derive(Debug, Clone, Copy)]
struct Shape {
    coding: Coding,
    size: (u16, u16),
    components: [Component; 4],
    count: usize,
}

impl Shape {
    fn read(marker: u8, data: &[u8]) -> Option<Self> {
        let coding = match marker {
            0xc0 | 0xc1 => Coding::Sequential,
            0xc2 | 0xc9 | 0xca => Coding::Other,
            // Lossless and hierarchical frames.
            _ => return None,
        };
        let &[8, h1, h0, w1, w0, count, ref rest @ ..] = data else { return None };
        let size = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let count = usize::from(count);
        let (entries, beyond) = rest.as_chunks::<3>();
        if !(1..=4).contains(&count) || entries.len() != count || !beyond.is_empty() {
            return None;
        }
        let mut components = [Component::default(); 4];
        for (component, &[id, sampling, quantiser]) in components.iter_mut().zip(entries) {
            let (across, down) = (sampling >> 4, sampling & 15);
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || quantiser > 3 {
                return None;
            }
            *component = Component { id, across, down, quantiser, dc: 0, ac: 0 };
        }
        (size.0 > 0 && size.1 > 0).then_some(Shape { coding, size, components, count })
    }

    /// The components of a scan (B.2.3).
    fn scan(&self, data: &[u8]) -> Option<([Component; 4], usize)> {
        let (&count, rest) = data.split_first()?;
        let count = usize::from(count);
        if !(1..=4).contains(&count) || rest.len() != 2 * count + 3 {
            return None;
        }
        let mut scanned = [Component::default(); 4];
        for (component, &[id, tables]) in scanned.iter_mut().zip(&rest.as_chunks().0[..count]) {
            let all = &self.components[..self.count];
            *component = *all.iter().find(|component| component.id == id)?;
            (component.dc, component.ac) = (tables >> 4, tables & 15);
            if component.dc > 3 || component.ac > 3 {
                return None;
            }
        }
        Some((scanned, count))
    }
}

/// The tables that a segment defines: class and destination, the number of codes of each length,
/// and the values (B.2.4.2).
pub(super) fn huffman_tables(data: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8; 16], &[u8])>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (&place, after) = rest.split_first()?;
        let table = (|| {
            let (bits, after) = after.split_first_chunk::<16>()?;
            let count = bits.iter().map(|&count| usize::from(count)).sum();
            let (values, after) = after.split_at_checked(count)?;
            (place >> 4 <= 1 && place & 15 <= 3).then_some(((place, bits, values), after))
        })();
        rest = table.map_or(&[], |(_, after)| after);
        Some(table.map(|(table, _)| table))
    })
}

/// The positions of the tables that a segment defines; `None` if a decoder would refuse one.
fn huffman(data: &[u8]) -> Option<u8> {
    huffman_tables(data).try_fold(0, |tables, table| {
        let (place, bits, values) = table?;
        // The number of possible codes of each length, minus those that begin with a shorter code.
        let is_full = |free: u32, &count: &u8| (2 * free).checked_sub(count.into());
        bits.iter().try_fold(1, is_full)?;
        let is_dc = place >> 4 == 0;
        if values.len() > 256 || (is_dc && values.iter().any(|&length| length > 15)) {
            return None;
        }
        Some(tables | 1 << (4 * (place >> 4) + (place & 3)))
    })
}

/// The tables that a segment defines: destination, and the bytes of each of the 64 values
/// (B.2.4.1).
pub(super) fn quantisers(data: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (&place, after) = rest.split_first()?;
        let length = if place >> 4 == 0 { 64 } else { 128 };
        let table = after.split_at_checked(length).filter(|_| place >> 4 <= 1 && place & 15 <= 3);
        rest = table.map_or(&[], |(_, after)| after);
        Some(table.map(|(values, _)| (place & 15, values)))
    })
}

fn quantisation(data: &[u8]) -> Option<u8> {
    quantisers(data).try_fold(0, |tables, table| Some(tables | 1 << table?.0))
}
