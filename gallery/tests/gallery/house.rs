//! A real broker, a real gallery, and a node that a test controls.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Authentication;
use futures_util::{SinkExt, StreamExt};
use gallery::{Gallery, Health, OpenError, Section, StartError};
use rumqttc::{AsyncClient, Event, Incoming, LastWill, MqttOptions, QoS};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wire::frame::Header;
use wire::page::{FromPage, Tile, ToPage};
use wire::{CameraId, PhotoEvent, Root, Size, Stamp, Topic, Want};

/// The longest wait for a fact, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(LIMIT, what).await.expect("it happens within the limit")
}

/// A part that runs until it is told to stop.
pub struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    fn start<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(oneshot::Receiver<()>) -> F,
    ) -> Running {
        let (stop, stopped) = oneshot::channel();
        Running { stop: Some(stop), task: tokio::spawn(run(stopped)) }
    }

    /// Ends it without a good-bye.
    pub fn die(&self) {
        self.task.abort();
    }

    pub async fn stop(&mut self) {
        drop(self.stop.take());
        soon(&mut self.task).await.expect("it ends without a panic");
    }
}

pub async fn broker(address: &str) -> (SocketAddr, Running) {
    let section = broker::Section { listen: address.parse().unwrap(), ..Default::default() };
    let broker = broker::Broker::bind(section.check().unwrap()).await.unwrap();
    let address = broker.local_addr();
    let running = Running::start(|stop| async move {
        broker.run(async { drop(stop.await) }).await.unwrap();
    });
    (address, running)
}

async fn gallery(broker: SocketAddr, data: &Path, change: impl FnOnce(&mut Section)) -> Gallery {
    let mut section = Section {
        listen: "127.0.0.1:0".into(),
        broker: Some(format!("mqtt://{broker}")),
        ..Section::default()
    };
    change(&mut section);
    let since = Instant::now();
    loop {
        let config = section.clone();
        let users = data.join("broker");
        let config = config.check_in(Root::default(), data.join("gallery"), Some(&users)).unwrap();
        let known = Arc::new(Authentication::of_users(users).unwrap());
        match Gallery::bind(config, known).await {
            // The one before may still be closing on a slow disk.
            Err(StartError::Store(OpenError::InUse(_))) if since.elapsed() < LIMIT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => return bound.unwrap(),
        }
    }
}

fn run(gallery: Gallery) -> Running {
    Running::start(|stop| async move {
        gallery.run(async { drop(stop.await) }).await.unwrap();
    })
}

/// The broker and the gallery.
pub struct House {
    pub broker_address: SocketAddr,
    pub broker: Running,
    pub address: SocketAddr,
    pub https_address: Option<SocketAddr>,
    pub gallery: Running,
    pub health: Health,
    pub data: tempfile::TempDir,
}

impl House {
    pub async fn open() -> House {
        House::open_with(|_| {}).await
    }

    /// Opens a house with a changed section.
    pub async fn open_with(change: impl FnOnce(&mut Section)) -> House {
        let (broker_address, broker) = broker("127.0.0.1:0").await;
        House::at(broker_address, broker, change).await
    }

    /// A broker and a gallery of one process, which know the same users.
    pub async fn with_shared_users() -> House {
        let data = tempfile::tempdir().unwrap();
        let users = data.path().join("broker");
        let known = Arc::new(Authentication::new(Some(users.clone())).unwrap());
        let section =
            broker::Section { listen: "127.0.0.1:0".parse().unwrap(), ..Default::default() };
        let config = section.check_in(Root::default(), Some(users.clone())).unwrap();
        let broker = broker::Broker::bind_with(config, known.clone()).await.unwrap();
        let broker_address = broker.local_addr();
        let broker = Running::start(|stop| async move {
            broker.run(async { drop(stop.await) }).await.unwrap();
        });
        let password = Some(users.join("gallery.password"));
        let section = Section {
            listen: "127.0.0.1:0".into(),
            broker: Some(format!("mqtt://{broker_address}")),
            password_file: password,
            ..Section::default()
        };
        let config = section.check(Root::default(), data.path().join("gallery")).unwrap();
        let bound = Gallery::bind(config, known).await.unwrap();
        let (address, health) = (bound.local_addr(), bound.health());
        let gallery = run(bound);
        House { broker_address, broker, address, https_address: None, gallery, health, data }
    }

    /// Another gallery on the first one's broker.
    pub async fn beside(house: &House) -> House {
        let nothing = Running::start(|stop| async { drop(stop.await) });
        House::at(house.broker_address, nothing, |_| {}).await
    }

    async fn at(
        broker_address: SocketAddr,
        broker: Running,
        change: impl FnOnce(&mut Section),
    ) -> House {
        let data = tempfile::tempdir().unwrap();
        let bound = gallery(broker_address, data.path(), change).await;
        let https_address = bound.https_addr();
        let (address, health) = (bound.local_addr(), bound.health());
        let gallery = run(bound);
        House { broker_address, broker, address, https_address, gallery, health, data }
    }

    /// Stops the gallery and starts it again.
    pub async fn restart(&mut self) {
        self.gallery.stop().await;
        self.start().await;
    }

    /// Starts the gallery again after it died, at another address.
    pub async fn start(&mut self) {
        let bound = gallery(self.broker_address, self.data.path(), |_| {}).await;
        (self.address, self.health) = (bound.local_addr(), bound.health());
        self.gallery = run(bound);
    }

    /// A node with one working camera, on the wall.
    pub async fn with_camera(camera: &str) -> (House, Node) {
        let house = House::open().await;
        let mut node = Node::connect(house.broker_address, camera).await;
        node.facts().await;
        let mut page = Page::open(&house).await;
        soon(page.camera(|found| found.state == wire::CameraState::Live)).await;
        (house, node)
    }
}

/// A node with one camera.
pub struct Node {
    pub camera: CameraId,
    client: AsyncClient,
    wants: mpsc::UnboundedReceiver<Want>,
    seq: u32,
    started: Instant,
    /// The last published picture.
    pub last: Vec<u8>,
    events: JoinHandle<()>,
}

impl Node {
    pub async fn connect(broker: SocketAddr, camera: &str) -> Node {
        let camera: CameraId = camera.parse().unwrap();
        let id = format!("node-{}", camera.node);
        let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
        options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
        options.set_keep_alive(Duration::from_secs(5));
        let status = topic(&Topic::Status(camera.node.clone()));
        options.set_last_will(LastWill::new(status, "offline", QoS::AtLeastOnce, true));
        let (client, mut events) = AsyncClient::new(options, 100);
        let (heard, wants) = mpsc::unbounded_channel();
        let (up, is_up) = oneshot::channel();
        let mut up = Some(up);
        let events = tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::Publish(publish))) => {
                        let _ = heard.send(Want::parse(&publish.payload).unwrap());
                    }
                    Ok(Event::Incoming(Incoming::SubAck(_))) => {
                        let _ = up.take().map(|up| up.send(()));
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        let wants_of = wire::filter::wants_of(&Root::default(), &camera.node);
        client.subscribe(wants_of, QoS::AtMostOnce).await.unwrap();
        soon(is_up).await.unwrap();
        Node { camera, client, wants, seq: 0, started: Instant::now(), last: Vec::new(), events }
    }

    /// Publishes that the node and its camera are there.
    pub async fn facts(&mut self) {
        let node = &self.camera.node;
        let info = format!(
            r#"{{"kind":"test","version":"0","machine":"1","boot":"6f2d41aa","instance":"1",
            "host":"h","started":1,"cameras":["{}"]}}"#,
            self.camera.camera
        );
        self.keep(&Topic::Status(node.clone()), "online").await;
        self.keep(&Topic::Info(node.clone()), &info).await;
        self.state("live", "").await;
    }

    pub async fn state(&self, state: &str, more: &str) {
        let json = format!(
            r#"{{"state":"{state}","since":1763640000000,"name":"Bench","device":"x"{more}}}"#
        );
        self.keep(&Topic::State(self.camera.clone()), &json).await;
    }

    pub async fn keep(&self, fact: &Topic, payload: &str) {
        self.client.publish(topic(fact), QoS::AtLeastOnce, true, payload).await.unwrap();
    }

    /// Publishes the next live frame, of `size` bytes or a little more; returns its number.
    pub async fn frame(&mut self, size: usize) -> u32 {
        self.take(size).await;
        self.publish_live(self.last.clone()).await;
        self.seq
    }

    async fn take(&mut self, size: usize) {
        self.seq += 1;
        let mono = 1_000_000 + u64::try_from(self.started.elapsed().as_micros()).unwrap();
        self.last = picture(&self.camera, self.seq, mono, size);
        // Takes the time that the picture claims: it measures the node's clock.
        tokio::time::sleep(Duration::from_micros(MADE.into())).await;
    }

    pub async fn publish_live(&self, payload: Vec<u8>) {
        let live = topic(&Topic::Live(self.camera.clone(), Size::Full));
        self.client.publish(live, QoS::AtMostOnce, false, payload).await.unwrap();
    }

    pub async fn preview(&mut self) -> u32 {
        self.take(0).await;
        let preview = topic(&Topic::Preview(self.camera.clone()));
        self.client.publish(preview, QoS::AtMostOnce, false, self.last.clone()).await.unwrap();
        self.seq
    }

    /// The next want for which `is` is true. When a want with a positive rate comes, the gallery
    /// has already subscribed to live frames.
    pub async fn want(&mut self, is: impl Fn(&Want) -> bool) -> Want {
        loop {
            let want = soon(self.wants.recv()).await.unwrap();
            if is(&want) {
                return want;
            }
        }
    }

    /// Vanishes without a good-bye.
    pub fn die(self) {
        self.events.abort();
    }
}

fn topic(topic: &Topic) -> String {
    topic.under(&Root::default()).to_string()
}

/// The time from capture to the finished picture, in microseconds.
const MADE: u32 = 300;

/// The golden picture with its own stamp, padded behind its end. `mono` is in microseconds of
/// another boot than this machine's.
pub fn picture(camera: &CameraId, seq: u32, mono: u64, size: usize) -> Vec<u8> {
    let golden = include_bytes!("../../../wire/golden/stamped.jpg");
    let stamp = Stamp {
        camera: camera.clone(),
        seq,
        at: 1_763_640_000_000_000 + mono,
        mono,
        boot: "6f2d41aa".into(),
        ages: Some(wire::Ages { got: 200, made: MADE }),
        photo: None,
    };
    let mut picture = Vec::new();
    stamp.insert(&Stamp::remove(golden).unwrap(), &mut picture).unwrap();
    picture.resize(picture.len().max(size), 0);
    picture
}

/// A page in a browser.
pub struct Page {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that came while the page waited for something else.
    frames: VecDeque<(Header, Bytes)>,
}

impl Page {
    pub async fn open(house: &House) -> Page {
        Page::open_at(house, "/ws").await
    }

    pub async fn open_at(house: &House, path: &str) -> Page {
        let url = format!("ws://{}{path}", house.address);
        let (socket, _) = soon(tokio_tungstenite::connect_async(url)).await.unwrap();
        Page::of(socket)
    }

    pub fn of(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Page {
        Page { socket, frames: VecDeque::new() }
    }

    pub async fn say(&mut self, what: &FromPage) {
        self.text(&serde_json::to_string(what).unwrap()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::Text(Utf8Bytes::from(text))).await.unwrap();
    }

    pub async fn watch(&mut self, camera: &CameraId, fps: f32) {
        let tile = Tile { tile: 5, camera: camera.clone(), width: 640, fps };
        self.say(&FromPage::Watch { tiles: vec![tile] }).await;
    }

    /// Sends all answers in one message.
    pub async fn answer(&mut self, serials: impl IntoIterator<Item = u32>) {
        let message: Vec<u8> = serials.into_iter().flat_map(u32::to_le_bytes).collect();
        self.socket.send(Message::Binary(message.into())).await.unwrap();
    }

    /// The next message of the gallery that is not a frame; frames are kept.
    pub async fn told(&mut self) -> ToPage {
        loop {
            match soon(self.socket.next()).await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Binary(bytes) => self.frames.push_back(split(&bytes)),
                _ => {}
            }
        }
    }

    /// The next event of a photo.
    pub async fn photo(&mut self) -> (String, String) {
        loop {
            if let ToPage::Photo(event) = self.told().await {
                return match event {
                    PhotoEvent::Stored { photo, .. } => ("stored".into(), photo.id.to_string()),
                    PhotoEvent::Changed { photo, .. } => ("changed".into(), photo.id.to_string()),
                    PhotoEvent::Deleted { id, .. } => ("deleted".into(), id.to_string()),
                };
            }
        }
    }

    /// Waits until a camera satisfies `is`; returns it.
    pub async fn camera(&mut self, is: impl Fn(&wire::page::Camera) -> bool) -> wire::page::Camera {
        loop {
            if let ToPage::Cameras { cameras, .. } = self.told().await
                && let Some(camera) = cameras.into_iter().find(&is)
            {
                return camera;
            }
        }
    }

    /// The next frame, without answering it.
    pub async fn frame(&mut self) -> (Header, Bytes) {
        if let Some(frame) = self.frames.pop_front() {
            return frame;
        }
        loop {
            if let Message::Binary(bytes) = soon(self.socket.next()).await.unwrap().unwrap() {
                return split(&bytes);
            }
        }
    }

    /// The frame with this number. Answers it and all before it.
    pub async fn until(&mut self, seq: u32) -> (Header, Bytes) {
        loop {
            let (header, jpeg) = self.frame().await;
            self.answer([header.serial]).await;
            if header.seq == seq {
                return (header, jpeg);
            }
        }
    }

    /// Makes the gallery answer, so that everything sent before has come. Returns how many frames
    /// that were.
    pub async fn frames_so_far(&mut self) -> usize {
        self.socket.send(Message::Ping("?".into())).await.unwrap();
        loop {
            match soon(self.socket.next()).await.unwrap().unwrap() {
                Message::Binary(bytes) => self.frames.push_back(split(&bytes)),
                Message::Pong(what) if what == "?" => return self.frames.len(),
                _ => {}
            }
        }
    }

    /// The code and reason with which the gallery closes.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(why) = soon(self.socket.next()).await.unwrap().unwrap() {
                let why = why.expect("the gallery says why");
                return (why.code.into(), why.reason.to_string());
            }
        }
    }
}

fn split(message: &Bytes) -> (Header, Bytes) {
    let (header, jpeg) = Header::parse(message).expect("each binary message has a header");
    (header, message.slice_ref(jpeg))
}
