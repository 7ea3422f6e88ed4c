//! Decodes a GIF's first frame line by line, and its last if it was cut short.

use std::io::Read;
use std::ops::Range;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};

use super::{Lines, is_whole};
use crate::photos::picture::BadPicture;
use crate::photos::picture::structure::take;

/// The position of a frame.
#[derive(Debug, Clone, Default)]
struct Frame {
    /// The extension that names the transparent colour (GIF89a, section 23).
    control: Range<usize>,
    /// From the image descriptor to the end of the data (sections 20 to 22).
    image: Range<usize>,
}

struct Frames {
    /// The end of the header, the screen descriptor and the global colour table.
    head: usize,
    first: Frame,
    /// The last frame, if it was cut short.
    cut: Option<Frame>,
}

/// The bytes that [`decode`] takes: some lines, or a whole frame if it is interlaced.
pub(super) fn memory(bytes: &[u8]) -> Result<u64, BadPicture> {
    let frames = frames(bytes)?;
    let all = [Some(&frames.first), frames.cut.as_ref()].into_iter().flatten();
    let of = |frame: &Frame| {
        let head = bytes.get(frame.image.clone()).unwrap_or_default();
        let side = |at: usize| match head.get(at..at + 2) {
            Some(&[low, high]) => u64::from(u16::from_le_bytes([low, high])),
            _ => 0,
        };
        let whole = if head.get(9).is_some_and(|flags| flags & 0x40 != 0) { side(7) } else { 1 };
        side(5) * whole
    };
    Ok(all.map(of).max().unwrap_or(0) + 8 * 65_536)
}

pub(super) fn decode(bytes: &[u8], lines: &mut Lines) -> Result<(), BadPicture> {
    let frames = frames(bytes)?;
    if let Some(cut) = &frames.cut {
        decode_frame(bytes, frames.head, cut, &mut |_| {})?;
    }
    decode_frame(bytes, frames.head, &frames.first, lines)
}

/// Walks over the blocks (appendix A). After the first frame, unreadable data is the end of the
/// picture.
fn frames(bytes: &[u8]) -> Result<Frames, BadPicture> {
    let head = 13 + colours(take(bytes, 10, 1)?[0]);
    let (mut first, mut cut) = (None, None);
    let (mut at, mut control) = (head, 0..0);
    while let Some(&kind) = bytes.get(at) {
        match kind {
            0x2c => {
                let flags = bytes.get(at + 9).copied().unwrap_or(0);
                let end = blocks_end(bytes, at + 10 + colours(flags) + 1);
                let image = at..end.unwrap_or(bytes.len());
                let frame = Frame { control: std::mem::take(&mut control), image };
                first.get_or_insert_with(|| frame.clone());
                match end {
                    Some(end) => at = end,
                    None => {
                        cut = Some(frame);
                        break;
                    }
                }
            }
            0x21 => {
                let Some(end) = blocks_end(bytes, at + 2) else { break };
                if bytes.get(at + 1) == Some(&0xf9) {
                    control = at..end;
                }
                at = end;
            }
            _ => break,
        }
    }
    let first = first.ok_or(BadPicture::Cut)?;
    Ok(Frames { head, first, cut })
}

/// The bytes of the colour table that the flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn blocks_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return (at <= bytes.len()).then_some(at);
        }
    }
}

fn decode_frame(
    bytes: &[u8],
    head: usize,
    frame: &Frame,
    lines: &mut Lines,
) -> Result<(), BadPicture> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    let part = |range: Range<usize>| bytes.get(range).ok_or(BadPicture::Cut);
    // Only this frame, so that comments and packets take no memory.
    let only = part(0..head)?.chain(part(frame.control.clone())?).chain(part(frame.image.clone())?);
    let mut decoder = options.read_info(only).map_err(BadPicture::broken)?;
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let info = decoder.next_frame_info().map_err(BadPicture::broken)?.ok_or(BadPicture::Cut)?;
    let (left, top) = (usize::from(info.left), usize::from(info.top));
    let (across, down) = (usize::from(info.width), usize::from(info.height));
    let (interlaced, transparent) = (info.interlaced, info.transparent.map(usize::from));
    let palette = decoder.palette().map_err(BadPicture::broken)?.to_vec();
    let visible = down.min(height.saturating_sub(top));

    let mut line = vec![0; across];
    let mut rgb = vec![0; 3 * width];
    let mut paint = |line: &[u8], lines: &mut Lines| {
        rgb.fill(0);
        for (pixel, &index) in rgb.chunks_exact_mut(3).skip(left).zip(line) {
            let index = usize::from(index);
            if let Some(colour) = palette.get(3 * index..3 * index + 3)
                && Some(index) != transparent
            {
                pixel.copy_from_slice(colour);
            }
        }
        lines(&rgb);
    };
    (0..top.min(height)).for_each(|_| paint(&[], lines));
    let mut came = 0;
    if interlaced {
        let mut whole = vec![0; across * down];
        for y in passes(down) {
            if !decoder.fill_buffer(&mut line).unwrap_or(false) {
                break;
            }
            whole[y * across..(y + 1) * across].copy_from_slice(&line);
            came += 1;
        }
        came = visible.saturating_sub(down - came);
        whole.chunks_exact(across.max(1)).take(visible).for_each(|line| paint(line, lines));
    } else {
        while came < visible && decoder.fill_buffer(&mut line).unwrap_or(false) {
            paint(&line, lines);
            came += 1;
        }
        (came..visible).for_each(|_| paint(&[], lines));
    }
    (top + visible..height).for_each(|_| paint(&[], lines));
    let missing = (visible - came) as u64 * across as u64;
    if across == 0 || !is_whole((across as u64, down as u64), missing) {
        return Err(BadPicture::Cut);
    }
    Ok(())
}

/// The order in which the lines of an interlaced frame come (appendix E).
fn passes(height: usize) -> impl Iterator<Item = usize> {
    let pass = move |(from, step): (usize, usize)| (from..height).step_by(step);
    [(0, 8), (4, 8), (2, 4), (1, 2)].into_iter().flat_map(pass)
}
