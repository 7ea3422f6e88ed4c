//! `vitrina snap`: takes one photo with one camera and says what happened to it.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;
use tokio::time::{Instant, timeout_at};
use wire::{
    Answer, CameraId, GalleryId, NodeName, PhotoEvent, PhotoId, Root, Snap, Stamp, State, Status,
    Topic, filter, limits,
};

use crate::commands::mqtt::{Connection, Message};
use crate::config::Settings;

pub fn run(settings: &Settings, camera: &CameraId, output: Option<&Path>) -> anyhow::Result<()> {
    // Fails before a photo is taken if the file cannot be written.
    let mut output = output.map(Output::open).transpose()?;
    let told = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(snap(settings, camera, output.as_mut()))?;
    match output {
        Some(Output::Stdout) => writeln!(io::stderr(), "{told}")?,
        Some(Output::File { file, path }) => {
            file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
            writeln!(io::stdout(), "{told}\nwritten to {}", path.display())?;
        }
        None => writeln!(io::stdout(), "{told}")?,
    }
    Ok(())
}

/// Takes the photo. Returns the message for the user.
async fn snap(
    settings: &Settings,
    camera: &CameraId,
    mut output: Option<&mut Output>,
) -> anyhow::Result<String> {
    let root = &settings.file.root;
    let topic = |topic: Topic| topic.under(root).to_string();
    let mut broker = Connection::new(settings.broker()?, "snap")?;
    let filters = [
        filter::every_status(root),
        filter::every_state(root),
        filter::every_gallery(root),
        filter::every_photo(root),
        topic(Topic::Status(camera.node.clone())),
        topic(Topic::State(camera.clone())),
        topic(Topic::Answer(camera.node.clone())),
        topic(Topic::Snapshot(camera.clone())),
    ];
    let known = Known::of(root, &broker.retained(&filters).await?);
    known.check(camera)?;
    let within = limits::snap_within(known.interval(camera)) + LATER;

    let id = PhotoId::new(clock::unix_ms(), fastrand::u128(..));
    let ask = Snap { id: Some(id.clone()) }.to_json();
    broker.publish(&topic(Topic::Snap(camera.clone())), &ask).await?;

    let (mut taken, mut stored) = (false, None);
    let mut until = Instant::now() + within;
    // The node's offer has the picture, for `-o`; a gallery says that it is stored.
    while !taken || stored.is_none() {
        let Ok(message) = timeout_at(until, broker.next()).await else { break };
        let Some(message) = message else {
            bail!("the connection to the broker was lost; photo {id} may have been taken");
        };
        match Topic::parse(root, &message.topic) {
            Ok(Topic::Answer(_)) => match Answer::parse(&message.payload) {
                Ok(answer) if answer.id == id.as_str() => {
                    bail!("{camera} took no photo: {}", answer.error.unwrap_or_default());
                }
                _ => {}
            },
            Ok(Topic::Snapshot(_)) if is(&message, &id) => {
                if let Some(output) = output.as_mut().filter(|_| !taken) {
                    output.write(&message.payload)?;
                }
                // There may be a gallery that the broker did not name.
                if !taken && !known.has_gallery() {
                    until = Instant::now() + UNTOLD;
                }
                taken = true;
            }
            Ok(Topic::GalleryPhoto(gallery)) => match PhotoEvent::parse(&message.payload) {
                Ok(PhotoEvent::Stored { photo, .. }) if photo.id == id => stored = Some(gallery),
                _ => {}
            },
            _ => {}
        }
    }
    match stored {
        Some(gallery) if taken || output.is_none() => {
            Ok(format!("{camera}: photo {id}, stored by the gallery {gallery}"))
        }
        Some(gallery) => {
            bail!("the gallery {gallery} stored photo {id}, but the picture did not arrive here")
        }
        None if taken && known.has_gallery() => {
            Ok(format!("{camera}: photo {id} waits on the node: the gallery has not stored it yet"))
        }
        None if taken => {
            Ok(format!("{camera}: photo {id} waits on the node until there is a gallery"))
        }
        None => bail!(
            "{camera} did not answer within {} s; if photo {id} was taken, it waits on the node",
            within.as_secs()
        ),
    }
}

/// A node that cannot take it says so before a gallery would give up; this waits for both.
const LATER: Duration = Duration::from_secs(1);

/// How long a gallery that the broker did not name may take to store a photo.
const UNTOLD: Duration = Duration::from_secs(2);

fn is(message: &Message, id: &PhotoId) -> bool {
    Stamp::find(&message.payload).is_some_and(|stamp| stamp.photo.as_ref() == Some(id))
}

/// The nodes, cameras and galleries that the broker retains.
#[derive(Default)]
struct Known {
    nodes: BTreeMap<NodeName, Status>,
    cameras: Vec<CameraId>,
    states: BTreeMap<CameraId, State>,
    galleries: Vec<GalleryId>,
}

impl Known {
    fn of(root: &Root, retained: &[Message]) -> Known {
        let mut known = Known::default();
        for Message { topic, payload, .. } in retained {
            match (Topic::parse(root, topic), Status::parse(payload)) {
                (Ok(Topic::Status(node)), Ok(status)) => {
                    known.nodes.insert(node, status);
                }
                (Ok(Topic::GalleryStatus(id)), Ok(Status::Online)) => known.galleries.push(id),
                (Ok(Topic::State(camera)), _) if !payload.is_empty() => {
                    if let Ok(state) = State::parse(payload) {
                        known.states.insert(camera.clone(), state);
                    }
                    known.cameras.push(camera);
                }
                _ => {}
            }
        }
        known.cameras.sort_by_key(ToString::to_string);
        known
    }

    fn has_gallery(&self) -> bool {
        !self.galleries.is_empty()
    }

    /// The longest time between two frames of a slow camera, in seconds.
    fn interval(&self, camera: &CameraId) -> Option<f32> {
        self.states.get(camera)?.interval
    }

    fn check(&self, camera: &CameraId) -> anyhow::Result<()> {
        if camera.node.is_browser() {
            bail!(
                "{camera} is shown from a browser, which takes its own photos: the person who shows \
                 it presses the shutter on their page"
            );
        }
        if !self.cameras.contains(camera) {
            let names: Vec<String> = self.cameras.iter().map(ToString::to_string).collect();
            match names[..] {
                [] => bail!("there is no camera {camera}, nor any other"),
                _ => bail!("there is no camera {camera}; choose one of: {}", names.join(", ")),
            }
        }
        if self.nodes.get(&camera.node) != Some(&Status::Online) {
            bail!("the node {} is offline", camera.node);
        }
        Ok(())
    }
}

/// Where the picture goes. A file appears only when it is whole.
enum Output {
    Stdout,
    File { file: NamedTempFile, path: PathBuf },
}

impl Output {
    fn open(path: &Path) -> anyhow::Result<Output> {
        if path == Path::new("-") {
            return Ok(Output::Stdout);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // The permissions of an ordinary new file.
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Output::File { file, path: path.to_owned() })
    }

    fn write(&mut self, jpeg: &[u8]) -> io::Result<()> {
        match self {
            Output::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(jpeg)?;
                out.flush()
            }
            Output::File { file, .. } => {
                file.write_all(jpeg)?;
                file.as_file().sync_all()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(retained: &[(&str, &str)]) -> Known {
        let message = |&(topic, payload): &(&str, &str)| Message {
            topic: topic.into(),
            payload: payload.into(),
            retained: true,
        };
        Known::of(&Root::default(), &retained.iter().map(message).collect::<Vec<_>>())
    }

    #[test]
    fn a_camera_that_is_not_there_brings_the_names_of_the_others() {
        let told = |retained: &[_], camera: &str| {
            known(retained).check(&camera.parse().unwrap()).unwrap_err().to_string()
        };
        let door = ("vitrina/pi/door/state", "{}");
        assert!(told(&[], "pi/door").contains("nor any other"));
        assert!(
            told(&[door, ("vitrina/pi/old/state", "")], "pi/roof").ends_with("one of: pi/door")
        );
        assert!(told(&[door], "pi/door").contains("offline"));
        assert!(told(&[door], "web-k3j9/camera").contains("from a browser"));
        let online = ("vitrina/pi/status", "online");
        assert!(known(&[door, online]).check(&"pi/door".parse().unwrap()).is_ok());
    }

    #[test]
    fn only_a_gallery_that_is_online_counts() {
        assert!(!known(&[("vitrina/gallery/home/status", "offline")]).has_gallery());
        assert!(known(&[("vitrina/gallery/home/status", "online")]).has_gallery());
    }
}
