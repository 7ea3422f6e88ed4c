//! Photos on a node's disk, as processes: killed at any moment, and with a full disk.

mod process;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use rustix::process::Signal;
use wire::{Answer, PhotoId, Stamp, Stored, limits};

use process::{FREE, LIMIT, Running, output, vitrina};

/// Somebody who asks for photos and stores what is offered, as a gallery does.
struct Gallery {
    client: Client,
    heard: mpsc::Receiver<Heard>,
    asked: u64,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Online,
    Snapshot(PhotoId),
    Refused(String),
}

impl Gallery {
    fn connect(broker: SocketAddr) -> Gallery {
        let mut options = MqttOptions::new("spool-test", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(limits::PACKET, limits::PACKET);
        let (client, mut connection) = Client::new(options, 64);
        for filter in ["vitrina/+/status", "vitrina/+/answer", "vitrina-jpeg/+/+/snapshot"] {
            client.subscribe(filter, QoS::AtLeastOnce).expect("subscribed");
        }
        let (said, heard) = mpsc::channel();
        std::thread::spawn(move || {
            // It ends with the broker.
            for event in connection.iter().map_while(Result::ok) {
                let Event::Incoming(Packet::Publish(publish)) = event else { continue };
                let heard = if publish.topic.ends_with("/snapshot") {
                    let stamp = Stamp::find(&publish.payload).expect("a stamp");
                    assert!(publish.payload.ends_with(&[0xff, 0xd9]), "a whole picture");
                    Heard::Snapshot(stamp.photo.expect("an id"))
                } else if publish.topic.ends_with("/answer") {
                    let answer = Answer::parse(&publish.payload).expect("an answer");
                    Heard::Refused(answer.error.unwrap_or_default())
                } else if publish.payload == "online" {
                    Heard::Online
                } else {
                    continue;
                };
                if said.send(heard).is_err() {
                    return;
                }
            }
        });
        Gallery { client, heard, asked: 0 }
    }

    fn snap(&mut self) {
        self.asked += 1;
        let snap = format!(r#"{{"id":"{}"}}"#, PhotoId::new(self.asked, 7));
        let topic = "vitrina/here/test-card/snap";
        self.client.publish(topic, QoS::AtLeastOnce, false, snap).expect("asked");
    }

    fn store(&self, id: &PhotoId) {
        let stored = Stored { id: id.clone(), error: None, is_final: false }.to_json();
        let topic = "vitrina/here/stored";
        self.client.publish(topic, QoS::AtLeastOnce, false, stored).expect("told");
    }

    fn next(&self) -> Heard {
        self.heard.recv_timeout(LIMIT).expect("something in time")
    }

    fn until_online(&self) {
        while self.next() != Heard::Online {}
    }
}

fn node(data: &std::path::Path, broker: SocketAddr) -> Command {
    let mut command = vitrina(data);
    let broker = format!("node.broker=mqtt://{broker}");
    let card = r#"node.test_card={show="always", fps=25, width=640, height=480}"#;
    command.args(["node", "--set", "node.name=here", "--set", &broker, "--set", card]);
    command
}

fn pictures(data: &std::path::Path) -> usize {
    let files = std::fs::read_dir(data.join("node/spool")).expect("a spool");
    files.filter(|f| f.as_ref().is_ok_and(|f| f.path().extension().is_some())).count()
}

#[test]
fn a_node_that_is_killed_at_any_moment_loses_no_photo_that_it_published() {
    let (house, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("one"));
    let broker = Running::start(vitrina(house.path()).args(FREE).arg("broker"));
    let address = broker.broker.expect("a broker");
    let mut gallery = Gallery::connect(address);
    let mut published = BTreeSet::new();
    for round in 0..6 {
        let node = Running::start(&mut node(data.path(), address));
        gallery.until_online();
        let before = published.len();
        let start = Instant::now();
        while published.len() < before + 2 + round {
            gallery.snap();
            if let Ok(Heard::Snapshot(id)) = gallery.heard.recv_timeout(Duration::from_millis(15)) {
                published.insert(id);
            }
            assert!(start.elapsed() < LIMIT, "no photos in time");
        }
        // Some are being written.
        node.signal(Signal::KILL);
        node.end();
    }
    let node = Running::start(&mut node(data.path(), address));
    let start = Instant::now();
    while pictures(data.path()) > 0 {
        assert!(start.elapsed() < LIMIT, "not all are offered in time");
        if let Ok(Heard::Snapshot(id)) = gallery.heard.recv_timeout(Duration::from_millis(50)) {
            gallery.store(&id);
            published.remove(&id);
        }
    }
    assert_eq!(published, BTreeSet::new(), "these were published and then lost");
    let unfinished = std::fs::read_dir(data.path().join("node/spool")).expect("a spool");
    let is_unfinished = |name: String| name.starts_with(".new-");
    assert!(!unfinished.flatten().any(|f| is_unfinished(f.file_name().to_string_lossy().into())));
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_full_disk_refuses_and_takes_again_by_itself_when_there_is_room() {
    let house = tempfile::tempdir().expect("a folder");
    let data = tempfile::tempdir().expect("a folder");
    // A small file system in a name space of its own, which needs no rights.
    let mount = "mount -t tmpfs -o size=400k tmpfs \"$0\" && exec \"$@\"";
    let small = |command: &Command| {
        let mut small = Command::new("unshare");
        small.args(["-rm", "sh", "-c", mount]).arg(data.path());
        small.arg(command.get_program()).args(command.get_args());
        small
    };
    let mounted = output(&mut small(&Command::new("true")));
    assert!(mounted.status.success(), "no small file system can be mounted here: {mounted:?}");
    let broker = Running::start(vitrina(house.path()).args(FREE).arg("broker"));
    let address = broker.broker.expect("a broker");
    let mut gallery = Gallery::connect(address);
    let node = Running::start(&mut small(&node(data.path(), address)));
    gallery.until_online();
    let mut waiting = Vec::new();
    let refused = loop {
        gallery.snap();
        match gallery.next() {
            Heard::Snapshot(id) => waiting.push(id),
            Heard::Refused(why) => break why,
            Heard::Online => {}
        }
    };
    assert!(refused.contains("disk is full"), "{refused}");
    assert!(!waiting.is_empty(), "what fits is taken");
    for id in waiting.drain(..) {
        gallery.store(&id);
    }
    // It says so by itself when it can again.
    loop {
        gallery.snap();
        if let Heard::Snapshot(id) = gallery.next()
            && id == PhotoId::new(gallery.asked, 7)
        {
            break;
        }
    }
    assert_eq!(node.stop(), Some(0));
}
