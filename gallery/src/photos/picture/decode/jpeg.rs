//! Decodes JPEG (ITU-T T.81) in little memory: at a fraction of its size, one line of blocks at a
//! time if the file allows. It refuses what no browser draws (lossless, arithmetic, 12 bits).
//!
//! No Rust library does this: they hold the whole picture. See `docs/decisions/memory.md`.

mod block;
mod frame;
mod huffman;
mod scan;
mod tables;

use wire::jpeg::{DHT, EOI, SOS};

use super::Lines;
use crate::photos::picture::BadPicture;
use crate::photos::picture::structure::take;
use frame::Frame;
use scan::Picture;
use tables::Tables;

/// A progressive picture has about ten. Each covers all its pixels, however few bytes it has.
const SCANS: usize = 40;

/// The smallest scale of a side, in eighths, at which the picture still covers `wanted`.
fn eighths((width, height): (u32, u32), wanted: Option<(u32, u32)>) -> usize {
    let Some((w, h)) = wanted else { return 0 };
    let covers = |n: u32| (width * n).div_ceil(8) >= w && (height * n).div_ceil(8) >= h;
    [1, 2, 4].into_iter().find(|&n| covers(n)).unwrap_or(8) as usize
}

/// The size of the lines that [`decode`] gives for a picture of this size.
pub(super) fn size(of: (u32, u32), wanted: Option<(u32, u32)>) -> (u32, u32) {
    let n = eighths(of, wanted) as u32;
    ((of.0 * n).div_ceil(8), (of.1 * n).div_ceil(8))
}

/// The bytes that [`decode`] takes.
pub(super) fn memory(bytes: &[u8], wanted: Option<(u32, u32)>) -> Result<u64, BadPicture> {
    let (mut at, mut frame) = (2, None);
    while let Some((marker, data, end)) = segment(bytes, at)? {
        match marker {
            0xc0..=0xcf if !matches!(marker, DHT | 0xc8 | 0xcc) => {
                frame = Some(Frame::new(marker, data)?);
            }
            SOS => {
                let frame = frame.ok_or_else(|| BadPicture::broken("a scan has no frame"))?;
                let n = eighths((frame.width as u32, frame.height as u32), wanted);
                let streamed = frame.is_streamed(data);
                let blocks = |streamed| {
                    frame.components.iter().map(|c| c.blocks(streamed) as u64).sum::<u64>()
                };
                let known = if frame.progressive { 8 } else { 0 };
                let n = (n * n) as u64;
                let line = blocks(true) * n + 3 * frame.width as u64;
                return Ok(blocks(streamed) * (2 * n + known) + line);
            }
            _ => {}
        }
        at = end;
    }
    Err(BadPicture::Cut)
}

/// Decodes the picture: with `wanted` at the smallest scale that covers it, else without giving
/// lines.
///
/// # Errors
/// [`BadPicture`] if it is incomplete or not a JPEG that browsers draw.
pub(super) fn decode(
    bytes: &[u8],
    wanted: Option<(u32, u32)>,
    lines: &mut Lines,
) -> Result<(), BadPicture> {
    let mut tables = Tables::default();
    let mut picture: Option<Picture> = None;
    let (mut at, mut scans) = (2, 0);
    let ended_well = loop {
        let (marker, data, end) = match segment(bytes, at) {
            Ok(Some(segment)) => segment,
            Ok(None) => break true,
            // Nothing more is readable: what came must be enough.
            Err(_) if scans > 0 => break false,
            Err(error) => return Err(error),
        };
        at = end;
        match marker {
            0xc0..=0xcf if !matches!(marker, DHT | 0xc8 | 0xcc) => {
                if picture.is_some() {
                    return Err(BadPicture::broken("it has two frame headers"));
                }
                let frame = Frame::new(marker, data)?;
                let of = (frame.width as u32, frame.height as u32);
                picture = Some(Picture::new(frame, eighths(of, wanted)));
            }
            SOS => {
                scans += 1;
                if scans > SCANS {
                    return Err(BadPicture::broken(format!("it has more than {SCANS} scans")));
                }
                let picture =
                    picture.as_mut().ok_or_else(|| BadPicture::broken("a scan has no frame"))?;
                at = picture.scan(bytes, at, data, &tables, lines)?;
            }
            _ => tables.read(marker, data)?,
        }
    };
    let picture = picture.filter(|_| scans > 0).ok_or(BadPicture::Cut)?;
    picture.end(ended_well, &tables, lines)
}

type Segment<'a> = (u8, &'a [u8], usize);

/// The next segment with its marker, its data and its end; `None` at the end of the picture. Skips
/// bytes between segments and the rest of a scan.
fn segment(bytes: &[u8], mut at: usize) -> Result<Option<Segment<'_>>, BadPicture> {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().position(|&b| b == 0xff).ok_or(BadPicture::Cut)?;
        let marker = take(bytes, at, 2)?[1];
        match marker {
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            EOI => return Ok(None),
            _ => {
                let length = take(bytes, at + 2, 2)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let data = take(bytes, at + 2, length)?.get(2..);
                let data =
                    data.ok_or_else(|| BadPicture::broken("a segment is shorter than its length"))?;
                return Ok(Some((marker, data, at + 2 + length)));
            }
        }
    }
}
