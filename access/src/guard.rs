//! Decides where a request may come from: by address, by the host it names, and by the page that
//! makes it.
//!
//! A page of another site can make a browser connect here, and with DNS rebinding even to loopback.
//! Its requests carry that site's name as Host or Origin, and are refused. Reasons:
//! `docs/decisions/access.md`.

pub(crate) mod names;
pub(crate) mod networks;

use std::net::IpAddr;

use http::uri::{Authority, Uri};

use crate::refusals::Brief;
use names::Names;
use networks::Networks;

/// The rules by which a part lets requests in.
#[derive(Debug)]
pub struct Guard {
    networks: Networks,
    names: Names,
    origins: Vec<String>,
    keys: Keys,
}

/// The names of a part's configuration keys, for hints to those who are refused.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// The part, such as `gallery`.
    pub part: &'static str,
    /// The key of the networks.
    pub networks: &'static str,
    /// The key of further host names, if the part has one.
    pub hosts: Option<&'static str>,
    /// The key of further pages.
    pub origins: &'static str,
}

/// What a request is for, which decides which pages may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Something to look at. Any page may ask, because a browser shows the answer only to our own
    /// pages. The request need not say which page asks, so only the host it names counts.
    Look,
    /// A change, or something for our own page alone: the page must have this very origin.
    Act,
    /// A WebSocket for programs and their pages: pages of this host on any port, and listed pages.
    /// A browser always names the page (RFC 6455, section 4.1).
    Socket,
}

/// The parts of a request that say where it comes from.
#[derive(Debug, Clone, Default)]
pub struct Calls<'a> {
    hosts: Vec<&'a [u8]>,
    origins: Vec<&'a [u8]>,
    is_cross_site: bool,
    is_same_origin: bool,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Whether a Host header is required, as it is since HTTP/1.1 (RFC 9112, section 3.2).
    pub needs_host: bool,
    /// The host in its target, if there is one, for a request without Host.
    pub target: Option<Authority>,
}

/// Why a page of another site is refused that is not listed.
pub const ORIGINS: &str = "origins";

/// Why a request is refused, and what may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it comes from a forbidden place; else the place cannot be known.
    pub is_foreign: bool,
    /// A few words, the same for all refusals of this kind.
    pub why: &'static str,
    /// What is wrong.
    pub error: String,
    /// What may help.
    pub hint: String,
}

impl Refused {
    fn foreign(why: &'static str, error: String, hint: impl Into<String>) -> Refused {
        Refused { is_foreign: true, why, error, hint: hint.into() }
    }

    fn unclear(error: String) -> Refused {
        let hint = "call it by its name or address".to_owned();
        Refused { is_foreign: false, why: "unclear", error, hint }
    }

    fn unreadable(header: &str, value: &[u8]) -> Refused {
        let value = format!("\"{}\"", value.escape_ascii());
        Refused::unclear(format!("the {header} header {} cannot be read", Brief(&value)))
    }
}

impl<'a> Calls<'a> {
    /// Reads the headers of a request, as names and values.
    pub fn new(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Calls<'a> {
        let mut calls = Calls::default();
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("host") {
                calls.hosts.push(value);
            } else if name.eq_ignore_ascii_case("origin") {
                calls.origins.push(value);
            } else if name.eq_ignore_ascii_case("sec-fetch-site") {
                calls.is_cross_site |= value == b"cross-site";
                calls.is_same_origin |= value == b"same-origin";
            }
        }
        calls
    }

    /// The host that the request names. Two are refused: a proxy may have believed the other.
    /// Before HTTP/1.1 there may be none; a client without one is no browser.
    fn host(&self) -> Result<Option<Authority>, Refused> {
        match self.hosts[..] {
            [host] => authority(host).ok_or_else(|| Refused::unreadable("Host", host)).map(Some),
            [] if self.needs_host => Err(Refused::unclear("there is no Host header".to_owned())),
            [] => Ok(self.target.clone()),
            _ => Err(Refused::unclear("there are two Host headers".to_owned())),
        }
    }

    /// Whether the request calls this machine by a name that means itself on each machine.
    pub fn names_loopback(&self) -> bool {
        self.host().is_ok_and(|host| host.is_some_and(|host| is_loopback(host.host())))
    }

    /// The page that makes the request. A client that is no browser has none.
    fn origin(&self) -> Result<Option<&'a str>, Refused> {
        match self.origins[..] {
            [] => Ok(None),
            [origin] => match str::from_utf8(origin) {
                Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(text)),
                _ => Err(Refused::unreadable("Origin", origin)),
            },
            _ => Err(Refused::unclear("there are two Origin headers".to_owned())),
        }
    }
}

impl Guard {
    /// `names` are those by which browsers may call, and `origins` further pages that may have a
    /// [`Asks::Socket`].
    pub fn new(networks: Networks, names: Names, origins: &[String], keys: Keys) -> Guard {
        Guard { networks, names, origins: origins.to_vec(), keys }
    }

    /// The networks that are let in.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The names that are ours.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether a peer may connect.
    ///
    /// # Errors
    /// Its address is in none of the networks.
    pub fn peer(&self, peer: IpAddr) -> Result<(), Refused> {
        if self.networks.have(peer) {
            return Ok(());
        }
        let (peer, key) = (peer.to_canonical(), self.keys.networks);
        let error = format!("{peer} is in no network of {key}");
        let hint = format!(
            "connect from the local network, or through a VPN or a proxy in it; or add \
             \"{peer}\", or its network, to {key}"
        );
        Err(Refused::foreign("networks", error, hint))
    }

    /// Whether a request may come from the page that makes it.
    ///
    /// # Errors
    /// Another site's page makes it, or the page cannot be known.
    pub fn page(&self, asks: Asks, calls: &Calls<'_>) -> Result<(), Refused> {
        let (host, origin) = (calls.host()?, calls.origin()?);
        if asks == Asks::Socket {
            return match origin {
                Some(origin) if !self.lists(origin) => self.check_socket(origin, host.as_ref()),
                // A client without Origin is no browser; a listed page may call any host.
                _ => Ok(()),
            };
        }
        if let Some(host) = &host {
            self.check_name(host, None)?;
        }
        match asks {
            Asks::Act => self.check_own(calls, origin, host.as_ref()),
            Asks::Look | Asks::Socket => Ok(()),
        }
    }

    /// Whether a request that was let in may count as that of whoever is logged in in the browser
    /// that makes it. What only looks may: its answer is for our own pages alone. What acts must
    /// come from our own page and say so, for a browser sends its cookies along with whatever a
    /// page asks for; and cookies know no ports, so other pages of this host are not ours.
    pub fn is_own_page(&self, asks: Asks, calls: &Calls<'_>) -> bool {
        match (asks, calls.origin(), calls.host()) {
            (Asks::Look, ..) => true,
            (Asks::Act | Asks::Socket, Ok(Some(origin)), Ok(host)) => {
                self.check_own(calls, Some(origin), host.as_ref()).is_ok()
            }
            (Asks::Act | Asks::Socket, Ok(None), Ok(_)) => calls.is_same_origin,
            _ => false,
        }
    }

    fn lists(&self, origin: &str) -> bool {
        self.origins.iter().any(|good| good.eq_ignore_ascii_case(origin))
    }

    /// Whether a name is ours. `origin` is a page that may be listed instead.
    fn check_name(&self, host: &Authority, origin: Option<&str>) -> Result<(), Refused> {
        if self.names.are_ours(host.host()) {
            return Ok(());
        }
        let Keys { part, hosts, origins, .. } = self.keys;
        let (called, bare) = (Brief(host.as_str()), Brief(host.host()));
        let error = format!("the Host header says {called}, which is not a name of this {part}");
        let hint = match (hosts, origin) {
            (Some(key), _) => format!("add \"{bare}\" to {key} if it is one"),
            (None, Some(origin)) => {
                format!("add \"{}\" to {origins} to let that page in", Brief(origin))
            }
            (None, None) => "call it by its name or address".to_owned(),
        };
        Err(Refused::foreign("hosts", error, hint))
    }

    fn check_socket(&self, origin: &str, host: Option<&Authority>) -> Result<(), Refused> {
        let Some(host) = host.filter(|host| is_of(origin, host)) else {
            let (origin, key) = (Brief(origin), self.keys.origins);
            let error = format!("a page of {origin} may not come in here");
            let hint =
                format!("only pages of this host may; to let it in, add \"{origin}\" to {key}");
            return Err(Refused::foreign(ORIGINS, error, hint));
        };
        self.check_name(host, Some(origin))
    }

    fn check_own(
        &self,
        calls: &Calls<'_>,
        origin: Option<&str>,
        host: Option<&Authority>,
    ) -> Result<(), Refused> {
        let part = self.keys.part;
        // Newer browsers say this even when they leave out the Origin (Fetch Metadata).
        if calls.is_cross_site {
            let error = "a page of another site asks for this".to_owned();
            let hint = format!("only the {part}'s own page may do this");
            return Err(Refused::foreign("another site", error, hint));
        }
        let Some(origin) = origin else { return Ok(()) };
        let is_own = host.zip(page(origin)).is_some_and(|(ours, (default, theirs))| {
            let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
            let same_host = ours.host().eq_ignore_ascii_case(theirs.host());
            // Without TLS here, a proxy may have ended it.
            let same_scheme = !calls.is_secure || default == HTTPS;
            same_host && same_scheme && port(ours) == port(&theirs)
        });
        if is_own {
            return Ok(());
        }
        let origin = Brief(origin);
        let error = match host.map(|host| Brief(host.as_str())) {
            Some(host) => format!("the Origin header says {origin}, but the Host header {host}"),
            None => format!("the Origin header says {origin}, and there is no Host header"),
        };
        let hint = format!(
            "only the {part}'s own page may do this; a proxy in between must pass Host on as it \
             came (nginx: proxy_set_header Host $http_host;)"
        );
        Err(Refused::foreign("another origin", error, hint))
    }
}

/// Whether a page is on the host that its request names, on any port.
pub fn is_of_host(origin: &str, host: &[u8]) -> bool {
    authority(host).is_some_and(|host| is_of(origin, &host))
}

/// All loopback names are one host: a page that may call one of them may call all.
fn is_of(origin: &str, ours: &Authority) -> bool {
    page(origin).is_some_and(|(_, theirs)| {
        let same = ours.host().eq_ignore_ascii_case(theirs.host());
        same || is_loopback(ours.host()) && is_loopback(theirs.host())
    })
}

/// The port that `https` has by default.
const HTTPS: u16 = 443;

/// Where a page comes from: the default port of its scheme, and its host.
fn page(origin: &str) -> Option<(u16, Authority)> {
    let uri: Uri = origin.parse().ok()?;
    let default = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => HTTPS,
        _ => return None,
    };
    Some((default, uri.authority()?.clone()))
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

fn authority(value: &[u8]) -> Option<Authority> {
    let authority = Authority::try_from(value.trim_ascii()).ok()?;
    // A user does not belong in a Host header, and hides the host from a careless reader.
    (!authority.as_str().contains('@')).then_some(authority)
}

#[cfg(test)]
mod tests;
