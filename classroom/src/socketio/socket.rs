//! A client's WebSocket: reads and writes at once.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use gallery::{Receiver, write_frame};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::time::timeout;
use traffic::Mistake;
use websocket::close::NORMAL;
use websocket::{Broken, Incoming, Kind, Opcode};

use super::receiver::End;
use super::rooms::Rooms;
use super::session::{Event, Next, PING, Session, Transport};

/// How long an attempt to change from polls to a WebSocket may take.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);

/// Serves a client by a WebSocket until it goes. `tries`: it still polls, and tries whether a
/// WebSocket works. Returns whether it goes on polling.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    incoming: Receiver,
    rooms: &Rooms,
    session: &Session,
    tries: bool,
) -> bool {
    let (reader, writer) = split(stream);
    let (mut reader, mut writer) = (Reader { stream: reader, incoming }, Writer { stream: writer });
    if tries {
        let upgraded = timeout(UPGRADE_WITHIN, upgrade(&mut reader, &mut writer, session)).await;
        if !matches!(upgraded, Ok(Some(()))) {
            session.move_to(Transport::Polling(0));
            return true;
        }
        session.move_to(Transport::WebSocket);
    }
    // Only the newest ping needs an answer (RFC 6455, section 5.5.3).
    let (pongs, pinged) = mpsc::channel(1);
    let (code, why) = tokio::select! {
        ended = reader.run(rooms, session, pongs) => ended,
        _ = writer.run(session, pinged) => (NORMAL, ""),
    };
    let payload = [&code.to_be_bytes(), why.as_bytes()].concat();
    let _ = timeout(Duration::from_secs(1), async {
        write_frame(&mut writer.stream, Opcode::Close, payload.into()).await?;
        writer.stream.shutdown().await
    })
    .await;
    false
}

/// The client tries the WebSocket, and takes it when its last poll has ended. `None` if not.
async fn upgrade<S: AsyncRead + AsyncWrite>(
    reader: &mut Reader<S>,
    writer: &mut Writer<S>,
    session: &Session,
) -> Option<()> {
    loop {
        match reader.incoming.receive(&mut reader.stream).await.ok()?? {
            Incoming::Message(Kind::Text, text) if text == "2probe" => {
                write_frame(&mut writer.stream, Opcode::Text, Bytes::from_static(b"3probe"))
                    .await
                    .ok()?;
                session.move_to(Transport::Upgrading);
            }
            Incoming::Message(Kind::Text, text) if text == "5" => return Some(()),
            Incoming::Ping(payload) => {
                write_frame(&mut writer.stream, Opcode::Pong, payload).await.ok()?;
            }
            Incoming::Pong => {}
            Incoming::Message(..) | Incoming::Close => return None,
        }
    }
}

struct Reader<S> {
    stream: ReadHalf<S>,
    incoming: Receiver,
}

impl<S: AsyncRead> Reader<S> {
    /// Reads until the client goes or breaks a rule. Returns the code and reason to close with.
    async fn run(
        &mut self,
        rooms: &Rooms,
        session: &Session,
        pongs: mpsc::Sender<Bytes>,
    ) -> (u16, &'static str) {
        loop {
            let message = match self.incoming.receive(&mut self.stream).await {
                Ok(Some(message)) => message,
                Ok(None) => return (NORMAL, ""),
                Err(broken) => {
                    session.here.mistake(self.incoming.mistake(broken));
                    let Broken(code, why) = broken;
                    return (code, why);
                }
            };
            let (kind, payload) = match message {
                Incoming::Message(kind, payload) => (kind, payload),
                Incoming::Ping(payload) => {
                    let _ = pongs.try_send(payload);
                    continue;
                }
                Incoming::Pong => continue,
                Incoming::Close => return (NORMAL, ""),
            };
            let memory = match self.incoming.memory_for(payload.len()).await {
                Ok(memory) => memory,
                Err(broken) => {
                    session.here.mistake(self.incoming.mistake(broken));
                    let Broken(code, why) = broken;
                    return (code, why);
                }
            };
            let mut receiver = session.receiver.lock().await;
            let here = (rooms, session);
            let taken = match kind {
                Kind::Binary => receiver.binary(here, payload, memory).await,
                Kind::Text => match str::from_utf8(&payload) {
                    Ok(text) => receiver.text(here, text, memory).await,
                    Err(_) => Err(End::Broken),
                },
            };
            match taken {
                Ok(()) => {}
                Err(End::Left) => return (NORMAL, ""),
                Err(End::Broken) => {
                    session.here.mistake(Mistake::Protocol);
                    return (websocket::close::POLICY, "this is no Socket.IO");
                }
            }
        }
    }
}

struct Writer<S> {
    stream: WriteHalf<S>,
}

impl<S: AsyncWrite> Writer<S> {
    /// Sends what waits until the client is to end.
    async fn run(&mut self, session: &Session, mut pings: mpsc::Receiver<Bytes>) -> io::Result<()> {
        loop {
            let event = tokio::select! {
                next = session.next(Transport::WebSocket) => match next {
                    Next::Event(event) => event,
                    Next::Elsewhere | Next::Closed => return Ok(()),
                },
                Some(payload) = pings.recv() => {
                    write_frame(&mut self.stream, Opcode::Pong, payload).await?;
                    continue;
                }
            };
            let Event { text, attachments, passing, .. } = &*event;
            let mut reaches = pin!(session.here.reaches(passing, event.size()));
            loop {
                tokio::select! {
                    () = &mut reaches => break,
                    () = session.closes() => return Ok(()),
                    // A client that is asked nothing for long takes its server for dead.
                    () = session.is_asked() => {
                        let ping = Bytes::from_static(PING.as_bytes());
                        write_frame(&mut self.stream, Opcode::Text, ping).await?;
                    }
                }
            }
            write_frame(&mut self.stream, Opcode::Text, text.clone()).await?;
            for attachment in attachments {
                write_frame(&mut self.stream, Opcode::Binary, attachment.clone()).await?;
            }
            passing.taken();
        }
    }
}
