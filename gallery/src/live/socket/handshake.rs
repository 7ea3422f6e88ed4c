//! The WebSocket handshake of a page or of a client of the relay.

use warp::http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use websocket::handshake::{self, Refused};

use crate::problem::Problem;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_asked_for(method: &Method, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(UPGRADE).into_iter();
    *method == Method::GET && values.any(|value| handshake::lists(value.as_bytes(), "websocket"))
}

const HINT: &str = "ask as RFC 6455 has it, version 13, over HTTP/1.1";

/// The answer to a GET of HTTP/1.1 that makes the connection a WebSocket.
///
/// # Errors
/// The request does not meet RFC 6455.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Response, Problem> {
    let request = handshake::Request {
        method: Method::GET.as_str(),
        is_http_1_1: true,
        headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
    };
    let accepted = request.accept().map_err(|refused| {
        let (status, error) = match refused {
            Refused::NotAsked => {
                (StatusCode::BAD_REQUEST, "this request cannot become a WebSocket")
            }
            Refused::OtherVersion => {
                (StatusCode::UPGRADE_REQUIRED, "this is another version of WebSocket than 13")
            }
            Refused::BadKey => {
                (StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not 16 bytes in base64")
            }
        };
        Problem::new(status, error, HINT)
    })?;
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Problem::bad_request("a bad header", HINT))
    };
    let mut response = warp::reply().into_response();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let head = response.headers_mut();
    head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.insert(UPGRADE, HeaderValue::from_static("websocket"));
    head.insert(SEC_WEBSOCKET_ACCEPT, value(&accepted)?);
    // A browser that asked for a subprotocol closes without one; which one has no meaning here.
    if let Some(protocol) = request.protocols().next() {
        head.insert(SEC_WEBSOCKET_PROTOCOL, value(protocol)?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(headers: &[(&'static str, &str)]) -> HeaderMap {
        let read = |(name, value): &(&'static str, &str)| {
            (warp::http::HeaderName::from_static(name), value.parse().unwrap())
        };
        headers.iter().map(read).collect()
    }

    #[test]
    fn the_answer_is_that_of_the_standard() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, superchat"),
        ];
        let answer = accept(&headers(&good)).unwrap();
        assert_eq!(answer.status(), 101);
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
        for without in 0..4 {
            let mut less = good.to_vec();
            less.remove(without);
            assert!(accept(&headers(&less)).is_err(), "{}", good[without].0);
        }
    }
}
