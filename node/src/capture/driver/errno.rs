//! Explains the kernel's errors to the person at the camera.

use std::io;
use std::path::Path;

use rustix::io::Errno;
use wire::Reason;

use crate::capture::driver::holder;
use crate::capture::source::Fault;

/// The fault for a device's error; `what` names the failed action.
pub(crate) fn fault(path: &Path, what: &str, error: &io::Error) -> Fault {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => Fault::unplugged(),
        Some(Errno::ACCESS | Errno::PERM) => Fault::error(
            Reason::Permission,
            format!("this user may not open {}; add the user to the group video", path.display()),
        ),
        Some(Errno::BUSY) => {
            let by = holder::find(path);
            let detail = match &by {
                Some((name, id)) => {
                    format!("taken by {name} (pid {id}); close that program to see this camera")
                }
                None => {
                    "taken by another program; close that program to see this camera".to_owned()
                }
            };
            Fault { by: by.map(|(name, _)| name), ..Fault::error(Reason::Busy, detail) }
        }
        Some(Errno::NOSPC) => Fault::error(
            Reason::UsbBandwidth,
            "the USB bus has no bandwidth left for this camera; use MJPEG, a smaller size or rate, or another port",
        ),
        _ => Fault::error(Reason::Device, format!("{what}: {error}; Vitrina keeps trying")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_words() {
        let told = |errno: Errno| fault(Path::new("/dev/video99"), "stops", &errno.into());
        assert_eq!(told(Errno::NODEV), Fault::unplugged());
        assert!(told(Errno::ACCESS).detail.contains("group video"));
        assert!(told(Errno::NOSPC).detail.contains("USB bus"));
        assert_eq!(told(Errno::BUSY).reason, Reason::Busy);
        assert_eq!(told(Errno::IO).reason, Reason::Device);
    }
}
