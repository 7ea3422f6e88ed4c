//! The names of cameras, kept so that none ever moves to another camera.
//!
//! A name stays with its device, in any port, while the device's description is unique. Once two
//! devices had the same one, each name stays with its port.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use wire::CameraName;

use crate::config::TEST_CARD;
use crate::devices::marks::Marks;

/// The names by marks; a small JSON file.
#[derive(Debug)]
pub(crate) struct Names {
    /// By [`device`], [`port`] and [`configured`], and by plain links that earlier versions wrote.
    /// A device without a name is one whose description several cameras share.
    kept: BTreeMap<String, Option<CameraName>>,
    /// The name of each node at the last look.
    here: BTreeMap<PathBuf, (Marks, String, CameraName)>,
    /// Names that the configuration assigns.
    taken: Vec<CameraName>,
    changed: bool,
}

/// A camera that needs a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// `/dev/videoN` as it is now.
    pub node: &'a Path,
    /// Its other marks.
    pub marks: &'a Marks,
    /// The name of the device.
    pub card: &'a str,
    /// The name in the configuration.
    pub given: Option<&'a CameraName>,
}

/// A camera's name by one of its marks, in view of all cameras that are here.
type Proof = fn(&Names, &Seen<'_>, &[Seen<'_>]) -> Option<CameraName>;

/// What ties a camera to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bond {
    /// The configuration.
    Configuration,
    /// The device, in any port, by its serial number.
    Device(String),
    /// The only device of its model.
    Model,
    /// The port: several devices have the same description, or this one has none.
    Port { twins: bool },
    /// Nothing: the name lasts until the camera is unplugged.
    Plug,
}

impl fmt::Display for Bond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bond::Configuration => f.write_str("its name is the configuration's"),
            Bond::Device(serial) => {
                write!(f, "its name stays with the device, in any port: serial number {serial}")
            }
            Bond::Model => f.write_str(
                "its name stays with the device, in any port, while it is the only one of its \
                 model: it has no serial number",
            ),
            Bond::Port { twins: true } => f.write_str(
                "its name stays with the port: more than one device of this model and serial \
                 number was seen",
            ),
            Bond::Port { twins: false } => f.write_str("its name stays with the port"),
            Bond::Plug => f.write_str(
                "its name stays until it is unplugged: neither a device nor a port is known",
            ),
        }
    }
}

impl Names {
    /// Reads the names kept in `data`. It sets an unreadable file aside.
    pub fn read(data: &Path, taken: Vec<CameraName>) -> Self {
        let file = file(data);
        let kept = match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|error| {
                let aside = file.with_extension("json.bad");
                tracing::warn!(file = %file.display(), %error, "cannot read the saved names of the cameras; naming them again");
                fs::rename(&file, aside).ok();
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Names { kept, here: BTreeMap::new(), taken, changed: false }
    }

    /// Notes which devices look alike. Call this with all present cameras before other questions.
    pub fn compare(&mut self, all: &[&Marks]) {
        let mut once = BTreeSet::new();
        for marks in all {
            let Some(said) = &marks.device else { continue };
            if once.insert(said) || self.is_doubled(marks) {
                continue;
            }
            self.changed = true;
            // The port below identifies a camera that had its name by its description. A version
            // that kept no ports wrote the link, which stays for them.
            self.kept.insert(device(said), None);
        }
    }

    /// Whether several devices share this one's description of itself.
    pub fn is_doubled(&self, marks: &Marks) -> bool {
        let known = marks.device.as_ref().and_then(|said| self.kept.get(&device(said)));
        known.is_some_and(Option::is_none)
    }

    /// Whether the configuration used this name before for the camera in this port.
    pub fn was_configured(&self, name: &CameraName, marks: &Marks, card: &str) -> bool {
        let known = port(marks, card).and_then(|port| self.kept.get(&configured(&port)));
        known.is_some_and(|known| known.as_ref() == Some(name))
    }

    /// Whether the configuration used this name before for another device that looks alike.
    pub fn was_configured_elsewhere(&self, name: &CameraName, marks: &Marks) -> bool {
        let Some(said) = &marks.device else { return false };
        let is_one = |key: &str| key.starts_with(CONFIGURED) && key.ends_with(said.as_str());
        self.kept.iter().any(|(key, kept)| kept.as_ref() == Some(name) && is_one(key))
    }

    /// The names of all present cameras, in their order, and what ties each to its name. A known
    /// camera keeps its name; a new one gets a unique name from its card name and serial number.
    pub fn assign(&mut self, seen: &[Seen<'_>]) -> Vec<(CameraName, Bond)> {
        let marks: Vec<&Marks> = seen.iter().map(|seen| seen.marks).collect();
        self.compare(&marks);
        let mut named: Vec<Option<CameraName>> = vec![None; seen.len()];
        // Stronger evidence goes first, for whichever camera.
        let proofs: [Proof; 6] = [
            |_, one, _| one.given.cloned(),
            |names, one, _| names.name_here(one),
            |names, one, _| names.name_of_device(one),
            |names, one, _| names.name_of_port(one),
            Names::name_of_link,
            Names::name_of_twins,
        ];
        for proof in proofs {
            for (i, one) in seen.iter().enumerate() {
                if named[i].is_none()
                    && let Some(name) = proof(self, one, seen)
                    && (one.given == Some(&name) || !self.taken.contains(&name))
                    && !named.contains(&Some(name.clone()))
                {
                    named[i] = Some(name);
                }
            }
        }
        let mut all = Vec::new();
        for (one, name) in seen.iter().zip(named.clone()) {
            let name = name.unwrap_or_else(|| {
                let given: Vec<&CameraName> =
                    named.iter().flatten().chain(all.iter().map(|(name, _)| name)).collect();
                self.new_name(one, &given)
            });
            self.keep(one, &name);
            all.push((name, self.bond(one)));
        }
        // A camera known only by its number gets the same name when it comes back.
        self.here.retain(|_, (marks, _, _)| marks.device.is_none() && marks.port.is_none());
        for (seen, (name, _)) in seen.iter().zip(&all) {
            let known = (seen.marks.clone(), seen.card.to_owned(), name.clone());
            self.here.insert(seen.node.to_owned(), known);
        }
        all
    }

    /// A device that stayed where it was keeps its name.
    fn name_here(&self, seen: &Seen<'_>) -> Option<CameraName> {
        let (marks, card, name) = self.here.get(seen.node)?;
        (marks.are_of_the_same(seen.marks) && card == seen.card).then(|| name.clone())
    }

    fn name_of_device(&self, seen: &Seen<'_>) -> Option<CameraName> {
        self.kept.get(&device(seen.marks.device.as_ref()?))?.clone()
    }

    fn name_of_port(&self, seen: &Seen<'_>) -> Option<CameraName> {
        self.kept.get(&port(seen.marks, seen.card)?)?.clone()
    }

    /// As earlier versions kept it: by the port if another device had the link, else by the link.
    fn name_of_link(&self, seen: &Seen<'_>, all: &[Seen<'_>]) -> Option<CameraName> {
        let of = |link: &Option<PathBuf>| self.kept.get(link.as_ref()?.to_str()?)?.clone();
        let claim = all.iter().filter(|other| other.marks.share_link(seen.marks)).count();
        let link = || of(&seen.marks.link).filter(|_| claim < 2 && !self.is_doubled(seen.marks));
        of(&seen.marks.port).or_else(link)
    }

    /// Of devices that share a link, those with names by their ports keep them. The remaining one
    /// had the name of the link.
    fn name_of_twins(&self, seen: &Seen<'_>, all: &[Seen<'_>]) -> Option<CameraName> {
        let twins = all.iter().filter(|twin| twin.marks.share_link(seen.marks));
        let mut claims = twins.flat_map(|twin| &twin.marks.claims).filter_map(|link| link.to_str());
        claims.find_map(|link| self.kept.get(link)?.clone())
    }

    fn new_name(&self, seen: &Seen<'_>, given: &[&CameraName]) -> CameraName {
        let base = CameraName::from_card(seen.card, seen.marks.serial.as_deref());
        let is_free = |name: &CameraName| {
            !self.taken.contains(name)
                && name.as_str() != TEST_CARD
                && !given.contains(&name)
                && !self.kept.values().flatten().any(|kept| kept == name)
                && !self.here.values().any(|(_, _, kept)| kept == name)
        };
        let others = (2..).map(|n| base.numbered(n));
        std::iter::once(base.clone()).chain(others).find(is_free).unwrap_or(base)
    }

    fn keep(&mut self, seen: &Seen<'_>, name: &CameraName) {
        let (port, before) = (port(seen.marks, seen.card), self.kept.clone());
        let name = Some(name.clone());
        if seen.given.is_some() {
            if let Some(port) = port {
                let other = |key: &str| key.starts_with(CONFIGURED);
                self.kept.retain(|key, kept| !other(key) || *kept != name);
                self.kept.insert(configured(&port), name);
            }
        } else {
            // One name has one device and one port, which replace an earlier version's entry.
            if seen.marks.device.is_some() || port.is_some() {
                let other = |key: &str| key.starts_with(CONFIGURED);
                self.kept.retain(|key, kept| other(key) || *kept != name);
            }
            if let Some(said) = &seen.marks.device
                && !self.is_doubled(seen.marks)
            {
                self.kept.insert(device(said), name.clone());
            }
            if let Some(port) = port {
                self.kept.insert(port, name);
            }
        }
        self.changed |= self.kept != before;
    }

    fn bond(&self, seen: &Seen<'_>) -> Bond {
        let Seen { marks, given, .. } = seen;
        let twins = self.is_doubled(marks);
        match (&marks.device, &marks.serial) {
            _ if given.is_some() => Bond::Configuration,
            (Some(_), Some(serial)) if !twins => Bond::Device(serial.clone()),
            (Some(_), None) if !twins => Bond::Model,
            _ if marks.port.is_some() => Bond::Port { twins },
            _ => Bond::Plug,
        }
    }

    /// The new content of [`file`], if there is a new name since the last call.
    pub fn unsaved(&mut self) -> Option<Vec<u8>> {
        let is_new = std::mem::take(&mut self.changed);
        match is_new {
            // A map of texts is always JSON.
            true => serde_json::to_vec_pretty(&self.kept).ok(),
            false => None,
        }
    }
}

/// Where the names are kept in the folder `data`.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("cameras.json")
}

const CONFIGURED: &str = "configured ";

/// The key of a device, by its description of itself.
fn device(said: &str) -> String {
    format!("device {said}")
}

/// The key of a port and its device: another device there is another camera.
fn port(marks: &Marks, card: &str) -> Option<String> {
    let said = marks.device.as_deref().unwrap_or(card);
    Some(format!("port {} {said}", marks.port.as_ref()?.display()))
}

/// The key of a port for which the configuration has a name.
fn configured(port: &str) -> String {
    format!("{CONFIGURED}{port}")
}

#[cfg(test)]
mod tests;
