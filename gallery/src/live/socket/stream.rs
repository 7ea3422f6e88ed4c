//! The connection below a WebSocket; if it is TCP, a pipe's pages can be moved to it.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::net::{SendFlags, send};
use tokio::io::{AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::either::Either;
use websocket::{Opcode, head};

use crate::live::frames::Lent;

/// TCP, or TLS.
pub(crate) type Stream = Either<TcpStream, TokioIo<Upgraded>>;

/// A connection that was upgraded from HTTP, and the bytes already read from it.
pub(crate) fn upgraded(from: Upgraded) -> (Stream, Bytes) {
    match from.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => (Either::Left(parts.io.into_inner()), parts.read_buf),
        Err(other) => (Either::Right(TokioIo::new(other)), Bytes::new()),
    }
}

/// How long a client may take nothing of a frame.
const STALL: Duration = Duration::from_secs(30);

/// Writes a frame. The payload is copied only into the socket.
///
/// # Errors
/// The connection broke, or the client took nothing for 30 s.
pub async fn write_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    opcode: Opcode,
    payload: Bytes,
) -> io::Result<()> {
    let mut frame = head(opcode, payload.len()).chain(payload);
    while frame.has_remaining() {
        let written = timeout(STALL, stream.write_buf(&mut frame)).await??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    timeout(STALL, stream.flush()).await?
}

/// Writes `head` and a picture, whose pipe may already begin with the same head.
pub(super) async fn write_picture(
    tcp: &TcpStream,
    head: &[u8],
    mut lent: Lent<'_>,
) -> io::Result<()> {
    if lent.head() != head {
        let mut left = head;
        while !left.is_empty() {
            let more = SendFlags::MORE | SendFlags::NOSIGNAL;
            let sent = when_writable(tcp, || Ok(send(tcp, left, more)?)).await?;
            left = &left[sent..];
        }
        lent.skip_head()?;
    }
    while !lent.is_empty() {
        when_writable(tcp, || lent.give(tcp)).await?;
    }
    lent.end();
    Ok(())
}

/// Usually at once.
async fn when_writable<T>(
    tcp: &TcpStream,
    mut write: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match tcp.try_io(Interest::WRITABLE, &mut write) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tcp.writable().await?,
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::frames::Jpeg;
    use bytes::Bytes;
    use rustix::net::sockopt::set_socket_send_buffer_size;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_picture_larger_than_the_sockets_buffer_arrives_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
        let mut jpeg = Jpeg::from(Bytes::from(bytes.clone()));
        jpeg.is_for(usize::MAX);
        let write = async {
            let (tcp, _) = listener.accept().await.unwrap();
            set_socket_send_buffer_size(&tcp, 64 * 1024).unwrap();
            for head in [&b"head"[..], b"another", b"head"] {
                write_picture(&tcp, head, jpeg.lend(b"head").unwrap()).await.unwrap();
            }
        };
        let read = async {
            let mut all = Vec::new();
            let mut tcp = TcpStream::connect(address).await.unwrap();
            tcp.read_to_end(&mut all).await.unwrap();
            all
        };
        let ((), all) = tokio::join!(write, read);
        assert!(all == [b"head", &bytes[..], b"another", &bytes, b"head", &bytes].concat());
    }
}
