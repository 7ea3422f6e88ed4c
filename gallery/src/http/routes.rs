//! All routes in one table, each with the right that it needs.

use std::convert::Infallible;

use access::Asks;
use access::Right::{self, Control, Delete, Edit, Forget, Log, Look, Snap, Talk, Upload, Users};
use futures_util::future::BoxFuture;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::service::TowerToHyperService;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, Method};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection, path};
use wire::CameraId;

use crate::caller::Caller;
use crate::http::listener::Answers;
use crate::http::site::{Asked, Query, Site};
use crate::http::until::until;
use crate::http::{addresses, assets, guard, handlers, logins, users};
use crate::photos::upload;
use crate::problem::{CannotBeDone, Problem, no_camera, no_node, recover};
use crate::relay;
use At::{Files, Live, Path, Relay, Rooms};

/// Which pages may show a picture (Fetch, section 3.7).
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Something that can be asked for.
struct Route {
    /// GET includes HEAD, which arrives here as GET.
    method: &'static str,
    at: At,
    /// The right that it needs; `None` if everybody who is let in may.
    needs: Option<Right>,
    answer: Handler,
}

type Handler = fn(Site, Asked) -> BoxFuture<'static, Result<Response, Problem>>;

/// Where a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At a path, in which a name in braces stands for any one segment. A path without names comes
    /// before one with names.
    Path(&'static str),
    /// At the addresses of live pictures, see [`addresses`].
    Live,
    /// At a room of the relay, for a WebSocket.
    Relay,
    /// At the paths that people type for a room of the page.
    Rooms,
    /// At the files of the page, and at all other paths.
    Files,
}

/// What everybody who is let in may do.
const ANYBODY: Option<Right> = None;

const fn on(method: &'static str, at: At, needs: Option<Right>, answer: Handler) -> Route {
    Route { method, at, needs, answer }
}

macro_rules! to {
    ($handler:path) => {
        |site, asked| Box::pin($handler(site, asked))
    };
}

/// All routes. The first that matches a request answers it.
static ROUTES: &[Route] = &[
    on("GET", Relay, Some(Right::Relay), to!(handlers::relay)),
    on("GET", Live, Some(Look), to!(handlers::live)),
    on("OPTIONS", Live, ANYBODY, to!(handlers::preflight)),
    on("GET", Path("/ws"), Some(Look), to!(handlers::page)),
    on("GET", Path("/relay/{room}"), Some(Right::Relay), to!(handlers::no_upgrade)),
    on("GET", Path("/api/me"), ANYBODY, to!(logins::me)),
    on("GET", Path("/api/me/devices"), ANYBODY, to!(logins::devices)),
    on("DELETE", Path("/api/me/devices"), ANYBODY, to!(logins::end_devices)),
    on("DELETE", Path("/api/me/devices/{id}"), ANYBODY, to!(logins::end_device)),
    on("PUT", Path("/api/me/password"), ANYBODY, to!(logins::set_password)),
    on("POST", Path("/api/login"), ANYBODY, to!(logins::log_in)),
    on("POST", Path("/api/logout"), ANYBODY, to!(logins::log_out)),
    on("POST", Path("/api/setup"), ANYBODY, to!(logins::set_up)),
    on("GET", Path("/api/users"), Some(Users), to!(users::list)),
    on("POST", Path("/api/users"), Some(Users), to!(users::add)),
    on("PATCH", Path("/api/users/{name}"), Some(Users), to!(users::change)),
    on("DELETE", Path("/api/users/{name}"), Some(Users), to!(users::remove)),
    on("POST", Path("/api/users/{name}/restore"), Some(Users), to!(users::restore)),
    on("GET", Path("/api/cameras"), Some(Look), to!(handlers::cameras)),
    on("POST", Path("/api/cameras/{node}/{camera}/snap"), Some(Snap), to!(handlers::snap)),
    on("PUT", Path("/api/cameras/{node}/{camera}/title"), Some(Control), to!(handlers::entitle)),
    on("PUT", Path("/api/nodes/{node}/title"), Some(Control), to!(handlers::entitle_node)),
    on("DELETE", Path("/api/cameras/{node}/{camera}"), Some(Forget), to!(handlers::forget)),
    on("DELETE", Path("/api/nodes/{node}"), Some(Forget), to!(handlers::forget)),
    on("GET", Path("/api/people"), Some(Talk), to!(handlers::people)),
    on("GET", Path("/api/addresses"), Some(Look), to!(handlers::addresses)),
    on("GET", Path("/api/code.svg"), Some(Look), to!(handlers::code)),
    on("GET", Path("/api/log"), Some(Log), to!(handlers::log)),
    on("GET", Path("/api/photos"), Some(Look), to!(handlers::photos)),
    on("GET", Path("/api/photos/days"), Some(Look), to!(handlers::days)),
    on("GET", Path("/api/photos/sources"), Some(Look), to!(handlers::sources)),
    on("POST", Path("/api/photos/edits"), Some(Look), to!(handlers::edits)),
    on("GET", Path("/api/photos/found"), Some(Look), to!(handlers::found)),
    on("GET", Path("/api/photos.zip"), Some(Look), to!(handlers::zip)),
    on("POST", Path("/api/photos.zip"), Some(Look), to!(handlers::zip)),
    on("GET", Path("/api/photos.zip/{token}"), Some(Look), to!(handlers::download)),
    on("DELETE", Path("/api/photos.zip/{token}"), Some(Look), to!(handlers::cancel_download)),
    on("GET", Path("/api/photos/{id}"), Some(Look), to!(handlers::photo)),
    on("PATCH", Path("/api/photos/{id}"), Some(Edit), to!(handlers::change)),
    on("DELETE", Path("/api/photos/{id}"), Some(Delete), to!(handlers::delete)),
    on("POST", Path("/api/photos/{id}/restore"), Some(Delete), to!(handlers::restore)),
    on("GET", Path("/photos/{id}"), Some(Look), to!(handlers::picture)),
    on("GET", Path("/photos/{id}/thumb"), Some(Look), to!(handlers::thumb)),
    on("GET", Path("/upload"), Some(Upload), to!(handlers::taken)),
    on("POST", Path("/upload"), Some(Upload), to!(handlers::upload)),
    on("GET", Path("/healthz"), ANYBODY, to!(handlers::healthz)),
    on("GET", Rooms, ANYBODY, to!(handlers::room)),
    on("GET", Files, ANYBODY, to!(handlers::file)),
];

impl Route {
    /// Whether a request at this route's place asks for this route.
    fn fits(&self, asked: &Asked) -> bool {
        self.method == asked.method
            && match self.at {
                Live if self.method == "GET" => {
                    addresses::asked(&asked.path, &asked.query).is_some()
                }
                Relay => asked.is_for_websocket(),
                Live | Path(_) | Rooms | Files => true,
            }
    }

    fn admits(&self, caller: &Caller) -> Result<(), Problem> {
        self.needs.map_or(Ok(()), |right| caller.needs(right))
    }

    /// Whether the camera or node in the path is there for the caller. What is missing and what is
    /// not for them look alike.
    fn is_there(&self, site: &Site, asked: &Asked) -> Result<(), Problem> {
        let (Path(pattern), Some(right)) = (self.at, self.needs) else { return Ok(()) };
        if pattern.contains("{node}/{camera}") {
            let camera: CameraId = handlers::parse(&asked.named.join("/"))?;
            let is_there = site.hub.knows_camera(&camera);
            match asked.caller.may(right, Some(&camera)) && is_there {
                true => Ok(()),
                false => Err(no_camera(&camera)),
            }
        } else if pattern.contains("{node}") {
            let node = handlers::parse_node(asked.name(0))?;
            let is_there = site.hub.knows_node(&node);
            match asked.caller.may_with_all(right, &node) && is_there {
                true => Ok(()),
                false => Err(no_node(&node)),
            }
        } else {
            Ok(())
        }
    }
}

/// The routes at a path; of those with names in braces only the first pattern that matches.
fn routes_at(path: &str) -> impl Iterator<Item = &'static Route> {
    let is_pattern = |at: &At| matches!(at, Path(pattern) if names(pattern, path).is_some());
    let pattern = ROUTES.iter().map(|route| route.at).find(is_pattern);
    ROUTES.iter().filter(move |route| match route.at {
        Path(_) => pattern == Some(route.at),
        Live => addresses::is_path(path),
        Relay => relay::room(path).is_some(),
        Rooms => assets::is_room(path),
        Files => pattern.is_none(),
    })
}

/// The segments at the names of a pattern, if the path matches. A slash at its end is ignored.
fn names(pattern: &str, path: &str) -> Option<Vec<String>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (mut parts, mut named) = (path.split('/'), Vec::new());
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        if wanted.starts_with('{') && !part.is_empty() {
            named.push(part.to_owned());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(named)
}

/// The methods of a path; for a missing file too, one may ask whether it exists.
fn methods(path: &str) -> Vec<&'static str> {
    let mut methods = Vec::new();
    for Route { method, .. } in routes_at(path) {
        if !methods.contains(method) {
            methods.push(*method);
            methods.extend((*method == "GET").then_some("HEAD"));
        }
    }
    methods
}

/// Answers a request by its route, if the caller has the right.
async fn answer(site: Site, mut asked: Asked) -> Response {
    let Some(route) = routes_at(&asked.path).find(|route| route.fits(&asked)) else {
        return CannotBeDone { methods: methods(&asked.path) }.into_response();
    };
    if let Err(problem) = route.admits(&asked.caller) {
        // Otherwise a client that still sends would not read the reason.
        upload::pass_over(asked.body).await;
        return problem.into_response();
    }
    if let Path(pattern) = route.at {
        asked.named = names(pattern, &asked.path).unwrap_or_default();
    }
    if let Err(problem) = route.is_there(&site, &asked) {
        upload::pass_over(asked.body).await;
        return problem.into_response();
    }
    let changed = asked.caller.clone().changed(site.logins.clone(), route.needs);
    let store = site.store.seen_by(&asked.caller.cameras);
    let site = Site { store, ..site };
    let response = (route.answer)(site, asked).await.unwrap_or_else(Reply::into_response);
    until(response, changed)
}

/// The table as a service. A request has its [`Caller`] as an extension.
pub(crate) fn serve(site: Site) -> BoxedFilter<(Response,)> {
    let typed = warp::query::raw().or_else(async |_| Ok::<_, Rejection>((String::new(),)));
    warp::method()
        .and(path::full())
        .and(typed)
        .and(warp::query())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get())
        .and(warp::ext::optional())
        .and(warp::body::stream())
        .then(
            move |method: Method,
                  path: path::FullPath,
                  typed: String,
                  query: Query,
                  headers: HeaderMap,
                  caller: Caller,
                  upgrade: Option<OnUpgrade>,
                  body| {
                let path = path.as_str().to_owned();
                let body = Asked::boxed(body);
                let named = Vec::new();
                let asked =
                    Asked { caller, method, path, typed, query, headers, upgrade, body, named };
                answer(site.clone(), asked)
            },
        )
        .recover(recover)
        .unify()
        .boxed()
}

/// The table as what a listener serves.
#[derive(Clone)]
pub(crate) struct Routes(BoxedFilter<(Response,)>);

impl Routes {
    pub fn new(site: Site) -> Routes {
        Routes(serve(site))
    }
}

impl Answers for Routes {
    fn asks(&self, request: &Request<Incoming>) -> Asks {
        guard::asks(request)
    }

    async fn answer(&self, caller: Caller, mut request: Request<Incoming>) -> Response {
        request.extensions_mut().insert(caller);
        let service = TowerToHyperService::new(warp::service(self.0.clone()));
        let answered: Result<Response, Infallible> = service.call(request).await;
        answered.unwrap_or_else(|never| match never {})
    }
}

#[cfg(test)]
mod tests;
