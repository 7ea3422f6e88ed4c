//! Logs go to standard error; standard output is for the results of commands. The node's last lines
//! are also kept in memory, for `vitrina ask NODE log`.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Registry};

/// The variable that chooses the lines, in `tracing`'s syntax: `debug`, or `node=debug,info`.
pub const VARIABLE: &str = "VITRINA_LOG";

/// Starts logging. Returns the node's last lines.
pub fn start() -> node::Log {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = io::stderr().is_terminal();
    let lines = layer::<Registry>().with_writer(io::stderr).with_ansi(ansi).with_target(false);
    // The journal writes the time of each line itself.
    let lines = match std::env::var_os("JOURNAL_STREAM") {
        Some(_) => lines.without_time().boxed(),
        None => lines.boxed(),
    };
    let log = node::Log::default();
    let kept = log.clone();
    let memory = layer().with_writer(move || kept.clone()).with_ansi(false).with_target(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(memory.with_filter(Targets::new().with_target("node", LevelFilter::INFO)))
        .init();
    log
}
