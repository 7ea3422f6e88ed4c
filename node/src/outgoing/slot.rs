//! One slot for each picture topic, between the cameras and the connection: the newest stays.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::outgoing::stats::{Counters, Ticket};

/// A picture on its way to the broker.
#[derive(Debug)]
pub(crate) struct Picture {
    /// The whole topic.
    pub topic: String,
    /// The JPEG, stamped.
    pub jpeg: Bytes,
    /// The counters of its camera.
    pub counters: Counters,
    /// The ticket of its frame; none for a preview, which does not count as a frame.
    pub ticket: Option<Ticket>,
}

/// The slots: one for each topic with a waiting picture.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    open: bool,
    /// The pictures, in the order in which their topics began to wait.
    waiting: VecDeque<Picture>,
}

impl Slots {
    /// Whether pictures can be sent now. If not, making them is useless.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// The connection is up.
    pub fn open(&self) {
        self.lock().open = true;
    }

    /// The connection is down. Waiting pictures would be old when it returns, so they are dropped.
    pub fn close(&self) {
        let left = {
            let mut inner = self.lock();
            inner.open = false;
            std::mem::take(&mut inner.waiting)
        };
        drop(left);
    }

    /// Puts a picture into the slot of its topic. If it replaces another, it keeps that one's turn.
    pub fn put(&self, picture: Picture) {
        let replaced = {
            let mut inner = self.lock();
            if !inner.open {
                return;
            }
            match inner.waiting.iter_mut().find(|waiting| waiting.topic == picture.topic) {
                Some(waiting) => Some(std::mem::replace(waiting, picture)),
                None => {
                    inner.waiting.push_back(picture);
                    None
                }
            }
        };
        if let Some(ticket) = replaced.and_then(|old| old.ticket) {
            ticket.dropped("superseded");
        }
        self.filled.notify_one();
    }

    /// The picture whose topic has waited longest.
    pub async fn take(&self) -> Picture {
        loop {
            if let Some(picture) = self.try_take() {
                return picture;
            }
            self.filled.notified().await;
        }
    }

    /// The same, without waiting; `None` if there is none.
    pub fn try_take(&self) -> Option<Picture> {
        self.lock().waiting.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(topic: &str, jpeg: &'static str, counters: &Counters) -> Picture {
        Picture {
            topic: topic.into(),
            jpeg: jpeg.into(),
            counters: counters.clone(),
            ticket: Some(counters.ticket()),
        }
    }

    #[tokio::test]
    async fn the_newest_wins_and_what_it_replaced_is_counted() {
        let (slots, counters) = (Slots::default(), Counters::default());
        slots.open();
        for jpeg in ["1", "2", "3"] {
            slots.put(picture("a", jpeg, &counters));
        }
        let taken = slots.take().await;
        assert_eq!(taken.jpeg, "3");
        taken.ticket.unwrap().published();
        assert_eq!(counters.snapshot().dropped["superseded"], 2);
    }

    #[tokio::test]
    async fn a_replaced_picture_keeps_its_turn() {
        let (slots, counters) = (Slots::default(), Counters::default());
        slots.open();
        for (topic, jpeg) in [("a", "1"), ("b", "2"), ("a", "3")] {
            slots.put(picture(topic, jpeg, &counters));
        }
        assert_eq!(slots.take().await.jpeg, "3");
        assert_eq!(slots.take().await.jpeg, "2");
    }

    #[tokio::test]
    async fn what_waited_when_the_connection_went_is_lost_and_counted() {
        let (slots, counters) = (Slots::default(), Counters::default());
        slots.put(picture("a", "before", &counters));
        slots.open();
        slots.put(picture("a", "1", &counters));
        slots.close();
        assert_eq!(counters.snapshot().dropped["connection"], 2);
        slots.open();
        slots.put(picture("a", "2", &counters));
        assert_eq!(slots.take().await.jpeg, "2");
    }
}
