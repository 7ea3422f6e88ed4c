//! Logins, and attacks on them.

mod attacks;
mod ends;
mod limits;

use std::path::PathBuf;
use std::time::Duration;

use access::{Role, Users};
use gallery::Section;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use wire::page::{Me, MyRole, ToPage};

use crate::client::{Answer, json as parsed, send};
use crate::house::{House, Page, soon};

const PASSWORD: &str = "correct horse";

/// The page of a browser at `localhost`, with the cookies that it was given.
struct Browser<'a> {
    house: &'a House,
    cookie: String,
    /// Headers of each request.
    headers: String,
}

impl<'a> Browser<'a> {
    fn new(house: &'a House) -> Browser<'a> {
        let headers =
            "Origin: http://localhost\r\nUser-Agent: Firefox/140.0 (Linux)\r\n".to_owned();
        Browser { house, cookie: String::new(), headers }
    }

    /// One that holds this cookie.
    fn with(house: &'a House, cookie: &str) -> Browser<'a> {
        Browser { cookie: cookie.to_owned(), ..Browser::new(house) }
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let cookie = match self.cookie.as_str() {
            "" => String::new(),
            cookie => format!("Cookie: a=b; {cookie}\r\n"),
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = format!("{}{cookie}", self.headers);
        let answer = send(self.house.address, method, path, &headers, body.as_bytes()).await;
        if let Some(cookie) = &answer.cookie {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null).await
    }

    async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.ask("POST", "/api/login", &json!({"name": name, "password": password})).await
    }

    async fn me(&mut self) -> Me {
        serde_json::from_value(self.get("/api/me").await.json()).unwrap()
    }

    /// The page's socket, or the status with which it is refused.
    async fn socket(&self, path: &str) -> Result<Page, u16> {
        let mut request =
            format!("ws://{}{path}", self.house.address).into_client_request().unwrap();
        let origin = format!("http://{}", self.house.address);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        if !self.cookie.is_empty() {
            request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        }
        match soon(tokio_tungstenite::connect_async(request)).await {
            Ok((socket, _)) => Ok(Page::of(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }
}

fn folder(house: &House) -> PathBuf {
    house.data.path().join("broker")
}

/// Adds users as `vitrina user add` does, and waits until the gallery knows them.
async fn add(house: &House, users: &[(&str, Role)]) {
    // At once: the gallery may read between two changes, and then knows the first alone.
    let add =
        |all: &mut Users| users.iter().try_for_each(|(name, role)| all.add(name, *role, PASSWORD));
    Users::edit(&folder(house), add).unwrap();
    knows(house, true).await;
}

async fn knows(house: &House, people: bool) {
    soon(async {
        while Browser::new(house).me().await.users != people {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A house with these users.
async fn house(users: &[(&str, Role)]) -> House {
    house_with(users, |_| {}).await
}

async fn house_with(users: &[(&str, Role)], change: impl FnOnce(&mut Section)) -> House {
    let house = House::open_with(change).await;
    add(&house, users).await;
    house
}

async fn logged_in<'a>(house: &'a House, name: &str) -> Browser<'a> {
    let mut browser = Browser::new(house);
    let answer = browser.log_in(name, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    browser
}

/// The next thing that a page is told of its user.
async fn told(page: &mut Page) -> Me {
    loop {
        if let ToPage::Me(me) = page.told().await {
            return me;
        }
    }
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_with_users_for_its_nodes_alone_asks_nobody() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let me = told(&mut page).await;
    assert!(!me.users && me.role.is_none() && me.name.is_none(), "{me:?}");
    assert!(me.setup, "somebody at this machine can become the first administrator");
    for (name, role) in [("pi", Role::Node), ("wall", Role::Gallery)] {
        Users::edit(&folder(&house), |all| all.add(name, role, PASSWORD)).unwrap();
    }
    // The gallery has seen them once it refuses one of them a login by its role.
    let mut browser = Browser::new(&house);
    assert_eq!(code(&browser.log_in("pi", PASSWORD).await), is(401, "login-wrong"));
    assert!(!browser.me().await.users);
    assert_eq!(browser.get("/api/cameras").await.status, 200);
    page.say(&wire::page::FromPage::Log { follow: true }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_there_is_a_person_the_wall_asks_who_comes() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    told(&mut page).await;
    add(&house, &[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    assert_eq!(page.closed().await.0, 4401, "also who looked before");
    let mut browser = Browser::new(&house);
    assert_eq!(code(&browser.get("/api/cameras").await), is(401, "login-needed"));
    assert_eq!(browser.socket("/ws").await.err(), Some(401));
    assert_eq!(browser.socket("/relay/a").await.err(), Some(401));
    assert_eq!(browser.get("/").await.status, 200, "the page itself has nothing of the house");
    let me = browser.me().await;
    assert_eq!((me.users, me.setup, me.role), (true, false, Some(MyRole::Visitor)));
    assert!(me.rights.is_empty() && me.administrators.is_empty(), "{me:?}");

    for (name, password) in [("ana", "wrong horse"), ("eve", PASSWORD), ("", ""), ("a/b", PASSWORD)]
    {
        let answer = browser.log_in(name, password).await;
        assert_eq!(code(&answer), is(401, "login-wrong"), "{name}");
        let words = answer.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(words, "this name and this password do not match", "{name}");
    }
    let answer = browser.log_in("leo", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let cookie = answer.cookie.clone().unwrap();
    assert!(cookie.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"), "{cookie}");
    let me: Me = serde_json::from_value(answer.json()).unwrap();
    assert_eq!((me.name.as_deref(), me.role), (Some("leo"), Some(MyRole::Viewer)));
    assert_eq!(
        (me.rights.join(" "), me.administrators.join(" ")),
        ("look talk".into(), "ana".into())
    );
    assert_eq!(browser.me().await, me);
    assert_eq!(browser.get("/api/cameras").await.status, 200);
    assert_eq!(code(&browser.get("/api/log").await), is(403, "no-right"));
    assert_eq!(code(&browser.get("/api/users").await), is(403, "no-right"));
    let mut page = browser.socket("/ws").await.unwrap();
    assert_eq!(told(&mut page).await, me);
    let kept = std::fs::read_to_string(folder(&house).join("sessions.toml")).unwrap();
    let token = browser.cookie.split_once('=').unwrap().1;
    assert!(kept.contains("leo") && !kept.contains(token), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_may_what_the_configuration_says() {
    let change = |section: &mut Section| section.visitors = access::Visitors::Join;
    let house = house_with(&[("leo", Role::Viewer)], change).await;
    let mut browser = Browser::new(&house);
    assert_eq!(browser.me().await.rights, ["look", "talk", "show", "upload"]);
    let mut page = browser.socket("/ws").await.unwrap();
    assert_eq!(told(&mut page).await.role, Some(MyRole::Visitor));
    assert_eq!(code(&browser.get("/api/log").await), is(401, "login-needed"));
    browser.log_in("leo", PASSWORD).await;
    assert_eq!(browser.me().await.rights, ["look", "talk", "show", "upload"], "nobody loses by it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_is_made_here_or_at_the_one_time_address() {
    let first = |token: Option<&str>| json!({"token": token, "name": "ana", "password": PASSWORD});
    let house = House::open().await;
    let token = access::setup_token(&folder(&house)).unwrap();
    let mut far = Browser::new(&house);
    far.headers += "X-Forwarded-For: 203.0.113.7\r\n";
    assert!(!far.me().await.setup, "through a proxy anybody may come");
    assert_eq!(code(&far.ask("POST", "/api/setup", &first(None)).await), is(403, "setup-wrong"));
    let wrong = first(Some(&"0".repeat(32)));
    assert_eq!(code(&far.ask("POST", "/api/setup", &wrong).await), is(403, "setup-wrong"));
    let weak = json!({"token": token, "name": "ana", "password": "short"});
    assert_eq!(code(&far.ask("POST", "/api/setup", &weak).await), is(400, "user-password"));
    let answer = far.ask("POST", "/api/setup", &first(Some(&token))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["role"], "admin");
    assert_eq!(far.get("/api/users").await.json()[0]["name"], "ana", "and is logged in");
    for used in [first(Some(&token)), first(None)] {
        let again = Browser::new(&house).ask("POST", "/api/setup", &used).await;
        assert_eq!(code(&again), is(409, "setup-used"));
    }
    soon(async {
        while folder(&house).join("setup.token").exists() {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    let house = House::open().await;
    let mut near = Browser::new(&house);
    assert!(near.me().await.setup);
    assert_eq!(near.ask("POST", "/api/setup", &first(None)).await.status, 200);
    assert!(!near.me().await.setup);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_say_who_else_may_come() {
    let house = house(&[("ana", Role::Admin)]).await;
    let mut ana = logged_in(&house, "ana").await;
    let leo = json!({
        "name": "leo", "role": "viewer", "password": PASSWORD, "cameras": ["house/*"],
        "hours": {"from": "08:00", "to": "20:00"},
    });
    let answer = ana.ask("POST", "/api/users", &leo).await;
    assert_eq!((answer.status, answer.json()["cameras"].clone()), (201, json!(["house/*"])));
    for (user, expected) in [
        (leo.clone(), is(409, "user-known")),
        (json!({"name": "a b", "role": "viewer", "password": PASSWORD}), is(400, "user-name")),
        (json!({"name": "bo", "role": "viewer", "password": "short"}), is(400, "user-password")),
        (json!({"name": "bo", "role": "root", "password": PASSWORD}), is(400, "bad-request")),
        (
            json!({"name": "bo", "role": "viewer", "password": PASSWORD, "cameras": ["?"]}),
            is(400, "user-cameras"),
        ),
        (
            json!({"name": "bo", "role": "viewer", "password": PASSWORD, "hours": {"from": "8", "to": "9"}}),
            is(400, "bad-request"),
        ),
        (json!({"name": "bo"}), is(400, "bad-request")),
    ] {
        let answer = ana.ask("POST", "/api/users", &user).await;
        assert_eq!(code(&answer), expected, "{user}");
        assert!(!answer.json().to_string().contains(PASSWORD), "no password comes back");
    }
    let changed =
        ana.ask("PATCH", "/api/users/leo", &json!({"role": "operator", "hours": null})).await;
    let expected = json!({
        "name": "leo", "role": "operator", "cameras": ["house/*"], "hours": null, "devices": 0, "seen": null,
    });
    assert_eq!((changed.status, changed.json()), (200, expected));
    assert_eq!(code(&ana.ask("PATCH", "/api/users/bo", &json!({})).await), is(404, "user-unknown"));
    for (method, body) in [("DELETE", Value::Null), ("PATCH", json!({"role": "viewer"}))] {
        let answer = ana.ask(method, "/api/users/ana", &body).await;
        assert_eq!(code(&answer), is(409, "last-admin"), "{method}");
    }
    ana.ask("PATCH", "/api/users/leo", &json!({"role": "admin"})).await;
    assert_eq!(ana.ask("PATCH", "/api/users/ana", &json!({"role": "viewer"})).await.status, 200);
    assert_eq!(ana.me().await.role, Some(MyRole::Viewer), "it counts at once");
    assert_eq!(code(&ana.ask("DELETE", "/api/users/leo", &Value::Null).await), is(403, "no-right"));
    // What is written is read again.
    let users = Users::read(&folder(&house)).unwrap();
    let patterns =
        users.iter().map(|(name, user)| format!("{name} {} {}", user.role, user.cameras));
    assert_eq!(patterns.collect::<Vec<_>>(), ["ana viewer *", "leo admin house/*"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_is_brought_back_as_they_were_but_not_logged_in() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let (mut ana, mut leo) = (logged_in(&house, "ana").await, logged_in(&house, "leo").await);
    let limits = json!({"cameras": ["house/*"], "hours": {"from": "00:00", "to": "23:59"}});
    ana.ask("PATCH", "/api/users/leo", &limits).await;
    let restore = "/api/users/leo/restore";
    assert_eq!(code(&ana.ask("POST", restore, &Value::Null).await), is(404, "user-unknown"));
    assert_eq!(ana.ask("DELETE", "/api/users/leo", &Value::Null).await.status, 204);
    assert_eq!(leo.me().await.name, None, "it counts at once");
    assert_eq!(code(&leo.ask("POST", restore, &Value::Null).await), is(401, "login-needed"));
    let back = ana.ask("POST", restore, &Value::Null).await;
    assert_eq!((back.status, back.json()["cameras"].clone()), (200, json!(["house/*"])));
    assert_eq!(leo.me().await.name, None);
    assert_eq!(leo.log_in("leo", PASSWORD).await.status, 200);
    // Somebody else has the name by now.
    ana.ask("DELETE", "/api/users/leo", &Value::Null).await;
    let other = json!({"name": "leo", "role": "viewer", "password": "another horse"});
    assert_eq!(ana.ask("POST", "/api/users", &other).await.status, 201);
    assert_eq!(code(&ana.ask("POST", restore, &Value::Null).await), is(409, "user-known"));
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_their_hours_somebody_is_known_and_may_do_nothing() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let (mut ana, mut leo) = (logged_in(&house, "ana").await, logged_in(&house, "leo").await);
    assert!(leo.me().await.rights.contains(&"look".to_owned()));
    let hour = clock::local().as_secs() / 3600;
    let at = |ahead: u64| format!("{:02}:00", (hour + ahead) % 24);
    let hours = json!({"hours": {"from": at(6), "to": at(7)}});
    assert_eq!(ana.ask("PATCH", "/api/users/leo", &hours).await.status, 200);
    let me = leo.me().await;
    assert_eq!((me.name.as_deref(), me.rights.as_slice()), (Some("leo"), [].as_slice()));
    assert_eq!(leo.socket("/ws").await.err(), Some(403));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_in_the_log() {
    let house = house(&[("ana", Role::Admin)]).await;
    let mut ana = logged_in(&house, "ana").await;
    for _ in 0..3 {
        Browser::new(&house).log_in("eve", PASSWORD).await;
    }
    let leo = json!({"name": "leo", "role": "viewer", "password": PASSWORD});
    ana.ask("POST", "/api/users", &leo).await;
    let mut other = logged_in(&house, "leo").await;
    ana.ask("PATCH", "/api/users/leo", &json!({"password": "another horse"})).await;
    other.get("/api/me").await;
    ana.ask("DELETE", "/api/users/leo", &Value::Null).await;
    let expected = [
        json!({"event": "user", "name": "ana", "role": "admin", "change": "made"}),
        json!({"event": "login", "name": "ana", "address": "127.0.0.1", "device": "Firefox on Linux"}),
        json!({"event": "user", "name": "leo", "role": "viewer", "change": "made", "by": "ana"}),
        json!({"event": "login", "name": "leo", "address": "127.0.0.1", "device": "Firefox on Linux"}),
        json!({"event": "user", "name": "leo", "role": "viewer", "change": "password", "by": "ana"}),
        json!({"event": "logout", "name": "leo", "count": 1, "by": "ana"}),
        json!({"event": "user", "name": "leo", "change": "removed", "by": "ana"}),
    ];
    let denied = json!({"event": "denied", "address": "127.0.0.1", "count": 3});
    soon(async {
        loop {
            let answer = ana.get("/api/log").await;
            let mut lines: Vec<Value> = parsed(&answer.body).as_array().unwrap().clone();
            lines.reverse();
            lines.retain(|line| {
                ["user", "login", "logout", "denied"].contains(&line["event"].as_str().unwrap())
            });
            for line in &mut lines {
                let line = line.as_object_mut().unwrap();
                line.remove("id");
                line.remove("at");
            }
            let is_told = lines.contains(&denied);
            lines.retain(|line| *line != denied);
            if is_told && lines == expected {
                break;
            }
            assert!(lines.len() <= expected.len(), "{lines:?}");
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}
