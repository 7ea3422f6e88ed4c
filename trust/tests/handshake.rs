//! Clients and servers that shake hands over real sockets, and the errors of clients that refuse.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection};
use tempfile::TempDir;
use trust::Fingerprint;
use wire::BrokerUrl;

/// A server for one client, and what clients may know about it.
struct Server {
    address: SocketAddr,
    fingerprint: String,
    folder: TempDir,
}

impl Server {
    /// With a certificate for `name`, signed by an authority of its own.
    fn start(name: &str) -> Server {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        let its_own = folder.path().display().to_string();
        authority.distinguished_name.push(DnType::CommonName, its_own);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let fingerprint = Fingerprint::of(certificate.der()).to_string();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let address = answer(move |stream| {
            let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
            let mut hello = [0; 5];
            let mut stream = rustls::Stream::new(&mut tls, stream);
            stream.read_exact(&mut hello)?;
            stream.write_all(&hello)
        });
        Server { address, fingerprint, folder }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// Listens, and gives the first client to `talk`.
fn answer(talk: impl FnOnce(&mut TcpStream) -> io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        talk(&mut stream)
    });
    address
}

/// Greets and expects the echo, or reports why there is none.
fn greet(
    address: SocketAddr,
    name: &str,
    ca_file: Option<&Path>,
    fingerprint: Option<&str>,
) -> Result<(), String> {
    let broker: BrokerUrl = format!("mqtts://{name}").parse().unwrap();
    let config = trust::client(&broker, ca_file, fingerprint)
        .map_err(|bad| bad.to_string())?
        .expect("it is TLS");
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = ClientConnection::new(config, server).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut talk = || {
        let mut stream = rustls::Stream::new(&mut tls, &mut socket);
        stream.write_all(b"hello")?;
        let mut heard = [0; 5];
        stream.read_exact(&mut heard)
    };
    talk().map_err(|error: io::Error| trust::why(&error))
}

#[test]
fn an_authority_vouches_for_its_server() {
    let server = Server::start("pi.local");
    assert_eq!(greet(server.address, "pi.local", Some(&server.ca_file()), None), Ok(()));
}

#[test]
fn a_server_is_known_by_its_fingerprint_whatever_its_name() {
    let server = Server::start("pi.local");
    let plain = server.fingerprint.replace(':', "").to_lowercase();
    assert_eq!(greet(server.address, "127.0.0.1", None, Some(&plain)), Ok(()));
}

#[test]
fn another_certificate_is_refused_and_both_fingerprints_are_told() {
    let (server, other) = (Server::start("pi.local"), Server::start("pi.local"));
    let told = greet(server.address, "pi.local", None, Some(&other.fingerprint)).unwrap_err();
    assert!(told.starts_with("pi.local shows another certificate"), "{told}");
    assert!(told.contains(&format!("expected {}", other.fingerprint)), "{told}");
    assert!(told.contains(&format!("got {}", server.fingerprint)), "{told}");
}

#[test]
fn another_name_is_refused() {
    let server = Server::start("pi.local");
    let told = greet(server.address, "house.local", Some(&server.ca_file()), None).unwrap_err();
    assert!(told.contains("house.local is not trusted") && told.contains("pi.local"), "{told}");
}

#[test]
fn another_authority_is_refused_and_the_fingerprint_is_told() {
    let (server, other) = (Server::start("pi.local"), Server::start("pi.local"));
    let told = greet(server.address, "pi.local", Some(&other.ca_file()), None).unwrap_err();
    assert!(told.contains("no authority") && told.contains(&server.fingerprint), "{told}");
}

#[test]
fn a_server_that_speaks_no_tls_is_told_as_such() {
    let address = answer(|stream| {
        stream.write_all(b"220 welcome\r\n")?;
        io::copy(stream, &mut io::sink()).map(drop)
    });
    let told = greet(address, "pi.local", None, Some(&"00".repeat(32))).unwrap_err();
    assert!(told.contains("does not speak TLS"), "{told}");
}

#[test]
fn what_cannot_be_used_names_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let no_pem = folder.path().join("no.pem");
    fs::write(&no_pem, "no certificate").unwrap();
    let print = "00".repeat(32);
    let missing = folder.path().join("missing");
    let (tls, plain) = ("mqtts://pi", "mqtt://pi");
    for (url, ca_file, fingerprint, key) in [
        (tls, Some(&no_pem), None, "ca_file = "),
        (tls, Some(&missing), None, "ca_file = "),
        (tls, Some(&no_pem), Some(print.as_str()), "ca_file = "),
        (tls, None, Some("AB:CD"), "fingerprint = \"AB:CD\""),
        (plain, None, Some(print.as_str()), "fingerprint = "),
        (plain, Some(&no_pem), None, "ca_file = "),
    ] {
        let broker: BrokerUrl = url.parse().unwrap();
        let ca_file = ca_file.map(PathBuf::as_path);
        let told = trust::client(&broker, ca_file, fingerprint).unwrap_err().to_string();
        assert!(told.starts_with(key), "{told}");
    }
    assert!(trust::client(&plain.parse().unwrap(), None, None).unwrap().is_none());
}
