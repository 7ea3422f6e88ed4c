//! Decodes WebP (RFC 9649), of an animation the first frame. The library holds all of it.

use std::io::Cursor;

use image_webp::WebPDecoder;

use super::{Lines, on_black};
use crate::photos::picture::BadPicture;

mod codes;

/// The most memory for the codes of a lossless picture, for each of its bytes and in all, if the
/// exact amount is unknown: as little as twelve bytes can make tables of 4 KiB.
const CODES_OF_A_BYTE: u64 = 400;
const CODES: u64 = 65_536 * 5 * 5_000;

/// What the chunks of a picture contain, including those of frames.
#[derive(Debug, Default)]
struct Chunks {
    lossless: bool,
    alpha: bool,
    animated: bool,
    /// Bytes that the picture's codes take.
    codes: u64,
}

/// The bytes that [`decode`] takes.
pub(super) fn memory(bytes: &[u8], (width, height): (u32, u32)) -> u64 {
    let mut chunks = Chunks::default();
    chunks.read(bytes, 12, (width, height));
    // Bytes of a pixel: YCbCr and RGB; with transparency RGBA, and its own channel twice; or four
    // channels, three of them again, and data about blocks of them; the canvas, and a frame.
    let each = match chunks {
        Chunks { animated: true, .. } => 19,
        Chunks { alpha: true, .. } => 11,
        Chunks { lossless: true, .. } => 8,
        _ => 5,
    };
    let padded = |side: u32| u64::from(side) + 16;
    each * padded(width) * padded(height) + bytes.len() as u64 + chunks.codes
}

impl Chunks {
    /// Reads chunks (RFC 9649, 2.3) up to and including an animation's first frame.
    fn read(&mut self, bytes: &[u8], mut at: usize, size: (u32, u32)) {
        while let Some(head) = bytes.get(at..at.saturating_add(8)) {
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let start = at + 8;
            let end = start.saturating_add(length as usize);
            let data = bytes.get(start..end.min(bytes.len())).unwrap_or_default();
            match &head[..4] {
                // A signature, and twice 14 bits before the last four (3.4).
                b"VP8L" => {
                    let bits = data.get(1..5).and_then(|bits| bits.try_into().ok());
                    let bits = bits.map_or(0, u32::from_le_bytes);
                    let size = ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1);
                    self.code(data.get(5..).unwrap_or_default(), size);
                    self.lossless = true;
                }
                b"ALPH" => {
                    self.alpha = true;
                    if data.first().is_some_and(|flags| flags & 3 != 0) {
                        self.code(&data[1..], size);
                    }
                }
                b"VP8X" => self.alpha |= data.first().is_some_and(|flags| flags & 0x10 != 0),
                b"ANMF" if !self.animated => {
                    self.animated = true;
                    let side = |at| match data.get(at..at + 3) {
                        Some(&[low, middle, high]) => {
                            u32::from_le_bytes([low, middle, high, 0]) + 1
                        }
                        _ => 0,
                    };
                    self.read(data, 16, (side(6), side(9)));
                }
                _ => {}
            }
            at = end.saturating_add(length as usize % 2);
        }
    }

    fn code(&mut self, data: &[u8], size: (u32, u32)) {
        let guess = || (CODES_OF_A_BYTE * data.len() as u64).min(CODES);
        self.codes = self.codes.saturating_add(codes::memory(data, size).unwrap_or_else(guess));
    }
}

pub(super) fn decode(bytes: &[u8], lines: &mut Lines) -> Result<(), BadPicture> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(BadPicture::broken)?;
    let width = decoder.dimensions().0 as usize;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let size = decoder.output_buffer_size();
    let mut picture = vec![0; size.ok_or_else(|| BadPicture::broken("it is too large"))?];
    decoder.read_image(&mut picture).map_err(BadPicture::broken)?;
    let mut rgb = vec![0; 3 * width];
    for line in picture.chunks_exact((channels * width).max(1)) {
        on_black(line, channels, &mut rgb);
        lines(&rgb);
    }
    Ok(())
}
