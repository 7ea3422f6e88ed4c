//! What will not come back, and which of the facts that a broker retains are cleared with it. The
//! command and the gallery follow the same rules.

use std::fmt;
use std::str::FromStr;

use crate::facts::camera::{CameraState, Reason, State};
use crate::facts::node::{Info, Status};
use crate::topics::name::{BadName, CameraId, GalleryId, NodeName};
use crate::topics::topic::Topic;

/// Something that will not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgotten {
    /// A node with all its cameras.
    Node(NodeName),
    /// One camera.
    Camera(CameraId),
    /// A gallery.
    Gallery(GalleryId),
}

/// Why something must not be forgotten: it is still here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StillHere {
    /// The node is online.
    #[error("{0} is online and would publish everything again at once. Stop it first")]
    Node(NodeName),
    /// The camera's node is online, and has it or waits for it for another reason than that it was
    /// unplugged.
    #[error(
        "{0} is still here: forgetting it would hide it from every wall until its next change. \
         Unplug it first, or stop its node"
    )]
    Camera(CameraId),
}

impl FromStr for Forgotten {
    type Err = BadName;

    fn from_str(what: &str) -> Result<Self, Self::Err> {
        // No node is called `gallery`.
        Ok(match what.split_once('/') {
            Some(("gallery", id)) => Forgotten::Gallery(id.parse()?),
            Some(_) => Forgotten::Camera(what.parse()?),
            None => Forgotten::Node(what.parse()?),
        })
    }
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Forgotten::Node(node) => node.fmt(f),
            Forgotten::Camera(camera) => camera.fmt(f),
            Forgotten::Gallery(id) => write!(f, "gallery/{id}"),
        }
    }
}

impl Forgotten {
    /// Whether a retained fact is cleared with it.
    pub fn has(&self, topic: &Topic) -> bool {
        match (self, topic) {
            (Forgotten::Node(node), Topic::Status(of) | Topic::Info(of)) => of == node,
            (Forgotten::Node(node), Topic::State(of) | Topic::Controls(of) | Topic::Motion(of)) => {
                of.node == *node
            }
            (
                Forgotten::Camera(camera),
                Topic::State(of) | Topic::Controls(of) | Topic::Motion(of),
            ) => of == camera,
            (Forgotten::Gallery(id), Topic::GalleryStatus(of)) => of == id,
            _ => false,
        }
    }

    /// Checks that it is gone, by the retained facts of its node. A gallery may always go: only
    /// its owner knows whether it comes back.
    ///
    /// # Errors
    /// [`StillHere`].
    pub fn check<'a>(
        &self,
        facts: impl IntoIterator<Item = (&'a Topic, &'a [u8])>,
    ) -> Result<(), StillHere> {
        let (Forgotten::Node(node) | Forgotten::Camera(CameraId { node, .. })) = self else {
            return Ok(());
        };
        let (mut online, mut listed, mut here) = (false, true, false);
        for (topic, payload) in facts {
            match (topic, self) {
                (Topic::Status(of), _) if of == node => {
                    online = Status::parse(payload).is_ok_and(|it| it == Status::Online);
                }
                // What a node has not seen since its start is not in its info.
                (Topic::Info(of), Forgotten::Camera(it)) if of == node => {
                    let info = Info::parse(payload);
                    listed = !info.is_ok_and(|info| !info.cameras.contains(&it.camera));
                }
                (Topic::State(of), Forgotten::Camera(it)) if of == it => {
                    here = State::parse(payload).is_ok_and(|it| {
                        it.state != CameraState::Lost || it.reason != Some(Reason::Unplugged)
                    });
                }
                _ => {}
            }
        }
        match self {
            Forgotten::Node(node) if online => Err(StillHere::Node(node.clone())),
            Forgotten::Camera(camera) if online && listed && here => {
                Err(StillHere::Camera(camera.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::name::Root;

    fn check(what: &str, facts: &[(&str, &str)]) -> bool {
        let parse = |(topic, payload): &(&str, &str)| {
            (Topic::parse(&Root::default(), topic).unwrap(), payload.as_bytes().to_vec())
        };
        let facts: Vec<(Topic, Vec<u8>)> = facts.iter().map(parse).collect();
        let what: Forgotten = what.parse().unwrap();
        what.check(facts.iter().map(|(topic, payload)| (topic, &**payload))).is_ok()
    }

    #[test]
    fn what_is_here_is_not_forgotten() {
        let state = |state| {
            format!(
                r#"{{"state":"{state}","reason":"unplugged","since":1,"name":"Door","device":"x"}}"#
            )
        };
        let online = ("vitrina/pi/status", "online");
        let offline = ("vitrina/pi/status", "offline");
        assert!(!check("pi", &[online]));
        assert!(check("pi", &[offline]));
        assert!(check("pi", &[]), "nothing says that it is here");
        assert!(check("pi", &[("vitrina/attic/status", "online")]), "another one");
        for (word, gone) in
            [("live", false), ("idle", false), ("error", false), ("off", false), ("lost", true)]
        {
            let state = state(word);
            let door = ("vitrina/pi/door/state", &*state);
            assert_eq!(check("pi/door", &[online, door]), gone, "{word}");
            assert!(check("pi/door", &[offline, door]), "{word}, but its node is away");
            assert!(check("pi/roof", &[online, door]), "another one is {word}");
        }
        let stalled = state("lost").replace("unplugged", "stalled");
        assert!(
            !check("pi/door", &[online, ("vitrina/pi/door/state", &stalled)]),
            "it is plugged in"
        );
        assert!(check("pi/door", &[online, ("vitrina/pi/door/state", "{")]), "not a state");
        let info = |cameras| {
            format!(
                r#"{{"kind":"v4l2","version":"0","machine":"1","boot":"2","instance":"3","host":"h",
                "started":1,"cameras":{cameras}}}"#
            )
        };
        for (cameras, gone) in [(r#"["door"]"#, false), (r#"["roof"]"#, true)] {
            let (info, state) = (info(cameras), state("idle"));
            let facts = [("vitrina/pi/info", &*info), ("vitrina/pi/door/state", &*state), online];
            assert_eq!(check("pi/door", &facts), gone, "of an earlier life of its node");
        }
        assert!(check("gallery/1234abcd", &[("vitrina/gallery/1234abcd/status", "online")]));
    }

    #[test]
    fn only_its_own_facts_go_with_it() {
        let topics = [
            "vitrina/pi/status",
            "vitrina/pi/info",
            "vitrina/pi/door/state",
            "vitrina/pi/door/controls",
            "vitrina/pi/door/motion",
            "vitrina/pi/roof/state",
            "vitrina/pi2/status",
            "vitrina/gallery/1234abcd/status",
        ];
        let of = |what: &str| {
            let what: Forgotten = what.parse().unwrap();
            let topics = topics.iter().enumerate();
            let has = |topic: &str| what.has(&Topic::parse(&Root::default(), topic).unwrap());
            topics.filter(|(_, topic)| has(topic)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert_eq!(of("pi"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of("pi/door"), [2, 3, 4]);
        assert_eq!(of("gallery/1234abcd"), [7]);
        for what in ["pi", "pi/door", "gallery/1234abcd"] {
            assert_eq!(what.parse::<Forgotten>().unwrap().to_string(), what);
        }
    }
}
