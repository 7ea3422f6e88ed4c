//! The request that asks for a WebSocket, and its answer (section 4).

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};
use warp::http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use warp::http::{Method, Request, StatusCode, Version};
use warp::reply::{Reply, Response};

use crate::problem::Problem;

/// Whether a request asks for a WebSocket.
pub(crate) fn is_asked_for<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET && has_token(request.headers(), UPGRADE, "websocket")
}

const HINT: &str = "ask as RFC 6455 has it, version 13, over HTTP/1.1";

/// The answer that makes the connection a WebSocket.
///
/// # Errors
/// The request is not what RFC 6455 asks for.
pub(crate) fn accept<B>(request: &Request<B>) -> Result<Response, Problem> {
    if request.version() < Version::HTTP_11 {
        let error = "this request cannot become a WebSocket";
        return Err(Problem::new(StatusCode::BAD_REQUEST, error, HINT));
    }
    answer(request.headers())
}

/// The same, of a request of HTTP/1.1.
///
/// # Errors
/// As [`accept`].
pub(crate) fn answer(headers: &HeaderMap) -> Result<Response, Problem> {
    let bad = |error: &str| Problem::new(StatusCode::BAD_REQUEST, error, HINT);
    if !has_token(headers, CONNECTION, "upgrade") {
        return Err(bad("this request cannot become a WebSocket"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let error = "this is another version of WebSocket than 13";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, error, HINT));
    }
    let mut nonce = [0; 16];
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let key = key.filter(|key| Base64::decode(key, &mut nonce).is_ok_and(|n| n.len() == 16));
    let key = key.ok_or_else(|| bad("Sec-WebSocket-Key is not 16 bytes in base64"))?;

    let mut response = warp::reply().into_response();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let head = response.headers_mut();
    head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accepted = HeaderValue::from_str(&answer_to(key)).map_err(|_| bad("a bad key"))?;
    head.insert(SEC_WEBSOCKET_ACCEPT, accepted);
    // A browser that asked for one closes without; which it is means nothing here.
    if let Some(protocol) = tokens(headers, SEC_WEBSOCKET_PROTOCOL).next()
        && let Ok(protocol) = HeaderValue::from_str(protocol)
    {
        head.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(response)
}

fn answer_to(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    Base64::encode_string(&hash.finalize())
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn the_answer_is_that_of_the_standard() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, superchat"),
        ];
        let answer = accept(&request("/", &good)).unwrap();
        assert_eq!(answer.status(), 101);
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
        for without in 0..3 {
            let mut less = good.to_vec();
            less.remove(without);
            assert!(accept(&request("/", &less)).is_err(), "{}", good[without].0);
        }
    }
}
