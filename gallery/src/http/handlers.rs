//! The handlers of the routes, each called as `(site, asked)`. Longer ones have files of their own.

use std::collections::BTreeMap;

use access::Right;
use serde::Serialize;
use supervision::Need;
use tracing::debug;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};
use wire::log::Entry;
use wire::page::Camera;
use wire::{CameraId, Forgotten, NodeName};

use crate::caller::Caller;
use crate::http::addresses::{self, What, Which};
use crate::http::site::{Asked, Site};
use crate::http::{assets, edits, invite, logins, photos, proxied, snapshot, titles, zip};
use crate::limits::strangers::Strangers;
use crate::live::page::{self, sight};
use crate::live::socket::{self, Socket, handshake};
use crate::live::title::Whose;
use crate::now::Now;
use crate::people::Visitor;
use crate::photos::upload::idempotency::Key;
use crate::photos::upload::{self, Outcome};
use crate::problem::{Code, Problem};
use crate::relay;

/// How many lines of the log are sent, by default and at most.
const LINES: u64 = 100;
const LINES_MOST: u64 = 500;

/// Where to find out what there is.
const CAMERAS: &str = "GET /api/cameras lists them";

type Answer = Result<Response, Problem>;

/// A room of the relay.
pub(crate) async fn relay(site: Site, mut asked: Asked) -> Answer {
    let upgrade = asked.websocket();
    let room = relay::room(&asked.path).unwrap_or_else(|| Ok(Default::default()))?;
    let upgrade = upgrade.ok_or_else(|| {
        let hint = "ask as RFC 6455 has it, version 13, over HTTP/1.1";
        Problem::bad_request("this request cannot become a WebSocket", hint)
    })?;
    let credits = relay::credits(&asked.typed)?;
    site.relay.enter(room, credits, &asked.caller, true, &asked.headers, upgrade)
}

/// The answer to a room's request that asks for no WebSocket.
pub(crate) async fn no_upgrade(_: Site, asked: Asked) -> Answer {
    Err(relay::not_an_upgrade(asked.name(0)))
}

/// A live picture, which some other hosts' pages may read.
pub(crate) async fn live(site: Site, asked: Asked) -> Answer {
    let picture = async {
        let what = addresses::asked(&asked.path, &asked.query);
        let (what, which) = what.unwrap_or_else(|| Err(no_picture()))?;
        let camera = match which {
            Which::Named(camera) => parse(&camera)?,
            Which::Nth(n) => nth(&site, &asked.caller, n)?,
        };
        let share = site.strangers.stills.take(asked.caller.who())?;
        match what {
            What::Snapshot => snapshot::snapshot(&site.hub, &asked.caller, camera, share).await,
            What::Stream => {
                snapshot::stream(&site.hub, &asked.caller, camera, share, site.stop.clone())
            }
        }
    };
    let mut response = picture.await.unwrap_or_else(Reply::into_response);
    site.readers.tell(&asked.headers, &mut response);
    Ok(response)
}

/// Whether a page may read a live picture.
pub(crate) async fn preflight(site: Site, asked: Asked) -> Answer {
    Ok(site.readers.preflight(&asked.headers))
}

/// The WebSocket of a page.
pub(crate) async fn page(site: Site, mut asked: Asked) -> Answer {
    let Some(upgrade) = asked.websocket() else {
        let hint = "ask with the headers Connection: upgrade and Upgrade: websocket; a proxy in \
                    between must pass them on";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket", hint));
    };
    let mut response = handshake::accept(&asked.headers)?;
    logins::renew(&site, &asked.caller, &asked, &mut response);
    let Asked { caller, query, .. } = asked;
    let Strangers { pages, cameras, messages, .. } = &site.strangers;
    // Only a few sockets take messages as large as pictures, because each can make us hold one.
    let shows = query.contains_key("camera");
    if shows {
        caller.needs(Right::Show)?;
    }
    let page = pages.take(caller.who())?;
    let camera = shows.then(|| cameras.take(caller.who())).transpose()?;
    let memory = messages.none(caller.who());
    let most = if shows { page::OWN_FRAME } else { page::MESSAGE };
    // The task ends with the page, or when the gallery stops.
    tokio::spawn(async move {
        let (stream, begun) = match upgrade.await {
            Ok(stream) => socket::upgraded(stream),
            Err(error) => return debug!(%error, "a page left at once"),
        };
        let visitor = Visitor::new(site.hub.people.clone(), caller.peer, shows);
        let socket = Socket::new(stream, &begun, most, memory);
        let watched = (site.relay.traffic, site.stop);
        page::serve(socket, site.hub, site.logins, caller, visitor, assets::BUILD, watched).await;
        drop((page, camera));
    });
    Ok(response)
}

/// The cameras as on the wall, with the age of their pictures.
pub(crate) async fn cameras(site: Site, asked: Asked) -> Answer {
    #[derive(Serialize)]
    struct Listed<'a> {
        #[serde(flatten)]
        camera: &'a Camera,
        age_ms: Option<u64>,
        /// Pictures that arrived and were dropped, by reason.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        dropped: BTreeMap<&'static str, u64>,
    }
    let now = Now::read();
    let cameras = site.hub.cameras().borrow().clone();
    let mut counters = site.hub.counters();
    let listed: Vec<Listed<'_>> = cameras
        .iter()
        .filter(|camera| asked.caller.may(Right::Look, Some(&camera.camera)))
        .map(|camera| {
            let newest = site.hub.frames.newest(&camera.camera);
            let dropped = counters.dropped.remove(&camera.camera).unwrap_or_default();
            Listed { camera, age_ms: newest.map(|frame| frame.age_ms(now)), dropped }
        })
        .collect();
    Ok(json(StatusCode::OK, &listed))
}

/// Asks a camera for a photo.
pub(crate) async fn snap(site: Site, asked: Asked) -> Answer {
    let camera: CameraId = parse(&format!("{}/{}", asked.name(0), asked.name(1)))?;
    let _share = site.strangers.snaps.take(asked.caller.who())?;
    photos::snap(&site.hub, &site.store, &camera, &photos::small(asked.body).await?).await
}

/// Gives a camera a title.
pub(crate) async fn entitle(site: Site, asked: Asked) -> Answer {
    let camera = parse(&format!("{}/{}", asked.name(0), asked.name(1)))?;
    let _share = site.strangers.titles.take(asked.caller.who())?;
    let body = photos::small(asked.body).await?;
    titles::set(&site.hub, Whose::Camera(camera), &body).await
}

/// Gives a node a title.
pub(crate) async fn entitle_node(site: Site, asked: Asked) -> Answer {
    let node = parse_node(asked.name(0))?;
    let _share = site.strangers.titles.take(asked.caller.who())?;
    let body = photos::small(asked.body).await?;
    titles::set(&site.hub, Whose::Node(node), &body).await
}

/// Forgets a node or camera that will not come back.
pub(crate) async fn forget(site: Site, asked: Asked) -> Answer {
    let what = match &*asked.named {
        [node, camera] => Forgotten::Camera(parse(&format!("{node}/{camera}"))?),
        _ => Forgotten::Node(parse_node(asked.name(0))?),
    };
    let _share = site.strangers.forgets.take(asked.caller.who())?;
    site.hub.forget(what).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The people who are here.
pub(crate) async fn people(site: Site, asked: Asked) -> Answer {
    let people = site.hub.people.list().into_iter();
    let people: Vec<_> = people.map(|present| sight::present(&asked.caller, present)).collect();
    Ok(json(StatusCode::OK, &people))
}

/// By which addresses others come in.
pub(crate) async fn addresses(site: Site, asked: Asked) -> Answer {
    let invitation = site.doors.invitation(asked.caller.peer, &asked.headers).await;
    Ok(json(StatusCode::OK, &invitation))
}

/// The QR code of an address.
pub(crate) async fn code(_: Site, asked: Asked) -> Answer {
    invite::code(&asked.query)
}

/// The log.
pub(crate) async fn log(site: Site, asked: Asked) -> Answer {
    let number = |key: &str| match asked.query.get(key).map(|text| text.parse::<u64>()) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => {
            let hint = "before is the id of a line, limit a number";
            Err(Problem::bad_request(format!("{key} is not a whole number"), hint))
        }
    };
    let limit = number("limit")?.unwrap_or(LINES);
    if !(1..=LINES_MOST).contains(&limit) {
        let error = format!("limit is {limit}; it must be 1 to {LINES_MOST}");
        let hint = "ask for more with before=<the id of the last line>";
        return Err(Problem::bad_request(error, hint));
    }
    let seen = |entry: &Entry| sight::entry(&asked.caller, entry);
    Ok(json(StatusCode::OK, &site.hub.journal.list(number("before")?, limit as usize, seen)))
}

/// A page of the list of photos.
pub(crate) async fn photos(site: Site, asked: Asked) -> Answer {
    photos::list(&site.store, &asked.query, proxied::prefix(&asked.headers)).await
}

/// The days with photos.
pub(crate) async fn days(site: Site, asked: Asked) -> Answer {
    photos::days(&site.store, &asked.query).await
}

/// The cameras and people that photos came from.
pub(crate) async fn sources(site: Site, _: Asked) -> Answer {
    photos::sources(&site.store).await
}

/// What words are found in.
pub(crate) async fn found(site: Site, asked: Asked) -> Answer {
    photos::found(&site.store, &asked.query).await
}

/// Photos as a ZIP.
pub(crate) async fn zip(site: Site, asked: Asked) -> Answer {
    zip::send(site, asked).await
}

/// How far a ZIP has come.
pub(crate) async fn download(site: Site, asked: Asked) -> Answer {
    site.downloads.tell(asked.name(0))
}

/// Ends a ZIP.
pub(crate) async fn cancel_download(site: Site, asked: Asked) -> Answer {
    site.downloads.cancel(asked.name(0))
}

/// The facts of a photo.
pub(crate) async fn photo(site: Site, asked: Asked) -> Answer {
    photos::describe(&site.store, &site.pictures, asked.name(0)).await
}

/// Changes a photo's caption or pin.
pub(crate) async fn change(site: Site, asked: Asked) -> Answer {
    let id = asked.name(0).to_owned();
    photos::change(&site.store, &id, &photos::small(asked.body).await?).await
}

/// Deletes a photo.
pub(crate) async fn delete(site: Site, asked: Asked) -> Answer {
    photos::delete(&site.store, asked.name(0)).await
}

/// Undoes a deletion.
pub(crate) async fn restore(site: Site, asked: Asked) -> Answer {
    photos::restore(&site.store, asked.name(0)).await
}

/// Makes one change to many photos.
pub(crate) async fn edits(site: Site, asked: Asked) -> Answer {
    let body = photos::small(asked.body).await?;
    edits::edit(&site.store, &asked.caller, &body).await
}

/// A photo's file.
pub(crate) async fn picture(site: Site, asked: Asked) -> Answer {
    photos::picture(&site.store, asked.name(0), &asked.headers, &asked.query).await
}

/// A photo's thumbnail.
pub(crate) async fn thumb(site: Site, asked: Asked) -> Answer {
    photos::thumb(&site.store, asked.name(0), &asked.headers).await
}

/// Which uploads are accepted.
pub(crate) async fn taken(site: Site, _: Asked) -> Answer {
    Ok(json(StatusCode::OK, &site.uploads.taken()))
}

/// Receives uploads.
pub(crate) async fn upload(site: Site, asked: Asked) -> Answer {
    let authorization = asked.header("authorization")?;
    let person = match authorization.map(|text| site.hub.people.verify(text)) {
        None => None,
        Some(Some(person)) => Some(person),
        Some(None) => {
            upload::pass_over(asked.body).await;
            let error = "nobody joined with this id and key";
            let hint = "join again on the page's WebSocket, then send it again";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, error, hint));
        }
    };
    let key = asked.headers.get("idempotency-key").map(|key| Key::parse(key.as_bytes()));
    let key = match key.transpose() {
        Ok(key) => key,
        Err(bad) => {
            upload::pass_over(asked.body).await;
            let hint = "send one that is random, such as a UUID, or none";
            return Err(Problem::bad_request(bad.to_string(), hint));
        }
    };
    let media = asked.header("content-type")?.map(str::to_owned);
    let length = asked.header("content-length")?.and_then(|length| length.parse().ok());
    let (who, body) = (asked.caller.who(), asked.body);
    let mut outcomes = site.uploads.receive(who, person, key, media, length, body).await?;
    let prefix = proxied::prefix(&asked.headers);
    for outcome in &mut outcomes {
        if let Outcome::Stored { url, .. } = outcome {
            url.insert_str(0, prefix);
        }
    }
    let is_new = outcomes.iter().any(Outcome::is_new);
    Ok(json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &outcomes))
}

/// The health of the gallery.
pub(crate) async fn healthz(site: Site, asked: Asked) -> Answer {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<String>,
    }
    let mut reasons = site.hub.faults();
    let (vital, minor): (Vec<_>, Vec<_>) =
        site.health.troubles().into_iter().partition(|trouble| trouble.need == Need::Vital);
    reasons.extend(vital.iter().map(ToString::to_string));
    let mut errors = site.hub.errors();
    errors.extend(minor.iter().map(ToString::to_string));
    // Restarting the gallery for one camera would help nobody; without its minor threads it still
    // serves all that anybody looks at.
    let (code, status) = match (reasons.len(), errors.len()) {
        (0, 0) => (StatusCode::OK, "ok"),
        (0, _) => (StatusCode::OK, "degraded"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    reasons.extend(errors);
    reasons.extend(site.hub.notes());
    // They name cameras, nodes and folders.
    if !(asked.caller.may(Right::Look, None) && asked.caller.cameras.are_all()) {
        reasons.clear();
    }
    Ok(json(code, &Health { status, reasons }))
}

/// Redirects from a room's typed address to the room.
pub(crate) async fn room(_: Site, asked: Asked) -> Answer {
    let nothing = || Problem::not_found("there is no such room", "the wall is at /");
    assets::room(&asked.path, &asked.typed).ok_or_else(nothing)
}

/// A file of the page.
pub(crate) async fn file(site: Site, asked: Asked) -> Answer {
    let path = asked.path.strip_prefix('/').unwrap_or(&asked.path);
    assets::serve(path, asked.header("if-none-match")?, &site.policy)
}

/// The camera at a place on the caller's wall, from 0.
fn nth(site: &Site, caller: &Caller, n: usize) -> Result<CameraId, Problem> {
    let cameras = site.hub.cameras().borrow().clone();
    let ids = cameras.iter().map(|camera| &camera.camera);
    let seen: Vec<&CameraId> = ids.filter(|id| caller.may(Right::Look, Some(id))).collect();
    match seen.get(n) {
        Some(camera) => Ok((*camera).clone()),
        None if seen.is_empty() => {
            Err(Problem::not_found("there is no camera yet", "start a node: `vitrina node`"))
        }
        None => {
            let error = format!("there are {} cameras, counted from 0", seen.len());
            Err(Problem::not_found(error, "GET /api/cameras lists them"))
        }
    }
}

fn no_picture() -> Problem {
    Problem::not_found("there is no live picture here", "docs/protocol.md says where they are")
}

pub(super) fn parse(camera: &str) -> Result<CameraId, Problem> {
    let unknown = |error: wire::BadName| Problem::not_found(error.to_string(), CAMERAS);
    camera.parse().map_err(|error| unknown(error).coded(Code::CameraUnknown))
}

pub(super) fn parse_node(node: &str) -> Result<NodeName, Problem> {
    let unknown = |error: wire::BadName| Problem::not_found(error.to_string(), CAMERAS);
    node.parse().map_err(unknown)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let json = warp::reply::with_header(warp::reply::json(value), "cache-control", "no-store");
    warp::reply::with_status(json, status).into_response()
}
