//! Names as types that cannot hold a bad name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits;

/// Why a name was refused. The text shows the name and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad {what} {given:?}: {rule}")]
pub struct BadName {
    what: &'static str,
    given: String,
    rule: &'static str,
}

impl BadName {
    fn new(what: &'static str, given: &str, rule: &'static str) -> Self {
        // A stranger's name can be megabytes long; the message shows its beginning.
        let given = given.chars().take(2 * limits::NAME).collect();
        BadName { what, given, rule }
    }
}

const NAME_RULE: &str = "1 to 32 of a-z 0-9 - _";

fn is_name(name: &str) -> bool {
    (1..=limits::NAME).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// A string type whose values are always valid: parsed once, at the edge.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:expr, $is_good:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = BadName;

            fn from_str(name: &str) -> Result<Self, BadName> {
                let is_good: fn(&str) -> bool = $is_good;
                if is_good(name) {
                    Ok($type(name.to_owned()))
                } else {
                    Err(BadName::new($what, name, $rule))
                }
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;

            fn try_from(name: String) -> Result<Self, BadName> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a node, 1 to 32 of `a-z 0-9 - _`, but not `gallery` or `people`, which are
    /// first words of other topics.
    NodeName, "node name", "1 to 32 of a-z 0-9 - _, but not gallery or people",
    |name| is_name(name) && name != "gallery" && name != "people"
}

name! {
    /// The name of a camera within its node, 1 to 32 of `a-z 0-9 - _`.
    CameraName, "camera name", NAME_RULE, is_name
}

name! {
    /// The id of a gallery, 1 to 32 of `a-z 0-9 - _`.
    GalleryId, "gallery id", NAME_RULE, is_name
}

name! {
    /// The public id of a person, 1 to 32 of `a-z 0-9 - _`.
    PersonId, "person id", NAME_RULE, is_name
}

name! {
    /// The id of a photo: a ULID, 26 of Crockford's base32 in capitals, of at most 128 bits
    /// (<https://github.com/ulid/spec>).
    PhotoId, "photo id", "26 of 0-9 A-Z without I L O U, the first at most 7",
    |id| {
        id.len() == 26
            && id.as_bytes()[0] <= b'7'
            && id.bytes().all(|b| {
                matches!(b, b'0'..=b'9' | b'A'..=b'Z') && !matches!(b, b'I' | b'L' | b'O' | b'U')
            })
    }
}

name! {
    /// The first word of all topics, `vitrina` unless configured; pictures are under `<root>-jpeg`.
    Root, "topic root", NAME_RULE, is_name
}

/// Crockford's base32, as ULIDs are written (<https://www.crockford.com/base32.html>).
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The lowest bits of a number, in `digits` digits.
fn base32(bits: u128, digits: u32) -> String {
    let digit = |place| char::from(BASE32[(bits >> (5 * place)) as usize & 31]);
    (0..digits).rev().map(digit).collect()
}

impl PhotoId {
    /// The ULID of a time in milliseconds since 1970 and 80 random bits; it cuts off higher bits.
    pub fn new(millis: u64, random: u128) -> Self {
        let bits = u128::from(millis) << 80 | random & (u128::MAX >> 48);
        PhotoId(base32(bits, 26))
    }

    /// The 128 bits of the ULID.
    pub fn bits(&self) -> u128 {
        let value = |digit| BASE32.iter().position(|d| *d == digit).unwrap_or_default() as u128;
        self.0.bytes().fold(0, |bits, digit| bits << 5 | value(digit))
    }
}

impl PersonId {
    /// Ten digits of base32, in small letters, from the lowest 50 bits.
    pub fn new(random: u64) -> Self {
        PersonId(base32(random.into(), 10).to_ascii_lowercase())
    }
}

impl Default for Root {
    fn default() -> Self {
        Root("vitrina".to_owned())
    }
}

impl NodeName {
    /// Whether this is a browser that shares its camera. Only a gallery speaks for those, so no
    /// machine may have such a name.
    pub fn is_browser(&self) -> bool {
        self.0.starts_with("web-")
    }

    /// A node's name made from a host name; `node` if no character of it is usable.
    pub fn from_host(host: &str) -> Self {
        let first_label = host.split('.').next().unwrap_or_default();
        let slug = slug(first_label, limits::NAME);
        let name = NodeName(if slug.is_empty() { "node".to_owned() } else { slug });
        if is_name(&name.0) && !name.is_browser() && name.0 != "gallery" && name.0 != "people" {
            name
        } else {
            let kept = limits::NAME - "node-".len();
            NodeName(format!("node-{}", &name.0[..name.0.len().min(kept)]))
        }
    }
}

impl CameraName {
    /// A camera's name made from its card name and serial number (V4L2's `card`, USB's `iSerial`);
    /// `camera` if no character of them is usable.
    ///
    /// UVC repeats the product name after a colon, cut short (`C920: HD Pro Webcam C9`); the name
    /// omits the repetition. The examples are in `golden/names.json`.
    pub fn from_card(card: &str, serial: Option<&str>) -> Self {
        let product = match card.split_once(": ") {
            Some((first, rest)) if first.starts_with(rest) => first,
            _ => card,
        };
        let serial = slug(serial.unwrap_or_default(), usize::MAX);
        // The end of a serial number distinguishes two cameras; its beginning is the maker's.
        let serial = serial[serial.len().saturating_sub(8)..].trim_matches('-');
        let room = match serial.len() {
            0 => limits::NAME,
            n => limits::NAME - 1 - n,
        };
        let mut name = slug(product, room);
        if name.is_empty() {
            name.push_str("camera");
        }
        if !serial.is_empty() {
            name.push('-');
            name.push_str(serial);
        }
        CameraName(name)
    }

    /// The same name with a number at its end, for the `n`th camera with that name.
    pub fn numbered(&self, n: usize) -> Self {
        let suffix = format!("-{n}");
        let kept = self.0.len().min(limits::NAME - suffix.len());
        CameraName(format!("{}{suffix}", self.0[..kept].trim_end_matches('-')))
    }
}

/// Lower-case ASCII with one hyphen for each run of other characters, at most `most` long.
fn slug(text: &str, most: usize) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(most);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// A camera of a node, written `node/camera`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CameraId {
    /// The node that has it.
    pub node: NodeName,
    /// Its name there.
    pub camera: CameraName,
}

impl FromStr for CameraId {
    type Err = BadName;

    fn from_str(id: &str) -> Result<Self, BadName> {
        let (node, camera) =
            id.split_once('/').ok_or_else(|| BadName::new("camera", id, "NODE/CAMERA"))?;
        Ok(CameraId { node: node.parse()?, camera: camera.parse()? })
    }
}

impl TryFrom<String> for CameraId {
    type Error = BadName;

    fn try_from(id: String) -> Result<Self, BadName> {
        id.parse()
    }
}

impl From<CameraId> for String {
    fn from(id: CameraId) -> String {
        id.to_string()
    }
}

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.camera)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_1_to_32_of_the_allowed_characters() {
        let longest = "x".repeat(32);
        for good in ["a", "pi-4", "web-01j9", "under_score", "0", &longest] {
            assert_eq!(good.parse::<NodeName>().unwrap().as_str(), good);
        }
        let too_long = "x".repeat(33);
        for bad in ["", "A", "a b", "a/b", "é", "a+", "#", "$sys", "a\0", &too_long] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad:?}");
            assert!(bad.parse::<CameraName>().is_err(), "{bad:?}");
        }
        for reserved in ["gallery", "people"] {
            assert!(reserved.parse::<NodeName>().is_err());
            assert!(reserved.parse::<CameraName>().is_ok());
        }
    }

    #[test]
    fn a_new_person_has_ten_digits() {
        assert_eq!(PersonId::new(0).as_str(), "0000000000");
        let last = PersonId::new(u64::MAX);
        assert_eq!(last.as_str(), "zzzzzzzzzz");
        assert_eq!(last.as_str().parse(), Ok(last));
    }

    #[test]
    fn a_photo_id_is_a_ulid() {
        assert!("01ARZ3NDEKTSV4RRFFQ69G5FAV".parse::<PhotoId>().is_ok());
        assert!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<PhotoId>().is_ok());
        // The example of the ULID specification.
        let id = PhotoId::new(1_469_918_176_385, 0);
        assert_eq!(id.as_str(), "01ARYZ6S410000000000000000");
        let last = PhotoId::new(u64::MAX, u128::MAX);
        assert_eq!(last.as_str().parse(), Ok(last));
        for random in [0, 7, u128::MAX >> 48] {
            assert_eq!(PhotoId::new(1, random).bits(), 1 << 80 | random);
        }
        for bad in [
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "01arz3ndektsv4rrffq69g5fav",
            "01ARZ3NDEKTSV4RRFFQ69G5FAI",
            "",
        ] {
            assert!(bad.parse::<PhotoId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_error_names_the_thing_and_the_rule() {
        let error = "Küche".parse::<CameraName>().unwrap_err();
        assert_eq!(error.to_string(), r#"bad camera name "Küche": 1 to 32 of a-z 0-9 - _"#);
    }

    #[test]
    fn a_long_bad_name_is_cut_in_the_error() {
        let error = "é".repeat(10_000).parse::<CameraName>().unwrap_err();
        assert!(error.to_string().len() < 300);
    }

    #[test]
    fn golden_names() {
        #[derive(Deserialize)]
        struct Golden {
            cameras: Vec<(String, Option<String>, String)>,
            nodes: Vec<(String, String)>,
            numbered: Vec<(String, usize, String)>,
        }
        let golden: Golden = serde_json::from_str(include_str!("../../golden/names.json")).unwrap();
        for (card, serial, name) in golden.cameras {
            assert_eq!(CameraName::from_card(&card, serial.as_deref()).as_str(), name, "{card}");
        }
        for (host, name) in golden.nodes {
            assert_eq!(NodeName::from_host(&host).as_str(), name, "{host}");
        }
        for (name, n, numbered) in golden.numbered {
            assert_eq!(name.parse::<CameraName>().unwrap().numbered(n).as_str(), numbered);
        }
    }

    proptest! {
        #[test]
        fn any_card_serial_and_host_give_a_good_name(card: String, serial: Option<String>, host: String, n in 0usize..1_000_000) {
            let camera = CameraName::from_card(&card, serial.as_deref());
            prop_assert!(is_name(camera.as_str()), "{camera}");
            prop_assert!(is_name(camera.numbered(n).as_str()));
            let node = NodeName::from_host(&host);
            prop_assert_eq!(node.as_str().parse::<NodeName>(), Ok(node.clone()));
            prop_assert!(!node.is_browser());
        }

        #[test]
        fn a_camera_id_reads_what_it_writes(id in "[a-z0-9_-]{1,32}/[a-z0-9_-]{1,32}") {
            if let Ok(parsed) = id.parse::<CameraId>() {
                prop_assert_eq!(parsed.to_string(), id);
            }
        }
    }
}
