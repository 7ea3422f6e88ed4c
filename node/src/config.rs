//! The configuration of a node: the section `[node]` as typed, and the configuration as used.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use trust::BadTrust;
use wire::broker_url::hidden;
use wire::{BadBrokerUrl, BrokerUrl, CameraName, NodeName, Root, units};

use crate::capture::driver::choose::{self, Ask};
use crate::identity;

/// The name of the test card among a node's cameras.
pub(crate) const TEST_CARD: &str = "test-card";
/// How much may wait on the disk, in bytes.
const SPOOL: u64 = 1 << 30;
/// The limits of a camera's own photo interval.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));

/// The section `[node]` as typed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Section {
    /// The node's name, 1 to 32 of `a-z 0-9 - _`, not `gallery`, `people` or `web-…`. Default:
    /// made from the host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people call the node, in any script, until somebody gives it another title by hand: at
    /// most 64 characters. Default: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The MQTT broker, `mqtt://[USER@]HOST[:PORT]`, or `mqtts://` for TLS. Default:
    /// `mqtt://127.0.0.1:1883`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// The file with the certificates, in PEM, of the authorities that the node trusts to sign the
    /// broker's certificate. Default: those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Instead of authorities: the SHA-256 of the broker's certificate, 64 hex digits, with colons
    /// or without. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The file with the password for the broker, read at each connection. The user is the one in
    /// `broker`, else has the node's name. Without the file, and without a user in `broker`, the
    /// node connects without a password. Default: for a broker on this machine, the file that the
    /// broker makes for its node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// How much may wait on this machine's disk for a gallery, including photos that galleries
    /// refused: a number and its unit, as `500 MB`. When it is full, the node refuses new photos.
    /// Default: `1 GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<String>,
    /// The picture for machines without a camera.
    pub test_card: TestCardSection,
    /// Settings of single cameras. Cameras without a section are shown, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub camera: Vec<CameraSection>,
}

/// The section `[node.test_card]` as typed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestCardSection {
    /// When it is shown: `auto` (until a camera is found), `always` or `never`. Default: `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<Show>,
    /// Pixels across, 160 to 3840, even. Default: 1280.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, 120 to 2160, even. Default: 720.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Frames a second, 1 to 120. Default: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<u32>,
    /// As for a camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
    /// As for a camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// When the test card is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Show {
    /// Until a camera is found.
    Auto,
    /// Beside the cameras.
    Always,
    /// Not at all.
    Never,
}

/// A section `[[node.camera]]` as typed: `device` or `name` identifies the camera.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CameraSection {
    /// Any path of the device, best one below `/dev/v4l/by-id`, or below `/dev/v4l/by-path` if
    /// cameras of one model report the same serial number, or none: `vitrina cameras` shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<PathBuf>,
    /// With `device`: the name for the camera, 1 to 32 of `a-z 0-9 - _`. Alone: the name that it
    /// has by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people call it, as for the node. Default: its name here, or else its card's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Pixels across, 16 to 16384. Default: the largest up to 1920 that gives 25 frames a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down, 16 to 16384. Default: as for `width`, up to 1080.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Frames a second, above 0 to 1000. Default: the camera's highest rate up to 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps: Option<f32>,
    /// V4L2's four characters of the format, such as `MJPG` or `YUYV`. Default: MJPEG if the
    /// camera has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// JPEG quality where the node encodes, 1 to 100. Default: 80.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// How often it takes a photo by itself, `1 s` to `1 d`, by the local clock: `10 min` is at
    /// :00, :10 and so on. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<String>,
}

/// The configuration as used.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node's name.
    pub name: NodeName,
    /// Its title, if it has one.
    pub title: String,
    /// The first word of all topics.
    pub root: Root,
    /// Where the broker is.
    pub broker: BrokerUrl,
    /// The configuration of TLS, if it is used.
    pub tls: Option<Arc<ClientConfig>>,
    /// The file with the password for it.
    pub password_file: Option<PathBuf>,
    /// How many bytes may wait on the disk for a gallery.
    pub spool: u64,
    /// The test card.
    pub test_card: TestCard,
    /// Settings of single cameras.
    pub cameras: Vec<CameraConfig>,
    /// The node's own directory; it exists.
    pub data: PathBuf,
}

/// The test card as used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCard {
    /// When it is shown.
    pub show: Show,
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// How often the node takes a photo of it.
    pub every: Option<Duration>,
    /// Its title, if it has one.
    pub title: String,
}

/// The settings of one camera.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CameraConfig {
    /// A path of its device.
    pub device: Option<PathBuf>,
    /// Its name.
    pub name: Option<CameraName>,
    /// Its title, if it has one.
    pub title: String,
    /// Format, size and rate.
    pub ask: Ask,
    /// How often it takes a photo by itself.
    pub every: Option<Duration>,
}

/// A key whose value cannot be used. The text shows the key, its value, and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {right}")]
pub struct BadConfig {
    key: String,
    value: String,
    right: String,
}

impl From<BadTrust> for BadConfig {
    fn from(BadTrust { key, value, right }: BadTrust) -> Self {
        BadConfig::new(format!("node.{key}"), quoted(&value), right)
    }
}

impl BadConfig {
    fn new(key: impl Into<String>, value: impl Display, right: impl Into<String>) -> Self {
        BadConfig { key: key.into(), value: value.to_string(), right: right.into() }
    }

    /// The key, such as `node.camera[0].fps`.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Section {
    /// The configuration as used, with defaults for missing keys. `data` is the node's own
    /// directory, which this makes if missing.
    ///
    /// # Errors
    /// [`BadConfig`] names the first key whose value cannot be used.
    pub fn check(self, root: Root, data: PathBuf) -> Result<Config, BadConfig> {
        let name = match self.name {
            Some(name) => node_name(&name)?,
            None => NodeName::from_host(&identity::host()),
        };
        let title = title("node", self.title.as_deref())?;
        let broker = match self.broker {
            Some(url) => url.parse().map_err(|bad: BadBrokerUrl| {
                BadConfig::new("node.broker", quoted(&hidden(&url)), bad.rule())
            })?,
            None => BrokerUrl::default(),
        };
        let tls = trust::client(&broker, self.ca_file.as_deref(), self.fingerprint.as_deref())?;
        let spool = match self.spool {
            Some(size) => units::bytes(&size)
                .map_err(|right| BadConfig::new("node.spool", quoted(&size), right))?,
            None => SPOOL,
        };
        let test_card = self.test_card.check()?;
        let cameras = cameras(self.camera)?;
        durable::private_folder(&data).map_err(|error| {
            let right = format!("cannot be made: {error}; choose a directory that can be written");
            BadConfig::new("the node's data directory", data.display(), right)
        })?;
        Ok(Config {
            name,
            title,
            root,
            broker,
            tls,
            password_file: self.password_file,
            spool,
            test_card,
            cameras,
            data,
        })
    }
}

fn node_name(name: &str) -> Result<NodeName, BadConfig> {
    let bad = |right: &str| BadConfig::new("node.name", quoted(name), right);
    let parsed: NodeName = name.parse().map_err(|_| {
        bad("a node's name has 1 to 32 characters of a-z 0-9 - _, and is not gallery or people")
    })?;
    if parsed.is_browser() {
        return Err(bad("names that begin with web- are kept for browsers; choose another"));
    }
    Ok(parsed)
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

impl TestCardSection {
    fn check(self) -> Result<TestCard, BadConfig> {
        let within = |key: &str,
                      value: Option<u32>,
                      default,
                      range: std::ops::RangeInclusive<u32>,
                      even: bool| {
            let value = value.unwrap_or(default);
            if range.contains(&value) && (!even || value.is_multiple_of(2)) {
                return Ok(value);
            }
            let even = if even { " and even" } else { "" };
            let right = format!("it must be {} to {}{even}", range.start(), range.end());
            Err(BadConfig::new(format!("node.test_card.{key}"), value, right))
        };
        Ok(TestCard {
            show: self.show.unwrap_or(Show::Auto),
            width: within("width", self.width, 1280, 160..=3840, true)?,
            height: within("height", self.height, 720, 120..=2160, true)?,
            fps: within("fps", self.fps, 30, 1..=120, false)?,
            every: every("node.test_card", self.every.as_deref())?,
            title: title("node.test_card", self.title.as_deref())?,
        })
    }
}

fn cameras(sections: Vec<CameraSection>) -> Result<Vec<CameraConfig>, BadConfig> {
    let mut cameras: Vec<CameraConfig> = Vec::new();
    for (i, section) in sections.into_iter().enumerate() {
        let at = format!("node.camera[{i}]");
        let camera = section.check(&at)?;
        if camera.device.is_some() && cameras.iter().any(|other| other.device == camera.device) {
            let device = camera.device.as_deref().unwrap_or(Path::new("")).display().to_string();
            return Err(BadConfig::new(
                format!("{at}.device"),
                quoted(&device),
                "another [[node.camera]] has it already",
            ));
        }
        if let Some(name) = &camera.name {
            if cameras.iter().any(|other| other.name.as_ref() == Some(name)) {
                return Err(BadConfig::new(
                    format!("{at}.name"),
                    quoted(name.as_str()),
                    "another [[node.camera]] has it already",
                ));
            }
            if name.as_str() == TEST_CARD {
                let right = "the test card has this name; choose another";
                return Err(BadConfig::new(format!("{at}.name"), quoted(name.as_str()), right));
            }
        }
        cameras.push(camera);
    }
    Ok(cameras)
}

impl CameraSection {
    fn check(self, at: &str) -> Result<CameraConfig, BadConfig> {
        let bad = |key: &str, value: &dyn Display, right: &str| {
            BadConfig::new(format!("{at}.{key}"), value, right)
        };
        if self.device.is_none() && self.name.is_none() {
            return Err(BadConfig::new(
                at,
                "{}",
                "say which camera is meant: device or name is needed",
            ));
        }
        if let Some(device) = &self.device {
            let path = quoted(&device.display().to_string());
            if !device.is_absolute() {
                return Err(bad("device", &path, "a device is a whole path, such as /dev/video0"));
            }
        }
        let name = match self.name {
            Some(name) => Some(name.parse().map_err(|_| {
                bad("name", &quoted(&name), "a camera's name has 1 to 32 characters of a-z 0-9 - _")
            })?),
            None => None,
        };
        let side = |key: &str, value: Option<u32>| match value {
            Some(pixels) if !(16..=16384).contains(&pixels) => {
                Err(bad(key, &pixels, "it must be 16 to 16384 pixels"))
            }
            side => Ok(side),
        };
        let fps = match self.fps {
            Some(fps) if !(fps > 0.0 && fps <= wire::limits::FPS) => {
                return Err(bad(
                    "fps",
                    &fps,
                    "it must be above 0 and at most 1000 frames a second",
                ));
            }
            fps => fps,
        };
        let format = match self.format {
            Some(format) => Some(
                format.parse().map_err(|right: String| bad("format", &quoted(&format), &right))?,
            ),
            None => None,
        };
        let quality = self.quality.unwrap_or(choose::QUALITY);
        if !(1..=100).contains(&quality) {
            return Err(bad("quality", &quality, "it must be 1 to 100"));
        }
        let (width, height) = (side("width", self.width)?, side("height", self.height)?);
        Ok(CameraConfig {
            device: self.device,
            name,
            title: title(at, self.title.as_deref())?,
            ask: Ask { width, height, fps, format, quality },
            every: every(at, self.every.as_deref())?,
        })
    }
}

/// The title typed in section `at`; empty if there is none.
fn title(at: &str, typed: Option<&str>) -> Result<String, BadConfig> {
    let typed = typed.unwrap_or_default();
    wire::title::title(typed)
        .map_err(|bad| BadConfig::new(format!("{at}.title"), quoted(typed), bad.to_string()))
}

/// How often a camera takes a photo, as typed in section `at`.
fn every(at: &str, typed: Option<&str>) -> Result<Option<Duration>, BadConfig> {
    let Some(typed) = typed else { return Ok(None) };
    let bad = |right| BadConfig::new(format!("{at}.every"), quoted(typed), right);
    let period = units::period(typed).map_err(bad)?;
    if !(EVERY.0..=EVERY.1).contains(&period) {
        return Err(bad("it must be 1 s to 1 d"));
    }
    Ok(Some(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(section: Section) -> Result<Config, BadConfig> {
        let data = tempfile::tempdir().unwrap();
        section.check(Root::default(), data.path().join("node"))
    }

    #[test]
    fn nothing_typed_is_a_config() {
        let config = check(Section::default()).unwrap();
        assert_eq!(config.broker, BrokerUrl::default());
        assert_eq!((config.test_card.width, config.test_card.height), (1280, 720));
    }

    #[test]
    fn the_data_directory_is_made() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("a/b");
        Section::default().check(Root::default(), path.clone()).unwrap();
        assert!(path.is_dir());
    }

    #[test]
    fn a_bad_node_name_is_refused_with_the_rule() {
        for bad in ["Küche", "gallery", "web-1"] {
            let error =
                check(Section { name: Some(bad.into()), ..Section::default() }).unwrap_err();
            assert_eq!(error.key(), "node.name");
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn a_bad_broker_names_its_key() {
        let section = Section { broker: Some("pi".into()), ..Section::default() };
        let error = check(section).unwrap_err();
        assert_eq!(error.key(), "node.broker");
        assert!(error.to_string().contains("mqtt://HOST"), "{error}");
    }

    #[test]
    fn a_camera_needs_a_device_or_a_name() {
        let camera = |section| check(Section { camera: vec![section], ..Section::default() });
        assert_eq!(camera(CameraSection::default()).unwrap_err().key(), "node.camera[0]");
        let device = Some(PathBuf::from("/dev/video0"));
        assert!(camera(CameraSection { device: device.clone(), ..Default::default() }).is_ok());
        let bad = [
            CameraSection { device: Some("video0".into()), ..Default::default() },
            CameraSection { name: Some("Front Door".into()), ..Default::default() },
            CameraSection { name: Some("test-card".into()), ..Default::default() },
            CameraSection { device: device.clone(), fps: Some(0.0), ..Default::default() },
            CameraSection { device: device.clone(), width: Some(0), ..Default::default() },
            CameraSection { device: device.clone(), quality: Some(101), ..Default::default() },
            CameraSection {
                device: device.clone(),
                format: Some("H264".into()),
                ..Default::default()
            },
        ];
        for section in bad {
            assert!(camera(section.clone()).is_err(), "{section:?}");
        }
    }

    #[test]
    fn sizes_and_periods_name_their_keys_when_they_are_wrong() {
        let config = check(Section::default()).unwrap();
        assert_eq!((config.spool, config.test_card.every), (1 << 30, None));
        let section = Section { spool: Some("1 gig".into()), ..Section::default() };
        assert_eq!(check(section).unwrap_err().key(), "node.spool");
        for bad in ["10", "0 s", "2 d", "10 m"] {
            let every = Some(bad.to_owned());
            let test_card = TestCardSection { every: every.clone(), ..Default::default() };
            let error = check(Section { test_card, ..Section::default() }).unwrap_err();
            assert_eq!(error.key(), "node.test_card.every");
            let camera =
                CameraSection { name: Some("door".into()), every, ..CameraSection::default() };
            let error = check(Section { camera: vec![camera], ..Section::default() }).unwrap_err();
            assert_eq!(error.key(), "node.camera[0].every");
        }
    }

    #[test]
    fn titles_are_in_any_script_and_name_their_keys_when_they_are_too_long() {
        let at = |title: &str| {
            let title = Some(title.to_owned());
            let camera = CameraSection { name: Some("door".into()), ..Default::default() };
            [
                ("node.title", Section { title: title.clone(), ..Section::default() }),
                (
                    "node.camera[0].title",
                    Section {
                        camera: vec![CameraSection { title: title.clone(), ..camera }],
                        ..Section::default()
                    },
                ),
                (
                    "node.test_card.title",
                    Section {
                        test_card: TestCardSection { title, ..Default::default() },
                        ..Section::default()
                    },
                ),
            ]
        };
        for (key, section) in at(" Porte\nnord\u{202e} ") {
            let config = check(section).unwrap();
            let cameras = config.cameras.iter().map(|camera| &camera.title);
            let mut titles = [&config.title, &config.test_card.title].into_iter().chain(cameras);
            assert!(titles.any(|title| title == "Porte nord"), "{key}");
        }
        for (key, section) in at(&"北".repeat(65)) {
            let error = check(section).unwrap_err();
            assert_eq!(error.key(), key);
            assert!(error.to_string().ends_with("64 characters, and this has 65"), "{error}");
        }
    }

    #[test]
    fn the_same_camera_twice_is_refused() {
        let camera = CameraSection { name: Some("door".into()), ..Default::default() };
        let section = Section { camera: vec![camera.clone(), camera], ..Default::default() };
        assert_eq!(check(section).unwrap_err().key(), "node.camera[1].name");
    }
}
