//! One table for all guarded requests: the gallery's requests and sockets, and MQTT over WebSocket.

use proptest::prelude::*;

use super::*;

const GALLERY: Keys = Keys {
    part: "gallery",
    networks: "gallery.networks",
    hosts: Some("gallery.hosts"),
    origins: "gallery.relay_origins",
};

const BROKER: Keys =
    Keys { part: "broker", networks: "broker.networks", hosts: None, origins: "broker.origins" };

fn guard(keys: Keys) -> Guard {
    Guard::new(
        Networks::default(),
        Names::of("Workshop.lan", &["Wall.example.org".to_owned()]),
        &["https://class.example.org".to_owned()],
        keys,
    )
}

fn page(asks: Asks, headers: &[(&str, &str)]) -> Result<(), Refused> {
    page_of(&guard(GALLERY), asks, false, headers)
}

fn page_of(
    guard: &Guard,
    asks: Asks,
    is_secure: bool,
    headers: &[(&str, &str)],
) -> Result<(), Refused> {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    guard.page(asks, &Calls { is_secure, ..Calls::new(headers) })
}

#[test]
fn peers_of_the_networks_come_in() {
    for near in ["127.0.0.1", "192.168.0.9", "100.101.102.103", "::ffff:192.168.0.9"] {
        assert_eq!(guard(GALLERY).peer(near.parse().unwrap()), Ok(()), "{near}");
    }
    for far in ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
        for keys in [GALLERY, BROKER] {
            let refused = guard(keys).peer(far.parse().unwrap()).unwrap_err();
            assert!(refused.error.contains(keys.networks), "{far}");
            assert!(refused.hint.contains(&format!("\"{}\"", far.replace("::ffff:", ""))), "{far}");
        }
    }
}

#[test]
fn what_a_stranger_sends_is_told_by_its_beginning() {
    let long = format!("{}.example", "a".repeat(5000));
    let origin = format!("http://{long}");
    let strange = "\u{e9}".repeat(5000);
    for asks in [Asks::Act, Asks::Socket] {
        for headers in [
            [("Host", long.as_str()), ("Origin", origin.as_str())],
            [("Host", "localhost"), ("Origin", &origin)],
            [("Host", "localhost"), ("Origin", &strange)],
            [("Host", &strange), ("Origin", &origin)],
        ] {
            for keys in [GALLERY, BROKER] {
                let refused = page_of(&guard(keys), asks, false, &headers).unwrap_err();
                assert!(refused.error.len() + refused.hint.len() < 400, "{refused:?}");
            }
        }
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
        assert_eq!(page(Asks::Look, &[("Host", good)]), Ok(()), "{good}");
        assert_eq!(page(Asks::Act, &[("hOST", good)]), Ok(()), "{good}: curl has no Origin");
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
        for asks in [Asks::Look, Asks::Act] {
            let refused = page(asks, &[("Host", bad)]).unwrap_err();
            assert!(refused.error.contains("Host"), "{bad}: {refused:?}");
        }
    }
}

#[test]
fn one_name_is_called_and_one_page_calls() {
    let two = [("Host", "localhost"), ("host", "localhost")];
    let pages = [("Host", "a"), ("Origin", "http://a"), ("Origin", "http://a")];
    for asks in [Asks::Look, Asks::Act, Asks::Socket] {
        for headers in [&two[..], &pages, &[("Host", "a@b")], &[("Origin", "http://\u{e9}")]] {
            let refused = page(asks, headers).unwrap_err();
            assert!(!refused.is_foreign, "{asks:?} {headers:?}: {refused:?}");
        }
        let calls = |needs_host| Calls { needs_host, ..Calls::default() };
        assert!(guard(GALLERY).page(asks, &calls(true)).is_err(), "HTTP/1.1 names its host");
        assert_eq!(guard(GALLERY).page(asks, &calls(false)), Ok(()), "what came before need not");
        let target = Some(Authority::from_static("evil.example"));
        let refused = guard(GALLERY).page(asks, &Calls { target, ..Calls::default() });
        assert_eq!(refused.is_err(), asks != Asks::Socket, "but its target can name one");
    }
}

#[test]
fn another_site_may_not_act() {
    let act = |origin| page(Asks::Act, &[("Host", "localhost:8080"), ("Origin", origin)]);
    assert_eq!(act("http://localhost:8080"), Ok(()));
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
        assert!(act(bad).is_err(), "{bad}");
    }
    let refused = act("http://evil.example").unwrap_err();
    assert!(
        refused.error.contains("http://evil.example") && refused.error.contains("localhost:8080")
    );
    let listed = [("Host", "localhost"), ("Origin", "https://class.example.org")];
    assert!(page(Asks::Act, &listed).is_err(), "a list for sockets lets nobody act");
    for (site, is_refused) in [("cross-site", true), ("same-origin", false), ("none", false)] {
        let headers = [("Host", "localhost"), ("Sec-Fetch-Site", site)];
        assert_eq!(page(Asks::Act, &headers).is_err(), is_refused, "{site}");
    }
}

#[test]
fn a_look_is_judged_by_its_host_alone() {
    let headers = [("Host", "localhost"), ("Origin", "http://evil.example")];
    assert_eq!(page(Asks::Look, &headers), Ok(()));
    let headers = [("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(page(Asks::Look, &headers), Ok(()));
}

#[test]
fn sockets_are_for_pages_of_the_host_and_listed_ones() {
    for (host, origin) in [
        ("workshop:8080", "http://workshop:5500"),
        ("workshop.local:9001", "http://workshop.local:8080"),
        ("workshop:9001", "http://WORKSHOP"),
        ("workshop.lan", "http://workshop.lan"),
        ("192.168.0.7:9001", "http://192.168.0.7:8080"),
        ("192.168.0.2:8080", "https://192.168.0.2"),
        ("[::1]:9001", "http://[::1]:8080"),
        ("localhost:9001", "http://localhost"),
        // All of loopback is one host.
        ("127.0.0.1:8080", "http://localhost:3000"),
        ("localhost:9001", "http://127.0.0.1"),
        ("[::1]:8080", "http://127.0.0.1:3000"),
        // A listed page may call any host name.
        ("workshop:8080", "https://class.example.org"),
        ("mqtt.example.org", "https://CLASS.example.org"),
    ] {
        for keys in [GALLERY, BROKER] {
            let headers = [("Host", host), ("Origin", origin)];
            let entered = page_of(&guard(keys), Asks::Socket, false, &headers);
            assert_eq!(entered, Ok(()), "{origin} {host}");
        }
    }
    for (host, origin) in [
        ("workshop:8080", "http://evil.example"),
        ("workshop:8080", "http://class.example.org"),
        ("192.168.0.2:8080", "http://192.168.0.3:8080"),
        ("localhost:8080", "http://localhost.evil.example"),
        ("localhost:8080", "null"),
        ("localhost:8080", ""),
        ("127.0.0.1:9001", "http://evil.example"),
        ("127.0.0.1:9001", "null"),
        ("127.0.0.1:9001", "file://"),
        ("127.0.0.1", "http://127.0.0.1@evil.example"),
    ] {
        for keys in [GALLERY, BROKER] {
            let headers = [("Host", host), ("Origin", origin)];
            let refused = page_of(&guard(keys), Asks::Socket, false, &headers).unwrap_err();
            assert!(refused.hint.contains(keys.origins), "{origin}: {refused:?}");
        }
    }
    assert!(page(Asks::Socket, &[("Origin", "http://workshop")]).is_err(), "it calls nothing");
}

#[test]
fn by_dns_rebinding_no_page_gets_a_socket() {
    for host in ["evil.example:9001", "class.example.org", "workshop.evil.example"] {
        let origin = format!("http://{host}");
        for (keys, key) in [(GALLERY, "gallery.hosts"), (BROKER, "broker.origins")] {
            let headers = [("Host", host), ("Origin", &origin)];
            let refused = page_of(&guard(keys), Asks::Socket, false, &headers).unwrap_err();
            assert!(refused.is_foreign && refused.hint.contains(key), "{host}: {refused:?}");
        }
    }
}

#[test]
fn what_is_no_browser_gets_a_socket_by_whatever_name() {
    for host in ["localhost:9001", "mqtt.example.org"] {
        assert_eq!(page(Asks::Socket, &[("Host", host)]), Ok(()), "{host}");
    }
    assert_eq!(page(Asks::Socket, &[]), Ok(()));
}

#[test]
fn over_tls_a_page_without_it_is_another() {
    let post = |host: &str, origin: &str| {
        page_of(&guard(GALLERY), Asks::Act, true, &[("Host", host), ("Origin", origin)])
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
    assert_eq!(page(Asks::Act, &headers), Ok(()));
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(host: Vec<u8>, origin: Vec<u8>) {
        let calls = || Calls::new([("host", &host[..]), ("origin", &origin[..])].into_iter());
        for asks in [Asks::Look, Asks::Act, Asks::Socket] {
            let _ = guard(GALLERY).page(asks, &calls());
        }
    }

    #[test]
    fn no_page_of_a_stranger_acts_or_gets_a_socket(
        host in "(localhost|workshop|192\\.168\\.0\\.2|evil\\.example)(:[0-9]{1,5})?",
        scheme in "https?",
        name in "([a-z0-9-]{1,9}\\.){0,2}evil\\.example",
        port in "(:[0-9]{1,5})?",
    ) {
        let origin = format!("{scheme}://{name}{port}");
        for asks in [Asks::Act, Asks::Socket] {
            prop_assert!(page(asks, &[("Host", &host), ("Origin", &origin)]).is_err());
        }
    }
}
