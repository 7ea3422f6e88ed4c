//! MQTT over WebSocket (RFC 6455; MQTT 5, section 6): a stream of bytes in binary frames.
//!
//! It gathers no part of a message before the client has logged in, and a picture goes out by a
//! vectored write as over TCP.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use websocket::close::NORMAL;
use websocket::{Broken, Frames, Opcode, Part, put_head};

/// The most bytes read at once.
const READ: usize = 8 * 1024;

/// The most slices written at once, one of which is the head of the frame.
const SLICES: usize = 64;

/// The server's side of a WebSocket after the handshake.
pub(crate) struct WebSocket<S> {
    stream: S,
    incoming: Frames,
    /// Nothing more is read.
    has_ended: bool,
    /// The bytes before the payload: control frames and the head of a frame.
    head: BytesMut,
    /// How many payload bytes the current frame still needs.
    owed: usize,
    /// The answer to the last ping, until it fits between two frames.
    pong: Option<Bytes>,
    close_sent: bool,
}

impl<S> WebSocket<S> {
    /// `begun` holds bytes that came behind the client's handshake.
    pub fn new(stream: S, begun: BytesMut) -> WebSocket<S> {
        let mut incoming = Frames::stream();
        *incoming.buffer() = begun;
        WebSocket {
            stream,
            incoming,
            has_ended: false,
            head: BytesMut::new(),
            owed: 0,
            pong: None,
            close_sent: false,
        }
    }

    fn put_pong(&mut self) {
        if let Some(pong) = self.pong.take_if(|_| !self.close_sent) {
            put_head(&mut self.head, Opcode::Pong, pong.len());
            self.head.put_slice(&pong);
        }
    }

    /// Tells the client why we close, if we are between two frames.
    fn close(&mut self, code: u16) {
        if self.owed == 0 && !self.close_sent {
            self.put_pong();
            self.close_sent = true;
            put_head(&mut self.head, Opcode::Close, 2);
            self.head.put_u16(code);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Writes what must go between two frames.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.owed > 0 {
            return Poll::Ready(Ok(()));
        }
        self.put_pong();
        while !self.head.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.head))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.head.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; READ];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        self.incoming.buffer().extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.has_ended && buffer.remaining() > 0 {
            // Pings are answered while reading, without waiting for the answer to be written.
            if let Poll::Ready(Err(error)) = this.poll_head(cx) {
                return Poll::Ready(Err(error));
            }
            match this.incoming.parse(buffer.remaining()) {
                Ok(Some(Part::Payload { bytes, .. })) if !bytes.is_empty() => {
                    buffer.put_slice(&bytes);
                    return Poll::Ready(Ok(()));
                }
                Ok(Some(Part::Payload { .. } | Part::Pong)) => {}
                Ok(Some(Part::Ping(payload))) => this.pong = Some(payload),
                Ok(Some(Part::Close)) => {
                    this.close(NORMAL);
                    this.has_ended = true;
                    let _ = this.poll_head(cx);
                }
                Ok(None) => this.has_ended = ready!(this.poll_fill(cx))? == 0,
                Err(Broken(code, why)) => {
                    this.close(code);
                    this.has_ended = true;
                    let _ = this.poll_head(cx);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    /// Begins a frame as long as all the given bytes. The caller must pass the untaken rest next,
    /// as it does with any stream.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let all: usize = bytes.iter().map(|slice| slice.len()).sum();
        if all == 0 {
            return Poll::Ready(Ok(0));
        }
        if this.close_sent {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if this.owed == 0 {
            this.put_pong();
            put_head(&mut this.head, Opcode::Binary, all);
            this.owed = all;
        }
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut room = this.owed;
            for (slice, part) in slices.iter_mut().zip([&this.head[..]].into_iter().chain(
                bytes.iter().map(|part| {
                    let part = part.get(..room.min(part.len())).unwrap_or_default();
                    room -= part.len();
                    part
                }),
            )) {
                *slice = IoSlice::new(part);
            }
            let stream = Pin::new(&mut this.stream);
            let written = ready!(stream.poll_write_vectored(cx, &slices))?;
            let of_head = written.min(this.head.len());
            this.head.advance(of_head);
            this.owed -= written - of_head;
            if written == 0 || written > of_head {
                return Poll::Ready(Ok(written - of_head));
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_head(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.close(NORMAL);
        ready!(this.poll_head(cx))?;
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use websocket::close::{PROTOCOL, UNSUPPORTED};
    use websocket::head;

    use super::*;

    /// A frame of a client, whose mask changes nothing.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = head(Opcode::Binary, payload.len());
        frame[0] = first;
        frame[1] |= 0x80;
        [&frame[..], &[0; 4], payload].concat()
    }

    /// What the server reads, and what it answers.
    async fn read(bytes: &[u8], step: usize) -> (io::Result<Vec<u8>>, Vec<u8>) {
        let (mut client, server) = duplex(1 << 20);
        let mut socket = WebSocket::new(server, BytesMut::new());
        let mut heard = Vec::new();
        let send = async {
            for part in bytes.chunks(step) {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
            client
        };
        let (result, mut client) = tokio::join!(socket.read_to_end(&mut heard), send);
        drop(socket);
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        (result.map(|_| heard), answer)
    }

    #[tokio::test]
    async fn frames_are_a_stream_however_they_are_cut() {
        let long = vec![7; 70_000];
        let bytes = [
            frame(0x82, b"abc"),
            frame(0x02, b"de"),
            frame(0x89, b"ping"),
            frame(0x00, b""),
            frame(0x80, b"fg"),
            frame(0x8a, b"unasked"),
            frame(0x82, &vec![6; 300]),
            frame(0x82, &long),
        ]
        .concat();
        let expected = [&b"abcdefg"[..], &[6; 300], &long].concat();
        for step in [1, 7, 4096, bytes.len()] {
            let (heard, answer) = read(&bytes, step).await;
            assert_eq!(heard.unwrap(), expected, "{step}");
            assert_eq!(answer, b"\x8a\x04ping", "{step}");
        }
    }

    #[tokio::test]
    async fn close_is_answered_and_ends_the_stream() {
        let bytes = [frame(0x82, b"abc"), frame(0x88, &[3, 232]), frame(0x82, b"x")].concat();
        let (heard, answer) = read(&bytes, 5).await;
        assert_eq!(heard.unwrap(), b"abc");
        assert_eq!(answer, [0x88, 2, 3, 232]);
    }

    #[tokio::test]
    async fn what_breaks_the_rules_ends_the_stream_with_its_code() {
        for (bytes, code) in [
            (frame(0x81, b"text"), UNSUPPORTED),
            (frame(0x80, b"continues nothing"), PROTOCOL),
            (vec![0x82, 1, 0], PROTOCOL),
        ] {
            let (heard, answer) = read(&bytes, bytes.len()).await;
            assert_eq!(heard.unwrap_err().kind(), io::ErrorKind::InvalidData, "{bytes:02x?}");
            assert_eq!(answer[..2], [0x88, 2], "{bytes:02x?}");
            assert_eq!(answer[2..], code.to_be_bytes(), "{bytes:02x?}");
        }
    }

    async fn sent(mut client: DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn what_is_written_goes_out_in_whole_frames_and_pongs_between_them() {
        // So narrow that each frame needs many writes.
        let (client, server) = duplex(16);
        let (mut from_server, mut to_server) = tokio::io::split(client);
        let mut socket = WebSocket::new(server, BytesMut::new());
        let payload: Vec<u8> = (0..1000_u32).map(|n| n.to_be_bytes()[3]).collect();
        let write = async {
            socket.pong = Some(Bytes::from_static(b"p"));
            let slices = [IoSlice::new(&payload[..10]), IoSlice::new(&payload[10..])];
            let mut written = socket.write_vectored(&slices).await.unwrap();
            socket.pong = Some(Bytes::from_static(b"q"));
            while written < payload.len() {
                written += socket.write(&payload[written..]).await.unwrap();
            }
            socket.shutdown().await.unwrap();
        };
        let read = async {
            let mut bytes = Vec::new();
            from_server.read_to_end(&mut bytes).await.unwrap();
            bytes
        };
        let ((), bytes) = tokio::join!(write, read);
        to_server.shutdown().await.ok();
        let head = [&b"\x8a\x01p\x82\x7e\x03\xe8"[..], &payload].concat();
        assert!(bytes == [&head[..], b"\x8a\x01q\x88\x02\x03\xe8"].concat(), "{bytes:02x?}");
        let (client, server) = duplex(64);
        drop(WebSocket::new(server, BytesMut::new()));
        assert_eq!(sent(client).await, b"", "dropped, it says nothing");
    }
}
