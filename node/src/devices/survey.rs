//! The list of `vitrina cameras`: every video node, its name and abilities, or why it is not a
//! camera. The running node uses the same rules.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use wire::{CameraId, CameraName};

use crate::capture::camera::About;
use crate::capture::driver::choose::{Ask, Offer};
use crate::config::{CameraConfig, Config};
use crate::devices::discover::{Found, Scout, What};
use crate::devices::marks::{BY_ID, Marks};
use crate::devices::names::{Bond, Names, Seen};
use crate::devices::titles::{Titles, Whose};

/// A video node of this machine. Its `Display` text is a few lines for people.
#[derive(Debug, Clone)]
pub struct VideoNode {
    /// `/dev/videoN` as it is now.
    pub node: PathBuf,
    /// The name that the driver gives it.
    pub card: String,
    /// The kernel driver; empty if the node could not be opened.
    pub driver: String,
    /// The camera, or in words why it is not one or cannot be used.
    pub camera: Result<Described, String>,
}

/// A camera.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its stable name.
    pub name: CameraName,
    /// Its title; empty if it has none.
    pub title: String,
    /// Its stable path.
    pub path: PathBuf,
    /// What ties it to its name, in words.
    pub bond: String,
    /// Faults in the configuration that may concern this camera, in words.
    pub unclear: Vec<String>,
    /// What it offers.
    pub offers: Vec<Offer>,
}

/// The result of the survey.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Every video node, in the order of their numbers.
    pub nodes: Vec<VideoNode>,
    /// Sections of the configuration whose cameras are not here, in words.
    pub unmatched: Vec<String>,
}

/// Looks at every video node of this machine. A node with this configuration gives the same names;
/// the survey saves none.
pub fn survey(config: &Config) -> Survey {
    let mut names = Names::read(&config.data, given_names(config));
    let titles = Titles::read(&config.data);
    let found = Scout::default().scan();
    let cameras: Vec<&Found> = found.iter().filter(|found| !found.is_other()).collect();
    let Introduced { cameras, unclear, unmatched } = introduce(config, &cameras, &mut names);
    let mut cameras = cameras.into_iter();
    let describe = |found: Found| {
        let known = if found.is_other() { None } else { cameras.next() };
        let unclear = unclear.iter().filter(|unclear| unclear.nodes.contains(&found.node));
        let describe = |known: Known, offers| Described {
            title: titles.of(&Whose::Camera(known.about.id.camera.clone()), &known.about.title),
            name: known.about.id.camera,
            path: known.about.device.into(),
            bond: known.bond.to_string(),
            unclear: unclear.map(|unclear| unclear.words.clone()).collect(),
            offers,
        };
        let camera = match found.what {
            What::Camera(offers) => {
                known.map(|known| describe(known, offers)).ok_or_else(String::new)
            }
            What::Closed(fault) | What::Silent(fault) => Err(fault.detail),
            What::Other(other) => Err(other.words),
        };
        VideoNode { node: found.node, card: found.card, driver: found.driver, camera }
    };
    Survey { nodes: found.iter().cloned().map(describe).collect(), unmatched }
}

impl fmt::Display for VideoNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node.display();
        match &self.camera {
            Ok(camera) => {
                let Described { name, title, .. } = camera;
                let title = if title.is_empty() { title } else { &format!(" “{title}”") };
                writeln!(f, "{name}{title} ({node}, {}, driver {})", self.card, self.driver)?;
                write!(f, "  {}\n  {}", camera.path.display(), camera.bond)?;
                for line in &camera.unclear {
                    write!(f, "\n  {line}")?;
                }
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

/// The names that the configuration assigns to devices.
pub(crate) fn given_names(config: &Config) -> Vec<CameraName> {
    let with_device = config.cameras.iter().filter(|camera| camera.device.is_some());
    with_device.filter_map(|camera| camera.name.clone()).collect()
}

/// The cameras that are here, in the order in which they were found.
pub(crate) struct Introduced {
    pub cameras: Vec<Known>,
    /// Sections of the configuration whose devices cannot be distinguished.
    pub unclear: Vec<Unclear>,
    /// Sections of the configuration whose cameras are not here, in words.
    pub unmatched: Vec<String>,
}

/// A camera that is here.
pub(crate) struct Known {
    pub about: About,
    pub ask: Ask,
    /// What ties it to its name.
    pub bond: Bond,
}

/// A device in the configuration that could be one of several.
#[derive(Debug)]
pub(crate) struct Unclear {
    /// The name for that device.
    pub name: Option<CameraName>,
    /// The candidates.
    pub nodes: Vec<PathBuf>,
    /// What to do.
    pub words: String,
}

/// The names and settings of cameras: from the configuration if that identifies a device, else from
/// [`Names`].
pub(crate) fn introduce(config: &Config, found: &[&Found], names: &mut Names) -> Introduced {
    let marks: Vec<&Marks> = found.iter().map(|found| &found.marks).collect();
    names.compare(&marks);
    let (mut by_device, mut unclear) = (vec![None; found.len()], Vec::new());
    let mut nowhere = Vec::new();
    for section in &config.cameras {
        match meant(section, found, names) {
            Meant::Nothing => nowhere.push(section),
            Meant::One(i) => by_device[i] = by_device[i].or(Some(section)),
            Meant::Several(nodes, words) => {
                unclear.push(Unclear { name: section.name.clone(), nodes, words });
            }
        }
    }
    let seen: Vec<Seen<'_>> = found
        .iter()
        .zip(&by_device)
        .map(|(found, section)| Seen {
            node: &found.node,
            marks: &found.marks,
            card: &found.card,
            given: section.and_then(|section| section.name.as_ref()),
        })
        .collect();
    let named = names.assign(&seen);
    // No other device can claim its link.
    let is_alone = |one: &Found| {
        !names.is_doubled(&one.marks)
            && found.iter().filter(|other| other.marks.share_link(&one.marks)).count() < 2
    };
    let known = found.iter().zip(by_device).zip(named).map(|((found, by_device), (name, bond))| {
        let by_name =
            |camera: &&CameraConfig| camera.device.is_none() && camera.name.as_ref() == Some(&name);
        let section = by_device.or_else(|| config.cameras.iter().find(by_name));
        let ask = section.map(|camera| camera.ask).unwrap_or_default();
        let given = by_device.and_then(|section| section.name.as_ref());
        let path = by_device
            .and_then(|section| section.device.as_deref())
            .filter(|path| !path.starts_with(BY_ID) || is_alone(found))
            .unwrap_or_else(|| found.path(is_alone(found)));
        let about = About {
            // A name that a person gave says more than the model.
            name: given.map_or_else(|| card_name(&found.card).to_owned(), ToString::to_string),
            title: section.map(|camera| camera.title.clone()).unwrap_or_default(),
            id: CameraId { node: config.name.clone(), camera: name },
            device: path.display().to_string(),
            model: card_name(&found.card).to_owned(),
            quality: ask.quality,
            every: section.and_then(|camera| camera.every),
        };
        Known { about, ask, bond }
    });
    let cameras: Vec<Known> = known.collect();
    nowhere.retain(|section| {
        let is_it = |known: &Known| section.name.as_ref() == Some(&known.about.id.camera);
        section.device.is_some() || !cameras.iter().any(is_it)
    });
    let unmatched = nowhere.into_iter().map(|section| unmatched(section, &cameras)).collect();
    Introduced { cameras, unclear, unmatched }
}

/// Reports that a section of the configuration matches no camera, with alternatives.
fn unmatched(section: &CameraConfig, here: &[Known]) -> String {
    let keys = [
        section.name.as_ref().map(|name| format!("name = \"{name}\"")),
        section.device.as_ref().map(|device| format!("device = \"{}\"", device.display())),
    ];
    let keys = keys.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let here: Vec<String> = here
        .iter()
        .map(|Known { about, .. }| format!("{} (device = \"{}\")", about.id.camera, about.device))
        .collect();
    let here = match here.is_empty() {
        true => "there is none".to_owned(),
        false => format!("there are {}", here.join(", ")),
    };
    format!("[[node.camera]] with {keys} matches no camera that is plugged in; {here}")
}

/// The camera that a section of the configuration identifies by its device.
enum Meant {
    Nothing,
    One(usize),
    Several(Vec<PathBuf>, String),
}

fn meant(section: &CameraConfig, found: &[&Found], names: &Names) -> Meant {
    let Some(path) = section.device.as_deref() else { return Meant::Nothing };
    let Ok(target) = fs::canonicalize(path) else { return Meant::Nothing };
    let is_target = |found: &&Found| fs::canonicalize(&found.node).is_ok_and(|node| node == target);
    let Some(led) = found.iter().position(is_target) else { return Meant::Nothing };
    if !path.starts_with(BY_ID) {
        return Meant::One(led);
    }
    let could: Vec<usize> = (0..found.len())
        .filter(|&i| i == led || found[i].marks.share_link(&found[led].marks))
        .collect();
    if could.len() == 1 && !names.is_doubled(&found[led].marks) {
        return Meant::One(led);
    }
    // It keeps the device that it had when there was only one.
    let was = |&&i: &&usize| {
        let Found { marks, card, .. } = found[i];
        section.name.as_ref().is_some_and(|name| names.was_configured(name, marks, card))
    };
    if let Some(&i) = could.iter().find(was) {
        return Meant::One(i);
    }
    let is_away = |name| names.was_configured_elsewhere(name, &found[led].marks);
    if section.name.as_ref().is_some_and(is_away) {
        return Meant::Nothing;
    }
    let ports: Vec<String> = could
        .iter()
        .filter_map(|&i| found[i].marks.port_link())
        .map(|port| format!("device = \"{}\"", port.display()))
        .collect();
    let words = format!(
        "the configuration's device = \"{}\" may mean any of several cameras of one model that \
         have the same serial number; name one by its port: {}",
        path.display(),
        if ports.is_empty() {
            "its link below /dev/v4l/by-path".to_owned()
        } else {
            ports.join(", or ")
        }
    );
    Meant::Several(could.into_iter().map(|i| found[i].node.clone()).collect(), words)
}

impl Found {
    /// Whether it is no camera.
    pub fn is_other(&self) -> bool {
        matches!(self.what, What::Other(_))
    }

    /// The path that is valid longest.
    fn path(&self, is_alone: bool) -> &Path {
        let link = self.marks.link.as_deref().filter(|_| is_alone);
        link.or(self.marks.port_link()).unwrap_or(&self.node)
    }
}

/// The card's name for people, without UVC's repetition of it after a colon.
fn card_name(card: &str) -> &str {
    match card.split_once(": ") {
        Some((first, rest)) if first.starts_with(rest) => first,
        _ => card,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_repeated() {
        assert_eq!(card_name("Rig Test Camera: Rig Test Camer"), "Rig Test Camera");
        assert_eq!(card_name("C920: HD Pro Webcam C9"), "C920: HD Pro Webcam C9");
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
