//! The structure of a whole JPEG (ITU-T T.81, annex B), scans included.

use wire::jpeg::{EOI, SOI, SOS};

use super::{BadPicture, Layout, take};

const APP1: u8 = 0xe1;
pub(in crate::photos::picture) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// XMP that does not fit into one segment (XMP specification part 3, 1.1.3.1).
pub(in crate::photos::picture) const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let mut layout = Layout { frames: 1, ..Layout::default() };
    let mut scans = 0;
    match walk(bytes, &mut layout, &mut scans) {
        // What follows the first scan may be dispensable; decoding shows that.
        Err(BadPicture::Cut) if scans > 0 => (layout.end, layout.is_cut) = (bytes.len(), true),
        walked => walked?,
    }
    if layout.width == 0 || scans == 0 {
        return Err(BadPicture::broken("it has no picture in it"));
    }
    Ok(layout)
}

fn walk(bytes: &[u8], layout: &mut Layout, scans: &mut usize) -> Result<(), BadPicture> {
    // After a scan, segments follow again, up to the end of the image.
    let mut at = 2;
    loop {
        at = next_marker(bytes, at)? + 2;
        let marker = bytes[at - 1];
        match marker {
            EOI => break,
            // A marker without data and meaning.
            0x01 => continue,
            SOI => return Err(BadPicture::broken("another picture begins within it")),
            _ => {}
        }
        let length = take(bytes, at, 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let data = take(bytes, at, length)?.get(2..);
        let data =
            data.ok_or_else(|| BadPicture::broken("a segment is shorter than its length"))?;
        let start = at + 2;
        at += length;
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                frame(layout, data)?;
            }
            APP1 if data.starts_with(b"Exif\0\0") => layout.add_exif(start + 6..at),
            APP1 if data.starts_with(XMP) => layout.add_xmp(start + XMP.len()..at),
            // A digest of 32 characters, the total length and the offset precede the text.
            APP1 if data.starts_with(MORE_XMP) && data.len() > MORE_XMP.len() + 40 => {
                layout.add_xmp(start + MORE_XMP.len() + 40..at);
            }
            SOS => *scans += 1,
            _ => {}
        }
    }
    layout.end = at;
    Ok(())
}

/// Takes the frame header's values (B.2.2).
fn frame(layout: &mut Layout, data: &[u8]) -> Result<(), BadPicture> {
    let &[_, h1, h0, w1, w0, ..] = data else {
        return Err(BadPicture::broken("its frame header is too short"));
    };
    if layout.width != 0 {
        return Err(BadPicture::broken("it has two frame headers"));
    }
    layout.width = u32::from(u16::from_be_bytes([w1, w0]));
    layout.height = u32::from(u16::from_be_bytes([h1, h0]));
    Ok(())
}

/// The position of the next marker, except restart markers. In a scan's data FF is followed by 00
/// (B.1.1.5). Elsewhere nothing should be between segments, but some cameras put bytes there, which
/// all viewers skip.
fn next_marker(bytes: &[u8], mut at: usize) -> Result<usize, BadPicture> {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().position(|&b| b == 0xff).ok_or(BadPicture::Cut)?;
        match take(bytes, at, 2)?[1] {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Ok(at),
        }
    }
}
