//! Photos over HTTP: listed, changed, and served as files.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io::{self, Read};
use std::pin::pin;
use std::str::FromStr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use form_urlencoded::byte_serialize;
use futures_util::stream::{self, Stream, StreamExt};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use warp::http::StatusCode;
use warp::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LINK, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::reply::{Reply, Response};
use wire::{CameraId, MediaType, Photo, PhotoId, Snap, limits};

use crate::http::range::{Asked, asked, is_known};
use crate::http::routes::RESOURCE_POLICY;
use crate::live::hub::Hub;
use crate::photos::filename;
use crate::photos::picture::{self, Pool};
use crate::photos::store::{BlobReader, Change, Filter, Query, Store, Stored};
use crate::problem::{Code, Problem};

/// The photos on a page of the list, by default.
const PAGE: usize = 100;

/// How much of a file is read at once for a client.
const PIECE: usize = 64 * 1024;

/// The most bytes of a request that is no upload, and how long its body may take.
const SMALL: usize = 16 * 1024;
const SMALL_WITHIN: Duration = Duration::from_secs(10);

/// A photo never changes, but it can be deleted, so only the requesting browser may store it.
const KEPT: &str = "private, max-age=31536000, immutable";

/// What a browser keeps is for who was logged in then: whoever is next asks anew.
const OF_LOGIN: &str = "Cookie";

/// Only pages of this host may show photos: see `docs/decisions/strangers.md`.
pub(super) const SHOWN: &str = "same-site";

/// Some programs may take a picture's content for a page; nothing of it may run.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) type Parameters = HashMap<String, String>;

/// `GET /api/photos`: a page of photos, with a `Link` to the next. `prefix` is the path below which
/// a proxy serves the gallery.
pub(crate) async fn list(
    store: &Store,
    parameters: &Parameters,
    prefix: &str,
) -> Result<Response, Problem> {
    let limit = optional(parameters, "limit")?.unwrap_or(PAGE);
    if !(1..=limits::PHOTOS).contains(&limit) {
        let error = format!("limit is {limit}; it must be 1 to {}", limits::PHOTOS);
        return Err(Problem::bad_request(error, "follow the Link header to get more"));
    }
    let filter = filter(parameters)?;
    let query = Query { filter: filter.clone(), before: optional(parameters, "before")?, limit };
    let page = store.list(query).await?;
    let mut response = json(&page.photos);
    if let Some(next) = page.next {
        let filter = text(&filter);
        let link =
            format!("<{prefix}/api/photos?{filter}limit={limit}&before={next}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
}

/// `GET /api/photos/days`: the days with photos, in a time zone.
pub(crate) async fn days(store: &Store, parameters: &Parameters) -> Result<Response, Problem> {
    let zone = zone(parameters).await?;
    Ok(json(&store.days(filter(parameters)?, zone).await?))
}

/// The time zone of who asks, else that of this machine.
pub(super) async fn zone(parameters: &Parameters) -> Result<TimeZone, Problem> {
    let name = parameters.get("zone").cloned();
    // Time zones are files too.
    let found = spawn_blocking(move || match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(&name).map_err(|_| {
            let hint = "name one as the IANA does, such as zone=Europe/Madrid";
            Problem::bad_request(format!("there is no time zone {}", short(&name)), hint)
        }),
    });
    found.await.map_err(|error| Problem::internal(error.to_string()))?
}

/// `GET /api/photos/found`: what words are found in.
pub(crate) async fn found(store: &Store, parameters: &Parameters) -> Result<Response, Problem> {
    Ok(json(&store.found(filter(parameters)?).await?))
}

/// `GET /api/photos/sources`: the cameras and people that photos came from.
pub(crate) async fn sources(store: &Store) -> Result<Response, Problem> {
    Ok(json(&store.sources().await?))
}

/// `GET /api/photos/<id>`: a photo with its EXIF facts.
pub(crate) async fn describe(store: &Store, pool: &Pool, id: &str) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Described {
        #[serde(flatten)]
        photo: Photo,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        exif: BTreeMap<String, String>,
    }
    let stored = store.file(&parse(id)?).await?;
    let photo = stored.photo.clone();
    let read = move |_: &picture::Config| {
        stored.read().map(|bytes| picture::facts(stored.photo.media, &bytes))
    };
    let facts = pool.run(photo.bytes, read);
    let exif = facts.await.ok().and_then(Result::ok).unwrap_or_default();
    Ok(json(&Described { photo, exif }))
}

/// `PATCH /api/photos/<id>`: changes the caption or the pin.
pub(crate) async fn change(store: &Store, id: &str, body: &[u8]) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        caption: Option<String>,
        pinned: Option<bool>,
    }
    let id = parse(id)?;
    let Wanted { caption, pinned } = serde_json::from_slice(body).map_err(|error| {
        let hint = r#"send JSON such as {"caption":"The garden","pinned":true}"#;
        Problem::bad_request(format!("the change cannot be read: {error}"), hint)
    })?;
    let caption = caption.as_deref().map(self::caption).transpose()?;
    Ok(json(&store.change(&id, Change { caption, pinned }).await?))
}

/// A caption as it is stored.
pub(super) fn caption(text: &str) -> Result<String, Problem> {
    // A line feed is the only control character allowed in a caption.
    let clean = text.replace(|c: char| c.is_control() && c != '\n', "");
    let (caption, length) = (clean.trim(), clean.trim().chars().count());
    if length > limits::CAPTION {
        let hint = format!("make it {} characters or shorter", limits::CAPTION);
        return Err(Problem::bad_request(format!("the caption has {length} characters"), hint));
    }
    Ok(caption.to_owned())
}

/// `POST /api/cameras/<node>/<camera>/snap`: asks for a photo and waits until it is stored.
pub(crate) async fn snap(
    hub: &Hub,
    store: &Store,
    camera: &CameraId,
    body: &[u8],
) -> Result<Response, Problem> {
    let Snap { id } = Snap::parse(body).map_err(|error| {
        let hint = r#"send nothing, or {"id":"<ULID>"}"#;
        Problem::bad_request(format!("the request cannot be read: {error}"), hint)
    })?;
    let snapped = hub.snap(camera, id, store).await?;
    let mut response = json(&snapped.photo);
    if snapped.is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

/// `DELETE /api/photos/<id>`.
pub(crate) async fn delete(store: &Store, id: &str) -> Result<Response, Problem> {
    store.delete(&parse(id)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/photos/<id>/restore`: undoes a deletion.
pub(crate) async fn restore(store: &Store, id: &str) -> Result<Response, Problem> {
    Ok(json(&store.restore(&parse(id)?).await?))
}

/// `GET /photos/<id>`: the file as uploaded or taken.
pub(crate) async fn picture(
    store: &Store,
    id: &str,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, Problem> {
    let stored = store.file(&parse(id)?).await?;
    let disposition = filename::disposition(&stored.photo, parameters.contains_key("download"));
    let (etag, media) = (format!("\"{}\"", stored.photo.hash), stored.photo.media);
    serve(stored, media, &etag, &disposition, headers).await
}

/// `GET /photos/<id>/thumb`: a small JPEG.
pub(crate) async fn thumb(
    store: &Store,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let stored = store.thumb(&parse(id)?).await?;
    let etag = format!("\"{}-thumb{}\"", stored.photo.hash, picture::EDITION);
    serve(stored, MediaType::Jpeg, &etag, "inline", headers).await
}

/// Serves a blob, which never changes: all of it, a part, or 304 if the browser has it (RFC 9110,
/// sections 13 and 14).
async fn serve(
    stored: Stored,
    media: MediaType,
    etag: &str,
    disposition: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if header("if-none-match").is_some_and(|known| is_known(known, etag)) {
        return Ok(with(
            StatusCode::NOT_MODIFIED.into_response(),
            &[(ETAG, etag), (CACHE_CONTROL, KEPT), (VARY, OF_LOGIN), (RESOURCE_POLICY, SHOWN)],
        ));
    }
    let broken = |error: tokio::task::JoinError| Problem::internal(error.to_string());
    // The photo may have been deleted since the lookup.
    let blob = spawn_blocking(move || stored.open()).await.map_err(broken)??;
    let length = blob.size();
    // A part of another file would be useless; a date never equals our tag.
    let same = header("if-range").is_none_or(|known| known.trim() == etag);
    let range = if same { asked(header("range"), length) } else { Asked::Whole };
    let (status, range, told) = match range {
        Asked::Whole => (StatusCode::OK, 0..length, None),
        Asked::Part(range) => {
            let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, range, Some(told))
        }
        Asked::Nothing => {
            let hint = format!("it has {length} bytes");
            let error = "there is nothing in this range";
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, error, hint);
            let told = format!("bytes */{length}");
            return Ok(with(problem.into_response(), &[(CONTENT_RANGE, &told)]));
        }
    };
    let size = (range.end - range.start).to_string();
    let left = range.end - range.start;
    let reader = spawn_blocking(move || blob.read(range)).await.map_err(broken)??;
    let mut response = warp::reply::stream(pieces(reader, left)).into_response();
    *response.status_mut() = status;
    if let Some(told) = told {
        response = with(response, &[(CONTENT_RANGE, &told)]);
    }
    Ok(with(
        response,
        &[
            (CONTENT_TYPE, media.as_str()),
            (CONTENT_LENGTH, &size),
            (CONTENT_DISPOSITION, disposition),
            (ETAG, etag),
            (CACHE_CONTROL, KEPT),
            (VARY, OF_LOGIN),
            (ACCEPT_RANGES, "bytes"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, POLICY),
            (RESOURCE_POLICY, SHOWN),
        ],
    ))
}

/// The next `left` bytes; each piece is read when the socket takes it.
fn pieces(reader: BlobReader, left: u64) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync {
    stream::try_unfold((reader, left), |(mut reader, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let read = spawn_blocking(move || {
            let mut piece = vec![0; length];
            reader.read_exact(&mut piece)?;
            io::Result::Ok((piece, reader))
        });
        let (piece, reader) = read.await.map_err(io::Error::from).and_then(|done| done)?;
        Ok(Some((Bytes::from(piece), (reader, left - length as u64))))
    })
}

pub(super) fn with<N: Clone + Into<warp::http::HeaderName>>(
    mut response: Response,
    headers: &[(N, &str)],
) -> Response {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name.clone().into(), value);
        }
    }
    response
}

/// The whole of a small body.
pub(crate) async fn small(
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
) -> Result<Bytes, Problem> {
    whole(body, SMALL, SMALL_WITHIN).await
}

/// The whole of a body, if it has at most `most` bytes and comes in time.
pub(super) async fn whole(
    body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    most: usize,
    within: Duration,
) -> Result<Bytes, Problem> {
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    let read = async {
        while let Some(piece) = body.next().await {
            let mut piece = piece
                .map_err(|_| Problem::bad_request("the body ends too early", "send it again"))?;
            if whole.len() + piece.remaining() > most {
                let hint = format!("send at most {most} bytes");
                let error = "the body is too large";
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error, hint));
            }
            let length = piece.remaining();
            whole.extend_from_slice(&piece.copy_to_bytes(length));
        }
        Ok(())
    };
    timeout(within, read).await.unwrap_or_else(|_| {
        let error = "the body did not come in time";
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, error, "send it again"))
    })?;
    Ok(whole.freeze())
}

/// What the parameters ask for.
pub(super) fn filter(parameters: &Parameters) -> Result<Filter, Problem> {
    Ok(Filter {
        camera: optional(parameters, "camera")?,
        person: optional(parameters, "person")?,
        from: optional(parameters, "from")?,
        to: optional(parameters, "to")?,
        words: optional(parameters, "word")?,
        ..Filter::default()
    })
}

/// The filter as parameters, each followed by `&`. Only words need encoding.
fn text(filter: &Filter) -> String {
    let Filter { camera, person, from, to, words, .. } = filter;
    let mut text = String::new();
    let mut add = |name, value: Option<&dyn std::fmt::Display>| {
        if let Some(value) = value {
            let _ = write!(text, "{name}={value}&");
        }
    };
    add("camera", camera.as_ref().map(|value| value as _));
    add("person", person.as_ref().map(|value| value as _));
    add("from", from.as_ref().map(|value| value as _));
    add("to", to.as_ref().map(|value| value as _));
    let words = words.as_ref().map(ToString::to_string);
    let words = words.as_ref().map(|words| byte_serialize(words.as_bytes()).collect::<String>());
    add("word", words.as_ref().map(|value| value as _));
    text
}

/// A parameter, if it is present and not empty.
fn optional<T: FromStr<Err: std::fmt::Display>>(
    parameters: &Parameters,
    name: &str,
) -> Result<Option<T>, Problem> {
    let given = parameters.get(name).filter(|value| !value.is_empty());
    let parsed = given.map(|value| {
        value.parse().map_err(|error: T::Err| {
            let error = format!("{name}={} cannot be read: {error}", short(value));
            Problem::bad_request(error, "docs/protocol.md says what can be asked")
        })
    });
    parsed.transpose()
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

fn parse(id: &str) -> Result<PhotoId, Problem> {
    id.parse().map_err(|error: wire::BadName| {
        let hint = "GET /api/photos lists the photos";
        Problem::not_found(error.to_string(), hint).coded(Code::PhotoUnknown)
    })
}

pub(super) fn json(value: &impl Serialize) -> Response {
    with(warp::reply::json(value).into_response(), &[(CACHE_CONTROL, "no-store")])
}
