//! Live pictures at other servers' addresses, and other hosts' pages that read them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::ask;
use crate::house::{House, soon};

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_others_serve_lead_to_a_camera() {
    let (house, mut node) = House::with_camera("pi/door").await;
    for path in ["/snapshot", "/?action=snapshot_0", "/webcam/?action=snapshot", "/webcam/snapshot"]
    {
        let ((status, head, body), ()) = tokio::join!(ask(&house, "GET", path, ""), async {
            node.want(|want| want.full == Some(10.0)).await;
            node.frame(0).await;
        });
        assert_eq!((status, body), (200, node.last.clone()), "{path}");
        assert!(head.contains("content-type: image/jpeg"), "{path}: {head}");
        node.want(|want| want.full == Some(0.0)).await;
    }
    for path in ["/stream", "/?action=stream_0", "/webcam/?action=stream", "/webcam/stream.mjpg"] {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 512];
        let n = soon(stream.read(&mut head)).await.unwrap();
        let head = String::from_utf8_lossy(&head[..n]).into_owned();
        assert!(head.contains("multipart/x-mixed-replace"), "{path}: {head}");
    }
    for path in ["/?action=stream_1", "/webcam2/?action=stream", "/webcam2/snapshot"] {
        let (status, _, body) = ask(&house, "GET", path, "").await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(status == 404 && body.contains("there are 1 cameras"), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pages_may_read_if_they_are_of_this_host_or_listed() {
    let house = House::open_with(|section| {
        section.cors_origins = vec!["http://mainsail.example:80".to_owned()];
    })
    .await;
    let from = |origin: &str| format!("Host: pi.localhost:8080\r\nOrigin: {origin}\r\n");
    // They also learn what does not exist.
    for path in ["/snapshot", "/?action=stream", "/cameras/pi/door/snapshot.jpg"] {
        for origin in ["http://mainsail.example", "http://pi.localhost:7125"] {
            let (status, head, _) = ask(&house, "GET", path, &from(origin)).await;
            let allowed = format!("\r\naccess-control-allow-origin: {origin}\r\n");
            assert!(status == 404 && head.contains(&allowed), "{path}: {head}");
            assert!(head.contains("\r\nvary: origin\r\n"), "{head}");
            let wanted = from(origin) + "Access-Control-Request-Method: GET\r\n";
            let (status, head, body) = ask(&house, "OPTIONS", path, &wanted).await;
            assert!(status == 204 && head.contains(&allowed) && body.is_empty(), "{path}: {head}");
            assert!(head.contains("access-control-allow-methods: get, head, options"), "{head}");
        }
        for method in ["GET", "OPTIONS"] {
            let (_, head, _) = ask(&house, method, path, &from("http://evil.example")).await;
            assert!(!head.contains("access-control-allow"), "{method} {path}: {head}");
        }
    }
    // A page that may read pictures may neither read nor change anything else.
    for path in ["/", "/api/cameras", "/api/photos", "/api/people"] {
        let (_, head, _) = ask(&house, "GET", path, &from("http://mainsail.example")).await;
        assert!(!head.contains("access-control"), "{path}: {head}");
    }
    let (status, _, _) = ask(&house, "POST", "/upload", &from("http://mainsail.example")).await;
    assert_eq!(status, 403);
    let (status, head, _) = ask(&house, "OPTIONS", "/upload", &from("http://a.example")).await;
    assert!(status == 405 && head.contains("\r\nallow: get, head, post\r\n"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_says_who_may_show_it_in_a_frame() {
    let house = House::open_with(|section| {
        section.frame_origins = vec!["http://homeassistant.local:8123".to_owned()];
    })
    .await;
    let (_, head, _) = ask(&house, "GET", "/", "").await;
    assert!(head.contains("frame-ancestors 'self' http://homeassistant.local:8123\r\n"), "{head}");
    assert!(!head.contains("x-frame-options"), "it knows no list: {head}");
}
