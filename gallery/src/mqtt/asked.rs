//! The subscriptions that the broker has not answered, so that a refused one can be named.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rumqttc::SubscribeReasonCode;

/// The filters of each SUBSCRIBE in order, with its packet id once it was sent.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    queued: VecDeque<Vec<String>>,
    sent: HashMap<u16, Vec<String>>,
}

impl Asked {
    /// The next packet asks for these.
    pub fn queue(&self, filters: Vec<String>) {
        self.lock().queued.push_back(filters);
    }

    /// The packet was sent.
    pub fn sent(&self, id: u16) {
        let mut waiting = self.lock();
        if let Some(filters) = waiting.queued.pop_front() {
            waiting.sent.insert(id, filters);
        }
    }

    /// The broker answered. Returns the filters that it refuses.
    pub fn answered(&self, id: u16, codes: &[SubscribeReasonCode]) -> Vec<String> {
        let filters = self.lock().sent.remove(&id).unwrap_or_default();
        let refused = |(filter, code)| (code == &SubscribeReasonCode::Failure).then_some(filter);
        filters.into_iter().zip(codes).filter_map(refused).collect()
    }

    /// The connection is lost, with all that was asked.
    pub fn clear(&self) {
        *self.lock() = Waiting::default();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SubscribeReasonCode::Failure;

    #[test]
    fn a_refused_filter_is_told_by_name() {
        let (asked, granted) =
            (Asked::default(), SubscribeReasonCode::Success(rumqttc::QoS::AtMostOnce));
        asked.queue(vec!["a".into(), "b".into()]);
        asked.queue(vec!["c".into()]);
        asked.sent(7);
        asked.sent(8);
        assert_eq!(asked.answered(8, &[Failure]), ["c"]);
        assert_eq!(asked.answered(7, &[granted, Failure]), ["b"]);
        assert!(asked.answered(7, &[Failure]).is_empty(), "answered already");
        asked.queue(vec!["d".into()]);
        asked.clear();
        asked.sent(9);
        assert!(asked.answered(9, &[Failure]).is_empty());
    }
}
