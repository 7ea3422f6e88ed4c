//! The connection for pictures: live ones from the slots, and photos from the spool, by turns.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rumqttc::{AsyncClient, ClientError, Event, Outgoing, Packet, QoS};
use supervision::Beat;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use wire::{CameraId, Topic};

use super::{Link, Lost, accepted, set_network};
use crate::link::retry::Retry;
use crate::outgoing::slot::Picture;
use crate::spool::disk::Entry;

const PICTURES_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long writing one picture may take before the connection is given up.
const PICTURE_SECONDS: u64 = 30;
/// How much old picture data the kernel may hold: it doubles the number.
const PICTURES_SEND_BUFFER: u32 = 64 * 1024;
/// The bytes of an MQTT packet besides its topic and payload.
const HEADER: usize = 9;

impl Link {
    /// The connection for pictures, up while the text connection is.
    pub(super) async fn pictures(&self, mut online: watch::Receiver<bool>) {
        let beat = self.health.watch("pictures connection", Duration::from_secs(180));
        let mut retry = Retry::new("pictures", &self.broker);
        loop {
            // Without the text connection it has nothing to do, but is healthy.
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
                error = self.stream(&mut retry, &beat) => Some(error),
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
    async fn stream(&self, retry: &mut Retry, beat: &Beat) -> Lost {
        let id = format!("{}-jpeg", self.client_id());
        // One picture is written; only then is the next taken from the slots.
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
        // The size of the offered photo, and of those that the broker has not yet acknowledged.
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
                        self.kept_back.limits().taken(bytes, Instant::now().into_std());
                    }
                    Ok(_) => {}
                    Err(error) => return Lost::from(error),
                }
                beat.beat();
            }
        };
        let sending = async {
            // Snapshots and live pictures take turns, so that neither waits for many of the other.
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

    /// Whether the broker accepts a packet of this many bytes on a topic; if so, it is then sent.
    fn fits(&self, topic: &str, bytes: usize) -> bool {
        let (mut limits, now) = (self.kept_back.limits(), Instant::now().into_std());
        let fits = limits.fits(topic, bytes, now);
        if fits {
            limits.sent(topic, bytes, now);
        }
        fits
    }

    /// The connection was up and was lost, perhaps because of the size or topic of a picture.
    async fn suspect(&self) {
        let now = Instant::now().into_std();
        if self.kept_back.limits().is_suspected(now) {
            let limit = self.ask_limit().await;
            self.kept_back.limits().lost(limit, now);
        }
    }
}

/// What the pictures' connection sends next.
enum Next {
    Snapshot(Entry),
    Picture(Picture),
}
