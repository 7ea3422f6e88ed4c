use proptest::prelude::*;
use wire::Stamp;

use super::super::{check, facts, look, pixels as decoded, samples, times};
use super::*;

const PLACE: &[u8] = b"40.4168";
const CITY: &[u8] = b"Villaverde";

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn pixels(media: MediaType, bytes: &[u8]) -> Vec<u8> {
    decoded(media, bytes).unwrap()
}

/// Cleans a picture, and checks that it shows the same and that nothing more would be removed.
fn cleaned(media: MediaType, bytes: &[u8]) -> Vec<u8> {
    let mut clean = bytes.to_vec();
    assert!(without_places(media, &mut clean).unwrap(), "{media:?}");
    assert_eq!(find(&clean, PLACE), None, "{media:?}");
    assert_eq!(find(&clean, CITY), None, "{media:?}");
    assert_eq!(find(&clean, &samples::LATITUDE), None, "{media:?}");
    assert_eq!(pixels(media, &clean), pixels(media, bytes), "{media:?}");
    let mut again = clean.clone();
    assert!(!without_places(media, &mut again).unwrap(), "{media:?}: nothing is left");
    assert_eq!(again, clean);
    clean
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], data].concat()
}

/// A JPEG with more segments.
fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    let jpeg = samples::picture(MediaType::Jpeg, 20, 10);
    [&jpeg[..2], segments, &jpeg[2..]].concat()
}

#[test]
fn the_place_goes_and_the_facts_stay() {
    for media in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
        for little in [true, false] {
            let given = samples::Facts { little, orientation: 6, ..Default::default() };
            let bytes = samples::with_metadata(media, &samples::exif(&given), &samples::xmp(true));
            let before = facts(media, &bytes);
            assert!(before.contains_key("GPSLatitude"), "{media:?} {before:?}");
            let clean = cleaned(media, &bytes);
            let after = facts(media, &clean);
            let rest: Vec<_> = before.iter().filter(|(name, _)| !name.starts_with("GPS")).collect();
            assert_eq!(after.iter().collect::<Vec<_>>(), rest, "{media:?}");
            check(media, &clean).unwrap();
            assert_eq!(look(media, &clean).unwrap().checked.orientation, 6);
            assert_eq!(times(media, &clean), times(media, &bytes));
        }
    }
}

#[test]
fn a_picture_without_more_than_is_kept_is_not_changed() {
    let values: [(bool, u16, u16, &[u8]); 3] = [
        (false, 0x010f, 2, b"Vitra\0"),
        (true, 0x9003, 2, b"2024:02:21 10:14:22\0"),
        (true, 0x9011, 2, b"Z\0"),
    ];
    for media in [MediaType::Jpeg, MediaType::Png, MediaType::WebP] {
        for little in [true, false] {
            let bytes = samples::with_metadata(media, &samples::exif_of(little, &values), b"");
            let mut same = bytes.clone();
            assert!(!without_places(media, &mut same).unwrap(), "{media:?}");
            assert_eq!(same, bytes);
        }
    }
    for media in MediaType::ALL {
        let bytes = samples::picture(media, 20, 10);
        let mut same = bytes.clone();
        assert!(!without_places(media, &mut same).unwrap(), "{media:?}");
        assert_eq!(same, bytes);
    }
    let stamp = "vitrina node=a camera=b seq=1 at=2 mono=3 boot=6f2d41aa";
    let bytes = jpeg_with(&segment(0xfe, stamp.as_bytes()));
    let mut same = bytes.clone();
    assert!(!without_places(MediaType::Jpeg, &mut same).unwrap());
    assert!(Stamp::find(&same).is_some());
}

#[test]
fn of_exif_only_known_facts_stay() {
    let words = [
        (false, 0x010e, 2, &b"In Villaverde\0"[..]),
        (false, 0x9c9b, 1, b"V\0i\0l\0l\0a\0"),
        (true, 0x9286, 7, b"ASCII\0\0\0Villaverde 40.4168"),
        (true, 0x927c, 7, b"Maker\0Villaverde 40.4168"),
        (true, 0xa430, 2, b"Villaverde\0"),
        (true, 0x010f, 2, b"Vitra\0"),
        (true, 0x0110, 2, &[b'x'; 600]),
    ];
    for little in [true, false] {
        let exif = samples::exif_of(little, &words);
        let preview = samples::with_metadata(
            MediaType::Jpeg,
            &samples::exif(&samples::Facts::default()),
            &samples::xmp(true),
        );
        // Bytes that no entry points to.
        let exif = [&exif[..], &preview].concat();
        let clean = cleaned(MediaType::Jpeg, &samples::with_metadata(MediaType::Jpeg, &exif, b""));
        assert!(find(&clean, b"Vitra").is_some());
        assert_eq!(find(&clean, b"Maker"), None);
        assert_eq!(find(&clean, b"xxxx"), None);
        assert_eq!(find(&clean, b"V\0i\0l"), None);
    }
}

#[test]
fn each_segment_of_a_jpeg_that_is_not_needed_goes() {
    let told = b"Villaverde 40.4168";
    let heads: [(u8, &[u8]); 9] = [
        (0xe0, b"JFXX\0\x10"),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0<photoshop:City>"),
        (0xe1, b"http://ns.adobe.com/xmp/extension/\x000123456789ABCDEF0123456789ABCDEF\0\0\0\x12\0\0\0\0"),
        (0xe1, b"QVCI\0"),
        (0xe2, b"MPF\0"),
        (0xeb, b"JP\0\x01\0\0\0\x01jumb"),
        (0xed, b"Photoshop 3.0\x008BIM\x04\x04\0\0"),
        (0xef, b"any"),
        (0xfe, b"vitrina node=a camera=b seq=1 at=2 mono=3 boot=6f2d41aa place="),
    ];
    for (marker, head) in heads {
        let segment = segment(marker, &[head, told].concat());
        let clean = cleaned(MediaType::Jpeg, &jpeg_with(&segment));
        assert_eq!(clean, samples::picture(MediaType::Jpeg, 20, 10), "{marker:x} {head:?}");
        // Between the segments, and behind the picture.
        for odd in [[&segment[..], b"\0\0"].concat(), [&told[..], &segment].concat()] {
            cleaned(MediaType::Jpeg, &jpeg_with(&odd));
        }
        let behind = [&samples::picture(MediaType::Jpeg, 20, 10), &segment[..]].concat();
        assert_eq!(cleaned(MediaType::Jpeg, &behind), samples::picture(MediaType::Jpeg, 20, 10));
    }
}

#[test]
fn what_shows_a_jpeg_right_stays() {
    let profile = segment(0xe2, b"ICC_PROFILE\0\x01\x01a profile");
    let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\x01");
    let mut bytes = jpeg_with(&[&profile[..], &adobe].concat());
    let same = bytes.clone();
    assert!(!without_places(MediaType::Jpeg, &mut bytes).unwrap());
    assert_eq!(bytes, same);
    let longer = segment(0xee, b"Adobe\0\x64\0\0\0\0\x01 Villaverde");
    assert_eq!(cleaned(MediaType::Jpeg, &jpeg_with(&longer)), jpeg_with(&adobe));
}

#[test]
fn a_second_picture_behind_the_first_goes() {
    let exif = samples::exif(&samples::Facts::default());
    let second = samples::with_metadata(MediaType::Jpeg, &exif, &samples::xmp(true));
    for media in MediaType::ALL {
        let plain = samples::picture(media, 20, 10);
        assert_eq!(cleaned(media, &[&plain[..], &second].concat()), plain);
    }
}

#[test]
fn of_xmp_the_dates_stay() {
    let packet = b"<x:xmpmeta><rdf:Description xmp:CreateDate='2024-02-21T10:14:22Z' \
        photoshop:City=\"Villaverde\" exif:GPSLatitude='40.4168N' xmp:Rating=\"5\"/>\
        <exif:DateTimeOriginal>In Villaverde</exif:DateTimeOriginal></x:xmpmeta>";
    let wide: Vec<u8> = packet.iter().flat_map(|&byte| [0, byte]).collect();
    for packet in [&packet[..], &wide] {
        for media in MediaType::ALL {
            // In a GIF each NUL would end the packet.
            if media == MediaType::Gif && packet.contains(&0) {
                continue;
            }
            let bytes = if media == MediaType::Gif {
                samples::gif_with_xmp(&samples::picture(media, 20, 10), packet)
            } else {
                samples::with_metadata(media, b"", packet)
            };
            let clean = cleaned(media, &bytes);
            assert_eq!(times(media, &clean), [1_708_510_462_000], "{media:?}");
            assert!(find(&clean, b"xmp:Rating=\"5\"").is_some(), "{media:?}");
        }
    }
}

#[test]
fn a_gif_loses_its_packet_and_its_words_and_is_still_a_gif() {
    let plain = samples::picture(MediaType::Gif, 20, 10);
    for filling in 0..600 {
        let mut packet = samples::xmp(true);
        packet.resize(packet.len() + filling, b' ');
        let gif = samples::gif_with_xmp(&plain, &packet);
        assert_eq!(cleaned(MediaType::Gif, &gif), plain);
    }
    let words = b"\x21\xfe\x0aVillaverde\0\x21\xff\x0bC2PA_GIF\x01\x00\x00\x0aVillaverde\0\x21\x01\x0aVillaverde\0";
    let gif = [&plain[..plain.len() - 1], words, b";"].concat();
    assert_eq!(cleaned(MediaType::Gif, &gif), plain);
}

#[test]
fn the_texts_of_a_png_go_but_for_those_that_are_kept() {
    let png = samples::picture(MediaType::Png, 20, 10);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}\n")).collect::<String>();
    let raw = |name: &str, bytes: &[u8]| {
        let text = format!("Raw profile type {name}\0\n{name}\n  {}\n{}", bytes.len(), hex(bytes));
        samples::png_chunk(b"tEXt", text.as_bytes())
    };
    for chunk in [
        samples::png_chunk(b"tEXt", b"exif:GPSLatitude\x0040/1, 25/1, 40.4168"),
        samples::png_chunk(b"tEXt", b"Comment\0Villaverde"),
        samples::png_chunk(b"zTXt", b"Raw profile type exif\0\0Villaverde"),
        samples::png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0Villaverde"),
        samples::png_chunk(b"iTXt", b"Location\0\0\0\0\0Villaverde"),
        samples::png_chunk(b"caBX", b"jumb Villaverde"),
        samples::png_chunk(b"prVt", b"Villaverde"),
        samples::png_chunk(b"eXIf", b"Villaverde"),
        raw("iptc", b"8BIM Villaverde"),
        raw("xmp", &samples::xmp(true)),
    ] {
        assert_eq!(cleaned(MediaType::Png, &samples::png_with(&png, &chunk)), png);
    }
    // EXIF data in a text moves to where readers look for it, but must not turn the picture.
    let exif = samples::exif(&samples::Facts { orientation: 6, ..Default::default() });
    for chunk in [raw("exif", &exif), raw("APP1", &[b"Exif\0\0", &exif[..]].concat())] {
        let clean = cleaned(MediaType::Png, &samples::png_with(&png, &chunk));
        assert_eq!(facts(MediaType::Png, &clean)["Make"], "Vitra");
        check(MediaType::Png, &clean).unwrap();
        assert_eq!(look(MediaType::Png, &clean).unwrap().checked.orientation, 1);
    }
    let chunk = samples::png_chunk(b"tEXt", b"Creation Time\x002024:02:21 10:14:22 in Villaverde");
    let clean = cleaned(MediaType::Png, &samples::png_with(&png, &chunk));
    assert!(find(&clean, b"2024-02-21T10:14:22").is_some());
}

#[test]
fn a_webp_loses_chunks_that_are_not_needed() {
    let webp = samples::with_metadata(MediaType::WebP, b"", &samples::xmp(true));
    let clean = cleaned(MediaType::WebP, &webp);
    assert_eq!(clean[20] & 0x0c, 0, "it says that it has no metadata");
    assert_eq!(clean.len() - 8, u32::from_le_bytes(clean[4..8].try_into().unwrap()) as usize);
    let mut with = samples::with_metadata(MediaType::WebP, b"", b"");
    with.extend(b"C2PA\x0a\0\0\0Villaverde");
    let length = u32::try_from(with.len() - 8).unwrap().to_le_bytes();
    with[4..8].copy_from_slice(&length);
    cleaned(MediaType::WebP, &with);
}

/// An atom of a film.
fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes(), &kind[..], body].concat()
}

/// A track of one chunk with one sample of this size at this offset.
fn track(handler: &[u8; 4], at: u32, size: u32) -> Vec<u8> {
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>();
    let table = [
        atom(b"stsd", &numbers(&[0, 0])),
        atom(b"stsc", &numbers(&[0, 1, 1, 1, 1])),
        atom(b"stsz", &numbers(&[0, 0, 1, size])),
        atom(b"stco", &numbers(&[0, 1, at])),
    ]
    .concat();
    let media = [
        atom(b"hdlr", &[&[0; 8], &handler[..], &[0; 12], b"In Villaverde\0"].concat()),
        atom(b"minf", &atom(b"stbl", &table)),
    ]
    .concat();
    let place = atom(b"udta", &atom(b"loci", b"\0\0\0\0Villaverde\0"));
    atom(b"trak", &[atom(b"mdia", &media), place].concat())
}

fn film() -> Vec<u8> {
    let head = atom(b"ftyp", b"mp42\0\0\0\0");
    let media = atom(b"mdat", b"IMAGES,SOUND,Villaverde 40.4168");
    let at = u32::try_from(head.len() + 8).unwrap();
    let tracks = [track(b"vide", at, 6), track(b"soun", at + 7, 5), track(b"meta", at + 13, 18)];
    let keys = atom(b"meta", b"mdta com.apple.quicktime.location.ISO6709 +40.4168-003.7038/");
    let place = atom(b"udta", &atom(b"\xa9xyz", b"\0\x12\x15\xc7+40.4168-003.7038/"));
    let movie = atom(b"moov", &[tracks.concat(), keys, place].concat());
    [head, media, movie, atom(b"uuid", b"Villaverde")].concat()
}

#[test]
fn a_film_behind_the_picture_keeps_its_images_and_its_sound() {
    let plain = samples::picture(MediaType::Jpeg, 20, 10);
    let film = film();
    for (before, behind) in [
        (&b""[..], &b""[..]),
        (b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data", b"\0\0SEFH Villaverde SEFT"),
    ] {
        let bytes = [&plain[..], before, &film, behind].concat();
        let clean = cleaned(MediaType::Jpeg, &bytes);
        let at = clean.len() - film.len();
        assert_eq!(&clean[at + 4..at + 8], b"ftyp");
        assert!(find(&clean, b"IMAGES\0SOUND\0").is_some());
        // The film is where the properties say.
        let offset = format!("GCamera:MicroVideoOffset=\"{}\"", film.len());
        assert!(find(&clean, offset.as_bytes()).is_some());
        assert!(find(&clean, format!("Item:Length=\"{}\"", film.len()).as_bytes()).is_some());
    }
}

#[test]
fn a_film_that_cannot_be_read_is_cut_off() {
    let plain = samples::picture(MediaType::Jpeg, 20, 10);
    let film = film();
    for cut in 0..film.len() - 18 {
        let mut bytes = [&plain[..], &film[..cut]].concat();
        without_places(MediaType::Jpeg, &mut bytes).unwrap();
        assert_eq!(bytes, plain, "{cut}");
    }
    let fragments = [film, atom(b"moof", b"Villaverde")].concat();
    assert_eq!(cleaned(MediaType::Jpeg, &[&plain[..], &fragments].concat()), plain);
}

#[test]
fn a_film_of_atoms_without_end_in_depth_or_number_is_cut_off() {
    let plain = samples::picture(MediaType::Jpeg, 20, 10);
    let film = film();
    // Each is the only atom in its parent.
    const DEEP: usize = 200_000;
    let deep: Vec<u8> = (1..=DEEP).rev().flat_map(|depth| atom_head(b"mdia", depth * 8)).collect();
    let at = film.windows(4).position(|bytes| bytes == b"minf").unwrap() - 4;
    let mut nested = film.clone();
    nested.splice(at..at, deep.iter().copied());
    // All parents are longer by the same amount.
    for name in [&b"moov"[..], b"trak", b"mdia"] {
        let at = nested.windows(4).position(|bytes| bytes == name).unwrap() - 4;
        let length = u32::from_be_bytes(nested[at..at + 4].try_into().unwrap());
        let length = length + u32::try_from(deep.len()).unwrap();
        nested[at..at + 4].copy_from_slice(&length.to_be_bytes());
    }
    let many = [film, atom(b"free", b"").repeat(100_000)].concat();
    for film in [nested, many] {
        assert!(cleaned(MediaType::Jpeg, &[&plain[..], &film].concat()) == plain);
    }
}

/// The head of an atom of `length` bytes.
fn atom_head(kind: &[u8; 4], length: usize) -> [u8; 8] {
    let mut head = [0; 8];
    head[..4].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    head[4..].copy_from_slice(kind);
    head
}

/// A picture cut anywhere keeps nothing that reveals a place, and all pixels that were there.
#[test]
fn a_picture_that_lacks_its_last_bytes_loses_its_place_and_no_pixel() {
    let exif = samples::exif(&samples::Facts::default());
    for media in MediaType::ALL {
        let plain = samples::picture(media, 20, 10);
        let packet = samples::xmp(true);
        let bytes = match media {
            MediaType::Gif => samples::gif_with_xmp(&plain, &packet),
            _ => samples::with_metadata(media, &exif, &packet),
        };
        // The place once more, behind the parts that draw the picture.
        let bytes = match media {
            MediaType::Png => {
                let end = bytes.len() - 12;
                [&bytes[..end], &samples::png_chunk(b"eXIf", &exif), &bytes[end..]].concat()
            }
            MediaType::Gif => {
                let behind = [&b"\x21\xff\x0bXMP DataXMP"[..], &packet].concat();
                [&bytes[..bytes.len() - 1], &behind].concat()
            }
            _ => bytes,
        };
        let mut taken = 0;
        for cut in 0..bytes.len() {
            let mut left = bytes[..cut].to_vec();
            let Ok(before) = decoded(media, &left).and_then(|rgb| look(media, &left).map(|_| rgb))
            else {
                continue;
            };
            taken += 1;
            without_places(media, &mut left).unwrap();
            look(media, &left).unwrap();
            assert!(decoded(media, &left).unwrap() == before, "{media:?} at {cut}");
            for what in [PLACE, CITY, &samples::LATITUDE] {
                assert_eq!(find(&left, what), None, "{media:?} at {cut}");
            }
        }
        assert!(taken > 0, "{media:?}");
    }
}

#[test]
fn more_parts_than_anybody_writes_are_refused() {
    let png = samples::picture(MediaType::Png, 20, 10);
    let pair = [samples::png_chunk(b"tEXt", b""), samples::png_chunk(b"IDAT", b"")].concat();
    let mut many = samples::png_with(&png, &pair.repeat(CHANGES + 1));
    assert!(without_places(MediaType::Png, &mut many).is_err());
}

#[test]
fn a_directory_that_points_to_itself_ends() {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for tag in [b"\x69\x87", b"\x25\x88"] {
        tiff.extend(tag);
        tiff.extend(b"\x04\0\x01\0\0\0\x08\0\0\0");
    }
    tiff.extend(b"\x08\0\0\0");
    assert_eq!(exif::clean(&tiff, None), None);
}

/// Bytes with some meaningful ones among them.
fn odd() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..30),
        Just(b"Exif\0\0II*\0\x08\0\0\0".to_vec()),
        Just(b"ftypmoovtrakmdat".to_vec()),
        Just(b"\xff\xe1\0\x10".to_vec()),
        Just(film()),
        Just(samples::exif(&samples::Facts::default())),
        Just(samples::xmp(true)),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_segments_are_cleaned_and_the_picture_still_shows(
        segments in prop::collection::vec((0xe0_u8..=0xfe, odd()), 0..5),
        behind in odd(),
    ) {
        // No decoder finds a picture behind reserved markers.
        let segments = segments.iter().map(|(marker, data)| {
            segment(if *marker > 0xef { 0xfe } else { *marker }, &data[..data.len().min(60_000)])
        });
        let bytes = [jpeg_with(&segments.collect::<Vec<_>>().concat()), behind].concat();
        let mut clean = bytes.clone();
        without_places(MediaType::Jpeg, &mut clean).unwrap();
        prop_assert_eq!(pixels(MediaType::Jpeg, &clean), pixels(MediaType::Jpeg, &bytes));
        prop_assert_eq!(find(&clean, PLACE), None);
        let again = clean.clone();
        without_places(MediaType::Jpeg, &mut clean).unwrap();
        prop_assert_eq!(clean, again);
    }

    #[test]
    fn any_chunks_are_cleaned_and_the_picture_still_shows(
        chunks in prop::collection::vec(("[a-z][A-Z]{2}[a-z]|tEXt|zTXt|iTXt|eXIf", odd()), 0..5),
        behind in odd(),
    ) {
        let chunks = chunks.iter().map(|(kind, data)| {
            samples::png_chunk(kind.as_bytes().try_into().unwrap(), data)
        });
        let png = samples::picture(MediaType::Png, 20, 10);
        let bytes = [samples::png_with(&png, &chunks.collect::<Vec<_>>().concat()), behind].concat();
        let mut clean = bytes.clone();
        without_places(MediaType::Png, &mut clean).unwrap();
        prop_assert_eq!(pixels(MediaType::Png, &clean), pixels(MediaType::Png, &bytes));
        prop_assert_eq!(find(&clean, PLACE), None);
    }

    #[test]
    fn any_changes_are_made_as_if_one_after_another(
        parts in prop::collection::vec((1_usize..9, prop::option::of(prop::collection::vec(any::<u8>(), 0..9))), 0..20),
    ) {
        let mut changes = Changes::default();
        let (mut bytes, mut expected) = (Vec::<u8>::new(), Vec::<u8>::new());
        for (length, with) in parts {
            let range = bytes.len()..bytes.len() + length;
            bytes.extend((0..length).map(|n| n as u8));
            match with {
                Some(new) => {
                    expected.extend(&new);
                    changes.add(range, With::Bytes(new));
                }
                None => expected.extend(&bytes[range]),
            }
        }
        changes.list.reverse();
        changes.make(&mut bytes);
        prop_assert_eq!(bytes, expected);
    }
}
