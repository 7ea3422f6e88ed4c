//! The connection below a WebSocket, to which the kernel can be handed a file where it is TCP.

use std::io;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::fs::sendfile;
use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_util::either::Either;

use crate::jpeg::File;

/// TCP, or TLS.
pub(crate) type Stream = Either<TcpStream, TokioIo<Upgraded>>;

/// A connection that was upgraded from HTTP, and what was read of it already.
pub(crate) fn upgraded(from: Upgraded) -> (Stream, Bytes) {
    match from.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => (Either::Left(parts.io.into_inner()), parts.read_buf),
        Err(other) => (Either::Right(TokioIo::new(other)), Bytes::new()),
    }
}

/// Writes `head` and the picture of a file, which may begin with the same one.
pub(super) async fn write_picture(tcp: &TcpStream, head: &[u8], file: &File) -> io::Result<()> {
    let mut at = 0;
    if file.head() != head {
        let mut left = head;
        while !left.is_empty() {
            let more = SendFlags::MORE | SendFlags::NOSIGNAL;
            let sent = when_writable(tcp, || Ok(send(tcp, left, more)?)).await?;
            left = &left[sent..];
        }
        at = file.head().len() as u64;
    }
    while at < file.len() as u64 {
        let left = file.len() - at as usize;
        if when_writable(tcp, || Ok(sendfile(tcp, file, Some(&mut at), left)?)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Mostly that is at once.
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
    use crate::jpeg::Jpeg;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_file_larger_than_the_sockets_buffer_arrives_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n / 7) as u8).collect();
        let mut jpeg = Jpeg::from(Bytes::from(bytes.clone()));
        jpeg.is_for(1000);
        let write = async {
            let (tcp, _) = listener.accept().await.unwrap();
            for head in [&b"head"[..], b"another"] {
                write_picture(&tcp, head, jpeg.file(b"head").unwrap()).await.unwrap();
            }
        };
        let read = async {
            let mut all = Vec::new();
            let mut tcp = TcpStream::connect(address).await.unwrap();
            tcp.read_to_end(&mut all).await.unwrap();
            all
        };
        let ((), all) = tokio::join!(write, read);
        assert!(all == [b"head", &bytes[..], b"another", &bytes].concat());
    }
}
