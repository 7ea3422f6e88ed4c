//! The structure of a GIF (GIF89a specification, sections 15 to 27).

use std::ops::Range;

use super::{BadPicture, Layout, take};

/// A header and the logical screen descriptor.
const HEAD: usize = 13;

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let screen = take(bytes, 6, 7)?;
    let mut layout = Layout {
        width: u32::from(u16::from_le_bytes([screen[0], screen[1]])),
        height: u32::from(u16::from_le_bytes([screen[2], screen[3]])),
        ..Layout::default()
    };
    let at = HEAD + colours(screen[4]);
    match walk(bytes, &mut layout, at) {
        // The frames that are there are shown; decoding tells whether the last of them is whole.
        Err(BadPicture::Cut) if layout.frames > 0 => {
            (layout.end, layout.is_cut) = (bytes.len(), true);
        }
        walked => walked?,
    }
    if layout.frames == 0 {
        return Err(BadPicture::broken("it has no picture in it"));
    }
    Ok(layout)
}

fn walk(bytes: &[u8], layout: &mut Layout, mut at: usize) -> Result<(), BadPicture> {
    loop {
        let kind = take(bytes, at, 1)?[0];
        at += 1;
        match kind {
            // An image: its descriptor, the least code size, and its data.
            0x2c => {
                layout.frames += 1;
                at += 9 + colours(take(bytes, at, 9)?[8]) + 1;
                at = blocks_end(bytes, at)?;
            }
            // An extension: its label and its data.
            0x21 => {
                let data = at + 1..blocks_end(bytes, at + 1)?;
                at = data.end;
                // The name is a block of 11 bytes, of which the packet is not a part.
                if bytes[data.clone()].starts_with(b"\x0bXMP DataXMP") {
                    layout.xmp.push(data.start + 12..data.end);
                }
            }
            0x3b => break,
            // Browsers take it for the end of the picture.
            _ if layout.frames > 0 => break,
            _ => return Err(BadPicture::broken("it has a block of an unknown kind")),
        }
    }
    layout.end = at;
    Ok(())
}

/// The bytes of the colour table that the flags tell of.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Where the block after a run of data blocks stands: each begins with its length, 0 is the end.
fn blocks_end(bytes: &[u8], mut at: usize) -> Result<usize, BadPicture> {
    loop {
        let length = usize::from(take(bytes, at, 1)?[0]);
        at += 1 + length;
        if length == 0 {
            return Ok(at);
        }
    }
}

/// Fills a run of data blocks with zeros, in blocks of its own, since the bytes of an XMP packet
/// are not in blocks but only look so.
pub(super) fn blank(bytes: &mut [u8], blocks: Range<usize>) {
    let blocks = &mut bytes[blocks];
    blocks.fill(0);
    // The last byte ends the run.
    let (mut at, end) = (0, blocks.len().saturating_sub(1));
    while at + 1 < end {
        let mut length = (end - at - 1).min(255);
        // A block has a byte at least.
        if end - at - 1 - length == 1 {
            length -= 1;
        }
        blocks[at] = u8::try_from(length).unwrap_or(u8::MAX);
        at += 1 + length;
    }
}
