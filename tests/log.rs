//! What happens, told as it happens: a house of processes and somebody who follows.

mod process;

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;

use process::{FREE, LIMIT, Running, get, output, until, vitrina};

struct Log {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Log {
    fn follow(data: &std::path::Path, set: &str) -> Log {
        let mut command = vitrina(data);
        let mut child =
            command.args(["log", "--set", set]).stdout(Stdio::piped()).spawn().expect("it starts");
        let (to, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        Log { child, lines }
    }

    /// Whether a line that ends so has come.
    fn has_shown(&self, end: &str) -> bool {
        self.lines.try_iter().any(|line| line.ends_with(end))
    }

    /// Waits for a line that ends so.
    fn shows(&self, end: &str) {
        loop {
            let line = self.lines.recv_timeout(LIMIT);
            assert!(line.is_ok(), "it never shows {end:?}");
            if line.is_ok_and(|line| line.ends_with(end)) {
                return;
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nodes_cameras_photos_people_and_commands_are_told_and_kept_by_the_gallery() {
    let data = tempfile::tempdir().expect("a folder");
    let house = Running::start(
        vitrina(data.path()).args(FREE).args(["--set", "node.test_card.show=\"never\""]),
    );
    let (wall, broker) = (house.gallery.expect("a wall"), house.broker.expect("a broker"));
    let set = format!("node.broker=mqtt://{broker}");
    let log = Log::follow(data.path(), &set);
    let visit = || {
        let told = output(vitrina(data.path()).args(["chat", "--name", "Eva", "--set", &set]));
        assert!(told.status.success(), "{told:?}");
    };
    until("it is followed", || {
        visit();
        log.has_shown(" Eva left").then_some(())
    });
    visit();
    log.shows(" Eva joined");
    log.shows(" Eva left");

    let folder = tempfile::tempdir().expect("a folder");
    let node = Running::start(vitrina(folder.path()).args([
        "node",
        "--set",
        "node.name=attic",
        "--set",
        "node.test_card.show=\"always\"",
        "--set",
        &set,
    ]));
    log.shows(" attic/test-card (Test card) works");
    log.shows(" attic is online");
    let command = |arguments: &[&str]| {
        let told = output(vitrina(data.path()).args(["--set", &set]).args(arguments));
        assert!(told.status.success(), "{told:?}");
    };
    command(&["snap", "attic/test-card"]);
    log.shows(" attic/test-card is asked for a photo");
    log.shows(" of attic/test-card is stored");
    command(&["ask", "attic", "info"]);
    log.shows(" attic is asked: info");
    assert_eq!(node.stop(), Some(0));
    log.shows(" attic is offline");

    // The gallery kept the same, newest first, and keeps it for its next life.
    let kept = || get(wall, "/api/log?limit=500").1;
    let told = until("the gallery has it", || {
        let told = kept();
        told.contains(r#""online":false"#).then_some(told)
    });
    let events: Vec<serde_json::Value> = serde_json::from_str(&told).expect("JSON");
    let at = |event: &str| events.iter().position(|entry| entry["event"] == event);
    assert!(at("ask") < at("stored") && at("stored") < at("snap"), "{told}");
    assert!(at("snap") < at("left") && at("left") < at("joined"), "{told}");
    let newest = events[0]["id"].as_u64().expect("a number");
    let earlier = get(wall, &format!("/api/log?limit=1&before={newest}")).1;
    let earlier: Vec<serde_json::Value> = serde_json::from_str(&earlier).expect("JSON");
    assert_eq!((earlier.len(), &earlier[0]), (1, &events[1]));
    assert_eq!(get(wall, "/api/log?limit=0").0, 400);
    assert_eq!(house.stop(), Some(0));

    let again = Running::start(
        vitrina(data.path())
            .args(FREE)
            .arg("gallery")
            .args(["--set", "gallery.broker=mqtt://127.0.0.1:1"]),
    );
    let told = get(again.gallery.expect("a wall"), "/api/log").1;
    assert!(told.contains(r#""event":"ask""#), "{told}");
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn a_log_without_a_broker_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let set = format!("node.broker=mqtt://{}", free.local_addr().expect("an address"));
    drop(free);
    let told = output(vitrina(data.path()).args(["log", "--set", &set]));
    assert_eq!(told.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&told.stderr).contains("cannot be reached"), "{told:?}");
}
