//! Reads a client's messages, with bounds on what it leaves unfinished: a part of the memory that
//! all unfinished messages share, and a time.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout, timeout_at};
use traffic::Mistake;
use websocket::close::{POLICY, TOO_LARGE, TRY_LATER};
use websocket::{Broken, Incoming, Kind, Messages, TooLong};

use crate::limits::shares::Share;
use crate::limits::strangers::MESSAGE_WITHIN;

const LATE: Broken = Broken(POLICY, "a message was not finished within 30 s");
const FULL: Broken = Broken(TRY_LATER, "too many messages of your address wait or are unfinished");

/// Reads a client's messages, see the module.
#[derive(Debug)]
pub struct Receiver {
    /// The most bytes read at once.
    step: usize,
    messages: Messages,
    most: usize,
    /// The message's share of the memory, also for the last one until the next is asked for.
    memory: Share,
    /// How long a message may take, and when the current one must be finished.
    within: Duration,
    by: Option<Instant>,
}

impl Receiver {
    /// Reads `step` bytes at once. `begun` was read from the connection already. A message may have
    /// `most` bytes, and takes them from `memory`.
    pub(crate) fn new(step: usize, most: usize, begun: &[u8], memory: Share) -> Self {
        let mut messages = Messages::new(most);
        messages.buffer().extend_from_slice(begun);
        Receiver { step, messages, most, memory, within: MESSAGE_WITHIN, by: None }
    }

    /// The client's next message; `None` after it has gone. Safe to cancel.
    ///
    /// # Errors
    /// [`Broken`]; what follows cannot be parsed any more.
    pub async fn receive(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<Incoming>, Broken> {
        if !self.messages.is_within_message() {
            self.memory.free();
        }
        loop {
            if let Some(incoming) = self.messages.parse()? {
                self.by = self.by.filter(|_| self.messages.is_within_message());
                return Ok(Some(incoming));
            }
            self.messages.buffer().reserve(self.step);
            let read = match self.messages.is_unfinished() {
                false => stream.read_buf(self.messages.buffer()).await,
                true => {
                    let by = *self.by.get_or_insert_with(|| Instant::now() + self.within);
                    let enough = self.memory.wait(self.messages.unfinished());
                    timeout_at(by, enough).await.map_err(|_| FULL)?;
                    let more = stream.read_buf(self.messages.buffer());
                    timeout_at(by, more).await.map_err(|_| LATE)?
                }
            };
            match read {
                Ok(0) | Err(_) => return Ok(None),
                Ok(_) => {}
            }
        }
    }

    /// What the client did that broke off.
    pub fn mistake(&self, Broken(code, _): Broken) -> Mistake {
        match (code, self.messages.too_long()) {
            (TOO_LARGE, Some(TooLong { kind, bytes })) => {
                Mistake::TooLarge { bytes, most: self.most as u64, text: kind == Kind::Text }
            }
            (POLICY, _) => Mistake::Unfinished,
            (TRY_LATER, _) => Mistake::NoRoom,
            _ => Mistake::Protocol,
        }
    }

    /// The share of the memory for the last message, of `bytes` bytes, for as long as it is kept.
    ///
    /// # Errors
    /// [`Broken`] if none comes free in the time that a message may take.
    pub async fn memory_for(&mut self, bytes: usize) -> Result<Share, Broken> {
        timeout(self.within, self.memory.wait(bytes)).await.map_err(|_| FULL)?;
        Ok(self.memory.split())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::shares::{Shares, Who};
    use bytes::Bytes;
    use tokio::io::{AsyncWriteExt, duplex};
    use websocket::Kind;

    fn head(first: u8, len: u16) -> Vec<u8> {
        [&[first, 0x80 | 126][..], &len.to_be_bytes(), &[0; 4]].concat()
    }

    fn at(last: u8) -> Who {
        Who::at([127, 0, 0, last].into())
    }

    /// A client that sends `begun` and then only `ping`s, again and again.
    async fn trickle(begun: &[u8], ping: &[u8]) -> Result<Option<Incoming>, Broken> {
        let (mut far, mut near) = duplex(1000);
        let memory = Shares::new("bytes", 1 << 20).none(at(1));
        let mut receiver = Receiver::new(16, 1 << 20, begun, memory);
        receiver.within = Duration::from_millis(50);
        let say = async {
            loop {
                far.write_all(ping).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let receive = async {
            loop {
                match receiver.receive(&mut near).await {
                    Ok(Some(Incoming::Ping(_))) => {}
                    end => return end,
                }
            }
        };
        tokio::select! { end = receive => end, () = say => unreachable!() }
    }

    #[tokio::test]
    async fn what_is_not_finished_in_time_is_given_up_also_between_pings() {
        for begun in [&head(0x82, 60_000)[..], &[0x82], &[0x89, 0x84, 0, 0, 0, 0]] {
            assert_eq!(trickle(begun, &[]).await, Err(LATE), "{begun:?}");
        }
        let ping = [0x89, 0x80, 0, 0, 0, 0];
        assert_eq!(trickle(&head(0x02, 0), &ping).await, Err(LATE));
    }

    #[tokio::test]
    async fn silence_between_messages_is_no_unfinished_one() {
        let (mut far, mut near) = duplex(1000);
        let memory = Shares::new("bytes", 1 << 20).none(at(1));
        let mut receiver = Receiver::new(16, 1 << 20, &[], memory);
        receiver.within = Duration::from_millis(50);
        for _ in 0..3 {
            let silence = timeout(3 * receiver.within, receiver.receive(&mut near)).await;
            assert!(silence.is_err(), "it goes on listening");
            far.write_all(&[0x82, 0x81, 0, 0, 0, 0, 7]).await.unwrap();
            let message = Incoming::Message(Kind::Binary, Bytes::from_static(&[7]));
            assert_eq!(receiver.receive(&mut near).await, Ok(Some(message)));
        }
    }

    #[tokio::test]
    async fn unfinished_messages_of_one_address_leave_memory_for_another() {
        let shares = Shares::new("bytes", 400_000);
        let mut fars = Vec::new();
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (mut far, mut near) = duplex(1 << 20);
            let part = [&head(0x02, 60_000)[..], &vec![7; 60_000]].concat();
            far.write_all(&part).await.unwrap();
            fars.push(far);
            let mut receiver = Receiver::new(4096, 1 << 20, &[], shares.none(at(1)));
            receiver.within = Duration::from_millis(500);
            tasks.push(tokio::spawn(async move { receiver.receive(&mut near).await }));
        }
        // Until they have all that one address may have.
        while shares.none(at(1)).grow(10_000).is_ok() {
            tokio::task::yield_now().await;
        }
        let (mut far, mut near) = duplex(1 << 20);
        let whole = [&head(0x02, 60_000)[..], &vec![7; 60_000], &head(0x80, 0)].concat();
        far.write_all(&whole).await.unwrap();
        let mut receiver = Receiver::new(4096, 1 << 20, &[], shares.none(at(2)));
        assert!(matches!(receiver.receive(&mut near).await, Ok(Some(Incoming::Message(..)))));
        let kept = receiver.memory_for(60_000).await.unwrap();
        for task in tasks {
            // Those at their bound have no memory, and those that got a little are still late.
            assert!(matches!(task.await.unwrap(), Err(end) if end == FULL || end == LATE));
        }
        drop(receiver);
        let mut all = shares.none(at(3));
        assert!(all.grow(200_000).is_err(), "a message takes its part along");
        drop(kept);
        assert!(all.grow(200_000).is_ok());
    }
}
