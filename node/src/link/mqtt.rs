//! The node's two connections to the broker, one for each root of topics. Only this file and those
//! in its folder know rumqttc.
//!
//! The `text` connection takes the node's name, has the will, and carries facts, stats, commands
//! and answers. The one for `pictures` lives while the text connection is up, so that nothing is
//! published under another node's name. After a failure a new connection drops everything that was
//! on its way.

mod pictures;
mod text;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    ClientError, ConnectReturnCode, ConnectionError, EventLoop, MqttOptions, NetworkOptions,
    Publish, TlsConfiguration, Transport, v5,
};
use rustls::ClientConfig;
use supervision::Health;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use wire::{BrokerUrl, NodeName, Root, Topic, limits};

use crate::devices::cameras::Cameras;
use crate::identity::Identity;
use crate::link::ask::Questions;
use crate::link::kept_back::KeptBack;
use crate::link::stats::Figures;
use crate::outgoing::answers::Answers;
use crate::outgoing::facts::Facts;
use crate::outgoing::slot::Slots;
use crate::spool::spooler::Spooler;

/// What the node publishes, and the consumers of what it receives.
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
    pub kept_back: Arc<KeptBack>,
    pub figures: Figures,
}

const TEXT_KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a connection may take to come up.
const CONNECT_SECONDS: u64 = 5;

impl Link {
    /// Keeps both connections up until `stop`, then says good-bye.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let online = watch::Sender::new(false);
        // A task of its own, because each frame wakes it a few times and concerns no other task.
        let mut pictures = JoinSet::new();
        pictures.spawn({
            let (link, online) = (Arc::clone(&self), online.subscribe());
            async move { link.pictures(online).await }
        });
        // The text connection ends by itself; without it the pictures' connection is useless.
        self.text(&online, stop).await;
        pictures.shutdown().await;
        self.slots.close();
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
                // A broker on this machine without a password file may not require one.
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
