//! QoS 2: exactly once, in both directions.

use crate::raw::{BOTH, Connect, Raw, V5, publish};
use crate::running::{section, start, start_with};
use broker::Section;

#[tokio::test]
async fn a_message_sent_twice_arrives_once() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "client").await;
        client.subscribe(&[("a", 0)]).await;
        let message = publish(level, "a", b"x", 2, false);
        let mut again = message.clone();
        again[0] |= 8;
        for packet in [&message, &again, &again] {
            client.send(packet).await;
        }
        // One copy comes, among the answers.
        let mut copies = 0;
        let mut answers = 0;
        while answers < 3 || copies < 1 {
            match client.packet().await.unwrap() {
                packet if packet[0] == 0x50 => answers += 1,
                packet => {
                    assert_eq!(client.read_publish(&packet).payload, b"x");
                    copies += 1;
                }
            }
        }
        client.has_nothing().await;
        for _ in 0..2 {
            client.send(&[0x62, 2, 0, 9]).await;
            let unknown = [0x70, 4, 0, 9, 0x92, 0];
            let is_first = answers == 3;
            client.gets(if is_first || level != V5 { &[0x70, 2, 0, 9] } else { &unknown }).await;
            answers = 0;
        }
        // Released, so this is a new message.
        client.send(&message).await;
        let mut came = [client.packet().await.unwrap(), client.packet().await.unwrap()];
        came.sort();
        assert_eq!(client.read_publish(&came[0]).payload, b"x");
        client.has_nothing().await;
        client.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_message_sent_again_after_a_reconnect_arrives_once() {
    let broker = start().await;
    for level in BOTH {
        let mut subscriber = Raw::connect(broker.address, level, "subscriber").await;
        subscriber.subscribe(&[("a", 0)]).await;
        let connect = Connect::lasting(level, "publisher");
        let message = publish(level, "a", b"x", 2, false);
        for _ in 0..3 {
            let (mut publisher, _) = Raw::return_to(broker.address, &connect).await;
            publisher.send(&message).await;
            publisher.gets(&[0x50, 2, 0, 9]).await;
            publisher.vanish(&broker).await;
        }
        assert_eq!(subscriber.published().await.payload, b"x");
        subscriber.has_nothing().await;
        let (mut publisher, _) = Raw::return_to(broker.address, &connect).await;
        publisher.send(&[0x62, 2, 0, 9]).await;
        publisher.gets(&[0x70, 2, 0, 9]).await;
        publisher.leave().await;
        Raw::connect(broker.address, level, "publisher").await.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn thousands_arrive_once_and_in_order() {
    const COUNT: u16 = 3000;
    let broker = start().await;
    for level in BOTH {
        let mut subscriber = Raw::connect(broker.address, level, "subscriber").await;
        subscriber.subscribe(&[("a", 2)]).await;
        let address = broker.address;
        let publisher = tokio::spawn(async move {
            let mut publisher = Raw::connect(address, level, "publisher").await;
            for n in 0..COUNT {
                publisher.publish("a", &n.to_be_bytes(), 2, false).await;
            }
        });
        for n in 0..COUNT {
            let message = subscriber.published().await;
            assert_eq!((message.payload, message.qos), (n.to_be_bytes().to_vec(), 2));
            subscriber.complete_among_others(message.id).await;
        }
        publisher.await.unwrap();
        subscriber.leave().await;
    }
    assert_eq!(broker.counters.read().queued_bytes, 0);
    broker.stop().await;
}

#[tokio::test]
async fn more_under_way_than_the_client_was_told_ends_it_in_5() {
    let broker = start_with(Section { inflight: 3, ..section() }).await;
    let message = |id: u8| vec![0x34, 6, 0, 1, b'a', 0, id, 0];
    let mut client = Raw::connect(broker.address, V5, "client").await;
    for id in [1, 2, 3, 3] {
        client.send(&message(id)).await;
        client.gets(&[0x50, 2, 0, id]).await;
    }
    client.send(&[0x62, 2, 0, 2]).await;
    client.gets(&[0x70, 2, 0, 2]).await;
    client.send(&message(4)).await;
    client.gets(&[0x50, 2, 0, 4]).await;
    client.send(&message(5)).await;
    client.is_refused(0x93).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_refuses_a_message_is_not_asked_again() {
    let broker = start_with(Section { inflight: 1, ..section() }).await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    client.subscribe(&[("a", 2)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    publisher.publish("a", b"1", 2, false).await;
    publisher.publish("a", b"2", 2, false).await;
    let first = client.published().await;
    client.has_nothing().await;
    let [high, low] = first.id.to_be_bytes();
    client.send(&[0x50, 3, high, low, 0x99]).await;
    let second = client.published().await;
    assert_eq!(second.payload, b"2");
    client.complete(second.id).await;
    // PUBREC for an identifier that is not in use.
    client.send(&[0x50, 2, 0, 99]).await;
    client.gets(&[0x62, 4, 0, 99, 0x92, 0]).await;
    client.has_nothing().await;
    broker.stop().await;
}
