//! Who may come in, and what they may do.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use access::{Role, Users};
use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use broker::Section;
use wire::Root;

use crate::logged;
use crate::raw::{BOTH, Connect, Raw, V5, V311, publish, subscribe};
use crate::running::{Running, section, start_in, start_with};

pub const PASSWORD: &str = "correct horse";

pub fn add(folder: &Path, name: &str, role: Role) {
    Users::edit(folder, |users| users.add(name, role, PASSWORD)).unwrap();
}

pub async fn start(users: &[(&str, Role)]) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, role) in users {
        add(folder.path(), name, *role);
    }
    (start_in(section(), folder.path()).await, folder)
}

pub fn login<'a>(level: u8, id: &'a str, user: &'a str, password: &'a str) -> Connect<'a> {
    Connect { login: Some((user, password)), ..Connect::new(level, id) }
}

pub async fn enter(address: SocketAddr, level: u8, id: &str, user: &str) -> Raw {
    Raw::enter(address, level, &login(level, id, user, PASSWORD).bytes()).await
}

/// The code of the CONNACK. If it is not 0 the broker closes.
pub async fn answer(address: SocketAddr, connect: &Connect<'_>) -> u8 {
    let mut raw = Raw::open(address, connect.level).await;
    raw.send(&connect.bytes()).await;
    let connack = raw.packet().await.expect("a CONNACK");
    if connack[3] != 0 {
        assert_eq!(raw.packet().await, None);
    }
    connack[3]
}

#[tokio::test]
async fn with_users_a_name_and_its_password_are_needed() {
    let (broker, _folder) = start(&[("ada", Role::Viewer)]).await;
    for (level, wrong, anonymous) in [(V311, 5, 5), (V5, 0x86, 0x87)] {
        let right = login(level, "a", "ada", PASSWORD);
        assert_eq!(answer(broker.address, &right).await, 0);
        for (user, password) in [("ada", "wrong horse"), ("ada", ""), ("eve", PASSWORD), ("", "x")]
        {
            let connect = login(level, "a", user, password);
            assert_eq!(answer(broker.address, &connect).await, wrong, "{user} {password}");
        }
        assert_eq!(answer(broker.address, &Connect::new(level, "a")).await, anonymous);
    }
    broker.stop().await;
}

/// MQTT calls it binary data, not text (section 3.1.3.6 of MQTT 5).
#[tokio::test]
async fn a_password_may_be_any_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let password = [0, 0xff, b'\n', 0xc0, 0x80, 0, 0xed, 0xa0, 0x80];
    Users::edit(folder.path(), |users| users.add("cam", Role::Viewer, password)).unwrap();
    let broker = start_in(section(), folder.path()).await;
    for (level, wrong) in [(V311, 5), (V5, 0x86)] {
        for (last, code) in [(0x80, 0), (0x81, wrong)] {
            let mut connect = login(level, "c", "cam", "123456789").bytes();
            let place = connect.len() - password.len();
            connect[place..].copy_from_slice(&password);
            *connect.last_mut().unwrap() = last;
            let mut raw = Raw::open(broker.address, level).await;
            raw.send(&connect).await;
            assert_eq!(raw.packet().await.expect("a CONNACK")[3], code, "{level} {last:#x}");
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn who_may_see_only_some_cameras_or_at_times_comes_to_the_wall_alone() {
    let (broker, folder) = start(&[("ada", Role::Viewer), ("bob", Role::Viewer)]).await;
    let mut ada = enter(broker.address, V5, "a", "ada").await;
    let limit = |name: &'static str, cameras: Option<&str>, hours: Option<&str>| {
        let cameras = cameras.map(|cameras| cameras.parse().unwrap());
        let hours = hours.map(|hours| Some(hours.parse().unwrap()));
        Users::edit(folder.path(), |users| users.limit(name, cameras, hours)).unwrap();
    };
    limit("ada", Some("house/*"), None);
    ada.is_refused(0x87).await;
    limit("bob", None, Some("08:00-20:00"));
    let waited = Instant::now();
    while answer(broker.address, &login(V5, "b", "bob", PASSWORD)).await == 0 {
        assert!(waited.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(answer(broker.address, &login(V5, "a", "ada", PASSWORD)).await, 0x86);
    broker.stop().await;
}

#[tokio::test]
async fn a_node_gets_nothing_through_outside_its_name() {
    let (broker, _folder) = start(&[("pi", Role::Node), ("root", Role::Admin)]).await;
    for level in BOTH {
        let mut all = enter(broker.address, level, "all", "root").await;
        all.subscribe(&[("#", 1)]).await;
        let mut pi = enter(broker.address, level, "all", "pi").await;
        let refused = if level == V5 { 0x87 } else { 0x80 };
        let filters =
            [("vitrina/pi/#", 1), ("#", 1), ("vitrina/+/status", 1), ("vitrina/pi2/want", 0)];
        let codes = pi.subscribe(&filters).await;
        assert_eq!(codes, [1, refused, refused, refused]);
        for filter in ["$share/g/#", "$share/g/vitrina/other/#"] {
            assert!(pi.subscribe(&[(filter, 0)]).await[0] >= 0x80, "{filter}");
        }
        pi.send(&publish(level, "vitrina/other/status", b"no", 0, true)).await;
        pi.send(&publish(level, "vitrina/other/status", b"no", 1, true)).await;
        let puback = pi.packet().await.unwrap();
        assert_eq!((puback[0], &puback[2..4]), (0x40, &[0, 9][..]), "{puback:02x?}");
        if level == V5 {
            assert_eq!(puback[4], 0x87, "{puback:02x?}");
        }
        pi.publish("vitrina/pi/status", b"yes", 1, false).await;
        assert_eq!(all.published().await.payload, b"yes", "and nothing before it");
        assert_eq!(pi.published().await.topic, "vitrina/pi/status");
        pi.has_nothing().await;

        let will = Some(("vitrina/other/status", &b"gone"[..], 0, true));
        let connect = Connect { will, ..login(level, "w", "pi", PASSWORD) };
        assert_eq!(answer(broker.address, &connect).await, if level == V5 { 0x87 } else { 5 });
        // The session of the same client id still belongs to the other user.
        all.has_nothing().await;
        pi.leave().await;
        all.leave().await;
    }
    assert_eq!(broker.counters.read().dropped, 4);
    assert_eq!(broker.counters.read().retained, 0);
    broker.stop().await;
}

#[tokio::test]
async fn denied_filters_are_refused_one_by_one() {
    let deny = vec!["test/nosubscribe".to_owned()];
    let broker = start_with(Section { deny, ..section() }).await;
    for (level, code) in [(V311, 0x80), (V5, 0x87)] {
        let mut client = Raw::connect(broker.address, level, "c").await;
        assert_eq!(client.subscribe(&[("test/nosubscribe", 1), ("#", 1)]).await, [code, 1]);
        client.send(&publish(level, "test/nosubscribe", b"x", 0, false)).await;
        client.has_nothing().await;
        client.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn changes_of_the_users_are_seen_and_end_who_may_not_stay() {
    let (broker, folder) = start(&[]).await;
    let mut stranger = Raw::connect(broker.address, V5, "stranger").await;
    add(folder.path(), "ada", Role::Viewer);
    stranger.is_refused(0x87).await;
    let mut ada = enter(broker.address, V5, "a", "ada").await;
    add(folder.path(), "bob", Role::Viewer);
    let mut bob = enter_soon(broker.address, "bob").await;
    Users::edit(folder.path(), |users| users.set_password("bob", "battery staple")).unwrap();
    bob.is_refused(0x87).await;
    assert_eq!(answer(broker.address, &login(V5, "b", "bob", PASSWORD)).await, 0x86);
    ada.has_nothing().await;
    // If the file is missing or broken, the users stay.
    logged::keep();
    std::fs::remove_file(folder.path().join("users.toml")).unwrap();
    logged::error(&["the file of the users is gone"]).await;
    std::fs::write(folder.path().join("users.toml"), "broken").unwrap();
    logged::error(&["the users stay as they were", folder.path().to_str().unwrap()]).await;
    ada.has_nothing().await;
    assert_eq!(answer(broker.address, &Connect::new(V5, "a")).await, 0x87);
    broker.stop().await;
}

async fn enter_soon(address: SocketAddr, user: &str) -> Raw {
    let began = Instant::now();
    while answer(address, &login(V5, "x", user, PASSWORD)).await != 0 {
        assert!(began.elapsed() < crate::running::SOON);
    }
    enter(address, V5, "x", user).await
}

#[tokio::test]
async fn parts_of_this_machine_have_credentials_whatever_users_there_are() {
    let (broker, folder) = start(&[("ada", Role::Viewer)]).await;
    let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    let node = read("node.password");
    let connect = login(V311, "n", "workshop", node.trim_end());
    let mut raw = Raw::enter(broker.address, V311, &connect.bytes()).await;
    raw.publish("vitrina/workshop/status", b"online", 1, false).await;
    assert_eq!(raw.subscribe(&[("vitrina/#", 0)]).await, [0x80]);
    let gallery = read("gallery.password");
    let connect = login(V311, "g", "gallery", gallery.trim_end());
    let mut raw = Raw::enter(broker.address, V311, &connect.bytes()).await;
    assert_eq!(raw.subscribe(&[("vitrina/#", 0)]).await, [0]);
    broker.stop().await;
}

#[tokio::test]
async fn one_client_id_of_two_users_is_two_sessions() {
    let (broker, _folder) = start(&[("ada", Role::Viewer), ("bob", Role::Viewer)]).await;
    let mut ada = enter(broker.address, V5, "same", "ada").await;
    let mut bob = enter(broker.address, V5, "same", "bob").await;
    ada.has_nothing().await;
    bob.has_nothing().await;
    let again = enter(broker.address, V5, "same", "ada").await;
    ada.is_refused(0x8e).await;
    bob.has_nothing().await;
    again.leave().await;
    broker.stop().await;
}

#[tokio::test]
async fn wrong_passwords_run_out_and_harm_nobody_who_is_known() {
    let (broker, _folder) = start(&[("ada", Role::Viewer), ("bob", Role::Viewer)]).await;
    assert_eq!(answer(broker.address, &login(V5, "a", "ada", PASSWORD)).await, 0);
    let wrong = (0..40)
        .map(|_| async { answer(broker.address, &login(V5, "e", "bob", "wrong horse")).await });
    let all = futures_util::future::join_all(wrong);
    let known = login(V5, "a", "ada", PASSWORD);
    let ada = answer(broker.address, &known);
    let (wrong, ada) = tokio::join!(all, ada);
    assert!(wrong.iter().all(|code| *code == 0x86), "{wrong:02x?}");
    assert_eq!(ada, 0);
    // Even the right password is refused now, so that trying reveals nothing.
    assert_eq!(answer(broker.address, &login(V5, "b", "bob", PASSWORD)).await, 0x86);
    broker.stop().await;
}

/// Writes a users' file in which all have [`PASSWORD`], with a hash that costs 8 MiB and one pass.
fn add_cheaply(folder: &Path, names: &[String]) {
    let params = argon2::Params::new(8192, 1, 1, None).unwrap();
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash: PasswordHash =
        argon2.hash_password_with_salt(PASSWORD.as_bytes(), b"salt for a test").unwrap();
    let user = |name| format!("[user.{name}]\nrole = 'node'\npassword = '{hash}'\n");
    let users: String = names.iter().map(user).collect();
    std::fs::write(folder.join("users.toml"), users).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_nodes_that_return_at_once_all_come_in_and_stop_nobody() {
    let mut names: Vec<String> = (0..100).map(|n| format!("pi{n}")).collect();
    names.push("singer".to_owned());
    let folder = tempfile::tempdir().unwrap();
    add_cheaply(folder.path(), &names);
    let broker = start_in(section(), folder.path()).await;
    let mut singer = enter(broker.address, V311, "singer", "singer").await;
    singer.subscribe(&[("vitrina/singer/#", 0)]).await;
    let nodes = &names[..100];
    for round in 0..2 {
        let all = nodes
            .iter()
            .map(|name| async { answer(broker.address, &login(V311, name, name, PASSWORD)).await });
        let mut all = std::pin::pin!(futures_util::future::join_all(all));
        let mut songs = 0;
        let codes = loop {
            let song = async {
                singer.publish("vitrina/singer/song", b"la", 0, false).await;
                singer.published().await;
            };
            tokio::select! {
                codes = &mut all => break codes,
                () = song => songs += 1,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        assert_eq!(codes, [0; 100]);
        // The first round hashes a hundred passwords; the second knows them.
        assert!(songs > 20 || round == 1, "{songs} songs while they came in");
        // The last song may still be on its way.
        singer = enter(broker.address, V311, "singer", "singer").await;
        singer.subscribe(&[("vitrina/singer/#", 0)]).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn anonymous_clients_may_do_what_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    add(folder.path(), "ada", Role::Admin);
    let section = Section { anonymous: Some(Role::Viewer), ..section() };
    let broker = start_in(section, folder.path()).await;
    let mut raw = Raw::connect(broker.address, V5, "x").await;
    raw.send(&subscribe(V5, 7, &[("vitrina/#", 0), ("lamp", 0)])).await;
    let suback = raw.packet().await.unwrap();
    assert_eq!(suback[5..], [0, 0x87]);
    broker.stop().await;
}

#[test]
fn a_broken_file_of_users_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.toml"), "user = 1").unwrap();
    let config = section().check_in(Root::default(), Some(folder.path().to_owned())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Err(error) = runtime.block_on(broker::Broker::bind(config)) else { panic!("started") };
    assert!(error.to_string().contains("users.toml"), "{error}");
}
