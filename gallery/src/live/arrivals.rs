//! Whether nodes receive the wants, and whether their pictures arrive. Pure.
//!
//! A broker that drops a message for its permissions or its size tells nobody. But a node's
//! heartbeat says how many pictures it has published, and how many nobody wanted. If a gallery
//! wanted pictures from one heartbeat to the next and got none, the broker holds the pictures back;
//! if the node published none because nobody wanted any, the broker holds the wants back.

use std::collections::BTreeMap;

use wire::{CameraId, Stats};

use crate::now::Micros;

/// The state of the cameras that are wanted.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    watched: BTreeMap<CameraId, Watched>,
    dark: BTreeMap<CameraId, Dark>,
}

/// What a broker holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dark {
    /// The camera's pictures.
    Pictures,
    /// The wants for the camera.
    Wants,
}

/// At this rate, in frames a second, some are published between two heartbeats.
const OFTEN: f32 = 0.5;

#[derive(Debug)]
struct Watched {
    /// How many pictures the last heartbeat called published, and how many unwanted.
    published: u64,
    unwanted: u64,
    /// Whether a live picture has come since.
    came: bool,
}

impl Arrivals {
    /// A live picture came. For most cameras this is known already.
    pub fn came(&mut self, camera: &CameraId) {
        if let Some(watched) = self.watched.get_mut(camera) {
            watched.came = true;
        }
        if !self.dark.is_empty() {
            self.dark.remove(camera);
        }
    }

    /// A node sent a heartbeat; `wanted` has its cameras that are wanted now, with their rates.
    /// Returns those for which something is newly held back.
    pub fn beat(
        &mut self,
        node: &wire::NodeName,
        stats: &Stats,
        wanted: impl Iterator<Item = (CameraId, f32)>,
    ) -> Vec<(CameraId, Dark)> {
        let wanted: BTreeMap<_, _> = wanted.filter(|(camera, _)| camera.node == *node).collect();
        self.watched.retain(|camera, _| camera.node != *node || wanted.contains_key(camera));
        self.dark.retain(|camera, _| camera.node != *node || wanted.contains_key(camera));
        let mut new = Vec::new();
        for (camera, fps) in wanted {
            let figures = stats.cameras.get(&camera.camera);
            let published = figures.map_or(0, |figures| figures.published);
            let unwanted = figures.and_then(|figures| figures.dropped.get("unwanted"));
            let unwanted = unwanted.copied().unwrap_or_default();
            let now = Watched { published, unwanted, came: false };
            let Some(before) = self.watched.insert(camera.clone(), now) else { continue };
            // Pictures and heartbeats use two connections: one picture may still be on its way.
            let dark = if before.came {
                continue;
            } else if published > before.published + 1 {
                Dark::Pictures
            } else if published == before.published && unwanted > before.unwanted && fps >= OFTEN {
                Dark::Wants
            } else {
                continue;
            };
            if self.dark.insert(camera.clone(), dark) != Some(dark) {
                new.push((camera, dark));
            }
        }
        new
    }

    /// The connection is new.
    pub fn clear(&mut self) {
        *self = Arrivals::default();
    }

    /// The cameras for which something is held back.
    pub fn dark(&self) -> impl Iterator<Item = (&CameraId, Dark)> {
        self.dark.iter().map(|(camera, dark)| (camera, *dark))
    }
}

/// Whether this gallery's own messages come back to it. A missing one is reported once.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    since: Option<Micros>,
    is_told: bool,
}

/// How long the broker may take.
const BACK_WITHIN: Micros = 5_000_000;

impl Echo {
    /// The gallery is connected and has sent a message.
    pub fn begin(&mut self, now: Micros) {
        *self = Echo { since: Some(now), is_told: false };
    }

    /// The message came back, or the connection is lost.
    pub fn end(&mut self) {
        *self = Echo::default();
    }

    pub fn is_missing(&self, now: Micros) -> bool {
        self.since.is_some_and(|since| now.saturating_sub(since) >= BACK_WITHIN)
    }

    /// The same, but only once.
    pub fn is_newly_missing(&mut self, now: Micros) -> bool {
        let is_missing = self.is_missing(now);
        is_missing && !std::mem::replace(&mut self.is_told, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(published: u64, unwanted: u64) -> Stats {
        let made = published + unwanted;
        let text = format!(
            r#"{{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,
            "cameras":{{"door":{{"fps":1,"made":{made},"published":{published},"bytes":1,"dropped":{{"unwanted":{unwanted}}}}}}}}}"#
        );
        Stats::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_camera_that_publishes_to_nobody_is_told_once_until_it_arrives() {
        let (door, node) = ("pi/door".parse::<CameraId>().unwrap(), "pi".parse().unwrap());
        let mut arrivals = Arrivals::default();
        let beat = |arrivals: &mut Arrivals, published| {
            arrivals.beat(&node, &stats(published, 7), [(door.clone(), 5.0)].into_iter())
        };
        let dark = [(door.clone(), Dark::Pictures)];
        assert!(beat(&mut arrivals, 100).is_empty(), "nobody wanted it before");
        assert!(beat(&mut arrivals, 100).is_empty(), "none was published");
        assert_eq!(beat(&mut arrivals, 200), dark);
        assert!(beat(&mut arrivals, 300).is_empty(), "told already");
        assert_eq!(arrivals.dark().count(), 1);
        arrivals.came(&door);
        assert_eq!(arrivals.dark().count(), 0);
        assert!(beat(&mut arrivals, 400).is_empty());
        assert_eq!(beat(&mut arrivals, 500), dark);
        arrivals.beat(&node, &stats(600, 7), std::iter::empty());
        assert_eq!(arrivals.dark().count(), 0, "nobody wants it any more");
    }

    #[test]
    fn a_node_that_does_not_hear_what_is_wanted_is_told_once_until_it_does() {
        let (door, node) = ("pi/door".parse::<CameraId>().unwrap(), "pi".parse().unwrap());
        let mut arrivals = Arrivals::default();
        let mut beat = |published, unwanted, fps| {
            let stats = stats(published, unwanted);
            let new = arrivals.beat(&node, &stats, [(door.clone(), fps)].into_iter());
            (new.into_iter().map(|(_, dark)| dark).collect::<Vec<_>>(), arrivals.dark().count())
        };
        assert_eq!(beat(100, 100, 5.0), (vec![], 0), "nobody wanted it before");
        assert_eq!(beat(100, 100, 5.0), (vec![], 0), "it makes none");
        assert_eq!(beat(100, 400, 0.1), (vec![], 0), "so seldom that none was due");
        assert_eq!(beat(100, 700, 5.0), (vec![Dark::Wants], 1));
        assert_eq!(beat(100, 900, 5.0), (vec![], 1), "told already");
        assert_eq!(beat(150, 900, 5.0), (vec![Dark::Pictures], 1), "now it hears");
        arrivals.came(&door);
        assert_eq!(arrivals.dark().count(), 0);
    }

    #[test]
    fn what_does_not_come_back_is_missed_after_a_while() {
        let mut echo = Echo::default();
        assert!(!echo.is_newly_missing(BACK_WITHIN));
        echo.begin(10);
        assert!(!echo.is_missing(BACK_WITHIN));
        assert!(echo.is_newly_missing(10 + BACK_WITHIN));
        assert!(!echo.is_newly_missing(11 + BACK_WITHIN), "told once");
        assert!(echo.is_missing(11 + BACK_WITHIN));
        echo.end();
        assert!(!echo.is_missing(11 + BACK_WITHIN));
    }
}
