//! Pictures for the tests.

use std::io::Cursor;

use exif::{Field, In, Tag, Value, experimental::Writer};
use image::{DynamicImage, ImageFormat, RgbImage};

/// A picture, dark at the left and bright at the right, that contains its number.
pub fn picture(format: ImageFormat, width: u32, height: u32, number: u8) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, _| {
        let grey = u8::try_from(x * 255 / width).unwrap();
        image::Rgb([grey, grey, number])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn jpeg(number: u8) -> Vec<u8> {
    picture(ImageFormat::Jpeg, 60, 40, number)
}

/// A JPEG as a phone writes it: held upright, with time and place.
pub fn phone_jpeg() -> Vec<u8> {
    let ascii = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let degrees = |degrees| {
        let part = |num| exif::Rational { num, denom: 1 };
        Value::Rational(vec![part(degrees), part(25), part(48)])
    };
    let fields = [
        (Tag::Make, ascii("Vitra")),
        (Tag::Orientation, Value::Short(vec![6])),
        (Tag::DateTimeOriginal, ascii("2024:06:01 12:34:56")),
        (Tag::OffsetTimeOriginal, ascii("+02:00")),
        (Tag::GPSLatitudeRef, ascii("N")),
        (Tag::GPSLatitude, degrees(40)),
        (Tag::GPSLongitudeRef, ascii("W")),
        (Tag::GPSLongitude, degrees(3)),
    ];
    let fields = fields.map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    let exif = [b"Exif\0\0", &tiff.into_inner()[..]].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let plain = jpeg(0);
    [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat()
}

/// A PNG of some kilobytes that unpacks to gigabytes.
pub fn bomb() -> Vec<u8> {
    let mut png = picture(ImageFormat::Png, 60, 40, 0);
    // The size is checked before the header's CRC.
    png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    png
}

/// A JPEG whose header says 60,000 by 60,000 pixels.
pub fn huge_jpeg() -> Vec<u8> {
    let mut jpeg = jpeg(0);
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    jpeg
}

/// A picture padded behind its end.
pub fn padded(mut picture: Vec<u8>, size: usize) -> Vec<u8> {
    picture.resize(size, 0);
    picture
}

fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), &kind[..], body].concat()
}

/// An MP4 as phones put it behind a JPEG: one track of images, with one sample.
pub fn film() -> Vec<u8> {
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>();
    let head = atom(b"ftyp", b"mp42\0\0\0\0mp42isom");
    let media = atom(b"mdat", b"one image of a film");
    let at = u32::try_from(head.len() + 8).unwrap();
    let entry = atom(b"avc1", &[&[0; 6][..], &[0, 1], &[0; 70]].concat());
    let table = [
        atom(b"stsd", &[&numbers(&[0, 1])[..], &entry].concat()),
        atom(b"stts", &numbers(&[0, 1, 1, 1000])),
        atom(b"stsc", &numbers(&[0, 1, 1, 1, 1])),
        atom(b"stsz", &numbers(&[0, 0, 1, 19])),
        atom(b"stco", &numbers(&[0, 1, at])),
    ]
    .concat();
    let place = atom(
        b"dinf",
        &atom(b"dref", &[&numbers(&[0, 1])[..], &atom(b"url ", &[0, 0, 0, 1])].concat()),
    );
    let mut track_head = numbers(&[3, 0, 0, 1, 0, 1000]);
    track_head.resize(84, 0);
    let mut movie_head = numbers(&[0, 0, 0, 1000, 1000, 0x0001_0000]);
    movie_head.resize(100, 0);
    let media_head = atom(b"mdhd", &numbers(&[0, 0, 0, 1000, 1000, 0x55c4_0000]));
    let handler = atom(b"hdlr", &[&[0; 8], &b"vide"[..], &[0; 13]].concat());
    let inner = [atom(b"vmhd", &numbers(&[1, 0, 0])), place, atom(b"stbl", &table)].concat();
    let track_media = [media_head, handler, atom(b"minf", &inner)].concat();
    let track = [atom(b"tkhd", &track_head), atom(b"mdia", &track_media)].concat();
    let movie = [atom(b"mvhd", &movie_head), atom(b"trak", &track)].concat();
    [head, media, atom(b"moov", &movie)].concat()
}
