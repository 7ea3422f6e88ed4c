//! The section `[gallery]`: as typed, and as used.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wire::{BadBrokerUrl, BrokerUrl, GalleryId, Root};

use crate::{picture, store};

/// `[gallery]` as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// Address and port of the web page; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: String,
    /// Lets machines of private address ranges in without a password. Any address but loopback
    /// needs it. Default `false`.
    pub open: bool,
    /// The broker, `mqtt://[user@]host[:1883]`. Default `mqtt://127.0.0.1:1883`.
    pub broker: Option<String>,
    /// The file with the password for the broker, read at each connection. The user is the one in
    /// `broker`, else `gallery`. Without the file, and without a user in `broker`, the gallery
    /// comes in without a password. Default: for a broker of this machine, the file that it makes
    /// for its gallery.
    pub password_file: Option<PathBuf>,
    /// Further names by which browsers may call this gallery, such as the name that a reverse
    /// proxy has. IP addresses, `localhost`, the machine's name and that with `.local` are always
    /// good. Default none.
    pub hosts: Vec<String>,
    /// How photos are kept.
    pub photos: store::Section,
    /// Which pictures are taken.
    pub pictures: picture::Section,
}

impl Default for Section {
    fn default() -> Self {
        Section {
            listen: "127.0.0.1:8080".to_owned(),
            open: false,
            broker: None,
            password_file: None,
            hosts: Vec::new(),
            photos: store::Section::default(),
            pictures: picture::Section::default(),
        }
    }
}

/// Why a section cannot be used. The text says what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// `listen` is no address.
    #[error("gallery.listen = {0:?} is no address: write it like 127.0.0.1:8080 or [::1]:8080")]
    Listen(String),
    /// `listen` can be reached by others, and nobody said that this is wanted.
    #[error(
        "gallery.listen = \"{0}\" can be reached from other machines, without a password: \
         say gallery.open = true (or --open) if that is wanted, or listen on 127.0.0.1"
    )]
    Exposed(SocketAddr),
    /// `broker` is none.
    #[error("gallery.broker: {0}")]
    Broker(#[from] BadBrokerUrl),
    /// One of `hosts` is no name.
    #[error("gallery.hosts has {0:?}: write a bare name, without scheme, port or path")]
    Host(String),
    /// One of the keys of `[gallery.photos]`.
    #[error(transparent)]
    Photos(#[from] store::BadSection),
    /// One of the keys of `[gallery.pictures]`.
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
    /// The file that holds the gallery's id holds something else.
    #[error("{0} does not hold a gallery id, eight hex digits: remove it, and a new one is made")]
    Id(PathBuf),
}

/// `[gallery]` as used.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) listen: SocketAddr,
    /// Whether other machines can reach it.
    pub(crate) open: bool,
    pub(crate) broker: BrokerUrl,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) hosts: Vec<String>,
    pub(crate) root: Root,
    pub(crate) id: GalleryId,
    pub(crate) photos: store::Config,
    pub(crate) pictures: picture::Config,
}

impl Section {
    /// Checks the section. `data` is the gallery's own directory, made when missing; its id is
    /// kept there.
    ///
    /// # Errors
    /// [`BadConfig`] names the key or file and says what to do.
    pub fn check(self, root: Root, data: PathBuf) -> Result<Config, BadConfig> {
        let listen: SocketAddr =
            self.listen.parse().map_err(|_| BadConfig::Listen(self.listen.clone()))?;
        let loopback = listen.ip().to_canonical().is_loopback();
        if !loopback && !self.open {
            return Err(BadConfig::Exposed(listen));
        }
        let broker = self.broker.map_or(Ok(BrokerUrl::default()), |url| url.parse())?;
        if let Some(bad) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(BadConfig::Host(bad.clone()));
        }
        let hosts = self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let password_file = self.password_file;
        let pictures = self.pictures.check()?;
        let id = id(&data)?;
        let photos = self.photos.check(data)?;
        Ok(Config {
            listen,
            open: !loopback,
            broker,
            password_file,
            hosts,
            root,
            id,
            photos,
            pictures,
        })
    }
}

fn is_host(host: &str) -> bool {
    (1..=253).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn id(data: &Path) -> Result<GalleryId, BadConfig> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BadConfig::Data { path, source }
    };
    std::fs::create_dir_all(data).map_err(failed(data))?;
    let file = data.join("id");
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let text = text.trim_end();
            let good = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
            let id = text.to_ascii_lowercase().parse().ok().filter(|_| good);
            id.ok_or(BadConfig::Id(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = format!("{:08x}", fastrand::u32(..));
            // Written aside first, so that a crash leaves the whole id or none.
            let aside = data.join("id.new");
            std::fs::write(&aside, format!("{id}\n")).map_err(failed(&aside))?;
            std::fs::rename(&aside, &file).map_err(failed(&file))?;
            Ok(id.parse().expect("hex digits are a good id"))
        }
        Err(error) => Err(failed(&file)(error)),
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
            ("broker = 'mqtts://house'", "gallery.broker"),
            ("broker = 'house:1883'", "mqtt://HOST"),
            ("hosts = ['http://a']", "bare name"),
            ("port = 80", "unknown field"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
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
        std::fs::write(folder.path().join("a/b/id"), "main").unwrap();
        let error =
            Section::default().check(Root::default(), folder.path().join("a/b")).unwrap_err();
        assert!(error.to_string().contains("remove it"), "{error}");
    }
}
