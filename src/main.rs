//! The command `vitrina`: reads arguments and configuration, and starts the parts asked for.

mod args;
mod check;
mod commands;
mod config;
mod layers;
mod logging;
mod parts;
mod signals;
mod supervisor;

use std::io;
use std::process::ExitCode;

use crate::args::{Args, Command, GalleryTask};
use crate::commands::{ask, cameras, chat, forget, log, manual, reindex, snap, user, watch};
use crate::config::Settings;
use crate::parts::Parts;

fn main() -> ExitCode {
    match run(&Args::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough, as in `vitrina cameras | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            for line in sentence(&error).lines() {
                eprintln!("vitrina: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let log = logging::start();
    let settings = Settings::load(&args.options)?;
    match &args.command {
        None => parts::run(settings, Parts::all(), log),
        Some(Command::Broker) => parts::run(settings, Parts::broker(), log),
        Some(Command::Node) => parts::run(settings, Parts::node(), log),
        Some(Command::Gallery { task: None }) => parts::run(settings, Parts::gallery(), log),
        Some(Command::Gallery { task: Some(GalleryTask::Reindex) }) => reindex::run(settings),
        Some(Command::Cameras) => cameras::run(settings),
        Some(Command::Snap { camera, output }) => snap::run(&settings, camera, output.as_deref()),
        Some(Command::Ask { node, method, params }) => {
            ask::run(&settings, node, method.as_deref(), params.as_ref())
        }
        Some(Command::Log) => log::run(&settings),
        Some(Command::Chat { name }) => chat::run(&settings, name),
        Some(Command::Watch { broker, once }) => watch::run(&settings, *broker, *once),
        Some(Command::Forget { what }) => forget::run(&settings, what),
        Some(Command::User(user)) => user::run(&settings, user),
        Some(Command::Manual { folder }) => manual::write(folder),
        Some(Command::Config { check: only }) => {
            check::check(&settings, Parts::all())?;
            if *only { Ok(()) } else { config::print(&settings) }
        }
    }
}

/// An error with its causes, without those that it names itself.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |said, cause| match cause.to_string() {
        cause if said.contains(&cause) => said,
        cause if said.is_empty() => cause,
        cause => format!("{said}: {cause}"),
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_that_an_error_names_itself_is_not_said_twice() {
        let cause = io::Error::other("no room");
        let named: anyhow::Result<()> = Err(cause).context("cannot write: no room; make some");
        assert_eq!(sentence(&named.unwrap_err()), "cannot write: no room; make some");
        let cause: anyhow::Result<()> = Err(io::Error::other("no room")).context("cannot write a");
        assert_eq!(sentence(&cause.unwrap_err()), "cannot write a: no room");
    }
}
