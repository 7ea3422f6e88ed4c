//! Writes to a client with vectored writes, and ends when the client takes nothing more.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::End;
use crate::core::outbox::Outbox;
use crate::core::sessions::Core;

/// How long a client is given to take its last packet.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// The packets to a client.
pub(super) struct Outgoing<W> {
    writer: W,
    /// Chunks taken from the outbox and not written yet. They outlive [`Outgoing::run`], so that a
    /// half-written packet can be finished before the last one.
    chunks: VecDeque<Bytes>,
    /// Gathers the heads of messages.
    heads: BytesMut,
    stall: Duration,
    core: Arc<Core>,
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub fn new(writer: W, core: Arc<Core>) -> Outgoing<W> {
        let stall = core.limits.stall;
        Outgoing { writer, chunks: VecDeque::new(), heads: BytesMut::new(), stall, core }
    }

    /// Sends what comes into the outbox until the client takes nothing more or the outbox ends.
    pub async fn run(&mut self, outbox: &Outbox) -> End {
        loop {
            outbox.take(&mut self.chunks, &mut self.heads).await;
            if self.chunks.is_empty() {
                return End::Ended(outbox.ended().await);
            }
            if let Err(end) = self.flush().await {
                return end;
            }
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); 64];
            let mut used = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
                used += 1;
            }
            let write = self.writer.write_vectored(slices.get(..used).unwrap_or_default());
            match timeout(self.stall, write).await {
                Err(_) => return Err(End::Stalled),
                Ok(Ok(0)) => return Err(End::Gone(None)),
                Ok(Err(error)) => return Err(End::Gone(Some(error))),
                Ok(Ok(written)) => {
                    self.core.counters.bytes_out.add(written);
                    advance(&mut self.chunks, written);
                }
            }
        }
        // TLS may hold back the end of the data.
        timeout(self.stall, self.writer.flush())
            .await
            .map_err(|_| End::Stalled)?
            .map_err(|error| End::Gone(Some(error)))
    }

    /// Finishes the packet that was begun, writes a last one, then waits until the client has
    /// closed: a socket that is closed with unread bytes discards the last packet.
    pub async fn farewell<R: AsyncRead + Unpin>(&mut self, last: Bytes, reader: &mut R) {
        let _ = timeout(FAREWELL_WITHIN, async {
            if last.is_empty() {
                // TLS and WebSocket also announce the end.
                return self.writer.shutdown().await.ok();
            }
            self.chunks.push_back(last);
            self.flush().await.ok()?;
            self.writer.shutdown().await.ok()?;
            let mut unread = [0; 4096];
            while reader.read(&mut unread).await.ok()? > 0 {}
            Some(())
        })
        .await;
    }
}

fn advance(chunks: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(chunk) = chunks.front_mut() {
        if written < chunk.len() {
            chunk.advance(written);
            return;
        }
        written -= chunk.len();
        chunks.pop_front();
    }
}
