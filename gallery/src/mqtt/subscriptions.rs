//! Which live pictures the gallery subscribes to. Pure.
//!
//! The gallery unsubscribes some seconds after a topic's last viewer has gone. A viewer who returns
//! meanwhile costs the broker nothing, and no broker gets an UNSUBSCRIBE and a SUBSCRIBE of the
//! same topic at once, which some handle in the wrong order.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use wire::{CameraId, Size};

use super::Wants;

/// How long a subscription outlives its last viewer: twice the interval of wants, at which this is
/// checked.
const LINGER: Duration = Duration::from_secs(6);

type Live = (CameraId, Size);

/// The subscriptions, and since when nobody has wanted each.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(BTreeMap<Live, Option<Instant>>);

/// What to subscribe to, and what to unsubscribe from.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    pub begin: Vec<Live>,
    pub end: Vec<Live>,
}

impl Subscriptions {
    /// The change for the current wants.
    pub fn change(&mut self, wants: &Wants, now: Instant) -> Change {
        let mut change = Change::default();
        let is_wanted = |(camera, size): &Live| {
            let rates = wants.get(camera).into_iter().flatten();
            Size::ALL.into_iter().zip(rates).any(|(of, &fps)| of == *size && fps > 0.0)
        };
        self.0.retain(|live, unwanted| {
            *unwanted = if is_wanted(live) { None } else { unwanted.or(Some(now)) };
            let is_kept = unwanted.is_none_or(|since| now.duration_since(since) < LINGER);
            if !is_kept {
                change.end.push(live.clone());
            }
            is_kept
        });
        for camera in wants.keys() {
            for live in Size::ALL.map(|size| (camera.clone(), size)) {
                if is_wanted(&live) && !self.0.contains_key(&live) {
                    self.0.insert(live.clone(), None);
                    change.begin.push(live);
                }
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_left_some_seconds_after_its_last_viewer() {
        let (start, camera) = (Instant::now(), "pi/door".parse::<CameraId>().unwrap());
        let mut subscribed = Subscriptions::default();
        let wants = |full| Wants::from([(camera.clone(), [full, 0.0, 0.0])]);
        let live = || vec![(camera.clone(), Size::Full)];
        let mut change = |wants: &Wants, seconds| {
            let Change { begin, end } =
                subscribed.change(wants, start + Duration::from_secs(seconds));
            (begin, end)
        };
        assert_eq!(change(&wants(30.0), 0), (live(), vec![]));
        assert_eq!(change(&wants(0.0), 1), (vec![], vec![]));
        assert_eq!(change(&wants(5.0), 5), (vec![], vec![]), "a viewer came back");
        assert_eq!(change(&Wants::new(), 8), (vec![], vec![]));
        assert_eq!(change(&Wants::new(), 13), (vec![], vec![]));
        assert_eq!(change(&Wants::new(), 14), (vec![], live()));
        assert_eq!(change(&wants(5.0), 15), (live(), vec![]));
    }
}
