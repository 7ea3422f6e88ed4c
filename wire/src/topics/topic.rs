//! Every topic of the protocol: the one place that reads and writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::topics::foreign::ForeignTopic;
use crate::topics::name::{BadName, CameraId, CameraName, GalleryId, NodeName, PersonId, Root};

/// The sizes of a camera's live picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// As captured.
    Full,
    /// Half of each side.
    Half,
    /// A quarter of each side.
    Quarter,
}

impl Size {
    /// All sizes, largest first.
    pub const ALL: [Size; 3] = [Size::Full, Size::Half, Size::Quarter];

    /// The word for it in topics and wants.
    pub fn as_str(self) -> &'static str {
        match self {
            Size::Full => "full",
            Size::Half => "half",
            Size::Quarter => "quarter",
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A topic, without its root.
///
/// Text is under `<root>/`, pictures under `<root>-jpeg/`, so that `mosquitto_sub -v -t '<root>/#'`
/// always prints readable text.
///
/// ```
/// use wire::{Root, Topic};
///
/// let root = Root::default();
/// let topic = Topic::parse(&root, "vitrina-jpeg/attic/door/preview").unwrap();
/// assert_eq!(topic, Topic::Preview("attic/door".parse().unwrap()));
/// assert_eq!(topic.under(&root).to_string(), "vitrina-jpeg/attic/door/preview");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `<node>/status`: [`crate::Status`], retained.
    Status(NodeName),
    /// `<node>/info`: [`crate::Info`], retained.
    Info(NodeName),
    /// `<node>/stats`: [`crate::Stats`].
    Stats(NodeName),
    /// `<node>/ask`: [`crate::Ask`].
    Ask(NodeName),
    /// `<node>/answer`: [`crate::Answer`].
    Answer(NodeName),
    /// `<node>/stored`: [`crate::Stored`].
    Stored(NodeName),
    /// `<node>/<camera>/state`: [`crate::State`], retained.
    State(CameraId),
    /// `<node>/<camera>/controls`: [`crate::Controls`], retained.
    Controls(CameraId),
    /// `<node>/<camera>/motion`: `ON` or `OFF`, retained.
    Motion(CameraId),
    /// `<node>/<camera>/want`: [`crate::Want`].
    Want(CameraId),
    /// `<node>/<camera>/snap`: [`crate::Snap`].
    Snap(CameraId),
    /// `<node>/<camera>/set/<name>`: the new value as text, of `title` or of a control. The name
    /// obeys the rule for a camera's name.
    Set(CameraId, CameraName),
    /// `<node>/set/title`: the node's title as text, see [`crate::title`].
    SetTitle(NodeName),
    /// `gallery/<id>/status`: [`crate::Status`], retained.
    GalleryStatus(GalleryId),
    /// `gallery/<id>/come`: empty when the gallery comes; `before ID` or `after ID` when it tells
    /// another gallery which of them came first.
    GalleryCome(GalleryId),
    /// `gallery/<id>/photo`: [`crate::PhotoEvent`].
    GalleryPhoto(GalleryId),
    /// `people/<id>`: [`crate::people::Person`], retained.
    Person(PersonId),
    /// `people/<id>/say`: [`crate::people::Say`].
    Say(PersonId),
    /// `<node>/<camera>/preview`, a picture.
    Preview(CameraId),
    /// `<node>/<camera>/live/<size>`, a picture.
    Live(CameraId, Size),
    /// `<node>/<camera>/snapshot`, a picture.
    Snapshot(CameraId),
    /// Under no root of ours, for another program. Vitrina writes it and never reads it.
    Foreign(ForeignTopic),
}

/// Why a topic could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTopic {
    /// The topic is not under this root.
    #[error("not a topic of ours")]
    Foreign,
    /// The topic is under this root, but this version does not know it.
    #[error("unknown topic")]
    Unknown,
    /// A level that should be a name is not one.
    #[error(transparent)]
    Name(#[from] BadName),
}

pub(super) const PICTURES: &str = "-jpeg";

impl Topic {
    /// Reads a topic under `root`.
    ///
    /// # Errors
    /// [`BadTopic`] says whether it is somebody else's, a later version's, or badly named.
    pub fn parse(root: &Root, topic: &str) -> Result<Topic, BadTopic> {
        let rest = topic.strip_prefix(root.as_str()).ok_or(BadTopic::Foreign)?;
        if let Some(rest) = rest.strip_prefix('/') {
            Topic::parse_text(rest)
        } else if let Some(rest) = rest.strip_prefix(PICTURES).and_then(|r| r.strip_prefix('/')) {
            Topic::parse_picture(rest)
        } else {
            Err(BadTopic::Foreign)
        }
    }

    fn parse_text(rest: &str) -> Result<Topic, BadTopic> {
        let levels: Vec<&str> = rest.splitn(5, '/').collect();
        Ok(match levels[..] {
            ["gallery", id, "status"] => Topic::GalleryStatus(id.parse()?),
            ["gallery", id, "come"] => Topic::GalleryCome(id.parse()?),
            ["gallery", id, "photo"] => Topic::GalleryPhoto(id.parse()?),
            ["gallery", ..] => return Err(BadTopic::Unknown),
            ["people", id] => Topic::Person(id.parse()?),
            ["people", id, "say"] => Topic::Say(id.parse()?),
            ["people", ..] => return Err(BadTopic::Unknown),
            [node, "status"] => Topic::Status(node.parse()?),
            [node, "info"] => Topic::Info(node.parse()?),
            [node, "stats"] => Topic::Stats(node.parse()?),
            [node, "ask"] => Topic::Ask(node.parse()?),
            [node, "answer"] => Topic::Answer(node.parse()?),
            [node, "stored"] => Topic::Stored(node.parse()?),
            [node, "set", "title"] => Topic::SetTitle(node.parse()?),
            [node, camera, "state"] => Topic::State(camera_id(node, camera)?),
            [node, camera, "controls"] => Topic::Controls(camera_id(node, camera)?),
            [node, camera, "motion"] => Topic::Motion(camera_id(node, camera)?),
            [node, camera, "want"] => Topic::Want(camera_id(node, camera)?),
            [node, camera, "snap"] => Topic::Snap(camera_id(node, camera)?),
            [node, camera, "set", name] => Topic::Set(camera_id(node, camera)?, name.parse()?),
            _ => return Err(BadTopic::Unknown),
        })
    }

    fn parse_picture(rest: &str) -> Result<Topic, BadTopic> {
        let levels: Vec<&str> = rest.splitn(5, '/').collect();
        Ok(match levels[..] {
            [node, camera, "preview"] => Topic::Preview(camera_id(node, camera)?),
            [node, camera, "snapshot"] => Topic::Snapshot(camera_id(node, camera)?),
            [node, camera, "live", size] => {
                let size = Size::ALL.into_iter().find(|s| s.as_str() == size);
                Topic::Live(camera_id(node, camera)?, size.ok_or(BadTopic::Unknown)?)
            }
            _ => return Err(BadTopic::Unknown),
        })
    }

    /// The topic on the wire, under `root`.
    pub fn under<'a>(&'a self, root: &'a Root) -> impl fmt::Display + 'a {
        Under { topic: self, root }
    }

    /// Whether the payload is a picture, and the topic therefore under `<root>-jpeg/`.
    pub fn is_picture(&self) -> bool {
        matches!(self, Topic::Preview(_) | Topic::Live(..) | Topic::Snapshot(_))
    }
}

fn camera_id(node: &str, camera: &str) -> Result<CameraId, BadName> {
    Ok(CameraId { node: node.parse()?, camera: camera.parse()? })
}

struct Under<'a> {
    topic: &'a Topic,
    root: &'a Root,
}

impl fmt::Display for Under<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !matches!(self.topic, Topic::Foreign(_)) {
            let pictures = if self.topic.is_picture() { PICTURES } else { "" };
            write!(f, "{}{pictures}/", self.root)?;
        }
        match self.topic {
            Topic::Status(node) => write!(f, "{node}/status"),
            Topic::Info(node) => write!(f, "{node}/info"),
            Topic::Stats(node) => write!(f, "{node}/stats"),
            Topic::Ask(node) => write!(f, "{node}/ask"),
            Topic::Answer(node) => write!(f, "{node}/answer"),
            Topic::Stored(node) => write!(f, "{node}/stored"),
            Topic::State(id) => write!(f, "{id}/state"),
            Topic::Controls(id) => write!(f, "{id}/controls"),
            Topic::Motion(id) => write!(f, "{id}/motion"),
            Topic::Want(id) => write!(f, "{id}/want"),
            Topic::Snap(id) => write!(f, "{id}/snap"),
            Topic::Set(id, name) => write!(f, "{id}/set/{name}"),
            Topic::SetTitle(node) => write!(f, "{node}/set/title"),
            Topic::GalleryStatus(id) => write!(f, "gallery/{id}/status"),
            Topic::GalleryCome(id) => write!(f, "gallery/{id}/come"),
            Topic::GalleryPhoto(id) => write!(f, "gallery/{id}/photo"),
            Topic::Person(id) => write!(f, "people/{id}"),
            Topic::Say(id) => write!(f, "people/{id}/say"),
            Topic::Preview(id) => write!(f, "{id}/preview"),
            Topic::Live(id, size) => write!(f, "{id}/live/{size}"),
            Topic::Snapshot(id) => write!(f, "{id}/snapshot"),
            Topic::Foreign(topic) => f.write_str(topic.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn golden_topics_are_read_and_written_back() {
        let golden: Vec<(String, bool)> =
            serde_json::from_str(include_str!("../../golden/topics.json")).unwrap();
        let root = Root::default();
        for (text, is_good) in golden {
            match Topic::parse(&root, &text) {
                Ok(topic) => {
                    assert!(is_good, "{text} was read as {topic:?}");
                    assert_eq!(topic.under(&root).to_string(), text);
                }
                Err(error) => assert!(!is_good, "{text}: {error}"),
            }
        }
    }

    #[test]
    fn another_root_is_foreign() {
        let root: Root = "school".parse().unwrap();
        assert_eq!(Topic::parse(&root, "vitrina/pi/status"), Err(BadTopic::Foreign));
        assert_eq!(Topic::parse(&root, "schoolyard/pi/status"), Err(BadTopic::Foreign));
        let topic = Topic::parse(&root, "school/pi/status").unwrap();
        assert_eq!(topic.under(&root).to_string(), "school/pi/status");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back(text in "vitrina(-jpeg)?/[a-z/+#$é-]{0,40}") {
            let root = Root::default();
            if let Ok(topic) = Topic::parse(&root, &text) {
                prop_assert_eq!(topic.under(&root).to_string(), text);
            }
        }

        #[test]
        fn any_text_is_a_topic_or_an_error(text: String) {
            let _ = Topic::parse(&Root::default(), &text);
        }
    }
}
