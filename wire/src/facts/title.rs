//! Titles: what people call a node or a camera, in any script. The topics keep their names.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::facts::people::one_line;
use crate::limits;
use crate::topics::name::CameraName;

/// The end of the topics that set a title.
const SET: &str = "set/title";

/// Why a text cannot be a title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTitle {
    /// It is no text.
    #[error("a title is text in UTF-8")]
    NotText,
    /// It has more than [`limits::TITLE`] characters as people count them.
    #[error("a title has at most {most} characters, and this has {0}", most = limits::TITLE)]
    TooLong(usize),
    /// It has more than [`limits::TITLE_BYTES`] bytes.
    #[error("a title has at most {most} bytes in UTF-8, and this has {0}", most = limits::TITLE_BYTES)]
    TooLarge(usize),
}

/// A title that somebody gives, as it is kept: on one line, without what is invisible or turns the
/// direction of writing, in normalization form C. Empty if nothing of it is visible: that takes a
/// title away.
///
/// # Errors
/// [`BadTitle`] if it is too long.
pub fn title(given: &str) -> Result<String, BadTitle> {
    // Nobody has to clean a text that is no title whatever is left of it.
    if given.len() > limits::JSON {
        return Err(BadTitle::TooLarge(given.len()));
    }
    let title = one_line(given);
    match (title.graphemes(true).count(), title.len()) {
        (characters, _) if characters > limits::TITLE => Err(BadTitle::TooLong(characters)),
        (_, bytes) if bytes > limits::TITLE_BYTES => Err(BadTitle::TooLarge(bytes)),
        _ => Ok(title),
    }
}

/// A title as the payload of a `set/title`.
///
/// # Errors
/// [`BadTitle`] if it is no text, or too long.
pub fn parse(payload: &[u8]) -> Result<String, BadTitle> {
    title(str::from_utf8(payload).map_err(|_| BadTitle::NotText)?)
}

/// The id of the answer to a title: the end of the topic that sets it, behind the node's name. None
/// is the node itself.
pub fn answer_id(camera: Option<&CameraName>) -> String {
    camera.map_or_else(|| SET.to_owned(), |camera| format!("{camera}/{SET}"))
}

/// Whether an answer with this id is to a title.
pub fn is_answered_by(id: &str) -> bool {
    id.ends_with(SET)
}

/// A title or name that a fact tells, fit to be shown: cleaned like [`title`], and cut where that
/// would refuse it.
pub fn fit(told: &str) -> String {
    // Whoever publishes it may be a stranger; so much holds each title that is not too long.
    let begin = told.floor_char_boundary(4 * limits::TITLE_BYTES);
    let line = one_line(&told[..begin]);
    let mut fits = String::new();
    for character in line.graphemes(true).take(limits::TITLE) {
        if fits.len() + character.len() > limits::TITLE_BYTES {
            break;
        }
        fits.push_str(character);
    }
    // A joiner at the cut joins nothing.
    one_line(&fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn titles_of_any_script_are_kept_as_they_are() {
        for good in
            ["North door", "Porte nord", "北门", "الباب الشمالي", "उत्तर का दरवाज़ा", "👩‍🚀 Zoë", "<b>"]
        {
            assert_eq!(title(good).as_deref(), Ok(good));
            assert_eq!(fit(good), good);
        }
    }

    #[test]
    fn what_is_invisible_or_turns_the_writing_goes() {
        for (given, kept) in [
            ("  North \t door\r\n", "North door"),
            ("\u{202e}rood", "rood"),
            ("\u{2066}Door\u{2069}\u{200b}", "Door"),
            ("Door\0\u{7}\u{1b}[31m", "Door[31m"),
            ("\u{200b}\u{2800}", ""),
            ("", ""),
        ] {
            assert_eq!(title(given).as_deref(), Ok(kept), "{given:?}");
        }
    }

    #[test]
    fn one_title_has_one_form_however_its_accents_are_typed() {
        assert_eq!(title("Cafe\u{301}").unwrap(), "Café");
        assert_eq!(title("Cafe\u{301}"), title("Caf\u{e9}"));
    }

    #[test]
    fn it_is_measured_as_people_count_and_in_bytes() {
        for longest in ["é".repeat(64), "北".repeat(64), "e\u{301}\u{323}".repeat(64)] {
            assert!(title(&longest).is_ok(), "{longest}");
            assert_eq!(title(&format!("{longest}x")), Err(BadTitle::TooLong(65)));
        }
        let tall = format!("a{}", "\u{20dd}".repeat(300));
        assert_eq!(title(&tall), Err(BadTitle::TooLarge(901)));
        assert_eq!(fit(&tall), "");
        assert_eq!(title(&" ".repeat(1 << 20)), Err(BadTitle::TooLarge(1 << 20)));
        assert_eq!(parse(b"\xff"), Err(BadTitle::NotText));
    }

    #[test]
    fn a_title_that_is_told_too_long_is_cut_between_characters() {
        assert_eq!(fit(&"北".repeat(100_000)), "北".repeat(64));
        let families = fit(&"👩‍👩‍👧‍👦".repeat(64));
        assert!(families.len() <= limits::TITLE_BYTES && families.ends_with("👩‍👩‍👧‍👦"));
        assert_eq!(fit("Door\nHall"), "Door Hall");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_kept_unchanged_and_fits(given: String) {
            let fits = fit(&given);
            prop_assert_eq!(title(&fits), Ok(fits.clone()));
            prop_assert_eq!(fit(&fits), fits);
            if let Ok(kept) = title(&given) {
                prop_assert_eq!(title(&kept), Ok(kept));
            }
        }

        #[test]
        fn any_bytes_are_a_title_or_an_error(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
