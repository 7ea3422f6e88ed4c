//! A login that ends, and all that was open with it.

use access::{Role, Users};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::page::MyRole;

use super::{Browser, PASSWORD, code, folder, house, is, logged_in, told};
use crate::house::{House, Node, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_stolen_is_worth_nothing_after_logout() {
    let house = house(&[("ana", Role::Admin)]).await;
    let mut ana = logged_in(&house, "ana").await;
    let mut thief = Browser::with(&house, &ana.cookie);
    let mut page = thief.socket("/ws").await.unwrap();
    assert_eq!(told(&mut page).await.name.as_deref(), Some("ana"));
    let mut relay = thief.socket("/relay/a").await.unwrap();
    let answer = ana.ask("POST", "/api/logout", &Value::Null).await;
    assert_eq!((answer.status, ana.cookie.as_str()), (204, "vitrina="));
    assert_eq!(page.closed().await.0, 4401);
    assert_eq!(relay.closed().await.0, 4401);
    assert_eq!(code(&thief.get("/api/cameras").await), is(401, "login-needed"));
    assert_eq!(thief.socket("/ws").await.err(), Some(401));
    assert_eq!(ana.ask("POST", "/api/logout", &Value::Null).await.status, 204, "it may come twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_all_other_logins_at_once() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let (mut here, mut there) = (logged_in(&house, "leo").await, logged_in(&house, "leo").await);
    let mut mine = here.socket("/ws").await.unwrap();
    told(&mut mine).await;
    let mut other = there.socket("/ws").await.unwrap();
    told(&mut other).await;
    let put = |old: &str, new: &str| json!({"old": old, "new": new});
    let answer = here.ask("PUT", "/api/me/password", &put("wrong horse", "another horse")).await;
    assert_eq!(code(&answer), is(401, "login-wrong"));
    let answer = here.ask("PUT", "/api/me/password", &put(PASSWORD, "short")).await;
    assert_eq!(code(&answer), is(400, "user-password"));
    let answer = here.ask("PUT", "/api/me/password", &put(PASSWORD, "another horse")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(other.closed().await.0, 4401);
    assert_eq!(there.me().await.role, Some(MyRole::Visitor));
    assert_eq!(here.me().await.name.as_deref(), Some("leo"), "this very device stays");
    mine.frames_so_far().await;
    // An administrator's change, and that of the command line, leave nobody in.
    let mut ana = logged_in(&house, "ana").await;
    ana.ask("PATCH", "/api/users/leo", &json!({"password": "third horse"})).await;
    assert_eq!(mine.closed().await.0, 4401);
    assert_eq!(here.me().await.role, Some(MyRole::Visitor));
    let mut page = ana.socket("/ws").await.unwrap();
    told(&mut page).await;
    Users::edit(&folder(&house), |users| users.set_password("ana", "fourth horse")).unwrap();
    assert_eq!(page.closed().await.0, 4401);
    assert_eq!(ana.me().await.role, Some(MyRole::Visitor));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_another_role_is_told_and_who_is_removed_is_out() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let (mut ana, leo) = (logged_in(&house, "ana").await, logged_in(&house, "leo").await);
    let mut page = leo.socket("/ws").await.unwrap();
    assert_eq!(told(&mut page).await.rights, ["look", "talk"]);
    ana.ask("PATCH", "/api/users/leo", &json!({"role": "operator"})).await;
    let me = told(&mut page).await;
    assert_eq!((me.role, me.rights.len()), (Some(MyRole::Operator), 11));
    ana.ask("PATCH", "/api/users/leo", &json!({"cameras": ["house/*"]})).await;
    assert_eq!(told(&mut page).await.cameras, Some(vec!["house/*".to_owned()]));
    ana.ask("DELETE", "/api/users/leo", &Value::Null).await;
    assert_eq!(page.closed().await.0, 4401);
    // Somebody else of the same name and password is not the one who was logged in.
    let again = json!({"name": "leo", "role": "operator", "password": PASSWORD});
    assert_eq!(ana.ask("POST", "/api/users", &again).await.status, 201);
    let mut leo = leo;
    assert_eq!(leo.me().await.role, Some(MyRole::Visitor));
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_devices_are_listed_and_logged_out() {
    let house = house(&[("ana", Role::Admin), ("leo", Role::Viewer)]).await;
    let mut here = logged_in(&house, "leo").await;
    let mut phone = Browser::new(&house);
    phone.headers =
        "Origin: http://localhost\r\nUser-Agent: Mozilla/5.0 (iPhone) Safari/604.1\r\n".into();
    phone.log_in("leo", PASSWORD).await;
    let (mut third, mut ana) = (logged_in(&house, "leo").await, logged_in(&house, "ana").await);
    let devices = here.get("/api/me/devices").await.json();
    assert_eq!(devices.as_array().unwrap().len(), 3, "{devices}");
    assert_eq!(
        (&devices[0]["current"], &devices[0]["name"]),
        (&json!(true), &json!("Firefox on Linux"))
    );
    let find = |device: &&Value| device["name"] == "Safari on iPhone";
    let id = devices.as_array().unwrap().iter().find(find).unwrap()["id"].as_str().unwrap();
    let one = format!("/api/me/devices/{id}");
    assert_eq!(ana.ask("DELETE", &one, &Value::Null).await.status, 404, "of others one ends none");
    assert_eq!(phone.me().await.name.as_deref(), Some("leo"));
    assert_eq!(here.ask("DELETE", &one, &Value::Null).await.status, 204);
    assert_eq!(phone.me().await.name, None);
    assert_eq!(here.ask("DELETE", &one, &Value::Null).await.status, 404);
    assert_eq!(here.ask("DELETE", "/api/me/devices", &Value::Null).await.status, 204);
    assert_eq!(third.me().await.name, None);
    assert_eq!(here.me().await.name.as_deref(), Some("leo"));
    let listed = ana.get("/api/users").await.json();
    assert_eq!(listed[1]["devices"], 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_pictures_breaks_off() {
    let house = House::open().await;
    let mut node = Node::connect(house.broker_address, "house/door").await;
    node.facts().await;
    super::add(&house, &[("leo", Role::Viewer)]).await;
    let mut leo = logged_in(&house, "leo").await;
    let stream = soon(TcpStream::connect(house.address)).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let path = "/cameras/house/door/stream.mjpg";
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", leo.cookie);
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut read = vec![0; 64 * 1024];
    let length = soon(reader.read(&mut read)).await.unwrap();
    assert!(
        read[..length].starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&read[..length])
    );
    leo.ask("POST", "/api/logout", &Value::Null).await;
    // Its end is missing, as it must be where not all has come.
    let mut rest = Vec::new();
    let _ = soon(reader.read_to_end(&mut rest)).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    assert_eq!(code(&leo.get(path).await), is(401, "login-needed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_last_over_a_restart() {
    let mut house = house(&[("leo", Role::Viewer)]).await;
    let cookie = logged_in(&house, "leo").await.cookie;
    let gone = {
        let mut gone = logged_in(&house, "leo").await;
        let cookie = gone.cookie.clone();
        gone.ask("POST", "/api/logout", &Value::Null).await;
        cookie
    };
    house.restart().await;
    assert_eq!(Browser::with(&house, &cookie).me().await.name.as_deref(), Some("leo"));
    assert_eq!(Browser::with(&house, &gone).me().await.name, None);
    house.gallery.stop().await;
    Users::edit(&folder(&house), |users| users.set_password("leo", "another horse")).unwrap();
    house.start().await;
    assert_eq!(Browser::with(&house, &cookie).me().await.name, None, "while nobody looked");
}
