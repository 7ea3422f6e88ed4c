//! The packets of Socket.IO, protocol 5, as texts within Engine.IO's messages:
//! `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`, followed by its binary attachments.
//!
//! Pure. What an event carries is checked to be JSON, but passed on as it was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// The most attachments of a packet.
const ATTACHMENTS: usize = 16;

/// The longest name of a namespace, in bytes.
const NAMESPACE: usize = 64;

/// Names that mean something else to every client, so that no event is called so.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub what: What<'a>,
    /// `/` unless another one is named.
    pub namespace: &'a str,
    /// How many binary messages follow that belong to it.
    pub attachments: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// It enters the namespace.
    Connect,
    /// It leaves the namespace.
    Disconnect,
    /// An event, as a JSON array of its name and what it carries. With an `id` it wants an answer.
    Event { json: &'a str, id: Option<&'a str> },
    /// An event with a reserved name, or an answer, which nobody waits for.
    Nothing,
}

/// It is no packet of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bad;

/// Reads a packet.
///
/// # Errors
/// [`Bad`], after which nothing can be known of what follows.
pub(crate) fn parse(text: &str) -> Result<Packet<'_>, Bad> {
    let kind = text.bytes().next().ok_or(Bad)?;
    let rest = text.get(1..).ok_or(Bad)?;
    let (attachments, rest) = match kind {
        b'5' | b'6' => {
            let (count, rest) = rest.split_once('-').ok_or(Bad)?;
            let count = count.bytes().all(|b| b.is_ascii_digit()).then(|| count.parse());
            let count: usize = count.ok_or(Bad)?.map_err(|_| Bad)?;
            (Some(count).filter(|count| *count <= ATTACHMENTS).ok_or(Bad)?, rest)
        }
        _ => (0, rest),
    };
    let (namespace, rest) = match rest.starts_with('/') {
        true => rest.split_once(',').unwrap_or((rest, "")),
        false => ("/", rest),
    };
    // It comes from a URL's path, so a query may follow.
    let namespace = namespace.split('?').next().unwrap_or(namespace);
    if namespace.len() > NAMESPACE || namespace.chars().any(char::is_control) {
        return Err(Bad);
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, json) = rest.split_at(digits);
    let what = match kind {
        b'0' => What::Connect,
        b'1' => What::Disconnect,
        b'2' | b'5' => {
            let Event(name) = serde_json::from_str(json).map_err(|_| Bad)?;
            match RESERVED.contains(&&*name) {
                true => What::Nothing,
                false => What::Event { json, id: (!id.is_empty() && id.len() < 20).then_some(id) },
            }
        }
        b'3' | b'6' => What::Nothing,
        _ => return Err(Bad),
    };
    Ok(Packet { what, namespace, attachments })
}

/// An event as its receivers get it, as an Engine.IO message.
pub(crate) fn event(namespace: &str, attachments: usize, json: &str) -> String {
    let place = place(namespace);
    match attachments {
        0 => format!("42{place}{json}"),
        count => format!("45{count}-{place}{json}"),
    }
}

/// The answer to an event with an id.
pub(crate) fn answer(namespace: &str, id: &str) -> String {
    format!("43{}{id}[]", place(namespace))
}

/// The answer to who enters a namespace.
pub(crate) fn entered(namespace: &str, sid: &str) -> String {
    format!("40{}{{\"sid\":\"{sid}\"}}", place(namespace))
}

/// Why one cannot enter a namespace.
pub(crate) fn not_entered(namespace: &str, why: &str) -> String {
    let why = serde_json::json!({ "message": why });
    format!("44{}{why}", place(namespace))
}

fn place(namespace: &str) -> String {
    match namespace {
        "/" => String::new(),
        other => format!("{other},"),
    }
}

/// The name of an event: the first of an array, which is read to its end.
struct Event<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Event<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = Event<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array that begins with a name")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Event<'de>, A::Error> {
                #[derive(serde::Deserialize)]
                #[serde(untagged)]
                enum Name {
                    Text(String),
                    Number(i64),
                }
                let name = seq.next_element::<Name>()?;
                let name = name.ok_or_else(|| serde::de::Error::invalid_length(0, &self))?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Event(match name {
                    Name::Text(text) => text.into(),
                    Name::Number(number) => number.to_string().into(),
                }))
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_read_as_the_protocol_has_them() {
        let packet = |what, namespace, attachments| Ok(Packet { what, namespace, attachments });
        let event = |json, id| What::Event { json, id };
        for (text, expected) in [
            ("0", packet(What::Connect, "/", 0)),
            ("0{\"token\":\"1\"}", packet(What::Connect, "/", 0)),
            ("0/aula,", packet(What::Connect, "/aula", 0)),
            ("0/aula?a=1,", packet(What::Connect, "/aula", 0)),
            ("0/aula", packet(What::Connect, "/aula", 0)),
            ("1/aula,", packet(What::Disconnect, "/aula", 0)),
            ("2[\"a\",1]", packet(event("[\"a\",1]", None), "/", 0)),
            ("2/aula,12[\"a\"]", packet(event("[\"a\"]", Some("12")), "/aula", 0)),
            ("2[7]", packet(event("[7]", None), "/", 0)),
            ("52-[\"a\",{}]", packet(event("[\"a\",{}]", None), "/", 2)),
            ("51-/b,3[\"a\"]", packet(event("[\"a\"]", Some("3")), "/b", 1)),
            ("2[\"disconnect\"]", packet(What::Nothing, "/", 0)),
            ("31[]", packet(What::Nothing, "/", 0)),
            ("61-1[]", packet(What::Nothing, "/", 1)),
            ("", Err(Bad)),
            ("é", Err(Bad)),
            ("4{}", Err(Bad)),
            ("9", Err(Bad)),
            ("2", Err(Bad)),
            ("2{}", Err(Bad)),
            ("2[]", Err(Bad)),
            ("2[null]", Err(Bad)),
            ("2[\"a\"", Err(Bad)),
            ("2[\"a\"]x", Err(Bad)),
            ("5[\"a\"]", Err(Bad)),
            ("5+1-[\"a\"]", Err(Bad)),
            ("599-[\"a\"]", Err(Bad)),
            ("599999999999999999999999-[\"a\"]", Err(Bad)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_passed_on_is_read_again(
            namespace in "/[a-z]{0,8}", attachments in 0_usize..=ATTACHMENTS, name in "[a-zé \"]{0,5}",
        ) {
            let json = serde_json::json!([name, 1.5, { "a": [null] }]).to_string();
            let text = event(&namespace, attachments, &json);
            let packet = parse(text.strip_prefix('4').unwrap()).unwrap();
            prop_assert_eq!(packet.what, What::Event { json: &json, id: None });
            prop_assert_eq!((packet.namespace, packet.attachments), (&*namespace, attachments));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9/,\\[\\]\"a{}-]{0,20}|.{0,40}") {
            let _ = parse(&text);
        }
    }
}
