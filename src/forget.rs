//! `vitrina forget`: clears what the broker keeps of a node or camera that will not come back.

use std::io::{self, Write};

use anyhow::bail;
use wire::{Root, Status, Topic, filter};

use crate::args::Forgotten;
use crate::config::Settings;
use crate::mqtt::{Connection, Message};

pub fn run(settings: &Settings, what: &Forgotten) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(forget(settings, what))
}

async fn forget(settings: &Settings, what: &Forgotten) -> anyhow::Result<()> {
    let root = &settings.file.root;
    let node = match what {
        Forgotten::Node(node) => node,
        Forgotten::Camera(camera) => &camera.node,
    };
    let mut broker = Connection::new(settings.broker()?, "forget");
    let retained = broker.retained(&[filter::all_of(root, node)]).await?;
    if is_online(&retained, &Topic::Status(node.clone()), root)
        && *what == Forgotten::Node(node.clone())
    {
        bail!("{node} is online; what it publishes would come back at once. Stop it first");
    }
    let topics: Vec<String> = retained
        .into_iter()
        .map(|message| message.topic)
        .filter(|topic| belongs(topic, what, root))
        .collect();
    if topics.is_empty() {
        bail!(
            "the broker keeps nothing of {}",
            match what {
                Forgotten::Node(node) => node.to_string(),
                Forgotten::Camera(camera) => camera.to_string(),
            }
        );
    }
    broker.clear(&topics).await?;
    for topic in topics {
        writeln!(io::stdout(), "forgot {topic}")?;
    }
    Ok(())
}

fn is_online(retained: &[Message], status: &Topic, root: &Root) -> bool {
    retained.iter().any(|message| {
        Topic::parse(root, &message.topic).as_ref() == Ok(status)
            && Status::parse(&message.payload).is_ok_and(|s| s == Status::Online)
    })
}

/// Whether a retained topic goes with what is forgotten. What is under the node and not
/// understood goes with the node: it is there because of it.
fn belongs(topic: &str, what: &Forgotten, root: &Root) -> bool {
    match what {
        Forgotten::Node(_) => true,
        Forgotten::Camera(camera) => match Topic::parse(root, topic) {
            Ok(Topic::State(id) | Topic::Motion(id)) => id == *camera,
            _ => false,
        },
    }
}
