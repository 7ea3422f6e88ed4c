//! The table of who may do what in docs/access.md is made here, from the routes and the messages
//! themselves. To write it anew: `VITRINA_WRITE=docs cargo test -p gallery who_may_do_what`.

use std::fmt::Write as _;

use ::access::{Role, Visitors};
use wire::page::FromPage;

use super::*;
use crate::live::page::rights;

/// Everybody whom a gallery can have to do with, by their rights.
fn everybody() -> [(&'static str, Rights); 7] {
    [
        ("house without users", Rights::OPEN),
        ("admin", Role::Admin.rights()),
        ("operator", Role::Operator.rights()),
        ("viewer", Role::Viewer.rights()),
        ("visitors = join", Visitors::Join.rights()),
        ("visitors = look", Visitors::Look.rights()),
        ("visitors = none", Visitors::None.rights()),
    ]
}

fn row(what: &str, needs: Option<Right>) -> String {
    let right = needs.map_or("anybody".to_owned(), |right| right.to_string());
    let mut row = format!("| {what} | {right} |");
    for (_, rights) in everybody() {
        let caller = Caller { rights, ..Caller::unknown(HERE) };
        let may = needs.is_none_or(|right| caller.may(right, None));
        row.push_str(if may { " yes |" } else { " – |" });
    }
    row
}

/// What a page can send, one of each.
fn messages() -> Vec<(String, FromPage)> {
    let golden = include_str!("../../../../../wire/golden/page.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let all = golden["from"].as_array().unwrap().iter();
    let mut messages: Vec<_> = all
        .map(|message| {
            let kind = message["type"].as_str().unwrap().to_owned();
            (kind, serde_json::from_value(message.clone()).unwrap())
        })
        .collect();
    messages.dedup_by(|(one, _), (other, _)| one == other);
    messages
}

fn table() -> String {
    let mut text = include_str!("access.md").to_owned();
    let names = everybody().map(|(name, _)| format!(" {name} |")).concat();
    let mut head = |what| {
        let _ = write!(text, "\n| {what} | right |{names}\n|{}\n", " --- |".repeat(9));
    };
    head("route");
    for route in ROUTES {
        let path = match route.at {
            Path(pattern) => pattern.replace('{', "<").replace('}', ">"),
            Live => "/cameras/<node>/<camera>/…, /?action=…, /snapshot, /stream, /webcam/…".into(),
            Relay => "/ and /relay/<room>, as a WebSocket".to_owned(),
            Rooms => "/wall, /photos, /people".to_owned(),
            Files => "the files of the page, and all else".to_owned(),
        };
        text.push_str(&row(&format!("`{} {path}`", route.method), route.needs));
        text.push('\n');
    }
    let mut head = |what| {
        let _ = write!(text, "\n| {what} | right |{names}\n|{}\n", " --- |".repeat(9));
    };
    head("message of a page");
    for (kind, message) in messages() {
        text.push_str(&row(&format!("`{kind}`"), rights::needs(&message)));
        text.push('\n');
    }
    text.push_str(&row("a frame of its own camera", Some(Right::Show)));
    text.push('\n');
    text.push_str(&row("the answer to a frame", None));
    text.push('\n');
    text
}

#[test]
fn who_may_do_what_is_written_down() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/access.md");
    let table = table();
    if std::env::var_os("VITRINA_WRITE").is_some_and(|what| what == "docs") {
        std::fs::write(file, &table).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, table, "write it anew as this file's head says, and read what changed");
}

/// Each message has a rule, which is enforced: see also `live::page`'s tests.
#[test]
fn each_right_is_needed_for_something() {
    let routes = ROUTES.iter().filter_map(|route| route.needs);
    let messages = messages().into_iter().filter_map(|(_, message)| rights::needs(&message));
    let needed: Vec<Right> = routes.chain(messages).collect();
    for right in Right::ALL {
        assert!(needed.contains(&right), "{right}");
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_the_table_says() {
    let data = tempfile::tempdir().unwrap();
    let site = site(data.path());
    for route in ROUTES {
        for (name, rights) in everybody() {
            let what = format!("{} {:?} for {name}", route.method, route.at);
            let may = route.needs.is_none_or(|right| rights.have(right));
            let response = answer(site.clone(), asked_of(route, rights)).await;
            let refused = text(response).await.contains("\"no-right\"");
            assert_eq!(refused, !may, "{what}");
        }
    }
}
