//! Photos requested by HTTP and taken by a node.

use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::{CameraId, PhotoId, Root, Snap, Stamp, Topic};

use crate::client::{Answer, get, send};
use crate::house::{House, Page, soon};
use crate::samples;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// A node's camera that takes a photo at each request, or says why not.
async fn photographer(house: &House, camera: &str, refusal: Option<Value>) -> JoinHandle<()> {
    let camera: CameraId = camera.parse().unwrap();
    let (ip, port) = (house.broker_address.ip().to_string(), house.broker_address.port());
    let mut options = MqttOptions::new("photographer", ip, port);
    options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
    let (client, mut events) = AsyncClient::new(options, 100);
    let text = |topic: Topic| topic.under(&Root::default()).to_string();
    let snaps = text(Topic::Snap(camera.clone()));
    client.subscribe(snaps, QoS::AtLeastOnce).await.unwrap();
    // Until its status arrives, a gallery does not know that it is the one that stores.
    let online = format!("{}/gallery/+/status", Root::default());
    client.subscribe(online, QoS::AtLeastOnce).await.unwrap();
    let (up, is_up) = oneshot::channel();
    let mut up = Some(up);
    let task = tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Incoming::Publish(status)) if status.topic.ends_with("/status") => {
                    let _ = up.take_if(|_| status.payload == "online").map(|up| up.send(()));
                }
                Event::Incoming(Incoming::Publish(publish)) => {
                    let id = Snap::parse(&publish.payload).unwrap().id.unwrap();
                    let (topic, payload) = match refusal.clone() {
                        Some(mut answer) => {
                            answer["id"] = json!(id);
                            let answer = answer.to_string().into_bytes();
                            (Topic::Answer(camera.node.clone()), answer)
                        }
                        None => (Topic::Snapshot(camera.clone()), snapshot(&camera, id)),
                    };
                    client.publish(text(topic), QoS::AtLeastOnce, false, payload).await.unwrap();
                }
                _ => {}
            }
        }
    });
    soon(is_up).await.unwrap();
    task
}

fn snapshot(camera: &CameraId, id: PhotoId) -> Vec<u8> {
    let stamp = Stamp {
        camera: camera.clone(),
        seq: 1,
        at: 1_763_640_000_000_000,
        mono: 1_000_000,
        boot: "6f2d41aa".into(),
        ages: None,
        photo: Some(id),
    };
    let mut stamped = Vec::new();
    stamp.insert(&samples::jpeg(1), &mut stamped).unwrap();
    stamped
}

async fn snap(house: &House, camera: &str, body: &str) -> Answer {
    let path = format!("/api/cameras/{camera}/snap");
    send(house.address, "POST", &path, "", body.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_is_asked_for_is_stored_once_and_shown_to_all() {
    let (house, _node) = House::with_camera("pi/door").await;
    let task = photographer(&house, "pi/door", None).await;
    let mut page = Page::open(&house).await;
    let answer = snap(&house, "pi/door", &format!(r#"{{"id":"{ID}"}}"#)).await;
    let photo = answer.json();
    assert_eq!((answer.status, &photo["id"]), (201, &ID.into()), "{photo}");
    assert_eq!((&photo["camera"], &photo["type"]), (&"pi/door".into(), &"image/jpeg".into()));
    assert_eq!(page.photo().await, ("stored".into(), ID.into()));
    let (_, _, body) = get(&house, &format!("/photos/{ID}")).await;
    assert_eq!(body, snapshot(&"pi/door".parse().unwrap(), ID.parse().unwrap()));

    let again = snap(&house, "pi/door", &format!(r#"{{"id":"{ID}"}}"#)).await;
    assert_eq!((again.status, again.json()), (200, photo));
    // Without a body, as curl sends it.
    let other = snap(&house, "pi/door", "").await;
    assert_eq!(other.status, 201);
    assert_ne!(other.json()["id"], ID);
    let (_, _, list) = get(&house, "/api/photos?camera=pi/door").await;
    assert_eq!(serde_json::from_slice::<Value>(&list).unwrap()[1], again.json());
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_takes_none_says_why() {
    let (house, _node) = House::with_camera("pi/door").await;
    // Earlier nodes send no cause; later ones may send another.
    let full = [
        (json!({"error": "the spool is full"}), 503),
        (json!({"error": "the spool is full", "cause": "eaten"}), 503),
        (json!({"error": "the spool is full", "cause": "storage"}), 507),
    ];
    for (answer, expected) in full {
        let task = photographer(&house, "pi/door", Some(answer)).await;
        let (status, error) = snap(&house, "pi/door", "").await.refusal();
        assert_eq!((status, &error[..]), (expected, "the spool is full"));
        task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_cannot_is_not_asked() {
    let (house, node) = House::with_camera("pi/door").await;
    assert_eq!(snap(&house, "pi/roof", "").await.refusal().0, 404);
    assert_eq!(snap(&house, "PI/do%2For", "").await.refusal().0, 404);
    for bad in ["hello", r#"{"id":"../../etc/passwd"}"#, "null"] {
        assert_eq!(snap(&house, "pi/door", bad).await.refusal().0, 400, "{bad}");
    }
    assert_eq!(snap(&house, "pi/door", &"x".repeat(100_000)).await.refusal().0, 413);
    let mut page = Page::open(&house).await;
    node.state("lost", r#","reason":"unplugged","detail":"unplugged; plug it in""#).await;
    page.camera(|camera| camera.state == wire::CameraState::Lost).await;
    let (status, error) = snap(&house, "pi/door", "").await.refusal();
    assert_eq!((status, &error[..]), (503, "unplugged; plug it in"));
}
