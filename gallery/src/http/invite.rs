//! By which addresses others come in, for those who want to invite them, and the codes of addresses
//! for phones.
//!
//! A number is offered if it belongs to an interface that leads outside and the guard lets its
//! network in. A name is offered if another device came by it, or the local network answers for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::{Names, Networks};
use reach::{Address, Code};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use warp::http::uri::Authority;
use warp::http::{HeaderMap, Request};
use warp::reply::Response;

use crate::http::site::Query;
use crate::problem::Problem;

/// How long what was found is believed: networks come and go.
const KNOWN_FOR: Duration = Duration::from_secs(10);

/// How long each network may take to answer for this machine's name.
const NAMED_WITHIN: Duration = Duration::from_millis(400);

/// At most this many names are remembered; a machine has a dozen.
const NAMES: usize = 16;

/// The headers by which a proxy says that it asks for somebody else.
const FORWARDED: [&str; 4] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// A listener that others may reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door {
    pub bound: SocketAddr,
    pub is_secure: bool,
    /// Whether browsers warn of its certificate, because no authority signed it.
    pub warns: bool,
}

/// The listeners of a gallery, and what is known about who reaches them.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Plain HTTP first; without it, if it leads to HTTPS.
    doors: Vec<Door>,
    networks: Networks,
    /// The names of this machine by which another device came.
    came: Mutex<BTreeSet<String>>,
    found: Mutex<Option<(Instant, Arc<Found>)>>,
    /// One looks at a time.
    looks: Semaphore,
}

/// What this machine and its networks say.
#[derive(Debug, Default)]
struct Found {
    /// For each door the numbers that reach it.
    numbers: Vec<Vec<Address>>,
    /// The name for which the local network answers.
    name: Option<String>,
}

/// The answer to whoever wants to invite others.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Invitation {
    /// Whether only programs of this machine reach the gallery.
    closed: bool,
    /// Whether the one who asks came from another device, or through a proxy: so others may come by
    /// the address that its browser shows.
    elsewhere: bool,
    addresses: Vec<Way>,
}

/// An address by which others come in.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Way {
    url: String,
    /// The interface through which they come, if the host is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    /// Browsers warn of the certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    warns: bool,
}

impl Doors {
    pub fn new(doors: Vec<Door>, networks: Networks) -> Doors {
        let (came, found) = Default::default();
        Doors { doors, networks, came, found, looks: Semaphore::new(1) }
    }

    /// Remembers by which name a request came in, if it is from another device and the name is of
    /// this machine. The first are the connection's two ends; `names` are those of this machine.
    pub fn note<B>(
        &self,
        (peer, local): (IpAddr, SocketAddr),
        names: &Names,
        request: &Request<B>,
    ) {
        let (peer, here) = (peer.to_canonical(), local.ip().to_canonical());
        if peer.is_loopback() || peer == here {
            return;
        }
        let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
        let Some(host) = host.and_then(|host| Authority::try_from(host).ok()) else { return };
        let name = host.host().trim_end_matches('.').to_ascii_lowercase();
        if name.starts_with('[') || name.parse::<IpAddr>().is_ok() {
            return;
        }
        let is_ours = self.doors.iter().any(|door| {
            let default = if door.is_secure { 443 } else { 80 };
            door.bound.port() == local.port() && host.port_u16().unwrap_or(default) == local.port()
        });
        let mut came = self.came();
        if is_ours
            && came.len() < NAMES
            && !came.contains(&name)
            && names.are_of_this_machine(&name)
        {
            came.insert(name);
        }
    }

    /// By which addresses others come in, as `peer` sees it.
    pub async fn invitation(&self, peer: IpAddr, headers: &HeaderMap) -> Invitation {
        let found = self.look().await;
        let own = |ip: IpAddr| found.numbers.iter().flatten().any(|address| address.ip == ip);
        let is_proxied = FORWARDED.iter().any(|name| headers.contains_key(*name));
        Invitation {
            closed: self.doors.iter().all(Door::is_loopback),
            elsewhere: is_proxied || !peer.is_loopback() && !own(peer),
            addresses: self.ways(&found),
        }
    }

    /// The best address of each kind first: names that are known to work, numbers, a name that
    /// ought to work, and at last one for what takes HTTPS.
    fn ways(&self, found: &Found) -> Vec<Way> {
        let came = self.came().clone();
        let mut ways: Vec<Way> = Vec::new();
        for (door, numbers) in self.doors.iter().zip(&found.numbers) {
            if door.is_loopback() {
                continue;
            }
            let numbers = numbers.iter().filter(|address| self.networks.meet(&address.net));
            let numbers: Vec<Way> = numbers
                .map(|Address { ip, interface, .. }| {
                    let host = SocketAddr::new(*ip, 0).to_string();
                    let host = host.strip_suffix(":0").unwrap_or(&host);
                    door.way(host, Some(interface.clone()))
                })
                .collect();
            let answered = found.name.iter().filter(|name| !came.contains(*name));
            let answered = answered.filter(|_| !numbers.is_empty());
            let named = came.iter().map(|name| door.way(name, None));
            let all = named.chain(numbers.iter().cloned());
            let all = all.chain(answered.map(|name| door.way(name, None)));
            let is_alone = ways.is_empty();
            ways.extend(all.take(if is_alone { usize::MAX } else { 1 }));
        }
        ways
    }

    /// What is known, or found out anew if that is too old.
    async fn look(&self) -> Arc<Found> {
        let _one = self.looks.acquire().await;
        let known = self.found().clone();
        if let Some((at, found)) = known
            && at.elapsed() < KNOWN_FOR
        {
            return found;
        }
        let bound: Vec<SocketAddr> = self.doors.iter().map(|door| door.bound).collect();
        let found = Arc::new(spawn_blocking(move || find(&bound)).await.unwrap_or_default());
        *self.found() = Some((Instant::now(), found.clone()));
        found
    }

    fn came(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> MutexGuard<'_, Option<(Instant, Arc<Found>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    fn is_loopback(&self) -> bool {
        self.bound.ip().to_canonical().is_loopback()
    }

    fn way(&self, host: &str, interface: Option<String>) -> Way {
        let (scheme, default) = if self.is_secure { ("https", 443) } else { ("http", 80) };
        let url = match self.bound.port() {
            port if port == default => format!("{scheme}://{host}/"),
            port => format!("{scheme}://{host}:{port}/"),
        };
        Way { url, interface, warns: self.warns }
    }
}

fn find(bound: &[SocketAddr]) -> Found {
    let numbers: Vec<Vec<Address>> = bound.iter().map(|bound| reach::of(*bound)).collect();
    let most = numbers.iter().max_by_key(|numbers| numbers.len());
    let name = most.and_then(|most| reach::answered(most, NAMED_WITHIN));
    Found { numbers, name }
}

/// The QR code of the text in a query, as a picture.
pub(crate) fn code(query: &Query) -> Result<Response, Problem> {
    let text = query.get("text").map(String::as_str).unwrap_or_default();
    let code = Code::of(text).filter(|_| !text.is_empty()).ok_or_else(|| {
        let error = format!("text has {} bytes, but 1 to {} fit", text.len(), reach::LONGEST);
        Problem::bad_request(error, "ask for the code of an address: /api/code.svg?text=http://…")
    })?;
    let mut response = Response::new(code.svg().into());
    for (name, value) in [
        (CONTENT_TYPE, "image/svg+xml"),
        // The same text always has the same code.
        (CACHE_CONTROL, "private, max-age=86400"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(bound: &str, is_secure: bool) -> Door {
        Door { bound: bound.parse().unwrap(), is_secure, warns: is_secure }
    }

    fn address(net: &str, interface: &str) -> Address {
        let net: ipnet::IpNet = net.parse().unwrap();
        Address { ip: net.addr(), net, interface: interface.to_owned() }
    }

    fn house() -> Vec<Address> {
        vec![
            address("192.168.1.20/24", "eth0"),
            address("203.0.113.7/24", "ppp0"),
            address("fd00::20/64", "wlan0"),
        ]
    }

    fn urls(doors: &Doors, found: &Found) -> Vec<String> {
        doors.ways(found).into_iter().map(|way| way.url).collect()
    }

    #[test]
    fn numbers_are_those_of_networks_that_may_come_in() {
        let doors = Doors::new(vec![door("[::]:8080", false)], Networks::default());
        let mut found = Found { numbers: vec![house()], name: None };
        let numbers = ["http://192.168.1.20:8080/", "http://[fd00::20]:8080/"];
        assert_eq!(urls(&doors, &found), numbers);
        found.name = Some("workshop.local".to_owned());
        let all = [&numbers[..], &["http://workshop.local:8080/"]].concat();
        assert_eq!(urls(&doors, &found), all);
        let far = Doors::new(
            vec![door("[::]:80", false)],
            Networks::parse(&["0.0.0.0/0".into()]).unwrap(),
        );
        assert_eq!(urls(&far, &found)[..2], ["http://192.168.1.20/", "http://203.0.113.7/"]);
    }

    #[test]
    fn https_adds_one_address_or_has_all_where_it_is_alone() {
        let secure = door("0.0.0.0:8443", true);
        let both = Doors::new(vec![door("0.0.0.0:8080", false), secure], Networks::default());
        let found = Found { numbers: vec![house(), house()], name: None };
        assert_eq!(urls(&both, &found).last().unwrap(), "https://192.168.1.20:8443/");
        assert_eq!(urls(&both, &found).len(), 3);
        let alone = Doors::new(vec![door("127.0.0.1:8080", false), secure], Networks::default());
        let found = Found { numbers: vec![vec![], house()], name: None };
        assert_eq!(
            urls(&alone, &found),
            ["https://192.168.1.20:8443/", "https://[fd00::20]:8443/"]
        );
        assert!(alone.ways(&found).iter().all(|way| way.warns));
    }

    #[test]
    fn a_name_comes_first_once_another_device_came_by_it() {
        let doors = Doors::new(vec![door("0.0.0.0:8080", false)], Networks::default());
        let names = Names::of("workshop", &["wall.example.org".to_owned()]);
        let found = Found { numbers: vec![house()], name: Some("workshop.local".to_owned()) };
        let here: SocketAddr = "192.168.1.20:8080".parse().unwrap();
        let call = |peer: &str, host: &str| {
            let request = Request::builder().header("host", host).body(()).unwrap();
            doors.note((peer.parse().unwrap(), here), &names, &request);
        };
        for (peer, host) in [
            ("127.0.0.1", "workshop.local:8080"),
            ("192.168.1.20", "workshop.local:8080"),
            ("::ffff:192.168.1.20", "workshop.local:8080"),
            // A stranger could have the others call whatever it likes.
            ("192.168.1.9", "workshop.local:6666"),
            ("192.168.1.9", "workshop.local"),
            ("192.168.1.9", "6.6.6.6:8080"),
            ("192.168.1.9", "kitchen:8080"),
            ("192.168.1.9", "evil.example:8080"),
            ("192.168.1.9", "localhost:8080"),
            ("192.168.1.9", "@"),
        ] {
            call(peer, host);
            assert_eq!(urls(&doors, &found)[0], "http://192.168.1.20:8080/", "{peer} {host}");
        }
        call("192.168.1.9", "Workshop.Local.:8080");
        let first = ["http://workshop.local:8080/", "http://192.168.1.20:8080/"];
        assert_eq!(urls(&doors, &found)[..2], first);
        assert_eq!(urls(&doors, &found).len(), 3);
    }

    #[tokio::test]
    async fn who_comes_from_another_device_or_through_a_proxy_comes_from_elsewhere() {
        let doors = Doors::new(vec![door("127.0.0.1:8080", false)], Networks::default());
        let ask = async |peer: &str, forwarded: &[&str]| {
            let said = |name: &&str| (name.parse().unwrap(), "https".parse().unwrap());
            let headers: HeaderMap = forwarded.iter().map(said).collect();
            doors.invitation(peer.parse().unwrap(), &headers).await
        };
        let here = ask("127.0.0.1", &[]).await;
        assert_eq!(here, Invitation { closed: true, elsewhere: false, addresses: vec![] });
        assert!(ask("127.0.0.1", &["x-forwarded-proto"]).await.elsewhere);
        assert!(ask("192.168.1.9", &[]).await.elsewhere);
    }

    #[test]
    fn a_code_is_of_a_short_text() {
        let ask = |text: &str| code(&Query::from([("text".to_owned(), text.to_owned())]));
        let picture = ask("http://192.168.1.20:8080/").unwrap();
        assert_eq!(picture.headers()[CONTENT_TYPE], "image/svg+xml");
        for text in ["", &"a".repeat(reach::LONGEST + 1)] {
            assert_eq!(ask(text).unwrap_err().status(), 400);
        }
        assert_eq!(code(&Query::new()).unwrap_err().status(), 400);
    }
}
