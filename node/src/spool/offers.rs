//! Decides which snapshot of the spool is offered next, and when. It uses neither disk nor network.
//!
//! At most [`limits::OFFERS`] wait for their `stored`, the oldest first. New photos take turns with
//! old ones, so that a person who has just pressed the shutter need not wait for a backlog. One
//! without an answer within [`limits::OFFER_EVERY`], or that the gallery cannot store now, goes to
//! the end. While no gallery is online nobody answers, so a new one does not wait for that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use wire::{GalleryId, PhotoId, limits};

/// The pause after a gallery's first refusal in a row; it doubles with each.
const PAUSE: Duration = Duration::from_secs(1);

/// The order of offers over one connection.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    places: BTreeMap<PhotoId, Place>,
    /// Earlier photos, or ones offered in vain; none goes before its time.
    line: VecDeque<(PhotoId, Instant)>,
    /// Photos just taken or requested.
    fresh: VecDeque<PhotoId>,
    /// The offered ones, and when.
    offered: Vec<(PhotoId, Instant)>,
    was_old: bool,
    galleries: BTreeSet<GalleryId>,
    refusals: u32,
    unanswered: u32,
    paused: Option<Instant>,
}

/// The place of a snapshot. An entry of `line` or `fresh` that disagrees with it is outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Line,
    Fresh,
    Offered,
}

/// The next action.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Offer this one now.
    Offer(PhotoId),
    /// Ask again at this time, or when something has changed.
    At(Instant),
    /// Ask again when something has changed.
    Nothing,
}

impl Offers {
    /// Offers all waiting photos again, oldest first: the connection is up, or a gallery came.
    pub fn begin(&mut self, waiting: impl Iterator<Item = PhotoId>, now: Instant) {
        self.places.clear();
        self.fresh.clear();
        self.offered.clear();
        self.line = waiting.map(|id| (id, now)).collect();
        self.places.extend(self.line.iter().map(|(id, _)| (id.clone(), Place::Line)));
        (self.refusals, self.paused) = (0, None);
    }

    /// The connection is down; the next one must learn again who is online.
    pub fn end(&mut self) {
        self.galleries.clear();
    }

    /// A gallery came or went. True if it was not there before.
    pub fn gallery(&mut self, id: GalleryId, is_online: bool) -> bool {
        if is_online {
            self.galleries.insert(id)
        } else {
            self.galleries.remove(&id);
            false
        }
    }

    /// A photo was just taken, or requested again.
    pub fn add(&mut self, id: PhotoId) {
        if self.put(&id, Place::Fresh) != Some(Place::Fresh) {
            self.fresh.push_back(id);
        }
    }

    /// A photo is stored, or refused for good.
    pub fn remove(&mut self, id: &PhotoId) {
        self.places.remove(id);
        self.offered.retain(|(offered, _)| offered != id);
        (self.refusals, self.unanswered, self.paused) = (0, 0, None);
    }

    /// A gallery cannot store this photo now.
    pub fn put_off(&mut self, id: &PhotoId, now: Instant) {
        if self.places.get(id) == Some(&Place::Offered) {
            self.unanswered = 0;
            self.queue(id.clone(), now + limits::OFFER_EVERY);
            let pause = PAUSE * 2_u32.pow(self.refusals.min(5));
            self.refusals += 1;
            self.paused = Some(now + pause.min(limits::OFFER_EVERY));
        }
    }

    /// The broker accepts none of this size: it waits for later, and delays no other.
    pub fn hold(&mut self, id: &PhotoId, now: Instant) {
        if self.places.get(id) == Some(&Place::Offered) {
            self.queue(id.clone(), now + limits::OFFER_EVERY);
        }
    }

    /// How many offers in a row got no answer although a gallery is online.
    pub fn unanswered(&self) -> u32 {
        if self.galleries.is_empty() { 0 } else { self.unanswered }
    }

    /// The next action. A photo to offer counts as offered from here on.
    pub fn next(&mut self, now: Instant) -> Next {
        self.expire(now);
        if let Some(paused) = self.paused.filter(|&paused| paused > now) {
            return Next::At(paused);
        }
        self.drop_former();
        let has_room = self.offered.len() < limits::OFFERS;
        let line = self.line.front().map(|&(_, from)| from);
        let old = has_room && line.is_some_and(|from| from <= now);
        let fresh = !self.fresh.is_empty() && (has_room || self.galleries.is_empty());
        if old && !(fresh && self.was_old) {
            self.was_old = true;
            return self.line.pop_front().map_or(Next::Nothing, |(id, _)| self.offer(id, now));
        }
        if fresh {
            self.was_old = false;
            return self.fresh.pop_front().map_or(Next::Nothing, |id| self.offer(id, now));
        }
        let expiry = self.offered.iter().map(|(_, at)| *at + limits::OFFER_EVERY).min();
        let due = if has_room { line } else { None };
        expiry.into_iter().chain(due).min().map_or(Next::Nothing, Next::At)
    }

    fn offer(&mut self, id: PhotoId, now: Instant) -> Next {
        self.put(&id, Place::Offered);
        self.offered.push((id.clone(), now));
        Next::Offer(id)
    }

    /// Moves photos without an answer to the end.
    fn expire(&mut self, now: Instant) {
        let is_old = |at: &Instant| now.saturating_duration_since(*at) >= limits::OFFER_EVERY;
        while let Some((id, _)) = self.offered.iter().find(|(_, at)| is_old(at)).cloned() {
            self.unanswered = self.unanswered.saturating_add(1);
            self.queue(id, now);
        }
    }

    fn queue(&mut self, id: PhotoId, from: Instant) {
        self.put(&id, Place::Line);
        self.line.push_back((id, from));
    }

    /// Sets its place, and returns the earlier one.
    fn put(&mut self, id: &PhotoId, place: Place) -> Option<Place> {
        self.offered.retain(|(offered, _)| offered != id);
        self.places.insert(id.clone(), place)
    }

    fn drop_former(&mut self) {
        let places = &self.places;
        while self.line.front().is_some_and(|(id, _)| places.get(id) != Some(&Place::Line)) {
            self.line.pop_front();
        }
        while self.fresh.front().is_some_and(|id| places.get(id) != Some(&Place::Fresh)) {
            self.fresh.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> PhotoId {
        PhotoId::new(n, 0)
    }

    fn offered(offers: &mut Offers, now: Instant) -> Vec<PhotoId> {
        std::iter::from_fn(|| match offers.next(now) {
            Next::Offer(id) => Some(id),
            Next::At(_) | Next::Nothing => None,
        })
        .collect()
    }

    fn start(waiting: u64, now: Instant) -> Offers {
        let mut offers = Offers::default();
        offers.begin((0..waiting).map(id), now);
        offers.gallery("home".parse().unwrap(), true);
        offers
    }

    #[test]
    fn two_at_a_time_and_the_oldest_first() {
        let now = Instant::now();
        let mut offers = start(4, now);
        assert_eq!(offered(&mut offers, now), [id(0), id(1)]);
        offers.remove(&id(1));
        assert_eq!(offered(&mut offers, now), [id(2)]);
        offers.remove(&id(0));
        offers.remove(&id(2));
        assert_eq!(offered(&mut offers, now), [id(3)]);
        offers.remove(&id(3));
        assert_eq!(offers.next(now), Next::Nothing);
    }

    #[test]
    fn a_new_one_takes_turns_with_the_old() {
        let now = Instant::now();
        let mut offers = start(9, now);
        offered(&mut offers, now);
        offers.add(id(20));
        offers.remove(&id(0));
        offers.remove(&id(1));
        assert_eq!(offered(&mut offers, now), [id(20), id(2)]);
    }

    #[test]
    fn what_nobody_answers_goes_behind_the_others() {
        let now = Instant::now();
        let mut offers = start(3, now);
        assert_eq!(offered(&mut offers, now), [id(0), id(1)]);
        assert_eq!(offers.next(now), Next::At(now + limits::OFFER_EVERY));
        let later = now + limits::OFFER_EVERY;
        assert_eq!(offered(&mut offers, later), [id(2), id(0)]);
    }

    #[test]
    fn one_that_the_broker_does_not_take_holds_up_no_other() {
        let now = Instant::now();
        let mut offers = start(3, now);
        assert_eq!(offers.next(now), Next::Offer(id(0)));
        offers.hold(&id(0), now);
        assert_eq!(offered(&mut offers, now), [id(1), id(2)]);
        assert_eq!(offers.unanswered(), 0);
        offered(&mut offers, now + limits::OFFER_EVERY);
        assert_eq!(offers.unanswered(), 2);
        offers.remove(&id(1));
        assert_eq!(offers.unanswered(), 0);
    }

    #[test]
    fn without_a_gallery_a_new_one_does_not_wait_for_an_answer() {
        let now = Instant::now();
        let mut offers = Offers::default();
        offers.begin((0..5).map(id), now);
        assert_eq!(offered(&mut offers, now), [id(0), id(1)]);
        offers.add(id(9));
        assert_eq!(offered(&mut offers, now), [id(9)], "and no more of the old ones");
    }

    #[test]
    fn a_gallery_that_cannot_store_is_asked_slower_and_slower() {
        let mut now = Instant::now();
        let mut offers = start(100, now);
        offered(&mut offers, now);
        offers.put_off(&id(0), now);
        assert_eq!(offers.next(now), Next::At(now + PAUSE));
        let mut count = 0;
        let end = now + Duration::from_secs(300);
        while now < end {
            match offers.next(now) {
                Next::Offer(id) => {
                    count += 1;
                    offers.put_off(&id, now);
                }
                Next::At(then) => now = then,
                Next::Nothing => panic!("there is something to offer"),
            }
        }
        assert!((10..30).contains(&count), "{count}");
        offers.remove(&id(50));
        assert!(matches!(offers.next(now), Next::Offer(_)), "one that is stored ends the pause");
    }

    #[test]
    fn one_that_cannot_be_stored_now_does_not_hold_up_the_others() {
        let now = Instant::now();
        let mut offers = start(3, now);
        offered(&mut offers, now);
        offers.put_off(&id(0), now);
        offers.remove(&id(1));
        assert_eq!(offered(&mut offers, now), [id(2)]);
        offers.remove(&id(2));
        assert_eq!(offered(&mut offers, now), []);
        assert_eq!(offered(&mut offers, now + limits::OFFER_EVERY), [id(0)]);
    }

    #[test]
    fn one_that_is_asked_for_again_is_offered_again() {
        let now = Instant::now();
        let mut offers = start(1, now);
        assert_eq!(offered(&mut offers, now), [id(0)]);
        offers.add(id(0));
        offers.add(id(0));
        assert_eq!(offered(&mut offers, now), [id(0)]);
    }

    #[test]
    fn a_gallery_that_comes_is_new_once() {
        let mut offers = Offers::default();
        assert!(offers.gallery("home".parse().unwrap(), true));
        assert!(!offers.gallery("home".parse().unwrap(), true));
        offers.gallery("home".parse().unwrap(), false);
        assert!(offers.gallery("home".parse().unwrap(), true));
    }

    #[test]
    fn what_is_gone_before_its_turn_is_not_offered() {
        let now = Instant::now();
        let mut offers = start(3, now);
        offers.remove(&id(0));
        offers.add(id(7));
        offers.remove(&id(7));
        assert_eq!(offered(&mut offers, now), [id(1), id(2)]);
    }
}
