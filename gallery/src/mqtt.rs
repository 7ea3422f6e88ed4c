//! The gallery's connections to the broker; only these files know rumqttc.
//!
//! One future listens and hands messages to the hub; another speaks for the gallery. They are two
//! because a poll of rumqttc must not be cancelled, and because speaking may wait for the
//! connection.

mod asked;
mod pictures;
mod subscriptions;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ClientError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Outgoing,
    Packet, QoS, SubscribeFilter, TlsConfiguration, Transport,
};
use supervision::{Retry, stopped};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};
use tracing::{error, info, warn};
use wire::{BrokerUrl, CameraId, GalleryId, Root, Status, Topic, Want, filter, limits};

use crate::config::Config;
use crate::live::frames::Rates;
use crate::live::hub::Hub;
use crate::people::{Out, People};
use crate::photos::ingest::Saying;
use asked::Asked;
use subscriptions::Subscriptions;

const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// The warning about a connection that [`Retry::is_ended`].
const ENDED: &str = "lost the broker again soon after connecting: it may end the connection \
                     because the gallery's user may not publish or read something; the broker's \
                     log says what";

/// How many messages may wait to be sent.
const QUEUE: usize = 64;

/// How long others may take to say that they were here first, before this gallery is online. Later
/// answers count too, but until then photos may be stored twice.
const TOLD_WITHIN: Duration = Duration::from_millis(500);

/// How long photos may take that are being stored when the gallery stops.
const SETTLED: Duration = Duration::from_millis(400);

/// How long the good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Listens and speaks until `stop` is true. Calls `beat` at each progress; another attempt to reach
/// the broker counts as progress.
pub(crate) async fn run(
    config: &Config,
    hub: Arc<Hub>,
    mut sayings: mpsc::Receiver<Saying>,
    mut stop: watch::Receiver<bool>,
    beat: impl Fn(),
) {
    let asked = Asked::default();
    let me = Speaker { root: config.root.clone(), id: config.id.clone(), asked: &asked };
    let (client, events) = me.client(config);
    let (link, mut links) = watch::channel(Link::default());
    let mut listen = pin!(listen(events, &hub, config, link, &asked, beat));
    let speak = async {
        tokio::select! {
            _ = me.speak(&client, &hub, &mut sayings, links.clone()) => {}
            () = stopped(&mut stop) => {}
        }
        if links.borrow_and_update().up {
            // A node that is told that a photo is stored does not offer it to another gallery.
            let _ = timeout(SETTLED, hub.ingest.finish()).await;
            let _ = timeout(GOOD_BYE, me.leave(&client, &hub, &mut sayings)).await;
        }
        links.borrow().up
    };
    tokio::select! {
        () = &mut listen => {}
        () = pictures::run(config, &hub.people.pictures) => {}
        up = speak => if up {
            let _ = timeout(GOOD_BYE, listen).await;
        }
    }
}

/// The connection to the broker, as the speaker sees it.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    up: bool,
    /// The number of the connection.
    number: u64,
}

async fn listen(
    mut events: EventLoop,
    hub: &Hub,
    config: &Config,
    link: watch::Sender<Link>,
    asked: &Asked,
    beat: impl Fn(),
) {
    let address = config.broker.to_string();
    let mut retry = Retry::default();
    let mut connected = false;
    loop {
        beat();
        if !connected {
            log_in(&mut events.mqtt_options, config).await;
        }
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                info!(broker = address, "connected to the broker");
                connected = true;
                retry.worked(Instant::now().into_std());
                hub.broker_found();
                link.send_modify(|link| *link = Link { up: true, number: link.number + 1 });
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                // Other programs may share the root; their topics are ignored.
                if let Ok(topic) = Topic::parse(&config.root, &publish.topic)
                    && let Err(why) = hub.receive(&topic, publish.payload, publish.retain)
                {
                    warn!(topic = publish.topic, why, "refused a message");
                }
            }
            Ok(Event::Incoming(Packet::SubAck(ack))) => {
                for filter in asked.answered(ack.pkid, &ack.return_codes) {
                    error!(
                        broker = address,
                        filter, "the broker does not let the gallery read this; allow its user to"
                    );
                    hub.refused(filter);
                }
            }
            Ok(Event::Outgoing(Outgoing::Subscribe(id))) => asked.sent(id),
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
            Ok(_) => {}
            Err(error) => {
                connected = false;
                let pause = retry.lost(Instant::now().into_std());
                let error = trust::why(&error);
                let (lost, news) = match retry.is_ended() {
                    true => (ENDED, ENDED),
                    false => ("lost the broker; trying again", error.as_str()),
                };
                if retry.is_news(news) {
                    warn!(broker = address, error, "{lost}");
                }
                link.send_modify(|link| link.up = false);
                asked.clear();
                hub.broker_lost();
                sleep(pause).await;
            }
        }
    }
}

fn options(config: &Config, name: String, keep_alive: Duration) -> MqttOptions {
    let BrokerUrl { host, port, .. } = &config.broker;
    let mut options = MqttOptions::new(name, host, *port);
    options.set_clean_session(true);
    options.set_keep_alive(keep_alive);
    options.set_max_packet_size(limits::PACKET, limits::PACKET);
    if let Some(tls) = &config.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
    }
    options
}

fn network() -> NetworkOptions {
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network
}

/// Puts the user and password into the next CONNECT. A broker of this machine that has not made a
/// password yet may need none.
async fn log_in(options: &mut MqttOptions, config: &Config) {
    let Some(file) = &config.password_file else { return };
    let user = config.broker.user.as_deref();
    let path = file.clone();
    let read = spawn_blocking(move || fs::read_to_string(path)).await;
    match read.unwrap_or_else(|error| Err(error.into())) {
        Ok(password) => {
            options.set_credentials(user.unwrap_or("gallery"), password.trim_end());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && user.is_none() => {}
        Err(error) => {
            error!(file = %file.display(), %error, "cannot read gallery.password_file; connecting \
                                                    without a password");
        }
    }
}

struct Speaker<'a> {
    root: Root,
    id: GalleryId,
    asked: &'a Asked,
}

/// The rates wanted of each camera.
type Wants = BTreeMap<CameraId, Rates>;

/// How many people look at each camera that people show.
type Lookers = BTreeMap<CameraId, u32>;

/// No size is wanted.
const NONE: Rates = [0.0; 3];

impl Speaker<'_> {
    fn client(&self, config: &Config) -> (AsyncClient, EventLoop) {
        let mut options = options(config, format!("vitrina-gallery-{}", self.id), KEEP_ALIVE);
        options.set_last_will(LastWill::new(
            self.topic(&Topic::GalleryStatus(self.id.clone())),
            Status::Offline.as_str(),
            QoS::AtLeastOnce,
            true,
        ));
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        events.set_network_options(network());
        (client, events)
    }

    fn topic(&self, topic: &Topic) -> String {
        topic.under(&self.root).to_string()
    }

    /// Announces itself at each connection and is online a moment later. Sends the wants at each
    /// change, every [`limits::WANT_EVERY`], and when a node comes online.
    async fn speak(
        &self,
        client: &AsyncClient,
        hub: &Hub,
        sayings: &mut mpsc::Receiver<Saying>,
        mut links: watch::Receiver<Link>,
    ) -> Result<(), ClientError> {
        let mut photos = hub.store.events();
        let mut repeat = interval(limits::WANT_EVERY);
        let mut greeted = 0;
        let (mut said, mut looked) = (Wants::new(), Lookers::new());
        let mut subscribed = Subscriptions::default();
        let mut again = false;
        // When to announce that it is online; `None` once done.
        let mut online = None;
        loop {
            let link = *links.borrow_and_update();
            if link.up {
                if link.number != greeted {
                    self.greet(client).await?;
                    online = Some(Instant::now() + TOLD_WITHIN);
                    greeted = link.number;
                    said.clear();
                    subscribed = Subscriptions::default();
                }
                self.tell(client, &hub.people).await?;
                let mut wants = hub.frames.wants();
                wants.retain(|camera, _| hub.camera(camera).is_some());
                let change = subscribed.change(&wants, Instant::now());
                for (camera, size) in change.begin {
                    let topic = self.topic(&Topic::Live(camera, size));
                    self.subscribe(client, topic).await?;
                }
                let lookers = hub.frames.lookers();
                if lookers != looked {
                    // The end of a want must be announced once.
                    said.retain(|camera, _| {
                        !wants.contains_key(camera) || lookers.get(camera) == looked.get(camera)
                    });
                    looked = lookers;
                }
                self.declare(client, &said, &wants, &looked, again).await?;
                for (camera, size) in change.end {
                    client.unsubscribe(self.topic(&Topic::Live(camera, size))).await?;
                }
                said = wants;
            }
            again = tokio::select! {
                _ = repeat.tick() => true,
                () = hub.node_online.notified() => true,
                () = hub.frames.wants_changed.notified() => false,
                () = sleep_until(online.unwrap_or_else(Instant::now)), if online.is_some() => {
                    online = None;
                    if link.up {
                        self.say_status(client, Status::Online).await?;
                    }
                    false
                }
                () = hub.say_online.notified() => {
                    if link.up && online.is_none() {
                        self.say_status(client, Status::Online).await?;
                    }
                    false
                }
                () = hub.say_come.notified() => {
                    while let Some((other, order)) = hub.next_order() {
                        self.say(client, link, self.come(order.to(&other))).await?;
                    }
                    false
                }
                Some(saying) = sayings.recv() => {
                    self.say(client, link, saying).await?;
                    false
                }
                event = photos.recv() => {
                    match event {
                        Ok(event) => {
                            let topic = Topic::GalleryPhoto(self.id.clone());
                            self.say(client, link, Saying { topic, payload: event.to_json() }).await?;
                        }
                        Err(RecvError::Lagged(missed)) => {
                            warn!(missed, "photos come faster than the broker takes their \
                                           announcements; some are not announced");
                        }
                        Err(RecvError::Closed) => return Ok(()),
                    }
                    false
                }
                () = hub.people.outgoing.notified() => false,
                changed = links.changed() => if changed.is_err() { return Ok(()) } else { false },
            };
        }
    }

    async fn greet(&self, client: &AsyncClient) -> Result<(), ClientError> {
        // The other galleries' status comes before this one's, because the election depends on that
        // order, and before people's: somebody who joined at a gallery is here while the gallery
        // is. Snapshots come before the status that makes nodes offer them.
        let facts = [
            filter::every_gallery,
            filter::every_come,
            filter::every_status,
            filter::every_info,
            filter::every_state,
            filter::every_person,
            filter::every_say,
            filter::every_photo,
            filter::every_snap,
            filter::every_set,
            filter::every_set_title,
            filter::every_ask,
            filter::every_answer,
            filter::every_snapshot,
        ];
        let facts = facts.map(|filter| SubscribeFilter::new(filter(&self.root), QoS::AtLeastOnce));
        let rest = [filter::every_stats, filter::every_preview]
            .map(|filter| SubscribeFilter::new(filter(&self.root), QoS::AtMostOnce));
        let all: Vec<SubscribeFilter> = facts.into_iter().chain(rest).collect();
        self.asked.queue(all.iter().map(|filter| filter.path.clone()).collect());
        client.subscribe_many(all).await?;
        let Saying { topic, payload } = self.come(String::new());
        client.publish(self.topic(&topic), QoS::AtLeastOnce, false, payload).await
    }

    /// Says that this gallery comes, or tells another one when it came.
    fn come(&self, payload: String) -> Saying {
        Saying { topic: Topic::GalleryCome(self.id.clone()), payload }
    }

    async fn subscribe(&self, client: &AsyncClient, filter: String) -> Result<(), ClientError> {
        self.asked.queue(vec![filter.clone()]);
        client.subscribe(filter, QoS::AtMostOnce).await
    }

    /// Sends it, unless no connection exists: whoever was away asks again.
    async fn say(
        &self,
        client: &AsyncClient,
        link: Link,
        Saying { topic, payload }: Saying,
    ) -> Result<(), ClientError> {
        if !link.up {
            return Ok(());
        }
        client.publish(self.topic(&topic), QoS::AtLeastOnce, false, payload).await
    }

    /// Sends what is new about people and their cameras.
    async fn tell(&self, client: &AsyncClient, people: &People) -> Result<(), ClientError> {
        while let Some(out) = people.next_out() {
            let (topic, payload, qos, retain) = match out {
                Out::Subscribe(filter) => {
                    self.subscribe(client, filter).await?;
                    continue;
                }
                Out::Unsubscribe(filter) => {
                    client.unsubscribe(filter).await?;
                    continue;
                }
                Out::Fact(topic, payload) => (topic, payload, QoS::AtLeastOnce, true),
                Out::Say(topic, payload) => (topic, payload, QoS::AtLeastOnce, false),
                Out::Stats(topic, payload) => (topic, payload, QoS::AtMostOnce, false),
            };
            client.publish(self.topic(&topic), qos, retain, payload).await?;
        }
        Ok(())
    }

    async fn say_status(&self, client: &AsyncClient, status: Status) -> Result<(), ClientError> {
        let topic = self.topic(&Topic::GalleryStatus(self.id.clone()));
        client.publish(topic, QoS::AtLeastOnce, true, status.as_str()).await
    }

    /// Sends the wants that differ from the last ones, or all of them with `again`.
    async fn declare(
        &self,
        client: &AsyncClient,
        said: &Wants,
        wants: &Wants,
        lookers: &Lookers,
        again: bool,
    ) -> Result<(), ClientError> {
        for camera in said.keys().filter(|camera| !wants.contains_key(camera)) {
            self.want(client, camera, NONE, None, Some(0.0)).await?;
        }
        for (camera, &rates) in wants {
            if again || said.get(camera) != Some(&rates) {
                let lookers = lookers.get(camera).copied();
                self.want(client, camera, rates, lookers, None).await?;
            }
        }
        Ok(())
    }

    async fn want(
        &self,
        client: &AsyncClient,
        camera: &CameraId,
        [full, half, quarter]: Rates,
        lookers: Option<u32>,
        seconds: Option<f32>,
    ) -> Result<(), ClientError> {
        let by = format!("gallery-{}", self.id);
        let [half, quarter] = [half, quarter].map(|fps| (fps > 0.0).then_some(fps));
        let want = Want { by, full: Some(full), half, quarter, lookers, seconds };
        let topic = self.topic(&Topic::Want(camera.clone()));
        client.publish(topic, QoS::AtMostOnce, false, want.to_json()).await
    }

    /// Sends what waits, ends the wants, says good-bye, and disconnects, so that no will is needed.
    async fn leave(
        &self,
        client: &AsyncClient,
        hub: &Hub,
        sayings: &mut mpsc::Receiver<Saying>,
    ) -> Result<(), ClientError> {
        while let Ok(Saying { topic, payload }) = sayings.try_recv() {
            client.publish(self.topic(&topic), QoS::AtLeastOnce, false, payload).await?;
        }
        for camera in hub.frames.wants().keys() {
            self.want(client, camera, NONE, None, Some(0.0)).await?;
        }
        hub.people.farewell();
        self.tell(client, &hub.people).await?;
        self.say_status(client, Status::Offline).await?;
        client.disconnect().await
    }
}
