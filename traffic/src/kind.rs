//! What a message is, by its first bytes. What it says is never kept.

use serde::Serialize;

/// The longest name of an event or topic that is shown, in characters.
const NAME: usize = 24;

/// So much of a text is looked at.
const HEAD: usize = 512;

/// So many bytes of numbers and commas are pixels.
const NUMBERS: usize = 40;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "detail", rename_all = "lowercase")]
pub enum Kind {
    /// A picture, by the name of its format.
    Image(&'static str),
    /// A picture as the text of a `data:` URL.
    DataUrl,
    /// JSON with a long list of numbers.
    Pixels,
    /// Other JSON.
    Json,
    /// Other text.
    Text,
    /// Other bytes.
    Bytes,
    /// An event of Socket.IO, with its name.
    Event(String),
    /// A file from a form.
    Upload,
    /// Words in the talk.
    Chat,
    /// A line of the logbook.
    Line,
    /// A turn of one of two.
    Turn,
    /// A message of MQTT, with the last level of its topic.
    Topic(String),
}

impl Kind {
    /// Text or bytes, looked at.
    pub fn of(is_text: bool, payload: &[u8]) -> Kind {
        let head = payload.get(..HEAD).unwrap_or(payload);
        match is_text {
            true => text(head),
            false => image(head).map_or(Kind::Bytes, Kind::Image),
        }
    }

    /// An event by its JSON, a list that begins with its name.
    pub fn event(json: &str) -> Kind {
        let name = json.trim_start().strip_prefix('[').map(str::trim_start);
        let name = name.and_then(|json| json.strip_prefix('"')?.split('"').next());
        Kind::Event(name.map(short).unwrap_or_default())
    }

    /// A message on a topic.
    pub fn topic(topic: &str) -> Kind {
        Kind::Topic(short(topic.rsplit('/').next().unwrap_or(topic)))
    }
}

fn text(head: &[u8]) -> Kind {
    let head = head.trim_ascii_start();
    if head.starts_with(b"data:image/") {
        return Kind::DataUrl;
    }
    if !matches!(head.first(), Some(b'{' | b'[')) {
        return Kind::Text;
    }
    let is_numbers = |part: &[u8]| {
        part.len() >= NUMBERS && part.iter().all(|byte| b"0123456789, \t\r\n.-".contains(byte))
    };
    let mut lists = head.split(|byte| *byte == b'[').skip(1);
    if lists.any(|list| is_numbers(list.split(|byte| *byte == b']').next().unwrap_or(list))) {
        return Kind::Pixels;
    }
    Kind::Json
}

fn image(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xd8, 0xff, ..] => Some("JPEG"),
        [0x89, b'P', b'N', b'G', ..] => Some("PNG"),
        [b'G', b'I', b'F', b'8', ..] => Some("GIF"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("WebP"),
        _ => None,
    }
}

/// As much of a name as is shown, without what cannot be seen.
fn short(name: &str) -> String {
    let name: String = name.chars().take(NAME).collect();
    wire::people::text(&name).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_of_the_four_systems_are_told_apart() {
        let pixels = format!("{{\"id\":1,\"datos\":[{}", "128,0,255,".repeat(100));
        let short_list = "[1,2,3]";
        for (is_text, payload, kind) in [
            (false, &b"\xff\xd8\xff\xe0\x00"[..], Kind::Image("JPEG")),
            (false, b"\x89PNG\r\n\x1a\n", Kind::Image("PNG")),
            (false, b"RIFF\x00\x00\x00\x00WEBPVP8 ", Kind::Image("WebP")),
            (false, b"\xff", Kind::Bytes),
            (false, b"", Kind::Bytes),
            (true, b"hola", Kind::Text),
            (true, b"", Kind::Text),
            (true, b" {\"x\":1}", Kind::Json),
            (true, short_list.as_bytes(), Kind::Json),
            (true, pixels.as_bytes(), Kind::Pixels),
            (true, b"data:image/png;base64,iVBOR", Kind::DataUrl),
        ] {
            assert_eq!(Kind::of(is_text, payload), kind, "{payload:?}");
        }
        assert_eq!(Kind::event("[ \"dibujo\",{\"x\":1}]"), Kind::Event("dibujo".to_owned()));
        assert_eq!(Kind::event("[1]"), Kind::Event(String::new()));
        assert_eq!(Kind::topic("aula/3/temperatura"), Kind::Topic("temperatura".to_owned()));
        let json = serde_json::to_string(&Kind::Image("JPEG")).unwrap();
        assert_eq!(json, r#"{"kind":"image","detail":"JPEG"}"#);
    }

    proptest! {
        #[test]
        fn names_are_short_and_on_one_line(name in ".{0,80}", bytes: Vec<u8>, is_text: bool) {
            let Kind::Topic(shown) = Kind::topic(&name) else { panic!() };
            prop_assert!(shown.chars().count() <= NAME);
            prop_assert!(!shown.contains(char::is_control));
            Kind::event(&name);
            Kind::of(is_text, &bytes);
        }
    }
}
