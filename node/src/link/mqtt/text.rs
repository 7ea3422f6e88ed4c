//! The text connection: takes the node's name, publishes its facts, receives its commands.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rumqttc::{
    AsyncClient, Event, LastWill, Outgoing, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode,
};
use supervision::Beat;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use wire::{Info, Status, Topic, filter, limits};

use super::{Link, Lost, TEXT_KEEP_ALIVE, accepted, set_network};
use crate::link::claim::{Claim, Verdict};
use crate::link::receive::Then;
use crate::link::retry::Retry;
use supervision::stopped;

/// How long a broker may take to send the retained messages of a name, which may follow the answer
/// to the subscription.
const RETAINED: Duration = Duration::from_millis(250);
/// How long a broker may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a clean stop waits for the broker.
const GOOD_BYE: Duration = Duration::from_secs(2);
/// The shortest time between two publications of all facts. A new gallery waits 10 s for them.
const AGAIN_EVERY: Duration = Duration::from_secs(3);
/// The longest random delay before that, so that many nodes do not all answer a gallery at once.
const AGAIN_WITHIN: Duration = Duration::from_secs(1);

impl Link {
    /// The text connection: claims the name, goes online, and starts over after a loss.
    pub(super) async fn text(&self, online: &watch::Sender<bool>, mut stop: watch::Receiver<bool>) {
        let beat = self.health.watch("text connection", Duration::from_secs(60));
        let mut retry = Retry::new("text", &self.broker);
        loop {
            let once = async {
                self.claim(&beat, &mut retry).await?;
                self.online(online, &mut retry, &beat, stop.clone()).await
            };
            let mut stopping = stop.clone();
            let result = tokio::select! {
                result = once => result,
                // While online it ends by itself, because it must say good-bye.
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

    /// Waits until nobody else is online under our name. It uses a connection of its own without a
    /// will, because ours would end that of another process of this machine.
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
                // All retained messages have arrived, or time has passed.
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
        // The next polls send the DISCONNECT.
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
                        self.kept_back.limits().found();
                        session.connected.notify_one();
                        online.send_replace(true);
                    }
                    Event::Incoming(Packet::SubAck(ack)) => self.granted(&ack.return_codes),
                    Event::Incoming(Packet::Publish(publish)) => {
                        self.received(&publish, &session)?;
                    }
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
            result = self.publish_all(&client, &session, &status, stop) => {
                result?;
                timeout(GOOD_BYE, receiving).await.ok();
                Ok(())
            }
        }
    }

    /// Publishes all facts, then `online`, then each change and the stats; at `stop`, `offline`.
    async fn publish_all(
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
        // In one packet, whose answer says which are granted.
        let filters = self.filters().map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        client.subscribe_many(filters).await?;
        let mut heartbeat = tokio::time::interval(limits::STATS_EVERY);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut version, mut is_online) = (0, false);
        let (mut published, mut again) = (Instant::now(), None);
        let mut logged = None;
        loop {
            while let Some(fact) = self.facts.after(version) {
                version = fact.version;
                retain(&fact.topic, &fact.payload).await?;
            }
            if !is_online {
                (is_online, published, again) = (true, Instant::now(), None);
                self.kept_back.published_online(published.into_std());
                retain(status, Status::Online.as_str()).await?;
            }
            tokio::select! {
                () = self.facts.changed() => {}
                // Even two nodes that contradict each other do so slowly.
                () = session.again.notified() => {
                    let soon = Instant::now() + AGAIN_WITHIN.mul_f32(fastrand::f32());
                    again.get_or_insert(soon.max(published + AGAIN_EVERY));
                }
                () = sleep_until(again.unwrap_or(published)), if again.is_some() => {
                    (version, is_online) = (0, false);
                }
                _ = heartbeat.tick() => {
                    let topic = self.topic(&Topic::Stats(self.name.clone()));
                    let stats = self.figures.read();
                    let why = stats.kept_back.as_ref().filter(|why| logged.as_ref() != Some(*why));
                    if let Some(why) = why {
                        tracing::warn!(broker = %self.broker, "{why}");
                    }
                    logged.clone_from(&stats.kept_back);
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

    /// The subscriptions of the text connection. Commands are for this node only; our own status
    /// and info show when another node uses our name.
    fn filters(&self) -> [String; 9] {
        [
            filter::wants_of(&self.root, &self.name),
            filter::snaps_of(&self.root, &self.name),
            filter::sets_of(&self.root, &self.name),
            self.topic(&Topic::SetTitle(self.name.clone())),
            self.topic(&Topic::Ask(self.name.clone())),
            self.topic(&Topic::Stored(self.name.clone())),
            filter::every_gallery(&self.root),
            self.topic(&Topic::Status(self.name.clone())),
            self.topic(&Topic::Info(self.name.clone())),
        ]
    }

    /// The broker reports which subscriptions it grants.
    fn granted(&self, codes: &[SubscribeReasonCode]) {
        let refused = self.filters().into_iter().zip(codes);
        let refused = refused.filter(|(_, code)| **code == SubscribeReasonCode::Failure);
        let refused: Vec<String> = refused.map(|(filter, _)| filter).collect();
        self.kept_back.refused(refused);
    }

    /// Processes a message.
    ///
    /// # Errors
    /// [`Lost::Name`] when another node had our name first.
    fn received(&self, publish: &Publish, session: &Session) -> Result<(), Lost> {
        match self.receive(&publish.topic, &publish.payload, publish.retain) {
            Ok(Then::Nothing) => {}
            Ok(Then::PublishAgain) => session.again.notify_one(),
            Ok(Then::Yield(host)) => return Err(Lost::Name(host)),
            Err(error) => session.complain(publish, &error),
        }
        Ok(())
    }
}

/// The state that both halves of the text connection share.
struct Session {
    connected: Notify,
    /// Publish everything again.
    again: Notify,
    /// Messages with QoS 1 that were published and not yet acknowledged.
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
    /// Anybody can send nonsense at any rate; the log must not repeat all of it.
    fn complain(&self, publish: &Publish, error: &wire::BadPayload) {
        let mut last = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(60)) {
            *last = Some(Instant::now());
            tracing::warn!(topic = publish.topic, %error, "a command was not understood");
        }
    }
}
