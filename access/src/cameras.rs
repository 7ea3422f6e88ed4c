//! Which cameras somebody may see, as patterns.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wire::{CameraId, NodeName, limits};

/// The most patterns of one list.
const MOST: usize = 64;

/// Cameras by pattern, at least one and at most 64. A pattern is `NODE/CAMERA`, in which each `*`
/// stands for any characters but `/`, such as `house/*`, `*/door` and `web-*/*`; `*` alone stands
/// for all cameras. Cheap to clone.
///
/// ```
/// let cameras: access::Cameras = "house/*, */door".parse()?;
/// assert!(cameras.sees(&"house/attic".parse()?) && cameras.sees(&"barn/door".parse()?));
/// assert!(!cameras.sees(&"barn/stable".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Cameras(Option<Arc<[Pattern]>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pattern {
    node: String,
    camera: String,
}

/// Why patterns were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCameras {
    /// One of them is not valid; only its beginning is kept.
    #[error(
        "{0:?} names no cameras: write NODE/CAMERA in a-z 0-9 - _, with * for any characters, \
         such as \"house/*\" or \"*/door\", or * for all cameras"
    )]
    Pattern(String),
    /// There are none.
    #[error("no cameras are named: write such as \"house/*\", or * for all cameras")]
    None,
    /// There are too many.
    #[error("there are more than {MOST} patterns of cameras; use * to say it in fewer")]
    TooMany,
}

impl Cameras {
    /// All cameras, whatever they are called.
    pub const ALL: Cameras = Cameras(None);

    /// Reads patterns.
    ///
    /// # Errors
    /// One is not valid, or there are none or too many.
    pub fn parse<T: AsRef<str>>(typed: impl IntoIterator<Item = T>) -> Result<Cameras, BadCameras> {
        let mut patterns = Vec::new();
        for typed in typed {
            if patterns.len() == MOST {
                return Err(BadCameras::TooMany);
            }
            let pattern: Pattern = typed.as_ref().parse()?;
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        match patterns.as_slice() {
            [] => Err(BadCameras::None),
            all if all.iter().any(|one| is_any(&one.node) && is_any(&one.camera)) => {
                Ok(Cameras::ALL)
            }
            _ => Ok(Cameras(Some(patterns.into()))),
        }
    }

    /// Whether these are all cameras.
    pub fn are_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a camera is among them.
    pub fn sees(&self, camera: &CameraId) -> bool {
        self.with(&camera.node).is_none_or(|mut patterns| {
            patterns.any(|pattern| fits(&pattern.camera, camera.camera.as_str()))
        })
    }

    /// Whether a camera of this node can be among them.
    pub fn sees_some_of(&self, node: &NodeName) -> bool {
        self.with(node).is_none_or(|mut patterns| patterns.next().is_some())
    }

    /// Whether every camera of this node is among them.
    pub fn sees_all_of(&self, node: &NodeName) -> bool {
        self.with(node).is_none_or(|mut patterns| patterns.any(|pattern| is_any(&pattern.camera)))
    }

    /// The patterns that fit a node; none where all cameras are meant.
    fn with(&self, node: &NodeName) -> Option<impl Iterator<Item = &Pattern>> {
        let fits = move |pattern: &&Pattern| fits(&pattern.node, node.as_str());
        Some(self.0.as_ref()?.iter().filter(fits))
    }

    /// The patterns as text.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        let all = self.0.is_none().then(|| "*".to_owned());
        all.into_iter()
            .chain(self.0.iter().flat_map(|patterns| &**patterns).map(ToString::to_string))
    }
}

impl TryFrom<Vec<String>> for Cameras {
    type Error = BadCameras;

    fn try_from(typed: Vec<String>) -> Result<Cameras, BadCameras> {
        Cameras::parse(typed)
    }
}

impl From<Cameras> for Vec<String> {
    fn from(cameras: Cameras) -> Vec<String> {
        cameras.iter().collect()
    }
}

/// Patterns with commas or spaces between them, as typed on a command line.
impl FromStr for Cameras {
    type Err = BadCameras;

    fn from_str(typed: &str) -> Result<Cameras, BadCameras> {
        Cameras::parse(typed.split([',', ' ']).filter(|pattern| !pattern.is_empty()))
    }
}

impl fmt::Display for Cameras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.iter().collect::<Vec<_>>().join(", "))
    }
}

impl FromStr for Pattern {
    type Err = BadCameras;

    fn from_str(typed: &str) -> Result<Pattern, BadCameras> {
        let (node, camera) = match typed {
            "*" => ("*", "*"),
            _ => typed.split_once('/').ok_or_else(|| bad(typed))?,
        };
        let is_good = |part: &str| {
            (1..=limits::NAME).contains(&part.len())
                && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*'))
        };
        match is_good(node) && is_good(camera) {
            true => Ok(Pattern { node: node.to_owned(), camera: camera.to_owned() }),
            false => Err(bad(typed)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.camera)
    }
}

fn bad(typed: &str) -> BadCameras {
    BadCameras::Pattern(typed.chars().take(2 * limits::NAME).collect())
}

fn is_any(part: &str) -> bool {
    part.bytes().all(|b| b == b'*')
}

/// Whether a name fits a part of a pattern: its first and last words where they must be, and those
/// between stars in their order, each as early as possible.
fn fits(part: &str, name: &str) -> bool {
    let Some((first, rest)) = part.split_once('*') else { return part == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let (between, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for word in between.split('*') {
        match name.split_once(word) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sees(patterns: &str, camera: &str) -> bool {
        patterns.parse::<Cameras>().unwrap().sees(&camera.parse().unwrap())
    }

    #[test]
    fn a_star_stands_for_any_characters_of_one_name() {
        for (patterns, seen, hidden) in [
            ("house/door", vec!["house/door"], vec!["house/doors", "houses/door", "house/doo"]),
            ("house/*", vec!["house/door", "house/a"], vec!["house2/door", "my-house/door"]),
            ("*/door", vec!["house/door", "barn/door"], vec!["house/door-2", "door/house"]),
            ("*", vec!["house/door", "web-1/camera"], vec![]),
            ("*/*", vec!["house/door"], vec![]),
            ("web-*/*", vec!["web-01j9/camera"], vec!["web/camera", "house/web-1"]),
            ("h*e/d*r", vec!["house/door", "he/dr"], vec!["h/door", "house/do"]),
            ("*a*b*/c", vec!["ab/c", "xaxbx/c", "aab/c"], vec!["ba/c", "a/c"]),
            ("aa*a/c", vec!["aaa/c", "aaxa/c"], vec!["aa/c"]),
            ("house/*, barn/door", vec!["house/x", "barn/door"], vec!["barn/x"]),
        ] {
            for camera in seen {
                assert!(sees(patterns, camera), "{patterns} shows {camera}");
            }
            for camera in hidden {
                assert!(!sees(patterns, camera), "{patterns} hides {camera}");
            }
        }
    }

    #[test]
    fn of_a_node_they_are_some_or_all() {
        let cameras: Cameras = "house/*, */door, barn*/**".parse().unwrap();
        let of = |node: &str| {
            let node = node.parse().unwrap();
            (cameras.sees_some_of(&node), cameras.sees_all_of(&node))
        };
        assert_eq!((of("house"), of("barn-2")), ((true, true), (true, true)));
        assert_eq!(of("attic"), (true, false), "it may have a door");
        let one: Cameras = "house/door".parse().unwrap();
        assert!(!one.sees_some_of(&"attic".parse().unwrap()));
        assert!(Cameras::ALL.sees_all_of(&"attic".parse().unwrap()));
    }

    #[test]
    fn only_a_pattern_of_stars_is_all() {
        for (patterns, are_all) in
            [("*", true), ("*/*", true), ("a/b **/***", true), ("*/a", false), ("a/* */b", false)]
        {
            assert_eq!(patterns.parse::<Cameras>().unwrap().are_all(), are_all, "{patterns}");
        }
        assert_eq!(Cameras::default(), Cameras::ALL);
        assert_eq!(Cameras::ALL.to_string().parse(), Ok(Cameras::ALL));
    }

    #[test]
    fn what_is_no_pattern_is_named_with_the_rule() {
        for bad in ["house", "House/*", "house/", "/door", "a/b/c", "house/[a]", "häuser/*", "?/*"]
        {
            let error = bad.parse::<Cameras>().unwrap_err();
            assert_eq!(error, BadCameras::Pattern(bad.to_owned()));
            assert!(error.to_string().contains("house/*"), "{error}");
        }
        assert_eq!("".parse::<Cameras>(), Err(BadCameras::None));
        assert_eq!(" , ".parse::<Cameras>(), Err(BadCameras::None));
        let names = |count: usize| (0..count).map(|n| format!("n{n}/*"));
        assert!(Cameras::parse(names(MOST)).is_ok());
        assert_eq!(Cameras::parse(names(MOST + 1)), Err(BadCameras::TooMany));
        let long = format!("{}/*", "é".repeat(10_000)).parse::<Cameras>().unwrap_err();
        assert!(long.to_string().len() < 500);
        assert!(format!("{}/*", "n".repeat(limits::NAME + 1)).parse::<Cameras>().is_err());
    }

    #[test]
    fn they_are_kept_as_a_list_of_text() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Kept {
            cameras: Cameras,
        }
        for (text, expected) in [
            ("cameras = ['house/*', '*/door', 'house/*']", "house/*, */door"),
            ("cameras = ['house/*', '*/*']", "*"),
        ] {
            let kept: Kept = toml::from_str(text).unwrap();
            assert_eq!(kept.cameras.to_string(), expected);
            assert_eq!(toml::from_str::<Kept>(&toml::to_string(&kept).unwrap()).unwrap(), kept);
        }
        for bad in ["cameras = []", "cameras = ['house']", "cameras = 'house/*'", "cameras = [1]"] {
            assert!(toml::from_str::<Kept>(bad).is_err(), "{bad}");
        }
    }

    /// The definition: a star takes none or one more.
    fn by_definition(part: &[u8], name: &[u8]) -> bool {
        match (part, name) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                by_definition(rest, name)
                    || matches!(name, [_, left @ ..] if by_definition(part, left))
            }
            ([first, rest @ ..], [letter, left @ ..]) => {
                first == letter && by_definition(rest, left)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_part_fits_as_the_definition_says(part in "[ab*]{1,8}", name in "[ab]{1,10}") {
            let expected = by_definition(part.as_bytes(), name.as_bytes());
            prop_assert_eq!(fits(&part, &name), expected);
        }

        #[test]
        fn what_is_written_is_read_as_the_same(typed in "([a-b*]{1,3}/[a-b*]{1,3},){1,4}") {
            let cameras: Cameras = typed.parse().unwrap();
            let again: Cameras = cameras.to_string().parse().unwrap();
            prop_assert_eq!(again.are_all(), cameras.are_all());
            for camera in ["a/b", "ab/a", "bb/bbb", "aba/ba"] {
                let camera = camera.parse().unwrap();
                prop_assert_eq!(again.sees(&camera), cameras.sees(&camera));
            }
        }

        #[test]
        fn no_text_is_too_much(typed in ".*") {
            let _ = typed.parse::<Cameras>();
        }
    }
}
