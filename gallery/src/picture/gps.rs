//! Takes out of a picture where it was taken, without touching a pixel.
//!
//! Each change is made in place, so that no length and no offset in the file changes: neither
//! those of EXIF nor those by which a phone finds what it hides behind the picture. What a camera's
//! maker writes in its own format (`MakerNote`) stays, since nobody else can read it.

use std::ops::Range;

use wire::MediaType;

use super::{BadPicture, Layout, gif, layout, png};

/// The GPS directory's pointer (Exif 2.32, 4.6.3), and that of the Exif directory, in which it
/// has been found too.
const GPS: u16 = 0x8825;
const EXIF: u16 = 0x8769;

/// Directories, and entries of the GPS directory, that are looked at; 32 are defined.
const DIRECTORIES: usize = 8;
const ENTRIES: usize = 256;

/// EXIF data that is looked for behind the picture.
const HIDDEN: usize = 64;

/// Removes the place from EXIF and XMP, and from what phones append to a picture (further
/// pictures, a short film). Tells whether there was any.
///
/// # Errors
/// [`BadPicture`] if the structure cannot be read.
pub(crate) fn without_gps(media: MediaType, bytes: &mut [u8]) -> Result<bool, BadPicture> {
    let layout = layout(media, bytes)?;
    let mut found = false;
    for range in &layout.exif {
        if strip(&mut bytes[range.clone()]) {
            found = true;
            if media == MediaType::Png {
                png::seal_exif(bytes, range.clone());
            }
        }
    }
    let mut remove = layout.packed.clone();
    if tells_a_place(bytes, &layout) {
        remove.extend(layout.xmp.iter().cloned());
    }
    for range in remove {
        found = true;
        match media {
            MediaType::Png => png::blank(bytes, range),
            MediaType::Gif => gif::blank(bytes, range),
            // Blanks are what an XMP packet is padded with.
            MediaType::Jpeg | MediaType::WebP => bytes[range].fill(b' '),
        }
    }
    Ok(strip_behind(&mut bytes[layout.end..]) || found)
}

/// Whether the XMP of a picture has GPS data. A packet in several parts is read as one; one in
/// UTF-16 is ASCII with NULs between.
fn tells_a_place(bytes: &[u8], layout: &Layout) -> bool {
    let all = layout.xmp.iter().flat_map(|range| &bytes[range.clone()]);
    let text: Vec<u8> = all.filter(|&&b| b != 0).map(u8::to_ascii_lowercase).collect();
    [&b"gps"[..], b"latitude"].iter().any(|word| find(&text, word, 0).is_some())
}

/// Films say where they were taken in an atom `©xyz` (QuickTime file format, user data), pictures
/// behind the picture as it does.
fn strip_behind(rest: &mut [u8]) -> bool {
    let mut found = false;
    let mut at = 0;
    for _ in 0..HIDDEN {
        let Some(start) = find(rest, b"Exif\0\0", at) else { break };
        at = start + 6;
        let end = rest.len().min(at + 0xffff);
        found |= strip(&mut rest[at..end]);
    }
    at = 0;
    while let Some(start) = find(rest, b"\xa9xyz", at) {
        at = start + 4;
        // "+40.4168-003.7038/" after a length and a language.
        let text = rest[at..].iter_mut().skip(4).take(64);
        text.take_while(|b| matches!(b, b'+' | b'-' | b'.' | b'/' | b'0'..=b'9'))
            .for_each(|b| *b = b'0');
        found = true;
    }
    found
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let found = bytes.get(from..)?.windows(what.len()).position(|window| window == what)?;
    Some(from + found)
}

/// Removes the GPS directory from TIFF data (TIFF 6.0, section 2). Tells whether there was one.
fn strip(tiff: &mut [u8]) -> bool {
    let little = match tiff.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return false,
    };
    let mut tiff = Tiff { bytes: tiff, little };
    let mut found = false;
    let mut next = tiff.u32(4);
    for _ in 0..DIRECTORIES {
        let Some(directory) = next.filter(|&offset| offset != 0) else { break };
        found |= tiff.remove_gps(directory);
        if let Some(exif) = tiff.pointer(directory, EXIF) {
            found |= tiff.remove_gps(exif);
        }
        next = tiff.entries(directory).and_then(|entries| tiff.u32(entries.end));
    }
    found
}

struct Tiff<'a> {
    bytes: &'a mut [u8],
    little: bool,
}

impl Tiff<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let field = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(field) } else { u16::from_be_bytes(field) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let field = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let value = if self.little { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) };
        usize::try_from(value).ok()
    }

    /// Where the entries of a directory are, of 12 bytes each.
    fn entries(&self, directory: usize) -> Option<Range<usize>> {
        let start = directory.checked_add(2)?;
        let end = start.checked_add(12 * usize::from(self.u16(directory)?))?;
        (end <= self.bytes.len()).then_some(start..end)
    }

    fn entry(&self, directory: usize, tag: u16) -> Option<usize> {
        self.entries(directory)?.step_by(12).find(|&entry| self.u16(entry) == Some(tag))
    }

    fn pointer(&self, directory: usize, tag: u16) -> Option<usize> {
        self.u32(self.entry(directory, tag)? + 8)
    }

    /// Clears the GPS directory that this one points to, and takes the pointer out: what follows
    /// it in the directory moves up. Values stay where they are.
    fn remove_gps(&mut self, directory: usize) -> bool {
        let mut found = false;
        while let Some(entry) = self.entry(directory, GPS) {
            if let Some(gps) = self.u32(entry + 8) {
                self.clear(gps);
            }
            // The directory that is cleared may be this one itself, in a file made for mischief.
            let Some(entries) = self.entries(directory).filter(|range| range.contains(&entry))
            else {
                return true;
            };
            let end = self.bytes.len().min(entries.end + 4);
            self.bytes.copy_within(entry + 12..end, entry);
            self.bytes[end - 12..end].fill(0);
            let count = u16::try_from(entries.len() / 12 - 1).unwrap_or(0);
            let count = if self.little { count.to_le_bytes() } else { count.to_be_bytes() };
            self.bytes[directory..directory + 2].copy_from_slice(&count);
            found = true;
        }
        found
    }

    fn clear(&mut self, directory: usize) {
        let Some(entries) = self.entries(directory) else { return };
        for entry in entries.clone().step_by(12).take(ENTRIES) {
            let size = match self.u16(entry + 2) {
                Some(3 | 8) => 2,
                Some(4 | 9 | 11 | 13) => 4,
                Some(5 | 10 | 12) => 8,
                _ => 1,
            };
            let length = self.u32(entry + 4).and_then(|count| count.checked_mul(size));
            let (Some(length), Some(at)) = (length, self.u32(entry + 8)) else { continue };
            // Shorter values are in the entry itself.
            if length > 4
                && let Some(value) =
                    at.checked_add(length).and_then(|end| self.bytes.get_mut(at..end))
            {
                value.fill(0);
            }
        }
        self.bytes[entries.start - 2..entries.end].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{facts, samples};
    use super::*;

    const PLACE: &[u8] = b"40.4168";

    #[test]
    fn the_place_is_gone_and_all_else_is_there() {
        for media in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
            for little in [true, false] {
                let exif = samples::exif(&samples::Facts { little, ..Default::default() });
                let xmp = samples::xmp(true);
                let mut bytes = samples::with_metadata(media, &exif, &xmp);
                let before = facts(media, &bytes);
                assert!(before.contains_key("GPSLatitude"), "{media:?} {before:?}");
                let length = bytes.len();
                assert!(without_gps(media, &mut bytes).unwrap());
                assert_eq!(bytes.len(), length);
                let after = facts(media, &bytes);
                let rest: Vec<_> =
                    before.iter().filter(|(name, _)| !name.starts_with("GPS")).collect();
                assert_eq!(after.iter().collect::<Vec<_>>(), rest, "{media:?}");
                assert_eq!(find(&bytes, PLACE, 0), None, "{media:?}");
                assert_eq!(find(&bytes, &samples::LATITUDE, 0), None, "{media:?}");
                super::super::check(media, &bytes).unwrap();
                assert!(!without_gps(media, &mut bytes).unwrap(), "{media:?}: nothing is left");
            }
        }
    }

    #[test]
    fn a_picture_without_a_place_is_not_changed() {
        for media in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
            let exif = samples::exif(&samples::Facts { gps: false, ..Default::default() });
            let bytes = samples::with_metadata(media, &exif, &samples::xmp(false));
            let mut same = bytes.clone();
            assert!(!without_gps(media, &mut same).unwrap());
            assert_eq!(same, bytes);
        }
        for media in MediaType::ALL {
            let bytes = samples::picture(media, 20, 10);
            let mut same = bytes.clone();
            assert!(!without_gps(media, &mut same).unwrap());
            assert_eq!(same, bytes);
        }
    }

    #[test]
    fn a_gif_loses_its_packet_and_is_still_a_gif() {
        let plain = samples::picture(MediaType::Gif, 20, 10);
        for filling in 0..600 {
            let mut packet = samples::xmp(true);
            packet.resize(packet.len() + filling, b' ');
            let mut gif = samples::gif_with_xmp(&plain, &packet);
            assert!(without_gps(MediaType::Gif, &mut gif).unwrap());
            assert_eq!(find(&gif, PLACE, 0), None);
            super::super::check(MediaType::Gif, &gif).unwrap();
            assert!(!without_gps(MediaType::Gif, &mut gif).unwrap());
        }
    }

    #[test]
    fn a_film_behind_the_picture_does_not_tell_it_either() {
        let mut bytes = samples::picture(MediaType::Jpeg, 20, 10);
        let second = samples::with_metadata(
            MediaType::Jpeg,
            &samples::exif(&samples::Facts::default()),
            b"",
        );
        bytes.extend(&second);
        bytes.extend(b"\0\0\0\x1e\xa9xyz\0\x12\x15\xc7+40.4168-003.7038/rest");
        assert!(without_gps(MediaType::Jpeg, &mut bytes).unwrap());
        assert_eq!(find(&bytes, PLACE, 0), None);
        assert_eq!(find(&bytes, &samples::LATITUDE, 0), None);
        assert!(bytes.ends_with(b"rest"));
    }

    #[test]
    fn packed_metadata_goes_since_nobody_can_look_into_it() {
        let png = samples::picture(MediaType::Png, 20, 10);
        for chunk in [
            samples::png_chunk(b"zTXt", b"Raw profile type exif\0\0xyz"),
            samples::png_chunk(b"tEXt", b"Raw profile type xmp\0xyz"),
            samples::png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0xyz"),
        ] {
            let mut bytes = samples::png_with(&png, &chunk);
            assert!(without_gps(MediaType::Png, &mut bytes).unwrap());
            assert_eq!(find(&bytes, b"xyz", 0), None);
            super::super::check(MediaType::Png, &bytes).unwrap();
        }
    }

    #[test]
    fn a_directory_that_points_to_itself_ends() {
        let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
        for _ in 0..2 {
            tiff.extend(b"\x25\x88\x04\0\x01\0\0\0\x08\0\0\0");
        }
        tiff.extend(b"\x08\0\0\0");
        assert!(strip(&mut tiff));
    }

    #[test]
    fn any_change_of_the_data_is_survived() {
        let exif = samples::exif(&samples::Facts::default());
        let mut random = fastrand::Rng::with_seed(4);
        for _ in 0..20_000 {
            let mut bytes = exif.clone();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            strip(&mut bytes);
            let _ = super::super::exif::read(&bytes).map(|exif| super::super::exif::taken(&exif));
        }
    }
}
