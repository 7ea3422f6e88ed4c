//! What a proxy says about where it serves the gallery.

use warp::http::HeaderMap;

/// The longest path that is accepted.
const MOST: usize = 256;

/// The path below which a proxy serves the gallery (`X-Forwarded-Prefix`), without a slash at its
/// end; empty without one. Addresses in answers begin with it. A client that forges it changes only
/// its own answers.
pub(crate) fn prefix(headers: &HeaderMap) -> &str {
    let said = headers.get("x-forwarded-prefix").and_then(|value| value.to_str().ok());
    // Each of several proxies adds its own; the first is the one that the browser sees.
    let first = said.unwrap_or_default().split(',').next().unwrap_or_default();
    let prefix = first.trim().trim_end_matches('/');
    let is_path = prefix.starts_with('/')
        && !prefix.starts_with("//")
        && prefix.len() <= MOST
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b));
    if is_path { prefix } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_path_or_nothing() {
        for (said, expected) in [
            ("/wall", "/wall"),
            ("/wall/", "/wall"),
            ("/a/b-c_d~e.f%20", "/a/b-c_d~e.f%20"),
            ("/wall, /inner", "/wall"),
            ("/", ""),
            ("", ""),
            ("wall", ""),
            ("//evil.example", ""),
            ("https://evil.example", ""),
            ("/a>; rel=\"x\"", ""),
            ("/a b", ""),
        ] {
            let headers = [("x-forwarded-prefix".parse().unwrap(), said.parse().unwrap())];
            assert_eq!(prefix(&headers.into_iter().collect()), expected, "{said}");
        }
        let long = [("x-forwarded-prefix".parse().unwrap(), "/a".repeat(200).parse().unwrap())];
        assert_eq!(prefix(&long.into_iter().collect()), "");
        assert_eq!(prefix(&HeaderMap::new()), "");
    }
}
