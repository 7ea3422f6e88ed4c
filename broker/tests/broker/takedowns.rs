//! Inputs with which one client takes rumqttd's own broker down; this broker survives them.

use broker::Section;

use crate::raw::{BOTH, Connect, Raw, V5, V311, packet, publish};
use crate::running::{Running, start};

/// Checks that everything still works for others, and for a new client.
async fn all_is_well(broker: &Running) {
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "canary").await;
        client.subscribe(&[("canary/#", 1)]).await;
        client.send(&publish(level, "canary/x", b"sings", 0, false)).await;
        assert_eq!(client.published().await.payload, b"sings");
        client.leave().await;
    }
}

#[tokio::test]
async fn a_topic_that_begins_with_a_multi_byte_character() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("#", 0), ("+/x", 1), ("é/+", 0), ("𝄞", 0)]).await;
        for topic in ["é/x", "é", "𝄞", "ß$/", "\u{feff}a"] {
            client.publish(topic, b"x", 0, false).await;
            assert_eq!(client.published().await.topic, topic);
        }
    }
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_shared_subscription_left_with_an_unacknowledged_message() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "sharer");
        let mut client = Raw::enter(broker.address, level, &connect.bytes()).await;
        assert_eq!(client.subscribe(&[("$share/g/a", 1), ("a", 2)]).await, [1, 2]);
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for qos in [1, 2] {
            publisher.publish("a", b"x", qos, false).await;
            assert_eq!(client.published().await.payload, b"x");
            assert_eq!(client.published().await.payload, b"x");
        }
        client.leave().await;
        publisher.publish("a", b"x", 1, false).await;
        // Once more, without a DISCONNECT; then its session ends.
        let (client, _) = Raw::return_to(broker.address, &connect).await;
        client.vanish(&broker).await;
        let connect = Connect { clean: true, ..connect };
        Raw::enter(broker.address, level, &connect.bytes()).await.leave().await;
    }
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_chain_of_absent_clients_each_of_whose_wills_is_too_much_for_the_next() {
    const COUNT: usize = 200;
    let section = Section { queue: 1, ..crate::running::section() };
    let broker = crate::running::start_with(section).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for n in 0..COUNT {
        let (id, next) = (format!("link-{n}"), format!("link-{}", n + 1));
        let connect = Connect {
            clean: false,
            properties: &[0x11, 0, 1, 0, 0],
            will_properties: &[0x18, 0, 1, 0, 0],
            will: Some((&next, b"falls", 1, false)),
            ..Connect::new(V5, &id)
        };
        let mut link = Raw::enter(broker.address, V5, &connect.bytes()).await;
        link.subscribe(&[(&id, 1)]).await;
        link.vanish(&broker).await;
        publisher.publish(&id, b"stands", 1, false).await;
    }
    assert_eq!(broker.counters.read().sessions, COUNT as u64);
    publisher.publish("link-0", b"falls", 1, false).await;
    let counts = broker.counters.read();
    assert_eq!((counts.sessions, counts.discarded), (0, COUNT as u64));
    assert_eq!((counts.subscriptions, counts.queued_bytes), (0, 0));
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_id_fought_over_by_connections_that_want_the_same_session() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "wanted").bytes();
        let mut subscriber = Raw::enter(broker.address, level, &connect).await;
        subscriber.subscribe(&[("a/#", 2), ("$share/g/a", 1)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for n in 0..50 {
            publisher.publish(&format!("a/{n}"), &[n], 2, false).await;
        }
        let mut others = Vec::new();
        for _ in 0..40 {
            let mut other = Raw::open(broker.address, level).await;
            other.send(&connect).await;
            others.push(other);
        }
        drop(others);
        broker.until("their end", |c| c.connections <= 2).await;
        let mut last = Raw::enter(broker.address, level, &connect).await;
        for n in 0..50 {
            let message = last.published().await;
            assert_eq!(message.payload, [n]);
            last.complete_among_others(message.id).await;
        }
        last.has_nothing().await;
        last.leave().await;
        Raw::connect(broker.address, level, "wanted").await.leave().await;
        publisher.leave().await;
    }
    assert_eq!(broker.counters.read().queued_bytes, 0);
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_subscriber_far_behind_that_says_disconnect_and_reads_on() {
    let broker = start().await;
    for level in BOTH {
        let mut behind = Raw::connect(broker.address, level, "behind").await;
        behind.subscribe(&[("a/#", 1)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for n in 0..1000 {
            publisher.publish(&format!("a/{n}"), &[0; 5000], u8::from(n % 2 == 1), false).await;
        }
        behind.send(&[0xe0, 0]).await;
        publisher.publish("a/more", b"x", 1, false).await;
        while behind.packet().await.is_some() {}
    }
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn client_ids_with_characters_of_topics_again_and_again() {
    let broker = start().await;
    for level in BOTH {
        for id in ["+", "$", "#", "/", "a/b", "é", "\u{1}", &"x".repeat(65_535)] {
            for _ in 0..3 {
                let mut client = Raw::connect(broker.address, level, id).await;
                client.ping().await;
                // Stays open, so that the next one takes it over.
                std::mem::forget(client);
            }
            let mut last = Raw::connect(broker.address, level, id).await;
            last.ping().await;
            last.leave().await;
        }
    }
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn the_same_client_id_when_no_more_connections_are_allowed() {
    let section = Section { connections: 2, ..crate::running::section() };
    let broker = crate::running::start_with(section).await;
    let first = Raw::connect(broker.address, V5, "a").await;
    let second = Raw::connect(broker.address, V5, "b").await;
    for _ in 0..5 {
        let mut third = Raw::open(broker.address, V5).await;
        assert_eq!(third.packet().await, None);
    }
    first.leave().await;
    second.leave().await;
    broker.until("free slots", |c| c.connections == 0).await;
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn idle_sockets_do_not_keep_others_out() {
    let broker = start().await;
    let mut idle = Vec::new();
    for level in BOTH.repeat(20) {
        let mut raw = Raw::open(broker.address, level).await;
        raw.send(&[0x10, 0xff, 0x01, 0]).await;
        idle.push(raw);
    }
    all_is_well(&broker).await;
    drop(idle);
    broker.until("free slots", |c| c.connections == 0).await;
    broker.stop().await;
}

#[tokio::test]
async fn packets_that_only_servers_send() {
    let broker = start().await;
    for level in BOTH {
        // CONNACK, SUBACK, UNSUBACK, PINGRESP, with content and without.
        for (first, body) in
            [(0x20, &[0, 0, 0][..]), (0x90, &[0, 1, 0, 0]), (0xb0, &[0, 1, 0, 0]), (0xd0, &[])]
        {
            for body in [body, &[]] {
                let mut client = Raw::connect(broker.address, level, "odd").await;
                client.send(&packet(first, body)).await;
                client.is_refused(0x82).await;
                let mut stranger = Raw::open(broker.address, level).await;
                stranger.send(&packet(first, body)).await;
                assert_eq!(stranger.packet().await, None);
            }
        }
    }
    broker.until("free slots", |c| c.connections == 0).await;
    all_is_well(&broker).await;
    broker.stop().await;
}

#[tokio::test]
async fn publishers_are_never_slowed_by_subscribers() {
    let broker = start().await;
    let mut stuck = Vec::new();
    for n in 0..20 {
        let mut client = Raw::connect(broker.address, V311, &format!("stuck-{n}")).await;
        client.subscribe(&[("a/#", 0)]).await;
        stuck.push(client);
    }
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for n in 0..200 {
        publisher.publish(&format!("a/{}", n % 8), &[0; 100_000], 1, false).await;
    }
    all_is_well(&broker).await;
    broker.stop().await;
}
