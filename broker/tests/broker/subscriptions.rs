//! SUBSCRIBE, UNSUBSCRIBE, and who gets what.

use broker::Section;

use crate::raw::{BOTH, Raw, V5, V311, packet, publish, publish_with, put_str, unsubscribe};
use crate::running::{section, start, start_with};

#[tokio::test]
async fn only_the_filters_that_are_not_valid_are_refused() {
    let broker = start().await;
    let filters =
        [("a", 0), ("a/#/b", 0), ("b", 1), ("", 0), ("$share/g", 1), ("c", 2), ("$share/+/a", 0)];
    let mut client = Raw::connect(broker.address, V311, "client").await;
    assert_eq!(client.subscribe(&filters).await, [0, 0x80, 1, 0x80, 0x80, 2, 0x80]);
    let mut client = Raw::connect(broker.address, V5, "client").await;
    assert_eq!(client.subscribe(&filters).await, [0, 0x8f, 1, 0x8f, 0x8f, 2, 0x8f]);
    client.publish("b", b"x", 0, false).await;
    assert_eq!(client.published().await.topic, "b");
    broker.stop().await;
}

#[tokio::test]
async fn too_many_subscriptions_are_refused_one_by_one() {
    let broker = start_with(Section { subscriptions: 2, ..section() }).await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    assert_eq!(client.subscribe(&[("a", 0), ("b", 0), ("c", 0), ("a", 1)]).await, [0, 0, 0x97, 1]);
    broker.stop().await;
}

#[tokio::test]
async fn unsubscribe_is_answered_once_for_known_and_unknown_filters() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("a", 0)]).await;
        client.send(&unsubscribe(level, 5, &["a", "unknown", "a/#/b"])).await;
        let unsuback = client.packet().await.unwrap();
        if level == V5 {
            assert_eq!(unsuback, [0xb0, 6, 0, 5, 0, 0, 0x11, 0x8f]);
        } else {
            assert_eq!(unsuback, [0xb0, 2, 0, 5]);
        }
        client.publish("a", b"x", 0, false).await;
        client.has_nothing().await;
        assert_eq!(broker.counters.read().subscriptions, 0);
        client.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn the_lower_qos_holds_and_overlapping_filters_bring_one_copy() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("#", 0), ("a/+", 1), ("a/b", 0)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        publisher.publish("a/b", b"0", 0, false).await;
        assert_eq!(client.published().await.qos, 0);
        publisher.publish("a/b", b"1", 1, false).await;
        let message = client.published().await;
        assert_eq!((message.qos, message.id), (1, 1));
        client.acknowledge(1).await;
        publisher.publish("c", b"0", 1, false).await;
        assert_eq!(client.published().await.qos, 0);
        client.has_nothing().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn properties_travel_and_the_expiry_counts_down() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    let mut old = Raw::connect(broker.address, V311, "old").await;
    client.subscribe(&[("a", 0)]).await;
    old.subscribe(&[("a", 0)]).await;
    let mut kept = vec![0x01, 1];
    for (property, text) in [(0x08, "reply/to"), (0x09, "id")] {
        kept.push(property);
        put_str(&mut kept, text);
    }
    for (key, value) in [("k", "1"), ("k", "2"), ("", "é")] {
        kept.push(0x26);
        put_str(&mut kept, key);
        put_str(&mut kept, value);
    }
    kept.push(0x03);
    put_str(&mut kept, "image/jpeg");
    let expiry = [0x02, 0, 0, 0, 100];
    let properties = [&kept[..], &expiry].concat();
    client.send(&publish_with(V5, "a", b"x", 0, false, &properties)).await;
    let message = client.published().await;
    assert_eq!(message.payload, b"x");
    assert_eq!(message.properties[5..], kept);
    assert_eq!(message.properties[..4], expiry[..4]);
    assert!((90..=100).contains(&message.properties[4]));
    assert_eq!(old.published().await.payload, b"x");
    // An expired message is not sent.
    client.send(&publish_with(V5, "a", b"late", 0, true, &[0x02, 0, 0, 0, 0])).await;
    client.has_nothing().await;
    client.subscribe(&[("a", 0)]).await;
    client.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_gets_no_packet_that_is_larger_than_it_takes() {
    let broker = start().await;
    let connect = crate::raw::Connect {
        properties: &[0x27, 0, 0, 0, 30],
        ..crate::raw::Connect::new(V5, "small")
    };
    let mut client = Raw::enter(broker.address, V5, &connect.bytes()).await;
    client.subscribe(&[("a", 1)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    // Two bytes of header, three of topic, one of properties; an identifier at QoS 1.
    publisher.publish("a", &[0; 24], 0, false).await;
    assert_eq!(client.published().await.payload.len(), 24);
    for (len, qos) in [(25, 0), (23, 1)] {
        publisher.publish("a", &vec![0; len], qos, false).await;
    }
    publisher.publish("a", &[0; 22], 1, false).await;
    assert_eq!(client.published().await.payload.len(), 22);
    assert_eq!(broker.counters.read().dropped, 2);
    broker.stop().await;
}

#[tokio::test]
async fn topics_of_the_broker_cannot_be_published_to() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("$SYS/x", 0), ("#", 0)]).await;
        client.send(&publish(level, "$SYS/x", b"x", 0, true)).await;
        client.send(&publish(level, "$SYS/x", b"x", 1, true)).await;
        let puback = client.packet().await.unwrap();
        if level == V5 {
            assert_eq!(puback, [0x40, 4, 0, 9, 0x87, 0]);
        } else {
            assert_eq!(puback, [0x40, 2, 0, 9]);
        }
        client.has_nothing().await;
    }
    assert_eq!(broker.counters.read().retained, 0);
    broker.stop().await;
}

#[tokio::test]
async fn topics_that_are_not_valid_end_their_publisher() {
    let broker = start().await;
    for level in BOTH {
        for topic in ["", "a/#", "+", "a/+/b"] {
            let mut client = Raw::connect(broker.address, level, "client").await;
            client.send(&publish(level, topic, b"x", 0, false)).await;
            client.is_refused(0x90).await;
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused_by_its_name() {
    let broker = start().await;
    let alias = |topic, number| publish_with(V5, topic, b"x", 0, false, &[0x23, 0, number]);
    let identifier = packet(0x82, &[0, 1, 2, 0x0b, 0, 0, 1, b'a', 0]);
    let sent_identifier = publish_with(V5, "a", b"x", 0, false, &[0x0b, 1]);
    let no_local = crate::raw::subscribe(V5, 1, &[("$share/g/a", 0x04)]);
    for (bytes, reason) in [
        (alias("a", 0), 0x94),
        (alias("a", 65), 0x94),
        (alias("", 1), 0x82),
        (identifier, 0x82),
        (sent_identifier, 0x82),
        (no_local, 0x82),
        (vec![0x60, 2, 0, 1], 0x81), // PUBREL with wrong flags
        (vec![0x36, 5, 0, 1, b'a', 0, 1], 0x81), // QoS 3
        (vec![0x34, 6, 0, 1, b'a', 0, 0, 0], 0x81), // the identifier 0
        (vec![0xe0, 7, 0, 5, 0x11, 0, 0, 0, 1], 0x82), // an expiry for a session without
        (vec![0xf0, 0], 0x82),       // AUTH
        (vec![0x30, 0xff, 0xff, 0xff, 0x7f], 0x95),
        (vec![0x82, 0xff, 0xff, 0x7f], 0x95),
        (vec![0x80, 0], 0x81),
    ] {
        for level in BOTH {
            if level == V311 && !matches!(reason, 0x81 | 0x95) {
                continue;
            }
            let mut client = Raw::connect(broker.address, level, "client").await;
            client.send(&bytes).await;
            client.is_refused(reason).await;
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn long_topics_and_filters_are_refused() {
    let broker = start_with(Section { topic_length: 40, topic_levels: 3, ..section() }).await;
    let long = "x".repeat(41);
    for level in BOTH {
        let invalid = if level == V5 { 0x8f } else { 0x80 };
        let mut client = Raw::connect(broker.address, level, "client").await;
        let filters = [(&*long, 0), ("a/b/c/d", 0), ("a/b/#", 0), ("$share/g/a", 0)];
        let granted = client.subscribe(&filters).await;
        assert_eq!(granted, [invalid, invalid, 0, 0]);
        client.send(&publish(level, "a/b/c/d", b"x", 1, false)).await;
        client.is_refused(0x90).await;
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.send(&publish(level, &long, b"x", 0, false)).await;
        client.is_refused(0x90).await;
    }
    let will = Some((&*long, &b"x"[..], 0, false));
    let connect = crate::raw::Connect { will, ..crate::raw::Connect::new(V5, "x") };
    assert_eq!(Raw::is_turned_away(broker.address, V5, &connect.bytes()).await, 0x90);
    broker.stop().await;
}

#[tokio::test]
async fn filters_are_bounded_in_bytes_of_all_clients_together() {
    let broker = start_with(Section { subscription_bytes: 64 << 10, ..section() }).await;
    let mut first = Raw::connect(broker.address, V5, "first").await;
    let mut granted = 0;
    for n in 0..200 {
        let filter = format!("{n}/b/c");
        match first.subscribe(&[(&filter, 0)]).await[..] {
            [0] => granted += 1,
            [0x97] => break,
            ref other => panic!("{other:02x?}"),
        }
    }
    assert!((20..100).contains(&granted), "{granted}");
    let mut second = Raw::connect(broker.address, V311, "second").await;
    let names: Vec<_> = (0..9).map(|n| format!("longer/than/before/{n}")).collect();
    let filters: Vec<_> = names.iter().map(|name| (&**name, 0)).collect();
    assert_eq!(second.subscribe(&filters).await, [0, 0, 0, 0, 0, 0, 0, 0, 0x80]);
    first.leave().await;
    assert_eq!(second.subscribe(&filters[8..]).await, [0]);
    broker.stop().await;
}

#[tokio::test]
async fn what_nobody_may_use_is_refused_and_wildcards_do_not_help() {
    let deny = vec!["secret/#".to_owned()];
    let broker = start_with(Section { deny, ..section() }).await;
    for level in BOTH {
        let refused = if level == V5 { 0x87 } else { 0x80 };
        let mut client = Raw::connect(broker.address, level, "client").await;
        let filters =
            [("secret/#", 0), ("secret", 0), ("secret/+", 0), ("$share/g/secret/a", 0), ("#", 0)];
        let granted = client.subscribe(&filters).await;
        assert_eq!(granted, [refused, refused, refused, refused, 0]);
        client.send(&publish(level, "secret/a", b"x", 0, true)).await;
        client.send(&publish(level, "secret/a", b"x", 2, true)).await;
        let ok = [0x50, 2, 0, 9];
        client.gets(if level == V5 { &[0x50, 4, 0, 9, 0x87, 0] } else { &ok }).await;
        client.has_nothing().await;
        let will = Some(("secret/a", &b"x"[..], 0, false));
        let connect = crate::raw::Connect { will, ..crate::raw::Connect::new(level, "x") };
        let reason = Raw::is_turned_away(broker.address, level, &connect.bytes()).await;
        assert_eq!(reason, if level == V5 { 0x87 } else { 5 });
    }
    assert_eq!(broker.counters.read().retained, 0);
    broker.stop().await;
}

#[tokio::test]
async fn the_numbers_of_all_subscriptions_that_match_come_along() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    let subscribe = |number: &[u8], filter: &str| {
        let properties = [&[0x0b], number].concat();
        let mut body = vec![0, 7, u8::try_from(properties.len()).unwrap()];
        body.extend(properties);
        put_str(&mut body, filter);
        body.push(1);
        packet(0x82, &body)
    };
    client.publish("a/b", b"kept", 1, true).await;
    client.send(&subscribe(&[5], "a/b")).await;
    client.gets(&[0x90, 4, 0, 7, 0, 1]).await;
    assert_eq!(client.published().await.properties, [0x0b, 5]);
    // The largest identifier; and a subscription without one.
    client.send(&subscribe(&[0xff, 0xff, 0xff, 0x7f], "a/#")).await;
    client.gets(&[0x90, 4, 0, 7, 0, 1]).await;
    assert_eq!(client.published().await.properties, [0x0b, 0xff, 0xff, 0xff, 0x7f]);
    client.subscribe(&[("#", 0x20)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    publisher.publish("a/b", b"x", 1, false).await;
    let message = client.published().await;
    let (one, other) = ([0x0b, 5], [0x0b, 0xff, 0xff, 0xff, 0x7f]);
    let either = [[&one[..], &other].concat(), [&other[..], &one].concat()];
    assert!(either.contains(&message.properties), "{message:02x?}");
    // A new SUBSCRIBE replaces the identifier.
    client.subscribe(&[("a/#", 0x20)]).await;
    publisher.publish("a/b", b"x", 1, false).await;
    assert_eq!(client.published().await.properties, one);
    publisher.publish("other", b"x", 1, false).await;
    assert!(client.published().await.properties.is_empty());
    broker.stop().await;
}
