//! Payloads that several parts read, against the golden file of all of them.

use proptest::prelude::*;
use serde::Deserialize;

use super::camera::{Controls, Reason, State};
use super::node::{Info, Stats, Status};
use super::payload::BadPayload;
use super::want::Want;
use crate::limits;

#[derive(Deserialize)]
struct Golden {
    info: Info,
    state: Vec<State>,
    controls: Controls,
    stats: Stats,
    want: Vec<Want>,
}

const GOLDEN: &str = include_str!("../../golden/payloads.json");

#[test]
fn golden_payloads_are_read_and_written_back() {
    let golden: Golden = serde_json::from_str(GOLDEN).unwrap();
    let raw: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let again = |json: String| serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert_eq!(again(golden.info.to_json()), raw["info"]);
    assert_eq!(again(golden.stats.to_json()), raw["stats"]);
    assert_eq!(again(golden.controls.to_json()), raw["controls"]);
    for (i, state) in golden.state.iter().enumerate() {
        assert_eq!(again(state.to_json()), raw["state"][i]);
        assert_eq!(&State::parse(state.to_json().as_bytes()).unwrap(), state);
    }
    for (i, want) in golden.want.iter().enumerate() {
        assert_eq!(again(want.to_json()), raw["want"][i]);
    }
}

#[test]
fn a_status_is_one_of_two_words() {
    for status in [Status::Online, Status::Offline] {
        assert_eq!(Status::parse(status.as_str().as_bytes()).unwrap(), status);
    }
    for bad in ["", "Online", "online\n", "on", "\"online\""] {
        assert!(Status::parse(bad.as_bytes()).is_err());
    }
}

#[test]
fn fields_and_reasons_of_a_later_version_are_accepted() {
    let json = r#"{"state":"lost","reason":"eaten","since":1,"name":"n","device":"d","new":[1]}"#;
    assert_eq!(State::parse(json.as_bytes()).unwrap().reason, Some(Reason::Unknown));
}

#[test]
fn impossible_wants_are_refused() {
    for bad in [
        r#"{"by":"me","full":-1}"#,
        r#"{"by":"me","full":1e9}"#,
        r#"{"by":"","full":5}"#,
        r#"{"full":5}"#,
        r#"["me"]"#,
        "",
    ] {
        assert!(Want::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let long = format!(r#"{{"by":"{}"}}"#, "x".repeat(65));
    assert!(Want::parse(long.as_bytes()).is_err());
    let huge = vec![b' '; limits::JSON + 1];
    assert!(matches!(Want::parse(&huge), Err(BadPayload::TooLarge(_))));
}

#[test]
fn a_want_holds_ten_seconds_unless_it_says_and_never_over_ten_minutes() {
    let holds = |json: &str| Want::parse(json.as_bytes()).unwrap().holds().as_secs();
    assert_eq!(holds(r#"{"by":"me","full":5}"#), 10);
    assert_eq!(holds(r#"{"by":"me","full":5,"for":60}"#), 60);
    assert_eq!(holds(r#"{"by":"me","full":5,"for":1e30}"#), 600);
    assert_eq!(holds(r#"{"by":"me","full":5,"for":-3}"#), 0);
}

proptest! {
    #[test]
    fn any_bytes_are_a_payload_or_an_error(bytes: Vec<u8>) {
        let _ = (Status::parse(&bytes), Info::parse(&bytes), State::parse(&bytes));
        let _ = (Stats::parse(&bytes), Want::parse(&bytes), Controls::parse(&bytes));
    }

    #[test]
    fn a_cut_payload_is_an_error(cut in 0usize..60) {
        let json = Want { by: "me".into(), full: Some(29.5), half: None, quarter: None, lookers: None, seconds: Some(5.0) }.to_json();
        prop_assume!(cut < json.len());
        prop_assert!(Want::parse(&json.as_bytes()[..cut]).is_err());
    }
}
