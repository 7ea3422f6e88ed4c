//! What a word finds: one rule for the lists, the days and the suggestions.
//!
//! Capitals and accents do not matter, in any script, and a word is found anywhere in a text. Of
//! several words each must be in one of a photo's texts.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use wire::limits;

use crate::photos::filename::is_hidden;

/// Texts that many photos share and that are remembered, until they are too many.
const REMEMBERED: usize = 4096;

/// What cameras are called now, by `node/camera`: photos are shown with these names, if any.
pub(crate) type Names = HashMap<String, String>;

/// Words that photos are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    typed: String,
    /// Folded, each once.
    words: Vec<String>,
}

/// A text that is too long to be looked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {0} characters, and no text that is looked through has more than {max}", max = limits::CAPTION)]
pub(crate) struct TooLong(usize);

impl FromStr for Words {
    type Err = TooLong;

    fn from_str(typed: &str) -> Result<Self, TooLong> {
        let length = typed.chars().count();
        if length > limits::CAPTION {
            return Err(TooLong(length));
        }
        let mut words: Vec<String> = Vec::new();
        for word in fold(typed).split(' ').filter(|word| !word.is_empty()) {
            if !words.iter().any(|other| other == word) {
                words.push(word.to_owned());
            }
        }
        Ok(Words { typed: typed.to_owned(), words })
    }
}

/// As typed.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl Words {
    /// Whether each of them is in this text.
    pub fn are_in(&self, text: &str) -> bool {
        let folded = fold(text);
        self.words.iter().all(|word| folded.contains(word))
    }

    /// The text in parts: each other one, from the second on, is where a word is found first.
    pub fn mark(&self, text: &str) -> Vec<String> {
        let mut marks = self.places(text);
        marks.sort_by_key(|mark| (mark.start, mark.end));
        let (mut parts, mut at) = (Vec::new(), 0);
        for mark in marks {
            match parts.last_mut() {
                // Two that touch or overlap are one.
                Some(last) if mark.start <= at && at > 0 => {
                    let more: &str = text.get(at..mark.end).unwrap_or_default();
                    String::push_str(last, more);
                }
                _ => parts.extend([&text[at..mark.start], &text[mark.clone()]].map(str::to_owned)),
            }
            at = at.max(mark.end);
        }
        parts.push(text[at..].to_owned());
        parts
    }

    /// Where each word is found first, in bytes.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut folded = String::new();
        // For each byte of the folded text the character that it is from.
        let mut from = Vec::new();
        for (at, c) in text.char_indices() {
            fold_into(&mut folded, c);
            from.resize(folded.len(), at..at + c.len_utf8());
        }
        let found = self.words.iter().filter_map(|word| {
            let at = folded.find(word)?;
            let (first, last) = (from.get(at)?, from.get(at + word.len() - 1)?);
            let accents = text[last.end..].chars().take_while(|&c| is_accent(c));
            Some(first.start..last.end + accents.map(char::len_utf8).sum::<usize>())
        });
        found.collect()
    }
}

/// Looks for words through the texts of many photos.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    words: &'a Words,
    /// Which words a text has, for texts that come again and again.
    known: HashMap<String, Box<[bool]>>,
}

impl<'a> Search<'a> {
    pub fn new(words: &'a Words) -> Self {
        Search { words, known: HashMap::new() }
    }

    /// Whether each word is in the photo's own text or in one of those that it shares with others.
    pub fn finds(&mut self, own: &str, shared: [&str; 3]) -> bool {
        let words = &self.words.words;
        let own = if own.is_empty() { String::new() } else { fold(own) };
        for text in shared {
            if !self.known.contains_key(text) {
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                let folded = fold(text);
                let has = words.iter().map(|word| folded.contains(word)).collect();
                self.known.insert(text.to_owned(), has);
            }
        }
        let has = shared.map(|text| self.known.get(text));
        words.iter().enumerate().all(|(n, word)| {
            has.iter().flatten().any(|has| has[n]) || !own.is_empty() && own.contains(word)
        })
    }
}

/// Without accents and capitals, with one form for what looks alike (NFKD), and with spaces for all
/// that separates words.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        fold_into(&mut folded, c);
    }
    folded
}

fn fold_into(folded: &mut String, c: char) {
    if c.is_ascii_graphic() {
        return folded.push(c.to_ascii_lowercase());
    }
    if c.is_whitespace() || c.is_control() {
        return folded.push(' ');
    }
    decompose_compatible(c, |c| {
        if c == ' ' || !is_hidden(c) && !is_accent(c) {
            // Capitals in between make one of what has several small forms, such as ß and ς.
            let large = c.to_lowercase().flat_map(char::to_uppercase);
            folded.extend(large.flat_map(char::to_lowercase));
        }
    });
}

/// Marks above, below and through letters, and the points of Hebrew and Arabic. Those of other
/// classes make other letters: the nukta and virama of India, the voicing of kana (UAX 44, 5.7.4).
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(typed: &str) -> Words {
        typed.parse().unwrap()
    }

    #[test]
    fn capitals_and_accents_do_not_matter_in_any_script() {
        for (typed, text) in [
            ("har", "First HARVEST"),
            ("nandu", "Ñandú"),
            ("Ñandu\u{301}", "nandu"),
            ("strasse", "Große Straße"),
            ("STRAẞE", "strasse"),
            ("σοφος", "ΣΟΦΌΣ"),
            ("istanbul", "İSTANBUL"),
            ("файл", "ФАЙЛ"),
            ("елка", "Ёлка"),
            ("花", "花园"),
            ("한", "한국"),
            ("がっこう", "ガッコウ がっこう"),
            ("ｆｕｌｌ", "full width"),
            ("fi", "ﬁne"),
            ("محمد", "مُحَمَّد"),
            ("שלום", "שָׁלוֹם"),
            ("हिन्दी", "हिन्दी में"),
            ("%", "100 %"),
            ("_", "a_b"),
            ("'; DROP TABLE photos; --", "'; drop table photos; --"),
            ("patio first", "First harvest from the patio"),
            ("a\0b", "b a"),
            ("\u{301}", "anything"),
            ("", ""),
        ] {
            assert!(words(typed).are_in(text), "{typed:?} in {text:?}");
        }
        for (typed, text) in [
            ("har", "hal"),
            ("%", "100"),
            ("_", "ab"),
            ("か", "が".get(3..).unwrap_or_default()),
            ("patio last", "First harvest from the patio"),
            ("first harvest", "firstharves"),
        ] {
            assert!(!words(typed).are_in(text), "{typed:?} in {text:?}");
        }
    }

    #[test]
    fn no_word_is_longer_than_what_it_is_looked_for_in() {
        assert_eq!("é".repeat(501).parse::<Words>(), Err(TooLong(501)));
        assert!(words(&"é".repeat(500)).are_in(&"E".repeat(500)));
        let many: String = (0..250).map(|n| format!("{} ", n % 10)).collect();
        assert_eq!(words(&many).words.len(), 10);
    }

    #[test]
    fn what_is_found_is_marked_in_the_text_as_it_was_written() {
        for (typed, text, marked) in [
            ("har", "First harvest", "First [har]vest"),
            ("fir vest", "First harvest", "[Fir]st har[vest]"),
            ("fir irs", "First harvest", "[Firs]t harvest"),
            ("first st", "First harvest", "[First] harvest"),
            ("ndu", "Ñandú", "Ña[ndú]"),
            ("ndu", "Nandu\u{301}!", "Na[ndu\u{301}]!"),
            ("ss", "Straße", "Stra[ß]e"),
            ("s", "Straße", "[S]traße"),
            ("하", "한국", "[한]국"),
            ("none", "First", "First"),
            ("", "First", "First"),
        ] {
            let parts = words(typed).mark(text);
            let shown = parts.iter().enumerate().map(|(n, part)| match n % 2 {
                0 => part.clone(),
                _ => format!("[{part}]"),
            });
            assert_eq!(shown.collect::<String>(), marked, "{typed:?}");
        }
    }

    #[test]
    fn each_word_is_in_one_of_the_texts() {
        let words = words("harvest ana");
        let mut search = Search::new(&words);
        for _ in 0..2 {
            assert!(search.finds("The harvest", ["Ana", "", ""]));
            assert!(search.finds("", ["Ana", "Harvest", ""]));
            assert!(!search.finds("", ["Ana", "Door", "pi/door"]));
            assert!(!search.finds("The harvest", ["", "", ""]));
        }
    }

    proptest! {
        #[test]
        fn a_part_of_a_text_is_found_in_it_and_marks_lose_nothing(text: String, at: u8, length: u8) {
            let part: String = text.chars().skip(at.into()).take(length.into()).collect();
            if let Ok(words) = part.parse::<Words>() {
                prop_assert!(words.are_in(&text));
                prop_assert_eq!(words.mark(&text).concat(), text.clone());
                let mut search = Search::new(&words);
                prop_assert!(search.finds(&text, ["", "", ""]));
                prop_assert!(search.finds("", ["", &text, ""]));
            }
        }

        #[test]
        fn folding_twice_is_folding_once(text: String) {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
