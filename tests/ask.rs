//! Questions to a node from a terminal: real processes, with and without users.

mod process;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use process::{FREE, Running, output, vitrina};

/// A broker with a node called attic, which shows a test card.
fn house(data: &Path) -> (Running, String) {
    let node = ["--set", "node.name=attic", "--set", "node.test_card.show=\"always\""];
    let running = Running::start(vitrina(data).args(FREE).args(node));
    let set = format!("node.broker=mqtt://{}", running.broker.expect("a broker"));
    process::until("the camera works", || {
        let told = ask(data, &set, &["attic", "cameras"]);
        text(&told.stdout).contains("\"idle\"").then_some(())
    });
    (running, set)
}

fn ask(data: &Path, set: &str, arguments: &[&str]) -> Output {
    output(vitrina(data).args(["ask", "--set", set]).args(arguments))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_node_answers_each_question_of_a_conversation() {
    let data = tempfile::tempdir().expect("a folder");
    let (house, set) = house(data.path());
    let told = ask(data.path(), &set, &["attic", "info"]);
    let info: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(info["cameras"][0], "test-card", "{told:?}");
    let told = ask(data.path(), &set, &["attic", "snap", r#"{"camera":"test-card"}"#]);
    assert!(told.status.success() && text(&told.stdout).contains("\"photo\""), "{told:?}");
    let told = ask(data.path(), &set, &["attic", "log"]);
    assert!(text(&told.stdout).contains("camera works"), "{told:?}");

    let mut command = vitrina(data.path());
    let mut child = command
        .args(["ask", "--set", &set, "attic"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(b"help\n\nsnap door\nfly {}\ncameras\n").expect("it reads");
    drop(input);
    let told = child.wait_with_output().expect("it ends");
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success(), "{err}");
    assert!(out.contains("this list") && out.contains("\"camera\": \"test-card\""), "{out}");
    assert!(err.contains("what follows snap must be JSON"), "{err}");
    assert!(err.contains("there is no method fly"), "{err}");
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn who_cannot_be_asked_is_told_with_what_to_do() {
    let data = tempfile::tempdir().expect("a folder");
    let (house, set) = house(data.path());
    for (arguments, code, why) in [
        (&["roof", "help"][..], 1, "there is no node roof; choose one of: attic"),
        (&["web-k3j9", "help"], 1, "a browser"),
        (&["attic", "fly"], 1, "attic: there is no method fly"),
        (&["attic", "snap", "door"], 2, "this is not JSON"),
        (&["Attic", "help"], 2, "bad node name"),
    ] {
        let told = ask(data.path(), &set, arguments);
        assert_eq!(told.status.code(), Some(code), "{told:?}");
        assert!(text(&told.stderr).contains(why), "{told:?}");
    }
    assert_eq!(house.stop(), Some(0));
}

#[test]
fn asking_takes_the_role_operator() {
    let data = tempfile::tempdir().expect("a folder");
    let password = data.path().join("password");
    std::fs::write(&password, "correct horse\n").expect("written");
    for (user, role) in [("ada", "operator"), ("eva", "viewer"), ("attic", "node")] {
        let mut add = vitrina(data.path());
        add.args(["user", "add", user, "--role", role, "--password-stdin"]);
        assert!(piped(&mut add, "correct horse\n").status.success());
    }
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let there = broker.broker.expect("a broker");
    let file = format!("node.password_file={}", password.display());
    let elsewhere = tempfile::tempdir().expect("a folder");
    let come_in = |command: &mut Command, user: &str| {
        let url = format!("node.broker=mqtt://{user}@{there}");
        command.args(["--set", &url, "--set", &file]);
    };
    let mut node = vitrina(elsewhere.path());
    node.args(["node", "--set", "node.name=attic", "--set", "node.test_card.show=\"always\""]);
    come_in(&mut node, "attic");
    let node = Running::start(&mut node);
    let told = |user: &str| {
        let mut ask = vitrina(elsewhere.path());
        come_in(ask.args(["ask", "attic", "help"]), user);
        output(&mut ask)
    };
    process::until("the node is online", || told("ada").status.success().then_some(()));
    let refused = told("eva");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("needs the role operator"), "{refused:?}");
    assert_eq!(node.stop(), Some(0));

    let offline = told("ada");
    assert!(text(&offline.stderr).contains("attic is offline; start it"), "{offline:?}");
    assert_eq!(broker.stop(), Some(0));
}

fn piped(command: &mut Command, input: &str) -> Output {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("it starts");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}
