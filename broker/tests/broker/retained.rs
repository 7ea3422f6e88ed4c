//! Retained messages.

use std::collections::HashSet;

use crate::raw::{BOTH, Raw, V5, V311, publish};
use crate::running::{section, start, start_with};
use broker::Section;

#[tokio::test]
async fn all_of_500_arrive_at_one_subscribe() {
    let broker = start().await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for n in 0..500 {
        let qos = u8::from(n % 2 == 0);
        publisher.publish(&format!("fact/{n}"), format!("{n}").as_bytes(), qos, true).await;
    }
    publisher.ping().await;
    for level in BOTH {
        for qos in [0, 1] {
            let mut late = Raw::connect(broker.address, level, "late").await;
            late.subscribe(&[("fact/+", qos)]).await;
            let mut topics = HashSet::new();
            for _ in 0..500 {
                let fact = late.published().await;
                assert!(fact.retain);
                assert_eq!(fact.topic, format!("fact/{}", String::from_utf8_lossy(&fact.payload)));
                if fact.qos == 1 {
                    late.acknowledge(fact.id).await;
                }
                topics.insert(fact.topic);
            }
            assert_eq!(topics.len(), 500);
            late.has_nothing().await;
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn an_empty_retained_message_deletes_and_an_empty_other_does_not() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    client.publish("a", b"kept", 1, true).await;
    client.publish("a", b"", 1, false).await;
    assert_eq!(broker.counters.read().retained, 1);
    client.subscribe(&[("a", 0)]).await;
    assert_eq!(client.published().await.payload, b"kept");
    // Again, because each SUBSCRIBE asks again.
    client.subscribe(&[("a", 0)]).await;
    assert_eq!(client.published().await.payload, b"kept");
    client.publish("a", b"", 0, true).await;
    let news = client.published().await;
    assert_eq!((news.payload, news.retain), (vec![], false));
    assert_eq!(broker.counters.read().retained, 0);
    client.subscribe(&[("a", 0)]).await;
    client.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn options_of_5_say_when_retained_messages_come_and_how_they_are_marked() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    client.publish("a", b"kept", 1, true).await;
    client.subscribe(&[("a", 0x20)]).await; // never
    client.has_nothing().await;
    client.subscribe(&[("+", 0x18)]).await; // when new, retain as published
    assert_eq!(client.published().await.payload, b"kept");
    client.subscribe(&[("+", 0x1c)]).await; // only if new, and no local messages
    client.has_nothing().await;
    client.send(&crate::raw::unsubscribe(V5, 3, &["a"])).await;
    assert_eq!(client.packet().await.unwrap()[0], 0xb0);
    let mut other = Raw::connect(broker.address, V311, "other").await;
    client.publish("a", b"own", 1, true).await;
    other.publish("a", b"news", 1, true).await;
    let news = client.published().await;
    assert_eq!((news.payload, news.retain), (b"news".to_vec(), true));
    broker.stop().await;
}

#[tokio::test]
async fn what_finds_no_room_is_sent_on_but_not_retained() {
    let broker = start_with(Section { retained: 1, ..section() }).await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    client.subscribe(&[("#", 0)]).await;
    client.publish("a", b"1", 0, true).await;
    assert_eq!(client.published().await.topic, "a");
    client.send(&publish(V5, "b", b"2", 1, true)).await;
    let mut came = [client.packet().await.unwrap(), client.packet().await.unwrap()];
    came.sort();
    assert_eq!(client.read_publish(&came[0]).topic, "b");
    assert_eq!(came[1], [0x40, 4, 0, 9, 0x97, 0]);
    assert_eq!(broker.counters.read().retained, 1);
    broker.stop().await;
}
