//! A client as the others see it: its queue, and whether it keeps up.
//!
//! A client with credits is sent so many messages, and then one for each that it answers. Meanwhile
//! the newest of each sender waits, and nobody waits for the client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::Notify;
use traffic::{Client, Mistake, Queue, Queued};
use websocket::close::TRY_LATER;

use super::message::Message;
use super::outbox::{ClientId, Full, Outbox};
use super::patience::{Patience, Receives};

/// A client keeps up while no more than this waits for it, in bytes.
const KEEPS_UP: usize = 32 * 1024;

/// A message, with who sent it.
pub(crate) type Sent = (ClientId, Message);

#[derive(Debug)]
pub(crate) struct Member {
    /// As it is watched.
    pub here: Client,
    inner: Mutex<Inner>,
    /// Told when there is something to send.
    came: Notify,
    /// Told when something was taken.
    taken: Notify,
}

#[derive(Debug)]
struct Inner {
    outbox: Outbox,
    credits: Option<Credits>,
    pong: Option<Bytes>,
    close: Option<(u16, &'static str)>,
    patience: Patience,
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

impl Queue for Member {
    fn queued(&self) -> Queued {
        self.lock().outbox.queued()
    }
}

impl Member {
    /// A client with so many credits; without a number it is sent everything. `here` is how it is
    /// watched.
    pub fn new(credits: Option<u8>, here: Client) -> Arc<Member> {
        let credits = credits.map(|most| Credits { left: most, most });
        let (outbox, patience) = (Outbox::default(), Patience::default());
        let inner = Inner { outbox, credits, pong: None, close: None, patience };
        let (came, taken) = (Notify::new(), Notify::new());
        let member = Arc::new(Member { here, inner: Mutex::new(inner), came, taken });
        let queue: Weak<Member> = Arc::downgrade(&member);
        member.here.waits_in(queue);
        member
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

    /// Waits until it must close.
    pub async fn closes(&self) {
        while self.lock().close.is_none() {
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
        match message {
            Some(_) => inner.patience.moved(),
            None => inner.patience.begins(),
        }
        drop(inner);
        self.taken.notify_waiters();
        message.map(Next::Message)
    }

    /// How many messages newer ones replaced.
    pub fn replaced(&self) -> u64 {
        self.lock().outbox.replaced()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receives<Sent> for Member {
    /// Nobody waits for one whose network somebody made slow. Closes the client if nobody waits for
    /// it and too much does wait.
    fn offer(&self, (from, message): &Sent) -> bool {
        let (keeps_all, is_slowed) = (self.here.keeps_all(), self.here.is_slowed());
        let mut inner = self.lock();
        if is_slowed {
            // Also when its network is fast again: what piled up meanwhile holds nobody up.
            inner.patience.ends();
        }
        if !inner.has_room() {
            return false;
        }
        inner.outbox.keep_all(keeps_all);
        let is_full = inner.queue(*from, message).is_err();
        if is_full {
            inner.close(TRY_LATER, "more than 16 MiB wait for you");
            self.taken.notify_waiters();
        }
        drop(inner);
        if is_full {
            self.here.mistake(Mistake::TakesNothing);
        }
        self.came.notify_one();
        true
    }

    fn put_last(&self, (from, message): &Sent) {
        let _ = self.lock().queue(*from, message);
        self.came.notify_one();
    }

    fn taken(&self) -> &Notify {
        &self.taken
    }

    fn patience<T>(&self, act: impl FnOnce(&mut Patience) -> T) -> T {
        act(&mut self.lock().patience)
    }
}

impl Inner {
    fn queue(&mut self, from: ClientId, message: &Message) -> Result<(), Full> {
        if self.close.is_some() {
            return Ok(());
        }
        if self.outbox.bytes() == 0 {
            self.patience.moved();
        }
        if self.credits.is_some() {
            self.outbox.put_newest(from, message.clone());
            return Ok(());
        }
        self.outbox.put(from, message.clone())
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        self.close.get_or_insert((code, reason));
        self.outbox.clear();
    }

    fn has_room(&self) -> bool {
        let nobody_waits =
            self.patience.is_over() || self.credits.is_some() || self.close.is_some();
        nobody_waits || self.outbox.bytes() <= KEEPS_UP
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::task::JoinSet;
    use tokio::time::{Instant, sleep};
    use traffic::{Switches, Traffic, Way};
    use websocket::Kind;

    use super::*;
    use crate::limits::shares::{Shares, Who};
    use crate::relay::message::MESSAGE;
    use crate::relay::patience::{PATIENCE, put_in_time};

    fn message(len: usize) -> Message {
        let memory = Shares::new("bytes", 0).none(Who::Gallery);
        Message::new(Kind::Text, vec![b'x'; len].into(), memory)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_steadily_is_waited_for_however_many_send_and_who_stalls_once() {
        let member = Member::new(None, Client::default());
        let mut senders = JoinSet::new();
        for from in 0..30 {
            let member = member.clone();
            senders.spawn(async move { put_in_time(&*member, &(from, message(1_000_000))).await });
        }
        for _ in 0..30 {
            sleep(PATIENCE * 3 / 4).await;
            assert!(!member.lock().patience.is_over() && member.lock().outbox.bytes() < 2_000_000);
            assert!(matches!(member.next().await, Next::Message(_)));
        }
        while senders.join_next().await.is_some() {}
        let before = Instant::now();
        for waits in [false, true, false, false] {
            let before = Instant::now();
            put_in_time(&*member, &(1, message(1_000_000))).await;
            assert_eq!(before.elapsed() >= PATIENCE, waits);
        }
        assert!(before.elapsed() < 2 * PATIENCE);
        for _ in 0..4 {
            assert!(matches!(member.next().await, Next::Message(_)));
        }
        assert!(member.take().is_none() && !member.lock().patience.is_over());
    }

    #[test]
    fn nobody_waits_for_what_piled_up_while_a_network_was_slow() {
        let traffic = Traffic::watched();
        let here = traffic.enter(Way::WebSocket, [127, 0, 0, 1].into());
        let member = Member::new(None, here);
        let chosen = BTreeSet::from(["127.0.0.1".to_owned()]);
        traffic.switch(Switches { slow: true, chosen, ..Switches::default() });
        assert!((0..3).all(|_| member.offer(&(1, message(1_000_000)))));
        traffic.switch(Switches::default());
        assert!(member.offer(&(1, message(1_000_000))));
        for _ in 0..4 {
            assert!(matches!(member.take(), Some(Next::Message(_))));
        }
        assert!(member.take().is_none() && member.offer(&(1, message(1_000_000))));
        assert!(!member.offer(&(1, message(1_000_000))), "it keeps up again, and is waited for");
    }

    #[test]
    fn the_last_message_of_a_sender_that_goes_closes_nobody() {
        let member = Member::new(None, Client::default());
        for _ in 0..3 {
            member.put_last(&(1, message(MESSAGE)));
        }
        assert_eq!(member.lock().outbox.bytes() / MESSAGE, 1);
        assert!(matches!(member.take(), Some(Next::Message(_))) && member.take().is_none());
    }
}
