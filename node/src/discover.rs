//! Which video nodes there are, which of them are cameras, and what the others are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::choose::{Ask, Offer};
use crate::errno::fault;
use crate::pixels::Coding;
use crate::source::Fault;
use crate::v4l2::{Caps, Device};

/// A video node.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// `/dev/videoN` as it is now.
    pub node: PathBuf,
    /// Names that are the same after a replug, best first: by-id, by-path, and at last the node.
    pub paths: Vec<PathBuf>,
    /// The kernel driver.
    pub driver: String,
    /// The name of the device.
    pub card: String,
    /// USB's serial number.
    pub serial: Option<String>,
    /// What it is.
    pub what: What,
}

/// What a video node is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A camera.
    Camera(Vec<Offer>),
    /// It seems to be a camera, but cannot be asked.
    Closed(Fault),
    /// Something else, in words.
    Other(String),
}

/// Looks at every video node, in the order of their numbers.
pub(crate) fn scan() -> Vec<Found> {
    let entries = fs::read_dir("/dev").into_iter().flatten().filter_map(Result::ok);
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let links: Vec<(PathBuf, PathBuf)> =
        ["/dev/v4l/by-id", "/dev/v4l/by-path"].into_iter().flat_map(first_links).collect();
    let settled = numbers.into_iter().filter(|&number| is_settled(number));
    settled.filter_map(|number| look(number, &links)).collect()
}

/// Whether udev is done with a node. Before that its links and its group's right are missing, and
/// it would be taken for another camera.
fn is_settled(number: u32) -> bool {
    // Without udev nobody makes links; what the kernel does not know, udev does not either.
    let device = word(Path::new(&format!("/sys/class/video4linux/video{number}/dev")));
    let (true, Some(device)) = (Path::new("/run/udev/control").exists(), device) else {
        return true;
    };
    !Path::new("/sys/dev/char").join(&device).exists()
        || Path::new(UDEV).join(format!("c{device}")).exists()
}

/// Where udev writes down what it knows of a device, when it is done with it.
pub(crate) const UDEV: &str = "/run/udev/data";

/// The links to first nodes (`…-index0`; the others of a camera are for metadata) in a
/// directory, each with the node that it leads to.
fn first_links(directory: &str) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut links: Vec<PathBuf> = entries
        .map(|entry| Path::new(directory).join(entry.file_name()))
        .filter(|link| link.to_string_lossy().ends_with("-video-index0"))
        .collect();
    links.sort();
    links
        .into_iter()
        .filter_map(|link| Some((link.clone(), fs::canonicalize(link).ok()?)))
        .collect()
}

fn look(number: u32, links: &[(PathBuf, PathBuf)]) -> Option<Found> {
    let node = PathBuf::from(format!("/dev/video{number}"));
    let sys = PathBuf::from(format!("/sys/class/video4linux/video{number}"));
    let (caps, what) = match ask(&node) {
        Ok((caps, what)) => (caps, what),
        // It went away between listing and asking.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let card = word(&sys.join("name")).unwrap_or_default();
            let caps = Caps { card, ..Caps::default() };
            let what = match word(&sys.join("index")).as_deref() {
                None | Some("0") => What::Closed(fault(&node, "cannot be opened", &error)),
                Some(_) => {
                    What::Other("a second node of a camera, which carries metadata".to_owned())
                }
            };
            (caps, what)
        }
    };
    // Devices of one parent, such as all of vivid's, share one by-path name, and it leads to any
    // of them.
    let shared = siblings(number) > 1;
    let target = fs::canonicalize(&node).unwrap_or_else(|_| node.clone());
    let mut paths: Vec<PathBuf> = links
        .iter()
        .filter(|(_, to)| *to == target && !shared)
        .map(|(link, _)| link.clone())
        .collect();
    paths.push(node.clone());
    Some(Found { node, paths, driver: caps.driver, card: caps.card, serial: serial(&sys), what })
}

fn ask(node: &Path) -> io::Result<(Caps, What)> {
    let device = Device::open(node)?;
    let caps = device.caps()?;
    let formats: Vec<[u8; 4]> = match caps.capture {
        true => device.formats().into_iter().map(|(fourcc, _)| fourcc).collect(),
        false => Vec::new(),
    };
    let what = match judge(&caps, &formats) {
        Ok(()) => What::Camera(device.offers(&Ask::default())),
        Err(words) => What::Other(words),
    };
    Ok((caps, what))
}

const CSI: &str = "libcamera, not V4L2: the raw sensor of a camera module on the ribbon cable, which \
                   gives no pictures without libcamera; Vitrina shows USB cameras";

/// Whether a node is a camera; if not, what it is.
fn judge(caps: &Caps, formats: &[[u8; 4]]) -> Result<(), String> {
    let no = |words: &str| Err(words.to_owned());
    match caps.driver.as_str() {
        "unicam" | "rp1-cfe" => return no(CSI),
        "bcm2835-isp" | "pispbe" => {
            return no("the image processor of the Raspberry Pi, no camera");
        }
        "bcm2835-codec" | "bcm2835_codec" | "rpivid" | "rpi-hevc-dec" | "hantro-vpu" | "cedrus" => {
            return no("a video codec of the processor, no camera");
        }
        _ => {}
    }
    if caps.m2m {
        return no("turns pictures into others (a codec or scaler), no camera");
    }
    if !caps.capture {
        return no(match () {
            () if caps.meta => "carries metadata of a camera, no pictures",
            () if caps.planes => "gives pictures in several planes, which Vitrina cannot use",
            () => "captures no pictures",
        });
    }
    if !caps.streams {
        return no("cannot stream (no V4L2_CAP_STREAMING)");
    }
    if formats.iter().any(|&fourcc| Coding::from_fourcc(fourcc).is_some()) {
        return Ok(());
    }
    if !formats.is_empty() && formats.iter().all(is_bayer) {
        return no(CSI);
    }
    let names: Vec<String> =
        formats.iter().map(|fourcc| String::from_utf8_lossy(fourcc).trim().to_owned()).collect();
    match names.is_empty() {
        true => no("offers no format"),
        false if formats.iter().all(is_video) => Err(format!(
            "a camera that gives only {}, video in which most pictures are changes to those \
             before them; Vitrina needs MJPEG or raw pictures",
            names.join(" ")
        )),
        false => Err(format!("offers only {}, which Vitrina cannot use", names.join(" "))),
    }
}

/// Video that must be decoded from its beginning (`pixfmt-compressed.rst`).
fn is_video(fourcc: &[u8; 4]) -> bool {
    const KINDS: [&[u8; 4]; 10] =
        [b"H264", b"AVC1", b"M264", b"S264", b"HEVC", b"S265", b"MPG1", b"MPG2", b"MPG4", b"VP80"];
    KINDS.contains(&fourcc) || fourcc.starts_with(b"H26") || fourcc.starts_with(b"VP9")
}

/// Raw Bayer of 8 to 16 bits, packed or not (`pixfmt-srggb*.rst`): BA81, GBRG, pRAA, BG10, …
fn is_bayer(fourcc: &[u8; 4]) -> bool {
    const ORDERS: [&[u8]; 4] = [b"BG", b"GB", b"BA", b"RG"];
    match fourcc {
        b"BA81" | b"GBRG" | b"GRBG" | b"RGGB" | b"BYR2" => true,
        [b'p', _, _, _] => true,
        [b'P', b'C', order, _] => b"BGAR".contains(order),
        [_, _, b'1', b'0' | b'2' | b'4' | b'6'] => ORDERS.contains(&&fourcc[..2]),
        _ => false,
    }
}

/// How many nodes have this one's parent and index.
fn siblings(number: u32) -> usize {
    let place =
        |sys: &Path| Some((fs::canonicalize(sys.join("device")).ok()?, word(&sys.join("index"))?));
    let class = Path::new("/sys/class/video4linux");
    let Some(own) = place(&class.join(format!("video{number}"))) else { return 1 };
    let entries = fs::read_dir(class).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| place(&class.join(entry.file_name())).as_ref() == Some(&own)).count()
}

/// The serial number of the USB device that a node belongs to.
fn serial(sys: &Path) -> Option<String> {
    // `device` is the USB interface, its parent the device.
    word(&fs::canonicalize(sys.join("device")).ok()?.parent()?.join("serial"))
}

fn word(path: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(driver: &str) -> Caps {
        Caps { driver: driver.into(), capture: true, streams: true, ..Caps::default() }
    }

    #[test]
    fn a_webcam_is_a_camera() {
        assert_eq!(judge(&caps("uvcvideo"), &[*b"YUYV", *b"MJPG", *b"H264"]), Ok(()));
        assert_eq!(judge(&caps("vivid"), &[*b"BA81", *b"NV12"]), Ok(()));
    }

    #[test]
    fn csi_sensors_are_libcameras() {
        for driver in ["unicam", "rp1-cfe"] {
            assert!(
                judge(&caps(driver), &[*b"YUYV"]).unwrap_err().starts_with("libcamera, not V4L2")
            );
        }
        let bayer = [*b"pRAA", *b"BG10", *b"GBRG", *b"BA12", *b"RG16", *b"PC1B"];
        assert!(judge(&caps("imx-media"), &bayer).is_err());
    }

    #[test]
    fn codecs_scalers_and_metadata_are_told_apart() {
        let told = |caps: Caps| judge(&caps, &[*b"YUYV"]).unwrap_err();
        assert!(told(caps("bcm2835-codec")).contains("codec"));
        assert!(told(caps("bcm2835-isp")).contains("image processor"));
        assert!(told(Caps { m2m: true, ..caps("vim2m") }).contains("turns pictures"));
        let metadata = Caps { capture: false, meta: true, ..caps("uvcvideo") };
        assert!(told(metadata).contains("metadata"));
        assert!(told(Caps { capture: false, ..caps("radio") }).contains("no pictures"));
        assert!(told(Caps { streams: false, ..caps("old") }).contains("stream"));
    }

    #[test]
    fn formats_that_cannot_be_used_are_named() {
        let told = judge(&caps("uvcvideo"), &[*b"H264", *b"HEVC"]).unwrap_err();
        assert!(told.contains("only H264 HEVC, video"), "{told}");
        let told = judge(&caps("uvcvideo"), &[*b"H264", *b"Z16 "]).unwrap_err();
        assert!(told.contains("only H264 Z16, which"), "{told}");
        assert!(judge(&caps("uvcvideo"), &[]).unwrap_err().contains("no format"));
    }
}
