//! When wills are published, and when not.

use crate::raw::{BOTH, Connect, Raw, V5, V311};
use crate::running::{Running, start};

async fn with_will(broker: &Running, level: u8, client_id: &str, payload: &str) -> Raw {
    let will = Some(("status", payload.as_bytes(), 1, true));
    let connect = Connect { will, ..Connect::new(level, client_id) };
    Raw::enter(broker.address, level, &connect.bytes()).await
}

async fn watcher(broker: &Running) -> Raw {
    let mut watcher = Raw::connect(broker.address, V311, "watcher").await;
    watcher.subscribe(&[("status", 0)]).await;
    watcher
}

#[tokio::test]
async fn a_killed_client_leaves_its_will() {
    let broker = start().await;
    for level in BOTH {
        let mut watcher = watcher(&broker).await;
        drop(with_will(&broker, level, "node", "offline").await);
        let will = watcher.published().await;
        assert_eq!((will.payload, will.retain), (b"offline".to_vec(), false));
        let mut late = Raw::connect(broker.address, V311, "late").await;
        late.subscribe(&[("status", 0)]).await;
        assert!(late.published().await.retain, "it was retained");
        late.publish("status", b"", 0, true).await;
        assert_eq!(watcher.published().await.payload, b"");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_has_no_will() {
    let broker = start().await;
    let mut watcher = watcher(&broker).await;
    for level in BOTH {
        with_will(&broker, level, "node", "offline").await.leave().await;
    }
    broker.until("their end", |c| c.clients == 1).await;
    watcher.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_reason_to_leave_leaves_the_will() {
    let broker = start().await;
    let mut watcher = watcher(&broker).await;
    // The reason with and without a length of properties; both are allowed.
    for leave in [&[0xe0, 1, 4][..], &[0xe0, 2, 4, 0], &[0xe0, 1, 0x80]] {
        let mut node = with_will(&broker, V5, "node", "offline").await;
        node.send(leave).await;
        assert_eq!(watcher.published().await.payload, b"offline");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_takeover_publishes_the_old_will_and_keeps_the_new() {
    let broker = start().await;
    for level in BOTH {
        let mut watcher = watcher(&broker).await;
        let mut first = with_will(&broker, level, "node", "first").await;
        let mut second = with_will(&broker, level, "node", "second").await;
        first.is_refused(0x8e).await;
        assert_eq!(watcher.published().await.payload, b"first");
        second.publish("status", b"online", 1, true).await;
        assert_eq!(watcher.published().await.payload, b"online");
        watcher.has_nothing().await;
        drop(second);
        assert_eq!(watcher.published().await.payload, b"second");
        watcher.publish("status", b"", 0, true).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_will_waits_for_its_delay_and_a_client_that_returns_in_time_has_none() {
    let broker = start().await;
    let mut watcher = watcher(&broker).await;
    let delayed = |seconds: &'static [u8], expiry: &'static [u8]| Connect {
        clean: false,
        properties: expiry,
        will_properties: seconds,
        will: Some(("status", b"offline", 1, false)),
        ..Connect::new(V5, "node")
    };
    let (second, day) = (&[0x18, 0, 0, 0, 1][..], &[0x18, 0, 1, 0, 0][..]);
    let (session_second, session_day) = (&[0x11, 0, 0, 0, 1][..], &[0x11, 0, 1, 0, 0][..]);

    // It returns in time, twice: after it left, and by taking over.
    let connect = delayed(second, session_day);
    let (node, _) = Raw::return_to(broker.address, &connect).await;
    node.vanish(&broker).await;
    let (mut node, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(is_old);
    let (again, _) = Raw::return_to(broker.address, &connect).await;
    node.is_refused(0x8e).await;
    broker.pass(2).await;
    watcher.has_nothing().await;

    // It does not return: the will comes, and the session goes on.
    again.vanish(&broker).await;
    assert_eq!(watcher.published().await.payload, b"offline");
    let (node, is_old) = Raw::return_to(broker.address, &delayed(day, session_second)).await;
    assert!(is_old);

    // The session ends before the delay does.
    let before = broker.counters.read().expired;
    node.vanish(&broker).await;
    assert_eq!(watcher.published().await.payload, b"offline");
    let counts = broker.counters.read();
    assert_eq!((counts.expired, counts.sessions), (before + 1, 0));

    // A new session ends the old one, which publishes the will: once for an absent client, and once
    // by taking over.
    let connect = delayed(day, session_day);
    Raw::return_to(broker.address, &connect).await.0.vanish(&broker).await;
    watcher.has_nothing().await;
    let clean = Connect { clean: true, ..connect };
    let (first, _) = Raw::return_to(broker.address, &clean).await;
    assert_eq!(watcher.published().await.payload, b"offline");
    let (second, _) = Raw::return_to(broker.address, &clean).await;
    drop(first);
    assert_eq!(watcher.published().await.payload, b"offline");
    second.leave().await;
    watcher.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn delayed_wills_of_absent_clients_are_bounded_in_bytes() {
    let section = broker::Section { session_bytes: 256 << 10, ..crate::running::section() };
    let broker = crate::running::start_with(section).await;
    let mut watcher = Raw::connect(broker.address, V311, "watcher").await;
    watcher.subscribe(&[("will", 1)]).await;
    for n in 0..10 {
        let id = format!("gone-{n}");
        let connect = Connect {
            clean: false,
            properties: &[0x11, 0, 1, 0, 0],
            will_properties: &[0x18, 0, 1, 0, 0],
            will: Some(("will", &[n; 60_000], 1, false)),
            ..Connect::new(V5, &id)
        };
        Raw::enter(broker.address, V5, &connect.bytes()).await.vanish(&broker).await;
    }
    // Each one for which there was no room was published as its session ended.
    for _ in 0..6 {
        let will = watcher.published().await;
        watcher.acknowledge(will.id).await;
    }
    watcher.has_nothing().await;
    let counts = broker.counters.read();
    assert_eq!((counts.sessions, counts.discarded), (4, 6));
    broker.stop().await;
}

#[tokio::test]
async fn the_properties_of_a_will_come_with_it_and_its_expiry_counts_from_then_on() {
    let broker = start().await;
    let mut watcher = Raw::connect(broker.address, V5, "watcher").await;
    watcher.subscribe(&[("status", 2)]).await;
    let user = [0x26, 0, 1, b'k', 0, 1, b'v'];
    let properties = [&[0x02, 0, 0, 0, 9][..], &user].concat();
    let will = Some(("status", &b"offline"[..], 2, false));
    let connect = Connect { will, will_properties: &properties, ..Connect::new(V5, "node") };
    let node = Raw::enter(broker.address, V5, &connect.bytes()).await;
    // From the CONNECT, at most 7 s would be left.
    broker.pass(2).await;
    drop(node);
    let will = watcher.published().await;
    assert_eq!(will.qos, 2);
    assert_eq!(will.properties[5..], user);
    assert!((8..=9).contains(&will.properties[4]), "{:?}", will.properties);
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_breaks_the_rules_leaves_its_will() {
    let broker = start().await;
    let mut watcher = watcher(&broker).await;
    let mut node = with_will(&broker, V5, "node", "offline").await;
    node.send(&[0xf0, 0]).await;
    assert_eq!(watcher.published().await.payload, b"offline");
    broker.stop().await;
}

#[tokio::test]
async fn a_will_to_a_topic_of_the_broker_is_refused() {
    let broker = start().await;
    for (level, answer) in [(V311, 5), (V5, 0x87)] {
        let will = Some(("$SYS/x", &b"x"[..], 0, false));
        let connect = Connect { will, ..Connect::new(level, "x") };
        let reason = Raw::is_turned_away(broker.address, level, &connect.bytes()).await;
        assert_eq!(reason, answer);
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_between_pictures_has_no_will() {
    let broker = start().await;
    let mut watcher = watcher(&broker).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for _ in 0..50 {
        let mut node = with_will(&broker, V311, "node", "offline").await;
        node.subscribe(&[("jpeg", 0)]).await;
        for _ in 0..10 {
            publisher.publish("jpeg", &[0; 300_000], 0, false).await;
        }
        // Closed with unread bytes, so that the broker's next write fails.
        node.send(&[0xe0, 0]).await;
        drop(node);
        broker.until("its end", |c| c.clients == 2).await;
    }
    watcher.has_nothing().await;
    broker.stop().await;
}
