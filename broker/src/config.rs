//! The section `[broker]`: as typed, and as used.

use std::fmt;
use std::iter;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use access::{LOCAL, Networks, Role, Users};
use certificate::Files;
use serde::{Deserialize, Serialize};
use wire::Root;

use crate::admission::authenticator::Rules;
use crate::limits::Limits;
use crate::protocol::topic;

/// The smallest `memory`.
const LEAST_MEMORY: usize = 64 << 20;
const MOST_MEMORY: usize = 1 << 31;

/// The section `[broker]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// Where MQTT clients connect: an address and a port; port 0 takes a free one. An address other
    /// than loopback needs users or `open`. Default `127.0.0.1:1883`.
    pub listen: SocketAddr,
    /// Further addresses to listen on, for other transports or networks. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listener: Vec<ListenerSection>,
    /// Further pages that may connect by WebSocket, such as `https://wall.example.org`. Pages of
    /// the host that the browser calls by an address or by this machine's name always may. Default
    /// none.
    pub origins: Vec<String>,
    /// Whether clients of `networks` may come in without a password, as long as there are no
    /// users. Default false.
    pub open: bool,
    /// The networks from which clients may connect, with or without a password: in CIDR notation,
    /// or `local` for all private, link-local and shared networks ([`access::Networks`]). This
    /// machine always may. Default `["local"]`.
    pub networks: Vec<String>,
    /// What clients without a user name may do when there are users: what a `viewer`, an `operator`
    /// or an `admin` may. Default: they are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Role>,
    /// Topic filters that only an `admin` may publish or subscribe to. Default none.
    pub deny: Vec<String>,
    /// Simultaneous connections, 1 to 100000. Default 1000.
    pub connections: usize,
    /// Simultaneous connections from one address, 1 to 100000. Default 256.
    pub connections_per_address: usize,
    /// Subscriptions of one client, 1 to 100000. Default 1000.
    pub subscriptions: usize,
    /// Retained messages, 0 to 1000000. Default 20000.
    pub retained: usize,
    /// Bytes of all retained messages together, 1 KiB to 1 GiB. At most `newest_bytes`, so that a
    /// subscriber can receive all of them. Default 24 MiB.
    #[serde(with = "wire::units::size")]
    pub retained_bytes: usize,
    /// Bytes of all clients' topic filters together, with the index that finds them, 64 KiB to 1
    /// GiB; beyond this each client may have eight. Default 64 MiB.
    #[serde(with = "wire::units::size")]
    pub subscription_bytes: usize,
    /// Bytes of a topic, of a topic filter, or the client id of a session that outlives its
    /// connection, 32 to 65535. Default 1024.
    pub topic_length: usize,
    /// Levels of a topic or a topic filter, 1 to 64. Default 64.
    pub topic_levels: usize,
    /// Sessions that may outlive their connections, 0 to 100000. Default 1000.
    pub sessions: usize,
    /// Bytes that may wait for all absent clients together, 64 KiB to 1 GiB; beyond this the
    /// session with the most is discarded. Default 64 MiB.
    #[serde(with = "wire::units::size")]
    pub session_bytes: usize,
    /// The longest life of a session whose client is not connected, 1 s to 365 d. Default 1 d.
    #[serde(with = "wire::units::seconds")]
    pub session_expiry: u64,
    /// The longest keep-alive, 5 s to 65535 s; a client of MQTT 5 that asks for a longer one is
    /// told this. Default 60 s.
    #[serde(with = "wire::units::seconds")]
    pub keep_alive: u16,
    /// Messages of QoS 1 and 2 that may wait for one client, 1 to 1000000; a client with more is
    /// disconnected. Default 100000.
    pub queue: usize,
    /// Bytes of those, 64 KiB to 1 GiB. Default 64 MiB.
    #[serde(with = "wire::units::size")]
    pub queue_bytes: usize,
    /// Bytes of QoS 0 messages that may wait for one client, 64 KiB to 1 GiB. At most the newest
    /// two of each topic wait (more if they are small); beyond the bound the oldest is dropped.
    /// Default 32 MiB.
    #[serde(with = "wire::units::size")]
    pub newest_bytes: usize,
    /// Bytes of memory for all messages that wait for clients, connected or not, or are retained,
    /// 64 MiB to 2 GiB; beyond this the client for which the most waits is disconnected. Default: a
    /// third of this machine's memory or of the program's limit, whichever is less.
    #[serde(with = "wire::units::size::option", skip_serializing_if = "Option::is_none")]
    pub memory: Option<usize>,
    /// Unacknowledged messages of QoS 1 and 2 to a client, and unfinished ones of QoS 2 from a
    /// client of MQTT 5, 1 to 10000. Default 100.
    pub inflight: usize,
    /// How long a client may take nothing of what waits for it, or stop within a packet, before it is
    /// disconnected, 1 s to 1 h. Default 30 s.
    #[serde(with = "wire::units::seconds")]
    pub stall: u64,
}

/// A section `[[broker.listener]]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerSection {
    /// An address and a port, which may be 0, as in `listen`.
    pub address: SocketAddr,
    /// The transport. Default `tcp`.
    #[serde(default)]
    pub transport: Transport,
    /// For `tls` and `wss`: a PEM file with the certificate, followed by those that lead to a root.
    /// The broker reads the file again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// For `tls` and `wss`: a PEM file with the certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// What carries MQTT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Plain TCP.
    #[default]
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket, subprotocol `mqtt`.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// The scheme of a listener's URL.
    pub fn scheme(self) -> &'static str {
        match self {
            Transport::Tcp => "mqtt",
            Transport::Tls => "mqtts",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    pub(crate) fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        })
    }
}

impl Default for Section {
    fn default() -> Section {
        Section {
            listen: SocketAddr::from(([127, 0, 0, 1], 1883)),
            listener: Vec::new(),
            origins: Vec::new(),
            open: false,
            networks: vec![LOCAL.to_owned()],
            anonymous: None,
            deny: Vec::new(),
            connections: 1000,
            connections_per_address: 256,
            subscriptions: 1000,
            retained: 20_000,
            retained_bytes: 24 << 20,
            subscription_bytes: 64 << 20,
            topic_length: 1024,
            topic_levels: topic::LEVELS,
            sessions: 1000,
            session_bytes: 64 << 20,
            session_expiry: 86_400,
            keep_alive: 60,
            queue: 100_000,
            queue_bytes: 64 << 20,
            newest_bytes: 32 << 20,
            memory: None,
            inflight: 100,
            stall: 30,
        }
    }
}

/// The section `[broker]` as used.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) others: Vec<Other>,
    pub(crate) networks: Networks,
    pub(crate) origins: Vec<String>,
    /// The broker's directory.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
}

/// A further listener.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub address: SocketAddr,
    pub transport: Transport,
    /// Present if the transport is encrypted.
    pub files: Option<Files>,
}

/// A value that cannot be used: which one, why, and which values can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("broker.{key} = {value}: {hint}")]
pub struct BadConfig {
    key: &'static str,
    value: String,
    hint: String,
}

impl BadConfig {
    /// The key, such as `broker.keep_alive`.
    pub fn key(&self) -> String {
        format!("broker.{}", self.key)
    }
}

impl Section {
    /// Checks the section, for a broker with the default root and without a directory, so without
    /// users.
    ///
    /// # Errors
    /// [`BadConfig`] names the first value that cannot be used.
    pub fn check(self) -> Result<Config, BadConfig> {
        self.check_in(Root::default(), None)
    }

    /// Checks the section. `folder` is the broker's own directory, which it makes when it starts.
    ///
    /// # Errors
    /// [`BadConfig`] names the first value that cannot be used.
    pub fn check_in(self, root: Root, folder: Option<PathBuf>) -> Result<Config, BadConfig> {
        let bad = |key, value: &dyn fmt::Display, hint: &str| BadConfig {
            key,
            value: value.to_string(),
            hint: hint.to_owned(),
        };
        // An error in the users' file is reported when the broker starts.
        let has_users = folder
            .as_ref()
            .is_some_and(|folder| Users::read(folder).map_or(true, |users| !users.is_empty()));
        let is_exposed = |address: SocketAddr| {
            !address.ip().to_canonical().is_loopback() && !self.open && !has_users
        };
        let all = self.listener.iter().map(|other| ("listener", other.address));
        if let Some((key, address)) =
            iter::once(("listen", self.listen)).chain(all).find(|(_, address)| is_exposed(*address))
        {
            return Err(bad(
                key,
                &address,
                "this address can be reached from the network, where anyone could look at the \
                 cameras; add users with `vitrina user add`, or set broker.open = true (--open) \
                 if that is meant, or listen on 127.0.0.1",
            ));
        }
        if let Some(role @ (Role::Node | Role::Gallery)) = self.anonymous {
            return Err(bad(
                "anonymous",
                &role,
                "choose viewer, operator or admin, or leave it out",
            ));
        }
        if let Some(filter) = self.deny.iter().find(|filter| !topic::is_filter(filter)) {
            return Err(bad("deny", filter, "this is not a topic filter"));
        }
        let networks = Networks::parse(&self.networks).map_err(|error| {
            bad("networks", &format!("{:?}", self.networks), &error.to_string())
        })?;
        let others = self.listener.into_iter().map(|other| other.check(&bad));
        let others = others.collect::<Result<_, _>>()?;
        let memory = self.memory.unwrap_or_else(|| {
            let third = usize::try_from(memory::limit() / 3).unwrap_or(MOST_MEMORY);
            third.clamp(LEAST_MEMORY, MOST_MEMORY)
        });
        for (key, value, least, most) in [
            ("connections", self.connections, 1, 100_000),
            ("connections_per_address", self.connections_per_address, 1, 100_000),
            ("subscriptions", self.subscriptions, 1, 100_000),
            ("retained", self.retained, 0, 1_000_000),
            ("retained_bytes", self.retained_bytes, 1 << 10, 1 << 30),
            ("subscription_bytes", self.subscription_bytes, 64 << 10, 1 << 30),
            ("topic_length", self.topic_length, 32, 65_535),
            ("topic_levels", self.topic_levels, 1, topic::LEVELS),
            ("sessions", self.sessions, 0, 100_000),
            ("session_bytes", self.session_bytes, 64 << 10, 1 << 30),
            ("keep_alive", self.keep_alive.into(), 5, 65_535),
            ("queue", self.queue, 1, 1_000_000),
            ("queue_bytes", self.queue_bytes, 64 << 10, 1 << 30),
            ("newest_bytes", self.newest_bytes, 64 << 10, 1 << 30),
            ("memory", memory, LEAST_MEMORY, MOST_MEMORY),
            ("inflight", self.inflight, 1, 10_000),
        ] {
            if !(least..=most).contains(&value) {
                return Err(bad(key, &value, &format!("choose a number from {least} to {most}")));
            }
        }
        if !(1..=3600).contains(&self.stall) {
            return Err(bad("stall", &self.stall, "choose a number of seconds from 1 to 3600"));
        }
        let session_expiry = u32::try_from(self.session_expiry).unwrap_or(0);
        if !(1..=31_536_000).contains(&session_expiry) {
            let hint = "choose a number of seconds from 1 to 31536000";
            return Err(bad("session_expiry", &self.session_expiry, hint));
        }
        if self.retained_bytes > self.newest_bytes {
            return Err(bad(
                "retained_bytes",
                &self.retained_bytes,
                &format!(
                    "it is more than broker.newest_bytes = {}, so that a subscriber could not be \
                     sent all retained messages; lower this or raise that",
                    self.newest_bytes
                ),
            ));
        }
        Ok(Config {
            listen: self.listen,
            others,
            networks,
            origins: self.origins,
            folder,
            rules: Rules {
                root,
                deny: self.deny.into(),
                open: self.open,
                anonymous: self.anonymous,
            },
            limits: Limits {
                connections: self.connections,
                connections_per_address: self.connections_per_address,
                subscriptions: self.subscriptions,
                retained: self.retained,
                retained_bytes: self.retained_bytes,
                subscription_bytes: self.subscription_bytes,
                topic_length: self.topic_length,
                topic_levels: self.topic_levels,
                sessions: self.sessions,
                session_bytes: self.session_bytes,
                session_expiry,
                keep_alive: self.keep_alive,
                queue: self.queue,
                queue_bytes: self.queue_bytes,
                newest_bytes: self.newest_bytes,
                memory,
                inflight: self.inflight,
                stall: Duration::from_secs(self.stall),
            },
        })
    }
}

impl ListenerSection {
    fn check(
        self,
        bad: &impl Fn(&'static str, &dyn fmt::Display, &str) -> BadConfig,
    ) -> Result<Other, BadConfig> {
        let ListenerSection { address, transport, certificate, key } = self;
        let files = match (transport.is_encrypted(), certificate, key) {
            (true, Some(certificate), Some(key)) => Some(Files { certificate, key }),
            (false, None, None) => None,
            (true, ..) => {
                return Err(bad(
                    "listener",
                    &address,
                    "TLS needs a certificate and its key, two PEM files; name both",
                ));
            }
            (false, ..) => {
                return Err(bad(
                    "listener",
                    &address,
                    "certificate and key are of no use here; choose the transport tls or wss",
                ));
            }
        };
        Ok(Other { address, transport, files })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(section: Section) -> String {
        section.check().unwrap_err().to_string()
    }

    #[test]
    fn the_default_is_loopback_and_good() {
        let config = Section::default().check().unwrap();
        assert_eq!(config.listen, "127.0.0.1:1883".parse().unwrap());
    }

    #[test]
    fn the_network_needs_open() {
        for listen in ["0.0.0.0:1883", "[::]:1883", "192.168.1.2:1883"] {
            let section = Section { listen: listen.parse().unwrap(), ..Section::default() };
            assert!(error(section.clone()).contains("broker.open = true"), "{listen}");
            assert!(Section { open: true, ..section }.check().is_ok(), "{listen}");
        }
        let mapped =
            Section { listen: "[::ffff:127.0.0.1]:1883".parse().unwrap(), ..Section::default() };
        assert!(mapped.check().is_ok());
    }

    #[test]
    fn the_network_needs_users_where_it_is_not_open() {
        let data = tempfile::tempdir().unwrap();
        let check = || {
            let section = Section { listen: "0.0.0.0:1883".parse().unwrap(), ..Section::default() };
            section.check_in(Root::default(), Some(data.path().to_owned()))
        };
        assert!(check().unwrap_err().to_string().contains("vitrina user add"));
        Users::edit(data.path(), |users| users.add("ada", Role::Viewer, "12345678")).unwrap();
        assert!(check().is_ok());
    }

    #[test]
    fn listeners_say_what_they_need() {
        let check = |text: &str| {
            let section: Section = toml::from_str(&format!("[[listener]]\n{text}")).unwrap();
            section.check().map_err(|error| error.to_string())
        };
        for good in [
            "address = '127.0.0.1:1884'",
            "address = '[::1]:9001'\ntransport = 'ws'",
            "address = '127.0.0.1:8883'\ntransport = 'tls'\ncertificate = 'c'\nkey = 'k'",
        ] {
            assert_eq!(check(good).unwrap().others.len(), 1, "{good}");
        }
        for (bad, word) in [
            ("address = '0.0.0.0:9001'\ntransport = 'ws'", "broker.listener = 0.0.0.0:9001"),
            ("address = '127.0.0.1:1'\ntransport = 'wss'\nkey = 'k'", "name both"),
            ("address = '127.0.0.1:1'\ntransport = 'ws'\nkey = 'k'", "of no use"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn nobody_is_a_node_without_a_name() {
        let section = Section { anonymous: Some(Role::Node), ..Section::default() };
        assert!(error(section).contains("viewer"));
        let section = Section { networks: vec!["home".to_owned()], ..Section::default() };
        let error_of_networks = error(section);
        assert!(
            error_of_networks.starts_with("broker.networks = [\"home\"]"),
            "{error_of_networks}"
        );
        let section = Section { deny: vec!["a/#/b".to_owned()], ..Section::default() };
        assert!(error(section).starts_with("broker.deny = a/#/b"));
    }

    #[test]
    fn errors_name_key_value_and_cure() {
        let section = Section { inflight: 0, ..Section::default() };
        assert_eq!(error(section), "broker.inflight = 0: choose a number from 1 to 10000");
        let section = Section { retained_bytes: 64 << 20, ..Section::default() };
        assert!(error(section).contains("raise that"));
    }

    #[test]
    fn unknown_keys_are_errors() {
        let error = toml::from_str::<Section>("listn = '127.0.0.1:1'").unwrap_err();
        assert!(error.to_string().contains("listn"), "{error}");
    }

    #[test]
    fn what_is_printed_is_read_back() {
        let text = toml::to_string(&Section::default()).unwrap();
        assert_eq!(toml::from_str::<Section>(&text).unwrap(), Section::default());
    }
}
