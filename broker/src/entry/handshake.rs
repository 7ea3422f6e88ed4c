//! How a WebSocket begins (RFC 6455, section 4): an HTTP request, looked at and answered.
//!
//! Browsers let any page open a WebSocket, and by DNS rebinding even to loopback under the page's
//! own name. They say in Origin which page it is. So a browser must come from a page of the host
//! that it calls, which must be an address or this machine's name, or from one that is listed.

use std::io;

use bytes::{Buf, BytesMut};
use reach::Names;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use websocket::handshake::{self, Request};

use crate::entry::websocket::WebSocket;

/// The longest request, with all its headers.
const REQUEST: usize = 8 * 1024;

/// The most headers of a request.
const HEADERS: usize = 64;

/// The subprotocol, by which MQTT is told from others (MQTT 5, section 6).
const MQTT: &str = "mqtt";

/// From which pages browsers may come.
#[derive(Debug)]
pub(crate) struct Pages {
    names: Names,
    /// Origins that are good wherever they call.
    origins: Vec<String>,
}

impl Pages {
    /// `names` are those of this machine; `origins` are further pages, such as
    /// `https://wall.example.org`.
    pub fn new(names: Names, origins: &[String]) -> Pages {
        Pages { names, origins: origins.iter().map(|origin| origin.to_ascii_lowercase()).collect() }
    }

    /// Whether a request may come from where it says. What is no browser has no origin.
    fn allow(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin.map(str::to_ascii_lowercase) else { return true };
        if self.origins.contains(&origin) {
            return true;
        }
        let from = ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
        let (Some(from), Some(host)) = (from.and_then(host_of), host.and_then(host_of)) else {
            return false;
        };
        from.eq_ignore_ascii_case(host) && self.names.are_ours(host)
    }
}

/// The host of `host` or `host:port`.
fn host_of(authority: &str) -> Option<&str> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.bytes().all(|b| b.is_ascii_digit()).then_some(host)?
        }
        _ => authority,
    };
    (!host.is_empty() && !host.contains(['/', '@', '?', '#', ' '])).then_some(host)
}

/// Why a request is not the beginning of a WebSocket for MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    NotHttp,
    NotWebSocket,
    WrongVersion,
    NotMqtt,
    ForeignPage,
}

impl Refused {
    fn answer(self) -> String {
        let (status, why) = match self {
            Refused::NotHttp => ("400 Bad Request", "this is not an HTTP request"),
            Refused::NotWebSocket => {
                ("426 Upgrade Required", "this port speaks MQTT over WebSocket")
            }
            Refused::WrongVersion => {
                ("426 Upgrade Required", "this port speaks WebSocket version 13")
            }
            Refused::NotMqtt => ("400 Bad Request", "ask for the WebSocket subprotocol mqtt"),
            Refused::ForeignPage => (
                "403 Forbidden",
                "this page may not come in; its origin can be added to broker.origins",
            ),
        };
        let upgrade = match self {
            Refused::NotWebSocket | Refused::WrongVersion => {
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            }
            _ => "",
        };
        format!(
            "HTTP/1.1 {status}\r\n{upgrade}Connection: close\r\nContent-Type: text/plain\r\n\
             Content-Length: {}\r\n\r\n{why}\n",
            why.len() + 1
        )
    }
}

/// Reads the request, answers it, and gives the WebSocket. The caller sets a time limit.
///
/// # Errors
/// The request was refused, which was answered (`PermissionDenied` for its page), or the stream
/// failed.
pub(crate) async fn accept<S>(mut stream: S, pages: &Pages) -> io::Result<WebSocket<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = BytesMut::with_capacity(1024);
    let outcome = loop {
        match read_request(&bytes, pages) {
            Ok(None) if bytes.len() >= REQUEST => break Err(Refused::NotHttp),
            Ok(None) => {}
            Ok(Some(accepted)) => break Ok(accepted),
            Err(refused) => break Err(refused),
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    match outcome {
        Ok((key, len)) => {
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {MQTT}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            bytes.advance(len);
            Ok(WebSocket::new(stream, bytes))
        }
        Err(refused) => {
            stream.write_all(refused.answer().as_bytes()).await?;
            stream.shutdown().await?;
            let kind = match refused {
                Refused::ForeignPage => io::ErrorKind::PermissionDenied,
                _ => io::ErrorKind::InvalidData,
            };
            Err(io::Error::new(kind, format!("{refused:?}")))
        }
    }
}

/// The answer to the client's key, and the length of its request; nothing while it is not whole.
fn read_request(bytes: &[u8], pages: &Pages) -> Result<Option<(String, usize)>, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let len = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Refused::NotHttp),
    };
    let headers = parsed.headers.iter().map(|header| (header.name, header.value)).collect();
    let method = parsed.method.unwrap_or_default();
    let request = Request { method, is_http_1_1: parsed.version == Some(1), headers };
    let answer = request.accept().map_err(|refused| match refused {
        handshake::Refused::NotAsked => Refused::NotWebSocket,
        handshake::Refused::OtherVersion => Refused::WrongVersion,
        handshake::Refused::BadKey => Refused::NotHttp,
    })?;
    // A header twice is a way to have two readers see two things.
    let one = |name: &str| {
        let mut values = parsed.headers.iter().filter(|h| h.name.eq_ignore_ascii_case(name));
        let value = values.next().map(|header| std::str::from_utf8(header.value).map(str::trim));
        let value = value.transpose().map_err(|_| Refused::NotHttp)?;
        values.next().is_none().then_some(value).ok_or(Refused::NotHttp)
    };
    if !pages.allow(one("Origin")?, one("Host")?) {
        return Err(Refused::ForeignPage);
    }
    if !request.protocols().any(|protocol| protocol.eq_ignore_ascii_case(MQTT)) {
        return Err(Refused::NotMqtt);
    }
    Ok(Some((answer, len)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "GET /mqtt HTTP/1.1\r\nHost: pi.local:9001\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n";

    fn pages() -> Pages {
        Pages::new(Names::of("Pi.lan", &[]), &["https://wall.example.org".to_owned()])
    }

    fn read(request: &str) -> Result<Option<(String, usize)>, Refused> {
        read_request(request.as_bytes(), &pages())
    }

    #[test]
    fn the_key_is_answered_as_in_the_rfc() {
        let accepted = read(REQUEST).unwrap().unwrap();
        assert_eq!(accepted, ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned(), REQUEST.len()));
        for len in 0..REQUEST.len() {
            assert_eq!(read(&REQUEST[..len]), Ok(None), "{len}");
        }
    }

    #[test]
    fn other_requests_are_told_what_is_wrong() {
        for (from, to, refused) in [
            ("GET", "POST", Refused::NotWebSocket),
            ("Upgrade: WebSocket", "Upgrade: h2c", Refused::NotWebSocket),
            ("keep-alive, Upgrade", "keep-alive", Refused::NotWebSocket),
            ("Version: 13", "Version: 8", Refused::WrongVersion),
            ("mqttv3.1, mqtt", "chat", Refused::NotMqtt),
            ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", Refused::NotHttp),
            ("Host:", "Host: a\r\nOrigin: http://a\r\nHost:", Refused::NotHttp),
            ("Host:", "Origin: http://evil.example\r\nHost:", Refused::ForeignPage),
            ("GET /mqtt HTTP/1.1", "\x16\x03\x01", Refused::NotHttp),
        ] {
            assert_eq!(read(&REQUEST.replacen(from, to, 1)), Err(refused), "{to}");
            assert!(refused.answer().starts_with("HTTP/1.1 4"));
        }
    }

    #[test]
    fn browsers_come_from_pages_of_this_machine_or_listed_ones() {
        let allow = |origin, host| pages().allow(Some(origin), Some(host));
        for (origin, host) in [
            ("http://pi.local:8080", "pi.local:9001"),
            ("http://PI", "pi:9001"),
            ("http://pi.lan", "pi.lan"),
            ("http://192.168.0.7:8080", "192.168.0.7:9001"),
            ("http://[::1]:8080", "[::1]:9001"),
            ("http://localhost", "localhost:9001"),
            ("https://wall.example.org", "mqtt.example.org"),
        ] {
            assert!(allow(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            // By DNS rebinding, a name of theirs leads here.
            ("http://evil.example", "evil.example:9001"),
            ("http://evil.example", "127.0.0.1:9001"),
            ("http://127.0.0.1", "localhost:9001"),
            ("null", "127.0.0.1:9001"),
            ("file://", "127.0.0.1:9001"),
            ("http://127.0.0.1@evil.example", "127.0.0.1"),
            ("http://wall.example.org", "wall.example.org"),
            ("", ""),
        ] {
            assert!(!allow(origin, host), "{origin} {host}");
        }
        assert!(pages().allow(None, None), "what is no browser may come");
        assert!(!pages().allow(Some("http://pi"), None));
    }
}
