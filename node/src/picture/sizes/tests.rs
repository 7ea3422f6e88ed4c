use super::*;
use crate::picture::raw::pixels::{Coding, Range};
use crate::picture::raw::scene::{packed, psnr, raw, raw_codings};

fn pictures(
    layout: &Layout,
    frame: &[u8],
    steps: &[usize],
) -> Vec<(usize, Result<Vec<u8>, &'static str>)> {
    let mut made = Vec::new();
    Sizes::default().make(layout, frame, 95, steps, None, |step, jpeg| {
        made.push((step, jpeg.map(<[u8]>::to_vec)));
    });
    made
}

#[test]
fn every_format_shows_the_same_picture_at_every_size() {
    for coding in raw_codings() {
        for (width, height) in [(320, 240), (322, 181), (37, 21)] {
            let layout = packed(coding, width, height, Range::Full);
            for (step, jpeg) in pictures(&layout, &raw(&layout), &[1, 2, 3, 4]) {
                let psnr = psnr(&layout, step, &jpeg.unwrap());
                // A picture of a few blocks has more edge than middle.
                assert!(psnr > 29.0, "{coding} {width}x{height} 1/{step}: {psnr}");
            }
        }
    }
}

#[test]
fn a_preview_is_at_most_640_wide() {
    for width in [1, 160, 640, 641, 800, 1280, 1600, 1920, 2592, 3840, 8000] {
        for coding in [Coding::Nv12, Coding::Mjpeg] {
            let layout = packed(coding, width, 480, Range::Full);
            let step = preview_step(&layout);
            assert!(
                offered(&layout).len() == 1 || width.div_ceil(step) <= 640,
                "{coding} {width}: {step}"
            );
            assert!(width > 640 || step == 1);
        }
    }
    assert_eq!(preview_step(&packed(Coding::Yuyv, 1920, 1080, Range::Full)), 3);
}

#[test]
fn a_frame_that_cannot_be_used_has_a_word_for_each_size() {
    let layout = packed(Coding::Yuyv, 64, 48, Range::Full);
    let words: Vec<_> =
        pictures(&layout, &[0; 100], &[1, 4]).into_iter().map(|(_, made)| made).collect();
    assert_eq!(words, [Err("truncated"), Err("truncated")]);
}

#[cfg(feature = "turbojpeg")]
mod mjpeg {
    use super::*;
    use crate::picture::jpeg::encode::Encode;
    use crate::picture::raw::planes::{Planes, Sampling};

    /// The scene as a camera's JPEG with each kind of sampling, and its layout.
    fn cameras(width: usize, height: usize) -> Vec<(Layout, Vec<u8>)> {
        let jpeg = |coding: Coding| {
            let layout = packed(coding, width, height, Range::Full);
            let jpeg = pictures(&layout, &raw(&layout), &[1]).remove(0).1.unwrap();
            let described = if coding == Coding::Grey { Coding::Grey } else { Coding::Mjpeg };
            (Layout { coding: described, ..layout }, jpeg)
        };
        [Coding::Yuyv, Coding::Nv12, Coding::Grey].map(jpeg).into()
    }

    fn as_jpeg(layout: &Layout) -> Layout {
        Layout { coding: Coding::Mjpeg, ..*layout }
    }

    #[test]
    fn the_full_picture_is_passed_through() {
        let (layout, jpeg) = cameras(64, 48).remove(0);
        assert_eq!(pictures(&layout, &jpeg, &[1]), [(1, Ok(jpeg))]);
        // It does not even read it.
        assert_eq!(pictures(&layout, b"anything", &[1]), [(1, Ok(b"anything".to_vec()))]);
    }

    #[test]
    fn smaller_ones_show_the_same_picture() {
        for (width, height) in [(320, 240), (322, 181), (37, 21), (1, 1)] {
            for (layout, jpeg) in cameras(width, height) {
                for steps in [&[1, 2, 4, 8][..], &[2], &[4], &[4, 8], &[16]] {
                    let made = pictures(&as_jpeg(&layout), &jpeg, steps);
                    assert_eq!(made.len(), steps.len());
                    for (step, jpeg) in made {
                        let psnr = psnr(&layout, step, &jpeg.unwrap());
                        // Of a picture of few blocks a sixteenth is all edge.
                        let least = if step > 4 { 10.0 } else { 30.0 };
                        assert!(psnr > least, "{layout:?} 1/{step} of {steps:?}: {psnr}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_sampling_is_made_smaller() {
        let (y, u) = (vec![90; 64 * 64], vec![120; 64 * 64]);
        let plane = |bytes| crate::picture::raw::planes::Plane { bytes, stride: 64 };
        for sampling in [
            Sampling::S444,
            Sampling::S422,
            Sampling::S420,
            Sampling::S440,
            Sampling::S411,
            Sampling::S441,
        ] {
            let planes = Planes {
                width: 50,
                height: 46,
                sampling,
                planes: [plane(&y), plane(&u), plane(&u)],
            };
            let mut encoder = Encoder::default();
            let jpeg = encoder.encode(&planes, 90).unwrap();
            let mut reducer = Reducer::default();
            let half = reducer.reduce(jpeg, 2).unwrap();
            assert_eq!((half.width, half.height, half.sampling), (25, 23, sampling));
            let rows = |plane: usize| {
                let (columns, rows) = sampling.extent(plane, 25, 23);
                (0..rows).flat_map(move |row| half.planes[plane].row(row, columns).to_vec())
            };
            assert!(rows(0).all(|value| value.abs_diff(90) <= 1), "{sampling:?}");
            assert!(rows(1).chain(rows(2)).all(|value| value.abs_diff(120) <= 1), "{sampling:?}");
        }
    }

    #[test]
    fn a_picture_cut_anywhere_has_a_word_and_never_a_panic() {
        let (_, jpeg) = cameras(64, 48).remove(0);
        let mut reducer = Reducer::default();
        for cut in 0..jpeg.len() - 2 {
            let made = reducer.reduce(&jpeg[..cut], 2).map(|_| ());
            assert!(matches!(made, Err("garbage" | "format")), "cut at {cut}: {made:?}");
        }
        assert!(reducer.reduce(&jpeg, 2).is_ok(), "it goes on after all these");
    }

    #[test]
    fn bytes_changed_anywhere_do_no_harm() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut reducer = Reducer::default();
        let mut decoded = 0;
        for (_, jpeg) in cameras(49, 35) {
            for _ in 0..4000 {
                let mut jpeg = jpeg.clone();
                for _ in 0..random.usize(1..6) {
                    let at = if random.bool() {
                        random.usize(..jpeg.len())
                    } else {
                        random.usize(..620)
                    };
                    let at = at.min(jpeg.len() - 1);
                    jpeg[at] = random.u8(..);
                }
                let by = [2, 4, 8][random.usize(..3)];
                match reducer.reduce(&jpeg, by) {
                    Ok(planes) => {
                        decoded += 1;
                        // Every row is there.
                        for plane in 0..planes.sampling.planes() {
                            let (columns, rows) =
                                planes.sampling.extent(plane, planes.width, planes.height);
                            assert_eq!(planes.planes[plane].row(rows - 1, columns).len(), columns);
                        }
                    }
                    Err(word) => assert!(["garbage", "format"].contains(&word)),
                }
            }
        }
        assert!(decoded > 100, "{decoded}");
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_takes_no_memory() {
        let (_, mut jpeg) = cameras(64, 48).remove(0);
        let sof = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        jpeg[sof + 5..sof + 9].copy_from_slice(&[0xff, 0x00, 0xff, 0x00]);
        let mut reducer = Reducer::default();
        assert_eq!(reducer.reduce(&jpeg, 2).map(|_| ()), Err("garbage"));
    }

    #[test]
    fn a_scan_that_tells_of_itself_what_is_not_so_is_harmless() {
        let (layout, mut jpeg) = cameras(64, 48).remove(0);
        let scan = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        // The last coefficient of the scan, which some cameras leave zero.
        jpeg[scan + 12] = 0;
        let made = pictures(&as_jpeg(&layout), &jpeg, &[2]).remove(0).1.unwrap();
        assert!(psnr(&Layout { coding: Coding::Yuyv, ..layout }, 2, &made) > 31.0);
    }

    #[test]
    fn extraneous_bytes_before_the_end_are_harmless() {
        let (layout, jpeg) = cameras(64, 48).remove(0);
        let end = jpeg.len() - 2;
        let odd = [&jpeg[..end], &[0x00, 0x12][..], &jpeg[end..]].concat();
        let made = pictures(&layout, &odd, &[2]).remove(0).1.unwrap();
        assert!(psnr(&Layout { coding: Coding::Yuyv, ..layout }, 2, &made) > 31.0);
    }
}
