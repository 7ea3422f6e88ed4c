//! A broker, nodes on it, and somebody who listens.

use std::net::SocketAddr;
use std::time::Duration;

use node::{CameraSection, Node, Section, Show, TestCardSection};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::State;

/// No test waits for anything longer than this.
pub const WITHIN: Duration = Duration::from_secs(20);

pub struct Broker {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Broker {
    pub async fn start(listen: &str) -> Self {
        let section = broker::Section { listen: listen.parse().unwrap(), ..Default::default() };
        let broker = broker::Broker::bind(section.check().unwrap()).await.unwrap();
        let address = broker.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            broker.run(async { drop(stopped.await) }).await.unwrap();
        });
        Broker { address, stop, task }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    pub data: TempDir,
}

/// A camera that is configured, but not there.
pub fn absent(name: &str) -> CameraSection {
    CameraSection {
        device: Some("/dev/v4l/by-id/usb-Nowhere-video-index0".into()),
        name: Some(name.into()),
        ..CameraSection::default()
    }
}

/// A node with a small test card.
pub fn section(name: &str, broker: SocketAddr) -> Section {
    Section {
        name: Some(name.to_owned()),
        broker: Some(format!("mqtt://{broker}")),
        test_card: TestCardSection {
            show: Some(Show::Always),
            width: Some(320),
            height: Some(240),
            fps: Some(25),
            every: None,
            title: None,
        },
        ..Section::default()
    }
}

impl Running {
    pub fn start(name: &str, broker: SocketAddr) -> Self {
        Running::start_in(tempfile::tempdir().unwrap(), section(name, broker))
    }

    pub fn start_with(name: &str, broker: SocketAddr, camera: Vec<CameraSection>) -> Self {
        let section = Section { camera, ..section(name, broker) };
        Running::start_in(tempfile::tempdir().unwrap(), section)
    }

    /// Starts with the data of an earlier one.
    pub fn start_in(data: TempDir, section: Section) -> Self {
        let config = section.check(wire::Root::default(), data.path().join("node")).unwrap();
        let node = Node::new(config, node::Log::default()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task =
            tokio::spawn(async move { node.run(async { drop(stopped.await) }).await.unwrap() });
        Running { stop, task, data }
    }

    pub async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        timeout(WITHIN, self.task).await.unwrap().unwrap();
        self.data
    }

    /// Ends it without a good-bye, as a crash does.
    pub async fn kill(self) -> TempDir {
        self.task.abort();
        self.task.await.unwrap_err();
        self.data
    }
}

#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Message {
    pub fn text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }
}

/// A client that receives everything.
pub struct Listener {
    client: AsyncClient,
    heard: mpsc::UnboundedReceiver<Message>,
}

impl Listener {
    pub async fn connect(broker: SocketAddr, filters: &[&str]) -> Self {
        let id = format!("test-{:08x}", fastrand::u32(..));
        let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
        options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
        let (client, mut events) = AsyncClient::new(options, 16);
        let (said, heard) = mpsc::unbounded_channel();
        for filter in filters {
            client.subscribe(*filter, QoS::AtMostOnce).await.unwrap();
        }
        let (ready, is_ready) = oneshot::channel();
        let (mut ready, mut missing) = (Some(ready), filters.len());
        tokio::spawn(async move {
            // It ends with the broker or the test.
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => {
                        missing -= 1;
                        if missing == 0 {
                            let _ = ready.take().map(|ready| ready.send(()));
                        }
                    }
                    Event::Incoming(Packet::Publish(publish)) => {
                        let payload = publish.payload.to_vec();
                        let message =
                            Message { topic: publish.topic, payload, retained: publish.retain };
                        if said.send(message).is_err() {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        timeout(WITHIN, is_ready).await.unwrap().unwrap();
        Listener { client, heard }
    }

    pub async fn next(&mut self) -> Message {
        timeout(WITHIN, self.heard.recv()).await.expect("a message in time").unwrap()
    }

    /// The next message on `topic` that meets the condition.
    pub async fn until(&mut self, topic: &str, is: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.next().await;
            if message.topic == topic && is(&message) {
                return message;
            }
        }
    }

    pub async fn status(&mut self, node: &str, word: &str) -> Message {
        self.until(&format!("vitrina/{node}/status"), |message| message.payload == word.as_bytes())
            .await
    }

    pub async fn say(&self, topic: &str, retain: bool, payload: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.unwrap();
    }
}

pub const ALL: &[&str] = &["vitrina/#", "vitrina-jpeg/#"];

pub fn state_of(message: &Message) -> State {
    State::parse(&message.payload).unwrap()
}
