//! Who may come in: by address, by the name that was called, and by the page that calls.
//!
//! A page of another site can make a browser connect here; by DNS rebinding even to loopback.
//! Its requests carry that site's name as Host or Origin, and are refused.

use std::net::IpAddr;

use access::{Brief, Names, Networks};
use warp::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN, UPGRADE};
use warp::http::uri::{Authority, Uri};
use warp::http::{Method, Request, StatusCode, Version};

use crate::problem::Problem;
use crate::relay;

/// Why somebody is refused, and what may help.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub status: StatusCode,
    /// In a word or a few, the same for all of a kind.
    pub why: &'static str,
    pub error: String,
    pub hint: String,
}

impl From<Refused> for Problem {
    fn from(Refused { status, error, hint, .. }: Refused) -> Self {
        Problem::new(status, error, hint)
    }
}

impl Refused {
    /// It is known who asks, and they may not.
    fn forbidden(why: &'static str, error: String, hint: impl Into<String>) -> Refused {
        Refused { status: StatusCode::FORBIDDEN, why, error, hint: hint.into() }
    }

    /// It cannot be known.
    fn unclear(error: String) -> Refused {
        let hint = "call the gallery by its name or address".to_owned();
        Refused { status: StatusCode::BAD_REQUEST, why: "unclear", error, hint }
    }
}

/// What is needed to decide.
#[derive(Debug)]
pub(crate) struct Door {
    networks: Networks,
    names: Names,
    relay_origins: Vec<String>,
}

impl Door {
    /// `names` are those by which browsers may call, and `relay_origins` are pages of others that
    /// may use the relay.
    pub fn new(networks: Networks, names: Names, relay_origins: &[String]) -> Self {
        Door { networks, names, relay_origins: relay_origins.to_vec() }
    }

    /// Lets the request in or says why not. `is_secure`: it came over TLS.
    pub fn check<B>(
        &self,
        peer: IpAddr,
        is_secure: bool,
        request: &Request<B>,
    ) -> Result<(), Refused> {
        if !self.networks.have(peer) {
            let peer = peer.to_canonical();
            let error = format!("{peer} is an address of none of gallery.networks");
            let hint = format!(
                "come from the local network, or through a VPN or a proxy in it; or add \"{peer}\", \
                 or its network, to gallery.networks"
            );
            return Err(Refused::forbidden("networks", error, hint));
        }
        let headers = request.headers();
        let host = host(request)?;
        if let Some(host) = &host
            && !self.names.are_ours(host.host())
        {
            let (host, bare) = (Brief(host.as_str()), Brief(host.host()));
            let error = format!("the Host header says {host}, which is not a name of this gallery");
            let hint = format!("add \"{bare}\" to gallery.hosts if it is");
            return Err(Refused::forbidden("hosts", error, hint));
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if relay::asks_for(request).is_some() {
            self.check_relay_origin(headers, host.as_ref())
        } else if changes || headers.contains_key(UPGRADE) {
            check_origin(headers, is_secure, host.as_ref())
        } else {
            Ok(())
        }
    }

    /// The relay is also for pages of this host that another program serves.
    fn check_relay_origin(
        &self,
        headers: &HeaderMap,
        host: Option<&Authority>,
    ) -> Result<(), Refused> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let text = origin.to_str().map_err(|_| unreadable("Origin", origin))?;
        let is_listed = self.relay_origins.iter().any(|good| good.eq_ignore_ascii_case(text));
        match is_listed || host.is_some_and(|host| is_of(text, host)) {
            true => Ok(()),
            false => Err(foreign_to_relay(text)),
        }
    }
}

/// Whether a page is of the host that its request calls, on whatever port.
pub(crate) fn is_of_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(authority);
    host.is_some_and(|host| is_of(origin, &host))
}

fn is_of(origin: &str, ours: &Authority) -> bool {
    page(origin).is_some_and(|(_, theirs)| {
        let same = ours.host().eq_ignore_ascii_case(theirs.host());
        same || is_loopback(ours.host()) && is_loopback(theirs.host())
    })
}

fn check_origin(
    headers: &HeaderMap,
    is_secure: bool,
    host: Option<&Authority>,
) -> Result<(), Refused> {
    // Newer browsers say this also where they leave the Origin out (Fetch Metadata).
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        let error = "a page of another site asks for this".to_owned();
        let hint = "only the gallery's own page may do this";
        return Err(Refused::forbidden("another site", error, hint));
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let text = origin.to_str().map_err(|_| unreadable("Origin", origin))?;
    let foreign = || {
        let origin = Brief(text);
        let error = match host.map(|host| Brief(host.as_str())) {
            Some(host) => format!("the Origin header says {origin}, but the Host header {host}"),
            None => format!("the Origin header says {origin}, and there is no Host header"),
        };
        let hint = "only the gallery's own page may do this; a proxy in between must pass Host on as \
                    it came (nginx: proxy_set_header Host $http_host;)";
        Refused::forbidden("another origin", error, hint)
    };
    let (Some(ours), Some((default, theirs))) = (host, page(text)) else { return Err(foreign()) };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
    let same_host = ours.host().eq_ignore_ascii_case(theirs.host());
    // Without TLS here, a proxy may have spoken it.
    let same_scheme = !is_secure || default == HTTPS;
    if same_host && same_scheme && port(ours) == port(&theirs) { Ok(()) } else { Err(foreign()) }
}

/// The port that `https` has by default.
const HTTPS: u16 = 443;

/// Where a page is from: the port that its scheme has by default, and its host.
fn page(origin: &str) -> Option<(u16, Authority)> {
    let uri: Uri = origin.parse().ok()?;
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => HTTPS,
        _ => return None,
    };
    Some((default, uri.authority()?.clone()))
}

fn foreign_to_relay(origin: &str) -> Refused {
    let origin = Brief(origin);
    let error = format!("a page of {origin} may not use the relay");
    let hint =
        format!("pages of this host may; add \"{origin}\" to gallery.relay_origins if it may");
    Refused::forbidden("relay_origins", error, hint)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

/// The name that was called. HTTP/1.1 demands one, and exactly one (RFC 9112, section 3.2): of
/// two, a proxy before us may have believed the other. Before 1.1 there may be none, and whoever
/// leaves it out is no browser.
fn host<B>(request: &Request<B>) -> Result<Option<Authority>, Refused> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => authority(host).ok_or_else(|| unreadable("Host", host)).map(Some),
        (Some(_), Some(_)) => Err(Refused::unclear("there are two Host headers".to_owned())),
        (None, _) if request.version() < Version::HTTP_11 => Ok(request.uri().authority().cloned()),
        (None, _) => Err(Refused::unclear("there is no Host header".to_owned())),
    }
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    // A user has no place in a Host header, and hides the name from a careless reader.
    (!authority.as_str().contains('@')).then_some(authority)
}

fn unreadable(header: &str, value: &HeaderValue) -> Refused {
    let value = format!("{value:?}");
    Refused::unclear(format!("the {header} header {} cannot be read", Brief(&value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, method: &str, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let door = Door::new(
            Networks::default(),
            Names::of("Workshop.lan", &["Wall.example.org".to_owned()]),
            &["https://class.example.org".to_owned()],
        );
        let mut request = Request::builder().method(method).uri("/");
        // Without a Host it is of another time.
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.version(Version::HTTP_10);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door.check(peer.parse().unwrap(), false, &request.body(()).unwrap())
    }

    #[test]
    fn peers_of_the_networks_come_in() {
        for near in ["127.0.0.1", "192.168.0.9", "100.101.102.103", "::ffff:192.168.0.9"] {
            assert_eq!(check(near, "GET", &[]), Ok(()), "{near}");
        }
        for far in ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            let refused = check(far, "GET", &[]).unwrap_err();
            assert!(refused.error.contains("gallery.networks"), "{far}");
            assert!(refused.hint.contains(&format!("\"{}\"", far.replace("::ffff:", ""))), "{far}");
        }
    }

    #[test]
    fn what_a_stranger_sends_is_told_by_its_beginning() {
        let long = format!("{}.example", "a".repeat(5000));
        let origin = format!("http://{long}");
        for headers in [
            [("Host", long.as_str()), ("Upgrade", "websocket")],
            [("Host", "localhost"), ("Origin", &origin)],
        ] {
            let refused = check("::1", "POST", &headers).unwrap_err();
            assert!(refused.error.len() + refused.hint.len() < 400, "{refused:?}");
        }
    }

    #[test]
    fn names_of_others_are_refused() {
        for good in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:80",
            "[::1]:8080",
            "192.168.0.2",
            "workshop",
            "WORKSHOP.local:8080",
            "workshop.lan.",
            "wall.example.org",
            "workshop.home.arpa",
            "vitrina",
            "a.localhost",
        ] {
            assert_eq!(check("::1", "GET", &[("Host", good)]), Ok(()), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "localhost@evil.example",
            "127.0.0.1:80:80",
            "workshop.evil",
        ] {
            let refused = check("::1", "GET", &[("Host", bad)]).unwrap_err();
            assert!(refused.error.contains("Host"), "{bad}: {refused:?}");
        }
    }

    #[test]
    fn another_site_may_not_connect() {
        let ws = |origin| {
            let headers = [("Host", "localhost:8080"), ("Upgrade", "h2c"), ("Origin", origin)];
            check("::1", "GET", &headers)
        };
        assert_eq!(ws("http://localhost:8080"), Ok(()));
        for bad in [
            "http://localhost",
            "http://localhost:8081",
            "http://evil.example",
            "null",
            "file://",
            "https://localhost",
            "http://127.0.0.1:8080",
            "",
        ] {
            assert!(ws(bad).is_err(), "{bad}");
        }
        let refused = ws("http://evil.example").unwrap_err();
        assert!(
            refused.error.contains("http://evil.example")
                && refused.error.contains("localhost:8080")
        );
    }

    #[test]
    fn a_change_needs_the_same_origin_and_a_look_does_not() {
        let headers = [("Host", "localhost"), ("Origin", "http://evil.example")];
        assert_eq!(check("::1", "GET", &headers), Ok(()));
        assert_eq!(check("::1", "OPTIONS", &headers), Ok(()), "which is a question");
        for method in ["POST", "DELETE", "PUT", "PATCH"] {
            assert!(check("::1", method, &headers).is_err(), "{method}");
            for (site, refused) in [("cross-site", true), ("same-origin", false), ("none", false)] {
                let headers = [("Host", "localhost"), ("Sec-Fetch-Site", site)];
                assert_eq!(check("::1", method, &headers).is_err(), refused, "{method} {site}");
            }
        }
        assert_eq!(check("::1", "POST", &[("Host", "localhost")]), Ok(()), "curl has no Origin");
    }

    #[test]
    fn the_relay_is_also_for_pages_of_other_ports_of_the_host() {
        let enter = |host, origin| {
            let headers = [("Host", host), ("Upgrade", "websocket"), ("Origin", origin)];
            check("::1", "GET", &headers)
        };
        for (host, origin) in [
            ("workshop:8080", "http://workshop:5500"),
            ("192.168.0.2:8080", "https://192.168.0.2"),
            ("127.0.0.1:8080", "http://localhost:3000"),
            ("[::1]:8080", "http://127.0.0.1:3000"),
            ("workshop:8080", "https://class.example.org"),
        ] {
            assert_eq!(enter(host, origin), Ok(()), "{origin}");
        }
        for (host, origin) in [
            ("workshop:8080", "http://evil.example"),
            ("workshop:8080", "http://class.example.org"),
            ("192.168.0.2:8080", "http://192.168.0.3:8080"),
            ("localhost:8080", "http://localhost.evil.example"),
            ("localhost:8080", "null"),
            ("localhost:8080", ""),
        ] {
            let refused = enter(host, origin).unwrap_err();
            assert!(refused.hint.contains("gallery.relay_origins"), "{origin}: {refused:?}");
        }
    }

    #[test]
    fn over_tls_a_page_without_it_is_another() {
        let door = Door::new(Networks::default(), Names::of("workshop", &[]), &[]);
        let post = |host: &str, origin: &str| {
            let request = Request::post("/").header("Host", host).header("Origin", origin);
            door.check("::1".parse().unwrap(), true, &request.body(()).unwrap())
        };
        assert_eq!(post("workshop", "https://workshop"), Ok(()));
        assert_eq!(post("workshop:8443", "https://workshop:8443"), Ok(()));
        assert!(post("workshop", "http://workshop").is_err());
        assert!(post("workshop:8443", "http://workshop:8443").is_err());
        assert!(post("workshop:8443", "https://workshop").is_err());
    }

    #[test]
    fn a_proxy_with_https_matches_by_the_default_port() {
        let headers = [("Host", "wall.example.org"), ("Origin", "https://wall.example.org")];
        assert_eq!(check("::1", "POST", &headers), Ok(()));
    }
}
