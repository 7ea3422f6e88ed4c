//! The gallery's second connection to the broker, for the pictures of pages' cameras, so that they
//! delay no facts. The first picture opens it.

use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, ConnectionError, Event, Outgoing, Packet, QoS};
use supervision::Retry;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::warn;

use crate::config::Config;
use crate::people::Pictures;

const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long one picture's write may take before the connection is given up, in seconds.
const PICTURE_SECONDS: u64 = 30;

/// The bytes of an MQTT packet besides topic and payload.
const HEADER: usize = 9;

/// How much the kernel may hold of pictures that are already old; it doubles the number.
const SEND_BUFFER: u32 = 64 * 1024;

/// Publishes pictures as they come. Never ends.
pub(super) async fn run(config: &Config, pictures: &Pictures) {
    let mut retry = Retry::default();
    loop {
        pictures.came().await;
        let mut worked = false;
        let error = publish(config, pictures, &mut worked).await;
        if worked {
            retry = Retry::default();
        }
        // The broker may have ended the connection for a picture's size or topic.
        let before = pictures.takes().held();
        if worked {
            pictures.takes().lost(None, Instant::now());
        }
        if retry.is_news(&error.to_string()) {
            warn!(%error, "lost the connection for pictures; trying again");
        }
        let held = pictures.takes().held();
        if let Some(why) = held.filter(|why| before.as_ref() != Some(why)) {
            warn!("pages' cameras: {why}");
        }
        sleep(retry.lost(Instant::now())).await;
        // Pictures that waited meanwhile are old.
        pictures.clear();
    }
}

/// Publishes pictures until the connection is lost.
async fn publish(config: &Config, pictures: &Pictures, worked: &mut bool) -> ConnectionError {
    let name = format!("vitrina-gallery-{}-jpeg", config.id);
    let mut options = super::options(config, name, KEEP_ALIVE);
    super::log_in(&mut options, config).await;
    // One picture is being written; the next is taken after that.
    let (client, mut events) = AsyncClient::new(options, 1);
    let mut network = super::network();
    network.set_tcp_send_buffer_size(SEND_BUFFER);
    events.set_network_options(network);
    match events.poll().await {
        Ok(Event::Incoming(Packet::ConnAck(_))) => *worked = true,
        Ok(_) => {}
        Err(error) => return error,
    }
    events.network_options.set_connection_timeout(PICTURE_SECONDS);
    let written = Notify::new();
    let receiving = async {
        loop {
            match events.poll().await {
                Ok(Event::Outgoing(Outgoing::Publish(_))) => written.notify_one(),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let sending = async {
        loop {
            let Some(picture) = pictures.take() else {
                pictures.came().await;
                continue;
            };
            let topic = picture.topic.under(&config.root).to_string();
            let jpeg = picture.jpeg.clone();
            let size = HEADER + topic.len() + jpeg.len();
            {
                let (mut takes, now) = (pictures.takes(), Instant::now());
                if !takes.fits(&topic, size, now) {
                    picture.too_large();
                    continue;
                }
                takes.sent(&topic, size, now);
            }
            // It fails if the other side of the channel is gone; that side reports the reason.
            if client.publish_bytes(topic, QoS::AtMostOnce, false, jpeg).await.is_ok() {
                written.notified().await;
                picture.published();
            }
        }
    };
    tokio::select! {
        error = receiving => error,
        () = sending => unreachable!("it goes on forever"),
    }
}
