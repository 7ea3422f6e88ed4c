//! Whatever bytes come: one whole picture or a word.

use proptest::prelude::*;

use super::*;

fn any_picture() -> impl Strategy<Value = Vec<u8>> {
    (any::<u64>(), 1u8..=100, 0u16..5, any::<bool>(), 1u16..70, 1u16..50).prop_map(
        |(seed, quality, restart, is_grey, width, height)| {
            made(Like { seed, quality, restart, is_grey, ..PLAIN }, width, height)
        },
    )
}

/// An independent decoder shows it, and it contains nothing of another picture.
fn is_shown(jpeg: &[u8]) -> bool {
    let starts = memmem::find_iter(jpeg, &[0xff, SOI, 0xff]).count();
    starts == 1 && jpeg_decoder::Decoder::new(jpeg).decode().is_ok()
}

proptest! {
    #[test]
    fn any_picture_is_in_order(jpeg in any_picture()) {
        prop_assert!(is_untouched(&jpeg));
        let bare = &jpeg[..jpeg.len() - 2];
        prop_assert_eq!(sent(bare), Ok(jpeg.clone()));
        prop_assert!(check(&jpeg[..jpeg.len() - 3]).is_err());
    }

    #[test]
    fn random_bytes_are_a_picture_or_have_a_word(bytes: Vec<u8>, start: bool) {
        let bytes = if start { [&[0xff, 0xd8, 0xff][..], &bytes].concat() } else { bytes };
        let _ = sent(&bytes);
    }

    #[test]
    fn a_picture_with_bytes_changed_is_a_picture_or_has_a_word(
        jpeg in any_picture(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let mut jpeg = jpeg;
        for (at, value) in changes {
            let at = at.index(jpeg.len());
            jpeg[at] = value;
        }
        if is_cut {
            jpeg.truncate(cut.index(jpeg.len()));
        }
        if let Ok(sent) = sent(&jpeg) {
            prop_assert!(jpeg::segments(&sent).all(|segment| segment.is_ok()));
            prop_assert!(sent.ends_with(&[0xff, EOI]));
            // What is mended needs no more.
            prop_assert!(is_untouched(&sent) || !is_shown(&sent));
        }
    }

    #[test]
    fn pieces_of_pictures_and_rubbish_give_one_picture_or_a_word(
        first in any_picture(), second in any_picture(), rubbish: Vec<u8>,
        cuts in proptest::array::uniform4(any::<prop::sample::Index>()),
        order in 0u8..4,
    ) {
        let piece = |jpeg: &[u8], a: &prop::sample::Index, b: &prop::sample::Index| {
            let (a, b) = (a.index(jpeg.len() + 1), b.index(jpeg.len() + 1));
            jpeg[a.min(b)..a.max(b)].to_vec()
        };
        let (one, two) = (piece(&first, &cuts[0], &cuts[1]), piece(&second, &cuts[2], &cuts[3]));
        let frame = match order {
            0 => [one, rubbish, two].concat(),
            1 => [first.clone(), two, rubbish].concat(),
            2 => [one, second.clone(), rubbish].concat(),
            _ => [first[..one.len()].to_vec(), second.clone()].concat(),
        };
        if let Ok(sent) = sent(&frame) {
            prop_assert!(is_shown(&sent), "{} bytes", sent.len());
            if order == 3 {
                prop_assert_eq!(sent, second);
            }
        }
    }
}
