//! TLS and WebSocket, each alone and together.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{ListenerSection, Section, Transport};
use futures_util::{SinkExt, StreamExt};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::logged;
use crate::raw::{BOTH, Connect, Raw, V5, V311, publish, subscribe};
use crate::running::{Running, SOON, section, start_with};

/// A certificate for localhost, written to `folder`.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("cert.pem"), pair.cert.pem()).unwrap();
    pair.cert.der().clone()
}

fn all_transports(folder: &Path) -> Section {
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = [Transport::Tls, Transport::Ws, Transport::Wss].map(|transport| {
        let has_tls = transport != Transport::Ws;
        ListenerSection {
            address,
            transport,
            certificate: has_tls.then(|| folder.join("cert.pem")),
            key: has_tls.then(|| folder.join("key.pem")),
        }
    });
    Section { listener: listener.to_vec(), ..section() }
}

fn address(broker: &Running, wanted: Transport) -> SocketAddr {
    broker.addresses.iter().find(|(transport, _)| *transport == wanted).unwrap().1
}

async fn tls(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn websocket<S>(stream: S, origin: Option<&str>) -> Result<WebSocketStream<S>, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut request = "ws://localhost:9001/mqtt".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    if let Some(origin) = origin {
        request.headers_mut().insert("Origin", origin.parse().unwrap());
    }
    tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
}

/// Gathers bytes until there are as many as expected.
async fn gather<S>(socket: &mut WebSocketStream<S>, len: usize) -> Vec<u8>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut bytes = Vec::new();
    while bytes.len() < len {
        match timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Binary(more) => bytes.extend_from_slice(&more),
            Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    bytes
}

/// A picture there and back.
async fn round_trip<S>(mut socket: WebSocketStream<S>, level: u8)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let connect = Connect::new(level, "ws").bytes();
    // A packet in two messages, and two packets in one.
    socket.send(Message::binary(connect[..3].to_vec())).await.unwrap();
    let rest = [&connect[3..], &subscribe(level, 7, &[("t", 0)])].concat();
    socket.send(Message::binary(rest)).await.unwrap();
    socket.send(Message::Ping(b"here?".to_vec().into())).await.unwrap();
    let first = gather(&mut socket, 2).await;
    let connack = 2 + usize::from(first[1]);
    let suback = if level == V5 { 6 } else { 5 };
    let more = gather(&mut socket, (connack + suback).saturating_sub(first.len())).await;
    let answers = [first, more].concat();
    assert_eq!((answers[0], answers[3], answers[connack]), (0x20, 0, 0x90), "{answers:02x?}");
    let picture = vec![0xa5; 1_000_000];
    let sent = publish(level, "t", &picture, 0, false);
    socket.send(Message::binary(sent.clone())).await.unwrap();
    assert!(gather(&mut socket, sent.len()).await == sent);
    socket.send(Message::binary(vec![0xe0, 0])).await.unwrap();
}

#[tokio::test]
async fn each_transport_carries_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certify(folder.path());
    let broker = start_with(all_transports(folder.path())).await;
    for level in BOTH {
        let mut stream = tls(address(&broker, Transport::Tls), &trusted).await.unwrap();
        let picture = vec![7; 1_000_000];
        let sent = publish(level, "t", &picture, 0, false);
        stream.write_all(&Connect::new(level, "tls").bytes()).await.unwrap();
        stream.write_all(&subscribe(level, 7, &[("t", 0)])).await.unwrap();
        let mut head = [0; 2];
        for kind in [0x20, 0x90] {
            timeout(SOON, stream.read_exact(&mut head)).await.unwrap().unwrap();
            assert_eq!(head[0], kind);
            let mut rest = vec![0; head[1].into()];
            timeout(SOON, stream.read_exact(&mut rest)).await.unwrap().unwrap();
        }
        stream.write_all(&sent).await.unwrap();
        let mut back = vec![0; sent.len()];
        timeout(SOON, stream.read_exact(&mut back)).await.unwrap().unwrap();
        assert!(back == sent);

        let stream = TcpStream::connect(address(&broker, Transport::Ws)).await.unwrap();
        round_trip(websocket(stream, None).await.unwrap(), level).await;
        let stream = tls(address(&broker, Transport::Wss), &trusted).await.unwrap();
        round_trip(websocket(stream, Some("http://localhost:8080")).await.unwrap(), level).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_closed_and_stalls_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = certify(folder.path());
    let broker = start_with(all_transports(folder.path())).await;
    let mut silent = Vec::new();
    let began = Instant::now();
    for (_, address) in &broker.addresses {
        for _ in 0..5 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
    }
    // Half a TLS record, and half a request.
    let mut half = TcpStream::connect(address(&broker, Transport::Tls)).await.unwrap();
    half.write_all(b"\x16\x03\x01").await.unwrap();
    silent.push(half);
    let mut half = TcpStream::connect(address(&broker, Transport::Ws)).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    silent.push(half);
    // A WebSocket that has begun, and then sends only pings.
    let stream = TcpStream::connect(address(&broker, Transport::Ws)).await.unwrap();
    let mut begun = websocket(stream, None).await.unwrap();
    begun.send(Message::Ping(Vec::new().into())).await.unwrap();

    let stream = tls(address(&broker, Transport::Wss), &trusted).await.unwrap();
    round_trip(websocket(stream, None).await.unwrap(), V5).await;
    assert!(began.elapsed() < Duration::from_secs(5), "the others are still there");
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("is closed");
    }
    let last = async { while let Some(Ok(_)) = begun.next().await {} };
    timeout(SOON, last).await.expect("is closed");
    broker.until("no sockets", |counts| counts.connections == 0).await;
    broker.stop().await;
}

#[tokio::test]
async fn pages_of_others_and_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let origins = vec!["https://wall.example.org".to_owned()];
    let broker = start_with(Section { origins, ..all_transports(folder.path()) }).await;
    let ws = address(&broker, Transport::Ws);
    for (origin, is_good) in [("http://evil.example", false), ("https://wall.example.org", true)] {
        let stream = TcpStream::connect(ws).await.unwrap();
        match websocket(stream, Some(origin)).await {
            Ok(_) => assert!(is_good, "{origin}"),
            Err(Error::Http(answer)) => assert!(answer.status() == 403 && !is_good, "{origin}"),
            Err(error) => panic!("{error}"),
        }
    }
    let mut socket = websocket(TcpStream::connect(ws).await.unwrap(), None).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    let answer = timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(answer, Message::Close(Some(why)) if u16::from(why.code) == 1003));
    broker.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_clients_and_the_old_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let broker = start_with(all_transports(folder.path())).await;
    let at = address(&broker, Transport::Tls);
    let mut old = tls(at, &first).await.unwrap();
    old.write_all(&Connect::new(V311, "old").bytes()).await.unwrap();
    let mut connack = [0; 4];
    old.read_exact(&mut connack).await.unwrap();

    // An invalid key changes nothing.
    logged::keep();
    fs::write(folder.path().join("key.pem"), "broken").unwrap();
    logged::error(&["the certificate stays as it was", folder.path().to_str().unwrap()]).await;
    assert!(tls(at, &first).await.is_ok());
    let second = certify(folder.path());
    let began = Instant::now();
    while tls(at, &second).await.is_err() {
        assert!(began.elapsed() < SOON, "the new certificate is not used");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    old.write_all(&[0xc0, 0]).await.unwrap();
    let mut pong = [0; 2];
    timeout(SOON, old.read_exact(&mut pong)).await.unwrap().unwrap();
    assert_eq!(pong, [0xd0, 0]);
    broker.stop().await;
}

#[tokio::test]
async fn a_certificate_that_is_none_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    fs::write(folder.path().join("cert.pem"), "nothing").unwrap();
    let config = all_transports(folder.path()).check().unwrap();
    let Err(error) = broker::Broker::bind(config).await else { panic!("started") };
    assert!(error.to_string().contains("cert.pem"), "{error}");
    let mut raw = Raw::open(start_with(section()).await.address, V5).await;
    raw.send(b"\x16\x03\x01\x00").await;
    assert_eq!(raw.packet().await, None, "TLS on the port of TCP is closed");
}
