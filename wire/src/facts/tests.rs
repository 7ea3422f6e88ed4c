//! Payloads that several parts read, against the golden file of all of them.

use proptest::prelude::*;
use serde::Deserialize;

use super::camera::{Control, Controls, Reason, State};
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
fn names_and_titles_of_strangers_are_cleaned_and_cut() {
    let long = "x".repeat(50_000);
    for (name, called) in [("\u{202e}Door\n", "Door"), (&*long, &long[..64])] {
        let json = serde_json::json!({"state": "live", "since": 1, "name": name, "device": "d"});
        assert_eq!(State::parse(json.to_string().as_bytes()).unwrap().called(), called);
        let json = serde_json::json!({"state": "live", "since": 1, "name": "n", "title": name, "device": "d"});
        assert_eq!(State::parse(json.to_string().as_bytes()).unwrap().called(), called);
        let json = GOLDEN_INFO.replace("Werkstatt", &name.replace('\n', " "));
        assert_eq!(Info::parse(json.as_bytes()).unwrap().title, called);
    }
}

const GOLDEN_INFO: &str = r#"{"kind":"v4l2","version":"0","machine":"1","boot":"1","instance":"1","title":"Werkstatt","host":"h","started":1,"cameras":[]}"#;

#[test]
fn a_state_stays_under_4_kb_whatever_can_be_set() {
    let json =
        r#"{"state":"live","since":1,"name":"n","title":"北门","device":"d","size":"1280x720"}"#;
    let mut state = State::parse(json.as_bytes()).unwrap();
    let control = Control { value: 1 << 40, min: i64::MIN, max: i64::MAX, step: 1, default: 0 };
    state.controls.insert("brightness".to_owned(), control.clone());
    assert!(state.to_json().contains("brightness"));
    state.controls.extend((0..200).map(|n| (format!("control_{n}"), control.clone())));
    let told = state.to_json();
    assert!(told.len() <= limits::STATE && told.contains("北门"), "{} bytes", told.len());
    assert!(State::parse(told.as_bytes()).unwrap().controls.is_empty());
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
