//! File names from strangers: texts for people, never paths.

use wire::{MediaType, Photo};

/// The longest name in characters; longer ones are cut.
const LENGTH: usize = 255;

/// The last segment of a path of any system, without invisible characters and those that change the
/// direction of text. Empty if nothing is left.
pub(crate) fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().filter(|&c| !is_hidden(c)).take(LENGTH).collect();
    let shown = shown.trim();
    if shown.trim_matches('.').is_empty() { String::new() } else { shown.to_owned() }
}

/// Control characters, and Unicode's direction marks and invisible joiners (UAX 9, 2).
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The value of `Content-Disposition` (RFC 6266). The name always fits the media type: a browser
/// saves the file under it, and a system opens the file by its extension.
pub(crate) fn disposition(photo: &Photo, attachment: bool) -> String {
    let name = name_of(photo);
    // Some programs decode percent signs here too.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-');
    let fallback: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let kind = if attachment { "attachment" } else { "inline" };
    let encoded = encode(&name);
    format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{encoded}")
}

fn name_of(photo: &Photo) -> String {
    let given = clean(&photo.name);
    let fits = |ending: &str| {
        photo.media.extension() == ending || photo.media == MediaType::Jpeg && ending == "jpeg"
    };
    match given.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && fits(&ending.to_ascii_lowercase()) => given,
        _ => {
            let stem = match (&photo.camera, given.is_empty()) {
                (_, false) => given,
                (Some(camera), _) => format!("{}-{}", camera.camera, photo.id),
                (None, _) => photo.id.to_string(),
            };
            format!("{stem}.{}", photo.media.extension())
        }
    }
}

/// Percent-encoded UTF-8 (RFC 8187, 3.2.1).
fn encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_text_and_no_path() {
        for (given, kept) in [
            ("a.jpg", "a.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a.jpg", "a.jpg"),
            ("a\0b\r\n.jpg", "ab.jpg"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("..", ""),
            ("dir/", ""),
            (" ñandú 1.png ", "ñandú 1.png"),
            ("<b>.gif", "<b>.gif"),
        ] {
            assert_eq!(clean(given), kept, "{given:?}");
        }
        assert_eq!(clean(&"é".repeat(5000)).chars().count(), LENGTH);
    }

    fn photo(name: &str) -> Photo {
        serde_json::from_value(serde_json::json!({
            "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "taken": 1, "time": "received", "received": 1,
            "type": "image/jpeg", "bytes": 1, "width": 1, "height": 1, "hash": "", "name": name,
        }))
        .unwrap()
    }

    #[test]
    fn a_download_has_a_name_that_fits_its_type() {
        for (name, encoded) in [
            ("a.jpg", "a.jpg"),
            ("A.JPEG", "A.JPEG"),
            ("evil.html", "evil.html.jpg"),
            (".jpg", ".jpg.jpg"),
            ("", "01ARZ3NDEKTSV4RRFFQ69G5FAV.jpg"),
            ("a\"; x=ñ.jpg", "a%22%3B%20x%3D%C3%B1.jpg"),
        ] {
            let header = disposition(&photo(name), false);
            assert!(header.ends_with(&format!("; filename*=UTF-8''{encoded}")), "{header}");
            assert!(header.starts_with("inline; filename=\""), "{header}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
        }
        assert!(disposition(&photo("a.jpg"), true).starts_with("attachment;"));
    }
}
