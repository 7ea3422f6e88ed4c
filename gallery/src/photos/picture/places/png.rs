//! What is kept of a PNG (W3C PNG 3, section 11): the chunks that draw it and say how to show it,
//! when it was last changed, and the texts on who made it, when, and with what.

use std::ops::Range;

use super::{Changes, exif, xmp};
use crate::photos::picture::metadata::parse_date;
use crate::photos::picture::metadata::xmp::plain;
use crate::photos::picture::structure::{
    SIGNATURE, TEXTS, chunk, is_raw_profile, raw_profile, texts,
};

const KEPT: &[&[u8; 4]] = &[
    // The picture, and its animation.
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT",
    // Its colours.
    b"cHRM", b"cICP", b"gAMA", b"iCCP", b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"sBIT", b"sRGB",
    b"bKGD", b"hIST", b"pHYs", b"tIME",
];

/// The texts that are kept if uncompressed, and the most bytes of one.
const WORDS: &[&[u8]] = &[b"Author", b"Copyright", b"Software"];
const WORD: usize = 1024;

const XMP: &[u8] = b"XML:com.adobe.xmp";
const EXIF: &[u8] = b"Exif\0\0";

/// What may exist only once.
#[derive(Debug, Default)]
struct Has {
    exif: bool,
    xmp: bool,
    texts: usize,
}

pub(super) fn clean(bytes: &[u8], changes: &mut Changes) {
    // ImageMagick's EXIF text becomes this chunk, if there is none.
    let mut has = Has { exif: chunks(bytes).any(|(kind, _)| kind == b"eXIf"), ..Has::default() };
    let mut is_first = true;
    let mut end = SIGNATURE;
    for (kind, whole) in chunks(bytes) {
        end = whole.end;
        let data = whole.start + 8..whole.end - 4;
        let kept = match kind {
            _ if KEPT.iter().any(|kept| *kept == kind) => continue,
            b"eXIf" if is_first => {
                is_first = false;
                let data = &bytes[data];
                let tiff = data.strip_prefix(EXIF).unwrap_or(data);
                exif::clean(tiff, None).map(|tiff| chunk(b"eXIf", &tiff))
            }
            b"tEXt" | b"zTXt" | b"iTXt" => text(bytes, whole.start + 4..data.end, &mut has),
            _ => None,
        };
        match kept {
            Some(kept) => changes.replace(bytes, whole, kept),
            None => changes.remove(whole),
        }
    }
    // The picture's last bytes are missing: the existing part of the last chunk.
    let rest = bytes.get(end..).unwrap_or_default();
    let is_cut = !bytes[..end].ends_with(b"IEND\xae\x42\x60\x82");
    if !(is_cut && matches!(rest.get(4..8), Some(b"IDAT" | b"fdAT" | b"IEND"))) {
        changes.remove(end..bytes.len());
    }
}

/// The whole chunks and their types, up to the end of the picture.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let mut at = SIGNATURE;
    std::iter::from_fn(move || {
        let length = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        let end = at.checked_add(length)?.checked_add(12).filter(|&end| end <= bytes.len())?;
        let chunk = (&bytes[at + 4..at + 8], at..end);
        at = if chunk.0 == b"IEND" { usize::MAX } else { end };
        Some(chunk)
    })
}

/// The kept part of a text, as a whole chunk. The text includes its type.
fn text(bytes: &[u8], range: Range<usize>, has: &mut Has) -> Option<Vec<u8>> {
    has.texts += 1;
    if has.texts > TEXTS {
        return None;
    }
    let typed = &bytes[range.clone()];
    let ranges = [range];
    let (keyword, text) = texts(bytes, &ranges).next()?;
    let mut packet = |text: &[u8]| {
        let packet = xmp::clean(&plain([text]), None).filter(|_| !has.xmp)?;
        has.xmp = true;
        // Uncompressed, without a language.
        Some(chunk(b"iTXt", &[XMP, &[0; 5], &packet].concat()))
    };
    match keyword {
        b"Creation Time" => {
            let when = parse_date(&text)?.to_string();
            Some(chunk(b"tEXt", &[keyword, b"\0", when.as_bytes()].concat()))
        }
        XMP => packet(&text),
        _ if WORDS.contains(&keyword) && typed.starts_with(b"tEXt") && typed.len() <= WORD => {
            Some(chunk(b"tEXt", &typed[4..]))
        }
        _ if is_raw_profile(keyword) => {
            let profile = raw_profile(&text);
            let Some(tiff) = profile.strip_prefix(EXIF).or_else(|| {
                (profile.starts_with(b"II") || profile.starts_with(b"MM")).then_some(&profile[..])
            }) else {
                return packet(&profile);
            };
            // No viewer turns a picture by a text, so the new chunk must not either.
            let tiff = exif::clean(tiff, Some(exif::ORIENTATION)).filter(|_| !has.exif)?;
            has.exif = true;
            Some(chunk(b"eXIf", &tiff))
        }
        _ => None,
    }
}
