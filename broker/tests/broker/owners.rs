//! Who owns a session, and what happens to it when its user changes.

use access::{Role, Users};
use broker::Section;

use crate::access::{PASSWORD, add, answer, enter, login, start};
use crate::raw::{BOTH, Connect, Raw, V5, publish_with};
use crate::running::{section, start_in};

/// The CONNECT of a user, for a session that outlives its connection.
fn lasting<'a>(level: u8, id: &'a str, user: &'a str) -> Connect<'a> {
    Connect { login: Some((user, PASSWORD)), ..Connect::lasting(level, id) }
}

#[tokio::test]
async fn another_user_does_not_come_by_a_session_nor_by_what_waits_for_it() {
    let users = [("ada", Role::Viewer), ("bob", Role::Viewer), ("pi", Role::Node)];
    let (broker, _folder) = start(&users).await;
    for level in BOTH {
        let mut ada = Raw::enter(broker.address, level, &lasting(level, "x", "ada").bytes()).await;
        ada.subscribe(&[("vitrina/#", 1)]).await;
        ada.leave().await;
        let mut pi = enter(broker.address, level, "x", "pi").await;
        pi.publish("vitrina/pi/status", b"for ada", 1, false).await;
        pi.leave().await;

        let bobs = lasting(level, "x", "bob");
        let (mut bob, is_old) = Raw::return_to(broker.address, &bobs).await;
        assert!(!is_old);
        bob.has_nothing().await;
        // A clean start does not end the other user's session.
        let clean = Connect { clean: true, properties: &[], ..bobs };
        let (bob, _) = Raw::return_to(broker.address, &clean).await;
        bob.leave().await;

        let (mut ada, is_old) = Raw::return_to(broker.address, &lasting(level, "x", "ada")).await;
        assert!(is_old);
        let message = ada.published().await;
        assert_eq!(message.payload, b"for ada");
        ada.acknowledge(message.id).await;
        ada.leave().await;
        enter(broker.address, level, "x", "ada").await.leave().await;
    }
    let counts = broker.until("no sessions", |c| c.clients + c.sessions == 0).await;
    assert_eq!((counts.subscriptions, counts.queued_bytes), (0, 0));
    broker.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_the_role_of_its_user_changes() {
    let (broker, folder) = start(&[("ada", Role::Admin), ("root", Role::Admin)]).await;
    let connect = lasting(V5, "x", "ada");
    let mut ada = Raw::enter(broker.address, V5, &connect.bytes()).await;
    ada.subscribe(&[("lamp", 1), ("$share/g/lamp", 1)]).await;
    ada.leave().await;
    let mut root = enter(broker.address, V5, "root", "root").await;
    root.publish("lamp", b"before", 1, false).await;
    assert_eq!(broker.counters.read().sessions, 1);

    Users::edit(folder.path(), |users| {
        users.remove("ada")?;
        users.add("ada", Role::Viewer, PASSWORD)
    })
    .unwrap();
    let counts = broker.until("the end of the session", |c| c.sessions == 0).await;
    assert_eq!((counts.subscriptions, counts.queued_bytes), (0, 0));
    root.publish("lamp", b"after", 1, false).await;
    let (mut ada, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(!is_old);
    ada.has_nothing().await;
    assert_eq!(ada.subscribe(&[("lamp", 1), ("$share/g/lamp", 1)]).await, [0x87, 0x87]);
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_is_sent_away_leaves_no_session() {
    let (broker, folder) = start(&[("ada", Role::Viewer)]).await;
    let mut ada = Raw::enter(broker.address, V5, &lasting(V5, "x", "ada").bytes()).await;
    ada.subscribe(&[("vitrina/#", 1)]).await;
    Users::edit(folder.path(), |users| users.set_password("ada", "battery staple")).unwrap();
    ada.is_refused(0x87).await;
    let counts = broker.until("its end", |c| c.clients + c.sessions == 0).await;
    assert_eq!(counts.subscriptions, 0);
    let connect = Connect { login: Some(("ada", "battery staple")), ..Connect::lasting(V5, "x") };
    let (_ada, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(!is_old);
    broker.stop().await;
}

#[tokio::test]
async fn the_first_user_ends_the_sessions_of_those_without_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let section = Section { anonymous: Some(Role::Viewer), ..section() };
    let broker = start_in(section, folder.path()).await;
    let connect = Connect::lasting(V5, "x");
    let mut anyone = Raw::enter(broker.address, V5, &connect.bytes()).await;
    assert_eq!(anyone.subscribe(&[("lamp", 1)]).await, [1]);
    anyone.leave().await;
    add(folder.path(), "root", Role::Admin);
    broker.until("the end of the session", |c| c.sessions == 0).await;
    let (mut viewer, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(!is_old);
    assert_eq!(viewer.subscribe(&[("lamp", 1)]).await, [0x87]);
    broker.stop().await;
}

#[tokio::test]
async fn no_trick_of_mqtt_5_gets_a_node_outside_its_name() {
    let (broker, folder) = start(&[("pi", Role::Node), ("root", Role::Admin)]).await;
    let mut root = enter(broker.address, V5, "root", "root").await;
    root.subscribe(&[("#", 1)]).await;
    root.publish("vitrina/other/status", b"kept", 0, true).await;
    root.published().await;

    let mut pi = Raw::enter(broker.address, V5, &lasting(V5, "root", "pi").bytes()).await;
    // Shared subscriptions are checked by the filter behind their group, whatever the group's name.
    for filter in [
        "$share/g/vitrina/other/#",
        "$share/vitrina/+/status",
        "$share/pi/vitrina/+/status",
        "$share/pi/#",
        "$SYS/#",
    ] {
        assert_eq!(pi.subscribe(&[(filter, 1)]).await, [0x87], "{filter}");
    }
    assert_eq!(pi.subscribe(&[("$share/g/vitrina/pi/#", 1)]).await, [1]);
    // The topic behind an alias is what counts.
    for topic in ["vitrina/other/status", ""] {
        for qos in [1, 2] {
            pi.send(&publish_with(V5, topic, b"no", qos, true, &[0x23, 0, 1])).await;
            let answer = pi.packet().await.unwrap();
            assert_eq!((answer[0] >> 4, answer[4]), (3 + qos, 0x87), "{answer:02x?}");
        }
    }
    pi.send(&publish_with(V5, "vitrina/pi/status", b"1", 0, false, &[0x23, 0, 1])).await;
    pi.send(&publish_with(V5, "", b"2", 0, false, &[0x23, 0, 1])).await;
    for payload in [b"1", b"2"] {
        assert_eq!(root.published().await.payload, payload);
        assert_eq!(pi.published().await.payload, payload);
    }
    pi.leave().await;

    // A delayed will is checked as well, and is published when its user is removed.
    let will = |topic| Connect {
        will: Some((topic, b"gone", 0, false)),
        will_properties: &[0x18, 0, 0, 1, 0],
        ..lasting(V5, "w", "pi")
    };
    for topic in ["vitrina/other/status", "$SYS/broker/uptime", "vitrina/people/pi"] {
        assert_eq!(answer(broker.address, &will(topic)).await, 0x87, "{topic}");
    }
    let pi = Raw::enter(broker.address, V5, &will("vitrina/pi/status").bytes()).await;
    pi.vanish(&broker).await;
    root.has_nothing().await;
    assert_eq!(broker.counters.read().sessions, 2);
    Users::edit(folder.path(), |users| users.remove("pi")).unwrap();
    let gone = root.published().await;
    assert_eq!((&*gone.topic, &*gone.payload), ("vitrina/pi/status", &b"gone"[..]));
    broker.until("no sessions", |c| c.sessions == 0).await;
    broker.stop().await;
}

#[tokio::test]
async fn what_the_broker_says_of_itself_is_for_operators_and_administrators() {
    let roles = [Role::Node, Role::Gallery, Role::Viewer, Role::Operator, Role::Admin];
    let names = roles.map(|role| format!("a-{role}"));
    let users: Vec<_> = names.iter().map(String::as_str).zip(roles).collect();
    let (broker, _folder) = start(&users).await;
    for (name, role) in users {
        let mut client =
            Raw::enter(broker.address, V5, &login(V5, "x", name, PASSWORD).bytes()).await;
        let may = matches!(role, Role::Operator | Role::Admin);
        let code = if may { 0 } else { 0x87 };
        for filter in ["$SYS/broker/uptime", "$share/g/$SYS/#"] {
            assert_eq!(client.subscribe(&[(filter, 0)]).await, [code], "{role} {filter}");
            if may && filter.starts_with("$SYS") {
                assert_eq!(client.published().await.topic, filter);
            }
        }
        client.has_nothing().await;
    }
    broker.stop().await;
}
