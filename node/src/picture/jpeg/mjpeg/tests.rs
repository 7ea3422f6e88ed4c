mod fuzz;

use super::*;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use wire::jpeg::{self, APP0, COM, DHT, DRI};

/// The properties of a test picture.
#[derive(Clone, Copy)]
struct Like {
    seed: u64,
    quality: u8,
    restart: u16,
    sampling: SamplingFactor,
    is_progressive: bool,
    is_grey: bool,
}

const PLAIN: Like = Like {
    seed: 1,
    quality: 80,
    restart: 0,
    sampling: SamplingFactor::R_4_2_2,
    is_progressive: false,
    is_grey: false,
};

fn made(like: Like, width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, like.quality);
    encoder.set_sampling_factor(like.sampling);
    encoder.set_progressive(like.is_progressive);
    encoder.set_restart_interval(like.restart);
    let depth = if like.is_grey { 1 } else { 3 };
    let kind = if like.is_grey { ColorType::Luma } else { ColorType::Rgb };
    let mut random = fastrand::Rng::with_seed(like.seed);
    let mut shade = [0_u8; 3];
    let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height) * depth)
        .map(|i| {
            if i % 97 == 0 {
                shade = [0; 3].map(|_: u8| random.u8(..));
            }
            shade[i % depth].wrapping_add(random.u8(..20))
        })
        .collect();
    encoder.encode(&pixels, width, height, kind).unwrap();
    jpeg
}

fn picture() -> Vec<u8> {
    made(PLAIN, 64, 48)
}

/// Another picture of the same camera.
fn other(seed: u64) -> Vec<u8> {
    made(Like { seed, ..PLAIN }, 64, 48)
}

/// The result for the first frame of a camera.
fn check(frame: &[u8]) -> Result<Whole<'_>, &'static str> {
    Checker::default().check(frame)
}

/// The picture that leaves the node for a frame.
fn sent(frame: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut memory = Vec::new();
    check(frame).map(|whole| whole.mended(&mut memory).to_vec())
}

fn is_untouched(frame: &[u8]) -> bool {
    check(frame).is_ok_and(|whole| whole.pieces.is_empty())
}

fn pixels(jpeg: &[u8]) -> Vec<u8> {
    jpeg_decoder::Decoder::new(jpeg).decode().unwrap()
}

/// Where the first segment with this marker begins and ends.
fn place(jpeg: &[u8], marker: u8) -> (usize, usize) {
    let found = jpeg::segments(jpeg).map(Result::unwrap).find(|s| s.marker == marker).unwrap();
    (found.start, found.end)
}

/// With bytes put in.
fn with(jpeg: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&jpeg[..at], bytes, &jpeg[at..]].concat()
}

fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let mut rest = jpeg.to_vec();
    while let Some(found) = jpeg::segments(&rest).map_while(Result::ok).find(|s| s.marker == marker)
    {
        let (start, end) = (found.start, found.end);
        rest.drain(start..end);
    }
    rest
}

fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let sampling = |sampling| Like { sampling, ..PLAIN };
    vec![
        ("plain", picture()),
        ("restarts", made(Like { restart: 3, ..PLAIN }, 70, 50)),
        ("restarts of one MCU", made(Like { restart: 1, ..PLAIN }, 70, 50)),
        ("grey", made(Like { is_grey: true, ..PLAIN }, 61, 47)),
        ("4:4:4", made(sampling(SamplingFactor::R_4_4_4), 33, 17)),
        ("4:2:0", made(sampling(SamplingFactor::R_4_2_0), 33, 17)),
        ("4:4:0", made(sampling(SamplingFactor::R_4_4_0), 33, 17)),
        ("best quality", made(Like { quality: 100, ..PLAIN }, 64, 48)),
        ("least quality", made(Like { quality: 1, ..PLAIN }, 64, 48)),
    ]
}

/// Pictures of several scans: progressive ones, and one scan for each component.
fn in_scans() -> [(&'static str, Vec<u8>); 2] {
    let apart = Like { sampling: SamplingFactor::R_4_1_1, ..PLAIN };
    let progressive = Like { is_progressive: true, ..PLAIN };
    [("apart", made(apart, 65, 17)), ("progressive", made(progressive, 64, 48))]
}

#[test]
fn a_picture_in_order_is_left_where_it_lies() {
    for (name, jpeg) in kinds().into_iter().chain(in_scans()) {
        let whole = check(&jpeg).unwrap();
        assert_eq!((whole.jpeg.as_ptr(), whole.jpeg.len()), (jpeg.as_ptr(), jpeg.len()), "{name}");
        assert!(whole.pieces.is_empty(), "{name}");
        assert_eq!(Some(whole.size), jpeg::size(&jpeg).map(|(w, h)| (w as u16, h as u16)));
    }
}

#[test]
fn filling_after_the_end_is_cut_off() {
    let jpeg = picture();
    for filling in [&b"\0"[..], b"\0\0", b"\xff\xff", b"\xff", &[0; 5000], &[0xff; 5000]] {
        let filled = [&jpeg[..], filling].concat();
        assert_eq!(sent(&filled).as_deref(), Ok(&jpeg[..]), "{:?}", &filling[..1]);
        assert!(is_untouched(&filled));
    }
}

#[test]
fn rubbish_after_the_end_is_cut_off() {
    for (name, jpeg) in kinds() {
        for rubbish in [&[0xaa; 5000][..], b"\r\n--boundary", &[0, 0, 0xff, 0x12, 7]] {
            let frame = [&jpeg[..], rubbish].concat();
            assert_eq!(sent(&frame).as_deref(), Ok(&jpeg[..]), "{name} {:?}", &rubbish[..1]);
            assert!(is_untouched(&frame), "{name}");
        }
    }
}

#[test]
fn the_tail_of_an_older_longer_picture_is_cut_off() {
    let old = made(Like { quality: 97, seed: 9, ..PLAIN }, 64, 48);
    for (name, new) in kinds() {
        if new.len() < old.len() {
            let frame = [&new[..], &old[new.len()..]].concat();
            assert_eq!(sent(&frame).as_deref(), Ok(&new[..]), "{name}");
        }
    }
}

#[test]
fn of_two_pictures_the_last_whole_one_is_taken() {
    let (first, second) = (picture(), other(2));
    for between in [&b""[..], b"\0", b"\0\0\0\0", b"\xff\xff", b"\0\xff"] {
        let frame = [&first[..], between, &second].concat();
        assert_eq!(sent(&frame).as_deref(), Ok(&second[..]), "{between:?}");
        for cut in first.len() + between.len()..frame.len() - 2 {
            assert_eq!(sent(&frame[..cut]).as_deref(), Ok(&first[..]), "{between:?} cut at {cut}");
        }
        // It is whole except for its end.
        assert_eq!(sent(&frame[..frame.len() - 2]).as_deref(), Ok(&second[..]), "{between:?}");
    }
}

#[test]
fn half_a_picture_never_goes_out_with_the_one_behind_it() {
    let second = made(Like { seed: 2, quality: 60, ..PLAIN }, 48, 40);
    let first = made(Like { restart: 3, ..PLAIN }, 33, 17);
    for (name, first) in kinds().into_iter().chain([("small", first)]) {
        let (_, scan) = place(&first, SOS);
        let step = if name == "small" { 1 } else { 7 };
        for cut in (2..scan + 50).chain((scan..first.len() - 2).step_by(step)) {
            let frame = [&first[..cut], &second].concat();
            assert_eq!(sent(&frame).as_deref(), Ok(&second[..]), "{name} cut at {cut}");
        }
    }
}

#[test]
fn half_a_picture_with_a_thumbnail_never_becomes_its_thumbnail() {
    let (thumbnail, second) = (made(PLAIN, 16, 16), other(2));
    let length = ((thumbnail.len() + 2 + 6) as u16).to_be_bytes();
    let exif = [&[0xff, APP0 + 1][..], &length, b"Exif\0\0", &thumbnail].concat();
    let (_, jfif) = place(&picture(), APP0);
    let first = with(&picture(), jfif, &exif);
    assert_eq!(sent(&first).as_deref(), Ok(&first[..]));
    for cut in 2..first.len() - 2 {
        assert!(check(&first[..cut]).is_err(), "cut at {cut}");
        // Cut within the segment, it swallows the start of the second.
        match sent(&[&first[..cut], &second].concat()) {
            Ok(jpeg) => assert_eq!(jpeg, second, "cut at {cut}"),
            Err(_) => assert!((jfif..jfif + exif.len()).contains(&cut), "cut at {cut}"),
        }
    }
    // A length that is wrong by a few bytes does not make the thumbnail the picture either.
    let odd = with(&first, jfif + exif.len(), &[0, 0, 0]);
    assert_eq!(sent(&odd).as_deref(), Ok(&first[..]));
    assert_eq!(sent(&with(&first, jfif, &[0, 0, 0])).as_deref(), Ok(&first[..]));
}

#[test]
fn empty_jpegs_before_the_picture_are_passed_over() {
    let jpeg = picture();
    let empty = b"\xff\xd8\xff\xd9";
    for before in [&empty[..], &empty.repeat(7), b"\xff\xd8\xff\xd9\0\0", b"\xff\xd8"] {
        let frame = [before, &jpeg].concat();
        assert_eq!(sent(&frame).as_deref(), Ok(&jpeg[..]), "{before:?}");
        assert!(is_untouched(&frame));
    }
}

#[test]
fn bytes_before_the_start_are_passed_over() {
    let jpeg = picture();
    for before in [&b"\0"[..], &[0; 512], b"\xff", b"\xff\xff\xff", b"UVC\xff\xd8!", b"\xff\xd9"] {
        assert_eq!(sent(&[before, &jpeg].concat()).as_deref(), Ok(&jpeg[..]), "{before:?}");
    }
}

#[test]
fn bytes_between_segments_are_left_out() {
    let jpeg = picture();
    let places: Vec<usize> = jpeg::segments(&jpeg).map(|s| s.unwrap().start).collect();
    for junk in
        [&b"\0"[..], b"\0\0\0\0", b"\xff", b"\xff\xff\xff", b"\xd9", b"\xff\0a", b"\xff\xd3"]
    {
        for &at in &places {
            let odd = with(&jpeg, at, junk);
            assert_eq!(sent(&odd).as_deref(), Ok(&jpeg[..]), "{junk:?} at {at}");
            assert!(!is_untouched(&odd));
        }
        let all = places.iter().rev().fold(jpeg.clone(), |odd, &at| with(&odd, at, junk));
        assert_eq!(sent(&all).as_deref(), Ok(&jpeg[..]), "{junk:?}");
    }
}

#[test]
fn wrong_lengths_of_what_is_only_told_are_bytes_between_segments() {
    let jpeg = picture();
    let (_, at) = place(&jpeg, APP0);
    let comment = |length: u16| {
        let segment = [&[0xff, COM][..], &length.to_be_bytes(), b"hello"].concat();
        sent(&with(&jpeg, at, &segment)).unwrap()
    };
    for length in [0, 1] {
        assert_eq!(comment(length), jpeg, "{length}");
    }
    for length in [2, 4, 7] {
        let kept =
            [&[0xff, COM][..], &u16::to_be_bytes(length), &b"hello"[..usize::from(length) - 2]];
        assert_eq!(comment(length), with(&jpeg, at, &kept.concat()), "{length}");
    }
}

#[test]
fn a_picture_without_its_end_gets_one() {
    for (name, jpeg) in kinds() {
        let bare = &jpeg[..jpeg.len() - 2];
        for end in [
            &b""[..],
            b"\xff",
            b"\0\0",
            b"\xd9\0",
            b"\xff\xff",
            b"\xff\0",
            &[0; 4096],
            &[0xff; 4096],
        ] {
            let odd = [bare, end].concat();
            assert_eq!(
                sent(&odd).as_deref(),
                Ok(&jpeg[..]),
                "{name} ends with {:?}",
                &end[..end.len().min(4)]
            );
        }
    }
}

#[test]
fn a_picture_without_its_end_does_not_get_an_older_ones() {
    let old = made(Like { quality: 97, seed: 9, ..PLAIN }, 80, 64);
    for (name, new) in kinds() {
        let bare = new.len() - 2;
        assert!(new.len() < old.len(), "{name}");
        // The older picture's end is not the frame's.
        for rest in [&b""[..], b"\x55\x66", &[0; 500]] {
            let frame = [&new[..bare], &old[bare..], rest].concat();
            assert_eq!(sent(&frame).as_deref(), Ok(&new[..]), "{name}");
        }
        let endless = [&new[..bare], &old[bare..old.len() - 2]].concat();
        assert_eq!(sent(&endless).as_deref(), Ok(&new[..]), "{name}");
    }
}

#[test]
fn half_a_picture_seldom_passes_with_the_rest_of_an_older_one() {
    let (mut passed, mut all) = (0, 0);
    for quality in [70, 80, 90] {
        let old = made(Like { quality, seed: 9, ..PLAIN }, 128, 96);
        let new = made(PLAIN, 128, 96);
        let (_, scan) = place(&new, SOS);
        for cut in (scan + 20..new.len().min(old.len()) - 20).step_by(7) {
            let frame = [&new[..cut], &old[cut..]].concat();
            all += 1;
            passed += u32::from(check(&frame).is_ok());
        }
    }
    // Some codes look like those of one picture. With restarts there are none.
    assert!(passed * 5 < all, "{passed} of {all}");
}

#[test]
fn a_camera_is_believed_when_its_ends_were_seen_to_be_its_own() {
    let (new, old) = (picture(), made(Like { quality: 97, seed: 9, ..PLAIN }, 64, 48));
    let stale = [&new[..new.len() - 2], &old[new.len() - 2..]].concat();
    let mut checker = Checker::default();
    for frame in 1..=DOUBTS {
        assert!(checker.check(&new).is_ok());
        assert_eq!(checker.doubts, DOUBTS - frame);
    }
    // From now on the codes are read seldom, but after a frame with foreign codes each time.
    let sent = |checker: &mut Checker| {
        let mut memory = Vec::new();
        checker.check(&stale).unwrap().mended(&mut memory).to_vec()
    };
    let until = (0..SELDOM).find(|_| sent(&mut checker) == new);
    assert!(until.is_some_and(|frames| frames > SELDOM / 2), "{until:?}");
    assert_eq!(sent(&mut checker), new);
    assert_eq!(checker.doubts, DOUBTS);
}

#[test]
fn a_camera_whose_codes_break_the_rules_is_shown_all_the_same() {
    // The codes of 64x40 pixels where 64x48 are promised: libjpeg shows the rest grey.
    let mut short = made(PLAIN, 64, 40);
    let (frame, _) = place(&short, 0xc0);
    short[frame + 6] = 48;
    let mut checker = Checker::default();
    let first = (0..DOUBTS).find(|_| checker.check(&short).is_ok());
    assert_eq!(first, None);
    for _ in 0..2 * SELDOM {
        assert!(checker.check(&short).is_ok());
    }
    // If a camera's codes are readable, this is a cut picture.
    let mut checker = Checker::default();
    assert!(checker.check(&picture()).is_ok());
    for _ in 0..2 * DOUBTS {
        assert_eq!(checker.check(&short), Err("truncated"));
    }
}

#[test]
fn a_few_bytes_too_many_before_the_end_are_no_reason_to_doubt() {
    let jpeg = picture();
    let odd = with(&jpeg, jpeg.len() - 2, &[0, 0x12]);
    assert_eq!(sent(&odd).as_deref(), Ok(&jpeg[..]));
    let mut checker = Checker::default();
    for _ in 0..DOUBTS {
        assert!(checker.check(&odd).is_ok());
    }
    assert!(checker.check(&odd).is_ok_and(|whole| whole.pieces.is_empty()));
}

#[test]
fn a_picture_cut_anywhere_is_never_whole() {
    for (name, jpeg) in kinds() {
        for cut in 0..jpeg.len() - 2 {
            let word = check(&jpeg[..cut]).map(|_| ());
            assert!(matches!(word, Err("truncated" | "empty")), "{name} cut at {cut}: {word:?}");
        }
    }
    for (name, jpeg) in in_scans() {
        for cut in 0..jpeg.len() {
            assert!(check(&jpeg[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_cut_picture_in_a_filled_buffer_is_never_whole() {
    for (name, jpeg) in kinds() {
        let (_, scan) = place(&jpeg, SOS);
        let mut passed = 0;
        // The last block proves nothing; at the best quality it is a large one.
        let last = jpeg.len() - if name == "best quality" { 300 } else { 150 };
        for cut in (scan..last).step_by(9) {
            for filling in [0, 0xff, 0xaa, 0x12] {
                let frame = [&jpeg[..cut], &[filling; 9000]].concat();
                passed += u32::from(check(&frame).is_ok());
            }
        }
        assert_eq!(passed, 0, "{name}");
    }
}

#[test]
fn a_piece_lost_between_restarts_is_noticed() {
    let jpeg = made(Like { restart: 4, ..PLAIN }, 128, 96);
    let (_, scan) = place(&jpeg, SOS);
    let restarts: Vec<usize> = (scan..jpeg.len() - 1)
        .filter(|&at| jpeg[at] == 0xff && (RST0..=RST7).contains(&jpeg[at + 1]))
        .collect();
    assert!(restarts.len() > 10);
    for pair in restarts.windows(2) {
        let lost = [&jpeg[..pair[0] - 3], &jpeg[pair[1] - 3..]].concat();
        assert_eq!(sent(&lost), Err("truncated"));
    }
    // Even if the lost ones bring the numbers full circle.
    let lost = [&jpeg[..restarts[0]], &jpeg[restarts[8]..]].concat();
    assert_eq!(sent(&lost), Err("truncated"));
}

#[test]
fn a_picture_without_huffman_tables_gets_the_standard_ones() {
    let [apart, _] = in_scans();
    let mended = sent(&without(&apart.1, DHT)).unwrap();
    assert_eq!(pixels(&mended), pixels(&apart.1));
    for (name, jpeg) in kinds() {
        let bare = without(&jpeg, DHT);
        let mended = sent(&bare).unwrap();
        assert!(is_untouched(&mended), "{name}");
        assert_eq!(pixels(&mended), pixels(&jpeg), "{name}");
        // Also where its end is missing, too.
        assert_eq!(sent(&bare[..bare.len() - 2]).as_deref(), Ok(&mended[..]), "{name}");
    }
}

#[test]
fn only_the_huffman_tables_that_are_missing_are_put_in() {
    let jpeg = picture();
    let (start, end) = place(&jpeg, DHT);
    let mut bare = jpeg.clone();
    bare.drain(start..end);
    let mended = sent(&bare).unwrap();
    assert_eq!(pixels(&mended), pixels(&jpeg));
    assert_eq!(mended.len(), jpeg.len());
    let grey = made(Like { is_grey: true, ..PLAIN }, 64, 48);
    assert!(is_untouched(&grey), "it needs none for colours");
}

#[test]
fn an_end_within_a_thumbnail_is_not_the_pictures() {
    let jpeg = picture();
    let thumbnail = [&[0xff, APP0 + 1, 0, 8][..], b"ab\xff\xd9cd"].concat();
    let with = with(&jpeg, 2, &thumbnail);
    assert_eq!(sent(&with).as_deref(), Ok(&with[..]));
    assert_eq!(check(&with[..with.len() - 20]), Err("truncated"));
}

#[test]
fn what_is_no_picture_has_a_word() {
    let jpeg = picture();
    assert_eq!(check(&[]), Err("empty"));
    assert_eq!(check(&[0]), Err("empty"));
    assert_eq!(check(&[0; 4096]), Err("garbage"));
    assert_eq!(check(b"\xff\xd8\xff\xd9"), Err("garbage"));
    assert_eq!(check(&[&[0xff, 0xd8][..], &[0x55; 100]].concat()), Err("garbage"));
    assert_eq!(check(&jpeg[..jpeg.len() / 2]), Err("truncated"));
    assert_eq!(check(&jpeg[..20]), Err("truncated"));
    for marker in [0xc0, jpeg::DQT, SOS] {
        let missing = without(&jpeg, marker);
        assert!(check(&missing).is_err(), "without {marker:x}");
    }
}

#[test]
fn kinds_that_no_viewer_shows_are_garbage() {
    let jpeg = picture();
    let (at, _) = place(&jpeg, 0xc0);
    for kind in [0xc3, 0xc5, 0xc7, 0xcb, 0xcf, 0xf7] {
        let mut odd = jpeg.clone();
        odd[at + 1] = kind;
        assert_eq!(check(&odd), Err("garbage"), "{kind:x}");
    }
    let mut deep = jpeg;
    deep[at + 4] = 12;
    assert_eq!(check(&deep), Err("garbage"));
}

#[test]
fn restarts_that_were_not_announced_are_no_part_of_a_picture() {
    let jpeg = made(Like { restart: 3, ..PLAIN }, 64, 48);
    let (at, end) = place(&jpeg, DRI);
    let mut none = jpeg.clone();
    none.drain(at..end);
    assert_eq!(check(&none), Err("truncated"));
}
