//! The identity of this machine and this process.

use std::fs;
use std::path::Path;

use wire::{CameraName, Info, Kind};

/// What stays the same while the process runs.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// Eight hex digits of the board's serial number or the machine id.
    pub machine: String,
    /// Eight hex digits of the kernel's boot id.
    pub boot: String,
    /// Eight hex digits drawn at the start.
    pub instance: String,
    host: String,
    model: String,
    started: u64,
}

impl Identity {
    /// Reads them. `data` is where a machine that has no id of its own keeps one.
    pub fn read(data: &Path) -> Self {
        Identity {
            machine: machine(data),
            boot: clock::boot().unwrap_or_else(|| clock::UNKNOWN_BOOT.to_owned()),
            instance: format!("{:08x}", fastrand::u32(..)),
            host: host(),
            model: word("/proc/device-tree/model")
                .or_else(|| word("/sys/devices/virtual/dmi/id/product_name"))
                .unwrap_or_default(),
            started: clock::unix_ms(),
        }
    }

    /// The node's info with this title and these cameras.
    pub fn info(&self, kind: Kind, title: String, cameras: Vec<CameraName>) -> Info {
        Info {
            kind,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: self.machine.clone(),
            boot: self.boot.clone(),
            instance: self.instance.clone(),
            title,
            host: self.host.clone(),
            model: self.model.clone(),
            started: self.started,
            cameras,
            gallery: None,
        }
    }
}

impl Identity {
    /// Of two nodes that took one name at the same moment, the one that started first keeps it.
    pub fn yields_to(&self, other: &Info) -> bool {
        (other.started, &other.instance) < (self.started, &self.instance)
    }
}

/// The host name.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn machine(data: &Path) -> String {
    // The end of a board's serial number: a Pi's begins with the same digits on every board.
    let serial = word("/proc/device-tree/serial-number").and_then(|serial| {
        let tail = serial.get(serial.len().checked_sub(8)?..)?.to_ascii_lowercase();
        first_hex(&tail).filter(|digits| digits != "00000000")
    });
    serial
        .or_else(|| word("/etc/machine-id").and_then(|id| first_hex(&id)))
        .or_else(|| word(data.join("machine-id")).and_then(|id| first_hex(&id)))
        .unwrap_or_else(|| {
            let id = format!("{:08x}", fastrand::u32(..));
            if let Err(error) = durable::write(&data.join("machine-id"), id.as_bytes(), 0o600) {
                tracing::warn!(%error, "cannot save this machine's new id");
            }
            id
        })
}

/// A small file's text without surrounding white space and zero bytes; `None` if it is empty.
fn word(path: impl AsRef<Path>) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

fn first_hex(text: &str) -> Option<String> {
    let digits = text.get(..8)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_eight_hex_digits_and_an_instance_is_new_each_time() {
        let data = tempfile::tempdir().unwrap();
        let (one, two) = (Identity::read(data.path()), Identity::read(data.path()));
        assert_eq!(one.machine, two.machine);
        assert_eq!(one.boot, two.boot);
        assert_ne!(one.instance, two.instance);
        for id in [&one.machine, &one.boot, &one.instance] {
            assert!(id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
    }

    #[test]
    fn first_hex_wants_eight_digits() {
        assert_eq!(first_hex("6F2D41AA-0f3c").as_deref(), Some("6f2d41aa"));
        assert_eq!(first_hex("6f2d41a"), None);
        assert_eq!(first_hex("not a hex"), None);
    }
}
