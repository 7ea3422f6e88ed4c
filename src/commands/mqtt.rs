//! The commands' connection to a broker.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Packet,
    SubscribeFilter, TlsConfiguration, Transport,
};
pub use rumqttc::{ClientError, QoS};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use wire::{BrokerUrl, limits};

use crate::config::Remote;

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// When no retained message has arrived for so long, all have.
const QUIET: Duration = Duration::from_millis(300);

/// The broker drops a client without a network after one and a half of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A connection for one command: clean session, MQTT 3.1.1.
pub struct Connection {
    client: AsyncClient,
    events: EventLoop,
    broker: Broker,
}

/// The broker and the user of a connection.
struct Broker {
    url: BrokerUrl,
    /// The user, if there was a password.
    user: Option<String>,
}

/// What arrives for a subscription.
#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub retained: bool,
}

impl Connection {
    /// Connects without a password if this user may not read the one that a broker of this machine
    /// made.
    ///
    /// # Errors
    /// The password file in the configuration cannot be read.
    pub fn new(remote: Remote, command: &str) -> anyhow::Result<Self> {
        // Two machines may have the same process id at once.
        Connection::open(remote, &format!("{command}-{:08x}", fastrand::u32(..)), None)
    }

    /// The same with client id `id` and a will that clears the retained `topic`.
    ///
    /// # Errors
    /// As of [`Connection::new`].
    pub fn with_will(remote: Remote, id: &str, topic: &str) -> anyhow::Result<Self> {
        let will = LastWill::new(topic, Vec::new(), QoS::AtLeastOnce, true);
        Connection::open(remote, id, Some(will))
    }

    fn open(remote: Remote, id: &str, will: Option<LastWill>) -> anyhow::Result<Self> {
        let Remote { url: broker, password_file, is_named, tls } = remote;
        let mut options = MqttOptions::new(format!("vitrina-{id}"), &broker.host, broker.port);
        if let Some(will) = will {
            options.set_last_will(will).set_keep_alive(KEEP_ALIVE);
        }
        options.set_max_packet_size(limits::PACKET, limits::PACKET);
        if let Some(tls) = tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        let user = broker.user.clone().unwrap_or_else(|| "admin".to_owned());
        let mut password = None;
        if let Some(file) = password_file {
            match fs::read_to_string(&file) {
                Ok(text) => password = Some(text),
                Err(error) if is_named => {
                    let file = file.display();
                    return Err(error).context(format!("the password in {file} cannot be read"));
                }
                Err(_) => {}
            }
        }
        if let Some(password) = &password {
            options.set_credentials(&user, password.trim_end());
        }
        let (client, mut events) = AsyncClient::new(options, 16);
        // A command sends small packets, each of which would wait for the one before (RFC 896).
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        let broker = Broker { url: broker, user: password.map(|_| user) };
        Ok(Connection { client, events, broker })
    }

    /// Subscribes and collects retained messages until no more arrive, each topic once. A broker
    /// may acknowledge a subscription before it sends them, and some send none to wildcards, so
    /// `filters` should also name each known topic.
    pub async fn retained(&mut self, filters: &[String]) -> anyhow::Result<Vec<Message>> {
        self.subscribe(filters).await?;
        while !matches!(self.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
        let mut retained = BTreeMap::new();
        let mut heard = Instant::now();
        while let Ok(event) = timeout_at(heard + QUIET, self.poll()).await {
            if let Event::Incoming(Packet::Publish(publish)) = event?
                && publish.retain
            {
                retained.insert(publish.topic.clone(), message(publish));
                heard = Instant::now();
            }
        }
        Ok(retained.into_values().collect())
    }

    /// Clears retained topics, and returns when the broker has acknowledged all.
    pub async fn clear(&mut self, topics: &[String]) -> anyhow::Result<()> {
        let mut waiting = 0;
        for topic in topics {
            self.client.publish(topic, QoS::AtLeastOnce, true, Vec::new()).await?;
            waiting += 1;
            // The channel for requests is short, so this reads answers in between.
            while waiting > 0 {
                if let Event::Incoming(Packet::PubAck(_)) = self.poll().await? {
                    waiting -= 1;
                }
            }
        }
        Ok(())
    }

    /// Publishes once; the next poll sends it.
    pub async fn publish(&mut self, topic: &str, payload: &str) -> Result<(), ClientError> {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await
    }

    /// Subscribes with QoS 1; messages published with QoS 0 arrive with QoS 0.
    pub async fn subscribe(&mut self, filters: &[String]) -> Result<(), ClientError> {
        let filter = |f: &String| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce);
        self.client.subscribe_many(filters.iter().map(filter)).await
    }

    /// The next message, however long it takes; `None` after a new connection, on which the
    /// caller must subscribe again.
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

    /// Runs the connection in a task of its own until the first failure.
    pub fn follow(self) -> Live {
        let Connection { client, mut events, broker } = self;
        let (to, news) = mpsc::channel(64);
        let task = tokio::spawn(async move {
            loop {
                let news = match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => News::Up,
                    Ok(Event::Incoming(Packet::PubAck(_))) => News::Acknowledged,
                    Ok(Event::Incoming(Packet::Publish(publish))) => {
                        News::Message(message(publish))
                    }
                    Ok(_) => continue,
                    Err(error) => {
                        to.send(Err(failed(&broker, error))).await.ok();
                        return;
                    }
                };
                if to.send(Ok(news)).await.is_err() {
                    return;
                }
            }
        });
        Live { client, news, task: task.abort_handle() }
    }

    async fn poll(&mut self) -> anyhow::Result<Event> {
        let broker = &self.broker;
        match tokio::time::timeout(ANSWER, self.events.poll()).await {
            Ok(event) => event.map_err(|error| failed(broker, error)),
            Err(_) => bail!("the broker {} does not answer", broker.url),
        }
    }
}

/// A connection that publishes and receives at the same time.
pub struct Live {
    pub client: AsyncClient,
    news: mpsc::Receiver<anyhow::Result<News>>,
    task: AbortHandle,
}

/// What happens on a connection.
pub enum News {
    Up,
    /// The broker acknowledged the oldest message published with QoS 1.
    Acknowledged,
    Message(Message),
}

impl Live {
    /// The next event; after an error the connection is gone.
    pub async fn next(&mut self) -> anyhow::Result<News> {
        self.news.recv().await.context("the connection ended")?
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn failed(Broker { url, user }: &Broker, error: ConnectionError) -> anyhow::Error {
    match (error, user) {
        (ConnectionError::Io(error), _) => anyhow!(
            "the broker {url} cannot be reached: {error}; check that it runs there, or name \
             another with --set gallery.broker=mqtt://HOST"
        ),
        (ConnectionError::ConnectionRefused(_), Some(user)) => anyhow!(
            "the broker {url} refuses the user {user} with this password: the roles operator and \
             admin may do this (vitrina user list, on its machine); name such a user with \
             gallery.broker = \"mqtt://USER@HOST\" and gallery.password_file"
        ),
        (ConnectionError::ConnectionRefused(_), None) => anyhow!(
            "the broker {url} asks for a user and password: run this as the user that it runs \
             as, with its --data, or set gallery.broker = \"mqtt://USER@HOST\" and \
             gallery.password_file"
        ),
        (error, _) => {
            anyhow!("the broker {url} failed: {}; its log may say why", trust::why(&error))
        }
    }
}

fn message(publish: rumqttc::Publish) -> Message {
    Message { topic: publish.topic, payload: publish.payload.to_vec(), retained: publish.retain }
}
