//! Photos by MQTT, and galleries that share a broker.

use std::net::SocketAddr;

use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wire::page::{NoticeCode, ToPage};
use wire::{CameraId, Photo, PhotoEvent, PhotoId, Root, Stamp, Stored, Topic, filter};

use crate::client::get;
use crate::house::{House, Page, soon};

/// A node's spool: offers what the test tells it, and receives the answers.
struct Spool {
    camera: CameraId,
    client: AsyncClient,
    heard: mpsc::UnboundedReceiver<(Topic, Vec<u8>)>,
}

impl Spool {
    async fn connect(broker: SocketAddr) -> Spool {
        let camera: CameraId = "pi/door".parse().unwrap();
        let mut options = MqttOptions::new("spool", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(wire::limits::PACKET, wire::limits::PACKET);
        let (client, mut events) = AsyncClient::new(options, 100);
        let (tell, mut heard) = mpsc::unbounded_channel();
        let (up, mut is_up) = mpsc::unbounded_channel();
        // Ends with the test.
        tokio::spawn(async move {
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Incoming::Publish(publish)) => {
                        let topic = Topic::parse(&Root::default(), &publish.topic).unwrap();
                        let _ = tell.send((topic, publish.payload.to_vec()));
                    }
                    Event::Incoming(Incoming::SubAck(_)) => drop(up.send(())),
                    _ => {}
                }
            }
        });
        let root = Root::default();
        let stored = text(&Topic::Stored(camera.node.clone()));
        for filter in [stored, filter::every_photo(&root), filter::every_gallery(&root)] {
            client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
            soon(is_up.recv()).await.unwrap();
        }
        // The gallery is ready to take offers.
        while !matches!(soon(heard.recv()).await.unwrap().0, Topic::GalleryStatus(_)) {}
        Spool { camera, client, heard }
    }

    async fn say(&self, topic: &Topic, payload: impl Into<Vec<u8>>) {
        self.client.publish(text(topic), QoS::AtLeastOnce, false, payload).await.unwrap();
    }

    async fn offer(&self, jpeg: Vec<u8>) {
        self.say(&Topic::Snapshot(self.camera.clone()), jpeg).await;
    }

    async fn stored(&mut self) -> Stored {
        loop {
            let (topic, payload) = soon(self.heard.recv()).await.unwrap();
            if matches!(topic, Topic::Stored(_)) {
                return Stored::parse(&payload).unwrap();
            }
        }
    }

    /// Offers until a gallery answers, as a node does.
    async fn offer_until_stored(&mut self, id: &PhotoId, jpeg: &[u8]) {
        loop {
            self.offer(jpeg.to_vec()).await;
            let answer = tokio::time::timeout(std::time::Duration::from_millis(300), self.stored());
            if let Ok(Stored { id: stored, error: None, .. }) = answer.await
                && stored == *id
            {
                return;
            }
        }
    }
}

fn text(topic: &Topic) -> String {
    topic.under(&Root::default()).to_string()
}

fn id(n: u64) -> PhotoId {
    PhotoId::new(1_763_640_000_000, u128::from(n))
}

fn snapshot(camera: &str, id: Option<PhotoId>) -> Vec<u8> {
    let golden = include_bytes!("../../../wire/golden/stamped.jpg");
    let stamp = Stamp {
        camera: camera.parse().unwrap(),
        seq: 7,
        at: 1_763_640_000_000_000,
        mono: 5,
        boot: "6f2d41aa".into(),
        ages: None,
        photo: id,
    };
    let mut jpeg = Vec::new();
    stamp.insert(&Stamp::remove(golden).unwrap(), &mut jpeg).unwrap();
    jpeg
}

async fn ask(house: &House, request: &str) -> String {
    let mut socket = soon(TcpStream::connect(house.address)).await.unwrap();
    let host = house.address;
    let request = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(socket.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn list(house: &House) -> Vec<Photo> {
    let answer = ask(house, "GET /api/photos").await;
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    let json = &json[json.find('[').unwrap()..=json.rfind(']').unwrap()];
    serde_json::from_str(json).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_stored_once_and_told_to_everybody() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let mut spool = Spool::connect(house.broker_address).await;
    let jpeg = snapshot("pi/door", Some(id(1)));
    spool.offer_until_stored(&id(1), &jpeg).await;
    spool.offer(jpeg).await;
    assert_eq!(spool.stored().await, Stored { id: id(1), error: None, is_final: false });
    let photos = list(&house).await;
    assert_eq!(photos.len(), 1);
    assert_eq!((&photos[0].id, photos[0].taken), (&id(1), 1_763_640_000_000));
    loop {
        if let ToPage::Photo(PhotoEvent::Stored { photo, .. }) = page.told().await {
            assert_eq!(*photo, photos[0]);
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_tells_no_place_either() {
    let house = House::open().await;
    let mut spool = Spool::connect(house.broker_address).await;
    let clean = snapshot("pi/door", Some(id(1)));
    // As an action camera writes it, and our nodes do not remove it.
    let packet =
        b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='40,25N' photoshop:City='Madrid'/>";
    let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
    let told = [&clean[..2], &[0xff, 0xe1], &length, packet, &clean[2..]].concat();
    spool.offer_until_stored(&id(1), &told).await;
    let (status, _, body) = get(&house, &format!("/photos/{}", id(1))).await;
    assert_eq!(status, 200);
    // An encoder's text about itself is removed too; the stamp stays.
    let comment = b"\xff\xfe\0\x10Lavc59.37.100\0";
    let at = clean.windows(comment.len()).position(|window| window == comment).unwrap();
    assert!(body == [&clean[..at], &clean[at + comment.len()..]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_none_is_refused_for_good() {
    let house = House::open().await;
    let mut spool = Spool::connect(house.broker_address).await;
    spool.offer_until_stored(&id(1), &snapshot("pi/door", Some(id(1)))).await;
    let whole = snapshot("pi/door", Some(id(2)));
    let cut = whole[..whole.len() - 9].to_vec();
    for bad in [cut, snapshot("pi/yard", Some(id(2)))] {
        spool.offer(bad).await;
        let Stored { id: refused, error, is_final } = spool.stored().await;
        assert!(refused == id(2) && error.is_some() && is_final);
    }
    // These have no readable id.
    spool.offer(snapshot("pi/door", None)).await;
    spool.offer(b"no JPEG".to_vec()).await;
    spool.offer_until_stored(&id(3), &snapshot("pi/door", Some(id(3)))).await;
    assert_eq!(list(&house).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_galleries_the_first_stores_and_the_second_takes_over() {
    let mut first = House::open().await;
    let mut spool = Spool::connect(first.broker_address).await;
    spool.offer_until_stored(&id(1), &snapshot("pi/door", Some(id(1)))).await;
    let second = House::beside(&first).await;
    let mut page = Page::open(&second).await;
    let mut view_only = async |holds: bool| {
        loop {
            if let ToPage::Notice { notices } = page.told().await
                && notices.iter().any(|notice| notice.code == NoticeCode::ViewOnly) == holds
            {
                return;
            }
        }
    };
    view_only(true).await;
    assert!(ask(&second, "GET /healthz").await.contains("this one only shows"));
    spool.offer_until_stored(&id(2), &snapshot("pi/door", Some(id(2)))).await;
    assert_eq!((list(&first).await.len(), list(&second).await.len()), (2, 0));
    first.gallery.stop().await;
    view_only(false).await;
    spool.offer_until_stored(&id(3), &snapshot("pi/door", Some(id(3)))).await;
    assert_eq!(list(&second).await.len(), 1);
}
