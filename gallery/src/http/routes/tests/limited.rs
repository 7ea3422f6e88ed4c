//! What is asked by somebody who sees `house/*` alone, on a wall that has more.

use std::net::SocketAddr;

use ::access::{Asks, Cameras, Guard, Names, Networks};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use wire::frame::Header;
use wire::page::{FromPage, Tile, ToPage};
use wire::{MediaType, Photo, PhotoEvent, PhotoId, Root, TimeSource, Topic};

use super::*;
use crate::http::listener::{self, Service};
use crate::live::clocks::Captured;
use crate::live::frames::Frame;
use crate::live::hub::Hub;
use crate::now::Now;
use crate::photos::store::{Added, Content, NewPhoto};

const SEEN: &str = "house/door";
const HIDDEN: &str = "barn/stall";
/// What must never be told of the hidden camera, besides its name: its titles, and a caption.
const SECRETS: [&str; 5] = ["barn", "stall", "Hideaway", "Outhouse", "Foal"];

fn limited() -> Caller {
    let cameras: Cameras = "house/*".parse().unwrap();
    Caller { cameras, rights: Rights::ALL, ..Caller::unknown(HERE) }
}

fn told(hub: &Hub, topic: &str, payload: &str) {
    let topic = Topic::parse(&Root::default(), &format!("vitrina/{topic}")).unwrap();
    hub.receive(&topic, payload.to_owned().into(), false).unwrap();
}

/// A camera changes its state.
fn state(hub: &Hub, camera: &str, title: &str) {
    let state = format!(r#"{{"state":"idle","since":1,"name":"{title}","device":"d"}}"#);
    told(hub, &format!("{camera}/state"), &state);
}

fn has(hub: &Hub, camera: &str, title: &str) {
    let (node, name) = camera.split_once('/').unwrap();
    let info = format!(
        r#"{{"kind":"test","version":"1","machine":"m","boot":"b","instance":"i","host":"h",
             "title":"{title} node","started":1,"cameras":["{name}"]}}"#
    );
    told(hub, &format!("{node}/info"), &info);
    state(hub, camera, title);
    told(hub, &format!("{node}/status"), "online");
}

async fn photo(site: &Site, n: u128, camera: Option<&str>, caption: &str) -> Photo {
    let new = NewPhoto {
        id: PhotoId::new(1_795_176_000_000, n),
        taken: 1_795_176_000_000,
        time: TimeSource::Camera,
        media: MediaType::Jpeg,
        width: 16,
        height: 9,
        camera: camera.map(|camera| camera.parse().unwrap()),
        camera_name: camera.map_or(String::new(), |_| format!("{caption} camera")),
        person: None,
        name: String::new(),
        content: Content::Bytes(format!("picture {n}").into()),
    };
    let Added::New(photo) = site.store.add(new).await.unwrap() else { unreachable!() };
    let caption = Some(caption.to_owned());
    let change = crate::photos::store::Change { caption, pinned: None };
    site.store.change(&photo.id, change).await.unwrap()
}

/// A wall with a camera that is seen and one that is not, each with a photo.
async fn wall(data: &File) -> (Site, [Photo; 3]) {
    let (running, stop) = watch::channel(false);
    let site = Site { stop, ..site(data) };
    has(&site.hub, SEEN, "Front door");
    has(&site.hub, HIDDEN, "Hideaway");
    let stats = r#"{"at":1,"mono":1,"boot":"b","cpu":0,"rss":1,"spool":0,"trouble":"full of Foal",
                    "cameras":{}}"#;
    told(&site.hub, "barn/stats", stats);
    told(&site.hub, "barn/stall/set/title", "Outhouse");
    let hub = site.hub.clone();
    tokio::spawn(async move {
        tokio::join!(hub.run(|| ()), hub.journal.run(), running.closed());
    });
    let mut cameras = site.hub.cameras();
    cameras.wait_for(|cameras| cameras.len() == 2).await.unwrap();
    let photos = [
        photo(&site, 1, Some(SEEN), "Postman").await,
        photo(&site, 2, Some(HIDDEN), "Foal").await,
        photo(&site, 3, None, "Cake").await,
    ];
    (site, photos)
}

/// Bodies and parameters for the routes that want some.
fn filled(mut asked: Asked, camera: &str, id: &str) -> Asked {
    let body = match asked.path.as_str() {
        "/api/photos/edits" => format!(r#"{{"ids":["{id}"],"edit":"delete"}}"#),
        "/api/photos.zip" if asked.method == "POST" => {
            asked
                .headers
                .insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
            format!("ids={id}")
        }
        path if path.ends_with("/title") => r#"{"title":"Mine"}"#.to_owned(),
        path if path.ends_with("/snap") => format!(r#"{{"id":"{id}"}}"#),
        _ if asked.method == "PATCH" => r#"{"caption":"Mine"}"#.to_owned(),
        _ => String::new(),
    };
    let parameters = match asked.path.as_str() {
        "/api/photos" | "/api/photos/days" => vec![("camera", camera)],
        "/api/photos/found" => vec![("word", "foal")],
        "/api/photos.zip" if asked.method == "GET" => vec![("ids", id)],
        "/snapshot" => vec![("camera", camera)],
        _ => vec![],
    };
    let parameters = parameters.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    asked.query.extend(parameters);
    asked.body = Asked::boxed(stream::iter([Ok::<_, warp::Error>(bytes::Bytes::from(body))]));
    asked
}

/// The status and text that a route answers for this camera and photo, without their names.
async fn answered(site: &Site, route: &Route, path: &str, camera: &str, id: &str) -> String {
    let (node, name) = camera.split_once('/').unwrap();
    let path = path.replace("{node}", node).replace("{camera}", name).replace("{id}", id);
    let asked = Asked { caller: limited(), ..asked(route.method, &path, Rights::ALL) };
    let mut asked = filled(asked, camera, id);
    if route.at == Relay {
        asked.headers.insert("upgrade", "websocket".parse().unwrap());
    }
    let response = answer(site.clone(), asked).await;
    let status = response.status();
    let said = text_of(response).await;
    let said = said.replace(camera, "CAMERA").replace(node, "NODE").replace(id, "ID");
    format!("{status} {said}")
}

/// The whole body, whatever bytes it has.
async fn text_of(response: Response) -> String {
    let (mut body, mut bytes) = (pin!(response.into_body()), Vec::new());
    while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn each_route_answers_of_what_is_hidden_as_of_what_is_not_there() {
    let data = tempfile::tempdir().unwrap();
    let (site, photos) = wall(data.path()).await;
    let (hidden, missing) = (photos[1].id.to_string(), PhotoId::new(1, 7).to_string());
    for route in ROUTES {
        let paths: &[&str] = match route.at {
            Path(pattern) => &[pattern],
            Live => &[
                "/cameras/{node}/{camera}/snapshot.jpg",
                "/cameras/{node}/{camera}/stream",
                "/snapshot",
                "/webcam2/snapshot",
            ],
            Relay => &["/relay/aula"],
            Rooms => &["/wall"],
            Files => &["/photos.html"],
        };
        for path in paths {
            let what = format!("{} {path}", route.method);
            let of_hidden = answered(&site, route, path, HIDDEN, &hidden).await;
            let of_missing = answered(&site, route, path, "none/such", &missing).await;
            assert_eq!(of_hidden, of_missing, "{what}");
            for secret in SECRETS {
                let told = of_hidden.to_lowercase().contains(&secret.to_lowercase());
                assert!(!told, "{what} tells of {secret}: {of_hidden}");
            }
        }
    }
    // Nothing of the hidden was changed by all this.
    assert_eq!(site.store.get(&photos[1].id).await.unwrap(), photos[1]);
    assert!(site.hub.knows_camera(&HIDDEN.parse().unwrap()));
}

#[tokio::test]
async fn what_is_seen_is_answered_and_a_zip_of_a_mix_has_no_more() {
    let data = tempfile::tempdir().unwrap();
    let (site, photos) = wall(data.path()).await;
    let ask = async |path: &str, query: &[(&str, &str)]| {
        let mut asked = Asked { caller: limited(), ..asked("GET", path, Rights::ALL) };
        asked.query = query.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let response = answer(site.clone(), asked).await;
        (response.status().as_u16(), text_of(response).await)
    };
    let json = |told: &str| serde_json::from_str::<serde_json::Value>(told).unwrap();
    let (_, cameras) = ask("/api/cameras", &[]).await;
    assert_eq!(json(&cameras).as_array().unwrap().len(), 1);
    assert_eq!(json(&cameras)[0]["camera"], SEEN);
    let (_, listed) = ask("/api/photos", &[]).await;
    let ids = [&photos[2], &photos[0]].map(|photo| photo.id.to_string());
    let listed = json(&listed);
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(listed, ids.each_ref());
    let (_, days) = ask("/api/photos/days", &[("zone", "UTC")]).await;
    assert_eq!((&json(&days)[0]["count"], &json(&days)[0]["cameras"]), (&2.into(), &1.into()));
    let all: Vec<String> = photos.iter().map(|photo| photo.id.to_string()).collect();
    for query in [vec![("ids", all.join(","))], vec![]] {
        let query: Vec<(&str, &str)> = query.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let (status, zip) = ask("/api/photos.zip", &query).await;
        assert_eq!(status, 200, "{query:?}");
        let has = ["picture 1", "picture 2", "picture 3", "Foal"].map(|text| zip.contains(text));
        assert_eq!(has, [true, false, true, false], "{query:?}");
    }
    let (_, health) = ask("/healthz", &[]).await;
    assert!(json(&health)["reasons"].is_null(), "{health}");
    // One's own camera does not lead to the photo of another.
    let path = format!("/api/cameras/{SEEN}/snap");
    let mut snap = Asked { caller: limited(), ..asked("POST", &path, Rights::ALL) };
    snap = filled(snap, SEEN, &all[1]);
    let told = text_of(answer(site.clone(), snap).await).await;
    assert!(told.contains("\"code\"") && SECRETS.iter().all(|it| !told.contains(it)), "{told}");
    // The second camera of all is no camera of theirs.
    assert_eq!(ask("/webcam2/snapshot", &[]).await.0, 404);
}

/// The routes for somebody who is not the one that the guard finds.
#[derive(Clone)]
struct For(Caller, Routes);

impl Answers for For {
    fn asks(&self, request: &Request<Incoming>) -> Asks {
        self.1.asks(request)
    }

    async fn answer(&self, caller: Caller, request: Request<Incoming>) -> Response {
        let Caller { cameras, rights, hours, .. } = self.0.clone();
        self.1.answer(Caller { cameras, rights, hours, ..caller }, request).await
    }
}

/// Serves a wall to a caller alone, on a socket.
async fn serve(site: &Site, caller: Caller) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let names = Names::of("workshop", &[]);
    let service = Service {
        answers: For(caller, Routes::new(site.clone())),
        guard: Arc::new(Guard::new(Networks::default(), names, &[], guard::KEYS)),
        logins: site.logins.clone(),
        refusals: Arc::default(),
        doors: None,
        strangers: site.strangers.clone(),
        redirect: None,
    };
    let stop = site.stop.clone();
    tokio::spawn(listener::serve(listener, None, service, stop, || ()));
    address
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn next(socket: &mut Socket) -> Message {
    let within = std::time::Duration::from_secs(20);
    timeout(within, socket.next()).await.expect("a message comes").unwrap().unwrap()
}

/// The next message that fits. None of all tells of what is hidden.
async fn told_to<T>(socket: &mut Socket, fits: impl Fn(ToPage) -> Option<T>) -> T {
    loop {
        let Message::Text(told) = next(socket).await else { continue };
        for secret in SECRETS {
            assert!(!told.contains(secret), "{told}");
        }
        if let Some(found) = fits(serde_json::from_str(&told).unwrap()) {
            return found;
        }
    }
}

async fn say(socket: &mut Socket, what: &FromPage) {
    let text = serde_json::to_string(what).unwrap();
    socket.send(Message::text(text)).await.unwrap();
}

fn show(hub: &Hub, camera: &str, seq: u32) {
    let (now, jpeg) = (Now::read().mono, bytes::Bytes::from_static(b"jpeg").into());
    let captured = Captured { at: now, known: true };
    let (boot, first, memory) = ("b".into(), std::sync::OnceLock::new(), None);
    let (size, ages, received, mono) = (None, None, now, now);
    let frame = Frame { jpeg, seq, captured, received, size, ages, mono, boot, first, memory };
    hub.frames.offer(&camera.parse().unwrap(), frame).unwrap();
}

#[tokio::test]
async fn a_page_is_told_and_shown_its_cameras_alone() {
    let data = tempfile::tempdir().unwrap();
    let (site, photos) = wall(data.path()).await;
    let hub = &site.hub;
    let address = serve(&site, limited()).await;
    let (mut socket, _) = connect_async(format!("ws://{address}/ws")).await.unwrap();
    let list = |told| match told {
        ToPage::Cameras { cameras, .. } => Some(cameras),
        _ => None,
    };
    let cameras = told_to(&mut socket, list).await;
    assert_eq!(cameras.iter().map(|it| it.camera.to_string()).collect::<Vec<_>>(), [SEEN]);

    // Frames: the hidden camera's tile stays dark, and nobody is said to want it.
    let tile = |tile, camera: &str| {
        let camera = camera.parse().unwrap();
        Tile { tile, camera, width: 640, fps: 30.0 }
    };
    let tiles = vec![tile(0, HIDDEN), tile(1, SEEN), tile(2, "none/such")];
    say(&mut socket, &FromPage::Watch { tiles }).await;
    while !hub.frames.wants().get(&SEEN.parse().unwrap()).is_some_and(|it| it[0] > 0.0) {
        tokio::task::yield_now().await;
    }
    assert!(!hub.frames.wants().contains_key(&HIDDEN.parse().unwrap()));
    for seq in 0..2 {
        show(hub, HIDDEN, seq);
        show(hub, SEEN, seq);
        let header = loop {
            if let Message::Binary(frame) = next(&mut socket).await {
                break Header::parse(&frame).unwrap().0;
            }
        };
        assert_eq!((header.tile, header.seq), (1, seq));
        let answer = header.serial.to_le_bytes().to_vec();
        socket.send(Message::binary(answer)).await.unwrap();
    }

    // Photos, and the log, in which everything that happens appears.
    say(&mut socket, &FromPage::Log { follow: true }).await;
    for hidden in [&photos[1], &photo(&site, 4, Some(HIDDEN), "Foal").await] {
        site.store.delete(&hidden.id).await.unwrap();
        site.store.restore(&hidden.id).await.unwrap();
    }
    let event = |told| match told {
        ToPage::Photo(event) => Some(event),
        _ => None,
    };
    site.store.delete(&photos[0].id).await.unwrap();
    let PhotoEvent::Deleted { id, .. } = told_to(&mut socket, event).await else { unreachable!() };
    assert_eq!(id, photos[0].id);

    // What changes of a hidden camera changes nothing here.
    state(hub, HIDDEN, "Hideaway 2");
    let mut all = hub.cameras();
    all.wait_for(|all| all.iter().any(|it| it.name == "Hideaway 2")).await.unwrap();
    state(hub, SEEN, "Back door");
    assert_eq!(told_to(&mut socket, list).await[0].name, "Back door");
}

#[tokio::test]
async fn outside_of_their_hours_nobody_comes_in() {
    let data = tempfile::tempdir().unwrap();
    let (site, _) = wall(data.path()).await;
    let at = |minutes: u64| {
        let minute = clock::local().as_secs() / 60 + minutes;
        format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
    };
    let hours = ::access::Hours::parse(&at(60), &at(120)).unwrap();
    let address = serve(&site, Caller { hours: Some(hours), ..limited() }).await;
    assert!(connect_async(format!("ws://{address}/ws")).await.is_err());
    let asked = Asked {
        caller: Caller { hours: Some(hours), ..limited() },
        ..asked("GET", "/api/cameras", Rights::ALL)
    };
    assert_eq!(answer(site, asked).await.status(), StatusCode::FORBIDDEN);
}
