//! What the class's port of HTTP answers.

use std::net::IpAddr;
use std::sync::Arc;

use access::{Asks, Refused, Right};
use gallery::{Answers, Caller, House};
use hyper::body::Incoming;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use tokio::task::spawn_blocking;
use traffic::{Mistake, Way};
use warp::http::StatusCode;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, ORIGIN, UPGRADE, VARY,
};
use warp::reply::Response;
use websocket::handshake;

use crate::config::Config;
use crate::folder::{Folder, Found};
use crate::library;
use crate::projector::{self, Projector};
use crate::replies::{self, put};
use crate::socketio::SocketIo;
use crate::start::{Start, prefers_english};
use crate::uploads::Uploads;

/// The same picture sent in three ways, to be watched.
const LESSON: &str = "/lesson";
const LESSON_SPANISH: &str = include_str!("../lesson/es.html");
const LESSON_ENGLISH: &str = include_str!("../lesson/en.html");

/// What a browser sends that fetches the script of a service worker (Service Workers, "Extended HTTP
/// headers").
const SERVICE_WORKER: &str = "service-worker";

/// Where Socket.IO is.
const SOCKET_IO: &str = "/socket.io/";

/// The class's site. A cheap handle.
#[derive(Debug, Clone)]
pub(crate) struct Site(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    house: House,
    folder: Option<Folder>,
    start: Start,
    socketio: SocketIo,
    uploads: Uploads,
    projector: Projector,
    is_live: bool,
    keeps: bool,
}

impl Site {
    pub fn new(
        config: &Config,
        house: House,
        folder: Option<Folder>,
        start: Start,
        socketio: SocketIo,
        projector: Projector,
    ) -> Site {
        let &Config { live: is_live, keep: keeps, .. } = config;
        let uploads = Uploads::new(house.clone(), keeps, config.data.join("uploads"));
        Site(Arc::new(Inner { house, folder, start, socketio, uploads, projector, is_live, keeps }))
    }

    async fn route(&self, caller: &Caller, request: &mut Request<Incoming>) -> Response {
        let path = request.uri().path().to_owned();
        if path.starts_with(SOCKET_IO) && library::find(&path).is_none() {
            if !caller.may(Right::Relay, None) {
                return replies::not_for_you();
            }
            return self.0.socketio.answer(caller, request).await;
        }
        if is_websocket(request) {
            let upgrade = hyper::upgrade::on(&mut *request);
            let query = request.uri().query().unwrap_or_default();
            let (room, house) = (room(query), &self.0.house);
            let (room, headers) = (room.as_deref(), request.headers());
            return house.relay(room, query, caller, self.0.keeps, headers, upgrade);
        }
        match *request.method() {
            Method::GET if path == projector::PAGE => self.0.projector.page(request.headers()),
            Method::GET if path == projector::LIVE => self.0.projector.live(caller),
            Method::GET => self.get(path, request).await,
            Method::POST if path == projector::SWITCH => {
                self.0.projector.switch(caller, request).await
            }
            Method::POST if path == "/upload" => {
                let tell = |path: &str, passing| {
                    self.0.socketio.rooms.tell("imageUploaded", path, passing);
                };
                self.0.uploads.take(caller, request, tell).await
            }
            Method::OPTIONS => preflight(),
            _ => {
                let error = "only GET is possible here; Solo GET es posible aquí";
                let mut response = replies::words(StatusCode::METHOD_NOT_ALLOWED, error);
                put(&mut response, ALLOW, "GET, HEAD");
                response
            }
        }
    }

    async fn get(&self, path: String, request: &Request<Incoming>) -> Response {
        let headers = request.headers();
        if headers.contains_key(SERVICE_WORKER) && path.rfind('/') == Some(0) {
            // It could answer for all paths, also in place of the projector's page with its word.
            let error = "A service worker must be in a folder: here it would answer for all pages.";
            let hint =
                "Un service worker va en una subcarpeta: aquí respondería por todas las páginas.";
            return replies::words(StatusCode::FORBIDDEN, format!("{error}\n{hint}"));
        }
        if library::SOCKET_IO.contains(&&*path)
            && let Some(file) = library::find(&path)
        {
            return replies::library(file, headers);
        }
        if let Some(upload) = self.0.uploads.find(&path) {
            return replies::uploaded(upload, headers);
        }
        let (inner, asked) = (self.0.clone(), path.clone());
        let found = spawn_blocking(move || {
            inner.folder.as_ref().map_or(Found::Nothing, |folder| folder.find(&asked))
        });
        match found.await.unwrap_or(Found::Nothing) {
            Found::File(opened) => replies::file(opened, self.0.is_live, headers),
            Found::Folder => moved(&path, request.uri().query()),
            Found::Nothing => match library::find(&path) {
                Some(file) => replies::library(file, headers),
                None if path == "/" => replies::page(self.0.start.page(headers)),
                None if path == LESSON && prefers_english(headers) => {
                    replies::page(LESSON_ENGLISH.to_owned())
                }
                None if path == LESSON => replies::page(LESSON_SPANISH.to_owned()),
                None => {
                    let path = percent_decode_str(&path).decode_utf8_lossy();
                    let error = format!("There is no {path} in the folder of the class.");
                    let hint = format!("No hay {path} en la carpeta de la clase.");
                    replies::words(StatusCode::NOT_FOUND, format!("{error}\n{hint}"))
                }
            },
        }
    }
}

impl Answers for Site {
    /// A page elsewhere may show files; to read them in its code, or to take part, it must be listed,
    /// and a browser names it then. A request without an origin is no WebSocket of a browser, but may
    /// be a GET of a page that pretends to be ours.
    fn asks(&self, request: &Request<Incoming>) -> Asks {
        let gets = matches!(*request.method(), Method::GET | Method::HEAD);
        let takes_part = [ORIGIN, UPGRADE].iter().any(|name| request.headers().contains_key(name));
        match gets && !takes_part {
            true => Asks::Look,
            false => Asks::Socket,
        }
    }

    fn refused(&self, peer: IpAddr, request: &Request<Incoming>, refused: &Refused) {
        if refused.why == access::ORIGINS {
            let is_socket_io = request.uri().path().starts_with(SOCKET_IO);
            let way = if is_socket_io { Way::SocketIo } else { Way::WebSocket };
            self.0.house.traffic().mistake(way, peer, Mistake::Elsewhere);
        }
    }

    async fn answer(&self, caller: Caller, mut request: Request<Incoming>) -> Response {
        let page = request.headers().get(ORIGIN).cloned();
        // Then the guard let that very page in.
        let page = page.filter(|_| self.asks(&request) == Asks::Socket);
        let mut response = self.route(&caller, &mut request).await;
        let headers = response.headers_mut();
        if caller.is_secure {
            // Pupils' pages say `ws://${location.host}`, which a page that came by TLS may not open.
            // A port that a page names itself stays as it is.
            let upgrade = HeaderValue::from_static("upgrade-insecure-requests");
            headers.entry(CONTENT_SECURITY_POLICY).or_insert(upgrade);
        }
        if let Some(page) = page {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page);
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}

fn is_websocket(request: &Request<Incoming>) -> bool {
    let mut values = request.headers().get_all(UPGRADE).into_iter();
    *request.method() == Method::GET
        && values.any(|value| handshake::lists(value.as_bytes(), "websocket"))
}

/// The room that a query names.
fn room(query: &str) -> Option<String> {
    let room = query.split('&').find_map(|pair| pair.strip_prefix("room="))?;
    Some(percent_decode_str(room).decode_utf8_lossy().into_owned())
}

/// What a browser asks before a page elsewhere sends something unusual.
fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    put(&mut response, ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    put(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, "content-type");
    response
}

/// A folder is at its path with a slash, so that its page finds its own files.
fn moved(path: &str, query: Option<&str>) -> Response {
    // Relative, or a path such as //elsewhere/ would lead to another host.
    let name = path.rsplit('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = replies::words(StatusCode::FOUND, "the folder is at its path with a slash");
    put(&mut response, LOCATION, format!("./{name}/{query}"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_names_the_room() {
        assert_eq!(room("room=aula-2"), Some("aula-2".to_owned()));
        assert_eq!(room("a=1&room=a%20b"), Some("a b".to_owned()));
        assert_eq!((room("a=1"), room("")), (None, None));
    }

    #[test]
    fn a_folder_is_found_with_its_slash() {
        let to = |path, query| moved(path, query).headers()[LOCATION].to_str().unwrap().to_owned();
        assert_eq!(to("/a/b", None), "./b/");
        assert_eq!(to("/a%20b", Some("x=1")), "./a%20b/?x=1");
    }
}
