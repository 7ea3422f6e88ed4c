//! Random and mutated packets against a running broker, while a pair of canaries keeps singing.

use fastrand::Rng;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::raw::{
    BOTH, Connect, Raw, V5, V311, packet, publish, publish_with, subscribe, unsubscribe,
};
use crate::running::start;

const SESSIONS: usize = 3000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_of_packets_harms_others_or_leaks() {
    let broker = start().await;
    let mut singer = Raw::connect(broker.address, V311, "singer").await;
    let mut listener = Raw::connect(broker.address, V5, "listener").await;
    listener.subscribe(&[("canary", 1)]).await;
    let before = broker.counters.read();

    let mut rng = Rng::with_seed(0x5eed_2026);
    for n in 0..SESSIONS {
        let bytes = session(&mut rng);
        let mut stream = TcpStream::connect(broker.address).await.unwrap();
        // The broker may close at any time.
        let _ = stream.write_all(&bytes).await;
        if rng.bool() {
            let mut some = [0; 512];
            let _ = stream.try_read(&mut some);
        }
        drop(stream);
        if n % 50 == 0 {
            singer.publish("canary", &n.to_be_bytes(), 1, false).await;
            let song = listener.published().await;
            assert_eq!(song.payload, n.to_be_bytes());
            listener.acknowledge(song.id).await;
        }
    }

    let after = broker
        .until("what it was before", |c| {
            (c.connections, c.clients, c.subscriptions, c.queued_bytes)
                == (before.connections, before.clients, before.subscriptions, 0)
        })
        .await;
    assert!(after.messages_in > before.messages_in + 1000, "it got behind CONNECT: {after:?}");
    singer.ping().await;
    broker.stop().await;
}

/// A CONNECT and some packets, of which some bytes are changed now and then.
fn session(rng: &mut Rng) -> Vec<u8> {
    let level = *rng.choice(&BOTH).unwrap();
    let mut bytes = Vec::new();
    let will = rng.bool().then(|| (topic(rng), &b"will"[..], rng.u8(0..2), rng.bool()));
    let properties: &[u8] = if rng.bool() { &[0x21, 0, 3, 0x27, 0, 0, 1, 0] } else { &[] };
    let id = format!("fuzz-{}", rng.u8(0..20));
    let connect = Connect {
        level,
        client_id: &id,
        clean: rng.bool(),
        keep_alive: rng.u16(..),
        properties,
        login: None,
        will,
    };
    bytes.push(connect.bytes());
    for _ in 0..rng.usize(0..12) {
        bytes.push(one(rng, level));
    }
    if rng.u8(0..4) > 0 {
        let which = rng.usize(0..bytes.len());
        mutate(rng, &mut bytes[which]);
    }
    bytes.concat()
}

fn one(rng: &mut Rng, level: u8) -> Vec<u8> {
    let payload = vec![0xff; rng.usize(0..300)];
    match rng.u8(0..12) {
        0..4 => publish(level, topic(rng), &payload, rng.u8(0..2), rng.u8(0..4) == 0),
        4 => {
            let properties = [0x01, 1, 0x02, 0, 0, 0, 9, 0x26, 0, 1, b'k', 0, 1, b'v'];
            publish_with(level, topic(rng), &payload, rng.u8(0..2), rng.bool(), &properties)
        }
        5..7 => subscribe(level, rng.u16(1..), &[(filter(rng), rng.u8(0..3)), (filter(rng), 1)]),
        7 => unsubscribe(level, rng.u16(1..), &[filter(rng)]),
        8 => vec![0x40, 2, 0, rng.u8(1..9)],
        9 => vec![0xc0, 0],
        10 => vec![0xe0, 0],
        _ => packet(rng.u8(..), &payload),
    }
}

fn topic(rng: &mut Rng) -> &'static str {
    rng.choice(["a", "a/b", "é/x", "/", "$SYS/x", "a//b", "vitrina-jpeg/n/c/preview"]).unwrap()
}

fn filter(rng: &mut Rng) -> &'static str {
    rng.choice(["#", "+", "a/#", "+/+", "é/+", "$SYS/#", "$share/g/a", "a/#/b", "", "a"]).unwrap()
}

fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..bytes.len());
        match rng.u8(0..4) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(0..8),
            2 => bytes.insert(at, rng.u8(..)),
            _ => {
                bytes.remove(at);
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}
