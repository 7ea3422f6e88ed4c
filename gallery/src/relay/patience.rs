//! How long those who send wait for one who receives: as long as it takes something now and then, and
//! once for one that stalls. So a sender that is faster than the others fills its own socket and has
//! to wait itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long senders wait for somebody who takes nothing. After that they do not wait for them until
/// they have taken everything.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How long a receiver is waited for.
#[derive(Debug)]
pub struct Patience {
    is_over: bool,
    /// When it took something last, or something came after it had taken all.
    moved: Instant,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { is_over: false, moved: Instant::now() }
    }
}

impl Patience {
    /// The receiver took something, or something came after it had taken all.
    pub fn moved(&mut self) {
        self.moved = Instant::now();
    }

    /// The receiver has taken everything: it is waited for again.
    pub fn begins(&mut self) {
        self.is_over = false;
    }

    /// Nobody waits for the receiver until it has taken everything.
    pub fn ends(&mut self) {
        self.is_over = true;
    }

    /// Whether nobody waits for the receiver.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

/// Somebody who receives what others send.
pub trait Receives<M> {
    /// Queues a message, unless the receiver has to take others first, which it may be waited for.
    fn offer(&self, message: &M) -> bool;

    /// Queues the last message of a sender that is gone, if it fits at all.
    fn put_last(&self, message: &M);

    /// Told when something was taken.
    fn taken(&self) -> &Notify;

    /// Reads or changes how long it is waited for.
    fn patience<T>(&self, act: impl FnOnce(&mut Patience) -> T) -> T;
}

/// Queues a message as soon as the receiver has room for it, or has taken nothing for [`PATIENCE`].
pub async fn put_in_time<M>(receiver: &impl Receives<M>, message: &M) {
    loop {
        let taken = receiver.taken().notified();
        if receiver.offer(message) {
            return;
        }
        let stalls = receiver.patience(|patience| patience.moved + PATIENCE);
        if timeout_at(stalls, taken).await.is_err() {
            // Another message may have been taken at that very moment.
            receiver.patience(|patience| {
                patience.is_over |= patience.moved + PATIENCE <= Instant::now();
            });
        }
    }
}

/// Gives a message to all receivers: at once to those who have room for it, then to the others as
/// soon as they have. However many send at once, no more than one message waits for each who keeps
/// up, besides little ones. Should the sender go meanwhile, they get it all the same.
pub async fn give<M, R: Receives<M>>(mut receivers: Vec<Arc<R>>, message: &M) {
    receivers.retain(|receiver| !receiver.offer(message));
    let mut rest = Rest { late: receivers, message };
    while let Some(receiver) = rest.late.last() {
        put_in_time(&**receiver, message).await;
        rest.late.pop();
    }
}

/// Those who have not got a message yet.
struct Rest<'a, M, R: Receives<M>> {
    late: Vec<Arc<R>>,
    message: &'a M,
}

impl<M, R: Receives<M>> Drop for Rest<'_, M, R> {
    fn drop(&mut self) {
        self.late.iter().for_each(|receiver| receiver.put_last(self.message));
    }
}
