//! The table of nodes and cameras.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use wire::{CameraId, CameraStats, Info, NodeName, Root, State, Stats, Status, Topic, filter};

use super::Table;
use crate::commands::mqtt::Message;

/// The most facts that are subscribed to by exact name.
const ASKED: usize = 1000;

/// The width of the narrowest terminal, in columns.
const WIDTH: usize = 79;

/// The nodes and cameras known so far.
#[derive(Default)]
pub struct Board {
    root: Root,
    nodes: BTreeMap<NodeName, Node>,
    cameras: BTreeMap<CameraId, Camera>,
    /// The facts subscribed to by exact name.
    asked: BTreeSet<String>,
}

#[derive(Default)]
struct Node {
    online: bool,
    info: Option<Info>,
    stats: Option<Stats>,
    /// When its stats arrived.
    heard: Option<Instant>,
}

#[derive(Default)]
struct Camera {
    state: Option<State>,
    stats: Option<CameraStats>,
    pictured: Option<Instant>,
}

impl Board {
    /// An empty table for topics under this root.
    pub fn new(root: &Root) -> Self {
        Board { root: root.clone(), ..Board::default() }
    }

    /// The facts of a node or camera that shows itself first by a message that is no fact.
    fn unasked(&mut self, topic: &Topic) -> Vec<String> {
        let (node, camera) = match topic {
            Topic::Stats(node) => (node, None),
            Topic::Preview(camera) => (&camera.node, Some(Topic::State(camera.clone()))),
            _ => return Vec::new(),
        };
        let facts = [Topic::Status(node.clone()), Topic::Info(node.clone())];
        let facts = facts.into_iter().chain(camera).map(|fact| fact.under(&self.root).to_string());
        let room = ASKED.saturating_sub(self.asked.len());
        let unasked: Vec<_> = facts.filter(|fact| !self.asked.contains(fact)).take(room).collect();
        self.asked.extend(unasked.iter().cloned());
        unasked
    }
}

impl Table for Board {
    fn filters(&self) -> Vec<String> {
        let root = &self.root;
        vec![
            filter::every_status(root),
            filter::every_info(root),
            filter::every_stats(root),
            filter::every_state(root),
            filter::every_preview(root),
        ]
    }

    /// An unreadable message changes nothing.
    fn take(&mut self, message: &Message, now: Instant) -> Vec<String> {
        let payload = &message.payload[..];
        let topic = Topic::parse(&self.root, &message.topic);
        let unasked = topic.as_ref().map(|topic| self.unasked(topic)).unwrap_or_default();
        match topic {
            Ok(Topic::Status(node)) => match Status::parse(payload) {
                Ok(status) => {
                    self.nodes.entry(node).or_default().online = status == Status::Online;
                }
                // An empty status means that the node was forgotten.
                Err(_) => {
                    self.nodes.remove(&node);
                }
            },
            Ok(Topic::Info(node)) => {
                if let Ok(info) = Info::parse(payload) {
                    self.nodes.entry(node).or_default().info = Some(info);
                }
            }
            Ok(Topic::Stats(node)) => {
                if let Ok(stats) = Stats::parse(payload) {
                    for (camera, figures) in &stats.cameras {
                        let id = CameraId { node: node.clone(), camera: camera.clone() };
                        self.cameras.entry(id).or_default().stats = Some(figures.clone());
                    }
                    let node = self.nodes.entry(node).or_default();
                    (node.stats, node.heard) = (Some(stats), Some(now));
                }
            }
            Ok(Topic::State(camera)) => match State::parse(payload) {
                Ok(state) => self.cameras.entry(camera).or_default().state = Some(state),
                Err(_) => {
                    self.cameras.remove(&camera);
                }
            },
            Ok(Topic::Preview(camera)) if !message.retained => {
                self.cameras.entry(camera).or_default().pictured = Some(now);
            }
            _ => {}
        }
        unasked
    }

    fn draw(&self, now: Instant) -> String {
        let mut table = row(["CAMERA", "STATE", "AS", "SIZE", "FPS", "PICTURE", "LOST"]);
        for (name, node) in &self.nodes {
            let state = if node.online { "online" } else { "offline" };
            let host = node.info.as_ref().map_or("", |info| &info.host);
            let load = node.stats.as_ref().map_or_else(String::new, |stats| {
                format!("{:.0} % cpu, {} MB", stats.cpu, stats.rss / 1_000_000)
            });
            let title = node.info.as_ref().map_or_else(String::new, |info| quoted(&info.title));
            let told = [name.as_str(), &title, state, &load, host].map(|part| cut(part, 32));
            let told: Vec<_> = told.into_iter().filter(|part| !part.is_empty()).collect();
            let _ = writeln!(table, "{}", cut(&told.join("  "), WIDTH));
            for told in node.stats.as_ref().map(of_photos).unwrap_or_default() {
                let _ = writeln!(table, "  {}", cut(&told, WIDTH - 2));
            }
            for (id, camera) in self.cameras.iter().filter(|(id, _)| id.node == *name) {
                let cells = camera.cells(node, now);
                let [state, format, size, fps, age, dropped] = cells.each_ref().map(String::as_str);
                table += &row([id.camera.as_str(), state, format, size, fps, age, dropped]);
                let title = camera.state.as_ref().map_or("", |state| &state.title);
                if !title.is_empty() {
                    let _ = writeln!(table, "    {}", cut(&quoted(title), WIDTH - 4));
                }
            }
        }
        if self.nodes.is_empty() {
            table.push_str("no node yet\n");
        }
        table
    }
}

impl Node {
    /// What the node's own wall clock shows now, since 1970; it may be wrong.
    fn clock(&self, now: Instant) -> Duration {
        let told = self.stats.as_ref().zip(self.heard);
        told.map_or_else(clock::unix, |(stats, heard)| {
            Duration::from_millis(stats.at).saturating_add(now.duration_since(heard))
        })
    }
}

impl Camera {
    fn cells(&self, node: &Node, now: Instant) -> [String; 6] {
        let state = self.state.as_ref();
        // A camera without pictures shows since when, even if this run saw none of them.
        let without = state
            .filter(|state| state.reason.is_some())
            .map(|state| node.clock(now).saturating_sub(Duration::from_millis(state.since)));
        let pictured = self.pictured.map(|at| now.duration_since(at));
        let told = match state.map(|s| (s.state, s.reason)) {
            _ if !node.online => "offline".to_owned(),
            Some((state, Some(reason))) => format!("{}: {}", word(&state), word(&reason)),
            Some((state, None)) => word(&state),
            None => String::new(),
        };
        // Only drops that a working camera would not make concern the viewer.
        let dropped = self.stats.as_ref().map(|stats| {
            let broken = stats.dropped.iter().filter(|(reason, _)| *reason != "unwanted");
            broken.map(|(_, count)| count).sum::<u64>().to_string()
        });
        [
            told,
            state.map(|s| s.format.clone()).unwrap_or_default(),
            state.and_then(|s| s.size).map(|s| s.to_string()).unwrap_or_default(),
            self.stats.as_ref().map(|s| format!("{:.1}", s.fps)).unwrap_or_default(),
            pictured.max(without).map(age).unwrap_or_default(),
            dropped.unwrap_or_default(),
        ]
    }
}

/// A title between quotes; empty if there is none.
fn quoted(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("“{title}”") }
}

/// A line of the table, no wider than [`WIDTH`].
fn row([name, state, format, size, fps, age, dropped]: [&str; 7]) -> String {
    let (name, state, size) = (cut(name, 21), cut(state, 18), cut(size, 9));
    let row =
        format!("  {name:<21} {state:<18} {format:<4} {size:<9} {fps:>6} {age:>7} {dropped:>6}");
    format!("{}\n", row.trim_end())
}

/// A text of at most `most` characters, without the middle of a longer one.
fn cut(text: &str, most: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= most {
        return text.to_owned();
    }
    let end = (most - 1) / 2;
    let begin = chars.iter().take(most - 1 - end);
    begin.chain(&['…']).chain(chars.iter().skip(chars.len() - end)).collect()
}

/// Notes on the photos on a node's disk, and on what the broker withholds from it.
fn of_photos(stats: &Stats) -> Vec<String> {
    let waiting = format!("photos wait to be stored: {:.1} MB", stats.spool as f64 / 1e6);
    let refused = format!("photos in spool/refused, which no gallery takes: {}", stats.refused);
    let told = [(stats.spool > 0, waiting), (stats.refused > 0, refused)];
    let told = told.into_iter().filter_map(|(holds, told)| holds.then_some(told));
    let told = told.chain(stats.trouble.iter().map(|why| format!("no photos: {why}")));
    told.chain(stats.kept_back.clone()).collect()
}

/// The name of a state or reason on the wire.
fn word(value: &(impl serde::Serialize + ?Sized)) -> String {
    match toml::Value::try_from(value) {
        Ok(toml::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn age(age: Duration) -> String {
    match age.as_secs() {
        0..60 => format!("{:.1} s", age.as_secs_f32()),
        60..3600 => format!("{} min", age.as_secs() / 60),
        hours => format!("{} h", hours / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message { topic: topic.into(), payload: payload.into(), retained: false }
    }

    #[test]
    fn the_table_tells_state_rate_age_and_drops() {
        let (mut board, start) = (Board::new(&Root::default()), Instant::now());
        for (topic, payload) in [
            ("vitrina/pi/status", "online"),
            (
                "vitrina/pi/door/state",
                r#"{"state":"live","since":1,"name":"Door","device":"d","format":"MJPG","size":"1280x720"}"#,
            ),
            (
                "vitrina/pi/roof/state",
                r#"{"state":"lost","reason":"unplugged","since":2001,"name":"Roof","device":"d"}"#,
            ),
            (
                "vitrina/pi/stats",
                r#"{"at":5001,"mono":1,"boot":"b","cpu":3.2,"rss":9000000,"spool":1300000,"refused":2,"trouble":"the disk is full","cameras":{"door":{"fps":29.97,"made":100,"published":50,"bytes":1,"dropped":{"unwanted":48,"truncated":2}}}}"#,
            ),
            ("vitrina-jpeg/pi/door/preview", ""),
            ("vitrina/far/status", "offline"),
            ("vitrina/pi/door/rubbish", "\u{0}"),
        ] {
            board.take(&message(topic, payload), start);
        }
        let table = board.draw(start + Duration::from_millis(400));
        let lines: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["far", "offline"]);
        assert_eq!(lines[2], ["pi", "online", "3", "%", "cpu,", "9", "MB"]);
        assert!(lines[3].ends_with(&["1.3", "MB"]), "{:?}", lines[3]);
        assert!(lines[4].ends_with(&["takes:", "2"]), "{:?}", lines[4]);
        assert!(lines[5].ends_with(&["is", "full"]), "{:?}", lines[5]);
        assert_eq!(lines[6], ["door", "live", "MJPG", "1280x720", "30.0", "0.4", "s", "2"]);
        // Since 3 s before the stats, which came 400 ms ago.
        assert_eq!(lines[7], ["roof", "lost:", "unplugged", "3.4", "s"]);
    }

    #[test]
    fn titles_stand_beside_the_names_by_which_commands_call_things() {
        let (mut board, now) = (Board::new(&Root::default()), Instant::now());
        let info = r#"{"kind":"v4l2","version":"0","machine":"1","boot":"1","instance":"1","title":"Werkstatt","host":"h","started":1,"cameras":[]}"#;
        let state =
            r#"{"state":"idle","since":1,"name":"C920","title":"北门\u001b[2J","device":"d"}"#;
        board.take(&message("vitrina/pi/status", "online"), now);
        board.take(&message("vitrina/pi/info", info), now);
        board.take(&message("vitrina/pi/door/state", state), now);
        let table = board.draw(now);
        let lines: Vec<&str> = table.lines().map(str::trim).collect();
        assert_eq!(lines[1], "pi  “Werkstatt”  online  h");
        assert_eq!(lines[3], "“北门[2J”", "nothing of it reaches the terminal as a command");
    }

    #[test]
    fn the_table_fits_eighty_columns_whatever_things_are_called() {
        let (mut board, now) = (Board::new(&Root::default()), Instant::now());
        let long = "a-name-of-thirty-two-characters-x";
        let (node, camera) = (&long[..32], &long[1..33]);
        let state = r#"{"state":"error","reason":"permission","since":1,"name":"D","device":"d","format":"MJPG","size":"10000x10000"}"#;
        let stats = format!(
            r#"{{"at":1,"mono":1,"boot":"b","cpu":103.2,"rss":9000000000,"spool":1300000,"trouble":"{}","cameras":{{"{camera}":{{"fps":1000.0,"made":100,"published":50,"bytes":1,"dropped":{{"truncated":123456}}}}}}}}"#,
            "the disk of this node is full, ".repeat(9)
        );
        board.take(&message(&format!("vitrina/{node}/status"), "online"), now);
        board.take(&message(&format!("vitrina/{node}/{camera}/state"), state), now);
        board.take(&message(&format!("vitrina/{node}/stats"), &stats), now);
        let table = board.draw(now);
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH), "{table}");
        assert!(table.contains("error: permission"), "{table}");
        assert_eq!(cut("abcdefgh", 5), "ab…gh");
    }

    #[test]
    fn the_facts_of_who_is_heard_of_are_asked_for_by_name_once() {
        let (mut board, now) = (Board::new(&Root::default()), Instant::now());
        let mut take = |topic| board.take(&message(topic, ""), now);
        let state = "vitrina/pi/door/state";
        let facts = ["vitrina/pi/status", "vitrina/pi/info", state];
        assert_eq!(take("vitrina-jpeg/pi/door/preview"), facts);
        assert!(take("vitrina-jpeg/pi/door/preview").is_empty());
        assert!(take("vitrina/pi/stats").is_empty());
        assert_eq!(take("vitrina-jpeg/pi/roof/preview"), ["vitrina/pi/roof/state"]);
        assert!(take("vitrina/pi/cellar/state").is_empty());
        for n in 0..3000 {
            board.take(&message(&format!("vitrina/n{n}/stats"), ""), now);
        }
        assert!(board.asked.len() <= ASKED);
    }

    #[test]
    fn a_forgotten_camera_and_node_go() {
        let (mut board, now) = (Board::new(&Root::default()), Instant::now());
        board.take(&message("vitrina/pi/status", "online"), now);
        let state = r#"{"state":"idle","since":1,"name":"Door","device":"d"}"#;
        board.take(&message("vitrina/pi/door/state", state), now);
        board.take(&message("vitrina/pi/door/state", ""), now);
        assert!(!board.draw(now).contains("door"));
        board.take(&message("vitrina/pi/status", ""), now);
        assert!(board.draw(now).contains("no node yet"));
    }
}
