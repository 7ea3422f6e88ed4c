//! A client as the others see it: what it is sent, and whether it keeps up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use websocket::close::TRY_LATER;

use super::message::Message;
use super::outbox::{ClientId, Outbox};

/// A client keeps up when no more than this waits for it, in bytes.
const KEEPS_UP: usize = 32 * 1024;

/// A sender is read on after this, whoever has not kept up, and waits no more for those until
/// they have taken everything.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Member {
    inner: Mutex<Inner>,
    /// There is something to send.
    came: Notify,
    /// Something was taken.
    taken: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    outbox: Outbox,
    pong: Option<Bytes>,
    close: Option<(u16, &'static str)>,
    is_slow: bool,
}

/// What a client is sent next.
#[derive(Debug)]
pub(crate) enum Next {
    Message(Message),
    Pong(Bytes),
    /// A code and a reason; the last that it is sent.
    Close(u16, &'static str),
}

impl Member {
    /// Gives it a message, or closes it when too much waits.
    pub fn put(&self, from: ClientId, message: Message) {
        let mut inner = self.lock();
        if inner.close.is_some() {
            return;
        }
        if inner.outbox.put(from, message).is_err() {
            inner.close(TRY_LATER, "more than 16 MiB wait for you");
        }
        drop(inner);
        self.came.notify_one();
        self.taken.notify_waiters();
    }

    /// Answers a ping: the newest is enough (section 5.5.3).
    pub fn pong(&self, payload: Bytes) {
        self.lock().pong = Some(payload);
        self.came.notify_one();
    }

    /// Lets it go, with a code and a reason. What waits is forgotten. The first close counts.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.lock().close(code, reason);
        self.came.notify_one();
        self.taken.notify_waiters();
    }

    /// What it is to be sent next. Its socket takes this when it has sent what was before.
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
        let message = inner.outbox.take();
        inner.is_slow &= message.is_some();
        drop(inner);
        self.taken.notify_waiters();
        message.map(Next::Message)
    }

    /// How many messages newer ones replaced.
    pub fn replaced(&self) -> u64 {
        self.lock().outbox.replaced()
    }

    /// Waits until all who keep up have room for more. So a sender's own socket fills when it is
    /// faster than they are, and it has to wait; but one who stalls delays it by [`PATIENCE`] once.
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
        self.is_slow || self.close.is_some() || self.outbox.bytes() <= KEEPS_UP
    }
}
