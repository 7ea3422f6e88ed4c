//! What programs get that speak only HTTP.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::client::{ask, exchange, get, json, stored, upload};
use crate::house::{House, Node, Page, soon};
use crate::samples;

#[tokio::test(flavor = "multi_thread")]
async fn the_cameras_are_listed_with_their_age() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let (status, head, body) = get(&house, "/api/cameras").await;
    assert_eq!(status, 200);
    assert!(head.contains("application/json"), "{head}");
    let listed = json(&body);
    assert_eq!((&listed[0]["camera"], &listed[0]["age_ms"]), (&"pi/door".into(), &().into()));
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 1.0).await;
    let seq = node.preview().await;
    page.until(seq).await;
    let (_, _, body) = get(&house, "/api/cameras").await;
    assert!(json(&body)[0]["age_ms"].as_u64().unwrap() < 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_a_frame_captured_after_the_request() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 1.0).await;
    let old = node.preview().await;
    page.until(old).await;
    drop(page);
    for path in
        ["/cameras/pi/door/snapshot.jpg", "/?action=snapshot", "/?action=snapshot&camera=pi/door"]
    {
        let (answer, ()) = tokio::join!(get(&house, path), async {
            node.want(|want| want.full == Some(10.0)).await;
            node.frame(0).await;
        });
        let (status, head, body) = answer;
        assert_eq!(status, 200, "{path}");
        assert!(head.contains("image/jpeg") && head.contains("no-store"), "{head}");
        assert_eq!(body, node.last, "{path}");
        node.want(|want| want.full == Some(0.0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_without_a_picture_says_why() {
    let (house, node) = House::with_camera("pi/door").await;
    let (status, _, body) = get(&house, "/cameras/pi/door/snapshot.jpg").await;
    assert_eq!(status, 503, "nothing came in time");
    assert!(json(&body)["error"].as_str().unwrap().contains("pi/door"));
    let mut page = Page::open(&house).await;
    node.state("lost", r#","reason":"unplugged","detail":"plug it in""#).await;
    page.camera(|c| c.detail == "plug it in").await;
    for what in ["snapshot.jpg", "stream.mjpg"] {
        let (status, _, body) = get(&house, &format!("/cameras/pi/door/{what}")).await;
        assert_eq!((status, &json(&body)["hint"]), (503, &"plug it in".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_one_frame_after_another() {
    let (mut house, mut node) = House::with_camera("pi/door").await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /?action=stream HTTP/1.0\r\n\r\n").await.unwrap();
    let mut stream = BufReader::new(stream);
    node.want(|want| want.full == Some(60.0)).await;
    let head = lines(&mut stream).await;
    assert!(head.contains("multipart/x-mixed-replace;boundary=frame"), "{head}");
    assert!(head.contains("no-store") && head.contains("x-accel-buffering: no"), "{head}");
    for size in [0, 200_000, 0] {
        node.frame(size).await;
        let part = lines(&mut stream).await;
        assert!(part.starts_with("--frame\r\n") && part.contains("x-timestamp: "), "{part}");
        let expected = &node.last;
        assert!(part.contains(&format!("content-length: {}\r\n", expected.len())), "{part}");
        let mut jpeg = vec![0; expected.len()];
        soon(stream.read_exact(&mut jpeg)).await.unwrap();
        assert_eq!(&jpeg, expected);
        // A part ends with the line break before the next boundary.
        let mut end = [0; 2];
        soon(stream.read_exact(&mut end)).await.unwrap();
        assert_eq!(&end, b"\r\n");
    }
    // The stream ends with the gallery.
    house.gallery.stop().await;
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_holds_few_frames() {
    const SIZE: usize = 300_000;
    const FRAMES: usize = 60;
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /cameras/pi/door/stream.mjpg HTTP/1.0\r\n\r\n").await.unwrap();
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 60.0).await;
    node.want(|want| want.full == Some(60.0)).await;
    let mut last = 0;
    for _ in 0..FRAMES {
        last = node.frame(SIZE).await;
        page.until(last).await;
    }
    let mut stream = BufReader::new(stream);
    lines(&mut stream).await;
    let mut frames = 0;
    let mut seq = 0;
    while seq != last {
        let part = lines(&mut stream).await;
        let length = part.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let mut jpeg = vec![0; length.parse().unwrap()];
        soon(stream.read_exact(&mut jpeg)).await.unwrap();
        seq = wire::Stamp::find(&jpeg).unwrap().seq;
        soon(stream.read_exact(&mut [0; 2])).await.unwrap();
        frames += 1;
    }
    assert!(frames <= FRAMES / 4, "{frames} frames had waited");
}

/// Reads lines up to an empty one.
async fn lines(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    loop {
        let before = text.len();
        assert!(soon(stream.read_line(&mut text)).await.unwrap() > 0, "{text}");
        if &text[before..] == "\r\n" {
            return text.to_ascii_lowercase();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_json_with_a_hint() {
    let (house, _node) = House::with_camera("pi/door").await;
    for (method, path, expected) in [
        ("GET", "/nothing", 404),
        ("GET", "/../Cargo.toml", 404),
        ("GET", "/cameras/pi/roof/snapshot.jpg", 404),
        ("GET", "/cameras/pi/roof/stream.mjpg", 404),
        ("GET", "/cameras/PI/d%2Foor/snapshot.jpg", 404),
        ("GET", "/?action=dance", 400),
        ("GET", "/ws", 426),
        ("POST", "/api/cameras", 405),
        ("PUT", "/upload", 405),
        ("POST", "/nothing", 405),
        ("BREW", "/", 405),
    ] {
        let (status, _, body) = ask(&house, method, path, "").await;
        assert_eq!(status, expected, "{method} {path}");
        let body = json(&body);
        assert!(body["error"].is_string() && body["hint"].is_string(), "{path}: {body}");
    }
    let (status, _, body) = ask(&house, "GET", "/", "Host: evil.example\r\n").await;
    assert_eq!(status, 403);
    assert!(json(&body)["error"].as_str().unwrap().contains("evil.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_what_can() {
    let house = House::open().await;
    for (method, path, allowed) in [
        ("POST", "/", "get, head, options"),
        ("POST", "/cameras/pi/door/stream.mjpg", "get, head, options"),
        ("OPTIONS", "/ws", "get, head"),
        ("PUT", "/upload", "get, head, post"),
        ("PUT", "/api/photos", "get, head"),
        ("PUT", "/api/photos/01J", "get, head, patch, delete"),
        ("GET", "/api/cameras/pi/door/snap", "post"),
        ("DELETE", "/api/photos/01J/restore", "post"),
    ] {
        let (status, head, body) = ask(&house, method, path, "").await;
        assert_eq!(status, 405, "{method} {path}");
        assert!(head.contains(&format!("\r\nallow: {allowed}\r\n")), "{method} {path}: {head}");
        assert!(json(&body)["hint"].as_str().unwrap().to_lowercase().contains(allowed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_http_1_1_names_one_host() {
    let house = House::open().await;
    for (version, hosts, expected) in [
        ("1.1", "", 400),
        ("1.1", "Host: localhost\r\nHost: localhost\r\n", 400),
        ("1.1", "Host: localhost\r\nhost: evil.example\r\n", 400),
        ("1.0", "Host: localhost\r\nHost: localhost\r\n", 400),
        ("1.1", "Host: local host\r\n", 400),
        ("1.1", "Host: a@localhost\r\n", 400),
        ("1.1", "Host: evil.example\r\n", 403),
        ("1.1", "Host: localhost\r\n", 200),
        ("1.0", "", 200),
    ] {
        for method in ["GET", "HEAD", "POST"] {
            let head = format!("{method} /healthz HTTP/{version}\r\n{hosts}Connection: close\r\n");
            let answer = exchange(house.address, format!("{head}\r\n").as_bytes()).await;
            let expected = if (method, expected) == ("POST", 200) { 405 } else { expected };
            assert_eq!(answer.status, expected, "{method} {version} {hosts:?}");
            if expected >= 400 && method != "HEAD" {
                answer.refusal();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_told_in_plain_words() {
    let house = House::open().await;
    for (method, path, header, word) in [
        ("GET", "/", "If-None-Match: \u{e9}\r\n", "if-none-match"),
        ("POST", "/upload", "Authorization: \u{e9}\r\n", "authorization"),
    ] {
        let (status, _, body) = ask(&house, method, path, header).await;
        assert_eq!(status, 400, "{path}");
        let error = json(&body)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(word) && !error.contains("Rejection"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_says_which_pages_may_show_it() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let id = stored(&house, "a.jpg", &samples::jpeg(1)).await;
    for path in [format!("/photos/{id}"), format!("/photos/{id}/thumb")] {
        let (status, head, _) = get(&house, &path).await;
        assert_eq!(status, 200, "{path}");
        assert!(head.contains("\r\ncross-origin-resource-policy: same-site\r\n"), "{head}");
    }
    let (answer, ()) = tokio::join!(get(&house, "/cameras/pi/door/snapshot.jpg"), async {
        node.want(|want| want.full == Some(10.0)).await;
        node.frame(0).await;
    });
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /?action=stream HTTP/1.0\r\n\r\n").await.unwrap();
    let stream = lines(&mut BufReader::new(stream)).await;
    for head in [answer.1, stream] {
        assert!(head.contains("\r\ncross-origin-resource-policy: cross-origin\r\n"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_and_kept_by_the_browser() {
    let house = House::open().await;
    let (status, head, body) = get(&house, "/").await;
    assert_eq!(status, 200);
    assert!(head.contains("text/html") && head.contains("nosniff"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'self'"), "{head}");
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let (status, _, none) = ask(&house, "GET", "/", &format!("If-None-Match: {etag}\r\n")).await;
    assert_eq!((status, none.len()), (304, 0));
    let (status, head, none) = ask(&house, "HEAD", "/", "").await;
    assert_eq!((status, none.len()), (200, 0));
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_whether_the_broker_is_there() {
    let mut house = House::open().await;
    let mut node = Node::connect(house.broker_address, "pi/door").await;
    node.facts().await;
    let (status, _, body) = get(&house, "/healthz").await;
    assert_eq!((status, json(&body)), (200, serde_json::json!({"status": "ok"})));
    let mut page = Page::open(&house).await;
    page.camera(|_| true).await;
    node.state("error", r#","reason":"crashed","detail":"ended; tried again""#).await;
    page.camera(|camera| camera.state == wire::CameraState::Error).await;
    let (status, _, body) = get(&house, "/healthz").await;
    let told =
        serde_json::json!({"status": "degraded", "reasons": ["pi/door: ended; tried again"]});
    assert_eq!((status, json(&body)), (200, told));
    house.broker.stop().await;
    while !matches!(page.told().await, wire::page::ToPage::Notice { notices } if !notices.is_empty())
    {
    }
    let (status, _, body) = get(&house, "/healthz").await;
    assert_eq!(status, 503);
    assert!(json(&body)["reasons"][0].as_str().unwrap().contains("broker"));
}

/// A thread or task of each kind dies, and `/healthz` and the watchdog's check name it. All except
/// the tasks go on without the others.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_dies_is_named_by_health_and_by_the_watchdogs_check() {
    for (what, status, word) in [
        ("store-writer", 503, "failing"),
        ("store-filer-0", 503, "failing"),
        ("store-reader-0", 503, "failing"),
        ("pictures-0", 503, "failing"),
        ("store-keeper", 200, "degraded"),
        ("store-thumbs", 200, "degraded"),
        ("talk-keeper", 200, "degraded"),
        ("log-keeper", 200, "degraded"),
    ] {
        let house = House::open().await;
        let mut node = Node::connect(house.broker_address, "pi/door").await;
        node.facts().await;
        let (_, _, body) = get(&house, "/healthz").await;
        assert_eq!(json(&body), serde_json::json!({"status": "ok"}), "before {what} dies");
        // The first picture starts the threads for pictures.
        upload(&house, "a.jpg", &samples::jpeg(0)).await;
        house.health.kill(what);
        // Work for each of them.
        soon(async {
            let mut page = Page::open(&house).await;
            page.text(r#"{"type":"join","name":"Ana"}"#).await;
            let mut n = 0_u8;
            while house.health.check().is_ok() {
                n = n.wrapping_add(1);
                let answer = upload(&house, "a.jpg", &samples::jpeg(n)).await;
                if let Some(id) = answer.json()[0]["id"].as_str() {
                    let _ = get(&house, &format!("/photos/{id}/thumb")).await;
                }
                let _ = get(&house, "/api/photos").await;
            }
        })
        .await;
        let check = house.health.check().unwrap_err();
        assert!(check.starts_with(&format!("{what} was ended")), "{check}");
        let (code, _, body) = get(&house, "/healthz").await;
        let told = json(&body);
        assert_eq!((code, told["status"].as_str()), (status, Some(word)), "{what}: {told}");
        assert!(told["reasons"].to_string().contains(&format!("{what} was ended")), "{told}");
    }
}
