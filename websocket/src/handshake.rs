//! The request that asks for a WebSocket, and the answer to its key (section 4).

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};

/// The version of the protocol, as in `Sec-WebSocket-Version`.
pub const VERSION: &str = "13";

/// The head of an HTTP request.
#[derive(Debug)]
pub struct Request<'a> {
    /// Must be `GET`.
    pub method: &'a str,
    /// Whether the version is HTTP/1.1 or a later 1.x.
    pub is_http_1_1: bool,
    /// Names and values, in order.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

/// Why a request cannot become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It asks for no WebSocket, or not as HTTP/1.1 requires.
    NotAsked,
    /// It asks for another version than [`VERSION`].
    OtherVersion,
    /// `Sec-WebSocket-Key` is not 16 bytes in base64, is missing, or occurs twice.
    BadKey,
}

impl<'a> Request<'a> {
    /// The value of `Sec-WebSocket-Accept` that makes the connection a WebSocket.
    ///
    /// # Errors
    /// The request does not meet section 4.2.1.
    pub fn accept(&self) -> Result<String, Refused> {
        let asks = self.method == "GET"
            && self.is_http_1_1
            && self.lists("Upgrade", "websocket")
            && self.lists("Connection", "upgrade");
        if !asks {
            return Err(Refused::NotAsked);
        }
        if self.one("Sec-WebSocket-Version") != Some(VERSION) {
            return Err(Refused::OtherVersion);
        }
        let key = self.one("Sec-WebSocket-Key").ok_or(Refused::BadKey)?;
        let mut nonce = [0; 18];
        match Base64::decode(key, &mut nonce) {
            Ok(nonce) if nonce.len() == 16 => Ok(answer_to(key)),
            _ => Err(Refused::BadKey),
        }
    }

    /// The subprotocols that the client offers, its favourite first.
    pub fn protocols(&self) -> impl Iterator<Item = &'a str> {
        self.values("Sec-WebSocket-Protocol").flat_map(words)
    }

    /// Whether a header that is a list has a word.
    fn lists(&self, name: &'static str, word: &str) -> bool {
        self.values(name).any(|value| lists(value, word))
    }

    /// The value of a header that occurs once: of two, each reader could take another.
    fn one(&self, name: &'static str) -> Option<&'a str> {
        let mut values = self.values(name);
        let value = values.next().and_then(text)?;
        values.next().is_none().then_some(value)
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value)
    }
}

/// Whether a list has a word, in any case.
pub fn lists(value: &[u8], word: &str) -> bool {
    words(value).any(|found| found.eq_ignore_ascii_case(word))
}

fn words(value: &[u8]) -> impl Iterator<Item = &str> {
    let words = text(value).unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty())
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().map(str::trim)
}

/// Section 4.2.2, point 5.4.
fn answer_to(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    Base64::encode_string(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const HEADERS: [(&str, &[u8]); 5] = [
        ("connection", b"keep-alive, Upgrade"),
        ("Upgrade", b"WebSocket"),
        ("Sec-WebSocket-Version", b"13"),
        ("sec-websocket-key", b" dGhlIHNhbXBsZSBub25jZQ== "),
        ("Sec-WebSocket-Protocol", b"chat, , superchat"),
    ];

    fn request(headers: &[(&'static str, &'static [u8])]) -> Request<'static> {
        Request { method: "GET", is_http_1_1: true, headers: headers.to_vec() }
    }

    #[test]
    fn the_answer_is_that_of_the_standard() {
        let request = request(&HEADERS);
        assert_eq!(request.accept().unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(request.protocols().collect::<Vec<_>>(), ["chat", "superchat"]);
    }

    #[test]
    fn each_part_of_a_request_must_be_there_and_what_can_be_misread_once() {
        let refused =
            [Refused::NotAsked, Refused::NotAsked, Refused::OtherVersion, Refused::BadKey];
        for (n, refused) in refused.into_iter().enumerate() {
            let mut less = HEADERS.to_vec();
            less.remove(n);
            assert_eq!(request(&less).accept(), Err(refused), "{}", HEADERS[n].0);
            let twice = [&HEADERS[..], &[HEADERS[n]]].concat();
            let expected = if n < 2 { Ok(()) } else { Err(refused) };
            assert_eq!(request(&twice).accept().map(drop), expected, "{}", HEADERS[n].0);
        }
        let post = Request { method: "POST", ..request(&HEADERS) };
        assert_eq!(post.accept(), Err(Refused::NotAsked));
        let old = Request { is_http_1_1: false, ..request(&HEADERS) };
        assert_eq!(old.accept(), Err(Refused::NotAsked));
        for (n, value, expected) in [
            (0, &b"keep-alive"[..], Refused::NotAsked),
            (1, b"h2c", Refused::NotAsked),
            (1, b"\xff", Refused::NotAsked),
            (2, b"8", Refused::OtherVersion),
            (3, b"c2hvcnQ=", Refused::BadKey),
            (3, b"dGhlIHNhbXBsZSBub25jZQ", Refused::BadKey),
            (3, b"dGhlIHNhbXBsZSBub25jZSBpcyBsb25n", Refused::BadKey),
        ] {
            let mut headers = HEADERS;
            headers[n].1 = value;
            assert_eq!(request(&headers).accept(), Err(expected), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_headers_are_accepted_or_refused(
            values in vec(vec(any::<u8>(), 0..30), 5),
            kept in vec(any::<bool>(), 5),
        ) {
            let mut headers = HEADERS.to_vec();
            for (n, header) in headers.iter_mut().enumerate() {
                if !kept[n] {
                    header.1 = &values[n];
                }
            }
            let request = Request { method: "GET", is_http_1_1: true, headers };
            let _ = request.accept();
            let _ = request.protocols().count();
        }
    }
}
