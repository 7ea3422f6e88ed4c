//! The node's two connections to the broker, and the taking of its name. The only file that
//! knows rumqttc.
//!
//! The text connection carries facts, stats, commands and answers; it has the will. The one for pictures
//! lives while the text connection is up, so that nothing is published under a name that is not
//! ours. Each connection is made anew after a failure: what was on its way is gone with it.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rumqttc::{
    AsyncClient, ClientError, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill,
    MqttOptions, NetworkOptions, Outgoing, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode, TlsConfiguration, Transport, v5,
};
use rustls::ClientConfig;
use supervision::{Beat, Health, stopped};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};
use wire::{
    Ask, BrokerUrl, CameraId, Info, NodeName, Root, Snap, Stats, Status, Stored, Takes, Topic,
    Want, filter, limits,
};

use crate::devices::cameras::Cameras;
use crate::identity::Identity;
use crate::link::ask::Questions;
use crate::link::claim::{Claim, Verdict};
use crate::link::retry::Retry;
use crate::outgoing::answers::Answers;
use crate::outgoing::facts::Facts;
use crate::outgoing::slot::{Picture, Slots};
use crate::spool::disk::Entry;
use crate::spool::spooler::Spooler;

/// What the node says and hears.
pub(crate) struct Link {
    pub broker: BrokerUrl,
    pub tls: Option<Arc<ClientConfig>>,
    pub password_file: Option<PathBuf>,
    pub root: Root,
    pub name: NodeName,
    pub identity: Identity,
    pub facts: Arc<Facts>,
    pub slots: Arc<Slots>,
    pub health: Health,
    pub cameras: Arc<Cameras>,
    pub answers: Arc<Answers>,
    pub questions: Arc<Questions>,
    pub spooler: Spooler,
    pub takes: Mutex<Takes>,
    /// What the broker does not let it read.
    pub refused: Mutex<Vec<String>>,
    /// When it said on this connection that it is online, until that has come back.
    pub said: Mutex<Option<Instant>>,
}

const TEXT_KEEP_ALIVE: Duration = Duration::from_secs(10);
const PICTURES_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long a connection may take to come up.
const CONNECT_SECONDS: u64 = 5;
/// How long one picture may take to be written before the connection is given up.
const PICTURE_SECONDS: u64 = 30;
/// What the kernel may hold of pictures that are already old: it doubles the number.
const PICTURES_SEND_BUFFER: u32 = 64 * 1024;
/// How long a broker may take to say what it retains under a name: the answer to a subscription
/// may come before that.
const RETAINED: Duration = Duration::from_millis(250);
/// How long a broker may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a broker may take to bring a node what it says itself.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// The bytes of an MQTT packet beside its topic and payload.
const HEADER: usize = 9;
/// How long a clean stop waits for the broker.
const GOOD_BYE: Duration = Duration::from_secs(2);
/// All facts are said again at most so often. A gallery that has just come waits 10 s for them.
const AGAIN_EVERY: Duration = Duration::from_secs(3);
/// Many nodes that hear one gallery do not all answer in one moment: each waits up to so long.
const AGAIN_WITHIN: Duration = Duration::from_secs(1);

impl Link {
    /// Keeps both connections up until `stop`, then says good-bye.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let online = watch::Sender::new(false);
        // A task of its own, since each frame wakes it a few times and concerns nobody else.
        let mut pictures = JoinSet::new();
        pictures.spawn({
            let (link, online) = (Arc::clone(&self), online.subscribe());
            async move { link.pictures(online).await }
        });
        // It ends by itself; the pictures' connection is of no use without it.
        self.text(&online, stop).await;
        pictures.shutdown().await;
        self.slots.close();
    }

    /// The text connection: claim the name, be online, and again from the start.
    async fn text(&self, online: &watch::Sender<bool>, mut stop: watch::Receiver<bool>) {
        let beat = self.health.watch("text connection", Duration::from_secs(60));
        let mut retry = Retry::new("text");
        loop {
            let once = async {
                self.claim(&beat, &mut retry).await?;
                self.online(online, &mut retry, &beat, stop.clone()).await
            };
            let mut stopping = stop.clone();
            let result = tokio::select! {
                result = once => result,
                // While online it ends by itself, as it has a good-bye to say.
                () = async {
                    stopped(&mut stopping).await;
                    online.subscribe().wait_for(|&online| !online).await.ok();
                } => return,
            };
            online.send_replace(false);
            let Err(error) = result else { return };
            beat.beat();
            tokio::select! {
                () = retry.after(&error) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Waits until nobody else is online under our name. A connection of its own without a will
    /// asks, since ours would end that of another process of this machine.
    async fn claim(&self, beat: &Beat, retry: &mut Retry) -> Result<(), Lost> {
        let id = format!("vitrina-{}-{:08x}", self.name, fastrand::u32(..));
        let (client, mut events) = AsyncClient::new(self.options(id, TEXT_KEEP_ALIVE).await?, 10);
        set_network(&mut events, None);
        let mut claim =
            Claim::new(&self.identity.machine, &self.identity.boot, &self.identity.instance);
        let (mut subscribed, mut warned) = (0, false);
        loop {
            beat.beat();
            let quiet = if subscribed < 3 { PATIENCE } else { RETAINED };
            let event = match timeout(quiet, events.poll()).await {
                Ok(event) => event?,
                Err(_) if subscribed < 3 => return Err(Lost::Protocol),
                // All that is retained has been heard, or time has passed.
                Err(_) => match claim.verdict(Instant::now().into_std()) {
                    Verdict::Free => break,
                    Verdict::Taken(holder) => {
                        retry.worked();
                        if !warned {
                            warned = true;
                            tracing::warn!(
                                "name taken: node {} is online on {holder}; set node.name to another name",
                                self.name
                            );
                        }
                        continue;
                    }
                },
            };
            match event {
                Event::Incoming(Packet::ConnAck(ack)) => {
                    accepted(ack.code)?;
                    for topic in [Topic::Status, Topic::Info, Topic::Stats] {
                        client.try_subscribe(
                            self.topic(&topic(self.name.clone())),
                            QoS::AtMostOnce,
                        )?;
                    }
                }
                Event::Incoming(Packet::SubAck(_)) => subscribed += 1,
                Event::Incoming(Packet::Publish(publish)) => match self.parse(&publish) {
                    Some(Topic::Status(_)) => claim.status(Status::parse(&publish.payload).ok()),
                    Some(Topic::Info(_)) => claim.info(Info::parse(&publish.payload).ok()),
                    Some(Topic::Stats(_)) => claim.alive(Instant::now().into_std()),
                    _ => {}
                },
                _ => {}
            }
        }
        client.try_disconnect().ok();
        // The DISCONNECT goes out with the next polls.
        let gone = async { while events.poll().await.is_ok() {} };
        timeout(Duration::from_secs(1), gone).await.ok();
        Ok(())
    }

    /// Connected under our name until the connection is lost, or until `stop`: then `Ok`.
    async fn online(
        &self,
        online: &watch::Sender<bool>,
        retry: &mut Retry,
        beat: &Beat,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Lost> {
        let mut options = self.options(self.client_id(), TEXT_KEEP_ALIVE).await?;
        let status = self.topic(&Topic::Status(self.name.clone()));
        options.set_last_will(LastWill::new(
            &status,
            Status::Offline.as_str(),
            QoS::AtLeastOnce,
            true,
        ));
        let (client, mut events) = AsyncClient::new(options, 10);
        set_network(&mut events, None);
        let session = Session::default();
        let receiving = async {
            loop {
                let event = events.poll().await?;
                beat.beat();
                match event {
                    Event::Incoming(Packet::ConnAck(ack)) => {
                        accepted(ack.code)?;
                        retry.worked();
                        self.takes().found();
                        session.connected.notify_one();
                        online.send_replace(true);
                    }
                    Event::Incoming(Packet::SubAck(ack)) => self.granted(&ack.return_codes),
                    Event::Incoming(Packet::Publish(publish)) => self.hear(&publish, &session)?,
                    Event::Incoming(Packet::PubAck(_)) => {
                        session.unacked.send_modify(|n| *n = n.saturating_sub(1));
                    }
                    Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
                    _ => {}
                }
            }
        };
        let mut receiving = pin!(receiving);
        tokio::select! {
            result = &mut receiving => result,
            result = self.speak(&client, &session, &status, stop) => {
                result?;
                timeout(GOOD_BYE, receiving).await.ok();
                Ok(())
            }
        }
    }

    /// Publishes all facts, then that we are online, then each change and the stats; at `stop`
    /// that we are offline.
    async fn speak(
        &self,
        client: &AsyncClient,
        session: &Session,
        status: &str,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Lost> {
        let retain = async |topic: &str, payload: &str| {
            session.unacked.send_modify(|n| *n += 1);
            client.publish(topic, QoS::AtLeastOnce, true, payload).await
        };
        session.connected.notified().await;
        // In one packet, whose answer says of each whether it is granted.
        let filters = self.filters().map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        client.subscribe_many(filters).await?;
        let mut heartbeat = tokio::time::interval(limits::STATS_EVERY);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut version, mut is_online) = (0, false);
        let (mut said, mut again) = (Instant::now(), None);
        let mut told = None;
        loop {
            while let Some(fact) = self.facts.after(version) {
                version = fact.version;
                retain(&fact.topic, &fact.payload).await?;
            }
            if !is_online {
                (is_online, said, again) = (true, Instant::now(), None);
                *self.said() = Some(said);
                retain(status, Status::Online.as_str()).await?;
            }
            tokio::select! {
                () = self.facts.changed() => {}
                // Also two that contradict each other do so slowly.
                () = session.again.notified() => {
                    let soon = Instant::now() + AGAIN_WITHIN.mul_f32(fastrand::f32());
                    again.get_or_insert(soon.max(said + AGAIN_EVERY));
                }
                () = sleep_until(again.unwrap_or(said)), if again.is_some() => {
                    (version, is_online) = (0, false);
                }
                _ = heartbeat.tick() => {
                    let topic = self.topic(&Topic::Stats(self.name.clone()));
                    let kept_back = self.kept_back();
                    if let Some(why) = kept_back.as_ref().filter(|why| told.as_ref() != Some(*why)) {
                        tracing::warn!(broker = %self.broker, "{why}");
                    }
                    told.clone_from(&kept_back);
                    let stats = Stats { kept_back, ..self.cameras.stats() };
                    client.publish(topic, QoS::AtMostOnce, false, stats.to_json()).await?;
                }
                answer = self.answers.next() => {
                    let topic = self.topic(&Topic::Answer(self.name.clone()));
                    session.unacked.send_modify(|n| *n += 1);
                    client.publish(topic, QoS::AtLeastOnce, false, answer.to_json()).await?;
                }
                () = stopped(&mut stop) => break,
            }
        }
        retain(status, Status::Offline.as_str()).await?;
        let mut unacked = session.unacked.subscribe();
        timeout(GOOD_BYE, unacked.wait_for(|&n| n == 0)).await.ok();
        client.disconnect().await?;
        Ok(())
    }

    /// What the text connection listens to. Commands are for ourselves alone; our own status and
    /// info tell when somebody else speaks under our name.
    fn filters(&self) -> [String; 7] {
        [
            filter::wants_of(&self.root, &self.name),
            filter::snaps_of(&self.root, &self.name),
            self.topic(&Topic::Ask(self.name.clone())),
            self.topic(&Topic::Stored(self.name.clone())),
            filter::every_gallery(&self.root),
            self.topic(&Topic::Status(self.name.clone())),
            self.topic(&Topic::Info(self.name.clone())),
        ]
    }

    /// The broker says which subscriptions it grants.
    fn granted(&self, codes: &[SubscribeReasonCode]) {
        let refused = self.filters().into_iter().zip(codes);
        let refused = refused.filter(|(_, code)| **code == SubscribeReasonCode::Failure);
        let refused: Vec<String> = refused.map(|(filter, _)| filter).collect();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    fn said(&self) -> MutexGuard<'_, Option<Instant>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn takes(&self) -> MutexGuard<'_, Takes> {
        self.takes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the broker keeps from this node, and what to do.
    fn kept_back(&self) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
        if !refused.is_empty() {
            return Some(format!("the broker does not let it read {refused}: allow its user to"));
        }
        if self.said().is_some_and(|said| said.elapsed() > BACK_WITHIN) {
            return Some(format!(
                "what it says does not come back: the broker must let it publish and read \
                 {0}/{1}/#, and publish {0}-jpeg/{1}/#",
                self.root, self.name
            ));
        }
        if let Some(why) = self.takes().held() {
            return Some(why);
        }
        let (unanswered, jpeg) = (self.spooler.unanswered(), format!("{}-jpeg", self.root));
        (unanswered > 0).then(|| {
            format!(
                "no gallery answers its photos: the broker must let it publish {jpeg}/{}/+/snapshot, \
                 the gallery read that and publish {}/{}/stored, and take messages of their size",
                self.name, self.root, self.name
            )
        })
    }

    /// Asks a broker that speaks MQTT 5 for the largest packet that it takes.
    async fn ask_limit(&self) -> Option<usize> {
        let id = format!("vitrina-{}-{:08x}", self.name, fastrand::u32(..));
        let known = self.options(id.clone(), TEXT_KEEP_ALIVE).await.ok()?;
        let mut options = v5::MqttOptions::new(id, &self.broker.host, self.broker.port);
        options.set_transport(known.transport());
        if let Some(login) = known.credentials() {
            options.set_credentials(login.username, login.password);
        }
        let (client, mut events) = v5::AsyncClient::new(options, 1);
        let mut limit = None;
        let asked = async {
            // It ends with the connection, after the DISCONNECT.
            while let Ok(event) = events.poll().await {
                if let v5::Event::Incoming(v5::Incoming::ConnAck(ack)) = event {
                    limit = ack.properties.and_then(|told| told.max_packet_size);
                    client.try_disconnect().ok();
                }
            }
        };
        timeout(Duration::from_secs(CONNECT_SECONDS), asked).await.ok();
        limit.and_then(|limit| usize::try_from(limit).ok())
    }

    /// A connection for pictures that had come up was lost: perhaps for the size or topic of one.
    async fn suspect(&self) {
        let now = Instant::now().into_std();
        if self.takes().is_suspected(now) {
            let told = self.ask_limit().await;
            self.takes().lost(told, now);
        }
    }

    /// Takes a message on the text connection.
    ///
    /// # Errors
    /// [`Lost::Name`] when another node has our name and it was there first.
    fn hear(&self, publish: &Publish, session: &Session) -> Result<(), Lost> {
        match self.parse(publish) {
            // A retained command is an old one.
            Some(Topic::Want(_) | Topic::Snap(_) | Topic::Ask(_) | Topic::Stored(_))
                if publish.retain => {}
            Some(Topic::Want(id)) => match Want::parse(&publish.payload) {
                Ok(want) => self.cameras.want(&id.camera, &want),
                Err(error) => session.complain(publish, &error),
            },
            Some(Topic::Snap(id)) => match Snap::parse(&publish.payload) {
                Ok(snap) => self.cameras.snap(&id.camera, snap.id),
                Err(error) => session.complain(publish, &error),
            },
            Some(Topic::Ask(_)) => match Ask::parse(&publish.payload) {
                Ok(ask) => self.questions.ask(ask),
                Err(error) => session.complain(publish, &error),
            },
            Some(Topic::Stored(_)) => match Stored::parse(&publish.payload) {
                Ok(Stored { id, error: None, .. }) => self.spooler.stored(&id),
                Ok(Stored { id, error: Some(why), is_final: true }) => {
                    self.spooler.refused(&id, &why);
                }
                Ok(Stored { id, .. }) => self.spooler.put_off(&id),
                Err(error) => session.complain(publish, &error),
            },
            Some(Topic::GalleryStatus(id)) => {
                let is_online = publish.payload == Status::Online.as_str();
                self.spooler.gallery(id, is_online, publish.retain);
                // It may be behind a broker that gives what it retains to nobody who asks with a
                // wildcard, as RabbitMQ, or have missed what we said.
                if is_online && !publish.retain {
                    session.again.notify_one();
                }
            }
            // What is retained is of the past; what we say goes over it.
            Some(Topic::Status(_) | Topic::Info(_)) if publish.retain => {}
            // Our will, published after our return.
            Some(Topic::Status(_)) if publish.payload == Status::Online.as_str() => {
                *self.said() = None;
            }
            Some(Topic::Status(_)) => session.again.notify_one(),
            // News of somebody who took the name in the same moment as we did: the earlier one
            // keeps it. Or somebody withdrew ours.
            Some(Topic::Info(_)) => match Info::parse(&publish.payload) {
                Ok(info) if info.instance == self.identity.instance => {}
                Ok(info) if self.identity.yields_to(&info) => return Err(Lost::Name(info.host)),
                _ => session.again.notify_one(),
            },
            _ => {}
        }
        Ok(())
    }

    /// The connection for pictures, up while the text connection is.
    async fn pictures(&self, mut online: watch::Receiver<bool>) {
        let beat = self.health.watch("pictures connection", Duration::from_secs(180));
        let mut retry = Retry::new("pictures");
        loop {
            // Without the text connection there is nothing to do, which is fine.
            loop {
                beat.beat();
                let is_online =
                    timeout(Duration::from_secs(30), online.wait_for(|&online| online)).await;
                match is_online {
                    Ok(Ok(_)) => break,
                    Ok(Err(_)) => return,
                    Err(_) => {}
                }
            }
            let mut offline = online.clone();
            let error = tokio::select! {
                error = self.show(&mut retry, &beat) => Some(error),
                () = async { offline.wait_for(|&online| !online).await.ok(); } => None,
            };
            self.slots.close();
            self.spooler.lost();
            if let Some(error) = error {
                self.suspect().await;
                retry.after(&error).await;
            }
        }
    }

    /// Publishes pictures until the connection is lost.
    async fn show(&self, retry: &mut Retry, beat: &Beat) -> Lost {
        let id = format!("{}-jpeg", self.client_id());
        // One is written; the next is taken from the slots when that is done.
        let options = match self.options(id, PICTURES_KEEP_ALIVE).await {
            Ok(options) => options,
            Err(error) => return error,
        };
        let (client, mut events) = AsyncClient::new(options, 1);
        set_network(&mut events, Some(PICTURES_SEND_BUFFER));
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(ack))) => {
                if let Err(error) = accepted(ack.code) {
                    return error;
                }
            }
            Ok(_) => return Lost::Protocol,
            Err(error) => return error.into(),
        }
        retry.worked();
        events.network_options.set_connection_timeout(PICTURE_SECONDS);
        self.slots.open();
        self.spooler.begin();
        let written = Notify::new();
        // The size of the photo that is offered, and of those that the broker has yet to take.
        let (offered, mut unacked) = (AtomicUsize::new(0), VecDeque::new());
        let receiving = async {
            loop {
                match events.poll().await {
                    Ok(Event::Outgoing(Outgoing::Publish(pkid))) => {
                        if pkid > 0 {
                            unacked.push_back(offered.swap(0, Ordering::Relaxed));
                        }
                        written.notify_one();
                    }
                    Ok(Event::Incoming(Packet::PubAck(_))) => {
                        let bytes = unacked.pop_front().unwrap_or(0);
                        self.takes().taken(bytes, Instant::now().into_std());
                    }
                    Ok(_) => {}
                    Err(error) => return Lost::from(error),
                }
                beat.beat();
            }
        };
        let sending = async {
            // A snapshot and a live picture take turns, so that neither waits for many of the
            // other.
            let mut snapshots_first = true;
            loop {
                let next = match snapshots_first {
                    true => tokio::select! {
                        biased;
                        entry = self.spooler.offer() => Next::Snapshot(entry),
                        picture = self.slots.take() => Next::Picture(picture),
                    },
                    false => tokio::select! {
                        biased;
                        picture = self.slots.take() => Next::Picture(picture),
                        entry = self.spooler.offer() => Next::Snapshot(entry),
                    },
                };
                snapshots_first = matches!(next, Next::Picture(_));
                let sent = match next {
                    Next::Snapshot(entry) => self.offer(&client, &written, &offered, entry).await,
                    Next::Picture(picture) => self.publish(&client, &written, picture).await,
                };
                if let Err(error) = sent {
                    return Lost::from(error);
                }
            }
        };
        tokio::select! {
            error = receiving => error,
            error = sending => error,
        }
    }

    /// Publishes a snapshot of the spool.
    async fn offer(
        &self,
        client: &AsyncClient,
        written: &Notify,
        offered: &AtomicUsize,
        entry: Entry,
    ) -> Result<(), ClientError> {
        let Some(jpeg) = self.spooler.picture(&entry).await else { return Ok(()) };
        let id = CameraId { node: self.name.clone(), camera: entry.camera };
        let topic = self.topic(&Topic::Snapshot(id));
        let size = HEADER + topic.len() + jpeg.len();
        if !self.fits(&topic, size) {
            self.spooler.hold(&entry.id);
            return Ok(());
        }
        offered.store(size, Ordering::Relaxed);
        client.publish_bytes(topic, QoS::AtLeastOnce, false, jpeg.into()).await?;
        written.notified().await;
        Ok(())
    }

    /// Publishes a live picture.
    async fn publish(
        &self,
        client: &AsyncClient,
        written: &Notify,
        picture: Picture,
    ) -> Result<(), ClientError> {
        let Picture { topic, jpeg, counters, ticket } = picture;
        let size = jpeg.len();
        if !self.fits(&topic, HEADER + topic.len() + size) {
            if let Some(ticket) = ticket {
                ticket.dropped("too-large");
            }
            return Ok(());
        }
        client.publish_bytes(topic, QoS::AtMostOnce, false, jpeg).await?;
        written.notified().await;
        counters.bytes(size);
        if let Some(ticket) = ticket {
            ticket.published();
        }
        Ok(())
    }

    /// Whether the broker takes a packet of so many bytes on a topic, which is sent then.
    fn fits(&self, topic: &str, bytes: usize) -> bool {
        let (mut takes, now) = (self.takes(), Instant::now().into_std());
        let fits = takes.fits(topic, bytes, now);
        if fits {
            takes.sent(topic, bytes, now);
        }
        fits
    }

    fn client_id(&self) -> String {
        format!("vitrina-{}-{}", self.name, self.identity.machine)
    }

    async fn options(&self, id: String, keep_alive: Duration) -> Result<MqttOptions, Lost> {
        let mut options = MqttOptions::new(id, &self.broker.host, self.broker.port);
        options.set_keep_alive(keep_alive);
        options.set_clean_session(true);
        if let Some(tls) = &self.tls {
            let tls = TlsConfiguration::Rustls(tls.clone());
            options.set_transport(Transport::tls_with_config(tls));
        }
        options.set_max_packet_size(limits::PACKET, limits::PACKET);
        if let Some(file) = &self.password_file {
            let user = self.broker.user.as_deref();
            let path = file.clone();
            let read = spawn_blocking(move || fs::read_to_string(path)).await;
            match read.unwrap_or_else(|error| Err(error.into())) {
                Ok(password) => {
                    let user = user.unwrap_or(self.name.as_str());
                    options.set_credentials(user, password.trim_end());
                }
                // A broker of this machine that has made none yet may ask for none.
                Err(error) if error.kind() == io::ErrorKind::NotFound && user.is_none() => {}
                Err(error) => return Err(Lost::Password { file: file.clone(), error }),
            }
        }
        Ok(options)
    }

    fn topic(&self, topic: &Topic) -> String {
        topic.under(&self.root).to_string()
    }

    fn parse(&self, publish: &Publish) -> Option<Topic> {
        Topic::parse(&self.root, &publish.topic).ok()
    }
}

/// What the pictures' connection sends next.
enum Next {
    Snapshot(Entry),
    Picture(Picture),
}

fn set_network(events: &mut EventLoop, send_buffer: Option<u32>) {
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_SECONDS);
    if let Some(size) = send_buffer {
        network.set_tcp_send_buffer_size(size);
    }
    events.set_network_options(network);
}

fn accepted(code: ConnectReturnCode) -> Result<(), Lost> {
    match code {
        ConnectReturnCode::Success => Ok(()),
        refused => Err(ConnectionError::ConnectionRefused(refused).into()),
    }
}

/// What the two halves of the text connection tell each other.
struct Session {
    connected: Notify,
    /// Say everything again.
    again: Notify,
    /// Messages of QoS 1 that were said and not yet acknowledged.
    unacked: watch::Sender<usize>,
    complained: Mutex<Option<Instant>>,
}

impl Default for Session {
    fn default() -> Self {
        Session {
            connected: Notify::new(),
            again: Notify::new(),
            unacked: watch::Sender::new(0),
            complained: Mutex::default(),
        }
    }
}

impl Session {
    /// Anybody can send nonsense as often as he likes; the log is not for that.
    fn complain(&self, publish: &Publish, error: &wire::BadPayload) {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(60)) {
            *last = Some(Instant::now());
            tracing::warn!(topic = publish.topic, %error, "a command was not understood");
        }
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{}", trust::why(.0.as_ref()))]
    Connection(#[from] Box<ConnectionError>),
    #[error("{0}")]
    Client(#[from] ClientError),
    #[error("the password in {file:?} cannot be read: {error}; see node.password_file")]
    Password { file: PathBuf, error: io::Error },
    #[error("the broker does not speak MQTT 3.1.1")]
    Protocol,
    #[error("name taken: node on {0} was there first; set node.name to another name")]
    Name(String),
}

impl From<ConnectionError> for Lost {
    fn from(error: ConnectionError) -> Self {
        Lost::Connection(Box::new(error))
    }
}
