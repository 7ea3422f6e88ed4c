//! `vitrina ask`: asks a node, once or question by question.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use wire::{Answer, Ask, NodeName, Root, Status, Topic, filter, limits};

use crate::commands::lines;
use crate::commands::mqtt::{Connection, Live, Message, News, QoS};
use crate::config::Settings;
use crate::signals::Signals;

/// A node answers at once.
const WITHIN: Duration = Duration::from_secs(12);

/// A photo takes as long as a frame of its camera. A node that cannot take one in time says so
/// before this ends.
const SNAP_WITHIN: Duration = limits::SNAP_WITHIN_MOST.saturating_add(Duration::from_secs(2));

/// How long the broker may take to echo our question.
const PASSED_ON_WITHIN: Duration = Duration::from_secs(5);

/// The longest question that a node reads.
const LINE: u64 = limits::JSON as u64;

pub fn run(
    settings: &Settings,
    node: &NodeName,
    method: Option<&str>,
    params: Option<&Value>,
) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut desk = Desk::connect(settings, node).await?;
        match method {
            Some(method) => {
                let answer = desk.ask(method, params.cloned()).await?;
                let result = answer.map_err(|why| anyhow!("{node}: {why}"))?;
                show(&result)?;
                Ok(())
            }
            None => desk.converse().await,
        }
    })
}

/// A connection for questions to one node.
struct Desk {
    root: Root,
    node: NodeName,
    live: Live,
}

impl Desk {
    /// Connects, and checks that the node is online.
    async fn connect(settings: &Settings, node: &NodeName) -> anyhow::Result<Desk> {
        let root = settings.file.root.clone();
        let mut broker = Connection::new(settings.broker()?, "ask")?;
        let status = Topic::Status(node.clone()).under(&root).to_string();
        check(&root, node, &broker.retained(&[filter::every_status(&root), status]).await?)?;
        // Our own question too: the broker echoes it only if we may ask.
        let topics = [Topic::Answer(node.clone()), Topic::Ask(node.clone())];
        broker.subscribe(&topics.map(|topic| topic.under(&root).to_string())).await?;
        Ok(Desk { root, node: node.clone(), live: broker.follow() })
    }

    /// Asks, and waits for the answer or the node's error.
    ///
    /// # Errors
    /// The connection, the node or the permission is gone.
    async fn ask(
        &mut self,
        method: &str,
        params: Option<Value>,
    ) -> anyhow::Result<Result<Value, String>> {
        let Desk { root, node, live } = self;
        let id = format!("{:016x}", fastrand::u64(..));
        let ask = Ask { id: id.clone(), method: method.to_owned(), params };
        let topic = Topic::Ask(node.clone()).under(root).to_string();
        live.client.publish(topic, QoS::AtLeastOnce, false, ask.to_json()).await?;
        let asked = Instant::now();
        let within = if method == "snap" { SNAP_WITHIN } else { WITHIN };
        let mut is_passed_on = false;
        loop {
            let until = asked + if is_passed_on { within } else { PASSED_ON_WITHIN };
            let Ok(news) = timeout_at(until, live.next()).await else {
                if !is_passed_on {
                    bail!(
                        "the broker does not pass your question on; asking needs the role operator"
                    );
                }
                bail!(
                    "{node} did not answer within {} s; check whether it hangs, or is too old to \
                     answer questions",
                    within.as_secs()
                );
            };
            let News::Message(Message { topic, payload, .. }) = news? else { continue };
            match Topic::parse(root, &topic) {
                Ok(Topic::Answer(of)) if of == *node => match Answer::parse(&payload) {
                    Ok(Answer { id: of, result, error, .. }) if of == id => {
                        return Ok(match error {
                            Some(why) => Err(why),
                            None => Ok(result.unwrap_or_default()),
                        });
                    }
                    _ => {}
                },
                Ok(Topic::Ask(of)) if of == *node => {
                    is_passed_on |= Ask::parse(&payload).is_ok_and(|ask| ask.id == id);
                }
                Ok(Topic::Status(of)) if of == *node && payload == OFFLINE => {
                    bail!("{node} went offline before it answered");
                }
                _ => {}
            }
        }
    }

    /// A question, its answer, the next question, until the input ends or a signal comes.
    async fn converse(&mut self) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
        let mut lines = lines::read(LINE)?;
        let is_typed = io::stdin().is_terminal() && io::stdout().is_terminal();
        if is_typed {
            writeln!(io::stdout(), "`help` lists what you can ask; Ctrl-D ends")?;
        }
        loop {
            if is_typed {
                write!(io::stdout(), "{}> ", self.node)?;
                io::stdout().flush()?;
            }
            let line = tokio::select! {
                line = lines.recv() => line,
                lost = self.idle() => return Err(lost),
                _ = signals.next() => None,
            };
            let Some(line) = line else {
                if is_typed {
                    writeln!(io::stdout())?;
                }
                return Ok(());
            };
            let answered = match question(&line) {
                None => continue,
                Some(Err(why)) => Err(format!("{why:#}")),
                Some(Ok((method, params))) => tokio::select! {
                    answered = self.ask(method, params) => answered?,
                    _ = signals.next() => return Ok(()),
                },
            };
            match answered {
                Ok(result) => show(&result)?,
                Err(why) => writeln!(io::stderr(), "{}: {why}", self.node)?,
            }
        }
    }

    /// Waits between questions until the node or the connection is gone.
    async fn idle(&mut self) -> anyhow::Error {
        loop {
            match self.live.next().await {
                Err(lost) => return lost,
                Ok(News::Message(Message { topic, payload, .. })) if payload == OFFLINE => {
                    let is_status = Topic::parse(&self.root, &topic)
                        .is_ok_and(|topic| topic == Topic::Status(self.node.clone()));
                    if is_status {
                        return anyhow!("{} went offline", self.node);
                    }
                }
                Ok(_) => {}
            }
        }
    }
}

const OFFLINE: &[u8] = b"offline";

/// Whether the retained messages show that the node can be asked.
fn check(root: &Root, node: &NodeName, retained: &[Message]) -> anyhow::Result<()> {
    if node.is_browser() {
        bail!("{node} is a browser, which answers no questions");
    }
    let mut statuses: Vec<(NodeName, Status)> = retained
        .iter()
        .filter_map(|Message { topic, payload, .. }| match Topic::parse(root, topic) {
            Ok(Topic::Status(node)) => Some((node, Status::parse(payload).ok()?)),
            _ => None,
        })
        .filter(|(node, _)| !node.is_browser())
        .collect();
    statuses.sort_by(|(a, _), (b, _)| a.cmp(b));
    match statuses.iter().find(|(known, _)| known == node) {
        Some((_, Status::Online)) => Ok(()),
        Some((_, Status::Offline)) => {
            bail!("the node {node} is offline; start it, or list the others with `vitrina watch`")
        }
        None if statuses.is_empty() => {
            bail!("there is no node {node}, nor any other; `vitrina node` starts one")
        }
        None => {
            let names: Vec<&str> = statuses.iter().map(|(node, _)| node.as_str()).collect();
            bail!("there is no node {node}; choose one of: {}", names.join(", "))
        }
    }
}

/// The question in a line of the input; `None` for an empty one.
fn question(line: &str) -> Option<anyhow::Result<(&str, Option<Value>)>> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let (method, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let read = match rest.trim() {
        "" => Ok(None),
        rest => serde_json::from_str(rest).map(Some).with_context(|| {
            format!(r#"what follows {method} must be JSON such as {{"camera":"NAME"}}"#)
        }),
    };
    Some(read.map(|params| (method, params)))
}

fn show(result: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{result:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(retained: &[(&str, &str)], node: &str) -> String {
        let message = |&(topic, payload): &(&str, &str)| Message {
            topic: topic.into(),
            payload: payload.into(),
            retained: true,
        };
        let retained: Vec<Message> = retained.iter().map(message).collect();
        match check(&Root::default(), &node.parse().unwrap(), &retained) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_a_node_that_is_online_is_asked() {
        let pi = ("vitrina/pi/status", "online");
        let attic = ("vitrina/attic/status", "offline");
        let web = ("vitrina/web-1/status", "online");
        assert_eq!(told(&[pi, attic], "pi"), "");
        assert!(told(&[pi, attic], "attic").contains("offline"));
        assert!(told(&[pi, web, attic], "roof").ends_with("choose one of: attic, pi"));
        assert!(told(&[web], "roof").contains("nor any other"));
        assert!(told(&[web], "web-1").contains("browser"));
    }

    #[test]
    fn a_line_is_a_method_and_what_it_needs() {
        assert!(question(" \n").is_none());
        let asked = |line| question(line).unwrap().unwrap();
        assert_eq!(asked(" help\n"), ("help", None));
        let camera = serde_json::json!({"camera": "a"});
        assert_eq!(asked("snap  {\"camera\":\"a\"} \n"), ("snap", Some(camera)));
        assert!(question("snap bench").unwrap().is_err());
    }
}
