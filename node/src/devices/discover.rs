//! Finds all video nodes, and says which are cameras and what the others are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use supervision::{Beat, Health, Need};
use wire::Reason;

use crate::capture::driver::choose::{Ask, Offer};
use crate::capture::driver::descriptions::Caps;
use crate::capture::driver::errno::fault;
use crate::capture::driver::offers::offers;
use crate::capture::driver::v4l2::Device;
use crate::capture::source::Fault;
use crate::devices::marks::{Links, Marks, UDEV, sys, word};
use crate::picture::raw::pixels::Coding;

/// How long all nodes together may take to answer. Only a slow node's own thread waits longer for
/// it.
const PATIENCE: Duration = Duration::from_secs(3);

/// A video node.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// `/dev/videoN` as it is now.
    pub node: PathBuf,
    /// Its identifying marks.
    pub marks: Marks,
    /// The kernel driver.
    pub driver: String,
    /// The name of the device.
    pub card: String,
    /// What it is.
    pub what: What,
}

/// What a video node is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A camera.
    Camera(Vec<Offer>),
    /// It seems to be a camera, but cannot be queried.
    Closed(Fault),
    /// It seems to be a camera, but a query blocks, perhaps without end.
    Silent(Fault),
    /// Something else.
    Other(Other),
}

impl What {
    /// Whether it can become a camera without an event.
    fn may_become(&self) -> bool {
        matches!(self, What::Other(Other { may_become: true, .. }))
    }

    /// Whether to check it now and then.
    pub fn may_change(&self) -> bool {
        self.may_become() || matches!(self, What::Silent(_))
    }
}

/// Why a video node is not a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    /// In words.
    pub words: String,
    /// Whether it can become a camera without being plugged in: a loopback becomes one when a
    /// program begins to write to it.
    pub may_become: bool,
}

/// Queries video nodes, each in a thread of its own, because a driver can block an open for any
/// time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scout {
    health: Health,
    /// The nodes whose threads have not returned.
    away: Arc<Mutex<BTreeSet<u32>>>,
    /// The answers that came too late.
    late: Arc<Mutex<BTreeMap<u32, Option<Found>>>>,
}

impl Scout {
    /// A scout whose threads `health` watches.
    pub fn new(health: Health) -> Self {
        Scout { health, ..Scout::default() }
    }

    /// Queries every video node, in the order of their numbers. This takes at most three seconds.
    pub fn scan(&self) -> Vec<Found> {
        let links = Arc::new(Links::read());
        let numbers: Vec<u32> = numbers().into_iter().filter(|&n| is_ready_by_udev(n)).collect();
        let mut answers = std::mem::take(&mut *self.late());
        answers.retain(|_, found| found.as_ref().is_some_and(|found| found.is_still(&links)));
        let asked: Vec<u32> =
            numbers.iter().copied().filter(|number| !answers.contains_key(number)).collect();
        let scout = self.clone();
        let keep = move |number, found| {
            scout.late().insert(number, found);
        };
        answers.extend(self.ask_each(&asked, move |number| look(number, &links), keep));
        let found = numbers.into_iter().filter_map(|number| match answers.remove(&number) {
            Some(found) => found,
            None => silent(number),
        });
        found.collect()
    }

    /// Whether one of these nodes has become a camera, or a silent one has answered at last. It
    /// asks them only what they are.
    pub fn glance(&self, all: &[Found]) -> bool {
        let numbers = |is: fn(&What) -> bool| -> Vec<u32> {
            let these = all.iter().filter(|found| is(&found.what));
            these.filter_map(|found| number(found.node.file_name()?.to_str()?)).collect()
        };
        let is_camera = |number| {
            let kind = Device::open(&node(number)).and_then(|device| kind(&device));
            kind.is_ok_and(|(_, kind)| kind.is_ok())
        };
        let asleep = numbers(What::may_become);
        let silent = numbers(|what| matches!(what, What::Silent(_)));
        self.ask_each(&asleep, is_camera, |_, _| {}).into_values().any(|is_camera| is_camera)
            || silent.iter().any(|number| !self.away().contains(number))
    }

    /// The answer of `ask` for each node that answers in time; later answers go to `late`. A node
    /// whose last thread has not returned gets no other.
    fn ask_each<T: Send + 'static>(
        &self,
        numbers: &[u32],
        ask: impl Fn(u32) -> T + Clone + Send + 'static,
        late: impl Fn(u32, T) + Clone + Send + 'static,
    ) -> BTreeMap<u32, T> {
        let until = Instant::now() + PATIENCE;
        let (to, answers) = mpsc::channel();
        for &number in numbers {
            if !self.away().insert(number) {
                continue;
            }
            let (to, ask, late) = (to.clone(), ask.clone(), late.clone());
            let away = Back(self.clone(), number);
            let work = move |_: &Beat| {
                let answer = ask(number);
                drop(away);
                if let Err(mpsc::SendError((_, answer))) = to.send((number, answer)) {
                    late(number, answer);
                }
            };
            // A node without a thread counts as silent, and is asked again later.
            self.health.thread(format!("look at video{number}"), Need::Minor, work).ok();
        }
        drop(to);
        let mut all = BTreeMap::new();
        while let Ok((number, answer)) =
            answers.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            all.insert(number, answer);
        }
        all
    }

    fn late(&self) -> MutexGuard<'_, BTreeMap<u32, Option<Found>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// Whether the node is still that of the same device.
    fn is_still(&self, links: &Links) -> bool {
        let number = self.node.file_name().and_then(|name| number(name.to_str()?));
        let now = number.map(|number| Marks::read(number, links));
        self.node.exists() && now.is_some_and(|now| now.are_of_the_same(&self.marks))
    }
}

/// Marks that a thread has returned from its node, even if it died there or never started.
struct Back(Scout, u32);

impl Drop for Back {
    fn drop(&mut self) {
        self.0.away().remove(&self.1);
    }
}

/// The numbers of all video nodes, ascending.
fn numbers() -> Vec<u32> {
    let entries = fs::read_dir("/dev").into_iter().flatten().filter_map(Result::ok);
    let mut numbers: Vec<u32> =
        entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    numbers.sort_unstable();
    numbers
}

fn number(name: &str) -> Option<u32> {
    name.strip_prefix("video")?.parse().ok()
}

fn node(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/video{number}"))
}

/// Whether udev is done with a node. Before that its links and its group's right are missing, and
/// it would look like another camera.
fn is_ready_by_udev(number: u32) -> bool {
    // Without udev there are no links; udev does not know what the kernel does not know.
    let device = word(&sys(number).join("dev"));
    let (true, Some(device)) = (Path::new("/run/udev/control").exists(), device) else {
        return true;
    };
    !Path::new("/sys/dev/char").join(&device).exists()
        || Path::new(UDEV).join(format!("c{device}")).exists()
}

/// `None` if it went away during the query.
fn look(number: u32, links: &Links) -> Option<Found> {
    let node = node(number);
    let asked = Device::open(&node).and_then(|device| {
        let (caps, kind) = kind(&device)?;
        let what = match kind {
            Ok(()) => What::Camera(offers(&device, &Ask::default())),
            Err(other) => What::Other(other),
        };
        Ok((caps, what))
    });
    let marks = Marks::read(number, links);
    let (caps, what) = match asked {
        Ok(asked) => asked,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let card = word(&sys(number).join("name")).unwrap_or_default();
            (
                Caps { card, ..Caps::default() },
                closed(number, fault(&node, "cannot be opened", &error)),
            )
        }
    };
    // A node that was removed during the query must not appear twice if it is plugged in again.
    node.exists().then_some(Found { node, marks, driver: caps.driver, card: caps.card, what })
}

/// A node that does not answer.
fn silent(number: u32) -> Option<Found> {
    let node = node(number);
    let detail = "does not answer when it is opened; unplug it and plug it in again, or restart \
                  the program that drives it";
    let what = match closed(number, Fault::error(Reason::Device, detail)) {
        What::Closed(fault) => What::Silent(fault),
        what => what,
    };
    let card = word(&sys(number).join("name")).unwrap_or_default();
    let marks = Marks::read(number, &Links::read());
    node.exists().then_some(Found { node, marks, driver: String::new(), card, what })
}

/// The kind of a node that cannot be queried.
fn closed(number: u32, fault: Fault) -> What {
    match word(&sys(number).join("index")).as_deref() {
        None | Some("0") => What::Closed(fault),
        Some(_) => What::Other(Other {
            words: "a second node of a camera, which carries metadata".to_owned(),
            may_become: false,
        }),
    }
}

/// A device's description of itself, and why it is not a camera if it is not.
fn kind(device: &Device) -> io::Result<(Caps, Result<(), Other>)> {
    let caps = device.caps()?;
    let formats: Vec<[u8; 4]> = match caps.capture {
        true => device.formats().into_iter().map(|(fourcc, _)| fourcc).collect(),
        false => Vec::new(),
    };
    let kind = judge(&caps, &formats);
    Ok((caps, kind))
}

const CSI: &str = "libcamera, not V4L2: the raw sensor of a camera module on the ribbon cable, which \
                   gives no pictures without libcamera; Vitrina shows USB cameras";

/// Whether a node is a camera; if not, what it is.
fn judge(caps: &Caps, formats: &[[u8; 4]]) -> Result<(), Other> {
    let no = |words: &str| Err(Other { words: words.to_owned(), may_become: false });
    let not_yet = |words: &str| Err(Other { words: words.to_owned(), may_become: true });
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
        return match () {
            () if caps.meta => no("carries metadata of a camera, no pictures"),
            () if caps.planes => no("gives pictures in several planes, which Vitrina cannot use"),
            () if caps.output => not_yet(
                "takes pictures and gives none; a loopback is a camera while a program writes to it",
            ),
            () => not_yet("captures no pictures"),
        };
    }
    if !caps.streams {
        return no("cannot stream (no V4L2_CAP_STREAMING)");
    }
    if formats.iter().any(|&fourcc| Coding::from_fourcc(fourcc).is_some()) {
        return Ok(());
    }
    if formats.is_empty() {
        return not_yet("offers no format");
    }
    if formats.iter().all(is_bayer) {
        return no(CSI);
    }
    let names: Vec<String> =
        formats.iter().map(|fourcc| String::from_utf8_lossy(fourcc).trim().to_owned()).collect();
    no(&match formats.iter().all(is_video) {
        true => format!(
            "a camera that gives only {}, video in which most pictures are changes to those \
             before them; Vitrina needs MJPEG or raw pictures",
            names.join(" ")
        ),
        false => format!("offers only {}, which Vitrina cannot use", names.join(" ")),
    })
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
                judge(&caps(driver), &[*b"YUYV"])
                    .unwrap_err()
                    .words
                    .starts_with("libcamera, not V4L2")
            );
        }
        let bayer = [*b"pRAA", *b"BG10", *b"GBRG", *b"BA12", *b"RG16", *b"PC1B"];
        assert!(judge(&caps("imx-media"), &bayer).is_err());
    }

    #[test]
    fn codecs_scalers_and_metadata_are_told_apart() {
        let told = |caps: Caps| judge(&caps, &[*b"YUYV"]).unwrap_err().words;
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
        let told = judge(&caps("uvcvideo"), &[*b"H264", *b"HEVC"]).unwrap_err().words;
        assert!(told.contains("only H264 HEVC, video"), "{told}");
        let told = judge(&caps("uvcvideo"), &[*b"H264", *b"Z16 "]).unwrap_err().words;
        assert!(told.contains("only H264 Z16, which"), "{told}");
        assert!(judge(&caps("uvcvideo"), &[]).unwrap_err().words.contains("no format"));
    }

    #[test]
    fn what_may_become_a_camera_without_an_event_is_looked_at_again_and_nothing_else() {
        let may_become =
            |caps: Caps, formats: &[[u8; 4]]| judge(&caps, formats).unwrap_err().may_become;
        let none = |driver| Caps { capture: false, ..caps(driver) };
        assert!(may_become(Caps { output: true, ..none("v4l2 loopback") }, &[]));
        assert!(may_become(none("v4l2 loopback"), &[]));
        assert!(
            may_become(caps("v4l2 loopback"), &[]),
            "a loopback that shows both and has no format yet"
        );
        assert!(!may_become(Caps { meta: true, ..none("uvcvideo") }, &[]));
        assert!(!may_become(Caps { m2m: true, ..none("vim2m") }, &[]));
        assert!(!may_become(none("bcm2835-codec"), &[]));
        assert!(!may_become(caps("unicam"), &[]));
        assert!(!may_become(caps("uvcvideo"), &[*b"H264"]));
    }

    #[test]
    fn a_node_that_keeps_who_asks_it_keeps_nobody_else() {
        let scout = Scout::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let ask = move |number| {
            if number == 1 {
                held.lock().unwrap().recv().ok();
            }
            number
        };
        let (to, late) = mpsc::channel();
        let keep = move |number, answer| to.send((number, answer)).unwrap();
        let answered = scout.ask_each(&[0, 1, 2], ask.clone(), keep);
        assert_eq!(answered.into_keys().collect::<Vec<_>>(), [0, 2]);
        assert!(scout.away().contains(&1));
        // Nobody else is sent there.
        let again = scout.ask_each(&[0, 1], ask.clone(), |_, _| {});
        assert_eq!(again.into_keys().collect::<Vec<_>>(), [0]);
        drop(release);
        assert_eq!(late.recv_timeout(Duration::from_secs(20)), Ok((1, 1)), "it is not lost");
        assert_eq!(scout.ask_each(&[1], ask, |_, _| {}).into_keys().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_thread_that_dies_at_a_node_keeps_nobody_away_from_it() {
        let scout = Scout::default();
        let die = |number| assert_ne!(number, 1, "meant to die");
        let answered = scout.ask_each(&[0, 1], die, |_, ()| {});
        assert_eq!(answered.into_keys().collect::<Vec<_>>(), [0]);
        let until = Instant::now() + Duration::from_secs(20);
        while !scout.away().is_empty() {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
