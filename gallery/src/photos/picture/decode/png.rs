//! Decodes PNG line by line; of an animation the default picture. It does not read texts, colours
//! and profiles, so they neither take memory nor spoil the picture.

use std::io::{Cursor, ErrorKind};

use png::{DecodeOptions, Decoder, DecodingError, InterlaceInfo, Transformations};

use super::{Lines, is_whole, on_black};
use crate::photos::picture::BadPicture;

/// The header's depth, colour type, and interlacing (W3C PNG 3, 11.2.1).
const INTERLACED: usize = 28;

/// The bytes that [`decode`] takes: some lines, or the whole picture if it is interlaced.
pub(super) fn memory(bytes: &[u8], (width, height): (u32, u32)) -> u64 {
    let (width, height) = (u64::from(width), u64::from(height));
    let whole = if bytes.get(INTERLACED) == Some(&0) { 0 } else { 4 * width * height };
    // Of 16 bits and 4 channels: the library's line, the one before, and the result.
    40 * width + whole
}

pub(super) fn decode(bytes: &[u8], lines: &mut Lines) -> Result<(), BadPicture> {
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    options.set_skip_ancillary_crc_failures(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(bad)?;
    let (width, height) = reader.info().size();
    let channels = reader.output_color_type().0.samples();
    let line = channels * width as usize;
    let mut rgb = vec![0; 3 * width as usize];
    let mut whole = Vec::new();
    if reader.info().interlaced {
        whole.resize(line * height as usize, 0);
    }
    let (width, height) = (u64::from(width), u64::from(height));
    let (mut came, mut error) = (0, None);
    while came < width * height && error.is_none() {
        match reader.next_interlaced_row() {
            Ok(Some(row)) => {
                if let InterlaceInfo::Adam7(pass) = row.interlace() {
                    let bits = u8::try_from(8 * channels).unwrap_or(32);
                    png::expand_interlaced_row(&mut whole, line, row.data(), pass, bits);
                } else {
                    on_black(row.data(), channels, &mut rgb);
                    lines(&rgb);
                }
                came += (row.data().len() / channels) as u64;
            }
            Ok(None) => break,
            Err(why) => error = Some(why),
        }
    }
    if !is_whole((width, height), width * height - came) {
        return Err(error.map_or(BadPicture::Cut, bad));
    }
    for line in whole.chunks_exact(line.max(1)) {
        on_black(line, channels, &mut rgb);
        lines(&rgb);
    }
    Ok(())
}

fn bad(error: DecodingError) -> BadPicture {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            BadPicture::Cut
        }
        error => BadPicture::broken(error),
    }
}
