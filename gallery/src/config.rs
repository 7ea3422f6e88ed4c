//! The section `[gallery]`: as typed, and as used.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{BadNetwork, LOCAL, Networks, Rules, Users, Visitors};
use certificate::{BadCertificate, Files};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use trust::{BadTrust, Fingerprint};
use wire::{BadBrokerUrl, BrokerUrl, GalleryId, Root};

use crate::http::cors::ANY;
use crate::http::https;
use crate::people::{self, Keys};
use crate::photos::picture;
use crate::photos::store;

/// `[gallery]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// Address and port of the page; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: String,
    /// Lets machines of `networks` in without a password. Required for any address except loopback.
    /// Default `false`.
    pub open: bool,
    /// What somebody without a login may do once people have logins: nothing (`none`), `look`, or
    /// `join`: look, talk, show a camera and bring photos. Default `none`.
    pub visitors: Visitors,
    /// The networks whose clients may come in: in CIDR notation, or `local` for all private,
    /// link-local and shared networks ([`access::Networks`]). This machine always may. Default
    /// `["local"]`.
    pub networks: Vec<String>,
    /// Address and port of HTTPS; port 0 takes a free one. Browsers let pages use a camera only
    /// over HTTPS, or on this machine. Default none.
    pub https_listen: Option<String>,
    /// A PEM file with the certificate, followed by those that lead to a root; read again when it
    /// changes. Default: one that is made at the first start and kept.
    pub certificate: Option<PathBuf>,
    /// A PEM file with the certificate's key.
    pub key: Option<PathBuf>,
    /// Whether HTTP sends browsers of other machines to HTTPS. Default `false`.
    pub redirect: bool,
    /// The broker, `mqtt://[user@]host[:1883]`, or `mqtts://[user@]host[:8883]` for TLS. Default
    /// `mqtt://127.0.0.1:1883`.
    pub broker: Option<String>,
    /// A PEM file with the certificates of the authorities that may have signed the broker's.
    /// Default: the system's.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 of the broker's certificate, used instead of authorities: 64 hex digits, with or
    /// without colons. Default none.
    pub fingerprint: Option<String>,
    /// The file with the password for the broker, read at each connection. The user is the one in
    /// `broker`, else `gallery`. Without the file, and without a user in `broker`, the gallery
    /// sends no password. Default: for a broker on this machine, the file that the broker makes for
    /// its gallery.
    pub password_file: Option<PathBuf>,
    /// Further host names by which browsers may call this gallery, such as a reverse proxy's.
    /// Always good are IP addresses, names of one word, and this machine's name in the domains of
    /// home routers and in its own domains ([`access::Names`]). Default none.
    pub hosts: Vec<String>,
    /// How photos are stored.
    pub photos: store::Section,
    /// Origins of other hosts' pages that may use the relay, such as `https://class.example.org`.
    /// Pages of the gallery's own host may, on any port. Default none.
    pub relay_origins: Vec<String>,
    /// Origins of other hosts' pages that may read live pictures, such as
    /// `https://fluidd.example.org`, or `*` for all. Pages of the gallery's own host may, on any
    /// port. Default none.
    pub cors_origins: Vec<String>,
    /// Origins of pages that may show the wall in a frame, such as
    /// `http://homeassistant.local:8123`. Default none.
    pub frame_origins: Vec<String>,
    /// Which pictures are accepted.
    pub pictures: picture::Section,
}

impl Default for Section {
    fn default() -> Self {
        Section {
            listen: "127.0.0.1:8080".to_owned(),
            open: false,
            visitors: Visitors::None,
            networks: vec![LOCAL.to_owned()],
            https_listen: None,
            certificate: None,
            key: None,
            redirect: false,
            broker: None,
            ca_file: None,
            fingerprint: None,
            password_file: None,
            hosts: Vec::new(),
            photos: store::Section::default(),
            relay_origins: Vec::new(),
            cors_origins: Vec::new(),
            frame_origins: Vec::new(),
            pictures: picture::Section::default(),
        }
    }
}

/// Why a section cannot be used. The text says what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// `listen` is not an address.
    #[error("gallery.{0} = {1:?} is not an address: write it like 127.0.0.1:8080 or [::1]:8080")]
    Listen(&'static str, String),
    /// Others can reach `listen`, and the configuration does not say that this is intended.
    #[error(
        "gallery.{0} = \"{1}\" can be reached from other machines, without a password: \
         say gallery.open = true (or --open) if that is wanted, or let somebody log in with \
         `vitrina user add NAME --role admin`, or listen on 127.0.0.1"
    )]
    Exposed(&'static str, SocketAddr),
    /// The keys of HTTPS contradict each other.
    #[error("gallery.{0}: {1}")]
    Https(&'static str, &'static str),
    /// `broker` is not a broker's URL.
    #[error("gallery.broker: {0}")]
    Broker(#[from] BadBrokerUrl),
    /// The broker's server cannot be authenticated with these keys.
    #[error("gallery.{0}")]
    Trust(#[from] BadTrust),
    /// One of `networks` is not a network.
    #[error("gallery.networks: {0}")]
    Network(#[from] BadNetwork),
    /// One of `hosts` is not a host name.
    #[error("gallery.hosts has {0:?}: write a bare name, without scheme, port or path")]
    Host(String),
    /// One of the keys of `[gallery.photos]` cannot be used.
    #[error(transparent)]
    Photos(#[from] store::BadSection),
    /// One of `relay_origins`, `cors_origins` or `frame_origins` is not an origin.
    #[error(
        "gallery.{0} has {1:?}: write scheme and host, as https://class.example.org, \
         with the port if it has one, without a path"
    )]
    Origin(&'static str, String),
    /// One of the keys of `[gallery.pictures]` cannot be used.
    #[error(transparent)]
    Pictures(#[from] picture::BadSection),
    /// The gallery's directory cannot be used.
    #[error("{path} cannot be used: {source}: make it writable, or name another one with --data")]
    Data {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file of the gallery's id is not valid.
    #[error("{0} does not hold a gallery id, eight hex digits: remove it, and a new one is made")]
    Id(PathBuf),
}

impl BadConfig {
    /// The key, such as `gallery.listen`, if the fault is in a key.
    pub fn key(&self) -> Option<String> {
        let key = match self {
            BadConfig::Listen(key, _) | BadConfig::Exposed(key, _) | BadConfig::Https(key, _) => {
                key
            }
            BadConfig::Broker(_) => "broker",
            BadConfig::Trust(bad) => bad.key,
            BadConfig::Network(_) => "networks",
            BadConfig::Host(_) => "hosts",
            BadConfig::Photos(bad) => return Some(format!("gallery.photos.{}", bad.key())),
            BadConfig::Origin(key, _) => key,
            BadConfig::Pictures(bad) => return Some(format!("gallery.pictures.{}", bad.key())),
            BadConfig::Data { .. } | BadConfig::Id(_) => return None,
        };
        Some(format!("gallery.{key}"))
    }
}

/// `[gallery]` as used.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    /// Whether other machines can reach the gallery.
    pub(crate) open: bool,
    /// What those may do who have no login.
    pub(crate) rules: Rules,
    pub(crate) networks: Networks,
    pub(crate) https: Option<https::Config>,
    /// The gallery's own directory.
    pub(crate) data: PathBuf,
    pub(crate) broker: BrokerUrl,
    /// The TLS configuration, if the broker needs TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) hosts: Vec<String>,
    pub(crate) relay_origins: Vec<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) frame_origins: Vec<String>,
    pub(crate) root: Root,
    pub(crate) id: GalleryId,
    pub(crate) photos: store::Config,
    pub(crate) people: people::Config,
    /// The database of the log.
    pub(crate) log: PathBuf,
    /// The database of what cameras were called.
    pub(crate) roll: PathBuf,
    /// Since when nodes are away.
    pub(crate) away: PathBuf,
    /// The pool that does all work on pictures.
    pub(crate) pictures: picture::Pool,
}

impl Section {
    /// Checks the section. `data` is the gallery's own directory, which is made if missing and
    /// holds its id.
    ///
    /// # Errors
    /// [`BadConfig`] names the key or file and says what to do.
    pub fn check(self, root: Root, data: PathBuf) -> Result<Config, BadConfig> {
        self.check_in(root, data, None)
    }

    /// The same with the folder of the users: other machines may come in without `open` as well, if
    /// people can log in.
    ///
    /// # Errors
    /// As [`Section::check`].
    pub fn check_in(
        self,
        root: Root,
        data: PathBuf,
        users: Option<&Path>,
    ) -> Result<Config, BadConfig> {
        // Whoever starts the gallery is told of a bad file by what reads it for good.
        let users = users.and_then(|folder| Users::read(folder).ok());
        let may_listen = self.open || users.is_some_and(|users| users.have_people());
        let listen = address("listen", &self.listen, may_listen)?;
        let https = self.https(may_listen)?;
        let rules = Rules { open: self.open, visitors: self.visitors };
        let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
        let loopback =
            is_loopback(listen) && https.as_ref().is_none_or(|https| is_loopback(https.listen));
        let broker = self.broker.map_or(Ok(BrokerUrl::default()), |url| url.parse())?;
        let tls = trust::client(&broker, self.ca_file.as_deref(), self.fingerprint.as_deref())?;
        let networks = Networks::parse(&self.networks)?;
        if let Some(bad) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(BadConfig::Host(bad.clone()));
        }
        let hosts = self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let relay_origins = origins("relay_origins", &self.relay_origins)?;
        let is_any = self.cors_origins.iter().any(|origin| origin == ANY);
        let cors_origins = match is_any {
            true => vec![ANY.to_owned()],
            false => origins("cors_origins", &self.cors_origins)?,
        };
        let frame_origins = origins("frame_origins", &self.frame_origins)?;
        let password_file = self.password_file;
        let pictures = picture::Pool::new(self.pictures.check()?);
        let id = id(&data)?;
        let secret = data.join("secret");
        let keys = Keys::open(&secret).map_err(failed(&secret))?;
        let people = people::Config { keys, talk: data.join("talk.db") };
        let (log, roll, away) = (log(&data), data.join("roll.db"), data.join("away.json"));
        let photos = self.photos.check(data.clone(), pictures.clone())?;
        Ok(Config {
            listen,
            open: !loopback,
            rules,
            networks,
            https,
            data,
            broker,
            tls,
            password_file,
            hosts,
            relay_origins,
            cors_origins,
            frame_origins,
            root,
            id,
            photos,
            people,
            log,
            roll,
            away,
            pictures,
        })
    }

    fn https(&self, may_listen: bool) -> Result<Option<https::Config>, BadConfig> {
        let bad = |key, why| Err(BadConfig::Https(key, why));
        let files = match (self.certificate.clone(), self.key.clone()) {
            (Some(certificate), Some(key)) => Some(Files { certificate, key }),
            (None, None) => None,
            (None, Some(_)) => {
                return bad("certificate", "name the file that belongs to gallery.key");
            }
            (Some(_), None) => {
                return bad("key", "name the file that belongs to gallery.certificate");
            }
        };
        let Some(listen) = &self.https_listen else {
            if files.is_some() || self.redirect {
                let why = "set it, for example to 0.0.0.0:8443; gallery.certificate, gallery.key \
                           and gallery.redirect are of no use without it";
                return bad("https_listen", why);
            }
            return Ok(None);
        };
        let listen = address("https_listen", listen, may_listen)?;
        Ok(Some(https::Config { listen, files, redirect: self.redirect }))
    }

    /// The certificate's fingerprint, with HTTPS. `data` is the gallery's own directory, in which a
    /// certificate is made at the first start.
    pub fn https_fingerprint(&self, data: &Path) -> Option<Result<Fingerprint, BadCertificate>> {
        self.https_listen.as_ref()?;
        Some(certificate::fingerprint(&https::shown(self.certificate.as_deref(), data)))
    }
}

/// The database of the log.
pub(crate) fn log(data: &Path) -> PathBuf {
    data.join("log.db")
}

fn address(key: &'static str, text: &str, open: bool) -> Result<SocketAddr, BadConfig> {
    let address: SocketAddr = text.parse().map_err(|_| BadConfig::Listen(key, text.to_owned()))?;
    match open || address.ip().to_canonical().is_loopback() {
        true => Ok(address),
        false => Err(BadConfig::Exposed(key, address)),
    }
}

fn is_host(host: &str) -> bool {
    (1..=253).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BadConfig {
    let path = path.to_owned();
    move |source| BadConfig::Data { path, source }
}

fn origins(key: &'static str, typed: &[String]) -> Result<Vec<String>, BadConfig> {
    let each = typed
        .iter()
        .map(|typed| origin(typed).ok_or_else(|| BadConfig::Origin(key, typed.clone())));
    each.collect()
}

/// An origin as browsers send it (RFC 6454, section 6.1): in lower case, without the scheme's
/// default port. None if something else was typed.
pub fn origin(typed: &str) -> Option<String> {
    let typed = typed.to_ascii_lowercase();
    let (scheme, rest) = typed.split_once("://")?;
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (rest, None),
    };
    let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_good = v6.map_or_else(|| is_host(host), |v6| v6.parse::<Ipv6Addr>().is_ok());
    is_good.then(|| match port.filter(|port| *port != default) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

fn id(data: &Path) -> Result<GalleryId, BadConfig> {
    durable::private_folder(data).map_err(failed(data))?;
    let file = data.join("id");
    match std::fs::read_to_string(&file) {
        // Earlier versions could leave an empty file after a power cut.
        Ok(text) if !text.is_empty() => {
            let text = text.trim_end();
            let good = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let id = text.to_ascii_lowercase().parse().ok().filter(|_| good);
            id.ok_or(BadConfig::Id(file))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&file)(error)),
        _ => {
            let id = format!("{:08x}", fastrand::u32(..));
            durable::write(&file, format!("{id}\n").as_bytes(), durable::PRIVATE)
                .map_err(failed(&file))?;
            Ok(id.parse().expect("hex digits are a good id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let section: Section = toml::from_str(text).map_err(|e| e.to_string())?;
        section.check(Root::default(), folder.path().join("gallery")).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_typed_is_loopback() {
        let config = check("").unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(!config.open);
        assert_eq!(config.broker, BrokerUrl::default());
    }

    #[test]
    fn each_mistake_says_what_to_write() {
        for (text, word) in [
            ("listen = '8080'", "127.0.0.1:8080"),
            ("listen = '0.0.0.0:8080'", "gallery.open"),
            ("listen = '[::]:8080'", "gallery.open"),
            ("broker = 'http://house'", "gallery.broker"),
            ("fingerprint = 'AB'", "mqtts://"),
            ("broker = 'mqtts://house'\nfingerprint = 'AB'", "gallery.fingerprint = \"AB\""),
            ("broker = 'mqtts://house'\nca_file = '/no/such.pem'", "gallery.ca_file"),
            ("broker = 'house:1883'", "mqtt://HOST"),
            ("hosts = ['http://a']", "bare name"),
            ("relay_origins = ['class.example.org']", "https://class"),
            ("relay_origins = ['https://class.example.org/']", "without a path"),
            ("networks = ['10.0.0.0/33']", "gallery.networks: \"10.0.0.0/33\" is not a network"),
            ("cors_origins = ['class.example.org']", "gallery.cors_origins"),
            ("frame_origins = ['*']", "gallery.frame_origins"),
            ("frame_origins = ['https://a;sandbox']", "without a path"),
            ("https_listen = 'x'", "gallery.https_listen"),
            ("https_listen = '0.0.0.0:8443'", "gallery.open"),
            ("https_listen = '127.0.0.1:0'\nkey = 'a'", "gallery.certificate"),
            ("https_listen = '127.0.0.1:0'\ncertificate = 'a'", "gallery.key"),
            ("redirect = true", "gallery.https_listen"),
            ("certificate = 'a'\nkey = 'b'", "gallery.https_listen"),
            ("port = 80", "unknown field"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        let config = check(
            "frame_origins = ['HTTP://Home.example:80', 'https://[fd00::1]:8443']\n\
             cors_origins = ['http://a', '*']",
        );
        let config = config.unwrap();
        assert_eq!(config.frame_origins, ["http://home.example", "https://[fd00::1]:8443"]);
        assert_eq!(config.cors_origins, ["*"]);
        for bad in ["ftp://a", "http://", "http://a/", "http://a@b", "http://a:", "http://[a]", "a"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn open_lets_it_listen_everywhere() {
        assert!(check("listen = '0.0.0.0:0'\nopen = true").unwrap().open);
        assert!(!check("open = true").unwrap().open, "loopback stays what it is");
    }

    #[test]
    fn the_id_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let id =
            |_| Section::default().check(Root::default(), folder.path().join("a/b")).unwrap().id;
        assert_eq!(id(1), id(2));
        std::fs::write(folder.path().join("a/b/id"), "").unwrap();
        assert_eq!(id(3).to_string().len(), 8, "it is made again");
        std::fs::write(folder.path().join("a/b/id"), "main").unwrap();
        let error =
            Section::default().check(Root::default(), folder.path().join("a/b")).unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
    }
}
