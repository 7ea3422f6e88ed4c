mod access;
mod limited;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::path::Path as File;
use std::pin::pin;
use std::sync::Arc;

use ::access::Rights;
use futures_util::stream;
use hyper::body::Body as _;
use supervision::Health;
use tokio::sync::watch;
use warp::http::StatusCode;

use super::*;
use crate::http::cors::Readers;
use crate::http::invite::Doors;
use crate::http::zip::Downloads;
use crate::limits::strangers::Strangers;
use crate::photos::upload::Uploads;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn site(data: &File) -> Site {
    let (config, opened, hub) = crate::opened(data);
    let (strangers, stop) = (Strangers::new(), watch::channel(false).1);
    let (store, pictures) = (opened.store, config.pictures);
    Site {
        hub,
        uploads: Uploads::new(store.clone(), pictures.clone(), strangers.uploads.clone()),
        downloads: Downloads::default(),
        store,
        pictures,
        relay: relay::Relay::new(
            relay::offers().0,
            strangers.clone(),
            crate::nobody(),
            stop.clone(),
        ),
        logins: crate::nobody(),
        health: Health::default(),
        strangers,
        readers: Arc::new(Readers::new(&[])),
        doors: Arc::new(Doors::new(vec![], Default::default())),
        policy: assets::policy(&[]),
        stop,
    }
}

fn asked(method: &str, path: &str, rights: Rights) -> Asked {
    Asked {
        caller: Caller { rights, ..Caller::unknown(HERE) },
        method: method.parse().unwrap(),
        path: path.to_owned(),
        typed: String::new(),
        query: Query::new(),
        headers: HeaderMap::new(),
        upgrade: None,
        body: Box::pin(stream::empty()),
        named: Vec::new(),
    }
}

/// A request for this route.
fn asked_of(route: &Route, rights: Rights) -> Asked {
    let path = match route.at {
        Path(pattern) => {
            &*pattern.replace("{node}", "pi").replace("{camera}", "door").replace("{id}", "01J")
        }
        Live => "/cameras/pi/door/snapshot.jpg",
        Relay => "/relay/aula",
        Rooms => "/wall",
        Files => "/",
    };
    let mut asked = asked(route.method, path, rights);
    if route.at == Relay {
        asked.headers.insert("upgrade", "websocket".parse().unwrap());
    }
    asked
}

async fn text(response: Response) -> String {
    let (mut body, mut bytes) = (pin!(response.into_body()), Vec::new());
    while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn each_route_refuses_who_lacks_its_right_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let site = site(data.path());
    let none = Right::ALL.into_iter().fold(Rights::ALL, Rights::without);
    for route in ROUTES {
        let what = format!("{} {:?}", route.method, route.at);
        let asked = |rights| asked_of(route, rights);
        let one = asked(none);
        let found = routes_at(&one.path).find(|route| route.fits(&one));
        assert!(found.is_some_and(|found| std::ptr::eq(found, route)), "{what} is answered");
        let enough = Right::ALL.into_iter().filter(|right| Some(*right) != route.needs);
        let enough = enough.fold(Rights::ALL, Rights::without);
        let answered = answer(site.clone(), asked(enough)).await.status();
        assert!(answered != 401 && answered != 403 && answered != 500, "{what}: {answered}");
        let Some(right) = route.needs else { continue };
        let refused = answer(site.clone(), asked(Rights::ALL.without(right))).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{what}");
        assert_eq!(refused.headers()["cache-control"], "no-store", "{what}");
        let problem: BTreeMap<String, String> = serde_json::from_str(&text(refused).await).unwrap();
        assert!(problem["error"].contains(&format!("\"{right}\"")), "{what}: {problem:?}");
        assert!(!problem["hint"].is_empty(), "{what}: {problem:?}");
        assert_eq!(problem["code"], "no-right", "{what}");
    }
}

#[tokio::test]
async fn many_photos_are_changed_by_who_may_change_one_so() {
    let data = tempfile::tempdir().unwrap();
    let site = site(data.path());
    for (edit, right) in
        [(r#""delete""#, Delete), (r#""restore""#, Delete), (r#"{"change":{"pinned":true}}"#, Edit)]
    {
        let body = format!(r#"{{"ids":["01JD0000000000000000000000"],"edit":{edit}}}"#);
        for (rights, status) in [(Rights::ALL, 200), (Rights::ALL.without(right), 403)] {
            let mut asked = asked("POST", "/api/photos/edits", rights);
            let piece = bytes::Bytes::from(body.clone());
            asked.body = Asked::boxed(stream::iter([Ok::<_, warp::Error>(piece)]));
            assert_eq!(answer(site.clone(), asked).await.status(), status, "{edit}");
        }
    }
}

#[tokio::test]
async fn a_camera_is_shown_by_who_may_show_one() {
    let data = tempfile::tempdir().unwrap();
    let mut shows = asked("GET", "/ws", Rights::ALL.without(Right::Show));
    shows.query.insert("camera".to_owned(), String::new());
    for (name, value) in [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        shows.headers.insert(name, value.parse().unwrap());
    }
    let mut request = Request::new(());
    shows.upgrade = Some(hyper::upgrade::on(&mut request));
    assert_eq!(answer(site(data.path()), shows).await.status(), StatusCode::FORBIDDEN);
}

#[test]
fn each_path_says_what_can_be_done_with_it() {
    for (path, expected) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/cameras/pi/door/stream.mjpg", "GET, HEAD, OPTIONS"),
        ("/upload", "GET, HEAD, POST"),
        ("/upload/", "GET, HEAD, POST"),
        ("/api/photos", "GET, HEAD"),
        ("/api/photos/days", "GET, HEAD"),
        ("/api/photos/01J", "GET, HEAD, PATCH, DELETE"),
        ("/api/photos/edits", "POST"),
        ("/api/photos.zip", "GET, HEAD, POST"),
        ("/api/photos.zip/01J", "GET, HEAD, DELETE"),
        ("/api/photos/01J/restore", "POST"),
        ("/api/cameras/pi/door/snap", "POST"),
        ("/api/cameras/pi/door/title", "PUT"),
        ("/api/nodes/pi/title", "PUT"),
        ("/photos/01J/thumb", "GET, HEAD"),
        ("/nothing/at/all", "GET, HEAD"),
    ] {
        assert_eq!(methods(path).join(", "), expected, "{path}");
    }
}

#[test]
fn a_path_has_its_parts_one_by_one() {
    let pattern = "/api/photos/{id}";
    assert_eq!(names(pattern, "/api/photos/01J").unwrap(), ["01J"]);
    assert_eq!(names(pattern, "/api/photos/01J/").unwrap(), ["01J"]);
    assert_eq!(names(pattern, "/api/photos/%2e%2e").unwrap(), ["%2e%2e"], "as it came");
    for other in ["/api/photos", "/api/photos/", "/api/photos//", "/api/photos/a/b", "/api", ""] {
        assert_eq!(names(pattern, other), None, "{other}");
    }
    for other in ["//api/photos/01J", "/api//photos/01J", "api/photos/01J", "/api/photos/01J//"] {
        assert_eq!(names(pattern, other), None, "{other}");
    }
}

/// The routes in docs/protocol.md, each with the right that it needs.
fn documented() -> BTreeMap<String, String> {
    let text = include_str!("../../../../docs/protocol.md");
    let table = text.split("\n| route | right | what |\n").nth(1).expect("the table of routes");
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').map(str::trim).skip(1).collect::<Vec<_>>());
    let routes = cells.flat_map(|cells| {
        let [route, right] = [cells[0], cells[1]].map(str::to_owned);
        let quoted: Vec<String> = route.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        quoted.into_iter().map(move |route| {
            let route = match route.split_once('?') {
                Some((path, _)) if !path.ends_with(" /") => path,
                _ => &*route,
            };
            (route.replace('<', "{").replace('>', "}"), right.replace('`', ""))
        })
    });
    routes.collect()
}

#[test]
fn the_documentation_lists_the_routes_of_the_table_with_their_rights() {
    let of_table = ROUTES.iter().flat_map(|route| {
        let paths: &[&str] = match (&route.at, route.method) {
            (Path(pattern), _) => &[*pattern],
            (Live, "GET") => &[
                "/cameras/{node}/{camera}/snapshot.jpg",
                "/cameras/{node}/{camera}/stream.mjpg",
                "/?action=snapshot",
                "/?action=stream",
            ],
            (Live, _) => &["/cameras/{node}/{camera}/snapshot.jpg"],
            (Relay, _) => &["/relay/{room}"],
            (Rooms, _) => &["/wall", "/photos", "/people"],
            (Files, _) => &["/"],
        };
        let needs = route.needs.map_or_else(|| "none".to_owned(), |right| right.to_string());
        let line = move |path: &&str| (format!("{} {path}", route.method), needs.clone());
        paths.iter().map(line).collect::<Vec<_>>()
    });
    assert_eq!(documented(), of_table.collect::<BTreeMap<_, _>>());
}
