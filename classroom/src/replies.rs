//! The answers of HTTP: files, pages and words.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gallery::range::{self, Asked};
use tokio::task::spawn_blocking;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Response as Builder, StatusCode};
use warp::reply::{Reply, Response};

use crate::folder::Opened;
use crate::library::{self, File};

/// The most bytes of a file that are in memory for one reader.
const PIECE: usize = 64 * 1024;

/// What `--live` puts behind a page: the script, and when the page was read, since a file may change
/// before the script looks for the first time.
fn live() -> String {
    let since = clock::unix().as_millis();
    format!("<script src=\"/.vitrina/live.js?since={since}\"></script>")
}

/// Words, for who asked by hand.
pub(crate) fn words(status: StatusCode, words: impl Into<String>) -> Response {
    let mut response = Builder::new(format!("{}\n", words.into()).into());
    *response.status_mut() = status;
    put(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// The refusal of what the caller has no right to.
pub(crate) fn not_for_you() -> Response {
    words(StatusCode::FORBIDDEN, "You may not do this here. No puedes hacer esto aquí.")
}

/// A page that was made for this request.
pub(crate) fn page(html: String) -> Response {
    let mut response = Builder::new(html.into());
    put(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// A file of the library, or 304.
pub(crate) fn library(file: &File, headers: &HeaderMap) -> Response {
    whole(Bytes::from_static(file.bytes), file.media, library::etag(), headers)
}

/// A file that somebody uploaded. A page among them has no rights: it is not the class's.
pub(crate) fn uploaded(opened: Opened, headers: &HeaderMap) -> Response {
    let mut response = file(opened, false, headers);
    put(&mut response, CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    response
}

fn whole(bytes: Bytes, media: &str, etag: &str, headers: &HeaderMap) -> Response {
    if has(headers, etag) {
        return unchanged(etag);
    }
    let length = bytes.len();
    let mut response = Builder::new(bytes.into());
    describe(&mut response, media, etag);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// A file of the folder, or the part of it that is asked for, or 304. `is_live` pages load
/// themselves again when a file changes.
pub(crate) fn file(opened: Opened, is_live: bool, headers: &HeaderMap) -> Response {
    let Opened { file, length, etag, media } = opened;
    let is_page = is_live && media.starts_with("text/html");
    let tail = if is_page { live() } else { String::new() };
    if !is_page && has(headers, &etag) {
        return unchanged(&etag);
    }
    // A part of another version would not fit (RFC 9110, section 13.1.5).
    let fits = headers.get(IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes());
    let wanted = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let wanted = wanted.filter(|_| fits && tail.is_empty());
    let (status, from, left) = match range::asked(wanted, length) {
        Asked::Whole => (StatusCode::OK, 0, length),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part.start, part.end - part.start),
        Asked::Nothing => {
            let mut response = words(StatusCode::RANGE_NOT_SATISFIABLE, "there are no such bytes");
            put(&mut response, CONTENT_RANGE, format!("bytes */{length}"));
            return response;
        }
    };
    let pieces =
        stream::try_unfold((Arc::new(file), from, left), |(file, from, left)| async move {
            let most = left.min(PIECE as u64);
            if most == 0 {
                return Ok(None);
            }
            let reader = file.clone();
            // At a place of its own: others may read the same file.
            let read = spawn_blocking(move || {
                let mut piece = vec![0; most as usize];
                let read = reader.read_at(&mut piece, from)?;
                piece.truncate(read);
                Ok::<_, io::Error>(piece)
            });
            let piece = read.await.map_err(io::Error::other)??;
            let read = piece.len() as u64;
            if read == 0 {
                // It became shorter meanwhile. The client must not take it for whole.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Some((Bytes::from(piece), (file, from + read, left - read))))
        });
    let sent = left + tail.len() as u64;
    let tail = (!tail.is_empty()).then(|| Ok::<_, io::Error>(Bytes::from(tail)));
    let mut response = warp::reply::stream(pieces.chain(stream::iter(tail))).into_response();
    *response.status_mut() = status;
    describe(&mut response, &media, &etag);
    if is_page {
        put(&mut response, CACHE_CONTROL, "no-store");
    }
    response.headers_mut().insert(CONTENT_LENGTH, sent.into());
    put(&mut response, ACCEPT_RANGES, "bytes");
    if status == StatusCode::PARTIAL_CONTENT {
        let last = from + left - 1;
        put(&mut response, CONTENT_RANGE, format!("bytes {from}-{last}/{length}"));
    }
    response
}

fn describe(response: &mut Response, media: &str, etag: &str) {
    put(response, CONTENT_TYPE, media);
    put(response, ETAG, etag);
    // A pupil who saves a file sees it at the next load.
    put(response, CACHE_CONTROL, "no-cache");
    put(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
}

fn unchanged(etag: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    put(&mut response, ETAG, etag);
    put(&mut response, CACHE_CONTROL, "no-cache");
    response
}

/// Whether the browser has this version.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let mut tags = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|tags| tags.to_str().ok());
    tags.any(|tags| range::is_known(tags, etag))
}

/// Sets a header, if its value is one.
pub(crate) fn put(response: &mut Response, name: HeaderName, value: impl AsRef<str>) {
    if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
        response.headers_mut().insert(name, value);
    }
}
