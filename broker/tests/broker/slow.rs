//! Subscribers that do not keep up with pictures.

use std::collections::HashMap;
use std::time::Duration;

use crate::raw::{Raw, V311, publish};
use crate::running::start;

const TOPICS: u32 = 8;
const FRAME: usize = 100 * 1024;

fn frame(n: u32) -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    frame[..4].copy_from_slice(&n.to_be_bytes());
    frame
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}

#[tokio::test]
async fn a_subscriber_that_stops_reading_costs_two_frames_of_a_topic_and_nobody_else_one() {
    const ROUNDS: u32 = 40;
    let broker = start().await;
    let mut slow = Raw::connect(broker.address, V311, "slow").await;
    slow.subscribe(&[("vitrina-jpeg/#", 1)]).await;
    let mut good = Raw::connect(broker.address, V311, "good").await;
    good.subscribe(&[("vitrina-jpeg/#", 0)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for n in 0..ROUNDS {
        for topic in 0..TOPICS {
            let topic = format!("vitrina-jpeg/node/camera-{topic}/live/full");
            publisher.send(&publish(V311, &topic, &frame(n), 0, false)).await;
            let got = good.published().await;
            assert_eq!((got.topic, number(&got.payload)), (topic, n));
        }
        let most = u64::from(TOPICS) * 2 * (FRAME as u64 + 400);
        let queued = broker.counters.read().queued_bytes;
        assert!(queued <= most, "{queued} bytes wait in round {n}");
    }
    assert!(broker.counters.read().replaced > 0);

    // What it gets when it reads again: the newest message at the end of each topic.
    let mut newest = HashMap::new();
    while newest.values().filter(|n| **n == ROUNDS - 1).count() < TOPICS as usize {
        let got = slow.published().await;
        let n = number(&got.payload);
        let before = newest.insert(got.topic, n);
        assert!(before < Some(n), "in order within a topic");
    }
    slow.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_flood_of_topics_is_bounded_in_bytes() {
    let section = broker::Section {
        newest_bytes: 1 << 20,
        retained_bytes: 1 << 20,
        ..crate::running::section()
    };
    let broker = crate::running::start_with(section).await;
    let mut slow = Raw::connect(broker.address, V311, "slow").await;
    slow.subscribe(&[("#", 0)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for n in 0..200 {
        let mut bytes = Vec::new();
        for m in 0..100 {
            bytes.extend(publish(V311, &format!("t/{n}/{m}"), &[0; 1000], 0, false));
        }
        publisher.send(&bytes).await;
        publisher.ping().await;
        assert!(broker.counters.read().queued_bytes <= (1 << 20) + 64 * 1024);
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_burst_of_a_few_words_arrives_whole() {
    let broker = start().await;
    let mut subscriber = Raw::connect(broker.address, V311, "subscriber").await;
    subscriber.subscribe(&[("say", 0)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    let burst: Vec<u8> = (0..50).flat_map(|n| publish(V311, "say", &[n], 0, false)).collect();
    publisher.send(&burst).await;
    for n in 0..50 {
        assert_eq!(subscriber.published().await.payload, [n]);
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_slow_subscriber_keeps_its_connection() {
    let section = broker::Section { stall: 1, ..crate::running::section() };
    let broker = crate::running::start_with(section).await;
    let mut slow = Raw::connect(broker.address, V311, "slow").await;
    slow.subscribe(&[("a", 0)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    publisher.publish("a", &vec![1; 10 << 20], 0, false).await;
    // Takes a part ten times, over more than the stall time.
    let mut taken = 0;
    for _ in 0..10 {
        let mut part = vec![0; 512 * 1024];
        tokio::io::AsyncReadExt::read_exact(&mut slow.stream, &mut part).await.unwrap();
        taken += part.len();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(taken < 10 << 20);
    assert_eq!(broker.counters.read().clients, 2);
    broker.stop().await;
}

#[tokio::test]
async fn many_who_read_nothing_hold_no_more_than_all_may_and_who_holds_most_goes_first() {
    const MEMORY: usize = 64 << 20;
    const PART: usize = 1 << 20;
    let section = broker::Section { memory: Some(MEMORY), ..crate::running::section() };
    let broker = crate::running::start_with(section).await;
    let mut good = Raw::connect(broker.address, V311, "good").await;
    good.subscribe(&[("good", 1)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    let mut silent = Vec::new();
    for n in 0..20 {
        let mut client = Raw::connect(broker.address, V311, &format!("silent-{n}")).await;
        client.subscribe(&[(&format!("silent/{n}"), n % 2)]).await;
        silent.push(client);
    }
    for round in 0..10_u32 {
        for n in 0..20 {
            publisher.publish(&format!("silent/{n}"), &vec![0; PART], 1, false).await;
            let held = broker.counters.read().held_bytes;
            // The memory of an unfinished write is freed when its client is disconnected.
            assert!(held <= (MEMORY + 20 * PART) as u64, "{held} bytes are held in round {round}");
        }
        publisher.publish("good", b"x", 1, false).await;
        let got = good.published().await;
        good.acknowledge(got.id).await;
        assert_eq!(got.payload, b"x");
    }
    let counts = broker.counters.read();
    assert!(counts.overrun > 0, "{counts:?}");
    assert!(counts.clients > 12, "those of QoS 0 hold two messages each and stay: {counts:?}");
    drop(silent);
    broker.until("nothing is held", |counts| counts.clients == 2 && counts.held_bytes == 0).await;
    broker.stop().await;
}
