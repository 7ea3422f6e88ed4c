//! `vitrina cameras`: lists the cameras, and says why other video devices are no cameras.

use std::io::{self, Write};

use crate::config::Settings;

pub fn run(settings: Settings) -> anyhow::Result<()> {
    let Settings { file, data, .. } = settings;
    let config = file.node.check(file.root, data.join("node"))?;
    let node::Survey { nodes, unmatched } = node::survey(&config);
    let mut out = io::stdout().lock();
    for node in &nodes {
        writeln!(out, "{node}")?;
    }
    if nodes.is_empty() {
        writeln!(out, "no video device here; plug a camera in and it appears by itself")?;
    }
    for words in unmatched {
        writeln!(out, "{words}")?;
    }
    Ok(())
}
