//! Finds out once for each request who makes it.

use std::net::IpAddr;

use access::{Asks, Calls, Guard, Keys, Logins, Refused};
use warp::http::header::UPGRADE;
use warp::http::{HeaderName, Method, Request, StatusCode, Version};

use crate::caller::Caller;
use crate::http::cookies;
use crate::problem::Problem;
use crate::relay;

/// The gallery's configuration keys of who may come in.
pub(crate) const KEYS: Keys = Keys {
    part: "gallery",
    networks: "gallery.networks",
    hosts: Some("gallery.hosts"),
    origins: "gallery.relay_origins",
};

impl From<Refused> for Problem {
    fn from(Refused { is_foreign, error, hint, .. }: Refused) -> Self {
        let status = if is_foreign { StatusCode::FORBIDDEN } else { StatusCode::BAD_REQUEST };
        Problem::new(status, error, hint)
    }
}

/// Lets a request for `asks` in, and returns who makes it. `socket` is the peer's address;
/// `is_secure` says whether TLS was used.
///
/// # Errors
/// Requests from there are not allowed.
pub(crate) fn caller<B>(
    guard: &Guard,
    logins: &Logins,
    asks: Asks,
    socket: IpAddr,
    is_secure: bool,
    request: &Request<B>,
) -> Result<Caller, Refused> {
    // Behind a proxy this is the proxy. This is the one place for trust in what a proxy says about
    // its clients.
    let peer = socket.to_canonical();
    guard.peer(peer)?;
    let headers = request.headers().iter();
    let mut calls = Calls::new(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
    calls.is_secure = is_secure;
    calls.needs_host = request.version() >= Version::HTTP_11;
    calls.target = request.uri().authority().cloned();
    guard.page(asks, &calls)?;
    let is_near = peer.is_loopback() && calls.names_loopback() && !is_passed_on(request);
    // Elsewhere a page of another site, or of another port of this host, could act as its reader.
    let is_own_page = guard.is_own_page(asks, &calls);
    let tokens = match is_own_page {
        true => cookies::tokens(request.headers(), is_secure),
        false => Vec::new(),
    };
    let caller = Caller { is_secure, is_near, is_own_page, ..Caller::unknown(peer) };
    Ok(caller.with(logins.standing(peer, is_secure, &tokens), logins))
}

/// Whether a proxy seems to pass a request on for somebody else: one header of a proxy is enough,
/// and HTTP/1.0, which many speak unless they are told otherwise, and no browser does.
fn is_passed_on<B>(request: &Request<B>) -> bool {
    let is_of_proxy = |header: &HeaderName| {
        let header = header.as_str();
        header.starts_with("x-forwarded") || ["forwarded", "x-real-ip", "via"].contains(&header)
    };
    request.version() < Version::HTTP_11 || request.headers().keys().any(is_of_proxy)
}

/// What a request of the wall is for.
pub(crate) fn asks<B>(request: &Request<B>) -> Asks {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if relay::asks_for(request).is_some() {
        Asks::Socket
    } else if changes || request.headers().contains_key(UPGRADE) {
        Asks::Act
    } else {
        Asks::Look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_through_a_proxy_is_not_near() {
        let names = access::Names::of("workshop", &["wall.example.org".to_owned()]);
        let guard = Guard::new(access::Networks::default(), names, &[], KEYS);
        let known = std::sync::Arc::new(access::Authentication::new(None).unwrap());
        let rules = access::Rules { open: true, ..Default::default() };
        let logins = Logins::new(known, rules, |_| {});
        let speaks = |version, peer: [u8; 4], host: &str, header: Option<&str>| {
            let mut request = Request::get("/").version(version).header("host", host);
            if let Some(header) = header {
                request = request.header(header, "203.0.113.7");
            }
            let request = request.body(()).unwrap();
            caller(&guard, &logins, Asks::Look, peer.into(), false, &request).unwrap().is_near
        };
        let near =
            |peer, host: &str, header: Option<&str>| speaks(Version::HTTP_11, peer, host, header);
        let (here, there) = ([127, 0, 0, 1], [192, 168, 0, 7]);
        assert!(near(here, "localhost:8080", None) && near(here, "127.0.0.1", None));
        assert!(near(here, "[::1]:8080", Some("accept")));
        assert!(!near(there, "localhost", None), "a name proves nothing");
        assert!(!near(here, "wall.example.org", None), "by which others come, too");
        assert!(!near(here, "workshop", None));
        for said in ["For", "Host", "Proto", "Prefix", "Port", "Server"] {
            let header = format!("X-Forwarded-{said}");
            assert!(!near(here, "localhost", Some(&header)), "{header}");
        }
        for header in ["Forwarded", "X-Forwarded", "X-Real-IP", "Via"] {
            assert!(!near(here, "localhost", Some(header)), "{header}");
        }
        assert!(!speaks(Version::HTTP_10, here, "localhost", None), "as nginx does");
        assert!(speaks(Version::HTTP_2, here, "localhost", None), "as browsers do");
    }

    #[test]
    fn who_changes_or_upgrades_acts() {
        let asked = |method: &str, path: &str, upgrade: Option<&str>| {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(upgrade) = upgrade {
                request = request.header("Upgrade", upgrade);
            }
            asks(&request.body(()).unwrap())
        };
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(asked(method, "/", None), Asks::Look, "{method}");
        }
        for method in ["POST", "DELETE", "PUT", "PATCH", "BREW"] {
            assert_eq!(asked(method, "/", None), Asks::Act, "{method}");
            assert_eq!(asked(method, "/", Some("websocket")), Asks::Act, "{method}");
        }
        for path in ["/", "/relay/aula"] {
            assert_eq!(asked("GET", path, Some("WebSocket")), Asks::Socket, "{path}");
            assert_eq!(asked("GET", path, Some("h2c")), Asks::Act, "{path}");
        }
        assert_eq!(asked("GET", "/ws", Some("websocket")), Asks::Act);
    }
}
