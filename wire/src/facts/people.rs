//! People: who is here, and what they say.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::facts::payload::{BadPayload, read, write};
use crate::facts::photo::Author;
use crate::limits;
use crate::topics::name::{CameraId, GalleryId, PersonId, PhotoId};

/// A person who is here: the payload of `people/<id>`, retained, cleared when they leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their name, filtered by [`shown`].
    pub name: String,
    /// Since when they have been here, in milliseconds since 1970.
    pub since: u64,
    /// The gallery that speaks for them; none for `vitrina chat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery: Option<GalleryId>,
}

impl Person {
    /// Reads the payload of a person's topic, and filters the name for display.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or has no name that can be shown.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        use serde::de::Error;
        let mut person: Person = read(payload)?;
        person.name = name(&person.name)
            .ok_or_else(|| serde_json::Error::custom("the name cannot be shown"))?;
        Ok(person)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A message to all: the payload of `people/<id>/say`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// Its own id, a ULID.
    pub id: PhotoId,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The text, filtered by [`shown`]. Lines end with `\n`.
    pub text: String,
}

impl Say {
    /// Reads the payload of a say topic, and filters the text for display.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large, not such JSON, or has no text that can be shown.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        use serde::de::Error;
        let mut say: Say = read(payload)?;
        say.text = text(&say.text)
            .ok_or_else(|| serde_json::Error::custom("the text is empty or too long"))?;
        Ok(say)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A line of the talk: what somebody said, who came or who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its own id, a ULID.
    pub id: PhotoId,
    /// When, in milliseconds since 1970 by the gallery's clock.
    pub at: u64,
    /// Who.
    pub person: Author,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// The content of a line of the talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum What {
    /// They came.
    Joined,
    /// They left.
    Left {
        /// They did not say good-bye: the connection was lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
    },
    /// They changed their name.
    Renamed {
        /// Their earlier name.
        before: String,
    },
    /// They said something.
    Said {
        /// What.
        text: String,
    },
}

/// Somebody who is here, as the page shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Their public id.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Since when they have been here, in milliseconds since 1970 by the gallery's clock.
    pub since: u64,
    /// The camera that they show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraId>,
}

/// A name that can be shown to others; none if nothing is left of it or it is too long.
///
/// It has 1 to [`limits::PERSON`] characters of any script, on one line. Invisible characters are
/// removed, so that nobody can use them to imitate somebody.
pub fn name(given: &str) -> Option<String> {
    let name = one_line(given);
    (1..=limits::PERSON).contains(&name.chars().count()).then_some(name)
}

/// A text on one line, by the rule of [`shown`], in Unicode's normalization form C: what looks the
/// same is the same.
pub fn one_line(given: &str) -> String {
    let words: Vec<&str> = given.split_whitespace().collect();
    shown(&words.join(" ")).trim().nfc().collect()
}

/// A text that can be shown to others; none if it is empty or too long.
pub fn text(given: &str) -> Option<String> {
    let text = shown(&given.replace("\r\n", "\n")).trim().to_owned();
    (1..=limits::SAY).contains(&text.chars().count()).then_some(text)
}

/// Removes what is invisible or changes the direction of writing: control characters except the end
/// of a line, and Unicode's format characters and blank fillers. The joiners that scripts and emoji
/// need stay between two visible characters.
pub fn shown(given: &str) -> String {
    let mut out = String::new();
    let mut chars = given.chars().peekable();
    while let Some(c) = chars.next() {
        let stays = match c {
            '\n' => true,
            '\u{200c}' | '\u{200d}' => {
                out.chars().last().is_some_and(is_visible)
                    && chars.peek().copied().is_some_and(is_visible)
            }
            c => is_visible(c) || c == ' ',
        };
        if stays {
            out.push(c);
        }
    }
    out
}

fn is_visible(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Golden {
        person: Vec<Person>,
        say: Vec<Say>,
        line: Vec<Line>,
    }

    const GOLDEN: &str = include_str!("../../golden/people.json");

    #[test]
    fn golden_payloads_are_read_and_written_back() {
        let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
        let raw: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
        let again = |json: String| serde_json::from_str::<serde_json::Value>(&json).unwrap();
        for (i, person) in golden.person.iter().enumerate() {
            assert_eq!(again(person.to_json()), raw["person"][i]);
            assert_eq!(&Person::parse(person.to_json().as_bytes()).unwrap(), person);
        }
        for (i, say) in golden.say.iter().enumerate() {
            assert_eq!(again(say.to_json()), raw["say"][i]);
            assert_eq!(&Say::parse(say.to_json().as_bytes()).unwrap(), say);
        }
        assert_eq!(serde_json::to_value(golden.line).unwrap(), raw["line"]);
    }

    #[test]
    fn names_of_any_script_are_good() {
        for good in ["Ana", "Li Wei", "李雷", "Øystein", "مريم", "नेहा", "👩‍🚀 Ada", "<b>Bob</b>"]
        {
            assert_eq!(name(good).as_deref(), Some(good));
        }
        assert_eq!(name("  Ana \t Luz\n").as_deref(), Some("Ana Luz"));
    }

    #[test]
    fn a_name_cannot_imitate_another_by_what_is_not_seen() {
        for twin in
            ["Ana\u{200b}", "\u{202e}Ana", "A\u{ad}na", "Ana\u{3164}", "Ana\u{200d}", "\u{feff}Ana"]
        {
            assert_eq!(name(twin).as_deref(), Some("Ana"), "{twin:?}");
        }
    }

    #[test]
    fn a_name_of_nothing_or_of_ten_thousand_characters_is_none() {
        for bad in ["", " ", "\u{200b}\u{2800}", "\0\u{7}", &"x".repeat(10_000)] {
            assert_eq!(name(bad), None, "{} bytes", bad.len());
        }
        assert!(name(&"é".repeat(limits::PERSON)).is_some());
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(text("one\r\ntwo\n").as_deref(), Some("one\ntwo"));
        assert_eq!(text(" \n "), None);
        assert_eq!(text(&"x".repeat(limits::SAY + 1)), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_shown_unchanged(given: String) {
            let once = shown(&given);
            prop_assert_eq!(shown(&once), once);
        }

        #[test]
        fn any_bytes_are_a_payload_or_an_error(bytes: Vec<u8>) {
            let _ = Person::parse(&bytes);
            let _ = Say::parse(&bytes);
        }
    }
}
