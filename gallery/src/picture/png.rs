//! The structure of a PNG (W3C PNG 3, sections 5 and 11): chunks of length, type, data and CRC.

use std::ops::Range;

use super::{BadPicture, Layout, take, tiff};

const SIGNATURE: usize = 8;

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let mut layout = Layout { frames: 1, ..Layout::default() };
    let mut has_picture = false;
    match walk(bytes, &mut layout, &mut has_picture) {
        // What is behind the picture's data is dispensable; decoding shows whether that is all.
        Err(BadPicture::Cut) if has_picture => (layout.end, layout.is_cut) = (bytes.len(), true),
        walked => walked?,
    }
    Ok(layout)
}

fn walk(bytes: &[u8], layout: &mut Layout, has_picture: &mut bool) -> Result<(), BadPicture> {
    let mut at = SIGNATURE;
    loop {
        let head = take(bytes, at, 8)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let length = usize::try_from(length).map_err(|_| BadPicture::Cut)?;
        let start = at + 8;
        *has_picture |= &head[4..8] == b"IDAT";
        let data = take(bytes, start, length)?;
        take(bytes, start + length, 4)?;
        let range = start..start + length;
        match &head[4..8] {
            b"IHDR" if at == SIGNATURE => header(layout, data)?,
            _ if at == SIGNATURE => return Err(BadPicture::broken("it has no header")),
            b"acTL" => layout.frames = frames(data)?,
            b"eXIf" => layout.exif.push(tiff(bytes, range.clone())),
            b"iTXt" | b"zTXt" | b"tEXt" => text(layout, data, range.clone()),
            _ => {}
        }
        at = start + length + 4;
        if &head[4..8] == b"IEND" {
            layout.end = at;
            return Ok(());
        }
    }
}

fn header(layout: &mut Layout, data: &[u8]) -> Result<(), BadPicture> {
    let &[w3, w2, w1, w0, h3, h2, h1, h0, _, _, _, _, _] = data else {
        return Err(BadPicture::broken("its header is not 13 bytes long"));
    };
    layout.width = u32::from_be_bytes([w3, w2, w1, w0]);
    layout.height = u32::from_be_bytes([h3, h2, h1, h0]);
    Ok(())
}

fn frames(data: &[u8]) -> Result<usize, BadPicture> {
    let &[n3, n2, n1, n0, ..] = data else {
        return Err(BadPicture::broken("its animation header is too short"));
    };
    Ok(usize::try_from(u32::from_be_bytes([n3, n2, n1, n0])).unwrap_or(usize::MAX))
}

/// XMP is in an `iTXt` of its own name (XMP specification part 3, 1.1.5); ImageMagick writes what
/// it has no chunk for as hex digits, compressed or not.
fn text(layout: &mut Layout, data: &[u8], range: Range<usize>) {
    let keyword = data.split(|&b| b == 0).next().unwrap_or_default();
    // After the keyword: NUL, and 1 if the text is compressed.
    let compressed = data.get(keyword.len() + 1) != Some(&0);
    match keyword {
        b"XML:com.adobe.xmp" if compressed => layout.packed.push(range),
        b"XML:com.adobe.xmp" => layout.xmp.push(range),
        _ if keyword.starts_with(b"Raw profile type ") && !keyword.ends_with(b"icc") => {
            layout.packed.push(range);
        }
        _ => {}
    }
}

/// Makes a chunk one that nobody reads: private, ancillary, and empty of meaning.
pub(super) fn blank(bytes: &mut [u8], data: Range<usize>) {
    bytes[data.start - 4..data.start].copy_from_slice(b"paDd");
    bytes[data.clone()].fill(0);
    seal(bytes, data);
}

/// Corrects the CRC after a change of EXIF data.
pub(super) fn seal_exif(bytes: &mut [u8], tiff: Range<usize>) {
    let prefix = if bytes[..tiff.start].ends_with(b"eXIfExif\0\0") { 6 } else { 0 };
    seal(bytes, tiff.start - prefix..tiff.end);
}

fn seal(bytes: &mut [u8], data: Range<usize>) {
    let crc = crc32fast::hash(&bytes[data.start - 4..data.end]);
    bytes[data.end..data.end + 4].copy_from_slice(&crc.to_be_bytes());
}
