//! Listening, connections, and stopping.

use std::time::Duration;

use broker::{Broker, Section};

use crate::raw::{BOTH, Connect, Raw, V5, V311};
use crate::running::{section, start, start_with};

#[tokio::test]
async fn a_taken_port_is_an_error_that_says_what_to_do() {
    let broker = start().await;
    let config = Section { listen: broker.address, ..section() }.check().unwrap();
    let Err(error) = Broker::bind(config).await else { panic!("bound twice") };
    let error = error.to_string();
    assert!(error.contains(&broker.address.to_string()), "{error}");
    assert!(error.contains("--set broker.listen="), "{error}");
    broker.stop().await;
}

#[tokio::test]
async fn a_restart_finds_its_port_free_at_once() {
    let broker = start().await;
    let address = broker.address;
    let mut client = Raw::connect(address, V5, "stays").await;
    broker.stop().await;
    client.is_refused(0x8b).await;
    let again = start_with(Section { listen: address, ..section() }).await;
    Raw::connect(address, V5, "comes back").await.leave().await;
    again.stop().await;
}

#[tokio::test]
async fn stopping_tells_every_client_and_waits_for_no_silent_one() {
    let broker = start().await;
    let mut silent = Raw::open(broker.address, V5).await;
    let mut old = Raw::connect(broker.address, V311, "old").await;
    let mut new = Raw::connect(broker.address, V5, "new").await;
    broker.until("three sockets", |c| c.connections == 3).await;
    let counters = broker.counters.clone();
    broker.stop().await;
    assert_eq!(counters.read().connections, 0);
    old.is_refused(0x8b).await;
    new.is_refused(0x8b).await;
    assert_eq!(silent.packet().await, None);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_slots_come_back() {
    let section = Section { connections_per_address: 3, ..section() };
    let broker = start_with(section).await;
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        clients.push(Raw::connect(broker.address, V311, id).await);
    }
    let mut fourth = Raw::open(broker.address, V311).await;
    assert_eq!(fourth.packet().await, None);
    drop(clients);
    broker.until("free slots", |c| c.connections == 0).await;
    Raw::connect(broker.address, V311, "d").await.leave().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_socket_without_a_connect_is_closed() {
    let broker = start().await;
    let mut silent = Raw::open(broker.address, V311).await;
    let mut slow = Raw::open(broker.address, V311).await;
    slow.send(&[0x10]).await;
    assert_eq!(silent.packet().await, None);
    assert_eq!(slow.packet().await, None);
    broker.stop().await;
}

#[tokio::test]
async fn silence_for_one_and_a_half_keep_alives_ends_a_client() {
    let broker = start().await;
    for level in BOTH {
        let connect = Connect { keep_alive: 1, ..Connect::new(level, "silent") };
        let mut silent = Raw::enter(broker.address, level, &connect.bytes()).await;
        silent.is_refused(0x8d).await;
    }
    broker.stop().await;
}

#[tokio::test]
async fn any_byte_is_a_sign_of_life() {
    let broker = start().await;
    let connect = Connect { keep_alive: 1, ..Connect::new(V311, "slow") };
    let mut slow = Raw::enter(broker.address, V311, &connect.bytes()).await;
    // A packet that takes longer than the keep-alive.
    for byte in crate::raw::publish(V311, "a", b"x", 0, false) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        slow.send(&[byte]).await;
    }
    slow.ping().await;
    broker.until("the message", |c| c.messages_in == 1).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_within_a_packet_is_ended() {
    let broker = start_with(Section { stall: 1, ..section() }).await;
    let mut stops = Raw::connect(broker.address, V5, "stops").await;
    stops.send(&[0x30, 0x80]).await;
    stops.is_refused(0x8d).await;
    broker.stop().await;
}
