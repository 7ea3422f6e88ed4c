//! The structure of a GIF (GIF89a specification, sections 15 to 27).

use super::{BadPicture, Layout, take};

/// A header and the logical screen descriptor.
pub(in crate::photos::picture) const HEAD: usize = 13;

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let screen = take(bytes, 6, 7)?;
    let mut layout = Layout {
        width: u32::from(u16::from_le_bytes([screen[0], screen[1]])),
        height: u32::from(u16::from_le_bytes([screen[2], screen[3]])),
        ..Layout::default()
    };
    let at = HEAD + colours(screen[4]);
    match walk(bytes, &mut layout, at) {
        // Browsers show the frames that are there; decoding tells whether the last is whole.
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
                // The name is a block of 11 bytes; the packet is outside it.
                if bytes[data.clone()].starts_with(b"\x0bXMP DataXMP") {
                    layout.add_xmp(data.start + 12..data.end);
                }
            }
            0x3b => break,
            // Browsers treat it as the end of the picture.
            _ if layout.frames > 0 => break,
            _ => return Err(BadPicture::broken("it has a block of an unknown kind")),
        }
    }
    layout.end = at;
    Ok(())
}

/// The bytes of the colour table that the flags announce.
pub(in crate::photos::picture) fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The end of a run of data blocks: each begins with its length, 0 is the end.
pub(in crate::photos::picture) fn blocks_end(
    bytes: &[u8],
    mut at: usize,
) -> Result<usize, BadPicture> {
    loop {
        let length = usize::from(take(bytes, at, 1)?[0]);
        at += 1 + length;
        if length == 0 {
            return Ok(at);
        }
    }
}
