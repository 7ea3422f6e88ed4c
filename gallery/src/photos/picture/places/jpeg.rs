//! What is kept of a JPEG (ITU-T T.81, annex B): the segments that its decoder reads, JFIF's head,
//! the colour profile, Adobe's segment about colours, our own stamp, and the kept parts of EXIF,
//! XMP and a film behind it. Further pictures behind it (MPO, gain maps) are not needed to draw it.

use std::ops::Range;

use wire::Stamp;
use wire::jpeg::{COM, EOI, SOI, SOS};

use super::{Changes, exif, film, xmp};
use crate::photos::picture::metadata::xmp::{PARTS, text};
use crate::photos::picture::structure::{MORE_XMP, XMP};

const APP1: u8 = 0xe1;
const EXIF: &[u8] = b"Exif\0\0";
/// JFIF's version, units and densities, without its preview (JFIF 1.02).
const JFIF: usize = 12;
/// Its name, its version, two flags and the transform (T.872, 6.5.3).
const ADOBE: usize = 12;
/// TEM, which has no length.
const ALONE: u8 = 1;

pub(super) fn clean(bytes: &[u8], changes: &mut Changes) {
    let mut at = 2;
    // Behind the leading segments: the place for a new XMP segment.
    let mut head = 2;
    let (mut has_exif, mut packets, mut parts) = (false, Vec::new(), Vec::new());
    let mut is_in_scan = false;
    let stamp = Stamp::find(bytes).map(|stamp| stamp.to_string().into_bytes());
    let end = loop {
        let marker_at = next_marker(bytes, at);
        // Between segments, only the data of scans is needed.
        if !is_in_scan {
            changes.remove(at..marker_at.unwrap_or(bytes.len()));
        }
        let Some(marker_at) = marker_at else { break bytes.len() };
        let marker = bytes[marker_at + 1];
        match marker {
            EOI => break marker_at + 2,
            // Another picture.
            SOI => break marker_at,
            _ => {}
        }
        let length = match bytes.get(marker_at + 2..marker_at + 4) {
            Some(&[high, low]) if marker != ALONE => usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        at = (marker_at + 2 + length).min(bytes.len());
        let segment = marker_at..at;
        let data = bytes.get(marker_at + 4..at).unwrap_or_default();
        match marker {
            0xe0 if data.starts_with(b"JFIF\0") && data.len() >= JFIF => {
                let jfif = self::segment(marker, &[&data[..JFIF], &[0, 0]]);
                changes.replace(bytes, segment, jfif);
                head = at;
            }
            APP1 if data.starts_with(EXIF) && !has_exif => {
                has_exif = true;
                match exif::clean(&data[EXIF.len()..], None) {
                    Some(tiff) => {
                        let kept = self::segment(marker, &[EXIF, &tiff]);
                        changes.replace(bytes, segment, kept);
                    }
                    None => changes.remove(segment),
                }
                head = at;
            }
            APP1 if packets.len() == PARTS => changes.remove(segment),
            APP1 if data.starts_with(XMP) => {
                parts.push(marker_at + 4 + XMP.len()..at);
                packets.push(segment);
            }
            APP1 if data.starts_with(MORE_XMP) && data.len() > MORE_XMP.len() + 40 => {
                parts.push(marker_at + 4 + MORE_XMP.len() + 40..at);
                packets.push(segment);
            }
            0xe2 if data.starts_with(b"ICC_PROFILE\0") => {}
            0xee if data.starts_with(b"Adobe") && data.len() >= ADOBE => {
                changes.replace(bytes, segment, self::segment(marker, &[&data[..ADOBE]]));
            }
            COM if stamp.as_deref() == Some(data) => {}
            0xc0..=0xcf | 0xda..=0xdf => {}
            _ => changes.remove(segment),
        }
        is_in_scan = marker == SOS;
    };
    let film = film::clean(bytes, end, changes);
    let packet = xmp::clean(&text(bytes, &parts), film.map(|length| xmp::Film { length }));
    place(bytes, changes, packet, packets, head);
}

/// Puts the packet in the place of the first one.
fn place(
    bytes: &[u8],
    changes: &mut Changes,
    packet: Option<Vec<u8>>,
    packets: Vec<Range<usize>>,
    head: usize,
) {
    let mut packet = packet.map(|packet| segment(APP1, &[XMP, &packet]));
    for range in packets {
        match packet.take() {
            Some(packet) => changes.replace(bytes, range, packet),
            None => changes.remove(range),
        }
    }
    if let Some(packet) = packet {
        changes.insert(head, packet);
    }
}

/// A segment; its content is shorter than that of the original one.
fn segment(marker: u8, data: &[&[u8]]) -> Vec<u8> {
    let length = 2 + data.iter().map(|part| part.len()).sum::<usize>();
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [&[0xff, marker], &length[..], &data.concat()].concat()
}

/// Finds markers like `structure::jpeg`: restart markers and FF 00 are data.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}
