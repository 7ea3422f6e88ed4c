//! QoS 1: in order, acknowledged, bounded.

use std::time::Duration;

use broker::Section;

use crate::raw::{BOTH, Connect, Raw, V5, V311, publish};
use crate::running::{section, start, start_with};

#[tokio::test]
async fn ten_thousand_arrive_in_order() {
    const COUNT: u32 = 10_000;
    let broker = start().await;
    for level in BOTH {
        let mut subscriber = Raw::connect(broker.address, level, "subscriber").await;
        subscriber.subscribe(&[("a/#", 1)]).await;
        let address = broker.address;
        let publisher = tokio::spawn(async move {
            let mut publisher = Raw::connect(address, level, "publisher").await;
            for batch in 0..COUNT / 100 {
                let mut bytes = Vec::new();
                for n in 0..100 {
                    let n = batch * 100 + n;
                    let topic = format!("a/{}", n % 7);
                    bytes.extend(publish(level, &topic, &n.to_be_bytes(), 1, false));
                }
                publisher.send(&bytes).await;
                for _ in 0..100 {
                    assert_eq!(publisher.packet().await.unwrap(), [0x40, 2, 0, 9]);
                }
            }
            publisher.leave().await;
        });
        for n in 0..COUNT {
            let message = subscriber.published().await;
            assert_eq!(message.payload, n.to_be_bytes());
            subscriber.acknowledge(message.id).await;
        }
        publisher.await.unwrap();
        subscriber.has_nothing().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn no_more_are_in_flight_than_the_client_takes() {
    let broker = start().await;
    // A receive maximum of 2.
    let connect = Connect { properties: &[0x21, 0, 2], ..Connect::new(V5, "subscriber") };
    let mut subscriber = Raw::enter(broker.address, V5, &connect.bytes()).await;
    subscriber.subscribe(&[("a", 1)]).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for n in 0..5 {
        publisher.publish("a", &[n], 1, false).await;
    }
    let first = subscriber.published().await;
    let second = subscriber.published().await;
    subscriber.has_nothing().await;
    subscriber.acknowledge(second.id).await;
    let third = subscriber.published().await;
    assert_eq!([first.payload, second.payload, third.payload], [[0], [1], [2]]);
    subscriber.has_nothing().await;
    // This identifier is not in flight.
    subscriber.acknowledge(999).await;
    subscriber.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_whose_queue_is_full_is_disconnected_and_no_other_is() {
    for (queue, queue_bytes) in [(50, 64 << 20), (100_000, 64 << 10)] {
        let broker = start_with(Section { queue, queue_bytes, inflight: 10, ..section() }).await;
        for level in BOTH {
            let mut stuck = Raw::connect(broker.address, level, "stuck").await;
            let mut good = Raw::connect(broker.address, level, "good").await;
            stuck.subscribe(&[("a", 1)]).await;
            good.subscribe(&[("a", 1)]).await;
            let mut publisher = Raw::connect(broker.address, level, "publisher").await;
            for n in 0..200_u8 {
                publisher.publish("a", &[n; 1000], 1, false).await;
                let message = good.published().await;
                assert_eq!(message.payload, [n; 1000]);
                good.acknowledge(message.id).await;
            }
            let mut got = 0;
            let end = loop {
                match stuck.packet().await {
                    Some(packet) if packet[0] >> 4 == 3 => {
                        assert_eq!(stuck.read_publish(&packet).payload, [got; 1000]);
                        got += 1;
                    }
                    end => break end,
                }
            };
            assert_eq!(got, 10, "what was in flight");
            assert_eq!(end, (level == V5).then(|| vec![0xe0, 2, 0x97, 0]));
            good.ping().await;
        }
        let counts = broker.until("free queues", |c| c.queued_bytes == 0).await;
        assert_eq!(counts.overrun, 2);
        broker.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_ended() {
    let broker = start_with(Section { stall: 1, ..section() }).await;
    let mut stuck = Raw::connect(broker.address, V311, "stuck").await;
    stuck.subscribe(&[("a", 0)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    // More than all kernel buffers hold.
    for _ in 0..4 {
        publisher.publish("a", &vec![0; 10 << 20], 0, false).await;
    }
    publisher.ping().await;
    let counts = broker.until("the end of the client", |c| c.clients == 1).await;
    assert_eq!(counts.queued_bytes, 0);
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_no_replies_is_not_read_from() {
    let broker = start_with(Section { stall: 1, ..section() }).await;
    let mut stuck = Raw::connect(broker.address, V311, "stuck").await;
    let pings = [0xc0, 0].repeat(64 * 1024);
    let sending = async {
        while tokio::io::AsyncWriteExt::write_all(&mut stuck.stream, &pings).await.is_ok() {}
    };
    tokio::select! {
        () = sending => {}
        () = async {
            loop {
                assert!(broker.counters.read().queued_bytes < 256 * 1024);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        } => {}
    }
    broker.until("its end", |c| c.clients == 0 && c.queued_bytes == 0).await;
    broker.stop().await;
}
