//! Sessions that outlive their connections.

use broker::Section;

use crate::raw::{BOTH, Connect, Raw, V5, V311, publish_with};
use crate::running::{section, start, start_with};

#[tokio::test]
async fn what_waited_for_a_client_arrives_when_it_returns_and_qos_0_does_not() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "keeps");
        let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
        assert!(!is_old);
        client.subscribe(&[("a/#", 2)]).await;
        client.leave().await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for qos in [0, 1, 2, 1] {
            publisher.publish("a/b", &[qos], qos, false).await;
        }
        let counts = broker.counters.read();
        assert_eq!((counts.sessions, counts.subscriptions), (1, 1));
        let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
        assert!(is_old);
        for qos in [1, 2, 1] {
            let message = client.published().await;
            assert_eq!((message.payload, message.qos, message.dup), (vec![qos], qos, false));
            match qos {
                1 => client.acknowledge(message.id).await,
                _ => client.complete_among_others(message.id).await,
            }
        }
        // It is still subscribed, and no message comes twice.
        publisher.publish("a/b", b"news", 0, false).await;
        assert_eq!(client.published().await.payload, b"news");
        client.leave().await;
        let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
        assert!(is_old);
        client.has_nothing().await;
        // A clean start ends it.
        let (client, is_old) =
            Raw::return_to(broker.address, &Connect { clean: true, ..connect }).await;
        assert!(!is_old);
        assert_eq!(broker.counters.read().subscriptions, 0);
        client.leave().await;
        Raw::connect(broker.address, level, "keeps").await.leave().await;
        let counts = broker.until("no sessions", |c| c.sessions == 0).await;
        assert_eq!(counts.queued_bytes, 0);
    }
    broker.stop().await;
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_in_order_and_marked() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "keeps");
        let mut client = Raw::enter(broker.address, level, &connect.bytes()).await;
        client.subscribe(&[("a", 2)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for n in 0..6 {
            publisher.publish("a", &[n], 1 + n % 2, false).await;
        }
        let mut ids = Vec::new();
        for n in 0..6 {
            let message = client.published().await;
            assert_eq!((message.payload, message.dup), (vec![n], false));
            ids.push(message.id);
        }
        // The first is done, the second is received and not released, the fourth is released.
        client.acknowledge(ids[0]).await;
        let [high, low] = ids[3].to_be_bytes();
        client.send(&[0x50, 2, high, low]).await;
        client.gets(&[0x62, 2, high, low]).await;
        client.vanish(&broker).await;
        publisher.publish("a", &[6], 1, false).await;

        let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
        assert!(is_old);
        for n in [1, 2, 3, 4, 5, 6] {
            if n == 3 {
                client.gets(&[0x62, 2, high, low]).await;
                client.send(&[0x70, 2, high, low]).await;
                continue;
            }
            let message = client.published().await;
            assert_eq!((message.payload, message.dup), (vec![n], n < 6));
            if n == 6 {
                ids.push(message.id);
            }
            assert_eq!(message.id, ids[usize::from(n)]);
        }
        for n in [1, 5] {
            client.complete(ids[n]).await;
        }
        for n in [2, 4, 6] {
            client.acknowledge(ids[n]).await;
        }
        client.ping().await;
        assert_eq!(broker.counters.read().queued_bytes, 0);
        client.leave().await;
        let (mut client, _) = Raw::return_to(broker.address, &connect).await;
        client.has_nothing().await;
        client.leave().await;
        Raw::connect(broker.address, level, "keeps").await.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_session_is_taken_over_with_all_that_waits() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "keeps");
        let mut first = Raw::enter(broker.address, level, &connect.bytes()).await;
        first.subscribe(&[("a", 1)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        publisher.publish("a", b"1", 1, false).await;
        assert_eq!(first.published().await.payload, b"1");
        let (mut second, is_old) = Raw::return_to(broker.address, &connect).await;
        assert!(is_old);
        first.is_refused(0x8e).await;
        let message = second.published().await;
        assert_eq!((&*message.payload, message.dup), (&b"1"[..], true));
        publisher.publish("a", b"2", 1, false).await;
        assert_eq!(second.published().await.payload, b"2");
        second.leave().await;
        Raw::connect(broker.address, level, "keeps").await.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_its_time_has_passed_and_disconnect_may_change_that() {
    let broker = start().await;
    let expiry = |seconds: u8| [0x11, 0, 0, 0, seconds];
    let short = expiry(1);
    let connect = Connect { clean: false, properties: &short, ..Connect::new(V5, "keeps") };
    let mut client = Raw::enter(broker.address, V5, &connect.bytes()).await;
    client.subscribe(&[("a", 1)]).await;
    client.leave().await;
    assert_eq!(broker.counters.read().subscriptions, 1);
    broker.until("the end of the session", |c| c.expired == 1 && c.subscriptions == 0).await;
    assert!(!Raw::return_to(broker.address, &connect).await.1);
    broker.until("the end of the session", |c| c.expired == 2).await;

    // At its end it asks for a longer session; then for none.
    let mut client = Raw::enter(broker.address, V5, &connect.bytes()).await;
    client.send(&[&[0xe0, 7, 0, 5][..], &expiry(100)].concat()).await;
    assert_eq!(client.packet().await, None);
    broker.pass(2).await;
    let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
    assert!(is_old);
    client.send(&[&[0xe0, 7, 0, 5][..], &expiry(0)].concat()).await;
    assert_eq!(client.packet().await, None);
    assert_eq!(broker.counters.read().sessions, 0);
    broker.stop().await;
}

#[tokio::test]
async fn the_longest_session_is_bounded_for_both_versions() {
    let broker = start_with(Section { session_expiry: 1, ..section() }).await;
    for level in BOTH {
        let properties: &[u8] = if level == V5 { &[0x11, 0xff, 0xff, 0xff, 0xff] } else { &[] };
        let connect = Connect { clean: false, properties, ..Connect::new(level, "keeps") };
        let mut client = Raw::open(broker.address, level).await;
        client.send(&connect.bytes()).await;
        let connack = client.packet().await.unwrap();
        assert!(level == V311 || connack.windows(5).any(|w| w == [0x11, 0, 0, 0, 1]));
        client.leave().await;
        broker.until("the end of the session", |c| c.sessions == 0).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn too_many_sessions_are_refused_and_those_that_are_there_stay() {
    let broker = start_with(Section { sessions: 2, ..section() }).await;
    for level in BOTH {
        let ids = [format!("a{level}"), format!("b{level}")];
        for id in &ids {
            let connect = Connect::lasting(level, id);
            Raw::enter(broker.address, level, &connect.bytes()).await.leave().await;
        }
        let refused = Connect::lasting(level, "c").bytes();
        let reason = Raw::is_turned_away(broker.address, level, &refused).await;
        assert_eq!(reason, if level == V5 { 0x97 } else { 3 });
        Raw::connect(broker.address, level, "clean").await.leave().await;
        for id in &ids {
            let (client, is_old) =
                Raw::return_to(broker.address, &Connect::lasting(level, id)).await;
            assert!(is_old);
            client.leave().await;
            Raw::connect(broker.address, level, id).await.leave().await;
        }
    }
    assert_eq!(broker.counters.read().sessions, 0);
    broker.stop().await;
}

#[tokio::test]
async fn a_long_client_id_is_not_kept_while_its_client_is_away() {
    let broker = start().await;
    let id = "x".repeat(1025);
    for level in BOTH {
        let connect = Connect::lasting(level, &id).bytes();
        let reason = Raw::is_turned_away(broker.address, level, &connect).await;
        assert_eq!(reason, if level == V5 { 0x85 } else { 2 });
        Raw::connect(broker.address, level, &id).await.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn an_absent_client_whose_queue_is_full_loses_its_session_and_no_other_does() {
    for (queue, queue_bytes) in [(10, 64 << 20), (100_000, 64 << 10)] {
        let broker = start_with(Section { queue, queue_bytes, ..section() }).await;
        for level in BOTH {
            for (id, filter) in [("full", "a"), ("other", "b")] {
                let connect = Connect::lasting(level, id);
                let mut client = Raw::enter(broker.address, level, &connect.bytes()).await;
                client.subscribe(&[(filter, 1)]).await;
                client.leave().await;
            }
            let mut publisher = Raw::connect(broker.address, level, "publisher").await;
            publisher.publish("b", b"kept", 1, false).await;
            for _ in 0..100 {
                publisher.publish("a", &[0; 1000], 1, false).await;
                let queued = broker.counters.read().queued_bytes;
                assert!(queued <= 128 << 10, "{queued}");
            }
            assert_eq!(broker.counters.read().sessions, 1);
            let connect = Connect::lasting(level, "full");
            let (client, is_old) = Raw::return_to(broker.address, &connect).await;
            assert!(!is_old, "what was lost is not lost in silence");
            client.leave().await;
            let connect = Connect::lasting(level, "other");
            let (mut client, is_old) = Raw::return_to(broker.address, &connect).await;
            assert!(is_old);
            let message = client.published().await;
            assert_eq!(message.payload, b"kept");
            client.leave().await;
            for id in ["full", "other"] {
                Raw::connect(broker.address, level, id).await.leave().await;
            }
        }
        let counts = broker.until("free queues", |c| c.queued_bytes == 0).await;
        assert_eq!(counts.discarded, 2);
        broker.stop().await;
    }
}

#[tokio::test]
async fn all_that_waits_for_absent_clients_is_bounded_together() {
    const MOST: u64 = 256 << 10;
    let session_bytes = usize::try_from(MOST).unwrap();
    let broker = start_with(Section { session_bytes, ..section() }).await;
    for n in 0..20 {
        let id = format!("absent-{n}");
        let connect = Connect::lasting(V311, &id);
        let mut client = Raw::enter(broker.address, V311, &connect.bytes()).await;
        // The first gets more than the others.
        let filter = if n == 0 { "#" } else { "a" };
        client.subscribe(&[(filter, 1)]).await;
        client.leave().await;
    }
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for n in 0..200_u8 {
        let topic = if n % 10 == 0 { "a" } else { "b" };
        publisher.publish(topic, &[n; 1000], 1, false).await;
        assert!(broker.counters.read().queued_bytes <= MOST);
    }
    assert!(broker.counters.read().discarded > 0);
    let connect = Connect::lasting(V311, "absent-0");
    assert!(!Raw::return_to(broker.address, &connect).await.1, "the largest went first");
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_is_here_and_overrun_loses_its_session_too() {
    let broker = start_with(Section { queue: 10, inflight: 5, ..section() }).await;
    let connect = Connect::lasting(V5, "stuck");
    let mut stuck = Raw::enter(broker.address, V5, &connect.bytes()).await;
    stuck.subscribe(&[("a", 2)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for n in 0..30 {
        publisher.publish("a", &[n], 2, false).await;
    }
    let counts = broker.until("its end", |c| c.clients == 1).await;
    assert_eq!((counts.overrun, counts.sessions, counts.subscriptions), (1, 0, 0));
    assert!(!Raw::return_to(broker.address, &connect).await.1);
    broker.stop().await;
}

#[tokio::test]
async fn what_has_expired_while_a_client_was_away_does_not_come() {
    let broker = start().await;
    let connect = Connect::lasting(V5, "keeps");
    let mut client = Raw::enter(broker.address, V5, &connect.bytes()).await;
    client.subscribe(&[("a", 2)]).await;
    client.leave().await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for (payload, seconds) in [(b"late", 1), (b"kept", 100)] {
        let expiry = [0x02, 0, 0, 0, seconds];
        publisher.send(&publish_with(V5, "a", payload, 1, true, &expiry)).await;
        publisher.gets(&[0x40, 2, 0, 9]).await;
        publisher.send(&publish_with(V5, "b", payload, 1, true, &[0x02, 0, 0, 0, 1])).await;
        publisher.gets(&[0x40, 2, 0, 9]).await;
    }
    broker.pass(2).await;
    let (mut client, _) = Raw::return_to(broker.address, &connect).await;
    let message = client.published().await;
    assert_eq!(message.payload, b"kept");
    assert!((90..99).contains(&message.properties[4]), "{:?}", message.properties);
    client.acknowledge(message.id).await;
    client.has_nothing().await;
    // One of the retained messages has expired too, and is removed in the end.
    client.subscribe(&[("+", 0)]).await;
    assert_eq!(client.published().await.payload, b"kept");
    client.has_nothing().await;
    broker.until("the end of what has expired", |c| c.retained == 1).await;
    broker.stop().await;
}
