//! Random and mutated packets against a running broker, while a pair of canaries keeps singing.
//! `tests/corpus` keeps earlier finds and an example of each feature.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use broker::Section;
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::raw::{
    BOTH, Connect, Raw, V5, V311, packet, publish, publish_with, subscribe, unsubscribe,
};
use crate::running::{section, start_with};

/// The number of sessions, unless `FUZZ_SESSIONS` says otherwise.
const SESSIONS: usize = 3000;

/// Marks a process that runs no other test.
const ALONE: &str = "FUZZ_ALONE";

/// Bytes that the allocator may keep.
const SLACK: usize = 8 << 20;

#[test]
fn no_sequence_of_packets_harms_others_or_leaks() {
    // Memory and descriptors belong to the process, so this test needs its own.
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "fuzz::no_sequence_of_packets_harms_others_or_leaks"]);
        let output = alone.env(ALONE, "1").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("1 passed"), "{told}");
        return;
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(fuzz());
}

async fn fuzz() {
    let panics = count_panics();
    let sessions = std::env::var("FUZZ_SESSIONS").map_or(SESSIONS, |n| n.parse().unwrap());
    // Sessions end soon, and few fit, so that the test reaches all bounds.
    let broker = start_with(Section {
        session_expiry: 1,
        sessions: 15,
        session_bytes: 64 << 10,
        queue: 50,
        subscription_bytes: 64 << 10,
        retained: 20,
        ..section()
    })
    .await;
    let mut singer = Raw::connect(broker.address, V311, "singer").await;
    let mut listener = Raw::connect(broker.address, V5, "listener").await;
    listener.subscribe(&[("canary", 2)]).await;
    let before = broker.counters.read();
    let descriptors_before = descriptors();
    let mut memory_at_half = 0;

    let corpus = corpus();
    let mut rng = Rng::with_seed(0x5eed_2026);
    let begins = corpus.iter().cloned();
    let random = std::iter::repeat_with(|| session(&mut rng, &corpus));
    for (n, bytes) in begins.chain(random).take(sessions).enumerate() {
        let mut stream = TcpStream::connect(broker.address).await.unwrap();
        // The broker may close at any time.
        let _ = stream.write_all(&bytes.concat()).await;
        if n % 2 == 0 {
            // Lets the broker reach the packets after its acknowledgements.
            let mut some = [0; 512];
            let _ = timeout(Duration::from_millis(2), stream.read(&mut some)).await;
        }
        drop(stream);
        if n == sessions / 2 {
            memory_at_half = memory();
        }
        if n % 50 == 0 {
            singer.publish("canary", &n.to_be_bytes(), 2, false).await;
            let song = listener.published().await;
            assert_eq!(song.payload, n.to_be_bytes());
            listener.complete(song.id).await;
            let counts = broker.counters.read();
            assert!(counts.sessions <= 15 + counts.connections, "{counts:?}");
            assert!(counts.queued_bytes < 64 << 20, "{counts:?}");
        }
    }

    let after = broker
        .until("what it was before", |c| {
            (c.connections, c.clients, c.sessions, c.subscriptions, c.queued_bytes)
                == (before.connections, before.clients, 0, before.subscriptions, 0)
        })
        .await;
    assert!(after.messages_in > before.messages_in + 1000, "it got behind CONNECT: {after:?}");
    assert!(after.expired > 0, "{after:?}");
    let memory = memory();
    assert!(memory < memory_at_half + SLACK, "{memory} bytes, and {memory_at_half} at half time");
    assert_eq!(descriptors(), descriptors_before);
    singer.ping().await;
    broker.stop().await;
    assert_eq!(panics.load(Relaxed), 0);
}

/// The bytes of this process that are resident (proc(5)).
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// The number of open descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Counts the panics of this program. A panic in a client's task ends only that client, so nothing
/// else would notice.
fn count_panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Relaxed);
        usual(panic);
    }));
    &PANICS
}

/// The sessions in files: hexadecimal, one packet in each line, `#` for comments.
fn corpus() -> Vec<Vec<Vec<u8>>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let packets = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        let byte = |hex| u8::from_str_radix(hex, 16).unwrap();
        let packets = lines.map(|line| line.split_whitespace().map(byte).collect::<Vec<_>>());
        packets.filter(|packet| !packet.is_empty()).collect::<Vec<_>>()
    };
    let corpus: Vec<_> = files.iter().map(packets).collect();
    assert!(corpus.len() > 5);
    corpus
}

/// A CONNECT and some packets, random ones or those of the corpus in another order. Some bytes are
/// changed now and then.
fn session(rng: &mut Rng, corpus: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    let mut packets = if rng.u8(0..3) == 0 {
        let mut packets = rng.choice(corpus).unwrap().clone();
        for _ in 0..rng.usize(0..4) {
            let from = rng.choice(corpus).unwrap();
            let other = rng.choice(from).unwrap().clone();
            packets.insert(rng.usize(1..=packets.len()), other);
        }
        packets
    } else {
        random_session(rng)
    };
    if rng.u8(0..4) > 0 {
        let which = rng.usize(0..packets.len());
        mutate(rng, &mut packets[which]);
    }
    packets
}

fn random_session(rng: &mut Rng) -> Vec<Vec<u8>> {
    let level = *rng.choice(&BOTH).unwrap();
    let will = rng.bool().then(|| (topic(rng), &b"will"[..], rng.u8(0..3), rng.bool()));
    // Receive and packet maximum; a session of one second, and aliases.
    let properties = [&[][..], &[0x21, 0, 3, 0x27, 0, 0, 1, 0], &[0x11, 0, 0, 0, 1, 0x22, 0, 3]];
    let id = format!("fuzz-{}", rng.u8(0..20));
    let connect = Connect {
        level,
        client_id: &id,
        clean: rng.bool(),
        keep_alive: rng.u16(..),
        properties: rng.choice(properties).unwrap(),
        will_properties: rng.choice([&[][..], &[0x18, 0, 0, 0, 1]]).unwrap(),
        login: rng.bool().then_some(("nobody", "a password")),
        will,
    };
    let mut packets = vec![connect.bytes()];
    for _ in 0..rng.usize(0..12) {
        packets.push(one(rng, level));
    }
    packets
}

fn one(rng: &mut Rng, level: u8) -> Vec<u8> {
    let payload = vec![0xff; rng.usize(0..300)];
    match rng.u8(0..14) {
        0..4 => publish(level, topic(rng), &payload, rng.u8(0..3), rng.u8(0..4) == 0),
        4 => {
            let properties = [0x01, 1, 0x02, 0, 0, 0, 9, 0x26, 0, 1, b'k', 0, 1, b'v'];
            publish_with(level, topic(rng), &payload, rng.u8(0..3), rng.bool(), &properties)
        }
        5 => {
            let topic = if rng.bool() { topic(rng) } else { "" };
            publish_with(level, topic, &payload, rng.u8(0..3), false, &[0x23, 0, rng.u8(0..4)])
        }
        6..8 => subscribe(level, rng.u16(1..), &[(filter(rng), rng.u8(0..3)), (filter(rng), 1)]),
        8 => unsubscribe(level, rng.u16(1..), &[filter(rng)]),
        9 => vec![0x40, 2, 0, rng.u8(1..9)],
        10 => vec![*rng.choice(&[0x50, 0x62, 0x70]).unwrap(), 2, 0, rng.u8(1..12)],
        11 => vec![0xc0, 0],
        12 => vec![0xe0, 0],
        _ => packet(rng.u8(..), &payload),
    }
}

fn topic(rng: &mut Rng) -> &'static str {
    rng.choice(["a", "a/b", "é/x", "/", "$SYS/x", "a//b", "vitrina-jpeg/n/c/preview"]).unwrap()
}

fn filter(rng: &mut Rng) -> &'static str {
    rng.choice([
        "#",
        "+",
        "a/#",
        "+/+",
        "é/+",
        "$SYS/#",
        "$share/g/a",
        "$share/g/#",
        "$share/h/a/+",
        "a/#/b",
        "",
        "a",
    ])
    .unwrap()
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
