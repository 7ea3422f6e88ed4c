//! Which bytes of a file a request asks for, if any (RFC 9110, sections 13 and 14).

use std::ops::Range;

/// What a `Range` header asks of a file of `length` bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The whole file: no range, another unit, several ranges, or an unreadable one.
    Whole,
    /// These bytes, which exist.
    Part(Range<u64>),
    /// Bytes beyond the end.
    Nothing,
}

/// Reads the header. Several ranges are answered like none, which is allowed (14.2): nothing that
/// shows pictures asks for them, and they can be made expensive.
pub fn asked(header: Option<&str>, length: u64) -> Asked {
    let spec = header.and_then(|header| header.trim().split_once('='));
    let Some((unit, spec)) = spec else { return Asked::Whole };
    if !unit.eq_ignore_ascii_case("bytes") || spec.contains(',') {
        return Asked::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => first..length,
        (Some(first), Some(last)) if first <= last => first..length.min(last.saturating_add(1)),
        (None, Some(last)) if first.is_empty() => {
            if last == 0 {
                length..length
            } else {
                length.saturating_sub(last)..length
            }
        }
        _ => return Asked::Whole,
    };
    if range.is_empty() { Asked::Nothing } else { Asked::Part(range) }
}

/// Whether an `If-None-Match` names the tag; a weak tag counts too (13.1.2).
pub fn is_known(known: &str, etag: &str) -> bool {
    let mut tags = known.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
    known.trim() == "*" || tags.any(|tag| tag == etag)
}

/// Digits only, because `parse` would accept a sign.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (header, expected) in [
            ("bytes=0-99", Asked::Part(0..100)),
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("Bytes=99-99", Asked::Part(99..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=-1", Asked::Part(99..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=0-99999999999999999999999", Asked::Part(0..100)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(asked(Some(header), 100), expected, "{header}");
        }
        assert_eq!(asked(None, 100), Asked::Whole);
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Nothing);
    }
}
