//! The gallery over HTTPS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::house::{House, soon};

pub async fn house() -> House {
    House::open_with(|section| {
        section.https_listen = Some("127.0.0.1:0".into());
        section.redirect = true;
    })
    .await
}

/// Trusts only this certificate, and only under a name that it has.
fn believer(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

pub async fn connect(house: &House) -> TlsStream<TcpStream> {
    let believer = believer(&house.data.path().join("gallery/certificate.pem"));
    let stream = TcpStream::connect(house.https_address.unwrap()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    soon(believer.connect(name, stream)).await.unwrap()
}

async fn enter(
    house: &House,
    path: &str,
    origin: &str,
) -> Result<WebSocketStream<TlsStream<TcpStream>>, Error> {
    let port = house.https_address.unwrap().port();
    let mut request = format!("wss://localhost:{port}{path}").into_client_request().unwrap();
    let origin = origin.replace("PORT", &port.to_string());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    let stream = connect(house).await;
    soon(tokio_tungstenite::client_async(request, stream)).await.map(|(socket, _)| socket)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_and_its_socket_come_by_a_certificate_made_here() {
    let house = house().await;
    let mut stream = connect(&house).await;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200 OK"), "{}", String::from_utf8_lossy(&answer));
    let mut page = enter(&house, "/ws", "https://localhost:PORT").await.unwrap();
    assert!(soon(page.next()).await.unwrap().unwrap().is_text());
    // The same name without TLS is another site.
    let Err(Error::Http(response)) = enter(&house, "/ws", "http://localhost:PORT").await else {
        panic!("it came in")
    };
    assert_eq!(response.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_is_one_whichever_way_its_clients_came() {
    let mut house = house().await;
    let mut secure = enter(&house, "/relay/a", "http://localhost:5500").await.unwrap();
    let url = format!("ws://{}/relay/a", house.address);
    let (mut plain, _) = soon(tokio_tungstenite::connect_async(url)).await.unwrap();
    let large = Message::binary((0..3_000_000_u32).map(|n| n as u8).collect::<Vec<u8>>());
    plain.send(large.clone()).await.unwrap();
    assert!(soon(secure.next()).await.unwrap().unwrap() == large);
    secure.send(large.clone()).await.unwrap();
    assert!(soon(plain.next()).await.unwrap().unwrap() == large);
    let end = tokio::spawn(async move { soon(secure.next()).await.unwrap().unwrap() });
    drop(plain);
    house.gallery.stop().await;
    assert!(soon(end).await.unwrap().is_close());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_shake_hands_is_let_go() {
    let house = house().await;
    let address = house.https_address.unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = soon(plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
    let _ = soon(silent.read_to_end(&mut answer)).await;
    // Programs of this machine are not sent from HTTP to HTTPS.
    let mut plain = TcpStream::connect(house.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    answer.clear();
    soon(plain.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.0 200 OK"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_files_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now();
    let make = |days: u64| {
        let now = now + Duration::from_secs(days * 24 * 60 * 60);
        certificate::made::keep(folder.path(), "localhost", now).unwrap()
    };
    let files = make(0);
    let house = House::open_with(|section| {
        section.https_listen = Some("127.0.0.1:0".into());
        section.certificate = Some(files.certificate.clone());
        section.key = Some(files.key);
    })
    .await;
    let shown = |certificate: &Path| {
        let (believer, address) = (believer(certificate), house.https_address.unwrap());
        async move {
            let stream = TcpStream::connect(address).await.unwrap();
            believer.connect(ServerName::try_from("localhost").unwrap(), stream).await.is_ok()
        }
    };
    assert!(shown(&files.certificate).await);
    make(780);
    soon(async {
        while !shown(&files.certificate).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}
