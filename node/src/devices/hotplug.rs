//! Reports through inotify when video nodes come and go: the kernel makes the nodes in `/dev`, and
//! udev its links below `/dev/v4l` a little later.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use inotify::{EventStream, Inotify, WatchMask};
use tokio::time::{Instant, timeout_at};

use crate::devices::marks::UDEV;

/// The directories of nodes and links, and where udev notes that it is done. All except the first
/// come and go themselves.
const DIRECTORIES: [&str; 5] = ["/dev", "/dev/v4l", "/dev/v4l/by-id", "/dev/v4l/by-path", UDEV];
/// Plugging in makes some ten changes; after this quiet time they are complete.
const QUIET: Duration = Duration::from_millis(200);
/// The longest that a flood of changes can delay a look.
const LONGEST: Duration = Duration::from_secs(1);

/// Watches the directories from its creation on.
pub(crate) struct Hotplug {
    events: EventStream<[u8; 4096]>,
    directories: Vec<PathBuf>,
    /// Names of camera devices in those directories, besides `video…` and `v4l`.
    names: Vec<PathBuf>,
}

impl Hotplug {
    /// Also follows the devices that the configuration names.
    ///
    /// # Errors
    /// When the system provides no inotify instance or watch.
    pub fn new(devices: Vec<PathBuf>) -> io::Result<Self> {
        let mut directories: Vec<PathBuf> = DIRECTORIES.iter().map(PathBuf::from).collect();
        for directory in devices.iter().filter_map(|device| device.parent()) {
            if !directories.iter().any(|known| known == directory) {
                directories.push(directory.to_owned());
            }
        }
        let events = Inotify::init()?.into_event_stream([0; 4096])?;
        let mut hotplug = Hotplug { events, directories, names: devices };
        hotplug.watch()?;
        Ok(hotplug)
    }

    /// Waits until something came or went, and until the changes are complete.
    ///
    /// # Errors
    /// When inotify fails.
    pub async fn changed(&mut self) -> io::Result<()> {
        while !self.read().await? {}
        let latest = Instant::now() + LONGEST;
        loop {
            // New directories are watched before anybody looks into them.
            self.watch()?;
            let quiet = (Instant::now() + QUIET).min(latest);
            match timeout_at(quiet, self.read()).await {
                Ok(read) => read?,
                Err(_) => return Ok(()),
            };
            if Instant::now() >= latest {
                return Ok(());
            }
        }
    }

    /// Reads one event. True if it is about cameras.
    async fn read(&mut self) -> io::Result<bool> {
        match self.events.next().await {
            // An event without a name concerns the directory itself, which came or went.
            Some(event) => Ok(event?.name.is_none_or(|name| concerns(&name, &self.names))),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn watch(&mut self) -> io::Result<()> {
        // ATTRIB: udev gives the group its right only after the node is made.
        let mask = WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::MOVED_TO
            | WatchMask::MOVED_FROM
            | WatchMask::ATTRIB
            | WatchMask::ONLYDIR;
        let mut watches = self.events.watches();
        for directory in &self.directories {
            match watches.add(directory, mask) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn concerns(name: &OsStr, names: &[PathBuf]) -> bool {
    let text = name.to_string_lossy();
    text.starts_with("video")
        || text.starts_with("v4l")
        || text.starts_with("by-")
        || text.contains("-video-index")
        // Character devices of V4L2's major number (admin-guide/devices.txt).
        || text.starts_with("c81:")
        || names.iter().any(|path| path.file_name() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[tokio::test]
    async fn a_configured_device_that_comes_or_goes_is_a_change() {
        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().join("door");
        let mut hotplug = Hotplug::new(vec![device.clone()]).unwrap();
        let within = Duration::from_secs(10);
        symlink("/dev/null", &device).unwrap();
        tokio::time::timeout(within, hotplug.changed()).await.unwrap().unwrap();
        fs::remove_file(&device).unwrap();
        tokio::time::timeout(within, hotplug.changed()).await.unwrap().unwrap();
    }

    #[test]
    fn only_cameras_concern_us() {
        for name in ["video0", "v4l", "by-id", "usb-X-video-index0", "c81:0"] {
            assert!(concerns(OsStr::new(name), &[]), "{name}");
        }
        for name in ["null", "sda1", "ttyUSB0", "snd", "c189:0"] {
            assert!(!concerns(OsStr::new(name), &[]), "{name}");
        }
        assert!(concerns(OsStr::new("door"), &["/dev/door".into()]));
    }
}
