//! Whether the live pictures that nodes publish arrive. Pure.
//!
//! A broker that takes a picture and gives it to nobody, for its permissions or its size, tells
//! nobody. But a node's heartbeat says how many it has published: who wanted them from one
//! heartbeat to the next and got none is not given them.

use std::collections::{BTreeMap, BTreeSet};

use wire::{CameraId, Stats};

use crate::now::Micros;

/// What is known of the cameras that are wanted.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    watched: BTreeMap<CameraId, Watched>,
    dark: BTreeSet<CameraId>,
}

#[derive(Debug)]
struct Watched {
    /// What the last heartbeat said was published.
    published: u64,
    /// Whether a live picture came since.
    came: bool,
}

impl Arrivals {
    /// A live picture came. Most are of cameras that are known to arrive.
    pub fn came(&mut self, camera: &CameraId) {
        if let Some(watched) = self.watched.get_mut(camera) {
            watched.came = true;
        }
        if !self.dark.is_empty() {
            self.dark.remove(camera);
        }
    }

    /// A heartbeat of the node of these cameras, which are all of it that are wanted now. Gives
    /// those of which it is new that their pictures do not arrive.
    pub fn beat(
        &mut self,
        node: &wire::NodeName,
        stats: &Stats,
        wanted: impl Iterator<Item = CameraId>,
    ) -> Vec<CameraId> {
        let wanted: BTreeSet<CameraId> = wanted.filter(|camera| camera.node == *node).collect();
        self.watched.retain(|camera, _| camera.node != *node || wanted.contains(camera));
        self.dark.retain(|camera| camera.node != *node || wanted.contains(camera));
        let mut new = Vec::new();
        for camera in wanted {
            let published = stats.cameras.get(&camera.camera).map_or(0, |camera| camera.published);
            let now = Watched { published, came: false };
            // Pictures and heartbeats go over two connections: a single one may be on its way.
            if let Some(before) = self.watched.insert(camera.clone(), now)
                && !before.came
                && published > before.published + 1
                && self.dark.insert(camera.clone())
            {
                new.push(camera);
            }
        }
        new
    }

    /// The connection is a new one.
    pub fn clear(&mut self) {
        *self = Arrivals::default();
    }

    /// Those whose pictures do not arrive.
    pub fn dark(&self) -> impl Iterator<Item = &CameraId> {
        self.dark.iter()
    }
}

/// Whether what this gallery says comes back to it. It is told once to those who look after so
/// long.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    since: Option<Micros>,
    is_told: bool,
}

/// The broker has so long to bring it.
const BACK_WITHIN: Micros = 5_000_000;

impl Echo {
    /// It is connected, and speaks.
    pub fn begin(&mut self, now: Micros) {
        *self = Echo { since: Some(now), is_told: false };
    }

    /// It came back, or the connection is lost.
    pub fn end(&mut self) {
        *self = Echo::default();
    }

    pub fn is_missing(&self, now: Micros) -> bool {
        self.since.is_some_and(|since| now.saturating_sub(since) >= BACK_WITHIN)
    }

    /// The same, once.
    pub fn is_newly_missing(&mut self, now: Micros) -> bool {
        let is_missing = self.is_missing(now);
        is_missing && !std::mem::replace(&mut self.is_told, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(published: u64) -> Stats {
        let text = format!(
            r#"{{"at":1,"mono":1,"boot":"2","cpu":0,"rss":1,"spool":0,
            "cameras":{{"door":{{"fps":1,"made":{published},"published":{published},"bytes":1,"dropped":{{}}}}}}}}"#
        );
        Stats::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_camera_that_publishes_to_nobody_is_told_once_until_it_arrives() {
        let (door, node) = ("pi/door".parse::<CameraId>().unwrap(), "pi".parse().unwrap());
        let mut arrivals = Arrivals::default();
        let beat = |arrivals: &mut Arrivals, published| {
            arrivals.beat(&node, &stats(published), [door.clone()].into_iter())
        };
        assert!(beat(&mut arrivals, 100).is_empty(), "nobody wanted it before");
        assert!(beat(&mut arrivals, 100).is_empty(), "none was published");
        assert_eq!(beat(&mut arrivals, 200), std::slice::from_ref(&door));
        assert!(beat(&mut arrivals, 300).is_empty(), "told already");
        assert_eq!(arrivals.dark().count(), 1);
        arrivals.came(&door);
        assert_eq!(arrivals.dark().count(), 0);
        assert!(beat(&mut arrivals, 400).is_empty());
        assert_eq!(beat(&mut arrivals, 500), std::slice::from_ref(&door));
        arrivals.beat(&node, &stats(600), std::iter::empty());
        assert_eq!(arrivals.dark().count(), 0, "nobody wants it any more");
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
