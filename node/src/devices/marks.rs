//! The identifying marks of a video node: the device behind it, if that identifies itself, and its
//! port.
//!
//! udev makes the links below `/dev/v4l/by-id` from a device's description of itself. Two cameras
//! of one model often have the same description, even the serial number; then they share one link,
//! which leads to either. So this reads the device from sysfs, and uses a link only if no other
//! node can claim it.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories of udev's links for each device, and for each port.
pub(crate) const BY_ID: &str = "/dev/v4l/by-id";
const BY_PATH: &str = "/dev/v4l/by-path";

/// Where udev records a device when it is done with it.
pub(crate) const UDEV: &str = "/run/udev/data";

/// The marks of a video node besides its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The USB device and its stream, by its own description: model, interface, index and serial
    /// number. More than one device may have the same.
    pub device: Option<String>,
    /// USB's serial number.
    pub serial: Option<String>,
    /// The parts of udev's link below `/dev/v4l/by-id`: the words for maker, product and serial
    /// number, and the index.
    pub words: Option<String>,
    /// Its port: udev's link, else for USB the place in sysfs.
    pub port: Option<PathBuf>,
    /// The link below `/dev/v4l/by-id` that leads here.
    pub link: Option<PathBuf>,
    /// All links below `/dev/v4l/by-id` that udev would make for it without competing claims.
    pub claims: Vec<PathBuf>,
}

/// The links of all video nodes, each with its target.
#[derive(Debug)]
pub(crate) struct Links {
    by_id: Vec<(PathBuf, PathBuf)>,
    by_path: Vec<(PathBuf, PathBuf)>,
}

impl Links {
    /// The present links.
    pub fn read() -> Self {
        Links { by_id: links(BY_ID), by_path: links(BY_PATH) }
    }
}

impl Marks {
    /// The marks of `/dev/videoN`.
    pub fn read(number: u32, links: &Links) -> Self {
        let node = PathBuf::from(format!("/dev/video{number}"));
        let target = fs::canonicalize(&node).unwrap_or(node);
        // Devices of one parent, such as all of vivid's, share one link, which leads to any of
        // them.
        let shared = siblings(number) > 1;
        let leads =
            |(link, to): &(PathBuf, PathBuf)| (*to == target && !shared).then(|| link.clone());
        let sys = sys(number);
        let place = fs::canonicalize(sys.join("device")).ok();
        let usb = place.as_deref().and_then(|place| usb(&sys, place));
        let link = links.by_id.iter().find_map(leads);
        let mut claims: Vec<PathBuf> = word(&sys.join("dev"))
            .and_then(|device| fs::read_to_string(Path::new(UDEV).join(format!("c{device}"))).ok())
            .map(|known| claims(&known))
            .unwrap_or_default();
        claims.extend(link.clone().filter(|link| !claims.contains(link)));
        Marks {
            port: links.by_path.iter().find_map(leads).or(usb.as_ref().and(place.clone())),
            link,
            claims,
            ..usb.unwrap_or_default()
        }
    }

    /// The marks of a node by its path; none if the path is not a video node's.
    pub fn of(node: &Path) -> Self {
        let number = node.to_str().and_then(|node| node.strip_prefix("/dev/video")?.parse().ok());
        number.map_or_else(Marks::default, |number| Marks::read(number, &Links::read()))
    }

    /// Whether both are the same device in the same port, as far as known; their links may have
    /// moved.
    pub fn are_of_the_same(&self, other: &Marks) -> bool {
        (&self.device, &self.port) == (&other.device, &other.port)
    }

    /// Whether udev could give both the same link.
    pub fn share_link(&self, other: &Marks) -> bool {
        (self.words.is_some() && self.words == other.words)
            || (self.device.is_some() && self.device == other.device)
            || self.claims.iter().any(|link| other.claims.contains(link))
    }

    /// The path of this port for the configuration.
    pub fn port_link(&self) -> Option<&Path> {
        self.port.as_deref().filter(|port| port.starts_with("/dev"))
    }
}

/// The directory of sysfs of `/dev/videoN`.
pub(crate) fn sys(number: u32) -> PathBuf {
    PathBuf::from(format!("/sys/class/video4linux/video{number}"))
}

/// A small file's text without surrounding white space; `None` if it is empty. Terminal control
/// characters are replaced, since devices can send anything.
pub(crate) fn word(path: &Path) -> Option<String> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text).trim().replace(char::is_control, "\u{fffd}");
    (!text.is_empty()).then_some(text)
}

fn links(directory: &str) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut links: Vec<PathBuf> = entries
        .map(|entry| Path::new(directory).join(entry.file_name()))
        .filter(|link| link.to_string_lossy().contains("-video-index"))
        .collect();
    links.sort();
    links
        .into_iter()
        .filter_map(|link| Some((link.clone(), fs::canonicalize(link).ok()?)))
        .collect()
}

/// The links by id in a record of udev (`S:` begins a link's line, below `/dev`).
fn claims(record: &str) -> Vec<PathBuf> {
    let links = record.lines().filter_map(|line| line.strip_prefix("S:"));
    links.map(|link| Path::new("/dev").join(link)).filter(|link| link.starts_with(BY_ID)).collect()
}

/// A USB device's description of itself and of the interface at `place`.
fn usb(sys: &Path, place: &Path) -> Option<Marks> {
    // `device` is the interface, its parent the device; some drivers link to the device itself.
    let device = [Some(place), place.parent()]
        .into_iter()
        .flatten()
        .find(|directory| directory.join("idVendor").exists())?;
    let of = |name: &str| word(&device.join(name));
    let (vendor, product, serial) = (of("idVendor")?, of("idProduct")?, of("serial"));
    let interface = place.file_name().and_then(|name| name.to_str()?.split_once(':'));
    let interface = interface.map_or("-", |(_, interface)| interface);
    let index = word(&sys.join("index")).unwrap_or_else(|| "0".to_owned());
    let number = serial.as_deref().unwrap_or("-");
    let maker = of("manufacturer").unwrap_or_else(|| vendor.clone());
    let model = of("product").unwrap_or_else(|| product.clone());
    Some(Marks {
        device: Some(format!("{vendor}:{product} {interface} {index} {number}")),
        words: Some(format!("{maker} {model} {number} {index}")),
        serial,
        ..Marks::default()
    })
}

/// How many nodes have the same parent and index.
fn siblings(number: u32) -> usize {
    let place =
        |sys: &Path| Some((fs::canonicalize(sys.join("device")).ok()?, word(&sys.join("index"))?));
    let class = Path::new("/sys/class/video4linux");
    let Some(own) = place(&sys(number)) else { return 1 };
    let entries = fs::read_dir(class).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| place(&class.join(entry.file_name())).as_ref() == Some(&own)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udevs_record_names_the_links_that_a_device_claims() {
        let record =
            "S:v4l/by-path/pci-0-video-index0\nS:v4l/by-id/usb-X-video-index0\nE:ID_BUS=usb\n";
        assert_eq!(claims(record), [PathBuf::from("/dev/v4l/by-id/usb-X-video-index0")]);
    }

    #[test]
    fn devices_that_say_the_same_or_claim_the_same_share_a_link() {
        let marks = |device: Option<&str>, claims: &[&str]| Marks {
            device: device.map(str::to_owned),
            claims: claims.iter().map(PathBuf::from).collect(),
            ..Marks::default()
        };
        assert!(marks(Some("a"), &[]).share_link(&marks(Some("a"), &[])));
        assert!(marks(Some("a"), &["x"]).share_link(&marks(Some("b"), &["y", "x"])));
        assert!(!marks(Some("a"), &["x"]).share_link(&marks(Some("b"), &["y"])));
        assert!(!marks(None, &[]).share_link(&marks(None, &[])));
    }

    #[test]
    fn a_usb_device_is_its_model_interface_and_serial_number() {
        let root = tempfile::tempdir().unwrap();
        let (device, sys) = (root.path().join("1-2"), root.path().join("video0"));
        let place = device.join("1-2:1.3");
        fs::create_dir_all(&place).unwrap();
        fs::create_dir_all(&sys).unwrap();
        assert_eq!(usb(&sys, &place), None, "not of USB");
        fs::write(device.join("idVendor"), "046d\n").unwrap();
        fs::write(device.join("idProduct"), "0825\n").unwrap();
        let mute = usb(&sys, &place).unwrap();
        assert_eq!((mute.device.as_deref(), mute.serial), (Some("046d:0825 1.3 0 -"), None));
        fs::write(sys.join("index"), "2\n").unwrap();
        fs::write(device.join("serial"), b"\xffA\x1b\n").unwrap();
        fs::write(device.join("product"), "Cam\n").unwrap();
        let told = usb(&sys, &place).unwrap();
        assert_eq!(told.device.as_deref(), Some("046d:0825 1.3 2 \u{fffd}A\u{fffd}"));
        assert_eq!(told.serial.as_deref(), Some("\u{fffd}A\u{fffd}"));
        // Another model that calls itself the same has the same link, and is another device.
        fs::write(device.join("idProduct"), "0826\n").unwrap();
        let other = usb(&sys, &place).unwrap();
        assert!(other.share_link(&told) && !other.are_of_the_same(&told));
    }
}
