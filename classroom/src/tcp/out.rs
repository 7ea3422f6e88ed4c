//! Writes messages to a client, each as it can tell them apart.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::Ending;

/// A client that takes nothing for this long is left.
const STALL: Duration = Duration::from_secs(30);

/// The pause between two messages without an end. A program that knows only `recv` takes what comes
/// together for one message.
const APART: Duration = Duration::from_millis(20);

/// The way to a client, see the module.
#[derive(Debug)]
pub(crate) struct Out<W> {
    writer: W,
    /// How each message ends.
    pub ending: Ending,
    last: Instant,
}

impl<W: AsyncWrite + Unpin> Out<W> {
    pub fn new(writer: W) -> Out<W> {
        Out { writer, ending: Ending::None, last: Instant::now() }
    }

    /// Writes a message. Lines within it are set in, so that none of them looks like a message.
    ///
    /// # Errors
    /// The client has gone, or takes nothing.
    pub async fn write(&mut self, message: &str) -> io::Result<()> {
        if self.ending == Ending::None {
            sleep_until(self.last + APART).await;
        }
        let inner = if self.ending == Ending::CrLf { "\r\n    " } else { "\n    " };
        let whole = message.replace('\n', inner) + self.ending.as_str();
        let written = timeout(STALL, async {
            self.writer.write_all(whole.as_bytes()).await?;
            self.writer.flush().await
        });
        written.await??;
        self.last = Instant::now();
        Ok(())
    }

    /// Writes this as it is, and closes.
    pub async fn end(&mut self, last: &str) {
        let _ = timeout(STALL, async {
            self.writer.write_all(last.as_bytes()).await?;
            self.writer.shutdown().await
        })
        .await;
    }
}
