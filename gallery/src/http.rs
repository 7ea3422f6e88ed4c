//! Every route, in one list.

#![expect(clippy::needless_pass_by_value, reason = "warp hands over what it took from a request")]

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use hyper::upgrade::OnUpgrade;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tracing::debug;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, path};
use wire::CameraId;
use wire::page::Camera;

use crate::health::Health;
use crate::listener::Peer;
use crate::now::Now;
use crate::people::Visitor;
use crate::picture::Pool;
use crate::problem::{Problem, recover};
use crate::store::Store;
use crate::upload::Uploads;
use crate::wall::Wall;
use crate::websocket::{self, Socket, handshake};
use crate::{assets, page, photos, relay, still, upload};

/// At most so many pages and so many MJPEG streams are served at once.
const PAGES: usize = 1000;
const STREAMS: usize = 200;

/// At most so many pages have a socket on which they show their camera.
const CAMERAS: usize = 64;

/// So many lines of the log are told unless another number is asked for, and at most.
const LINES: u64 = 100;
const LINES_MOST: u64 = 500;

/// What the routes need.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    wall: Arc<Wall>,
    #[allow(dead_code, reason = "the routes of photos come next")]
    store: Store,
    pictures: Pool,
    uploads: Uploads,
    health: Health,
    stop: watch::Receiver<bool>,
    pages: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    cameras: Arc<Semaphore>,
}

type Query = HashMap<String, String>;

impl Site {
    pub fn new(
        wall: Arc<Wall>,
        store: Store,
        pictures: Pool,
        uploads: Uploads,
        health: Health,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let [pages, streams, cameras] =
            [PAGES, STREAMS, CAMERAS].map(|most| Arc::new(Semaphore::new(most)));
        Site { wall, store, pictures, uploads, health, stop, pages, streams, cameras }
    }

    /// The routes. HEAD is answered as GET before it comes here.
    pub fn routes(self) -> BoxedFilter<(Response,)> {
        let photos = self.clone().photos();
        let site = warp::any().map(move || self.clone());
        let get = || warp::get().and(site.clone());
        let known = warp::header::optional("if-none-match");

        let root = path::end().and(get()).and(warp::query()).and(known).then(Site::root);
        let peer = warp::ext::get();
        let upgrade = warp::header::exact_ignore_case("upgrade", "websocket")
            .and(warp::get())
            .and(warp::header::headers_cloned())
            .and(warp::ext::get());
        let page = path!("ws").and(site.clone()).and(peer).and(warp::query()).and(upgrade);
        let page = page.map(Site::page).map(respond);
        let no_page = path!("ws").and(warp::get()).map(not_a_websocket);
        let no_room = path!("relay" / String).and(warp::get()).map(no_room);
        let cameras = path!("api" / "cameras").and(get()).map(Site::cameras);
        let people = path!("api" / "people").and(get()).map(Site::people);
        let log = path!("api" / "log").and(get()).and(warp::query()).map(Site::log);
        let snapshot =
            path!("cameras" / String / String / "snapshot.jpg").and(get()).then(Site::snapshot);
        let stream =
            path!("cameras" / String / String / "stream.mjpg").and(get()).map(Site::stream);
        let healthz = path!("healthz").and(get()).map(Site::healthz);
        let asset = path::tail().and(warp::get()).and(known).map(asset);

        root.or(page)
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
            .or(snapshot)
            .unify()
            .or(stream.map(respond))
            .unify()
            .or(healthz)
            .unify()
            .or(photos)
            .unify()
            .or(asset)
            .unify()
            .recover(recover)
            .unify()
            .boxed()
    }

    fn photos(self) -> BoxedFilter<(Response,)> {
        let site = warp::any().map(move || self.clone());
        let get = || warp::get().and(site.clone());
        let post = || warp::post().and(site.clone());
        let parameters = warp::query::<Query>;
        let headers = warp::header::headers_cloned;
        let small = || warp::body::stream().then(photos::small);
        let media = warp::header::optional("content-type");
        let length = warp::header::optional("content-length");

        let list = path!("api" / "photos")
            .and(get())
            .and(parameters())
            .then(async |site: Site, query: Query| photos::list(&site.store, &query).await);
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
        let snapped =
            path!("api" / "cameras" / String / String / "snap").and(post()).and(small()).then(
                async |node: String, camera: String, site: Site, body: Result<Bytes, Problem>| {
                    let camera = parse(&format!("{node}/{camera}"))?;
                    photos::snap(&site.wall, &camera, &body?).await
                },
            );
        let deleted = path!("api" / "photos" / String)
            .and(warp::delete())
            .and(site.clone())
            .then(async |id: String, site: Site| photos::delete(&site.store, &id).await);
        let restored = path!("api" / "photos" / String / "restore")
            .and(post())
            .then(async |id: String, site: Site| photos::restore(&site.store, &id).await);
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
        let upload = path!("upload")
            .and(post())
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
            .or(picture)
            .unify()
            .or(thumb)
            .unify()
            .or(upload)
            .unify()
            .map(respond)
            .boxed()
    }

    async fn upload(
        self,
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
        let outcomes = self.uploads.receive(person, media, length, body).await?;
        Ok(json(StatusCode::CREATED, &outcomes))
    }

    async fn root(self, query: Query, known: Option<String>) -> Response {
        let camera = || match query.get("camera") {
            Some(camera) => parse(camera),
            None => self.first(),
        };
        respond(match query.get("action").map(String::as_str) {
            None => assets::serve("", known.as_deref()),
            Some("snapshot") => match camera() {
                Ok(camera) => still::snapshot(&self.wall, camera).await,
                Err(problem) => Err(problem),
            },
            Some("stream") => camera().and_then(|camera| self.show(camera)),
            Some(other) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("there is no action {other:?}"),
                "there are ?action=snapshot and ?action=stream",
            )),
        })
    }

    fn page(
        self,
        peer: Peer,
        query: Query,
        headers: HeaderMap,
        upgrade: OnUpgrade,
    ) -> Result<Response, Problem> {
        let response = handshake::answer(&headers)?;
        let permit = self.pages.try_acquire_owned().map_err(|_| {
            let hint = "close some of them, or try again later";
            Problem::unavailable(format!("{PAGES} pages look at this wall already"), hint)
        })?;
        // Only few sockets take messages as large as pictures, since each can make us hold one.
        let camera = match query.contains_key("camera") {
            false => None,
            true => Some(self.cameras.try_acquire_owned().map_err(|_| {
                let hint = "stop one of them, or try again later";
                Problem::unavailable(format!("{CAMERAS} browsers show cameras already"), hint)
            })?),
        };
        let most = if camera.is_some() { page::OWN_FRAME } else { page::MESSAGE };
        // The task ends with the page, or when the gallery stops.
        tokio::spawn(async move {
            let (stream, begun) = match upgrade.await {
                Ok(stream) => websocket::upgraded(stream),
                Err(error) => return debug!(%error, "a page left at once"),
            };
            let visitor = Visitor::new(self.wall.people.clone(), peer.0, camera.is_some());
            let socket = Socket::new(stream, &begun, most);
            page::serve(socket, self.wall, visitor, self.stop).await;
            drop((permit, camera));
        });
        Ok(response)
    }

    fn cameras(self) -> Response {
        #[derive(Serialize)]
        struct Listed<'a> {
            #[serde(flatten)]
            camera: &'a Camera,
            age_ms: Option<u64>,
        }
        let now = Now::read();
        let cameras = self.wall.cameras().borrow().clone();
        let listed: Vec<Listed<'_>> = cameras
            .iter()
            .map(|camera| {
                let newest = self.wall.frames.newest(&camera.camera);
                Listed { camera, age_ms: newest.map(|frame| frame.age_ms(now)) }
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

    async fn snapshot(node: String, camera: String, site: Site) -> Response {
        respond(match parse(&format!("{node}/{camera}")) {
            Ok(camera) => still::snapshot(&site.wall, camera).await,
            Err(problem) => Err(problem),
        })
    }

    fn stream(node: String, camera: String, site: Site) -> Result<Response, Problem> {
        site.show(parse(&format!("{node}/{camera}"))?)
    }

    fn show(&self, camera: CameraId) -> Result<Response, Problem> {
        let permit = self.streams.clone().try_acquire_owned().map_err(|_| {
            let hint = "close some of them; the page at / needs none";
            Problem::unavailable(format!("{STREAMS} streams run already"), hint)
        })?;
        still::stream(&self.wall, camera, permit, self.stop.clone())
    }

    fn healthz(self) -> Response {
        #[derive(Serialize)]
        struct Answer {
            status: &'static str,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            reasons: Vec<String>,
        }
        let mut reasons = self.wall.ails();
        reasons.extend(self.health.check().err());
        let errors = self.wall.errors();
        // A gallery that is started anew for the sake of one camera would mend nothing.
        let (code, status) = match (reasons.len(), errors.len()) {
            (0, 0) => (StatusCode::OK, "ok"),
            (0, _) => (StatusCode::OK, "degraded"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
        };
        reasons.extend(errors);
        reasons.extend(self.wall.notes());
        json(code, &Answer { status, reasons })
    }

    fn first(&self) -> Result<CameraId, Problem> {
        let first = self.wall.cameras().borrow().first().map(|camera| camera.camera.clone());
        first.ok_or_else(|| {
            Problem::not_found("there is no camera yet", "start a node: `vitrina node`")
        })
    }
}

fn asset(path: path::Tail, known: Option<String>) -> Response {
    respond(assets::serve(path.as_str(), known.as_deref()))
}

fn not_a_websocket() -> Response {
    let hint = "ask with the headers Connection: upgrade and Upgrade: websocket";
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
