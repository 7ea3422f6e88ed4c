//! Logs go to standard error; standard output is for what was asked for.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Which lines are shown, in the words of `tracing`: `debug`, or `node=debug,info`.
pub const VARIABLE: &str = "VITRINA_LOG";

pub fn start() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    // The journal writes the time of each line itself.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().init();
    } else {
        lines.init();
    }
}
