//! The configuration: as typed in [`File`], as used in [`Settings`].

use std::env;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item, TableLike};
use wire::{BrokerUrl, Root};

use crate::args::Options;
use crate::layers::{self, Layers};

/// The configuration file, as typed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// The first word of all topics.
    pub root: Root,
    pub broker: broker::Section,
    pub node: node::Section,
    pub gallery: gallery::Section,
}

/// The configuration and the folder that commands use.
#[derive(Debug)]
pub struct Settings {
    pub file: File,
    /// Where each key was written.
    pub layers: Layers,
    /// The folder for all data.
    pub data: PathBuf,
}

/// Every key with its meaning and its default. Packages install this as the configuration file.
const COMMENTED: &str = include_str!("../vitrina.toml");

impl Settings {
    pub fn load(options: &Options) -> anyhow::Result<Self> {
        let mut sets = Vec::new();
        if options.open {
            sets.extend(["broker.open=true".to_owned(), "gallery.open=true".to_owned()]);
        }
        sets.extend_from_slice(&options.set);
        let layers = layers::gather::<File>(options.config.as_deref(), env::vars(), &sets)?;
        let file = typed(layers.table())?;
        Ok(Settings { file, layers, data: data(options)? })
    }

    /// The broker's own directory.
    pub fn broker_folder(&self) -> PathBuf {
        self.data.join("broker")
    }

    /// The gallery's own directory.
    pub fn gallery_folder(&self) -> PathBuf {
        self.data.join("gallery")
    }

    /// The broker that commands connect to: the gallery's, else the node's, else this machine's.
    pub fn broker(&self) -> anyhow::Result<Remote> {
        let File { gallery, node, broker, .. } = &self.file;
        let (section, url, file, ca_file, fingerprint) = match (&gallery.broker, &node.broker) {
            (None, Some(url)) => {
                ("node", url.parse()?, &node.password_file, &node.ca_file, &node.fingerprint)
            }
            (url, _) => {
                let url =
                    url.as_ref().map_or(Ok(local_broker(broker.listen)), |url| url.parse())?;
                let gallery::Section { password_file, ca_file, fingerprint, .. } = gallery;
                ("gallery", url, password_file, ca_file, fingerprint)
            }
        };
        let tls = trust::client(&url, ca_file.as_deref(), fingerprint.as_deref())
            .map_err(|bad| anyhow!("{section}.{bad}"))?;
        let is_named = file.is_some();
        let file = file.clone();
        let password_file = file.or_else(|| local_password(&url, &self.broker_folder(), "admin"));
        Ok(Remote { url, password_file, is_named, tls })
    }
}

/// A broker, and how to connect to it.
pub struct Remote {
    pub url: BrokerUrl,
    pub password_file: Option<PathBuf>,
    /// Whether the configuration names that file.
    pub is_named: bool,
    /// The configuration of TLS for `mqtts://`.
    pub tls: Option<Arc<ClientConfig>>,
}

/// The file with the password that a broker of this machine made for `part`; `None` if the broker
/// is on another machine or the URL names a user.
pub fn local_password(url: &BrokerUrl, folder: &Path, part: &str) -> Option<PathBuf> {
    (url.is_local() && url.user.is_none()).then(|| folder.join(format!("{part}.password")))
}

/// How programs on this machine reach a broker that listens on `address`.
pub fn local_broker(address: SocketAddr) -> BrokerUrl {
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip.to_string(),
        ip if ip.is_ipv6() => "::1".to_owned(),
        _ => "127.0.0.1".to_owned(),
    };
    BrokerUrl { tls: false, user: None, host, port: address.port() }
}

fn data(options: &Options) -> anyhow::Result<PathBuf> {
    if let Some(data) = &options.data {
        return Ok(data.clone());
    }
    // systemd gives a list when a unit has several state directories.
    if let Some(list) = env::var_os("STATE_DIRECTORY") {
        return env::split_paths(&list).next().context("STATE_DIRECTORY is empty");
    }
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME")
        .or_else(|| Some(set("HOME")?.join(".local/share")))
        .map(|data| data.join("vitrina"))
        .context("there is no home directory to keep data in; name a folder with --data DIR")
}

/// Prints every key with its comment and the value in use.
pub fn print(settings: &Settings) -> anyhow::Result<()> {
    write!(io::stdout(), "{}", effective(&settings.file)?)?;
    if let Some(fingerprint) = settings.file.gallery.https_fingerprint(&settings.gallery_folder()) {
        let told = match fingerprint {
            Ok(print) => format!("The certificate of the wall for HTTPS: {print}"),
            Err(error) => format!("The wall has no certificate yet: {error}"),
        };
        writeln!(io::stdout(), "\n# {told}")?;
    }
    Ok(())
}

fn effective(file: &File) -> anyhow::Result<DocumentMut> {
    let mut commented: DocumentMut = COMMENTED.parse()?;
    let values = toml_edit::ser::to_document(file)?;
    fill(commented.as_table_mut(), values.as_table());
    Ok(commented)
}

/// Puts `values` into `commented`, whose comments and order stay.
fn fill(commented: &mut dyn TableLike, values: &dyn TableLike) {
    for (key, value) in values.iter() {
        let old = commented.entry(key).or_insert(Item::None);
        match (old.as_table_like_mut(), value.as_table_like()) {
            (Some(old), Some(value)) => fill(old, value),
            _ => {
                let mut value = value.clone();
                if let (Some(old), Some(new)) = (old.as_value(), value.as_value_mut()) {
                    *new.decor_mut() = old.decor().clone();
                }
                *old = value;
            }
        }
    }
}

/// The typed configuration with the defaults that follow from it.
fn typed(table: toml::Table) -> anyhow::Result<File> {
    let is_set = |section: &str| table.get(section).is_some_and(|s| s.get("listen").is_some());
    let (broker, gallery) = (is_set("broker"), is_set("gallery"));
    let mut file: File = layers::typed(table)?;
    // `open` without an address of its own means every address.
    if file.broker.open && !broker {
        file.broker.listen.set_ip(Ipv4Addr::UNSPECIFIED.into());
    }
    if file.gallery.open && !gallery {
        file.gallery.listen = file.gallery.listen.replace("127.0.0.1", "0.0.0.0");
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_holds_the_defaults() {
        assert_eq!(toml::from_str::<File>(COMMENTED).unwrap(), File::default());
    }

    #[test]
    fn the_installed_file_keeps_no_door_shut_that_is_opened() {
        let opened = COMMENTED.replace("\nopen = false", "\nopen = true");
        let file = typed(opened.parse().unwrap()).unwrap();
        assert_eq!(file.broker.listen.to_string(), "0.0.0.0:1883");
        assert_eq!(file.gallery.listen, "0.0.0.0:8080");
        let said = opened.replace("# listen = ", "listen = ");
        let file = typed(said.parse().unwrap()).unwrap();
        assert_eq!(
            (file.broker.listen.to_string(), &*file.gallery.listen),
            ("127.0.0.1:1883".into(), "127.0.0.1:8080")
        );
    }

    #[test]
    fn every_key_stands_in_the_commented_file() {
        let typed = toml::Table::try_from(File::default()).unwrap();
        for (section, keys) in typed.iter().filter_map(|(s, v)| Some((s, v.as_table()?))) {
            for key in keys.keys() {
                let stands = COMMENTED.contains(&format!("\n{key} = "))
                    || COMMENTED.contains(&format!("\n# {key} = "))
                    || COMMENTED.contains(&format!("[{section}.{key}]"));
                assert!(stands, "{section}.{key}");
            }
        }
    }

    #[test]
    fn what_is_printed_is_what_is_used() {
        let mut file = File::default();
        file.node.name = Some("workshop".parse().unwrap());
        file.gallery.open = true;
        let printed = effective(&file).unwrap().to_string();
        assert_eq!(toml::from_str::<File>(&printed).unwrap(), file);
        assert!(printed.lines().filter(|line| line.starts_with('#')).count() > 20, "{printed}");
    }
}
