//! The structure of a PNG (W3C PNG 3, sections 5 and 11): chunks of length, type, data and CRC.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::read::ZlibDecoder;

use super::{BadPicture, Layout, take, tiff_in};

pub(in crate::photos::picture) const SIGNATURE: usize = 8;

/// The most texts, and the most bytes of a decompressed one.
pub(in crate::photos::picture) const TEXTS: usize = 32;
const UNPACKED: u64 = 1 << 20;

pub(super) fn layout(bytes: &[u8]) -> Result<Layout, BadPicture> {
    let mut layout = Layout { frames: 1, ..Layout::default() };
    let mut has_picture = false;
    match walk(bytes, &mut layout, &mut has_picture) {
        // What follows the picture's data is dispensable; decoding shows whether that is all.
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
            b"eXIf" => layout.add_exif(tiff_in(bytes, range.clone())),
            b"iTXt" | b"zTXt" | b"tEXt" if layout.texts.len() < TEXTS => {
                layout.texts.push(start - 4..range.end);
            }
            b"tIME" => layout.changed = range,
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

/// The texts of chunks, which include their types: keywords and content. Compressed texts are
/// unpacked as far as useful.
pub(in crate::photos::picture) fn texts<'a>(
    bytes: &'a [u8],
    chunks: &'a [Range<usize>],
) -> impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)> {
    chunks.iter().take(TEXTS).filter_map(|range| text(bytes.get(range.clone())?))
}

/// Sections 11.3.3.2 to 11.3.3.4.
fn text(chunk: &[u8]) -> Option<(&[u8], Cow<'_, [u8]>)> {
    let (kind, data) = chunk.split_at_checked(4)?;
    let end = memchr::memchr(0, data)?;
    let (keyword, rest) = (&data[..end], &data[end + 1..]);
    let (packed, rest) = match kind {
        b"tEXt" => (false, rest),
        b"zTXt" => (true, rest.get(1..)?),
        _ => {
            let packed = *rest.first()? == 1;
            // A language, and the keyword in that language.
            let language = rest.get(2..)?;
            let translated = &language[memchr::memchr(0, language)? + 1..];
            (packed, &translated[memchr::memchr(0, translated)? + 1..])
        }
    };
    if !packed {
        return Some((keyword, rest.into()));
    }
    let mut text = Vec::new();
    // A text that breaks off may be good up to there.
    let _ = ZlibDecoder::new(rest).take(UNPACKED).read_to_end(&mut text);
    Some((keyword, text.into()))
}

/// ImageMagick uses such a name for data without a chunk type of its own.
pub(in crate::photos::picture) fn is_raw_profile(keyword: &[u8]) -> bool {
    [&b"exif"[..], b"APP1", b"xmp"]
        .iter()
        .any(|kind| keyword.strip_prefix(b"Raw profile type ") == Some(kind))
}

/// A raw profile's bytes: its text has a name, a length, and hex digits.
pub(in crate::photos::picture) fn raw_profile(text: &[u8]) -> Vec<u8> {
    let text = text.trim_ascii_start();
    let mut lines = text.splitn(3, |&byte| byte == b'\n');
    let hex = lines.nth(2).unwrap_or_default();
    let digits = hex.iter().filter_map(|&digit| char::from(digit).to_digit(16));
    let digits: Vec<u8> = digits.filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A chunk with its CRC.
pub(in crate::photos::picture) fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(0).to_be_bytes();
    let sealed = [kind, data].concat();
    [&length[..], &sealed, &crc32fast::hash(&sealed).to_be_bytes()].concat()
}
