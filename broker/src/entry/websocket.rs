//! MQTT over WebSocket (RFC 6455; MQTT 5, section 6): a stream of bytes in binary frames.
//!
//! Frames are taken apart and put together here, and not by a library, so that nothing of a
//! message is gathered before somebody has logged in, and so that a picture goes out by a vectored
//! write as it does over TCP.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once.
const READ: usize = 8 * 1024;

/// The longest payload of a control frame (section 5.5).
const CONTROL: usize = 125;

/// Slices written at once, one of which is the head of the frame.
const SLICES: usize = 64;

const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Codes that tell why a side closes (section 7.4.1).
const NORMAL: u16 = 1000;
const PROTOCOL_ERROR: u16 = 1002;
const NOT_BINARY: u16 = 1003;

/// The server's side of a WebSocket, of which the handshake is over.
pub(crate) struct WebSocket<S> {
    stream: S,
    /// Bytes that came and were not looked at.
    raw: BytesMut,
    incoming: Incoming,
    /// Whether the client is amid a message of several frames.
    within_message: bool,
    /// What goes before the payload: control frames and the head of a frame.
    head: BytesMut,
    /// How much of the payload is still owed of the frame that was begun.
    owed: usize,
    /// The answer to the last ping, until there is a place between two frames.
    pong: Option<Bytes>,
    close_sent: bool,
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy)]
enum Incoming {
    Head,
    Payload { left: u64, mask: u32 },
    Control { opcode: u8, len: usize, mask: u32 },
    End,
}

impl<S> WebSocket<S> {
    /// `raw` is what came behind the client's part of the handshake.
    pub fn new(stream: S, raw: BytesMut) -> WebSocket<S> {
        WebSocket {
            stream,
            raw,
            incoming: Incoming::Head,
            within_message: false,
            head: BytesMut::new(),
            owed: 0,
            pong: None,
            close_sent: false,
        }
    }

    /// Reads the head of a frame, if it is all here.
    fn read_head(&mut self) -> Result<bool, Broken> {
        let mut raw = self.raw.as_ref();
        if raw.len() < 2 {
            return Ok(false);
        }
        let (first, second) = (raw.get_u8(), raw.get_u8());
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 || second & 0x80 == 0 {
            return Err(Broken(PROTOCOL_ERROR));
        }
        let more = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if raw.len() < more + 4 {
            return Ok(false);
        }
        let len = match more {
            0 => u64::from(second & 0x7f),
            _ => raw.get_uint(more),
        };
        let mask = raw.get_u32();
        match opcode {
            0 if self.within_message => {}
            BINARY if !self.within_message => {}
            1 => return Err(Broken(NOT_BINARY)),
            CLOSE | PING | PONG if is_last && len <= CONTROL as u64 => {}
            _ => return Err(Broken(PROTOCOL_ERROR)),
        }
        self.raw.advance(2 + more + 4);
        self.incoming = if opcode >= CLOSE {
            Incoming::Control { opcode, len: usize::try_from(len).unwrap_or(CONTROL), mask }
        } else {
            self.within_message = !is_last;
            Incoming::Payload { left: len, mask }
        };
        Ok(true)
    }

    /// Moves payload into `buffer`, and says how much is left and how the mask goes on.
    fn read_payload(&mut self, left: u64, mask: u32, buffer: &mut ReadBuf<'_>) -> Incoming {
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let len = most.min(self.raw.len()).min(buffer.remaining());
        let mut part = self.raw.split_to(len);
        unmask(&mut part, mask);
        buffer.put_slice(&part);
        match left - len as u64 {
            0 => Incoming::Head,
            left => Incoming::Payload { left, mask: mask.rotate_left(8 * (len % 4) as u32) },
        }
    }

    fn control(&mut self, opcode: u8, payload: BytesMut) {
        match opcode {
            PING => self.pong = Some(payload.freeze()),
            CLOSE => {
                self.close(NORMAL);
                self.incoming = Incoming::End;
            }
            _ => {}
        }
    }

    fn put_pong(&mut self) {
        if let Some(pong) = self.pong.take_if(|_| !self.close_sent) {
            put_head(&mut self.head, PONG, pong.len());
            self.head.put_slice(&pong);
        }
    }

    /// Tells the client why we close, if that can be said between two frames.
    fn close(&mut self, code: u16) {
        if self.owed == 0 && !self.close_sent {
            self.put_pong();
            self.close_sent = true;
            put_head(&mut self.head, CLOSE, 2);
            self.head.put_u16(code);
        }
    }
}

/// A client that breaks the rules; the code says which.
#[derive(Debug, PartialEq, Eq)]
struct Broken(u16);

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Writes what can be said between two frames.
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
        self.raw.extend_from_slice(buffer.filled());
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
        loop {
            // An answer to a ping waits for nobody who reads.
            if let Poll::Ready(Err(error)) = this.poll_head(cx) {
                return Poll::Ready(Err(error));
            }
            let missing = match this.incoming {
                Incoming::End => return Poll::Ready(Ok(())),
                Incoming::Head => match this.read_head() {
                    Ok(is_read) => !is_read,
                    Err(Broken(code)) => {
                        this.close(code);
                        let _ = this.poll_head(cx);
                        this.incoming = Incoming::End;
                        let why = "a frame that breaks RFC 6455, or is not binary";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
                    }
                },
                Incoming::Payload { left: 0, .. } => {
                    this.incoming = Incoming::Head;
                    false
                }
                Incoming::Payload { left, mask } if !this.raw.is_empty() => {
                    this.incoming = this.read_payload(left, mask, buffer);
                    return Poll::Ready(Ok(()));
                }
                Incoming::Payload { .. } => true,
                Incoming::Control { opcode, len, mask } if this.raw.len() >= len => {
                    let mut payload = this.raw.split_to(len);
                    unmask(&mut payload, mask);
                    this.incoming = Incoming::Head;
                    this.control(opcode, payload);
                    false
                }
                Incoming::Control { .. } => true,
            };
            if missing && ready!(this.poll_fill(cx))? == 0 {
                this.incoming = Incoming::End;
            }
        }
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

    /// Begins a frame as long as all that is given. What of it is not taken now must come next,
    /// which is so, as this is a stream.
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
            put_head(&mut this.head, BINARY, all);
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

/// The head of a frame from the server, which is whole and not masked (section 5.2).
fn put_head(to: &mut BytesMut, opcode: u8, len: usize) {
    to.put_u8(0x80 | opcode);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => to.put_u8(len),
        (_, Ok(len)) => {
            to.put_u8(126);
            to.put_u16(len);
        }
        _ => {
            to.put_u8(127);
            to.put_u64(len as u64);
        }
    }
}

fn unmask(bytes: &mut [u8], mask: u32) {
    for (byte, mask) in bytes.iter_mut().zip(mask.to_be_bytes().into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut head = BytesMut::new();
        put_head(&mut head, 0, payload.len());
        let mut frame = head.to_vec();
        frame[0] = first;
        frame[1] |= 0x80;
        frame.extend([1, 2, 3, 4]);
        let mut masked = payload.to_vec();
        unmask(&mut masked, 0x0102_0304);
        frame.extend(masked);
        frame
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
        let unmasked = vec![0x82, 1, 0];
        let long_ping = frame(0x89, &[0; 126]);
        for (bytes, code) in [
            (frame(0x81, b"text"), NOT_BINARY),
            (frame(0xc2, b"compressed"), PROTOCOL_ERROR),
            (frame(0x80, b"continues nothing"), PROTOCOL_ERROR),
            ([frame(0x02, b"a"), frame(0x82, b"b")].concat(), PROTOCOL_ERROR),
            (frame(0x09, b"half a ping"), PROTOCOL_ERROR),
            (frame(0x83, b"reserved"), PROTOCOL_ERROR),
            (long_ping, PROTOCOL_ERROR),
            (unmasked, PROTOCOL_ERROR),
        ] {
            let (heard, answer) = read(&bytes, bytes.len()).await;
            assert_eq!(heard.unwrap_err().kind(), io::ErrorKind::InvalidData, "{bytes:02x?}");
            assert_eq!(answer[..2], [0x88, 2], "{bytes:02x?}");
            assert_eq!(answer[2..], code.to_be_bytes(), "{bytes:02x?}");
        }
    }

    #[tokio::test]
    async fn random_bytes_break_nothing() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let mut bytes: Vec<u8> = (0..rng.usize(0..60)).map(|_| rng.u8(..)).collect();
            if let Some(first) = bytes.first_mut().filter(|_| rng.bool()) {
                *first = 0x82;
            }
            let _ = read(&bytes, 1 + rng.usize(0..20)).await;
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
