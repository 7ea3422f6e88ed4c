//! The broker's own facts.

use std::collections::HashMap;

use crate::raw::{BOTH, Raw, V311};
use crate::running::start;

#[tokio::test]
async fn facts_come_at_a_subscribe_under_the_usual_names() {
    let broker = start().await;
    let mut other = Raw::connect(broker.address, V311, "other").await;
    other.publish("a", b"kept", 1, true).await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("#", 0), ("+/broker/#", 0)]).await;
        assert_eq!(client.published().await.topic, "a");
        client.has_nothing().await;
        client.subscribe(&[("$SYS/broker/#", 2)]).await;
        client.send(&[0xc0, 0]).await;
        let mut facts = HashMap::new();
        loop {
            let packet = client.packet().await.unwrap();
            if packet[0] == 0xd0 {
                // The answer comes before what waits, so more may follow.
                break;
            }
            let fact = client.read_publish(&packet);
            assert!(fact.retain);
            facts.insert(fact.topic, String::from_utf8(fact.payload).unwrap());
        }
        while facts.len() < 20 {
            let fact = client.published().await;
            facts.insert(fact.topic, String::from_utf8(fact.payload).unwrap());
        }
        let fact = |name: &str| &*facts[&format!("$SYS/broker/{name}")];
        assert!(fact("version").starts_with("vitrina version "));
        assert!(fact("uptime").ends_with(" seconds"));
        assert_eq!(fact("clients/connected"), "2");
        assert_eq!(fact("clients/total"), "2");
        assert_eq!(fact("retained messages/count"), "1");
        assert_eq!(fact("subscriptions/count"), "3");
        for name in ["messages/received", "messages/sent", "bytes/received", "bytes/sent"] {
            assert!(fact(name).parse::<u64>().unwrap() > 3, "{name}");
        }
        for name in ["received", "sent", "dropped"] {
            fact(&format!("publish/messages/{name}")).parse::<u64>().unwrap();
        }
        client.subscribe(&[("$SYS/broker/uptime", 0)]).await;
        assert_eq!(client.published().await.topic, "$SYS/broker/uptime");
        client.leave().await;
    }
    assert_eq!(broker.counters.read().retained, 1, "they take no room among the retained");
    broker.stop().await;
}

#[tokio::test]
async fn facts_come_again_while_somebody_listens() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V311, "client").await;
    client.subscribe(&[("$SYS/broker/clients/connected", 0)]).await;
    let fact = client.published().await;
    assert_eq!((&*fact.payload, fact.retain), (&b"1"[..], true));
    let _other = Raw::connect(broker.address, V311, "other").await;
    // At the next beat, within ten seconds.
    let fact = tokio::time::timeout(std::time::Duration::from_secs(15), client.next())
        .await
        .expect("news of the broker")
        .unwrap();
    let fact = client.read_publish(&fact);
    assert_eq!((&*fact.payload, fact.retain), (&b"2"[..], false));
    broker.stop().await;
}
