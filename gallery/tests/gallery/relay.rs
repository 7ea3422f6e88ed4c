//! The plain relay, with programs that know nothing of Vitrina.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::house::{House, soon};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A message below this size is never replaced; one of this size may be.
const LARGE: usize = 64 * 1024;

async fn enter(house: &House, path: &str) -> Socket {
    soon(tokio_tungstenite::connect_async(format!("ws://{}{path}", house.address))).await.unwrap().0
}

/// Clients of one room, each of which receives from all others.
async fn all(house: &House, path: &str, count: usize) -> Vec<Socket> {
    let mut clients: Vec<Socket> = Vec::new();
    for _ in 0..count {
        let mut new = enter(house, path).await;
        if !clients.is_empty() {
            new.send(Message::text("here")).await.unwrap();
        }
        for old in &mut clients {
            assert_eq!(receive(old).await, Message::text("here"));
        }
        clients.push(new);
    }
    clients
}

/// The next message that is not a ping.
async fn receive(socket: &mut Socket) -> Message {
    loop {
        let message = soon(socket.next()).await.unwrap().unwrap();
        if !message.is_ping() && !message.is_pong() {
            return message;
        }
    }
}

/// The code and reason with which the relay closed; skips earlier messages.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Message::Close(frame) = receive(socket).await {
            let frame = frame.expect("a reason");
            return (frame.code.into(), frame.reason.to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_goes_as_it_is_to_all_others() {
    let house = House::open().await;
    let mut clients = all(&house, "/", 3).await;
    let said = [
        Message::text(r#"{"identificador":1,"datos":{"x":3.50,  "ñ":"😀"}}"#),
        Message::text("hola a todos"),
        Message::text(""),
        Message::binary(Vec::new()),
        Message::binary(b"\xff\xd8 no picture".to_vec()),
        Message::binary(vec![7; 9_999_999]),
    ];
    for message in &said {
        clients[0].send(message.clone()).await.unwrap();
    }
    for message in &said {
        for client in &mut clients[1..] {
            let heard = receive(client).await;
            assert!(heard == *message, "{} bytes, not {}", heard.len(), message.len());
        }
    }
    // Nothing comes back: the sender's next message is from another client.
    clients[2].send(Message::text("last")).await.unwrap();
    assert_eq!(receive(&mut clients[0]).await, Message::text("last"));
    assert_eq!(receive(&mut clients[1]).await, Message::text("last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_arrive_as_one_message_and_pings_are_answered() {
    let house = House::open().await;
    let mut clients = all(&house, "/relay/aula", 2).await;
    let part = |data, bytes: &[u8], last| {
        Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(data), last))
    };
    clients[0].send(part(Data::Text, &"é".as_bytes()[..1], false)).await.unwrap();
    clients[0].send(Message::Ping("still here".into())).await.unwrap();
    clients[0].send(part(Data::Continue, &"é".as_bytes()[1..], true)).await.unwrap();
    assert_eq!(receive(&mut clients[1]).await, Message::text("é"));
    let pong = soon(clients[0].next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong("still here".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_apart_and_the_page_is_where_it_was() {
    let house = House::open().await;
    let mut root = all(&house, "/", 2).await;
    let mut room = all(&house, "/relay/a", 2).await;
    root[0].send(Message::text("root")).await.unwrap();
    room[0].send(Message::text("room")).await.unwrap();
    assert_eq!(receive(&mut root[1]).await, Message::text("root"));
    assert_eq!(receive(&mut room[1]).await, Message::text("room"));
    for (path, headers, expected) in [
        ("/", "", "200 OK"),
        ("/relay/a", "", "426 Upgrade Required"),
        ("/relay/A", "Connection: upgrade\r\nUpgrade: websocket\r\n", "400 Bad Request"),
        ("/", "Connection: upgrade\r\nUpgrade: websocket\r\n", "426 Upgrade Required"),
    ] {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let end = "Host: localhost\r\nConnection: close\r\n\r\n";
        let request = format!("GET {path} HTTP/1.1\r\n{headers}{end}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}\r\n")), "{path}: {answer}");
    }
}

/// The messages of the exchange: of 1 byte to 5 MB, with a number if it fits.
fn exchange(seed: u64) -> impl Iterator<Item = Message> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..1000_u32).map(move |n| {
        // Equally many of each order of magnitude.
        let size = (rng.f64() * 5_000_000_f64.ln()).exp() as usize;
        let mut bytes = vec![b'a' + (n % 26) as u8; size.clamp(1, 5_000_000)];
        let number = n.to_string();
        let end = number.len().min(bytes.len());
        bytes[..end].copy_from_slice(&number.as_bytes()[..end]);
        match rng.bool() {
            true => Message::binary(bytes),
            false => Message::text(String::from_utf8(bytes).unwrap()),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_exchange_a_thousand_messages_while_a_third_stalls() {
    let house = House::open().await;
    let mut clients = all(&house, "/", 3).await;
    let mut stalled = clients.pop().unwrap();
    let talk = |socket: Socket, mine, other| async move {
        let (mut to, mut from) = socket.split();
        let send = async {
            for message in exchange(mine) {
                // Waits while its socket is full.
                to.send(message).await.unwrap();
            }
        };
        let receive = async {
            for expected in exchange(other) {
                let heard = loop {
                    let heard = soon(from.next()).await.unwrap().unwrap();
                    if !heard.is_ping() {
                        break heard;
                    }
                };
                assert!(heard == expected, "{} bytes, not {}", heard.len(), expected.len());
            }
        };
        tokio::join!(send, receive);
    };
    let (two, one) = (clients.pop().unwrap(), clients.pop().unwrap());
    let two = tokio::spawn(talk(two, 2, 1));
    talk(one, 1, 2).await;
    soon(two).await.unwrap();
    // Text is not replaced, so more waited for the third than allowed.
    assert_eq!(closed(&mut stalled).await.0, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_large_binary_messages_a_stalled_client_is_sent_the_newest() {
    const COUNT: u8 = 20;
    let house = House::open().await;
    let mut clients = all(&house, "/", 3).await;
    let mut stalled = clients.pop().unwrap();
    let mut quick = clients.pop().unwrap();
    // Each is larger than all buffers on the way, and together they are more than may wait.
    for n in 0..COUNT {
        clients[0].send(Message::binary(vec![n; 2_000_000])).await.unwrap();
        clients[0].send(Message::text(n.to_string())).await.unwrap();
        assert_eq!(receive(&mut quick).await.into_data()[0], n);
        assert_eq!(receive(&mut quick).await, Message::text(n.to_string()));
    }
    let mut pictures = Vec::new();
    let mut texts = 0;
    while texts < COUNT {
        match receive(&mut stalled).await {
            Message::Text(text) => {
                assert_eq!(text, texts.to_string(), "no text is missing");
                texts += 1;
            }
            picture => pictures.push(picture.into_data()[0]),
        }
    }
    assert!(pictures.is_sorted() && pictures.len() < usize::from(COUNT) / 2, "{pictures:?}");
    assert_eq!(pictures.last(), Some(&(COUNT - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_sends_all_at_once_more_than_may_wait_closes_nobody_who_reads() {
    const COUNT: usize = 24;
    let house = House::open().await;
    let mut pupils = JoinSet::new();
    let begin = Arc::new(Barrier::new(COUNT));
    for _ in 0..COUNT {
        let (begin, mut socket) = (begin.clone(), enter(&house, "/").await);
        pupils.spawn(async move {
            begin.wait().await;
            // The pixels of a small picture as JSON.
            socket.send(Message::text("7".repeat(900_000))).await.unwrap();
            for _ in 1..COUNT {
                assert_eq!(receive(&mut socket).await.len(), 900_000);
            }
            begin.wait().await;
        });
    }
    while let Some(pupil) = pupils.join_next().await {
        pupil.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_credits_a_client_is_sent_the_newest_when_it_has_answered() {
    let house = House::open().await;
    let mut others = all(&house, "/relay/aula", 3).await;
    let mut lazy = enter(&house, "/relay/aula?credits=2").await;
    lazy.send(Message::text("here")).await.unwrap();
    for other in &mut others {
        assert_eq!(receive(other).await, Message::text("here"));
    }
    let (mut ana, mut beto, mut witness) =
        (others.remove(0), others.remove(0), others.pop().unwrap());
    for n in 0..2 {
        ana.send(Message::text(n.to_string())).await.unwrap();
        for client in [&mut lazy, &mut witness, &mut beto] {
            assert_eq!(receive(client).await, Message::text(n.to_string()));
        }
    }
    // Nobody waits for it now, however small the messages are and however long it takes.
    for (sender, name) in [(&mut ana, "ana"), (&mut beto, "beto")] {
        for n in 0..1000 {
            sender.send(Message::text(format!("{name} {n}"))).await.unwrap();
            assert_eq!(receive(&mut witness).await, Message::text(format!("{name} {n}")));
        }
    }
    // An answer is for the relay alone. More answers than messages are not saved up.
    for answer in [Message::text(""), Message::binary(Vec::new())] {
        lazy.send(answer).await.unwrap();
    }
    assert_eq!(receive(&mut lazy).await, Message::text("ana 999"));
    assert_eq!(receive(&mut lazy).await, Message::text("beto 999"));
    for _ in 0..20 {
        lazy.send(Message::text("")).await.unwrap();
    }
    lazy.send(Message::text("it answered")).await.unwrap();
    assert_eq!(receive(&mut witness).await, Message::text("it answered"));
    for n in 0..4 {
        ana.send(Message::text(n.to_string())).await.unwrap();
        assert_eq!(receive(&mut witness).await, Message::text(n.to_string()));
        if n < 2 {
            assert_eq!(receive(&mut lazy).await, Message::text(n.to_string()));
        }
    }
    lazy.send(Message::text("")).await.unwrap();
    assert_eq!(receive(&mut lazy).await, Message::text("3"));
    let bad = format!("ws://{}/?credits=many", house.address);
    match soon(tokio_tungstenite::connect_async(bad)).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 400),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_binary_messages_are_not_replaced_and_too_many_close_with_1013() {
    let house = House::open().await;
    let mut clients = all(&house, "/relay/full", 3).await;
    let mut stalled = clients.pop().unwrap();
    let mut quick = clients.pop().unwrap();
    // More than 16 MiB plus what the sockets hold.
    for n in 0..600_u32 {
        let mut bytes = vec![0; LARGE - 1];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        clients[0].send(Message::binary(bytes)).await.unwrap();
        assert_eq!(receive(&mut quick).await.into_data()[..4], n.to_be_bytes());
    }
    let mut expected = 0_u32;
    let (code, reason) = loop {
        match receive(&mut stalled).await {
            Message::Close(frame) => {
                let frame = frame.unwrap();
                break (u16::from(frame.code), frame.reason.to_string());
            }
            message => {
                assert_eq!(message.into_data()[..4], expected.to_be_bytes());
                expected += 1;
            }
        }
    };
    assert_eq!(code, 1013);
    assert!(reason.contains("16 MiB"), "{reason}");
    // The others go on.
    clients[0].send(Message::text("on")).await.unwrap();
    assert_eq!(receive(&mut quick).await, Message::text("on"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_is_closed_with_its_code() {
    let house = House::open().await;
    let frame = |data, bytes, last| Message::Frame(Frame::message(bytes, OpCode::Data(data), last));
    for (message, code) in [
        (frame(Data::Text, vec![0xc3, 0x28], true), 1007),
        (frame(Data::Continue, vec![1], true), 1002),
        (frame(Data::Binary, vec![0; 10 * 1024 * 1024 + 1], true), 1009),
    ] {
        let mut client = enter(&house, "/").await;
        let (mut to, mut from) = (&mut client).split();
        // The relay may close before all is sent.
        let (_, heard) = tokio::join!(to.send(message), soon(from.next()));
        let Some(Ok(Message::Close(Some(frame)))) = heard else { panic!("{heard:?}") };
        assert_eq!(u16::from(frame.code), code, "{}", frame.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_end_is_closed_at_10_mib() {
    let house = House::open().await;
    let mut clients = all(&house, "/", 2).await;
    let part = |data| Message::Frame(Frame::message(vec![1; 1 << 20], OpCode::Data(data), false));
    let mut endless = clients.pop().unwrap();
    endless.send(part(Data::Binary)).await.unwrap();
    let mut sent = 1;
    while endless.send(part(Data::Continue)).await.is_ok() && sent < 1000 {
        sent += 1;
        if let Ok(Some(heard)) = tokio::time::timeout(Duration::ZERO, endless.next()).await {
            let Ok(Message::Close(Some(frame))) = heard else { panic!("{heard:?}") };
            assert_eq!(u16::from(frame.code), 1009);
            break;
        }
    }
    assert!((11..100).contains(&sent), "{sent} MiB");
    // Nobody received it, and nobody is harmed.
    let mut other = enter(&house, "/").await;
    other.send(Message::text("calm")).await.unwrap();
    assert_eq!(receive(&mut clients[0]).await, Message::text("calm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_this_host_come_in_and_others_are_told_why_not() {
    let house = House::open().await;
    let with = |origin: &str| {
        let mut request = format!("ws://{}/", house.address).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        tokio_tungstenite::connect_async(request)
    };
    for good in ["http://127.0.0.1:5500", "https://127.0.0.1", "http://localhost:3000"] {
        soon(with(good)).await.unwrap();
    }
    let Err(Error::Http(response)) = soon(with("http://evil.example")).await else {
        panic!("it came in")
    };
    assert_eq!(response.status(), 403);
    let body = String::from_utf8(response.into_body().unwrap()).unwrap();
    assert!(body.contains("http://evil.example") && body.contains("relay_origins"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_goodbye_when_the_gallery_stops() {
    let mut house = House::open().await;
    let mut clients = all(&house, "/", 2).await;
    let mut deaf = clients.pop().unwrap();
    clients[0].send(Message::binary(vec![1; 9_000_000])).await.unwrap();
    let waits = tokio::spawn(async move { closed(&mut clients[0]).await });
    house.gallery.stop().await;
    assert_eq!(soon(waits).await.unwrap().0, 1001);
    while let Some(Ok(_)) = soon(deaf.next()).await {}
}
