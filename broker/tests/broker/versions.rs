//! CONNECT and CONNACK of both versions.

use crate::raw::{BOTH, Connect, Raw, V5, V311, packet, put_str, subscribe};
use crate::running::start;

#[tokio::test]
async fn connack_of_5_tells_the_truth() {
    let broker = start().await;
    let mut client = Raw::open(broker.address, V5).await;
    // Asks for a session of ten years, a keep-alive of an hour, and a topic for responses.
    let properties = &[0x11, 0x12, 0xcc, 0x03, 0, 0x19, 1];
    let connect = Connect { keep_alive: 3600, properties, ..Connect::new(V5, "") };
    client.send(&connect.bytes()).await;
    let connack = client.packet().await.unwrap();
    let text = String::from_utf8_lossy(&connack).into_owned();
    assert_eq!(connack[..4], [0x20, connack[1], 0, 0]);
    assert!(text.contains("\x12\0\x15auto-"), "an empty client id is given one");
    assert!(text.contains("\x1a\0\x1eresponse/auto-"), "{text}");
    let maximum = u32::try_from(wire::limits::PACKET).unwrap().to_be_bytes();
    for property in [
        &[0x11, 0, 1, 0x51, 0x80][..], // session expiry: a day
        &[0x21, 0, 100],               // receive maximum
        &[&[0x27][..], &maximum].concat(),
        &[0x22, 0, 64], // topic alias maximum
        &[0x13, 0, 60], // server keep-alive
    ] {
        assert!(connack.windows(property.len()).any(|w| w == property), "{property:02x?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_takes_no_connack_is_refused() {
    let broker = start().await;
    for (maximum, code) in [(10, 0x95), (200, 0)] {
        let mut client = Raw::open(broker.address, V5).await;
        let properties = &[0x27, 0, 0, 0, maximum];
        client.send(&Connect { properties, ..Connect::new(V5, "small") }.bytes()).await;
        let connack = client.packet().await.unwrap();
        assert_eq!(connack[3], code, "{connack:02x?}");
        assert!(connack.len() <= usize::from(maximum), "{connack:02x?}");
    }
    broker.until("only one came in", |c| c.clients <= 1).await;
    broker.stop().await;
}

#[tokio::test]
async fn an_empty_client_id_needs_a_clean_session_in_3_1_1() {
    let broker = start().await;
    Raw::connect(broker.address, V311, "").await.ping().await;
    let mut client = Raw::open(broker.address, V311).await;
    client.send(&Connect { clean: false, ..Connect::new(V311, "") }.bytes()).await;
    assert_eq!(client.packet().await.unwrap(), [0x20, 2, 0, 2]);
    assert_eq!(client.packet().await, None);
    broker.stop().await;
}

#[tokio::test]
async fn other_versions_are_told_so() {
    let broker = start().await;
    for (name, level, answer) in
        [("MQIsdp", 4, 1), ("MQTT", 3, 1), ("MQTT", 0, 1), ("MQTT", 6, 0x84), ("MQTT", 255, 0x84)]
    {
        let mut body = Vec::new();
        put_str(&mut body, name);
        body.extend([level, 2, 0, 0, 0, 1, b'x']);
        let connect = packet(0x10, &body);
        assert_eq!(Raw::is_turned_away(broker.address, V311, &connect).await, answer, "{name}");
    }
    broker.stop().await;
}

/// A CONNECT with this name and level, and only a client id.
fn connect_as(name: &str, level: u8, client_id: &str) -> Vec<u8> {
    let mut body = Vec::new();
    put_str(&mut body, name);
    body.extend([level, 2, 0, 0]);
    put_str(&mut body, client_id);
    packet(0x10, &body)
}

#[tokio::test]
async fn mqtt_3_1_of_old_devices_is_spoken() {
    let broker = start().await;
    let mut old = Raw::enter(broker.address, V311, &connect_as("MQIsdp", 3, "old")).await;
    assert_eq!(old.subscribe(&[("a/#", 2)]).await, [2]);
    // DUP on a packet that is acknowledged, as its section 2.1 allows.
    let mut again = subscribe(V311, 8, &[("b", 1)]);
    again[0] |= 8;
    old.send(&again).await;
    old.gets(&[0x90, 3, 0, 8, 1]).await;
    let mut publisher = Raw::connect(broker.address, V311, "publisher").await;
    publisher.publish("a/b", b"x", 2, false).await;
    let got = old.published().await;
    assert_eq!((got.topic.as_str(), got.qos), ("a/b", 2));
    old.complete(got.id).await;
    old.leave().await;
    let nameless = connect_as("MQIsdp", 3, "");
    assert_eq!(Raw::is_turned_away(broker.address, V311, &nameless).await, 2);
    broker.stop().await;
}

#[tokio::test]
async fn a_bridge_is_told_what_is_retained_and_nothing_of_its_own() {
    let broker = start().await;
    let mut near = Raw::connect(broker.address, V311, "near").await;
    near.subscribe(&[("#", 1)]).await;
    for (name, level) in [("MQIsdp", 0x83), ("MQTT", 0x84)] {
        let state = "$SYS/broker/connection/far.house/state";
        let mut body = Vec::new();
        put_str(&mut body, name);
        // A retained will of QoS 1, as Mosquitto's `notifications` have it.
        body.extend([level, 0x2e, 0, 0]);
        put_str(&mut body, "far.house");
        put_str(&mut body, state);
        put_str(&mut body, "0");
        let mut bridge = Raw::enter(broker.address, V311, &packet(0x10, &body)).await;
        assert_eq!(bridge.subscribe(&[("#", 1)]).await, [1]);
        bridge.publish(state, b"1", 1, true).await;
        bridge.publish("a", b"from the bridge", 1, false).await;
        assert_eq!(near.published().await.payload, b"from the bridge");
        near.acknowledge(1).await;
        near.publish("a", b"fact", 0, true).await;
        let got = bridge.published().await;
        assert_eq!((got.payload.as_slice(), got.retain), (&b"fact"[..], true));
        let got = near.published().await;
        assert_eq!((got.payload.as_slice(), got.retain), (&b"fact"[..], false));
        near.publish("a", b"", 0, true).await;
        near.published().await;
        bridge.vanish(&broker).await;
        let mut watcher = Raw::connect(broker.address, V311, "watcher").await;
        watcher.subscribe(&[("$SYS/broker/connection/#", 0)]).await;
        let got = watcher.published().await;
        assert_eq!((got.topic.as_str(), got.payload.as_slice()), (state, &b"0"[..]));
        watcher.leave().await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn what_is_no_mqtt_is_closed() {
    let broker = start().await;
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01", b"\x10\x04\0\x01X\x04"]
    {
        let mut client = Raw::open(broker.address, V311).await;
        client.send(bytes).await;
        assert_eq!(client.packet().await, None);
    }
    broker.stop().await;
}

#[tokio::test]
async fn authentication_methods_are_refused_by_name() {
    let broker = start().await;
    let properties = [0x15, 0, 1, b'x'];
    let connect = Connect { properties: &properties, ..Connect::new(V5, "x") };
    assert_eq!(Raw::is_turned_away(broker.address, V5, &connect.bytes()).await, 0x8c);
    broker.stop().await;
}

#[tokio::test]
async fn a_second_connect_ends_the_client() {
    let broker = start().await;
    for level in BOTH {
        let mut client = Raw::connect(broker.address, level, "twice").await;
        client.send(&Connect::new(level, "twice").bytes()).await;
        client.is_refused(0x82).await;
    }
    broker.stop().await;
}
