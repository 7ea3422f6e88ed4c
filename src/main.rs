//! The command `vitrina`: reads arguments and configuration, and starts the parts asked for.

mod args;
mod check;
mod class;
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
use crate::commands::{
    ask, cameras, chat, forget, log, manual, reindex, snap, talk_turns, user, watch,
};
use crate::config::Settings;
use crate::parts::Parts;

fn main() -> ExitCode {
    match run(&Args::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough, as in `vitrina cameras | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            for line in format!("{error:#}").lines() {
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
        Some(Command::Class(typed)) => {
            if let (Some(starter), Some(folder)) = (typed.new, &typed.folder) {
                return class::begin(starter, folder);
            }
            let class = class::config(typed, &settings);
            parts::run_class(settings, class, typed.turns, log)
        }
        Some(Command::Broker) => parts::run(settings, Parts::broker(), log),
        Some(Command::Node) => parts::run(settings, Parts::node(), log),
        Some(Command::Gallery { task: None }) => parts::run(settings, Parts::gallery(), log),
        Some(Command::Gallery { task: Some(GalleryTask::Reindex) }) => reindex::run(settings),
        Some(Command::Cameras) => cameras::run(settings),
        Some(Command::Snap { camera, output }) => snap::run(&settings, camera, output.as_deref()),
        Some(Command::Ask { node, method, params }) => {
            ask::run(&settings, node, method.as_deref(), params.as_ref())
        }
        Some(Command::TalkTurns { address }) => talk_turns::run(address),
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

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
