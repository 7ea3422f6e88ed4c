//! Engine.IO by HTTP (protocol 4): several packets in one body, parted by U+001E.

use base64ct::{Base64, Encoding};
use bytes::Bytes;

use gallery::Share;
use tokio::time::timeout;

use super::MEMORY_WITHIN;
use super::session::{Event, Next, Session, Transport};

/// What stands between two packets.
const BETWEEN: u8 = 0x1e;

/// After so many bytes no further event goes into the same answer.
const ENOUGH: usize = 64 * 1024;

/// A packet in a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Binary(Vec<u8>),
}

/// The packets of a body; `None` for one that is no packet.
pub(crate) fn parts(body: &[u8]) -> impl Iterator<Item = Option<Part<'_>>> {
    body.split(|byte| *byte == BETWEEN).map(|packet| match packet.split_first() {
        Some((b'b', base64)) => {
            Base64::decode_vec(str::from_utf8(base64).ok()?).ok().map(Part::Binary)
        }
        _ => str::from_utf8(packet).ok().map(Part::Text),
    })
}

/// The body for a poll: what waits for the client, or what comes first. It takes from `memory`,
/// because it is a copy; a client for which there is none is closed.
pub(crate) async fn body(session: &Session, transport: Transport, memory: &mut Share) -> String {
    let mut body = String::new();
    let mut next = Some(session.next(transport).await);
    loop {
        match next {
            Some(Next::Event(event)) => {
                let whole = body.len() + encoded(&event);
                if timeout(MEMORY_WITHIN, memory.wait(whole)).await.is_err() {
                    session.close();
                    return body;
                }
                session.here.reaches(&event.passing, event.size()).await;
                put(&mut body, &event);
                event.passing.taken();
            }
            // The poll ends, and the client sees what became of it.
            Some(Next::Elsewhere) if body.is_empty() => body.push('6'),
            Some(Next::Closed) if body.is_empty() => body.push('1'),
            Some(_) | None => return body,
        }
        if body.len() >= ENOUGH {
            return body;
        }
        next = match body.as_str() {
            "6" | "1" => None,
            _ => session.take(transport),
        };
    }
}

/// How many bytes an event has in a body.
fn encoded(event: &Event) -> usize {
    let binaries = event.attachments.iter().map(|bytes| 2 + bytes.len().div_ceil(3) * 4);
    1 + event.text.len() + binaries.sum::<usize>()
}

fn put(body: &mut String, event: &Event) {
    let texts = str::from_utf8(&event.text).into_iter().map(str::to_owned);
    let binaries =
        event.attachments.iter().map(|bytes: &Bytes| format!("b{}", Base64::encode_string(bytes)));
    for packet in texts.chain(binaries) {
        if !body.is_empty() {
            body.push(char::from(BETWEEN));
        }
        body.push_str(&packet);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_has_several_packets() {
        let packets: Vec<_> = parts("42[\"é\"]\u{1e}bAQI=\u{1e}3".as_bytes()).collect();
        let expected = [Part::Text("42[\"é\"]"), Part::Binary(vec![1, 2]), Part::Text("3")];
        assert_eq!(packets, expected.map(Some));
        assert_eq!(parts(b"b!").collect::<Vec<_>>(), [None]);
        assert_eq!(parts(b"4\xff").collect::<Vec<_>>(), [None]);
    }

    proptest! {
        #[test]
        fn an_event_arrives_as_it_was(text in "4[^\u{1e}]{0,20}", one: Vec<u8>, other: Vec<u8>) {
            let attachments = vec![Bytes::from(one.clone()), Bytes::from(other.clone())];
            let mut body = String::new();
            let event = Event::new(text.clone(), attachments, Vec::new());
            put(&mut body, &event);
            prop_assert!(body.len() <= encoded(&event));
            let packets: Vec<_> = parts(body.as_bytes()).collect();
            let expected = [Part::Text(&text), Part::Binary(one), Part::Binary(other)];
            prop_assert_eq!(packets, Vec::from(expected.map(Some)));
        }
    }
}
