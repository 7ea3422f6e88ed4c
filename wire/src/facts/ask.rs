//! Questions to a node, and its answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::payload::{BadPayload, read, write};

/// The longest id of a question, in bytes.
const ID: usize = 64;

/// The longest name of a method, in bytes.
const METHOD: usize = 32;

/// A question to a node: the payload of `<node>/ask`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The asker's random id, 1 to 64 bytes; the answer carries it.
    pub id: String,
    /// The method, 1 to 32 bytes; `help` lists all.
    pub method: String,
    /// The method's parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Value>,
}

impl Ask {
    /// Reads the payload of an ask topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large or not such JSON.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        use serde::de::Error;
        let ask: Ask = read(payload)?;
        for (field, value, most) in [("id", &ask.id, ID), ("method", &ask.method, METHOD)] {
            if value.is_empty() || value.len() > most {
                let why = format!("`{field}` must be 1 to {most} bytes");
                return Err(serde_json::Error::custom(why).into());
            }
        }
        Ok(ask)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

/// A node's answer to a question, or to a snap that it cannot carry out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's or the photo's id.
    pub id: String,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why there is no result, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of error, for programs that must tell it from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The node's disk or spool accepts no more.
    Storage,
    /// A cause that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Answer {
    /// Reads the payload of an answer topic.
    ///
    /// # Errors
    /// [`BadPayload`] if it is too large or not such JSON.
    pub fn parse(payload: &[u8]) -> Result<Self, BadPayload> {
        read(payload)
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        write(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Golden {
        ask: Vec<Ask>,
        answer: Vec<Answer>,
    }

    const GOLDEN: &str = include_str!("../../golden/ask.json");

    #[test]
    fn golden_payloads_are_read_and_written_back() {
        let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
        let raw: Value = serde_json::from_str(GOLDEN).unwrap();
        let again = |json: String| serde_json::from_str::<Value>(&json).unwrap();
        for (i, ask) in golden.ask.iter().enumerate() {
            assert_eq!(again(ask.to_json()), raw["ask"][i]);
            assert_eq!(&Ask::parse(ask.to_json().as_bytes()).unwrap(), ask);
        }
        for (i, answer) in golden.answer.iter().enumerate() {
            assert_eq!(again(answer.to_json()), raw["answer"][i]);
            assert_eq!(&Answer::parse(answer.to_json().as_bytes()).unwrap(), answer);
        }
    }

    #[test]
    fn a_question_that_nobody_could_answer_is_refused() {
        let long = "x".repeat(65);
        for bad in [
            r#"{"id":"","method":"help"}"#,
            r#"{"id":"1","method":""}"#,
            r#"{"id":"1"}"#,
            r#"["1","help"]"#,
            &format!(r#"{{"id":"{long}","method":"help"}}"#),
            &format!(r#"{{"id":"1","method":"{long}"}}"#),
            "help",
            "",
        ] {
            assert!(Ask::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_payload_or_an_error(bytes: Vec<u8>) {
            let _ = (Ask::parse(&bytes), Answer::parse(&bytes));
        }

        #[test]
        fn a_cut_question_is_an_error(cut in 0usize..200) {
            let params = Some(serde_json::json!({"camera": "bench"}));
            let json = Ask { id: "1".into(), method: "snap".into(), params }.to_json();
            prop_assume!(cut < json.len());
            prop_assert!(Ask::parse(&json.as_bytes()[..cut]).is_err());
        }
    }
}
