//! A picture's colour profile, if it is small.

use std::io::Read;

use flate2::read::ZlibDecoder;
use wire::MediaType;
use wire::jpeg::segments;

/// Larger profiles are for printers; those in phones' pictures have some 500 bytes.
pub(in crate::photos::picture) const PROFILE: usize = 4096;

const APP2: u8 = 0xe2;

/// The profile (ICC.1). `None` if it is unreadable or too large.
pub(in crate::photos::picture) fn profile(media: MediaType, bytes: &[u8]) -> Option<Vec<u8>> {
    let profile = match media {
        // The first, if it has one part (ICC.1, annex B.4).
        MediaType::Jpeg => segments(bytes).map_while(Result::ok).find_map(|segment| {
            let data = segment.data.strip_prefix(b"ICC_PROFILE\0\x01\x01")?;
            (segment.marker == APP2).then(|| data.to_vec())
        }),
        // A name, and a compressed profile (W3C PNG 3, 11.3.2.3).
        MediaType::Png => {
            let data = chunk(bytes, 8, b"iCCP", |head| {
                (&head[4..8], u32::from_be_bytes([head[0], head[1], head[2], head[3]]), 4)
            })?;
            let name = data.iter().position(|&b| b == 0)?;
            let mut profile = Vec::new();
            // One more byte shows that it is too large.
            let packed = ZlibDecoder::new(data.get(name + 2..)?).take(PROFILE as u64 + 1);
            { packed }.read_to_end(&mut profile).ok()?;
            Some(profile)
        }
        MediaType::WebP => chunk(bytes, 12, b"ICCP", |head| {
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            (&head[..4], length, length as usize % 2)
        })
        .map(<[u8]>::to_vec),
        MediaType::Gif => None,
    };
    profile.filter(|profile| profile.len() <= PROFILE)
}

/// The data of the first chunk with this name. `read` returns a chunk's name, its length, and what
/// follows its data, from its first eight bytes.
fn chunk<'a>(
    bytes: &'a [u8],
    mut at: usize,
    name: &[u8],
    read: impl Fn(&'a [u8]) -> (&'a [u8], u32, usize),
) -> Option<&'a [u8]> {
    loop {
        let (found, length, behind) = read(bytes.get(at..at.checked_add(8)?)?);
        let start = at + 8;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        if found == name {
            return bytes.get(start..end);
        }
        at = end.checked_add(behind)?;
    }
}
