//! Shared subscriptions.

use crate::raw::{BOTH, Connect, Raw, V5, V311, publish, unsubscribe};
use crate::running::{section, start, start_with};
use broker::Section;

#[tokio::test]
async fn each_message_goes_to_one_member_of_each_group_in_turn() {
    let broker = start().await;
    for level in BOTH {
        let mut members = Vec::new();
        for n in 0..3 {
            let mut member = Raw::connect(broker.address, level, &format!("member-{n}")).await;
            member.subscribe(&[("$share/g/a/+", 1)]).await;
            members.push(member);
        }
        let mut other = Raw::connect(broker.address, level, "other").await;
        other.subscribe(&[("$share/h/a/+", 1), ("a/b", 0)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for n in 0..9 {
            publisher.publish("a/b", &[n], n % 2, false).await;
        }
        for round in 0..3 {
            for (n, member) in members.iter_mut().enumerate() {
                let expected = u8::try_from(3 * round + n).unwrap();
                let message = member.published().await;
                assert_eq!(message.payload, [expected]);
                if message.qos == 1 {
                    member.acknowledge(message.id).await;
                }
            }
        }
        for _ in 0..18 {
            let message = other.published().await;
            if message.qos == 1 {
                other.acknowledge(message.id).await;
            }
        }
        other.has_nothing().await;
        other.leave().await;
        // One leaves the group, one disconnects: the last gets all.
        members[0].send(&unsubscribe(level, 5, &["$share/g/a/+"])).await;
        assert_eq!(members[0].packet().await.unwrap()[0], 0xb0);
        members.remove(1).leave().await;
        for n in 0..3 {
            publisher.publish("a/b", &[n], 0, false).await;
            assert_eq!(members[1].published().await.payload, [n]);
        }
        members[0].has_nothing().await;
        for member in members {
            member.leave().await;
        }
        publisher.leave().await;
    }
    assert_eq!(broker.counters.read().subscriptions, 0);
    broker.stop().await;
}

#[tokio::test]
async fn retained_messages_do_not_come_by_shared_subscriptions() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    client.publish("a", b"x", 1, true).await;
    client.subscribe(&[("$share/g/a", 1)]).await;
    client.has_nothing().await;
    broker.stop().await;
}

#[tokio::test]
async fn what_a_member_did_not_acknowledge_goes_to_another_when_its_session_ends() {
    let broker = start_with(Section { inflight: 2, ..section() }).await;
    for level in BOTH {
        let mut first = Raw::connect(broker.address, level, "first").await;
        first.subscribe(&[("$share/g/a", 2)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for (n, qos) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
            publisher.publish("a", &[n], qos, false).await;
        }
        for n in [1, 2] {
            assert_eq!(first.published().await.payload, [n]);
        }
        let mut second = Raw::connect(broker.address, level, "second").await;
        second.subscribe(&[("$share/g/a", 2)]).await;
        second.has_nothing().await;
        first.vanish(&broker).await;
        // All except the sent one of QoS 2, which must not go to another member.
        let mut got = Vec::new();
        for _ in 0..3 {
            let message = second.published().await;
            got.extend(message.payload);
            match message.qos {
                1 => second.acknowledge(message.id).await,
                _ => second.complete(message.id).await,
            }
        }
        got.sort_unstable();
        assert_eq!(got, [1, 3, 4]);
        second.has_nothing().await;
        second.leave().await;
        publisher.leave().await;
    }
    broker.until("free queues", |c| c.queued_bytes == 0).await;
    broker.stop().await;
}

#[tokio::test]
async fn members_that_are_away_get_what_nobody_here_can_take() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect::lasting(level, "away");
        let mut away = Raw::enter(broker.address, level, &connect.bytes()).await;
        away.subscribe(&[("$share/g/a", 1)]).await;
        away.leave().await;
        let mut here = Raw::connect(broker.address, level, "here").await;
        here.subscribe(&[("$share/g/a", 1)]).await;
        let mut publisher = Raw::connect(broker.address, level, "publisher").await;
        for n in 0..4 {
            publisher.publish("a", &[n], 1, false).await;
            let message = here.published().await;
            assert_eq!(message.payload, [n]);
            here.acknowledge(message.id).await;
        }
        here.leave().await;
        publisher.publish("a", b"0", 0, false).await;
        publisher.publish("a", b"1", 1, false).await;
        let (mut away, _) = Raw::return_to(broker.address, &connect).await;
        let message = away.published().await;
        assert_eq!(message.payload, b"1");
        away.acknowledge(message.id).await;
        away.has_nothing().await;
        away.leave().await;
        Raw::connect(broker.address, level, "away").await.leave().await;
        publisher.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_member_that_takes_nothing_is_passed_over_and_loses_nothing_for_the_group() {
    const COUNT: u8 = 100;
    let broker = start_with(Section { queue: 30, inflight: 2, ..section() }).await;
    let mut stuck = Raw::connect(broker.address, V311, "stuck").await;
    stuck.subscribe(&[("$share/g/a", 1)]).await;
    let mut good = Raw::connect(broker.address, V311, "good").await;
    good.subscribe(&[("$share/g/a", 1)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    let mut got = Vec::new();
    for n in 0..COUNT {
        publisher.publish("a", &[n], 1, false).await;
        // Anything that has arrived already.
        good.send(&[0xc0, 0]).await;
        loop {
            let packet = good.packet().await.expect("a message and not the end");
            if packet[0] == 0xd0 {
                break;
            }
            let message = good.read_publish(&packet);
            got.push(message.payload[0]);
            good.acknowledge(message.id).await;
        }
    }
    stuck.vanish(&broker).await;
    while got.len() < usize::from(COUNT) {
        let message = good.published().await;
        got.push(message.payload[0]);
        good.acknowledge(message.id).await;
    }
    good.has_nothing().await;
    got.sort_unstable();
    assert_eq!(got, (0..COUNT).collect::<Vec<_>>());
    assert_eq!(broker.counters.read().overrun, 0);
    broker.stop().await;
}

#[tokio::test]
async fn what_is_too_much_for_one_member_is_not_too_much_for_all() {
    let broker = start_with(Section { queue: 20, inflight: 2, ..section() }).await;
    let mut members = Vec::new();
    for n in 0..2 {
        let mut member = Raw::connect(broker.address, V5, &format!("member-{n}")).await;
        member.subscribe(&[("$share/g/a", 1)]).await;
        members.push(member);
    }
    // As much as both can hold, while neither takes anything; then one disconnects.
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for n in 0..40 {
        publisher.publish("a", &[n], 1, false).await;
    }
    let good = members.pop().unwrap();
    members.pop().unwrap().vanish(&broker).await;
    let counts = broker.until("lost messages", |c| c.dropped > 10).await;
    assert_eq!((counts.clients, counts.overrun), (2, 0), "{counts:?}");
    good.vanish(&broker).await;
    publisher.leave().await;
    broker.until("free queues", |c| c.queued_bytes == 0).await;
    broker.stop().await;
}

#[tokio::test]
async fn one_client_has_few_of_them_for_each_brings_a_copy() {
    let broker = start().await;
    let mut client = Raw::connect(broker.address, V5, "client").await;
    let names: Vec<_> = (0..40).map(|n| format!("$share/{n}/a")).collect();
    let filters: Vec<_> = names.iter().map(|name| (&**name, 0)).collect();
    let granted = client.subscribe(&filters).await;
    assert_eq!(granted, [[0; 32].as_slice(), &[0x97; 8]].concat());
    assert_eq!(client.subscribe(&[("$share/0/a", 1), ("b", 0)]).await, [1, 0]);
    broker.stop().await;
}

#[tokio::test]
async fn thousands_that_a_member_leaves_behind_arrive_and_make_nobody_wait() {
    const COUNT: u32 = 20_000;
    let broker = start().await;
    let mut first = Raw::connect(broker.address, V311, "first").await;
    first.subscribe(&[("$share/g/a", 1)]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    for batch in 0..COUNT / 100 {
        let bytes: Vec<_> = (0..100)
            .flat_map(|n| publish(V311, "a", &(batch * 100 + n).to_be_bytes(), 1, false))
            .collect();
        publisher.send(&bytes).await;
        for _ in 0..100 {
            publisher.gets(&[0x40, 2, 0, 9]).await;
        }
    }
    let mut second = Raw::connect(broker.address, V311, "second").await;
    second.subscribe(&[("$share/g/a", 1)]).await;
    first.vanish(&broker).await;
    let mut got = Vec::new();
    while got.len() < COUNT as usize {
        let message = second.published().await;
        got.push(u32::from_be_bytes(message.payload[..4].try_into().unwrap()));
        second.acknowledge(message.id).await;
    }
    got.sort_unstable();
    assert!(got.into_iter().eq(0..COUNT));
    second.ping().await;
    assert_eq!(broker.counters.read().queued_bytes, 0);
    broker.stop().await;
}
