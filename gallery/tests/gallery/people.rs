//! People, as seen by a page and by a client of the broker.

mod cameras;
mod presence;
mod talk;

use std::time::Duration;

use futures_util::SinkExt;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS, SubscribeFilter};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use wire::page::{ALIVE_MS, FromPage, ToPage};
use wire::people::{Line, Person, Present, Say, What};
use wire::{CameraId, CameraState, PersonId, PhotoId, Root, Stamp, Topic};

use crate::house::{House, Page, broker, soon};

/// The person of a page.
#[derive(Debug, Clone, PartialEq)]
struct You {
    id: PersonId,
    key: String,
    name: String,
}

impl Page {
    /// Waits for a message in which `is` finds something.
    async fn find<T>(&mut self, is: impl Fn(ToPage) -> Option<T>) -> T {
        loop {
            if let Some(found) = is(self.told().await) {
                return found;
            }
        }
    }

    async fn join(&mut self, name: &str, you: Option<&You>) -> You {
        let (id, key) = (you.map(|you| you.id.clone()), you.map(|you| you.key.clone()));
        self.say(&FromPage::Join { name: name.into(), id, key }).await;
        self.find(|told| match told {
            ToPage::You { id, key, name } => Some(You { id, key, name }),
            ToPage::Held { why, .. } => panic!("held: {why}"),
            _ => None,
        })
        .await
    }

    /// Waits until a person is here, at the beginning or later.
    async fn sees(&mut self, is: impl Fn(&Present) -> bool) -> Present {
        self.find(|told| match told {
            ToPage::People { people: here } | ToPage::Presence { here, .. } => {
                here.into_iter().find(&is)
            }
            _ => None,
        })
        .await
    }

    /// Opens a page for Eva, closes it, and waits until she has left. `stays` does not leave.
    async fn sees_another_leave(&mut self, house: &House, stays: &PersonId) {
        let mut page = Page::open(house).await;
        let eva = page.join("Eva", None).await.id;
        drop(page);
        self.find(|told| match told {
            ToPage::Presence { gone, .. } => {
                assert!(!gone.contains(stays), "{gone:?}");
                gone.contains(&eva).then_some(())
            }
            _ => None,
        })
        .await;
    }

    async fn misses(&mut self, person: &PersonId) {
        self.find(|told| match told {
            ToPage::Presence { gone, .. } => gone.contains(person).then_some(()),
            ToPage::People { people } => people.iter().all(|p| p.id != *person).then_some(()),
            _ => None,
        })
        .await;
    }

    async fn line(&mut self, is: impl Fn(&Line) -> bool) -> Line {
        self.find(|told| match told {
            ToPage::Talk { lines } => lines.into_iter().find(&is),
            _ => None,
        })
        .await
    }

    /// Waits until a line is said. Repeats this page's own lines from before its gallery found the
    /// broker.
    async fn hears(&mut self, text: &str) -> Line {
        let is = |line: &Line| matches!(&line.what, What::Said { text: said } if said == text);
        loop {
            match self.told().await {
                ToPage::Talk { lines } => {
                    if let Some(line) = lines.into_iter().find(is) {
                        return line;
                    }
                }
                ToPage::Held { text, why, .. } if why.contains("cannot reach the broker") => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    self.speak(&text).await;
                }
                _ => {}
            }
        }
    }

    /// The held back text of the page, in how many seconds it may be sent, and why.
    async fn held(&mut self) -> (String, Option<f32>, String) {
        self.find(|told| match told {
            ToPage::Held { text, seconds, why, .. } => Some((text, seconds, why)),
            _ => None,
        })
        .await
    }

    async fn speak(&mut self, text: &str) {
        self.say(&FromPage::Say { text: text.into(), id: None }).await;
    }

    async fn share(&mut self) {
        let size = "64x48".parse().unwrap();
        self.say(&FromPage::Share { name: "Ana's phone".into(), size }).await;
    }

    /// Sends a frame of the page's own camera.
    async fn show(&mut self, seq: u32, size: u16, age: f32, jpeg: &[u8]) {
        let mut frame = seq.to_le_bytes().to_vec();
        frame.extend(size.to_le_bytes());
        frame.extend([0, 0]);
        frame.extend(age.to_le_bytes());
        frame.extend(jpeg);
        self.socket.send(Message::Binary(frame.into())).await.unwrap();
    }
}

/// A client of the broker.
struct Listener {
    client: AsyncClient,
    heard: mpsc::UnboundedReceiver<(Topic, Vec<u8>, bool)>,
}

impl Listener {
    async fn new(house: &House) -> Listener {
        let mut options = MqttOptions::new("listener", "127.0.0.1", house.broker_address.port());
        options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
        let (client, mut events) = AsyncClient::new(options, 100);
        let (told, heard) = mpsc::unbounded_channel();
        let (subscribed, is_subscribed) = oneshot::channel();
        let mut subscribed = Some(subscribed);
        tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                if let Event::Incoming(Incoming::SubAck(_)) = event {
                    subscribed.take().map(|subscribed| subscribed.send(()));
                }
                if let Event::Incoming(Incoming::Publish(publish)) = event
                    && let Ok(topic) = Topic::parse(&Root::default(), &publish.topic)
                    && told.send((topic, publish.payload.to_vec(), publish.retain)).is_err()
                {
                    return;
                }
            }
        });
        let filters = ["vitrina/people/#", "vitrina/+/+/state", "vitrina/+/info"]
            .map(|filter| SubscribeFilter::new(filter.to_owned(), QoS::AtLeastOnce));
        client.subscribe_many(filters).await.unwrap();
        soon(is_subscribed).await.unwrap();
        Listener { client, heard }
    }

    async fn next(&mut self, topic: &Topic) -> Vec<u8> {
        loop {
            let (heard, payload, _) = soon(self.heard.recv()).await.unwrap();
            if heard == *topic {
                return payload;
            }
        }
    }

    async fn tell(&self, topic: &Topic, payload: &str, retain: bool) {
        let topic = topic.under(&Root::default()).to_string();
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
    }
}

fn jpeg() -> Vec<u8> {
    Stamp::remove(include_bytes!("../../../wire/golden/stamped.jpg")).unwrap()
}
