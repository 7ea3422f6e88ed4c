//! The socket of one client: a task that reads and writes at once.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use supervision::stopped;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use websocket::close::{GOING_AWAY, NORMAL, TOO_LARGE};
use websocket::{Broken, CONTROL, Incoming, Kind, Opcode};

use super::member::{Member, Next};
use super::message::{MESSAGE, Message};
use super::photos::Pictures;
use super::rooms::Place;
use crate::limits::shares::Share;
use crate::live::page::{LOGIN_OVER, when_woken};
use crate::live::socket::{Receiver, write_frame};

/// The most bytes read at once.
const READ: usize = 64 * 1024;

const PING_EVERY: Duration = Duration::from_secs(30);

/// How long the end may take: the rest of a message, and the closing of both sides.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// Serves a client until it leaves, breaks a rule, stalls, `over` resolves because it was logged
/// out, or `stop` is true. Its messages take from `memory`.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite>(
    stream: S,
    place: &Place,
    pictures: Option<Pictures>,
    memory: Share,
    over: impl Future<Output = ()>,
    mut stop: watch::Receiver<bool>,
) {
    let member = &*place.member;
    let (reader, writer) = split(stream);
    let receiver = Receiver::new(READ, MESSAGE, &[], memory);
    let mut reader = Reader { stream: reader, receiver, pictures };
    let mut writing = pin!(Writer { stream: writer }.run(member));
    let ended = tokio::select! {
        (code, reason) = reader.run(place) => {
            member.close(code, reason);
            None
        }
        ended = &mut writing => Some(ended),
        () = stopped(&mut stop) => {
            member.close(GOING_AWAY, "the gallery stops");
            None
        }
        () = when_woken(over) => {
            member.close(LOGIN_OVER, "log in to use the relay");
            None
        }
    };
    // The frame under way is finished, or the client could not tell the close from it.
    let ended = match ended {
        Some(ended) => ended,
        None => timeout(CLOSE_WITHIN, writing).await.unwrap_or(Err(io::ErrorKind::TimedOut.into())),
    };
    if ended.is_ok() {
        // Until the client closes too, or the close could be lost together with its last messages.
        let _ = timeout(CLOSED_WITHIN, reader.until_the_end()).await;
    }
}

struct Reader<S> {
    stream: ReadHalf<S>,
    receiver: Receiver,
    /// The offers of its pictures, in the room that has photos.
    pictures: Option<Pictures>,
}

impl<S: AsyncRead> Reader<S> {
    /// Reads until the client leaves or breaks a rule. Returns the code and reason to close with.
    async fn run(&mut self, place: &Place) -> (u16, &'static str) {
        loop {
            match self.read(place).await {
                Ok(true) => {}
                Ok(false) => return (NORMAL, ""),
                Err(broken) => {
                    place.member.here.mistake(self.receiver.mistake(broken));
                    return match broken {
                        Broken(TOO_LARGE, _) => (TOO_LARGE, "a message may have at most 10 MiB"),
                        Broken(code, reason) => (code, reason),
                    };
                }
            }
        }
    }

    /// Reads one message of the client and passes it on. `false` when the client leaves.
    async fn read(&mut self, place: &Place) -> Result<bool, Broken> {
        match self.receiver.receive(&mut self.stream).await? {
            Some(Incoming::Message(_, payload))
                if payload.is_empty() && place.member.answered() => {}
            Some(Incoming::Message(kind, payload)) => {
                let memory = self.receiver.memory_for(payload.len()).await?;
                let (here, bytes) = (&place.member.here, payload.len());
                let looks_like = || traffic::Kind::of(kind == Kind::Text, &payload);
                let passing = here.passing(looks_like, bytes);
                here.opens(&passing, bytes).await;
                let message = Message::new(kind, payload, memory).watched(passing);
                if let Some(pictures) = &mut self.pictures {
                    pictures.offer(&message);
                }
                place.send(&message).await;
            }
            Some(Incoming::Ping(payload)) => place.member.pong(payload),
            Some(Incoming::Pong) => {}
            Some(Incoming::Close) | None => return Ok(false),
        }
        Ok(true)
    }

    async fn until_the_end(&mut self) {
        let mut rest = vec![0; READ];
        while let Ok(1..) = self.stream.read(&mut rest).await {}
    }
}

struct Writer<S> {
    stream: WriteHalf<S>,
}

impl<S: AsyncWrite> Writer<S> {
    /// Sends the client's messages until it must close.
    async fn run(mut self, member: &Member) -> io::Result<()> {
        let mut ping = Instant::now() + PING_EVERY;
        loop {
            match timeout_at(ping, member.next()).await {
                Err(_) => {
                    ping = Instant::now() + PING_EVERY;
                    write_frame(&mut self.stream, Opcode::Ping, Bytes::new()).await?;
                }
                Ok(Next::Pong(payload)) => {
                    write_frame(&mut self.stream, Opcode::Pong, payload).await?;
                }
                Ok(Next::Message(message)) => {
                    let Message { kind, ref payload, ref passing, .. } = message;
                    tokio::select! {
                        () = member.here.reaches(passing, payload.len()) => {}
                        () = member.closes() => continue,
                    }
                    let opcode = match kind {
                        Kind::Text => Opcode::Text,
                        Kind::Binary => Opcode::Binary,
                    };
                    write_frame(&mut self.stream, opcode, payload.clone()).await?;
                    passing.taken();
                }
                Ok(Next::Close(code, reason)) => {
                    let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
                    debug_assert!(payload.len() <= CONTROL);
                    write_frame(&mut self.stream, Opcode::Close, payload.into()).await?;
                    return self.stream.shutdown().await;
                }
            }
        }
    }
}
