//! How much one address or user can take, and how much is left for others.

use access::{Role, Users};
use broker::Section;

use crate::raw::{Connect, Raw, V5, V311, publish};
use crate::running::{section, start, start_in, start_with};

const OTHER: [u8; 4] = [127, 0, 0, 2];

#[tokio::test]
async fn connections_that_never_say_connect_keep_nobody_out() {
    let broker =
        start_with(Section { connections_per_address: 8, connections: 20, ..section() }).await;
    let mut silent = Vec::new();
    for _ in 0..30 {
        silent.push(Raw::open(broker.address, V311).await);
    }
    let mut here = Raw::connect(broker.address, V311, "here").await;
    let mut other = Raw::connect_from(OTHER, broker.address, "other").await;
    here.ping().await;
    other.ping().await;
    broker.until("no more than may be", |counts| counts.connections <= 9).await;
    broker.stop().await;
}

#[tokio::test]
async fn one_client_cannot_take_all_sessions() {
    let broker = start_with(Section { sessions: 64, ..section() }).await;
    let mut refused = 0;
    for n in 0..64 {
        let mut raw = Raw::open(broker.address, V5).await;
        raw.send(&Connect::lasting(V5, &format!("greedy-{n}")).bytes()).await;
        refused += usize::from(raw.packet().await.unwrap()[3] == 0x97);
    }
    assert_eq!(refused, 32);
    for n in 0..8 {
        let mut raw = Raw::open_from(OTHER, broker.address, V311).await;
        raw.send(&Connect::lasting(V311, &format!("other-{n}")).bytes()).await;
        assert_eq!(raw.packet().await.unwrap()[3], 0);
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_nodes_user_cannot_take_what_is_retained_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let password = "correct horse battery";
    Users::edit(folder.path(), |users| {
        users.add("greedy", Role::Node, password)?;
        users.add("node", Role::Node, password)
    })
    .unwrap();
    let broker = start_in(Section { retained: 128, ..section() }, folder.path()).await;
    let enter = async |name: &'static str| {
        let connect = Connect { login: Some((name, password)), ..Connect::new(V311, name) };
        Raw::enter(broker.address, V311, &connect.bytes()).await
    };
    let mut greedy = enter("greedy").await;
    for n in 0..200 {
        greedy.send(&publish(V311, &format!("vitrina/greedy/{n}/state"), b"{}", 0, true)).await;
    }
    greedy.ping().await;
    assert_eq!(broker.counters.read().retained, 64);
    // A client may change what it has.
    greedy.publish("vitrina/greedy/0/state", b"news", 1, true).await;
    let mut node = enter("node").await;
    for n in 0..8 {
        node.publish(&format!("vitrina/node/{n}/state"), b"{}", 1, true).await;
    }
    assert_eq!(broker.counters.read().retained, 72);
    broker.stop().await;
}

#[tokio::test]
async fn thousands_of_wildcard_filters_delay_nobody() {
    let broker = start().await;
    let filter = |client: u32, n: u32| format!("{}{client}/{n}", "+/".repeat(17));
    let mut granted = 0;
    let mut greedy = Vec::new();
    for client in 0..12 {
        let mut raw = Raw::connect(broker.address, V311, &format!("greedy-{client}")).await;
        for n in 0..100 {
            let filters: Vec<_> = (0..10).map(|m| filter(client, 10 * n + m)).collect();
            let filters: Vec<_> = filters.iter().map(|filter| (filter.as_str(), 0)).collect();
            let codes = raw.subscribe(&filters).await;
            granted += codes.iter().filter(|code| **code == 0).count();
        }
        greedy.push(raw);
    }
    // Each filter counts with all its levels to its subscriber, and once to the total.
    assert!((400..1000).contains(&granted), "{granted}");
    let mut other = Raw::connect_from(OTHER, broker.address, "other").await;
    assert_eq!(other.subscribe(&[("vitrina/+/+/state", 0), ("+/+/x/#", 0)]).await, [0, 0]);
    other.publish("vitrina/a/b/state", b"x", 0, false).await;
    assert_eq!(other.published().await.payload, b"x");
    broker.stop().await;
}

#[tokio::test]
async fn packets_that_never_become_whole_hold_a_share_of_the_memory_and_nobody_waits_for_them() {
    let broker = start_with(Section { memory: Some(64 << 20), stall: 2, ..section() }).await;
    let picture = publish(V311, "vitrina-jpeg/a/b/preview", &vec![7; 4 << 20], 0, false);
    let mut unfinished = Vec::new();
    for n in 0..8 {
        let mut raw = Raw::connect(broker.address, V311, &format!("unfinished-{n}")).await;
        let part = picture[..2 << 20].to_vec();
        // The broker may not read all of it.
        unfinished.push(tokio::spawn(async move {
            raw.send_what_is_taken(&part).await;
            assert!(raw.next().await.is_none());
        }));
    }
    let mut other = Raw::connect_from(OTHER, broker.address, "other").await;
    other.subscribe(&[("vitrina-jpeg/#", 0)]).await;
    other.send(&picture).await;
    assert_eq!(other.published().await.payload.len(), 4 << 20);
    for raw in unfinished {
        raw.await.unwrap();
    }
    other.ping().await;
    broker.stop().await;
}
