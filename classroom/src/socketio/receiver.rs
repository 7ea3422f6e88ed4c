//! What a client sends, packet by packet, whatever carries it.

use bytes::Bytes;
use gallery::{MESSAGE, Share};
use tokio::time::Instant;
use traffic::Kind;

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
    kind: Kind,
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
            kind: Kind::event(json.unwrap_or_default()),
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
        let Partial { namespace, kind, text, answer, bytes, attachments, memory, .. } = partial;
        let Some(text) = text else { return };
        let passing = session.here.passing(|| kind, bytes);
        let _held = session.hold();
        session.here.opens(&passing, bytes).await;
        let event = Event::watched(text, attachments, memory, passing);
        if let Some(answer) = answer {
            session.put(Event::own(answer));
        }
        let began = Instant::now();
        rooms.give(&namespace, session, &event).await;
        session.here.passed(bytes, began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gallery::Who;
    use quota::Shares;
    use traffic::Traffic;

    use super::*;
    use crate::socketio::session::{Next, Transport};

    const WAY: Transport = Transport::WebSocket;

    fn memory(bytes: usize) -> Share {
        let mut share = Shares::new("bytes", 1 << 30).none(Who::Gallery);
        share.grow(bytes).unwrap();
        share
    }

    /// What waits for a client: each event as its text, and the sizes of its attachments.
    fn taken(session: &Session) -> Vec<(String, Vec<usize>)> {
        let events = std::iter::from_fn(|| match session.take(WAY) {
            Some(Next::Event(event)) => Some(event),
            _ => None,
        });
        let told = |event: Arc<Event>| {
            let text = String::from_utf8(event.text.to_vec()).unwrap();
            (text, event.attachments.iter().map(Bytes::len).collect())
        };
        events.map(told).collect()
    }

    #[tokio::test]
    async fn an_event_goes_on_with_all_its_attachments_to_those_in_its_namespace() {
        let rooms = Rooms::new(Traffic::default());
        let open = |_| rooms.open([127, 0, 0, 1].into(), WAY).unwrap();
        let [ana, beto, other] = [1, 2, 3].map(open);
        let mut from = Receiver::default();
        let here = (&rooms, &*ana);
        from.text(here, "40", memory(2)).await.unwrap();
        assert!(beto.enter("/") && other.enter("/aula"));
        taken(&ana);
        from.text(here, "452-7[\"a\",0]", memory(12)).await.unwrap();
        assert_eq!(taken(&beto), []);
        from.binary(here, Bytes::from_static(b"123"), memory(3)).await.unwrap();
        from.binary(here, Bytes::new(), memory(0)).await.unwrap();
        assert_eq!(taken(&beto), [("452-[\"a\",0]".to_owned(), vec![3, 0])]);
        assert_eq!(taken(&ana), [("437[]".to_owned(), vec![])]);
        assert_eq!(taken(&other), []);
        // Who is not in a namespace says nothing there.
        from.text(here, "42/aula,[\"a\"]", memory(12)).await.unwrap();
        assert_eq!((taken(&other), taken(&ana)), (vec![], vec![]));
    }

    #[tokio::test]
    async fn what_is_out_of_order_or_too_much_ends_its_sender() {
        let rooms = Rooms::new(Traffic::default());
        let ana = rooms.open([127, 0, 0, 1].into(), WAY).unwrap();
        let here = (&rooms, &*ana);
        let mut from = Receiver::default();
        assert_eq!(from.binary(here, Bytes::new(), memory(0)).await, Err(End::Broken));
        from.text(here, "40", memory(2)).await.unwrap();
        from.text(here, "452-[\"a\"]", memory(9)).await.unwrap();
        assert_eq!(from.text(here, "42[\"b\"]", memory(7)).await, Err(End::Broken));
        let large = Bytes::from(vec![0; MESSAGE]);
        assert_eq!(from.binary(here, large, memory(MESSAGE)).await, Err(End::Broken));
        assert_eq!(from.text(here, "1", memory(1)).await, Err(End::Left));
        for text in ["", "9", "é", "0", "2"] {
            assert_eq!(from.text(here, text, memory(2)).await, Err(End::Broken), "{text}");
        }
    }
}
