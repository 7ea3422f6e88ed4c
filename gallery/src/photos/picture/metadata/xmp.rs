//! Reads an XMP packet (ISO 16684-1) without parsing its XML: it looks for a property by its usual
//! name, as an attribute or as an element.

use std::ops::Range;

/// Larger packets hold pictures; our properties come before these.
const MOST: usize = 256 * 1024;

/// The most parts; a segment of a JPEG holds 64 KiB.
pub(in crate::photos::picture) const PARTS: usize = 256;

/// The longest useful value.
const VALUE: usize = 100;

/// The text of a packet in these parts.
pub(in crate::photos::picture) fn text(bytes: &[u8], parts: &[Range<usize>]) -> Vec<u8> {
    plain(parts.iter().filter_map(|range| bytes.get(range.clone())))
}

/// The same, from the parts' bytes. UTF-16 is read as ASCII with NULs between.
pub(in crate::photos::picture) fn plain<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let all = parts.into_iter().flatten();
    all.copied().take(MOST).filter(|&byte| byte != 0).collect()
}

/// The value of a simple property, such as `xmp:CreateDate`.
pub(in crate::photos::picture) fn property<'a>(text: &'a [u8], name: &str) -> Option<&'a str> {
    memchr::memmem::find_iter(text, name).find_map(|at| {
        let rest = text.get(at + name.len()..)?.trim_ascii_start();
        let (value, end) = match rest {
            [b'=', rest @ ..] => match rest.trim_ascii_start() {
                [quote @ (b'"' | b'\''), rest @ ..] => (rest, *quote),
                _ => return None,
            },
            [b'>', rest @ ..] => (rest, b'<'),
            _ => return None,
        };
        let value = &value[..memchr::memchr(end, value).filter(|&length| length <= VALUE)?];
        let value = std::str::from_utf8(value).ok()?.trim();
        (!value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_an_attribute_or_an_element() {
        for packet in [
            r#"<rdf:Description xmp:CreateDate="2024-02-21"/>"#,
            "<rdf:Description xmp:CreateDate = '2024-02-21' />",
            "<xmp:CreateDate>2024-02-21</xmp:CreateDate>",
            "<xmp:CreateDate>\n 2024-02-21\n</xmp:CreateDate>",
            r#"xmp:CreateDate <xmp:CreateDate></xmp:CreateDate> xmp:CreateDate="2024-02-21""#,
        ] {
            assert_eq!(property(packet.as_bytes(), "xmp:CreateDate"), Some("2024-02-21"));
            let wide: Vec<u8> = packet.bytes().flat_map(|byte| [byte, 0]).collect();
            let whole = 0..wide.len();
            assert_eq!(property(&text(&wide, &[whole]), "xmp:CreateDate"), Some("2024-02-21"));
        }
        for packet in
            ["", "xmp:CreateDate", "xmp:CreateDate=", "xmp:CreateDate=\"x", "xmp:CreateDate>"]
        {
            assert_eq!(property(packet.as_bytes(), "xmp:CreateDate"), None);
        }
    }
}
