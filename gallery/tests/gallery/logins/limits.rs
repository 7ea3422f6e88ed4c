//! Somebody who is limited to some cameras while they look.

use access::Role;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::page::{FromPage, Tile, ToPage};

use super::{add, code, is, logged_in, told};
use crate::house::{House, Node, soon};

#[tokio::test(flavor = "multi_thread")]
async fn other_cameras_go_dark_at_once_and_come_back() {
    let house = House::open().await;
    let mut door = Node::connect(house.broker_address, "house/door").await;
    door.facts().await;
    let mut stall = Node::connect(house.broker_address, "barn/stall").await;
    stall.facts().await;
    add(&house, &[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let (mut ana, mut leo) = (logged_in(&house, "ana").await, logged_in(&house, "leo").await);
    let mut hers = ana.socket("/ws").await.unwrap();
    hers.watch(&stall.camera, 30.0).await;
    let mut page = leo.socket("/ws").await.unwrap();
    assert_eq!(told(&mut page).await.cameras, None);
    let tile = |tile, node: &Node| {
        let camera = node.camera.clone();
        Tile { tile, camera, width: 640, fps: 30.0 }
    };
    page.say(&FromPage::Watch { tiles: vec![tile(0, &stall), tile(1, &door)] }).await;
    stall.want(|want| want.full == Some(30.0)).await;
    let seq = stall.frame(0).await;
    assert_eq!(page.until(seq).await.0.tile, 0);
    let path = "/cameras/barn/stall/stream.mjpg";
    let mut stream = soon(TcpStream::connect(house.address)).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", leo.cookie);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = vec![0; 64 * 1024];
    let length = soon(stream.read(&mut begun)).await.unwrap();
    assert!(begun[..length].starts_with(b"HTTP/1.1 200"));

    ana.ask("PATCH", "/api/users/leo", &json!({"cameras": ["house/*"]})).await;
    assert_eq!(told(&mut page).await.cameras, Some(vec!["house/*".to_owned()]));
    let cameras = loop {
        if let ToPage::Cameras { cameras, .. } = page.told().await {
            break cameras;
        }
    };
    assert_eq!(cameras.iter().map(|it| &it.camera).collect::<Vec<_>>(), [&door.camera]);
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert_eq!(code(&leo.get(path).await), is(404, "camera-unknown"));
    assert_eq!(leo.get("/api/cameras").await.json().as_array().unwrap().len(), 1);
    for _ in 0..page.frames_so_far().await {
        let (header, _) = page.frame().await;
        page.answer([header.serial]).await;
    }
    // She still sees it, so it has come before what follows.
    let seq = stall.frame(0).await;
    hers.until(seq).await;
    let seq = door.frame(0).await;
    let (header, _) = page.frame().await;
    assert_eq!((header.tile, header.seq), (1, seq), "the other stays dark");
    page.answer([header.serial]).await;

    // The page watches still what it wanted to.
    ana.ask("PATCH", "/api/users/leo", &json!({"cameras": ["*"]})).await;
    assert_eq!(told(&mut page).await.cameras, None);
    page.camera(|camera| camera.camera == stall.camera).await;
    let seq = stall.frame(0).await;
    assert_eq!(page.until(seq).await.0.tile, 0);
}
