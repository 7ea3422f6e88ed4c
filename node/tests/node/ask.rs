//! Questions to a node.

use serde_json::{Value, json};
use wire::{Answer, Ask, PhotoId};

use crate::rig::{ALL, Broker, Listener, Running, section};

const ASK: &str = "vitrina/attic/ask";
const ANSWER: &str = "vitrina/attic/answer";

fn question(id: &str, method: &str, params: Option<Value>) -> String {
    Ask { id: id.into(), method: method.into(), params }.to_json()
}

impl Listener {
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = format!("{:08x}", fastrand::u32(..));
        self.say(ASK, false, &question(&id, method, Some(params))).await;
        self.answer(&id).await
    }

    async fn answer(&mut self, id: &str) -> Result<Value, String> {
        let is = |answer: &Answer| answer.id == id;
        let message = self
            .until(ANSWER, |message| Answer::parse(&message.payload).is_ok_and(|a| is(&a)))
            .await;
        let Answer { result, error, .. } = Answer::parse(&message.payload).unwrap();
        error.map_or_else(|| Ok(result.unwrap()), Err)
    }
}

#[tokio::test]
async fn a_node_tells_who_it_is_and_what_its_cameras_do() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.until("vitrina/attic/test-card/state", |m| !m.payload.is_empty()).await;
    listener.status("attic", "online").await;

    let help = listener.ask("help", json!({})).await.unwrap();
    for method in ["help", "info", "cameras", "controls", "snap", "log"] {
        assert!(help[method].is_string(), "{help}");
    }
    let info = listener.ask("info", json!({})).await.unwrap();
    assert_eq!((&info["kind"], &info["cameras"]), (&json!("test"), &json!(["test-card"])));
    let cameras = listener.ask("cameras", json!({})).await.unwrap();
    assert_eq!(cameras[0]["camera"], "test-card");
    assert!(cameras[0]["state"].is_string() && cameras[0].get("controls").is_none());
    assert_eq!(listener.ask("controls", json!({})).await.unwrap(), json!({}));
    assert!(listener.ask("log", json!({"lines": 5})).await.unwrap().is_array());

    for (method, params, why) in [
        ("reboot", json!({}), "there is no method reboot; there are help,"),
        ("log", json!({"lines": 101}), "it must be 1 to 100"),
        ("log", json!({"line": 5}), "unknown field"),
        ("info", json!([1]), "must be a JSON object"),
        ("snap", json!({"camera": "roof"}), "this node has no camera roof; it has test-card"),
        ("controls", json!({"camera": "../x"}), "bad camera"),
    ] {
        let error = listener.ask(method, params).await.unwrap_err();
        assert!(error.contains(why), "{method}: {error}");
    }
    node.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn snap_answers_with_a_photo_that_is_in_the_spool() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start("attic", broker.address);
    listener.status("attic", "online").await;
    let taken = listener.ask("snap", json!({})).await.unwrap();
    let photo: PhotoId = taken["photo"].as_str().unwrap().parse().unwrap();
    let data = node.stop().await;
    let spool = std::fs::read_dir(data.path().join("node/spool")).unwrap();
    let names: Vec<String> =
        spool.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.contains(photo.as_str())), "{photo}: {names:?}");
    broker.stop().await;
}

#[tokio::test]
async fn a_busy_node_says_so_at_once_and_then_answers_again() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    let node = Running::start_with("attic", broker.address, Vec::new());
    listener.status("attic", "online").await;
    // Both come in one read of the socket: the first waits for a frame meanwhile.
    listener.say(ASK, false, &question("1", "snap", None)).await;
    listener.say(ASK, false, &question("2", "info", None)).await;
    let busy = listener.answer("2").await.unwrap_err();
    assert!(busy.contains("busy with another question (snap)"), "{busy}");
    assert!(listener.answer("1").await.unwrap()["photo"].is_string());
    assert!(listener.ask("info", json!({})).await.is_ok());
    node.stop().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_question_that_is_retained_or_no_question_is_passed_over() {
    let broker = Broker::start("127.0.0.1:0").await;
    let mut listener = Listener::connect(broker.address, ALL).await;
    listener.say(ASK, true, &question("old", "info", None)).await;
    let data = tempfile::tempdir().unwrap();
    let node = Running::start_in(data, section("attic", broker.address));
    listener.status("attic", "online").await;
    for rubbish in ["", "help", r#"{"id":"no method"}"#, r#"["a","help"]"#] {
        listener.say(ASK, false, rubbish).await;
    }
    listener.say(ASK, false, &question("new", "info", None)).await;
    let first = listener.until(ANSWER, |_| true).await;
    assert_eq!(Answer::parse(&first.payload).unwrap().id, "new");
    node.stop().await;
    broker.stop().await;
}
