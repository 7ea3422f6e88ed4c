//! Where a request may be from: by address, by the name that was called, and by the page that calls.
//!
//! A page of another site can make a browser connect here; by DNS rebinding even to loopback. Its
//! requests carry that site's name as Host or Origin, and are refused. `docs/decisions/door.md` says
//! why it is just so.

use std::net::IpAddr;

use http::uri::{Authority, Uri};

use crate::names::Names;
use crate::networks::Networks;
use crate::refusals::Brief;

/// What a part lets in.
#[derive(Debug)]
pub struct Guard {
    networks: Networks,
    names: Names,
    origins: Vec<String>,
    keys: Keys,
}

/// How a part's configuration calls what may be changed, for who is refused.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    /// The part, such as `gallery`.
    pub part: &'static str,
    /// That of the networks.
    pub networks: &'static str,
    /// That of further names, if it has one.
    pub hosts: Option<&'static str>,
    /// That of further pages.
    pub origins: &'static str,
}

/// What a request is for, and therefore which pages may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Something to look at. Any page may, since a browser gives the answer to none but our own;
    /// it need not say which page asks, so all goes by the name that is called.
    Look,
    /// A change, or what our own page alone may have: a page of this very origin.
    Act,
    /// A WebSocket for programs and their pages: those of this host on whatever port, and those
    /// that are listed. A browser always says which page asks (RFC 6455, section 4.1).
    Socket,
}

/// What of a request says where it is from.
#[derive(Debug, Clone, Default)]
pub struct Calls<'a> {
    hosts: Vec<&'a [u8]>,
    origins: Vec<&'a [u8]>,
    is_cross_site: bool,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Whether it must have a Host (RFC 9112, section 3.2): since HTTP/1.1.
    pub needs_host: bool,
    /// The host of its target, if that has one, for a request without Host.
    pub target: Option<Authority>,
}

/// Why somebody is refused, and what may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it is known where the request is from, and that is not good; else it cannot be known.
    pub is_foreign: bool,
    /// In a word or a few, the same for all of a kind.
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
    /// Of the headers of a request, names and values.
    pub fn new(headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Calls<'a> {
        let mut calls = Calls::default();
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("host") {
                calls.hosts.push(value);
            } else if name.eq_ignore_ascii_case("origin") {
                calls.origins.push(value);
            } else if name.eq_ignore_ascii_case("sec-fetch-site") {
                calls.is_cross_site |= value == b"cross-site";
            }
        }
        calls
    }

    /// The name that was called. Of two, a proxy before us may have believed the other. Before
    /// HTTP/1.1 there may be none, and whoever leaves it out is no browser.
    fn host(&self) -> Result<Option<Authority>, Refused> {
        match self.hosts[..] {
            [host] => authority(host).ok_or_else(|| Refused::unreadable("Host", host)).map(Some),
            [] if self.needs_host => Err(Refused::unclear("there is no Host header".to_owned())),
            [] => Ok(self.target.clone()),
            _ => Err(Refused::unclear("there are two Host headers".to_owned())),
        }
    }

    /// The page that calls. What is no browser has none.
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

    /// Whether a peer may connect.
    ///
    /// # Errors
    /// Its address is of none of the networks.
    pub fn peer(&self, peer: IpAddr) -> Result<(), Refused> {
        if self.networks.have(peer) {
            return Ok(());
        }
        let (peer, key) = (peer.to_canonical(), self.keys.networks);
        let error = format!("{peer} is an address of none of {key}");
        let hint = format!(
            "come from the local network, or through a VPN or a proxy in it; or add \"{peer}\", or \
             its network, to {key}"
        );
        Err(Refused::foreign("networks", error, hint))
    }

    /// Whether a request may come from the page that makes it.
    ///
    /// # Errors
    /// Another site's page makes it, or it cannot be known.
    pub fn page(&self, asks: Asks, calls: &Calls<'_>) -> Result<(), Refused> {
        let (host, origin) = (calls.host()?, calls.origin()?);
        if asks == Asks::Socket {
            return match origin {
                Some(origin) if !self.lists(origin) => self.check_socket(origin, host.as_ref()),
                // Without one it is no browser; and a listed page is good whatever it calls.
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
            (Some(key), _) => format!("add \"{bare}\" to {key} if it is"),
            (None, Some(origin)) => {
                format!("add \"{}\" to {origins} if that page may come in", Brief(origin))
            }
            (None, None) => "call it by its name or address".to_owned(),
        };
        Err(Refused::foreign("hosts", error, hint))
    }

    fn check_socket(&self, origin: &str, host: Option<&Authority>) -> Result<(), Refused> {
        let Some(host) = host.filter(|host| is_of(origin, host)) else {
            let (origin, key) = (Brief(origin), self.keys.origins);
            let error = format!("a page of {origin} may not come in here");
            let hint = format!("pages of this host may; add \"{origin}\" to {key} if it may");
            return Err(Refused::foreign("origins", error, hint));
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
        // Newer browsers say this also where they leave the Origin out (Fetch Metadata).
        if calls.is_cross_site {
            let error = "a page of another site asks for this".to_owned();
            let hint = format!("only the {part}'s own page may do this");
            return Err(Refused::foreign("another site", error, hint));
        }
        let Some(origin) = origin else { return Ok(()) };
        let is_own = host.zip(page(origin)).is_some_and(|(ours, (default, theirs))| {
            let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
            let same_host = ours.host().eq_ignore_ascii_case(theirs.host());
            // Without TLS here, a proxy may have spoken it.
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

/// Whether a page is of the host that its request calls, on whatever port.
pub fn is_of_host(origin: &str, host: &[u8]) -> bool {
    authority(host).is_some_and(|host| is_of(origin, &host))
}

/// The names of loopback are one host: a page that may call one of them may call all.
fn is_of(origin: &str, ours: &Authority) -> bool {
    page(origin).is_some_and(|(_, theirs)| {
        let same = ours.host().eq_ignore_ascii_case(theirs.host());
        same || is_loopback(ours.host()) && is_loopback(theirs.host())
    })
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
    // A user has no place in a Host header, and hides the name from a careless reader.
    (!authority.as_str().contains('@')).then_some(authority)
}

#[cfg(test)]
mod tests;
