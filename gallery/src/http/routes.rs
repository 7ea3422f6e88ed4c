//! Every route, in one list.

#![expect(clippy::needless_pass_by_value, reason = "warp hands over what it took from a request")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use hyper::upgrade::OnUpgrade;
use serde::Serialize;
use supervision::{Health, Need};
use tokio::sync::watch;
use tracing::debug;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection, path};
use wire::CameraId;
use wire::page::Camera;

use crate::http::addresses::{self, What, Which};
use crate::http::assets;
use crate::http::cors::{self, Readers};
use crate::http::edits;
use crate::http::listener::Peer;
use crate::http::photos;
use crate::http::proxied;
use crate::http::snapshot;
use crate::limits::strangers::Strangers;
use crate::live::hub::Wall;
use crate::live::page;
use crate::live::socket::{self, Socket, handshake};
use crate::now::Now;
use crate::people::Visitor;
use crate::photos::idempotency::Key;
use crate::photos::picture::Pool;
use crate::photos::store::Store;
use crate::photos::upload;
use crate::photos::upload::{Outcome, Uploads};
use crate::problem::{CannotBeDone, Problem, recover};
use crate::relay;

/// Which pages may show a picture (Fetch, section 3.7).
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// So many lines of the log are told unless another number is asked for, and at most.
const LINES: u64 = 100;
const LINES_MOST: u64 = 500;

/// What the routes need.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub wall: Arc<Wall>,
    pub store: Store,
    pub pictures: Pool,
    pub uploads: Uploads,
    pub health: Health,
    pub strangers: Strangers,
    pub readers: Arc<Readers>,
    /// What the page may do.
    pub policy: HeaderValue,
    pub stop: watch::Receiver<bool>,
}

type Query = HashMap<String, String>;

impl Site {
    /// The routes. HEAD is answered as GET before it comes here.
    pub fn routes(self) -> BoxedFilter<(Response,)> {
        let photos = self.clone().photos();
        let site = warp::any().map(move || self.clone());
        let get = || warp::get().and(site.clone());
        let peer = warp::ext::get::<Peer>;
        let known = warp::header::optional("if-none-match");

        let asks = warp::method().and(path::full()).and(warp::query()).and_then(asks_live);
        let headers = warp::header::headers_cloned;
        let live = site.clone().and(peer()).and(headers()).and(asks).then(Site::live);
        let upgrade = warp::header::exact_ignore_case("upgrade", "websocket")
            .and(warp::get())
            .and(warp::header::headers_cloned())
            .and(warp::ext::get());
        let page = path!("ws").and(site.clone()).and(peer()).and(warp::query()).and(upgrade);
        let page = page.map(Site::page).map(respond);
        let no_page = path!("ws").and(warp::get()).map(not_a_websocket);
        let no_room = path!("relay" / String).and(warp::get()).map(no_room);
        let cameras = path!("api" / "cameras").and(get()).map(Site::cameras);
        let people = path!("api" / "people").and(get()).map(Site::people);
        let log = path!("api" / "log").and(get()).and(warp::query()).map(Site::log);
        let healthz = path!("healthz").and(get()).map(Site::healthz);
        let query = warp::query::raw().or_else(async |_| Ok::<_, Rejection>((String::new(),)));
        let room = path::full().and(warp::get()).and(query).and_then(room);
        let asset = path::tail().and(get()).and(known).map(Site::asset);

        let routes = live
            .or(page)
            .unify()
            .or(no_page)
            .unify()
            .or(no_room)
            .unify()
            .or(cameras)
            .unify()
            .or(people)
            .unify()
            .or(log.map(respond))
            .unify()
            .or(healthz)
            .unify()
            .or(photos)
            .unify()
            .or(room)
            .unify()
            .or(asset)
            .unify();
        can_be_done().and(routes).recover(recover).unify().boxed()
    }

    fn photos(self) -> BoxedFilter<(Response,)> {
        let site = warp::any().map(move || self.clone());
        let get = || warp::get().and(site.clone());
        let post = || warp::post().and(site.clone());
        let peer = warp::ext::get::<Peer>;
        let parameters = warp::query::<Query>;
        let headers = warp::header::headers_cloned;
        let small = || warp::body::stream().then(photos::small);
        let media = warp::header::optional("content-type");
        let length = warp::header::optional("content-length");

        let list = path!("api" / "photos").and(get()).and(parameters()).and(headers()).then(
            async |site: Site, query: Query, headers: HeaderMap| {
                photos::list(&site.store, &query, proxied::prefix(&headers)).await
            },
        );
        let days = path!("api" / "photos" / "days")
            .and(get())
            .and(parameters())
            .then(async |site: Site, query: Query| photos::days(&site.store, &query).await);
        let sources = path!("api" / "photos" / "sources")
            .and(get())
            .then(async |site: Site| photos::sources(&site.store).await);
        let photo =
            path!("api" / "photos" / String).and(get()).then(async |id: String, site: Site| {
                photos::describe(&site.store, &site.pictures, &id).await
            });
        let changed = path!("api" / "photos" / String)
            .and(warp::patch())
            .and(site.clone())
            .and(small())
            .then(async |id: String, site: Site, body: Result<Bytes, Problem>| {
                photos::change(&site.store, &id, &body?).await
            });
        let snapped = path!("api" / "cameras" / String / String / "snap")
            .and(post())
            .and(peer())
            .and(small());
        let snapped = snapped.then(Site::snap);
        let deleted = path!("api" / "photos" / String)
            .and(warp::delete())
            .and(site.clone())
            .then(async |id: String, site: Site| photos::delete(&site.store, &id).await);
        let restored = path!("api" / "photos" / String / "restore")
            .and(post())
            .then(async |id: String, site: Site| photos::restore(&site.store, &id).await);
        let edited = path!("api" / "photos" / "edits").and(post()).and(small()).then(
            async |site: Site, body: Result<Bytes, Problem>| edits::edit(&site.store, &body?).await,
        );
        let picture = path!("photos" / String).and(get()).and(headers()).and(parameters()).then(
            async |id: String, site: Site, headers: HeaderMap, query: Query| {
                photos::picture(&site.store, &id, &headers, &query).await
            },
        );
        let thumb = path!("photos" / String / "thumb").and(get()).and(headers()).then(
            async |id: String, site: Site, headers: HeaderMap| {
                photos::thumb(&site.store, &id, &headers).await
            },
        );
        let taken = path!("upload")
            .and(get())
            .map(|site: Site| Ok(json(StatusCode::OK, &site.uploads.taken())));
        let upload = path!("upload")
            .and(post())
            .and(peer())
            .and(warp::header::headers_cloned())
            .and(warp::header::optional("authorization"))
            .and(media)
            .and(length)
            .and(warp::body::stream())
            .then(Site::upload);

        list.or(days)
            .unify()
            .or(sources)
            .unify()
            .or(photo)
            .unify()
            .or(changed)
            .unify()
            .or(snapped)
            .unify()
            .or(deleted)
            .unify()
            .or(restored)
            .unify()
            .or(edited)
            .unify()
            .or(picture)
            .unify()
            .or(thumb)
            .unify()
            .or(taken)
            .unify()
            .or(upload)
            .unify()
            .map(respond)
            .boxed()
    }

    async fn upload(
        self,
        peer: Peer,
        headers: HeaderMap,
        authorization: Option<String>,
        media: Option<String>,
        length: Option<u64>,
        body: impl Stream<Item = Result<impl Buf, warp::Error>> + Send,
    ) -> Result<Response, Problem> {
        let verify = |text: String| self.wall.people.verify(&text);
        let person = match authorization.map(verify) {
            None => None,
            Some(Some(person)) => Some(person),
            Some(None) => {
                upload::pass_over(body).await;
                let error = "nobody joined with this id and key";
                let hint = "join again on the page's WebSocket, then send it again";
                return Err(Problem::new(StatusCode::UNAUTHORIZED, error, hint));
            }
        };
        let key = match headers.get("idempotency-key").map(|key| Key::parse(key.as_bytes())) {
            None => None,
            Some(Ok(key)) => Some(key),
            Some(Err(bad)) => {
                upload::pass_over(body).await;
                let hint = "send one that is random, such as a UUID, or none";
                return Err(Problem::bad_request(bad.to_string(), hint));
            }
        };
        let mut outcomes =
            self.uploads.receive(peer.who(), person, key, media, length, body).await?;
        let prefix = proxied::prefix(&headers);
        for outcome in &mut outcomes {
            if let Outcome::Stored { url, .. } = outcome {
                url.insert_str(0, prefix);
            }
        }
        let is_new = outcomes.iter().any(Outcome::is_new);
        Ok(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &outcomes))
    }

    async fn snap(
        node: String,
        camera: String,
        site: Site,
        peer: Peer,
        body: Result<Bytes, Problem>,
    ) -> Result<Response, Problem> {
        let camera = parse(&format!("{node}/{camera}"))?;
        let _share = site.strangers.snaps.take(peer.who())?;
        photos::snap(&site.wall, &camera, &body?).await
    }

    /// A live picture, which some pages may read.
    async fn live(self, peer: Peer, headers: HeaderMap, asked: AsksLive) -> Response {
        let asked = match asked {
            AsksLive::Whether => return self.readers.preflight(&headers),
            AsksLive::For(asked) => asked,
        };
        let picture = async {
            let (what, which) = asked?;
            let camera = match which {
                Which::Named(camera) => parse(&camera)?,
                Which::Nth(n) => self.nth(n)?,
            };
            let share = self.strangers.stills.take(peer.who())?;
            match what {
                What::Snapshot => snapshot::snapshot(&self.wall, camera, share).await,
                What::Stream => snapshot::stream(&self.wall, camera, share, self.stop.clone()),
            }
        };
        let mut response = respond(picture.await);
        self.readers.tell(&headers, &mut response);
        response
    }

    fn asset(path: path::Tail, site: Site, known: Option<String>) -> Response {
        respond(assets::serve(path.as_str(), known.as_deref(), &site.policy))
    }

    fn page(
        self,
        peer: Peer,
        query: Query,
        headers: HeaderMap,
        upgrade: OnUpgrade,
    ) -> Result<Response, Problem> {
        let response = handshake::accept_get(&headers)?;
        let Strangers { pages, cameras, messages, .. } = &self.strangers;
        let page = pages.take(peer.who())?;
        // Only few sockets take messages as large as pictures, since each can make us hold one.
        let shows = query.contains_key("camera");
        let camera = shows.then(|| cameras.take(peer.who())).transpose()?;
        let memory = messages.none(peer.who());
        let most = if camera.is_some() { page::OWN_FRAME } else { page::MESSAGE };
        // The task ends with the page, or when the gallery stops.
        tokio::spawn(async move {
            let (stream, begun) = match upgrade.await {
                Ok(stream) => socket::upgraded(stream),
                Err(error) => return debug!(%error, "a page left at once"),
            };
            let visitor = Visitor::new(self.wall.people.clone(), peer.0, camera.is_some());
            let socket = Socket::new(stream, &begun, most, memory);
            page::serve(socket, self.wall, visitor, self.stop).await;
            drop((page, camera));
        });
        Ok(response)
    }

    fn cameras(self) -> Response {
        #[derive(Serialize)]
        struct Listed<'a> {
            #[serde(flatten)]
            camera: &'a Camera,
            age_ms: Option<u64>,
            /// Pictures that came and were not taken, by the reason.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            dropped: BTreeMap<&'static str, u64>,
        }
        let now = Now::read();
        let cameras = self.wall.cameras().borrow().clone();
        let listed: Vec<Listed<'_>> = cameras
            .iter()
            .map(|camera| {
                let newest = self.wall.frames.newest(&camera.camera);
                let dropped = self.wall.frames.dropped(&camera.camera);
                Listed { camera, age_ms: newest.map(|frame| frame.age_ms(now)), dropped }
            })
            .collect();
        json(StatusCode::OK, &listed)
    }

    fn people(self) -> Response {
        json(StatusCode::OK, &self.wall.people.list())
    }

    fn log(self, query: Query) -> Result<Response, Problem> {
        let number = |key: &str| match query.get(key).map(|text| text.parse::<u64>()) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => {
                let hint = "before is the id of a line, limit a number";
                Err(Problem::bad_request(format!("{key} is no whole number"), hint))
            }
        };
        let limit = number("limit")?.unwrap_or(LINES);
        if !(1..=LINES_MOST).contains(&limit) {
            let error = format!("limit is {limit}, but 1 to {LINES_MOST} is possible");
            let hint = "ask for more with before=<the id of the last line>";
            return Err(Problem::bad_request(error, hint));
        }
        Ok(json(StatusCode::OK, &self.wall.journal.list(number("before")?, limit as usize)))
    }

    fn healthz(self) -> Response {
        #[derive(Serialize)]
        struct Answer {
            status: &'static str,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            reasons: Vec<String>,
        }
        let mut reasons = self.wall.ails();
        let (vital, minor): (Vec<_>, Vec<_>) =
            self.health.troubles().into_iter().partition(|trouble| trouble.need == Need::Vital);
        reasons.extend(vital.iter().map(ToString::to_string));
        let mut errors = self.wall.errors();
        errors.extend(minor.iter().map(ToString::to_string));
        // A gallery that is started anew for the sake of one camera would mend nothing; without the
        // smaller ones of its threads all is served that anybody looks at.
        let (code, status) = match (reasons.len(), errors.len()) {
            (0, 0) => (StatusCode::OK, "ok"),
            (0, _) => (StatusCode::OK, "degraded"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        };
        reasons.extend(errors);
        reasons.extend(self.wall.notes());
        json(code, &Answer { status, reasons })
    }

    /// The camera at a place of the wall, from 0.
    fn nth(&self, n: usize) -> Result<CameraId, Problem> {
        let cameras = self.wall.cameras().borrow().clone();
        match cameras.get(n) {
            Some(camera) => Ok(camera.camera.clone()),
            None if cameras.is_empty() => {
                Err(Problem::not_found("there is no camera yet", "start a node: `vitrina node`"))
            }
            None => {
                let error = format!("there are {} cameras, counted from 0", cameras.len());
                Err(Problem::not_found(error, "GET /api/cameras lists them"))
            }
        }
    }
}

/// A request about a live picture.
enum AsksLive {
    For(Result<(What, Which), Problem>),
    /// Whether one may ask.
    Whether,
}

async fn asks_live(
    method: Method,
    path: path::FullPath,
    query: Query,
) -> Result<AsksLive, Rejection> {
    if method == Method::OPTIONS && addresses::is_path(path.as_str()) {
        return Ok(AsksLive::Whether);
    }
    let asked = addresses::asked(path.as_str(), &query).filter(|_| method == Method::GET);
    asked.map(AsksLive::For).ok_or_else(warp::reject::not_found)
}

/// Leads who types the address of a room into it.
async fn room(path: path::FullPath, query: String) -> Result<Response, Rejection> {
    assets::room(path.as_str(), &query).ok_or_else(warp::reject::not_found)
}

/// Lets a request on whose method something is there for.
fn can_be_done() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let check = async |method: Method, path: path::FullPath| {
        let methods = methods(path.as_str());
        match methods.contains(&method.as_str()) {
            true => Ok(()),
            false => Err(warp::reject::custom(CannotBeDone { methods })),
        }
    };
    warp::method().and(path::full()).and_then(check).untuple_one()
}

/// What can be done with a path; of what is not there one may ask whether it is.
fn methods(path: &str) -> &'static [&'static str] {
    const LOOK: &[&str] = &["GET", "HEAD"];
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    match parts[..] {
        ["upload"] => &["GET", "HEAD", "POST"],
        ["api", "cameras", _, _, "snap"]
        | ["api", "photos", "edits"]
        | ["api", "photos", _, "restore"] => &["POST"],
        ["api", "photos", "days" | "sources"] => LOOK,
        ["api", "photos", _] => &["GET", "HEAD", "PATCH", "DELETE"],
        _ if addresses::is_path(path) => cors::METHODS,
        _ => LOOK,
    }
}

fn not_a_websocket() -> Response {
    let hint = "ask with the headers Connection: upgrade and Upgrade: websocket; a proxy in between \
                must pass them on";
    Problem::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket", hint).into_response()
}

fn no_room(room: String) -> Response {
    relay::not_an_upgrade(&room).into_response()
}

fn parse(camera: &str) -> Result<CameraId, Problem> {
    let hint = "GET /api/cameras lists them";
    camera.parse().map_err(|error: wire::BadName| Problem::not_found(error.to_string(), hint))
}

fn respond(result: Result<Response, Problem>) -> Response {
    result.unwrap_or_else(Reply::into_response)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let json = warp::reply::with_header(warp::reply::json(value), "cache-control", "no-store");
    warp::reply::with_status(json, status).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_says_what_can_be_done_with_it() {
        for (path, expected) in [
            ("/", "GET, HEAD, OPTIONS"),
            ("/cameras/pi/door/stream.mjpg", "GET, HEAD, OPTIONS"),
            ("/upload", "GET, HEAD, POST"),
            ("/upload/", "GET, HEAD, POST"),
            ("/api/photos", "GET, HEAD"),
            ("/api/photos/days", "GET, HEAD"),
            ("/api/photos/edits", "POST"),
            ("/api/photos/01J", "GET, HEAD, PATCH, DELETE"),
            ("/api/photos/01J/restore", "POST"),
            ("/api/cameras/pi/door/snap", "POST"),
            ("/photos/01J/thumb", "GET, HEAD"),
            ("/nothing/at/all", "GET, HEAD"),
        ] {
            assert_eq!(methods(path).join(", "), expected, "{path}");
        }
    }
}
