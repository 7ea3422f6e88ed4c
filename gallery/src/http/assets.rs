//! The files of the page, embedded by the build script.

use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Response as Builder, StatusCode};
use warp::reply::Response;

use crate::http::range::is_known;
use crate::problem::Problem;

#[derive(Debug)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    /// A hash of the content, in quotation marks.
    etag: &'static str,
    /// Whether the name contains a hash of the content, so that the file never changes.
    immutable: bool,
    bytes: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Which build of the page this is, as it says itself.
pub(crate) const BUILD: &str = include_str!(concat!(env!("OUT_DIR"), "/build.txt"));

/// The page loads only its own files; a worker draws frames from blobs.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; worker-src 'self' blob:; \
    connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'self'";

/// What the page may do (Content Security Policy, level 3), with the origins of pages that may show
/// it in a frame.
pub(crate) fn policy(frame_origins: &[String]) -> HeaderValue {
    let all = [&[POLICY.to_owned()], frame_origins].concat().join(" ");
    HeaderValue::from_str(&all).unwrap_or_else(|_| HeaderValue::from_static(POLICY))
}

/// Whether a path is one that people type for a room of the page.
pub(crate) fn is_room(path: &str) -> bool {
    matches!(path.strip_suffix('/').unwrap_or(path), "/wall" | "/photos" | "/people")
}

/// Redirects a typed path to that room of the page. `query` says which photos, or how the wall is
/// laid out; the page reads it before the `#`.
///
/// The page's own addresses are behind a `#`, which no server sees. The redirect is relative (RFC
/// 9110, 10.2.2), so it is also right below a proxy's path, even an unknown one.
pub(crate) fn room(path: &str, query: &str) -> Option<Response> {
    let name = path.strip_prefix('/')?;
    let (name, up) = name.strip_suffix('/').map_or((name, "./"), |name| (name, "../"));
    let to = match name {
        "wall" if !query.is_empty() => format!("{up}?{query}#/"),
        "wall" => format!("{up}#/"),
        "photos" if !query.is_empty() => format!("{up}#/photos?{query}"),
        "photos" | "people" => format!("{up}#/{name}"),
        _ => return None,
    };
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(&to).ok()?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(response)
}

/// A file of the page, or 304 if the browser has it (`If-None-Match`).
pub(crate) fn serve(
    path: &str,
    known: Option<&str>,
    policy: &HeaderValue,
) -> Result<Response, Problem> {
    // The page reads behind the # that it is to make the first administrator, and with what.
    let path = if matches!(path, "" | "setup") { "index.html" } else { path };
    let asset = ASSETS
        .iter()
        .find(|asset| asset.path == path)
        .ok_or_else(|| Problem::not_found(format!("there is no /{path}"), "the wall is at /"))?;
    let unchanged = known.is_some_and(|known| is_known(known, asset.etag));
    let mut response =
        Builder::new(if unchanged { Default::default() } else { asset.bytes.into() });
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let caching = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, asset.content_type),
        (ETAG, asset.etag),
        (CACHE_CONTROL, caching),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, known: Option<&str>) -> Result<Response, Problem> {
        serve(path, known, &policy(&["https://home.example".to_owned()]))
    }

    #[test]
    fn the_page_is_there_and_is_not_sent_twice() {
        let page = get("", None).unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.ends_with("; frame-ancestors 'self' https://home.example"), "{policy}");
        let etag = page.headers()[ETAG].to_str().unwrap();
        for known in [etag.to_owned(), format!("\"x\", W/{etag}")] {
            assert_eq!(get("index.html", Some(&known)).unwrap().status(), 304);
        }
        assert_eq!(get("", Some("\"other\"")).unwrap().status(), 200);
    }

    #[test]
    fn the_page_says_which_build_it_is() {
        let page = ASSETS.iter().find(|asset| asset.path == "index.html").unwrap().bytes;
        let said = format!("<meta name=\"build\" content=\"{BUILD}\"");
        assert!(BUILD.len() == 8 && String::from_utf8_lossy(page).contains(&said), "{BUILD}");
    }

    #[test]
    fn what_installs_the_page_is_asked_for_again_each_time() {
        for (path, content_type) in [
            ("manifest.webmanifest", "application/manifest+json"),
            ("service-worker.js", "text/javascript; charset=utf-8"),
        ] {
            let file = get(path, None).unwrap();
            assert_eq!(file.headers()[CONTENT_TYPE], content_type);
            assert_eq!(file.headers()[CACHE_CONTROL], "no-cache");
        }
        let icons = ASSETS.iter().filter(|asset| asset.content_type == "image/png");
        assert_eq!(icons.filter(|icon| icon.immutable).count(), 4);
    }

    #[test]
    fn a_room_that_is_typed_as_a_path_leads_into_the_page() {
        for (path, query, to) in [
            ("/wall", "", Some("./#/")),
            ("/wall", "layout=2x2", Some("./?layout=2x2#/")),
            ("/photos", "", Some("./#/photos")),
            ("/photos/", "", Some("../#/photos")),
            ("/photos", "camera=house/door", Some("./#/photos?camera=house/door")),
            ("/people", "from=mail", Some("./#/people")),
            ("/photos//", "", None),
            ("/photos/01K3", "", None),
            ("/", "", None),
        ] {
            let response = room(path, query);
            let led = response.as_ref().map(|response| response.headers()[LOCATION].to_str());
            assert_eq!(led.transpose().unwrap(), to, "{path}");
            assert!(response.is_none_or(|response| response.status() == 302), "{path}");
        }
    }

    #[test]
    fn what_is_not_embedded_is_not_found() {
        for path in ["nothing.js", "../Cargo.toml", "/etc/passwd", "index.html/"] {
            assert!(get(path, None).is_err(), "{path}");
        }
    }
}
