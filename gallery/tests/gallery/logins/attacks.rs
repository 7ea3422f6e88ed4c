//! What strangers try.

use access::{Role, Visitors};
use futures_util::future::join_all;
use rumqttc::{AsyncClient, ConnectionError, Event, Incoming, MqttOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::page::MyRole;

use super::{Browser, PASSWORD, code, house, house_with, is, logged_in};
use crate::client::{parse, send};
use crate::house::{House, soon};
use crate::https;

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_has_to_wait_and_nobody_else() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let guesses = (0..30).map(|n| {
        let mut browser = Browser::new(&house);
        async move { code(&browser.log_in("ana", &format!("guess number {n}")).await) }
    });
    let answers = join_all(guesses).await;
    let tried = answers.iter().filter(|answer| **answer == is(401, "login-wrong")).count();
    assert_eq!((tried, answers.len() - tried), (10, 20), "{answers:?}");
    let answer = Browser::new(&house).log_in("ana", PASSWORD).await;
    assert_eq!(code(&answer), is(429, "login-slow"), "not even the right one is tried");
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert_eq!(Browser::new(&house).log_in("leo", PASSWORD).await.status, 200, "of another name");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_guessed_here_cannot_be_guessed_at_the_broker() {
    let house = House::with_shared_users().await;
    super::add(&house, &[("ana", Role::Admin)]).await;
    let connect = |password: &'static str| {
        let mut options = MqttOptions::new("c", "127.0.0.1", house.broker_address.port());
        options.set_credentials("ana", password);
        let (_client, mut events) = AsyncClient::new(options, 1);
        async move {
            match soon(events.poll()).await {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => true,
                Err(ConnectionError::ConnectionRefused(_)) => false,
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(connect(PASSWORD).await);
    let guess = |_| async { Browser::new(&house).log_in("ana", "wrong horse").await.status };
    join_all((0..10).map(guess)).await;
    assert!(!connect(PASSWORD).await, "one budget for both");
    assert_eq!(Browser::new(&house).log_in("ana", PASSWORD).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_http_is_worth_nothing_over_https_and_the_reverse() {
    let house = https::house().await;
    super::add(&house, &[("leo", Role::Viewer)]).await;
    let over_tls = |method: &'static str, path: &'static str, cookie: String, body: String| {
        let house = &house;
        async move {
            let port = house.https_address.unwrap().port();
            let length = body.len();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://localhost:{port}\r\n\
                 Cookie: {cookie}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let mut stream = https::connect(house).await;
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = soon(stream.read_to_end(&mut answer)).await;
            parse(&answer)
        }
    };
    let login = json!({"name": "leo", "password": PASSWORD}).to_string();
    let answer = over_tls("POST", "/api/login", String::new(), login).await;
    let cookie = answer.cookie.unwrap();
    assert!(cookie.starts_with("__Host-vitrina=") && cookie.ends_with("; Secure"), "{cookie}");
    let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let me = over_tls("GET", "/api/me", format!("__Host-vitrina={token}"), String::new()).await;
    assert_eq!(
        (me.json()["name"].clone(), me.json()["secure"].clone()),
        (json!("leo"), json!(true))
    );
    for name in ["vitrina", "__Host-vitrina"] {
        let me = Browser::with(&house, &format!("{name}={token}")).me().await;
        assert_eq!(me.role, Some(MyRole::Visitor), "{name} over HTTP");
    }
    let plain = logged_in(&house, "leo").await.cookie;
    let token = plain.split_once('=').unwrap().1;
    for name in ["vitrina", "__Host-vitrina"] {
        let me = over_tls("GET", "/api/me", format!("{name}={token}"), String::new()).await;
        assert_eq!(me.json()["role"], "visitor", "{name} over HTTPS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_acts_with_no_cookie() {
    let change = |section: &mut gallery::Section| {
        section.visitors = Visitors::Look;
        section.relay_origins = vec!["https://class.example.org".to_owned()];
    };
    let house = house_with(&[("ana", Role::Admin)], change).await;
    let ana = logged_in(&house, "ana").await;
    let leo = json!({"name": "leo", "role": "admin", "password": PASSWORD});
    for (origin, expected) in [
        ("Origin: http://evil.example\r\n", Some(403)),
        ("Origin: null\r\n", Some(403)),
        ("Origin: file://\r\n", Some(403)),
        ("Origin: \r\n", Some(403)),
        ("Origin: http://localhost:3000\r\n", Some(403)),
        ("Origin: http://localhost.evil.example\r\n", Some(403)),
        ("Origin: http://127.0.0.1\r\n", Some(403)),
        ("Origin: https://localhost:8443\r\n", Some(403)),
        ("Origin: https://class.example.org\r\n", Some(403)),
        ("Origin: http://localhost\r\nOrigin: http://localhost\r\n", Some(400)),
        ("Origin: http://localhost\r\nSec-Fetch-Site: cross-site\r\n", Some(403)),
        ("Sec-Fetch-Site: cross-site\r\n", Some(403)),
        // They may be programs, but they are nobody.
        ("Sec-Fetch-Site: same-site\r\n", Some(401)),
        ("Sec-Fetch-Site: none\r\n", Some(401)),
        ("Referer: http://localhost/\r\n", Some(401)),
        ("", Some(401)),
        ("Sec-Fetch-Site: same-origin\r\n", None),
        ("Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n", None),
    ] {
        let mut other =
            Browser { headers: origin.to_owned(), ..Browser::with(&house, &ana.cookie) };
        let answer = other.ask("POST", "/api/users", &leo).await;
        match expected {
            Some(status) => assert_eq!(answer.status, status, "{origin}"),
            None => {
                assert_eq!(answer.status, 201, "{origin}");
                assert_eq!(other.ask("DELETE", "/api/users/leo", &Value::Null).await.status, 204);
            }
        }
        if expected.is_some() {
            for (method, path) in [("POST", "/api/logout"), ("DELETE", "/api/me/devices")] {
                other.cookie.clone_from(&ana.cookie);
                other.ask(method, path, &Value::Null).await;
            }
        }
    }
    let mut ana = ana;
    assert_eq!(ana.me().await.name.as_deref(), Some("ana"), "nobody logged her out");
    // By a form, which any page can send: the type does not matter, the page does.
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let headers = format!("Origin: http://evil.example\r\nContent-Type: {media}\r\n");
        let mut form = Browser { headers, ..Browser::with(&house, &ana.cookie) };
        assert_eq!(form.ask("POST", "/api/users", &leo).await.status, 403, "{media}");
    }
    // A socket is no request of a page's own, but the relay lets other pages in: as nobody.
    for (origin, status) in [
        ("http://localhost:3000", 401),
        ("https://class.example.org", 401),
        ("http://evil.example", 403),
    ] {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
        let headers =
            format!("Origin: {origin}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n{key}");
        let mut socket = Browser { headers, ..Browser::with(&house, &ana.cookie) };
        assert_eq!(socket.get("/relay/a").await.status, status, "{origin}");
        assert_eq!(socket.get("/ws").await.status, 403, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_logged_in_with_a_token_that_a_stranger_chose() {
    let house = house(&[("ana", Role::Admin), ("eve", Role::Viewer)]).await;
    let chosen = format!("vitrina={}", "A".repeat(43));
    let mut ana = Browser::with(&house, &chosen);
    ana.log_in("ana", PASSWORD).await;
    assert_ne!(ana.cookie, chosen);
    assert_eq!(Browser::with(&house, &chosen).me().await.name, None);
    // Nor with the stranger's own: it is over when another begins in the same browser.
    let eve = logged_in(&house, "eve").await.cookie;
    let mut ana = Browser::with(&house, &eve);
    ana.log_in("ana", PASSWORD).await;
    assert_eq!(ana.me().await.name.as_deref(), Some("ana"));
    assert_eq!(Browser::with(&house, &eve).me().await.name, None);
    // Of two good ones, which another program of this host can cause, none counts; a bad one more
    // logs nobody out.
    let eve = logged_in(&house, "eve").await.cookie;
    let both = format!("{}; {eve}", ana.cookie);
    assert_eq!(Browser::with(&house, &both).me().await.name, None);
    let odd = format!("{chosen}; {}; vitrina=%00", ana.cookie);
    assert_eq!(Browser::with(&house, &odd).me().await.name.as_deref(), Some("ana"));
    // Whoever logs out with both ends both.
    let out = Browser::with(&house, &both).ask("POST", "/api/logout", &Value::Null).await;
    assert_eq!(out.status, 204);
    for ended in [&ana.cookie, &eve] {
        assert_eq!(Browser::with(&house, ended).me().await.name, None);
    }
    for bad in ["vitrina=", "vitrina=\"\"", &format!("vitrina={}", "x".repeat(7000)), &chosen] {
        assert_eq!(Browser::with(&house, bad).me().await.role, Some(MyRole::Visitor), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_bodies_are_refused_and_not_repeated() {
    let house = house(&[("ana", Role::Admin)]).await;
    let cookie = logged_in(&house, "ana").await.cookie;
    let headers = format!("Origin: http://localhost\r\nCookie: {cookie}\r\n");
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(100_000));
    for path in ["/api/login", "/api/setup", "/api/me/password", "/api/users"] {
        let method = if path.ends_with("password") { "PUT" } else { "POST" };
        for (body, status) in [
            ("", 400),
            ("[]", 400),
            ("{\"name\":1}", 400),
            ("secret horse", 400),
            ("{\"name\":\"secret horse\"}", 400),
            (&long, 413),
        ] {
            let answer = send(house.address, method, path, &headers, body.as_bytes()).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "{path} {body}");
        }
    }
}
