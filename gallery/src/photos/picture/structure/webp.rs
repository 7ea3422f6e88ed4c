//! The structure of a WebP (RFC 9649): chunks of type, length and data in a RIFF.

use super::{BadPicture, Layout, take, tiff_in};

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let mut layout = Layout::default();
    let end = 8usize.saturating_add(length(take(bytes, 4, 4)?));
    layout.is_cut = end > bytes.len();
    let end = end.min(bytes.len());
    let riff = &bytes[..end];
    layout.end = end;
    let mut at = 12;
    // The last padding byte may be missing.
    while at + 1 < end {
        // What follows the picture is dispensable.
        let has_picture = layout.frames > 0;
        let chunk = || {
            let head = take(riff, at, 8)?;
            let length = length(&head[4..8]);
            Ok((head, length, take(riff, at + 8, length)?))
        };
        let (head, length, data) = match chunk() {
            Ok(chunk) => chunk,
            Err(BadPicture::Cut) if has_picture => {
                layout.is_cut = true;
                break;
            }
            Err(error) => return Err(error),
        };
        let start = at + 8;
        let range = start..start + length;
        match &head[..4] {
            b"VP8X" if at == 12 => extended(&mut layout, data)?,
            b"VP8 " => {
                layout.frames += 1;
                size(&mut layout, lossy(data)?);
            }
            b"VP8L" => {
                layout.frames += 1;
                size(&mut layout, lossless(data)?);
            }
            b"ANMF" => layout.frames += 1,
            b"EXIF" => layout.add_exif(tiff_in(bytes, range)),
            b"XMP " => layout.add_xmp(range),
            _ => {}
        }
        at = start + length + length % 2;
    }
    if layout.frames == 0 {
        return Err(BadPicture::broken("it has no picture in it"));
    }
    Ok(layout)
}

pub(in crate::photos::picture) fn length(field: &[u8]) -> usize {
    let field = field.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
    usize::try_from(field).unwrap_or(usize::MAX)
}

/// The first size is that of the canvas.
fn size(layout: &mut Layout, (width, height): (u32, u32)) {
    if layout.width == 0 {
        (layout.width, layout.height) = (width, height);
    }
}

fn extended(layout: &mut Layout, data: &[u8]) -> Result<(), BadPicture> {
    let &[_, _, _, _, w0, w1, w2, h0, h1, h2] = data else {
        return Err(BadPicture::broken("its header is not 10 bytes long"));
    };
    let width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
    let height = u32::from_le_bytes([h0, h1, h2, 0]) + 1;
    size(layout, (width, height));
    Ok(())
}

/// A key frame of VP8 (RFC 6386, 9.1).
fn lossy(data: &[u8]) -> Result<(u32, u32), BadPicture> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = data else {
        return Err(BadPicture::broken("it does not begin with a key frame"));
    };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok((side(w0, w1), side(h0, h1)))
}

/// RFC 9649, 3.4: a signature, and twice 14 bits.
fn lossless(data: &[u8]) -> Result<(u32, u32), BadPicture> {
    let &[0x2f, b0, b1, b2, b3, ..] = data else {
        return Err(BadPicture::broken("its lossless data has no signature"));
    };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    Ok(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}
