//! A client that takes all it can get, from one address: others do not notice it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use wire::page::FromPage;

use crate::client::{Answer, FORM, form, get, json, parse, upload};
use crate::house::{House, Page, soon};
use crate::samples;

/// The last number of the greedy client's address, and of one with other things to do.
const GREEDY: u8 = 2;
const OTHER: u8 = 3;

type Socket = WebSocketStream<TcpStream>;

async fn connect(address: SocketAddr, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).unwrap();
    soon(socket.connect(address)).await.unwrap()
}

async fn enter(house: &House, path: &str, from: u8) -> Result<Socket, Error> {
    let stream = connect(house.address, from).await;
    let url = format!("ws://{}{path}", house.address);
    soon(client_async(url, stream)).await.map(|(socket, _)| socket)
}

/// Sends a request and reads the answer to its end.
async fn ask(house: &House, from: u8, request: &[u8]) -> Answer {
    let mut stream = connect(house.address, from).await;
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    parse(&answer)
}

/// What a stranger with too much is told.
fn told(error: Error) -> String {
    let Error::Http(response) = error else { panic!("{error}") };
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let body = json(response.body().as_ref().unwrap());
    assert!(body["hint"].is_string());
    body["error"].as_str().unwrap().to_owned()
}

/// Sends a message of `mebibytes` without its end, as far as the gallery takes it, and stays.
fn leave_unfinished(mut socket: Socket, mebibytes: usize) -> JoinHandle<()> {
    tokio::spawn(async move {
        for n in 0..mebibytes {
            let opcode = OpCode::Data(if n == 0 { Data::Binary } else { Data::Continue });
            let part = Frame::message(vec![7; 1 << 20], opcode, false);
            if socket.send(Message::Frame(part)).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.next().await {}
    })
}

/// This process holds both ends of very many connections.
fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_one_address_with_unfinished_frames_keep_nobody_out() {
    let house = House::open().await;
    let mut unfinished = Vec::new();
    let error = loop {
        match enter(&house, "/ws?camera", GREEDY).await {
            Ok(socket) => unfinished.push(leave_unfinished(socket, 9)),
            Err(error) => break told(error),
        }
    };
    assert_eq!(unfinished.len(), 32);
    assert!(error.contains("your address has 32 of the 64 sockets"), "{error}");
    // Somebody else shows a camera.
    let mut other = enter(&house, "/ws?camera", OTHER).await.unwrap();
    let size = "60x40".parse().unwrap();
    for said in [
        FromPage::Join { name: "Ana".into(), id: None, key: None },
        FromPage::Share { name: "a".into(), size },
    ] {
        other.send(Message::text(serde_json::to_string(&said).unwrap())).await.unwrap();
    }
    let mut picture = samples::jpeg(1);
    let end = picture.split_off(picture.len() - 2);
    picture.resize(5_000_000, 0);
    let frame = [&[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &picture, &end].concat();
    other.send(Message::binary(frame)).await.unwrap();
    loop {
        if let Message::Text(text) = soon(other.next()).await.unwrap().unwrap()
            && text.contains(r#""type":"got""#)
        {
            assert!(text.contains(r#""seq":7"#), "{text}");
            break;
        }
    }
    unfinished.iter().for_each(JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_messages_of_one_address_stop_no_room() {
    let house = House::open().await;
    let mut unfinished = Vec::new();
    for _ in 0..16 {
        let socket = enter(&house, "/relay/greedy", GREEDY).await.unwrap();
        unfinished.push(leave_unfinished(socket, 9));
    }
    let mut one = enter(&house, "/relay/calm", OTHER).await.unwrap();
    let mut another = enter(&house, "/relay/calm", OTHER + 1).await.unwrap();
    another.send(Message::text("here")).await.unwrap();
    assert_eq!(soon(one.next()).await.unwrap().unwrap(), Message::text("here"));
    for n in 0..5 {
        let said = Message::binary(vec![n; 9_000_000]);
        let (sent, heard) = tokio::join!(one.send(said.clone()), soon(another.next()));
        sent.unwrap();
        assert!(heard.unwrap().unwrap() == said);
    }
    unfinished.iter().for_each(JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_takes_half_of_a_room_and_of_the_streams() {
    let (house, _node) = House::with_camera("pi/door").await;
    let mut clients = Vec::new();
    let error = loop {
        match enter(&house, "/relay/full", GREEDY).await {
            Ok(client) => clients.push(client),
            Err(error) => break told(error),
        }
    };
    assert_eq!(clients.len(), 125);
    assert!(error.contains("your address has 125 of the 250 places in this room"), "{error}");
    enter(&house, "/relay/full", OTHER).await.unwrap();

    let get = b"GET /?action=stream HTTP/1.0\r\n\r\n";
    let mut streams = Vec::new();
    let answer = loop {
        let mut stream = connect(house.address, GREEDY).await;
        stream.write_all(get).await.unwrap();
        let mut begin = vec![0; 12];
        soon(stream.read_exact(&mut begin)).await.unwrap();
        if begin.ends_with(b"200") {
            streams.push(stream);
            continue;
        }
        soon(stream.read_to_end(&mut begin)).await.unwrap();
        break parse(&begin);
    };
    assert_eq!(streams.len(), 100);
    let (status, error) = answer.refusal();
    assert_eq!(status, 503);
    assert!(error.contains("your address has 100 of the 200 streams"), "{error}");
    let mut stream = connect(house.address, OTHER).await;
    stream.write_all(get).await.unwrap();
    let mut begin = vec![0; 12];
    soon(stream.read_exact(&mut begin)).await.unwrap();
    assert!(begin.ends_with(b"200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_make_nobody_wait() {
    raise_descriptors();
    let house = House::open().await;
    let mut kept = Vec::new();
    let mut refused = 0;
    for _ in 0..1024 {
        let mut stream = connect(house.address, GREEDY).await;
        // A refused client may be gone before this is sent.
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let mut begin = vec![0; 12];
        match soon(stream.read_exact(&mut begin)).await {
            Ok(_) if begin.ends_with(b"200") => kept.push(stream),
            _ => refused += 1,
        }
    }
    assert!(refused >= 512, "{refused} of 1024");
    assert!(!kept.is_empty());
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(&house, OTHER, request).await.status, 200);
    drop(kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_is_told_why() {
    raise_descriptors();
    let house = House::open().await;
    let mut kept = Vec::new();
    for _ in 0..512 {
        kept.push(connect(house.address, GREEDY).await);
    }
    // Sends nothing, so that unread bytes cannot destroy the answer.
    let mut stream = connect(house.address, GREEDY).await;
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let (status, error) = parse(&answer).refusal();
    assert_eq!(status, 503);
    assert!(error.contains("your address has 512 of the 1024 connections"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_trickle_make_nobody_wait() {
    let house = House::open().await;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
         Content-Length: 100000\r\n{FORM}\r\n"
    );
    let mut trickling = Vec::new();
    for n in 0..64 {
        let mut stream = connect(house.address, GREEDY).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        // The gallery tells it to go on when its turn comes.
        let mut begin = vec![0; 12];
        let turn = timeout(Duration::from_millis(200), stream.read_exact(&mut begin)).await;
        assert!(n >= 32 || turn.is_ok(), "upload {n} has its turn");
        trickling.push(stream);
    }
    let form = form(&[("image", "a.jpg", &samples::jpeg(1))]);
    let request = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {}\r\n{FORM}\r\n",
        form.len()
    );
    let request = [request.as_bytes(), &form].concat();
    let answer = ask(&house, OTHER, &request).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    // From yet another address, which other tests use.
    assert_eq!(upload(&house, "b.jpg", &samples::jpeg(2)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_that_one_address_waits_for_leave_some_for_others() {
    let (house, _node) = House::with_camera("pi/door").await;
    let request = b"POST /api/cameras/pi/door/snap HTTP/1.1\r\nHost: localhost\r\n\
                    Connection: close\r\nContent-Length: 0\r\n\r\n";
    let mut waiting = Vec::new();
    let answer = loop {
        let mut stream = connect(house.address, GREEDY).await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        match timeout(Duration::from_millis(100), stream.read_to_end(&mut answer)).await {
            Err(_) => waiting.push(stream),
            Ok(_) => break parse(&answer),
        }
        assert!(waiting.len() <= 33, "more wait than one address may");
    };
    let (status, error) = answer.refusal();
    assert_eq!(status, 503, "{error}");
    assert!(error.contains("of the 64 photos that are waited for"), "{error}");
    let mut stream = connect(house.address, OTHER).await;
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let waits = timeout(Duration::from_millis(100), stream.read_to_end(&mut answer)).await;
    assert!(waits.is_err(), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_of_one_address_make_nobody_wait() {
    let house = House::open_with(|section| section.https_listen = Some("127.0.0.1:0".into())).await;
    let secure = house.https_address.unwrap();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(connect(secure, GREEDY).await);
    }
    // The answer to an invalid handshake comes at once when its turn comes.
    let mut stream = connect(secure, OTHER).await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = timeout(Duration::from_secs(3), read).await.expect("before the others are given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_half_a_request_is_let_go() {
    let house = House::open().await;
    let mut streams = Vec::new();
    for begun in [&b""[..], b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let mut stream = connect(house.address, GREEDY).await;
        stream.write_all(begun).await.unwrap();
        streams.push(stream);
    }
    // One that was answered, and then stays silent.
    let mut stream = connect(house.address, GREEDY).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    streams.push(stream);
    for mut stream in streams {
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frames_that_were_dropped_are_counted() {
    let (house, mut node) = House::with_camera("pi/door").await;
    let mut page = Page::open(&house).await;
    page.watch(&node.camera, 30.0).await;
    node.want(|want| want.full == Some(30.0)).await;
    node.frame(0).await;
    let old = node.last.clone();
    let newer = node.frame(0).await;
    page.until(newer).await;
    node.publish_live(old).await;
    let newest = node.frame(0).await;
    page.until(newest).await;
    let (_, _, body) = get(&house, "/api/cameras").await;
    assert_eq!(json(&body)[0]["dropped"], serde_json::json!({"old": 1}));
}
