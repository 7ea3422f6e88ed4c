//! The opening handshake of a WebSocket (RFC 6455, section 4): checks and answers an HTTP request.
//!
//! Browsers let any page open a WebSocket; [`Guard`] decides which pages may.

use std::fmt;
use std::io;

use access::{Asks, Calls, Guard, Keys};
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use websocket::handshake::{self, Request};

use crate::entry::websocket::WebSocket;

/// The longest request, with all its headers.
const REQUEST: usize = 8 * 1024;

/// The most headers of a request.
const HEADERS: usize = 64;

/// The subprotocol that stands for MQTT (MQTT 5, section 6).
const MQTT: &str = "mqtt";

/// The broker's configuration keys of who may come in.
pub(crate) const KEYS: Keys =
    Keys { part: "broker", networks: "broker.networks", hosts: None, origins: "broker.origins" };

/// Why a request does not begin a WebSocket for MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    NotHttp,
    NotWebSocket,
    WrongVersion,
    NotMqtt,
    Page(access::Refused),
}

impl Refused {
    fn answer(&self) -> String {
        let (status, why) = match self {
            Refused::NotHttp => ("400 Bad Request", "this is not an HTTP request"),
            Refused::NotWebSocket => {
                ("426 Upgrade Required", "this port speaks MQTT over WebSocket")
            }
            Refused::WrongVersion => {
                ("426 Upgrade Required", "this port speaks WebSocket version 13")
            }
            Refused::NotMqtt => ("400 Bad Request", "ask for the WebSocket subprotocol mqtt"),
            Refused::Page(access::Refused { is_foreign, error, hint, .. }) => {
                let status = if *is_foreign { "403 Forbidden" } else { "400 Bad Request" };
                (status, &*format!("{error}; {hint}"))
            }
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

/// Why there is no WebSocket.
#[derive(Debug)]
pub(crate) enum Failed {
    Stream(io::Error),
    /// The page that makes the request may not.
    Page(access::Refused),
    Request(Refused),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Stream(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Stream(error) => error.fmt(f),
            Failed::Page(refused) => f.write_str(&refused.error),
            Failed::Request(refused) => write!(f, "{refused:?}"),
        }
    }
}

/// Reads the request, answers it, and returns the WebSocket. The caller sets a time limit.
///
/// # Errors
/// The request was refused, and the client told so, or the stream failed.
pub(crate) async fn accept<S>(mut stream: S, guard: &Guard) -> Result<WebSocket<S>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = BytesMut::with_capacity(1024);
    let outcome = loop {
        match read_request(&bytes, guard) {
            Ok(None) if bytes.len() >= REQUEST => break Err(Refused::NotHttp),
            Ok(None) => {}
            Ok(Some(accepted)) => break Ok(accepted),
            Err(refused) => break Err(refused),
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(Failed::Stream(io::ErrorKind::UnexpectedEof.into()));
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
            Err(match refused {
                Refused::Page(refused) => Failed::Page(refused),
                refused => Failed::Request(refused),
            })
        }
    }
}

/// The answer to the client's key, and the length of its request; `None` while it is incomplete.
fn read_request(bytes: &[u8], guard: &Guard) -> Result<Option<(String, usize)>, Refused> {
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
    let mut calls = Calls::new(parsed.headers.iter().map(|header| (header.name, header.value)));
    calls.needs_host = true;
    guard.page(Asks::Socket, &calls).map_err(Refused::Page)?;
    if !request.protocols().any(|protocol| protocol.eq_ignore_ascii_case(MQTT)) {
        return Err(Refused::NotMqtt);
    }
    Ok(Some((answer, len)))
}

#[cfg(test)]
mod tests {
    use access::{Names, Networks};

    use super::*;

    const REQUEST: &str = "GET /mqtt HTTP/1.1\r\nHost: pi.local:9001\r\nUpgrade: WebSocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n";

    fn guard() -> Guard {
        let origins = ["https://wall.example.org".to_owned()];
        Guard::new(Networks::default(), Names::of("Pi.lan", &[]), &origins, KEYS)
    }

    fn read(request: &str) -> Result<Option<(String, usize)>, Refused> {
        read_request(request.as_bytes(), &guard())
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
            ("GET /mqtt HTTP/1.1", "\x16\x03\x01", Refused::NotHttp),
        ] {
            assert_eq!(read(&REQUEST.replacen(from, to, 1)), Err(refused.clone()), "{to}");
            assert!(refused.answer().starts_with("HTTP/1.1 4"));
        }
    }

    #[test]
    fn a_page_that_may_not_come_in_is_told_so() {
        for (to, status) in [
            ("Origin: http://evil.example\r\nHost:", "403 Forbidden"),
            ("Host: a\r\nOrigin: http://a\r\nHost:", "400 Bad Request"),
            ("Origin: http://pi.local\r\nX:", "400 Bad Request"),
        ] {
            let refused = read(&REQUEST.replacen("Host:", to, 1)).unwrap_err();
            let (answer, of_page) = (refused.answer(), matches!(refused, Refused::Page(_)));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")) && of_page, "{answer}");
            assert_eq!(answer.contains("broker.origins"), status.starts_with("403"), "{answer}");
        }
        for origin in ["http://pi.local:8080", "https://wall.example.org"] {
            let request = REQUEST.replacen("Host:", &format!("Origin: {origin}\r\nHost:"), 1);
            assert!(read(&request).unwrap().is_some(), "{origin}");
        }
    }
}
