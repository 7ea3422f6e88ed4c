//! A common client in both versions: rumqttc.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS as QoS5;
use rumqttc::v5::mqttbytes::v5::Packet as Packet5;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS, v5};
use tokio::time::timeout;

use crate::raw::{Raw, V5};
use crate::running::{SOON, start};

const PICTURE: usize = 3 << 20;

#[tokio::test]
async fn rumqttc_in_3_1_1_gets_pictures_and_facts() {
    let broker = start().await;
    let mut options = MqttOptions::new("client", "127.0.0.1", broker.address.port());
    options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
    options.set_keep_alive(Duration::from_secs(5));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("a/#", QoS::ExactlyOnce).await.unwrap();
    let mut got = Vec::new();
    timeout(SOON, async {
        while got.len() < 2 {
            match events.poll().await.unwrap() {
                Event::Incoming(Incoming::SubAck(_)) => {
                    client.publish("a/fact", QoS::ExactlyOnce, true, "on").await.unwrap();
                    client
                        .publish("a/jpeg", QoS::AtMostOnce, false, vec![7; PICTURE])
                        .await
                        .unwrap();
                }
                Event::Incoming(Incoming::Publish(publish)) => got.push(publish),
                _ => {}
            }
        }
    })
    .await
    .expect("both messages");
    got.sort_by(|a, b| a.topic.cmp(&b.topic));
    assert_eq!((&*got[0].payload, got[0].qos), (&b"on"[..], QoS::ExactlyOnce));
    assert_eq!((got[1].payload.len(), got[1].qos), (PICTURE, QoS::AtMostOnce));
    broker.stop().await;
}

#[tokio::test]
async fn rumqttc_in_5_gets_pictures_and_facts() {
    let broker = start().await;
    let mut options = v5::MqttOptions::new("client", "127.0.0.1", broker.address.port());
    options.set_max_packet_size(Some(u32::try_from(wire::limits::PACKET).unwrap()));
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    client.subscribe("a/#", QoS5::ExactlyOnce).await.unwrap();
    let mut got = Vec::new();
    timeout(SOON, async {
        while got.len() < 2 {
            match events.poll().await.unwrap() {
                v5::Event::Incoming(Packet5::SubAck(_)) => {
                    client.publish("a/fact", QoS5::ExactlyOnce, true, "on").await.unwrap();
                    client
                        .publish("a/jpeg", QoS5::AtMostOnce, false, vec![7; PICTURE])
                        .await
                        .unwrap();
                }
                v5::Event::Incoming(Packet5::Publish(publish)) => got.push(publish),
                _ => {}
            }
        }
    })
    .await
    .expect("both messages");
    got.sort_by(|a, b| a.topic.cmp(&b.topic));
    assert_eq!((&*got[0].payload, got[0].qos), (&b"on"[..], QoS5::ExactlyOnce));
    assert_eq!((got[1].payload.len(), got[1].qos), (PICTURE, QoS5::AtMostOnce));
    broker.stop().await;
}

#[tokio::test]
async fn rumqttc_finds_what_waited_for_it() {
    let broker = start().await;
    let mut options = MqttOptions::new("keeps", "127.0.0.1", broker.address.port());
    options.set_clean_session(false);
    let (client, mut events) = AsyncClient::new(options.clone(), 10);
    client.subscribe("a", QoS::ExactlyOnce).await.unwrap();
    timeout(SOON, async {
        while !matches!(events.poll().await.unwrap(), Event::Incoming(Incoming::SubAck(_))) {}
    })
    .await
    .expect("a SUBACK");
    drop((client, events));
    broker.until("its absence", |c| c.sessions == 1).await;
    let mut publisher = Raw::connect(broker.address, V5, "publisher").await;
    for n in 0..5 {
        publisher.publish("a", &[n], 2, false).await;
    }
    let (_client, mut events) = AsyncClient::new(options, 10);
    let mut got: Vec<u8> = Vec::new();
    timeout(SOON, async {
        while got.len() < 5 {
            if let Event::Incoming(Incoming::Publish(publish)) = events.poll().await.unwrap() {
                got.extend(&publish.payload[..]);
            }
        }
    })
    .await
    .expect("all that waited");
    assert_eq!(got, [0, 1, 2, 3, 4]);
    broker.stop().await;
}
