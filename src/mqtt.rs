//! The commands' connection to a broker.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};
use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, MqttOptions, Packet, QoS,
    SubscribeFilter, TlsConfiguration, Transport,
};
use tokio::time::{Instant, timeout_at};
use wire::{BrokerUrl, limits};

use crate::config::Remote;

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// When no retained message has come for so long, all have.
const QUIET: Duration = Duration::from_millis(300);

/// A connection for one command: clean session, MQTT 3.1.1.
pub struct Connection {
    client: AsyncClient,
    events: EventLoop,
    broker: BrokerUrl,
}

/// What arrives for a subscription.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Connection {
    /// Who may not read the file with the password comes in without, if the broker lets them.
    pub fn new(remote: Remote, command: &str) -> Self {
        let Remote { url: broker, password_file: password, tls } = remote;
        let id = format!("vitrina-{command}-{}", std::process::id());
        let mut options = MqttOptions::new(id, &broker.host, broker.port);
        options.set_max_packet_size(limits::PACKET, limits::PACKET);
        if let Some(tls) = tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        if let Some(password) = password.and_then(|file| fs::read_to_string(file).ok()) {
            let user = broker.user.as_deref().unwrap_or("admin");
            options.set_credentials(user, password.trim_end());
        }
        let (client, events) = AsyncClient::new(options, 16);
        Connection { client, events, broker }
    }

    /// Subscribes and collects what is retained: all that comes until nothing more does. A broker
    /// may answer a subscription before it sends that.
    pub async fn retained(&mut self, filters: &[String]) -> anyhow::Result<Vec<Message>> {
        self.subscribe(filters).await?;
        while !matches!(self.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
        let mut retained = Vec::new();
        let mut heard = Instant::now();
        while let Ok(event) = timeout_at(heard + QUIET, self.poll()).await {
            if let Event::Incoming(Packet::Publish(publish)) = event?
                && publish.retain
            {
                retained.push(message(publish));
                heard = Instant::now();
            }
        }
        Ok(retained)
    }

    /// Empties retained topics, and returns when the broker has taken all of it.
    pub async fn clear(&mut self, topics: &[String]) -> anyhow::Result<()> {
        let mut waiting = 0;
        for topic in topics {
            self.client.publish(topic, QoS::AtLeastOnce, true, Vec::new()).await?;
            waiting += 1;
            // The requests' channel is short, so the answers are taken in between.
            while waiting > 0 {
                if let Event::Incoming(Packet::PubAck(_)) = self.poll().await? {
                    waiting -= 1;
                }
            }
        }
        Ok(())
    }

    /// Says something once; it is on its way with the next messages.
    pub async fn publish(&mut self, topic: &str, payload: &str) -> Result<(), ClientError> {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await
    }

    /// What is published with QoS 0 comes with QoS 0.
    pub async fn subscribe(&mut self, filters: &[String]) -> Result<(), ClientError> {
        let filter = |f: &String| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce);
        self.client.subscribe_many(filters.iter().map(filter)).await
    }

    /// The next message, however long it takes; `None` when the connection was made anew and
    /// everything must be subscribed to again.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(Packet::Publish(publish))) => return Some(message(publish)),
                Ok(Event::Incoming(Packet::ConnAck(_))) => return None,
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    async fn poll(&mut self) -> anyhow::Result<Event> {
        let broker = &self.broker;
        match tokio::time::timeout(ANSWER, self.events.poll()).await {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(ConnectionError::Io(error))) => Err(error).with_context(|| {
                format!("the broker {broker} cannot be reached; is it running there?")
            }),
            Ok(Err(ConnectionError::ConnectionRefused(_))) => bail!(
                "the broker {broker} asks for a user and password: run this as the user that it runs \
                 as, with its --data, or set gallery.broker = \"mqtt://USER@HOST\" and \
                 gallery.password_file"
            ),
            Ok(Err(error)) => bail!("the broker {broker} failed: {}", trust::why(&error)),
            Err(_) => bail!("the broker {broker} does not answer"),
        }
    }
}

fn message(publish: rumqttc::Publish) -> Message {
    Message { topic: publish.topic, payload: publish.payload.to_vec(), retained: publish.retain }
}
