//! What `vitrina cameras` shows: every video node here, its name and what it can do; and what
//! the others are. The same rules give the running node its cameras.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use wire::{CameraId, CameraName};

use crate::camera::About;
use crate::choose::{Ask, Offer};
use crate::config::{CameraConfig, Config};
use crate::discover::{self, Found, What};
use crate::names::Names;

/// A video node of this machine. Written out it is a few lines for people.
#[derive(Debug, Clone)]
pub struct VideoNode {
    /// `/dev/videoN` as it is now.
    pub node: PathBuf,
    /// What the driver calls it.
    pub card: String,
    /// The kernel driver; empty if the node could not be opened.
    pub driver: String,
    /// The camera that it is, or in words why it is none or cannot be used.
    pub camera: Result<Described, String>,
}

/// A camera.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its stable name.
    pub name: CameraName,
    /// Its stable path.
    pub path: PathBuf,
    /// What it offers.
    pub offers: Vec<Offer>,
}

/// Looks at every video node of this machine, in the order of their numbers. Names are those
/// that a node with this configuration gives; none is kept by looking.
pub fn survey(config: &Config) -> Vec<VideoNode> {
    let mut names = Names::read(&config.data, given_names(config));
    let found = discover::scan();
    found.into_iter().map(|found| describe(config, found, &mut names)).collect()
}

fn describe(config: &Config, found: Found, names: &mut Names) -> VideoNode {
    let camera = match &found.what {
        What::Camera(offers) => {
            let (name, about, _) = introduce(config, &found, names, |_| true);
            Ok(Described { name, path: about.device.into(), offers: offers.clone() })
        }
        What::Closed(fault) => Err(fault.detail.clone()),
        What::Other(words) => Err(words.clone()),
    };
    VideoNode { node: found.node, card: found.card, driver: found.driver, camera }
}

impl fmt::Display for VideoNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node.display();
        match &self.camera {
            Ok(camera) => {
                writeln!(f, "{} ({node}, {}, driver {})", camera.name, self.card, self.driver)?;
                write!(f, "  {}", camera.path.display())?;
                for offer in &camera.offers {
                    write!(f, "\n  {offer}")?;
                }
                Ok(())
            }
            Err(words) if self.card.is_empty() => write!(f, "{node}: no camera: {words}"),
            Err(words) => write!(f, "{node} ({}): no camera: {words}", self.card),
        }
    }
}

/// The names that the configuration gives to devices.
pub(crate) fn given_names(config: &Config) -> Vec<CameraName> {
    let with_device = config.cameras.iter().filter(|camera| camera.device.is_some());
    with_device.filter_map(|camera| camera.name.clone()).collect()
}

/// What a camera is called and asked: by the configuration where that names its device, else by
/// its best stable path that is free.
pub(crate) fn introduce(
    config: &Config,
    found: &Found,
    names: &mut Names,
    is_free: impl Fn(&Path) -> bool,
) -> (CameraName, About, Ask) {
    let is_this = |camera: &&CameraConfig| {
        let device = camera.device.as_deref().and_then(|device| fs::canonicalize(device).ok());
        device.is_some_and(|device| fs::canonicalize(&found.node).is_ok_and(|node| node == device))
    };
    let section = config.cameras.iter().find(is_this);
    let best = found.paths.iter().find(|path| is_free(path)).unwrap_or(&found.node);
    let path = section.and_then(|section| section.device.as_ref()).unwrap_or(best);
    let given = section.and_then(|section| section.name.as_ref());
    let name = match given {
        Some(name) => name.clone(),
        None => names.name(best, &found.card, found.serial.as_deref()),
    };
    let by_name =
        |camera: &&CameraConfig| camera.device.is_none() && camera.name.as_ref() == Some(&name);
    let section = section.or_else(|| config.cameras.iter().find(by_name));
    let ask = section.map(|camera| camera.ask).unwrap_or_default();
    let about = About {
        id: CameraId { node: config.name.clone(), camera: name.clone() },
        // A name that somebody gave says more than the model.
        title: given.map_or_else(|| title(&found.card).to_owned(), ToString::to_string),
        device: path.display().to_string(),
        model: title(&found.card).to_owned(),
        quality: ask.quality,
        every: section.and_then(|camera| camera.every),
    };
    (name, about, ask)
}

/// The card's name for people, without UVC's repetition of it after a colon.
fn title(card: &str) -> &str {
    match card.split_once(": ") {
        Some((first, rest)) if first.starts_with(rest) => first,
        _ => card,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_not_repeated() {
        assert_eq!(title("Rig Test Camera: Rig Test Camer"), "Rig Test Camera");
        assert_eq!(title("C920: HD Pro Webcam C9"), "C920: HD Pro Webcam C9");
    }

    #[test]
    fn a_node_is_told_in_lines() {
        let node = VideoNode {
            node: "/dev/video1".into(),
            card: "Cam".into(),
            driver: "uvcvideo".into(),
            camera: Err("carries metadata of a camera, no pictures".into()),
        };
        assert_eq!(
            node.to_string(),
            "/dev/video1 (Cam): no camera: carries metadata of a camera, no pictures"
        );
    }
}
