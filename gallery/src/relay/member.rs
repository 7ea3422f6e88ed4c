//! A client as the others see it: its queue, and whether it keeps up.
//!
//! A client with credits is sent so many messages, and then one for each that it answers. Meanwhile
//! the newest of each sender waits, and nobody waits for the client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use websocket::close::TRY_LATER;

use super::message::Message;
use super::outbox::{ClientId, Outbox};

/// A client keeps up while no more than this waits for it, in bytes.
const KEEPS_UP: usize = 32 * 1024;

/// How long a sender waits for those who do not keep up. After that it does not wait for them until
/// they have taken everything.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Member {
    inner: Mutex<Inner>,
    /// Told when there is something to send.
    came: Notify,
    /// Told when something was taken.
    taken: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    outbox: Outbox,
    credits: Option<Credits>,
    pong: Option<Bytes>,
    close: Option<(u16, &'static str)>,
    is_slow: bool,
}

/// How many messages a client may be sent before it answers one.
#[derive(Debug, Clone, Copy)]
struct Credits {
    left: u8,
    most: u8,
}

/// What to send to a client next.
#[derive(Debug)]
pub(crate) enum Next {
    Message(Message),
    Pong(Bytes),
    /// A code and a reason; nothing follows.
    Close(u16, &'static str),
}

impl Member {
    /// A client with so many credits; without a number it is sent everything.
    pub fn new(credits: Option<u8>) -> Member {
        let credits = credits.map(|most| Credits { left: most, most });
        Member { inner: Mutex::new(Inner { credits, ..Inner::default() }), ..Member::default() }
    }

    /// Queues a message, or closes the client if too much waits.
    pub fn put(&self, from: ClientId, message: Message) {
        let mut inner = self.lock();
        if inner.close.is_some() {
            return;
        }
        let put = match inner.credits {
            Some(_) => inner.outbox.put_newest(from, message),
            None => inner.outbox.put(from, message),
        };
        if put.is_err() {
            inner.close(TRY_LATER, "more than 16 MiB wait for you");
        }
        drop(inner);
        self.came.notify_one();
        self.taken.notify_waiters();
    }

    /// Answers a ping: only the newest needs an answer (section 5.5.3).
    pub fn pong(&self, payload: Bytes) {
        self.lock().pong = Some(payload);
        self.came.notify_one();
    }

    /// The client answers a message. `false` if it has no credits: then this was no answer.
    pub fn answered(&self) -> bool {
        let mut inner = self.lock();
        let Some(credits) = &mut inner.credits else { return false };
        credits.left = credits.most.min(credits.left + 1);
        self.came.notify_one();
        true
    }

    /// Closes the client with a code and a reason, and drops what waits. The first close counts.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.lock().close(code, reason);
        self.came.notify_one();
        self.taken.notify_waiters();
    }

    /// What to send next. The socket calls this after it has sent the last one.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.came.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut inner = self.lock();
        if let Some(pong) = inner.pong.take() {
            return Some(Next::Pong(pong));
        }
        if let Some((code, reason)) = inner.close {
            return Some(Next::Close(code, reason));
        }
        let message = match &mut inner.credits {
            Some(Credits { left: 0, .. }) => None,
            _ => inner.outbox.take(),
        };
        if let (Some(credits), Some(_)) = (&mut inner.credits, &message) {
            credits.left -= 1;
        }
        inner.is_slow &= message.is_some();
        drop(inner);
        self.taken.notify_waiters();
        message.map(Next::Message)
    }

    /// How many messages newer ones replaced.
    pub fn replaced(&self) -> u64 {
        self.lock().outbox.replaced()
    }

    /// Waits until all who keep up have room for more. So a sender that is faster than they are
    /// fills its own socket and has to wait; but one that stalls delays it once, by [`PATIENCE`].
    pub async fn all_take(members: &[Arc<Member>]) {
        let deadline = Instant::now() + PATIENCE;
        for member in members {
            member.has_room(deadline).await;
        }
    }

    async fn has_room(&self, deadline: Instant) {
        loop {
            let taken = self.taken.notified();
            if self.lock().has_room() {
                return;
            }
            if timeout_at(deadline, taken).await.is_err() {
                self.lock().is_slow = true;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self, code: u16, reason: &'static str) {
        self.close.get_or_insert((code, reason));
        self.outbox.clear();
    }

    fn has_room(&self) -> bool {
        let waits_for_nobody = self.is_slow || self.credits.is_some() || self.close.is_some();
        waits_for_nobody || self.outbox.bytes() <= KEEPS_UP
    }
}
