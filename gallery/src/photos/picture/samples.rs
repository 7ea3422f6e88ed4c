//! Pictures made for tests.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{ImageFormat, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};
use wire::MediaType;

/// A rational in the latitude of [`exif`]: the same bytes in either byte order, easy to find again.
pub const LATITUDE: [u8; 8] = *b"\x40\x25\x48\x7a\x7a\x48\x25\x40";

/// The content of the EXIF data of [`exif`].
#[derive(Debug, Clone)]
pub struct Facts {
    pub little: bool,
    pub gps: bool,
    pub orientation: u16,
    pub taken: &'static str,
    pub offset: &'static str,
}

impl Default for Facts {
    fn default() -> Self {
        let (taken, offset) = ("2026:06:01 12:34:56", "+02:00");
        Facts { little: true, gps: true, orientation: 1, taken, offset }
    }
}

/// A picture, dark at the left and bright at the right.
pub fn picture(media: MediaType, width: u32, height: u32) -> Vec<u8> {
    let image = RgbaImage::from_fn(width, height, |x, _| {
        let grey = u8::try_from(x * 255 / width).unwrap();
        Rgba([grey, grey, grey, 255])
    });
    encode(media, &image)
}

pub fn transparent_png(width: u32, height: u32) -> Vec<u8> {
    encode(MediaType::Png, &RgbaImage::from_pixel(width, height, Rgba([255, 255, 255, 0])))
}

fn encode(media: MediaType, image: &RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    match media {
        MediaType::Jpeg => {
            let side = |side: u32| u16::try_from(side).unwrap();
            let (width, height) = (side(image.width()), side(image.height()));
            Encoder::new(&mut bytes, 90)
                .encode(image.as_raw(), width, height, ColorType::Rgba)
                .unwrap();
        }
        MediaType::Png => image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap(),
        MediaType::WebP => image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::WebP).unwrap(),
        MediaType::Gif => {
            let frame = image::Frame::new(image.clone());
            GifEncoder::new(&mut bytes).encode_frames([frame.clone(), frame]).unwrap();
        }
    }
    bytes
}

/// TIFF data with directories as phones write them.
pub fn exif(facts: &Facts) -> Vec<u8> {
    let mut tiff = Writer { little: facts.little, bytes: Vec::new() };
    tiff.bytes.extend(if facts.little { b"II*\0" } else { b"MM\0*" });
    tiff.u32(8);
    let entries = if facts.gps { 5 } else { 4 };
    // Values follow the directories, which follow each other.
    let exif = 8 + 2 + 12 * entries + 4;
    let gps = exif + 2 + 12 * 3 + 4;
    let values = gps + 2 + 12 * 4 + 4;
    let (make, taken, offset, latitude, longitude) =
        (values, values + 10, values + 30, values + 38, values + 62);
    tiff.u16(entries as u16);
    tiff.entry(0x010f, 2, 6, make);
    tiff.short(0x0112, facts.orientation);
    tiff.short(0x0128, 2);
    if facts.gps {
        // Out of order, so that something follows it.
        tiff.entry(0x8825, 4, 1, gps);
    }
    tiff.entry(0x8769, 4, 1, exif);
    tiff.u32(0);
    tiff.u16(3);
    tiff.entry(0x9003, 2, 20, taken);
    tiff.entry(0x9011, 2, 7, offset);
    tiff.short(0xa001, 1);
    tiff.u32(0);
    tiff.u16(4);
    for (tag, value) in [(1, b"N\0\0\0"), (3, b"W\0\0\0")] {
        tiff.u16(tag);
        tiff.u16(2);
        tiff.u32(2);
        tiff.bytes.extend(value);
        let at = if tag == 1 { latitude } else { longitude };
        tiff.entry(tag + 1, 5, 3, if facts.gps { at } else { make });
    }
    tiff.u32(0);
    assert_eq!(tiff.bytes.len(), values as usize);
    for text in [
        format!("{:\0<10}", "Vitra"),
        format!("{}\0", facts.taken),
        format!("{:\0<8}", facts.offset),
    ] {
        tiff.bytes.extend(text.as_bytes());
    }
    for _ in 0..2 {
        if facts.gps {
            // 40 / 1, then a rational that is easy to find again.
            tiff.u32(40);
            tiff.u32(1);
            tiff.bytes.extend(LATITUDE);
            tiff.u32(48);
            tiff.u32(100);
        } else {
            tiff.bytes.extend([0; 24]);
        }
    }
    tiff.bytes
}

/// TIFF data of these entries: whether each is in the directory of facts or in the picture's, its
/// tag, its type, and its value, whose items are bytes.
pub fn exif_of(little: bool, entries: &[(bool, u16, u16, &[u8])]) -> Vec<u8> {
    let mut tiff = Writer { little, bytes: Vec::new() };
    tiff.bytes.extend(if little { b"II*\0" } else { b"MM\0*" });
    tiff.u32(8);
    let of = |facts| entries.iter().filter(move |entry| entry.0 == facts);
    let facts_at = 8 + 2 + 12 * (of(false).count() + 1) + 4;
    let mut value_at = facts_at + 2 + 12 * of(true).count() + 4;
    for facts in [false, true] {
        let count = of(facts).count() + usize::from(!facts);
        tiff.u16(u16::try_from(count).unwrap());
        for (_, tag, kind, value) in of(facts) {
            let length = u32::try_from(value.len()).unwrap();
            if value.len() > 4 {
                tiff.entry(*tag, *kind, length, u32::try_from(value_at).unwrap());
                value_at += value.len();
            } else {
                tiff.u16(*tag);
                tiff.u16(*kind);
                tiff.u32(length);
                tiff.bytes.extend([*value, &[0; 4][value.len()..]].concat());
            }
        }
        if !facts {
            tiff.entry(0x8769, 4, 1, u32::try_from(facts_at).unwrap());
        }
        tiff.u32(0);
    }
    for (.., value) in of(false).chain(of(true)).filter(|entry| entry.3.len() > 4) {
        tiff.bytes.extend(*value);
    }
    tiff.bytes
}

struct Writer {
    little: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn u16(&mut self, value: u16) {
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn entry(&mut self, tag: u16, kind: u16, count: u32, value: u32) {
        self.u16(tag);
        self.u16(kind);
        self.u32(count);
        self.u32(value);
    }

    fn short(&mut self, tag: u16, value: u16) {
        self.u16(tag);
        self.u16(3);
        self.u32(1);
        self.u16(value);
        self.u16(0);
    }
}

/// An XMP packet, perhaps with a place.
pub fn xmp(place: bool) -> Vec<u8> {
    let place = if place { r#" exif:GPSLatitude="40.4168N""# } else { "" };
    format!(r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description{place}/></x:xmpmeta>"#).into()
}

/// A picture with EXIF data and an XMP packet, unless these are empty. Not for GIF.
pub fn with_metadata(media: MediaType, exif: &[u8], xmp: &[u8]) -> Vec<u8> {
    with_metadata_of(media, 20, 10, exif, xmp)
}

pub fn with_metadata_of(
    media: MediaType,
    width: u32,
    height: u32,
    exif: &[u8],
    xmp: &[u8],
) -> Vec<u8> {
    let plain = picture(media, width, height);
    let chunks = |chunk: fn(&[u8; 4], &[u8]) -> Vec<u8>, names: [&[u8; 4]; 2], before: &[u8]| {
        let exif = if exif.is_empty() { Vec::new() } else { chunk(names[0], exif) };
        let xmp =
            if xmp.is_empty() { Vec::new() } else { chunk(names[1], &[before, xmp].concat()) };
        [exif, xmp].concat()
    };
    match media {
        MediaType::Jpeg => {
            let mut jpeg = plain[..2].to_vec();
            for (head, data) in [(&b"Exif\0\0"[..], exif), (b"http://ns.adobe.com/xap/1.0/\0", xmp)]
            {
                if !data.is_empty() {
                    let length = u16::try_from(2 + head.len() + data.len()).unwrap();
                    jpeg.extend([0xff, 0xe1]);
                    jpeg.extend(length.to_be_bytes());
                    jpeg.extend([head, data].concat());
                }
            }
            jpeg.extend(&plain[2..]);
            jpeg
        }
        MediaType::Png => {
            png_with(&plain, &chunks(png_chunk, [b"eXIf", b"iTXt"], b"XML:com.adobe.xmp\0\0\0\0\0"))
        }
        MediaType::WebP => {
            let flags = u8::from(!exif.is_empty()) << 3 | u8::from(!xmp.is_empty()) << 2;
            let chunks = chunks(riff_chunk, [b"EXIF", b"XMP "], b"");
            let side = |side: u32| (side - 1).to_le_bytes();
            let canvas = [&[flags, 0, 0, 0][..], &side(width)[..3], &side(height)[..3]].concat();
            let body = [b"WEBP", &riff_chunk(b"VP8X", &canvas)[..], &plain[12..], &chunks].concat();
            riff_chunk(b"RIFF", &body)
        }
        MediaType::Gif => unreachable!("a GIF has no EXIF"),
    }
}

/// A PNG with more chunks before its end.
pub fn png_with(png: &[u8], chunks: &[u8]) -> Vec<u8> {
    let end = png.len() - 12;
    [&png[..end], chunks, &png[end..]].concat()
}

pub fn png_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let sealed = [&name[..], data].concat();
    [&length[..], &sealed, &crc32fast::hash(&sealed).to_be_bytes()].concat()
}

fn riff_chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&name[..], &length, data, &[0][..data.len() % 2]].concat()
}

/// A GIF with an XMP packet as Adobe writes it: not in blocks, but followed by all lengths in turn.
pub fn gif_with_xmp(gif: &[u8], packet: &[u8]) -> Vec<u8> {
    let (body, end) = gif.split_at(gif.len() - 1);
    let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    [body, b"\x21\xff\x0bXMP DataXMP", packet, &trailer, end].concat()
}
