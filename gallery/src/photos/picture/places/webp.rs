//! What is kept of a WebP (RFC 9649): the chunks that draw it, its colour profile, and the kept
//! parts of EXIF and XMP.

use std::ops::Range;

use super::{Changes, exif, xmp};
use crate::photos::picture::metadata::xmp::text;
use crate::photos::picture::structure::length;

/// Flags of the header: which metadata the file has.
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

pub(super) fn clean(bytes: &[u8], changes: &mut Changes) {
    let field = |at: usize| bytes.get(at..at + 4).map_or(0, length);
    let end = field(4).saturating_add(8).min(bytes.len());
    let (mut size, mut flags, mut header) = (end, 0, None);
    // Removes what is not kept, and writes the kept part in its place.
    let mut put = |changes: &mut Changes, whole: Range<usize>, kept: Option<Vec<u8>>| {
        size = size + kept.as_ref().map_or(0, Vec::len) - whole.len();
        match kept {
            Some(kept) => changes.replace(bytes, whole, kept),
            None => changes.remove(whole),
        }
    };
    let mut last = 12.min(end);
    for (kind, whole) in chunks(bytes, 12..end) {
        let whole_end = whole.end;
        let data = whole.start + 8..(whole.start + 8 + field(whole.start + 4)).min(whole.end);
        match kind {
            b"VP8X" if header.is_none() => header = Some(data.start),
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ICCP" => {}
            b"ANMF" => frame(bytes, data, changes),
            b"EXIF" if flags & EXIF == 0 => {
                let data = &bytes[data];
                let prefix = if data.starts_with(b"Exif\0\0") { 6 } else { 0 };
                let kept = exif::clean(&data[prefix..], None).map(|tiff| chunk(b"EXIF", &tiff));
                flags |= if kept.is_some() { EXIF } else { 0 };
                put(changes, whole, kept);
            }
            b"XMP " if flags & XMP == 0 => {
                let packet = xmp::clean(&text(bytes, &[data]), None);
                let kept = packet.map(|packet| chunk(b"XMP ", &packet));
                flags |= if kept.is_some() { XMP } else { 0 };
                put(changes, whole, kept);
            }
            _ => put(changes, whole, None),
        }
        last = whole_end;
    }
    // The picture's last bytes are missing: the existing part of the last chunk.
    put(changes, last..end, None);
    if let Some(&old) = header.and_then(|at| bytes.get(at)) {
        let at = header.unwrap_or_default();
        changes.replace(bytes, at..at + 1, vec![old & !(EXIF | XMP) | flags]);
    }
    let size = u32::try_from(size - 8).unwrap_or(u32::MAX).to_le_bytes();
    changes.replace(bytes, 4..8, size.to_vec());
    changes.remove(end..bytes.len());
}

/// A frame keeps its length: unneeded parts become zeros of an unknown type.
fn frame(bytes: &[u8], data: Range<usize>, changes: &mut Changes) {
    let mut end = (data.start + 16).min(data.end);
    for (kind, whole) in chunks(bytes, end..data.end) {
        end = whole.end;
        if !matches!(kind, b"VP8 " | b"VP8L" | b"ALPH") {
            let is_zero = |range: &Range<usize>| bytes[range.clone()].iter().all(|&byte| byte == 0);
            let inner = whole.start + 8..whole.end;
            if !is_zero(&inner) {
                changes.zero(inner);
            }
            changes.replace(bytes, whole.start..whole.start + 4, b"none".to_vec());
        }
    }
    if bytes[end..data.end].iter().any(|&byte| byte != 0) {
        changes.zero(end..data.end);
    }
}

/// The whole chunks in a range, with their types. The last padding byte may be missing.
fn chunks(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let head = bytes.get(at..at.checked_add(8)?).filter(|_| at + 8 <= range.end)?;
        let length = length(&head[4..8]);
        let end = (at + 8).checked_add(length).filter(|&end| end <= range.end)?;
        let end = (end + length % 2).min(range.end);
        let whole = at..end;
        at = end;
        Some((&head[..4], whole))
    })
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(0).to_le_bytes();
    [kind, &length[..], data, &[0][..data.len() % 2]].concat()
}
