//! `vitrina forget`: clears what the broker retains of a node, camera or gallery that will not
//! come back.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anyhow::bail;
use wire::people::Person;
use wire::{CameraId, Forgotten, GalleryId, Info, NodeName, Root, Topic, filter};

use crate::commands::mqtt::{Connection, Message};
use crate::config::Settings;

pub fn run(settings: &Settings, what: &Forgotten) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(forget(settings, what))
}

async fn forget(settings: &Settings, what: &Forgotten) -> anyhow::Result<()> {
    let root = &settings.file.root;
    let filter = match what {
        Forgotten::Node(node) => filter::all_of(root, node),
        Forgotten::Camera(camera) => filter::all_of(root, &camera.node),
        // Its people and their cameras go with it.
        Forgotten::Gallery(_) => format!("{root}/#"),
    };
    let mut broker = Connection::new(settings.broker()?, "forget")?;
    let mut filters = vec![filter];
    filters.extend(named(what).iter().map(|topic| topic.under(root).to_string()));
    let mut retained = broker.retained(&filters).await?;
    // The cameras in a node's `info`, for brokers that give retained messages by exact name only.
    if let Forgotten::Node(node) = what {
        let states = states(&retained, node, root);
        if !states.is_empty() {
            let more = broker.retained(&states).await?;
            retained.retain(|old| !more.iter().any(|new| new.topic == old.topic));
            retained.extend(more);
        }
    }
    let facts: Vec<(Topic, &[u8])> = retained
        .iter()
        .filter_map(|fact| Some((Topic::parse(root, &fact.topic).ok()?, &*fact.payload)))
        .collect();
    what.check(facts.iter().map(|(topic, payload)| (topic, *payload)))?;
    let spoken_for = match what {
        Forgotten::Gallery(id) => spoken_for(&retained, id, root),
        _ => BTreeSet::new(),
    };
    let topics: Vec<String> = retained
        .into_iter()
        .map(|message| message.topic)
        .filter(|topic| belongs(topic, what, root) || spoken_for.contains(topic))
        .collect();
    if topics.is_empty() {
        bail!("the broker retains nothing of {what}");
    }
    broker.clear(&topics).await?;
    for topic in topics {
        writeln!(io::stdout(), "forgot {topic}")?;
    }
    Ok(())
}

/// The topics to ask for by exact name.
fn named(what: &Forgotten) -> Vec<Topic> {
    let of = |node: &NodeName| [Topic::Status(node.clone()), Topic::Info(node.clone())];
    match what {
        Forgotten::Node(node) => of(node).to_vec(),
        Forgotten::Camera(camera) => {
            let [status, _] = of(&camera.node);
            vec![status, Topic::State(camera.clone()), Topic::Motion(camera.clone())]
        }
        Forgotten::Gallery(id) => vec![Topic::GalleryStatus(id.clone())],
    }
}

/// The `state` topics of the cameras in a node's `info`.
fn states(retained: &[Message], node: &NodeName, root: &Root) -> Vec<String> {
    let topic = Topic::Info(node.clone()).under(root).to_string();
    let info = retained.iter().find(|message| message.topic == topic);
    let cameras = info.and_then(|info| Info::parse(&info.payload).ok()).map(|info| info.cameras);
    let id = |camera| CameraId { node: node.clone(), camera };
    let state = |camera| Topic::State(id(camera)).under(root).to_string();
    cameras.unwrap_or_default().into_iter().map(state).collect()
}

/// The topics of the people and browser nodes that a gallery speaks for.
fn spoken_for(retained: &[Message], gallery: &GalleryId, root: &Root) -> BTreeSet<String> {
    let is_its = |id: Option<GalleryId>| id.as_ref() == Some(gallery);
    let mut nodes = BTreeSet::new();
    let mut topics = BTreeSet::new();
    for Message { topic, payload, .. } in retained {
        match Topic::parse(root, topic) {
            Ok(Topic::Person(_)) if Person::parse(payload).is_ok_and(|p| is_its(p.gallery)) => {
                topics.insert(topic.clone());
            }
            Ok(Topic::Info(node)) if Info::parse(payload).is_ok_and(|i| is_its(i.gallery)) => {
                nodes.insert(node);
            }
            _ => {}
        }
    }
    let all = retained.iter().map(|message| &message.topic);
    topics.extend(all.filter(|topic| is_of(topic, &nodes, root)).cloned());
    topics
}

fn is_of(topic: &str, nodes: &BTreeSet<NodeName>, root: &Root) -> bool {
    match Topic::parse(root, topic) {
        Ok(Topic::Status(node) | Topic::Info(node)) => nodes.contains(&node),
        Ok(Topic::State(id) | Topic::Controls(id) | Topic::Motion(id)) => nodes.contains(&id.node),
        _ => false,
    }
}

/// Whether a retained topic belongs to what is forgotten. Unknown topics below a node belong to
/// it.
fn belongs(topic: &str, what: &Forgotten, root: &Root) -> bool {
    match what {
        Forgotten::Node(_) => true,
        _ => Topic::parse(root, topic).is_ok_and(|topic| what.has(&topic)),
    }
}
