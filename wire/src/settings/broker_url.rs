//! The address of a broker, as written in a configuration.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The address of an MQTT broker: `mqtt://[USER@]HOST[:PORT]`, port 1883 if left out; over TLS
/// `mqtts://`, port 8883. It has no password, because people show configurations to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BrokerUrl {
    /// Whether to use TLS.
    pub tls: bool,
    /// The user, if the broker asks for one.
    pub user: Option<String>,
    /// A name or an IP address; an IPv6 address without its brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a broker's address: {rule}")]
pub struct BadBrokerUrl {
    given: String,
    rule: &'static str,
}

impl BadBrokerUrl {
    /// The rule for a good address, without the bad one.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// The registered ports for MQTT, plain and over TLS.
const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

impl Default for BrokerUrl {
    fn default() -> Self {
        BrokerUrl { tls: false, user: None, host: "127.0.0.1".to_owned(), port: PORT }
    }
}

impl BrokerUrl {
    /// Whether the broker is on this machine.
    pub fn is_local(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

impl FromStr for BrokerUrl {
    type Err = BadBrokerUrl;

    fn from_str(url: &str) -> Result<Self, BadBrokerUrl> {
        let bad = |rule| BadBrokerUrl { given: hidden(url).chars().take(200).collect(), rule };
        let (tls, rest) = match url.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            Some(_) => return Err(bad("it must begin with mqtt:// or, for TLS, with mqtts://")),
            None => return Err(bad("write mqtt://HOST or mqtt://HOST:PORT, or mqtts:// for TLS")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // User names may contain an @, as mail addresses do.
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(bad("a password has no place here; write it into a password_file"));
        }
        if rest.contains(['/', '?', '#'])
            || user.is_some_and(|u| u.is_empty() || u.contains(['/', '?', '#', ' ']))
        {
            return Err(bad(
                "write mqtt://HOST, mqtt://HOST:PORT or mqtt://USER@HOST, without a path",
            ));
        }
        let (host, port, brackets) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((host, "")) => (host, None, true),
            Some((host, port)) => (host, port.strip_prefix(':').or(Some("")), true),
            None => match rest.rsplit_once(':') {
                Some((host, port)) => (host, Some(port), false),
                None => (rest, None, false),
            },
        };
        if host.is_empty() {
            return Err(bad("the host is missing; write mqtt://HOST"));
        }
        if host.contains(['[', ']', ' ']) || (host.contains(':') && !brackets) {
            return Err(bad("write a name, an IPv4 address, or an IPv6 address in brackets"));
        }
        let port = match port {
            None if tls => TLS_PORT,
            None => PORT,
            Some(port) => port.parse().map_err(|_| bad("the port must be 1 to 65535"))?,
        };
        if port == 0 {
            return Err(bad("the port must be 1 to 65535"));
        }
        Ok(BrokerUrl { tls, user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

/// A text with `…` for each password of a URL (`://USER:PASSWORD@`, RFC 3986, section 3.2.1), for
/// display and logs.
pub fn hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        // A password may contain anything, even an @ or a slash.
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (url, next) = after.split_at(end);
        match url.rsplit_once('@') {
            Some((user, host)) if user.contains(':') => {
                let user = user.split(':').next().unwrap_or_default();
                shown.push_str(&format!("{user}:…@{host}"));
            }
            _ => shown.push_str(url),
        }
        rest = next;
    }
    shown.push_str(rest);
    shown
}

impl TryFrom<String> for BrokerUrl {
    type Error = BadBrokerUrl;

    fn try_from(url: String) -> Result<Self, BadBrokerUrl> {
        url.parse()
    }
}

impl From<BrokerUrl> for String {
    fn from(url: BrokerUrl) -> String {
        url.to_string()
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "mqtts://" } else { "mqtt://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        for (text, shown) in [
            ("mqtt://ada:secret@house:1883", "mqtt://ada:…@house:1883"),
            ("--set node.broker=mqtts://a:s/e@c:r@house", "--set node.broker=mqtts://a:…@house"),
            ("mqtt://:secret@house and mqtt://b:x@c", "mqtt://:…@house and mqtt://b:…@c"),
            ("mqtt://ada@house", "mqtt://ada@house"),
            ("http://house:80/a:b", "http://house:80/a:b"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(hidden(text), shown);
        }
        let bad = "mqtt://ada:secret@house".parse::<BrokerUrl>().unwrap_err();
        assert!(!bad.to_string().contains("secret"), "{bad}");
    }

    #[test]
    fn good_addresses() {
        for (given, written) in [
            ("mqtt://127.0.0.1", "mqtt://127.0.0.1:1883"),
            ("mqtt://pi.local:11883", "mqtt://pi.local:11883"),
            ("mqtt://pi.local:11883/", "mqtt://pi.local:11883"),
            ("mqtt://pi4@[::1]:99", "mqtt://pi4@[::1]:99"),
            ("mqtt://ada@home@pi", "mqtt://ada@home@pi:1883"),
            ("mqtt://[::1]", "mqtt://[::1]:1883"),
            ("mqtts://pi.local", "mqtts://pi.local:8883"),
            ("mqtts://ada@[::1]:1883/", "mqtts://ada@[::1]:1883"),
            ("mqtt://[fe80::1]:99", "mqtt://[fe80::1]:99"),
        ] {
            assert_eq!(given.parse::<BrokerUrl>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn bad_addresses() {
        for bad in [
            "",
            "pi.local",
            "mqtt://",
            "mqtt://:1883",
            "mqtts://",
            "MQTT://pi",
            "http://pi",
            "mqtt://pi:0",
            "mqtt://pi:70000",
            "mqtt://user:secret@pi",
            "mqtt://@pi",
            "mqtt://a/b@pi",
            "mqtt://pi/x",
            "mqtt://a b",
            "mqtt://[::1",
        ] {
            assert!(bad.parse::<BrokerUrl>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(text in "mqtts?://([a-z@/]{0,4}@)?[a-z0-9.:\\[\\]-]{0,20}") {
            if let Ok(url) = text.parse::<BrokerUrl>() {
                prop_assert_eq!(url.to_string().parse::<BrokerUrl>(), Ok(url));
            }
        }
    }
}
