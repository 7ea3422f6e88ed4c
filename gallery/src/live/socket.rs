//! A page's WebSocket: reads its messages one by one, and sends to it.
//!
//! A picture is written from its own memory, after its header, so that one payload serves all pages
//! and is copied only into the kernel. `handshake` makes a connection a WebSocket, and [`Receiver`]
//! bounds what a client may leave unfinished.

pub(crate) mod handshake;
mod receiver;
mod stream;

use std::io;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::either::Either;
use websocket::{Broken, Incoming, Opcode, head};

use crate::limits::shares::Share;
use crate::live::frames::Jpeg;
use stream::write_picture;

pub use receiver::Receiver;
pub use stream::write_frame;
pub(crate) use stream::{Stream, upgraded};

/// The most bytes read at once: answers are small, and each page has such a buffer.
const READ: usize = 16 * 1024;

/// How many bytes may still come from a page that was told to close.
const FORGOTTEN: usize = 1024 * 1024;

/// A page's WebSocket, see the module.
pub(crate) struct Socket<S> {
    stream: S,
    receiver: Receiver,
    /// A frame has begun and not ended.
    is_unfinished: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes a connection after its handshake, of which `begun` was read already. A message of the
    /// page may have `most` bytes, and takes from `memory` until it is finished.
    pub fn new(stream: S, begun: &[u8], most: usize, memory: Share) -> Self {
        Socket { stream, receiver: Receiver::new(READ, most, begun, memory), is_unfinished: false }
    }

    /// The page's next message; `None` after it has gone. Safe to cancel.
    ///
    /// # Errors
    /// [`Broken`]; what follows cannot be parsed any more.
    pub async fn receive(&mut self) -> Result<Option<Incoming>, Broken> {
        self.receiver.receive(&mut self.stream).await
    }

    /// Reads and drops what the page sent before it knew of the end, until it is gone or sends too
    /// much.
    pub async fn until_gone(&mut self) {
        let mut rest = vec![0; READ];
        let mut read = 0;
        while let (..FORGOTTEN, Ok(more @ 1..)) = (read, self.stream.read(&mut rest).await) {
            read += more;
        }
    }

    /// Sends a message or a control frame. If cancelled, the socket is unusable.
    pub async fn send(&mut self, opcode: Opcode, payload: impl Buf) -> io::Result<()> {
        begin(&mut self.is_unfinished)?;
        let mut frame = head(opcode, payload.remaining()).chain(payload);
        self.stream.write_all_buf(&mut frame).await?;
        self.stream.flush().await?;
        self.is_unfinished = false;
        Ok(())
    }
}

impl Socket<Stream> {
    /// Sends a picture after its header; otherwise like [`Socket::send`].
    pub async fn send_picture(&mut self, header: &[u8], jpeg: &Jpeg) -> io::Result<()> {
        let mut head = head(Opcode::Binary, header.len() + jpeg.len());
        head.extend_from_slice(header);
        if let Either::Left(tcp) = &self.stream
            && let Some(lent) = jpeg.lend(&head)
        {
            begin(&mut self.is_unfinished)?;
            write_picture(tcp, &head, lent).await?;
            self.is_unfinished = false;
            return Ok(());
        }
        self.send(Opcode::Binary, Buf::chain(header, &jpeg[..])).await
    }
}

/// Begins a frame, unless an earlier one was cut short.
fn begin(is_unfinished: &mut bool) -> io::Result<()> {
    match std::mem::replace(is_unfinished, true) {
        true => Err(io::ErrorKind::BrokenPipe.into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::io::{DuplexStream, duplex};
    use websocket::Kind;

    use crate::limits::shares::{Shares, Who};

    fn socket(stream: DuplexStream, most: usize) -> Socket<DuplexStream> {
        Socket::new(stream, &[], most, Shares::new("bytes", 1000).none(Who::Gallery))
    }

    #[tokio::test]
    async fn a_message_of_parts_is_one_frame() {
        let (near, mut far) = duplex(1024);
        let mut socket = socket(near, 100);
        let parts = Buf::chain(&b"head"[..], Bytes::from(vec![7; 200]));
        socket.send(Opcode::Binary, parts).await.unwrap();
        let mut frame = vec![0; 208];
        far.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame[..8], [0x82, 126, 0, 204, b'h', b'e', b'a', b'd']);
        assert_eq!(frame[8..], [7; 200]);
    }

    #[tokio::test]
    async fn nothing_follows_a_frame_that_was_cut() {
        let (near, _far) = duplex(16);
        let mut socket = socket(near, 100);
        let long = tokio::time::timeout(
            std::time::Duration::from_millis(10),
            socket.send(Opcode::Binary, &[0; 100][..]),
        );
        assert!(long.await.is_err(), "nobody reads");
        assert!(socket.send(Opcode::Close, &[3, 232][..]).await.is_err());
    }

    #[tokio::test]
    async fn what_is_said_is_heard_up_to_its_bound() {
        let (near, mut far) = duplex(1024);
        let mut socket = socket(near, 5);
        far.write_all(&[0x82, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]).await.unwrap();
        let incoming = Incoming::Message(Kind::Binary, Bytes::from_static(&[1, 2, 3, 4]));
        assert_eq!(socket.receive().await, Ok(Some(incoming)));
        far.write_all(&[0x82, 0x86, 0, 0, 0, 0]).await.unwrap();
        assert!(socket.receive().await.is_err());
        drop(far);
    }
}
