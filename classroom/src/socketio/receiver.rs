//! What a client sends, packet by packet, whatever carries it.

use bytes::Bytes;
use gallery::{MESSAGE, Share};

use super::packet::{self, What};
use super::rooms::Rooms;
use super::session::{Event, Session};

/// The receiving end of a client.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// An event whose attachments have not all come.
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Partial {
    namespace: String,
    /// The event as it goes on; `None` if it goes nowhere.
    text: Option<String>,
    answer: Option<String>,
    missing: usize,
    bytes: usize,
    attachments: Vec<Bytes>,
    memory: Vec<Share>,
}

/// Why a client is ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It said so.
    Left,
    /// It sent what the protocol does not have, or too much.
    Broken,
}

impl Receiver {
    /// A text packet of Engine.IO, with its share of the memory for messages. Waits for those that
    /// keep up.
    ///
    /// # Errors
    /// The client is to be ended.
    pub async fn text(
        &mut self,
        (rooms, session): (&Rooms, &Session),
        text: &str,
        memory: Share,
    ) -> Result<(), End> {
        match text.split_at_checked(1) {
            Some(("1", _)) => Err(End::Left),
            Some(("3", _)) => {
                session.answered();
                Ok(())
            }
            Some(("4", packet)) => self.packet((rooms, session), packet, memory).await,
            _ => Err(End::Broken),
        }
    }

    async fn packet(
        &mut self,
        (rooms, session): (&Rooms, &Session),
        text: &str,
        memory: Share,
    ) -> Result<(), End> {
        if self.partial.is_some() {
            return Err(End::Broken);
        }
        let packet = packet::parse(text).map_err(|_| End::Broken)?;
        let namespace = packet.namespace;
        let (json, id) = match packet.what {
            What::Connect => {
                let answer = match session.enter(namespace) {
                    true => packet::entered(namespace, &session.sid),
                    false => packet::not_entered(namespace, "you are in too many namespaces"),
                };
                session.put(Event::own(answer));
                return Ok(());
            }
            What::Disconnect => {
                session.leave(namespace);
                return Ok(());
            }
            What::Event { json, id } => (Some(json), id),
            What::Nothing => (None, None),
        };
        let json = json.filter(|_| session.is_in(namespace));
        let text = json.map(|json| packet::event(namespace, packet.attachments, json));
        let partial = Partial {
            namespace: namespace.to_owned(),
            // Nobody else can answer: whoever waits for an answer learns that it has arrived.
            answer: id.filter(|_| text.is_some()).map(|id| packet::answer(namespace, id)),
            missing: packet.attachments,
            bytes: text.as_ref().map_or(0, String::len),
            text,
            attachments: Vec::new(),
            memory: vec![memory],
        };
        self.complete((rooms, session), partial).await;
        Ok(())
    }

    /// A binary packet, which is an attachment of the last event.
    ///
    /// # Errors
    /// The client is to be ended.
    pub async fn binary(
        &mut self,
        (rooms, session): (&Rooms, &Session),
        bytes: Bytes,
        memory: Share,
    ) -> Result<(), End> {
        let mut partial = self.partial.take().ok_or(End::Broken)?;
        partial.missing -= 1;
        partial.bytes += bytes.len();
        if partial.bytes > MESSAGE {
            return Err(End::Broken);
        }
        partial.attachments.push(bytes);
        partial.memory.push(memory);
        self.complete((rooms, session), partial).await;
        Ok(())
    }

    /// Passes an event on if all of it has come.
    async fn complete(&mut self, (rooms, session): (&Rooms, &Session), partial: Partial) {
        if partial.missing > 0 {
            self.partial = Some(partial);
            return;
        }
        let Partial { namespace, text, answer, attachments, memory, .. } = partial;
        let Some(text) = text else { return };
        let event = Event::new(text, attachments, memory);
        let others = rooms.send(&namespace, Some(session), &event);
        drop(event);
        if let Some(answer) = answer {
            session.put(Event::own(answer));
        }
        Session::all_take(&others).await;
    }
}
