//! The command line, as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use access::{Cameras, Hours, Role};
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::Value;
use wire::{CameraId, Forgotten, NodeName};

/// All your cameras on one wall in the browser.
///
/// Without a command, everything runs here: the broker, the gallery, and every camera of this
/// machine, or a moving test card if there is none.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Args {
    #[command(flatten)]
    pub options: Options,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Args {
    /// Reads the arguments of this process; help and errors end it.
    pub fn of_process() -> Args {
        Args::parse_from(sets_first(std::env::args_os()))
    }
}

/// The same arguments with each `--set` before all others, because clap would keep only those
/// before or those after a command.
fn sets_first(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.peekable();
    let (mut first, mut others) = (Vec::from_iter(arguments.next()), Vec::new());
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            others.push(argument);
            others.extend(arguments.by_ref());
        } else if argument == "--set" && arguments.peek().is_some() {
            first.push(argument);
            first.extend(arguments.next());
        } else if argument.as_encoded_bytes().starts_with(b"--set=") {
            first.push(argument);
        } else {
            others.push(argument);
        }
    }
    first.append(&mut others);
    first
}

/// The options of every command.
#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// Read the configuration from FILE [default: /etc/vitrina/vitrina.toml if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// Set one key of the configuration, overriding the file and the environment; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,

    /// Keep data in DIR [default: $STATE_DIRECTORY, else $XDG_DATA_HOME/vitrina]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,

    /// Let the local network in without a password: machines of private address ranges may
    /// open the wall and connect to the broker
    #[arg(long, global = true)]
    pub open: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Capture from the cameras of this machine
    Node,
    /// Serve MQTT
    Broker,
    /// Serve the wall to browsers
    #[command(args_conflicts_with_subcommands = true)]
    Gallery {
        #[command(subcommand)]
        task: Option<GalleryTask>,
    },
    /// List the cameras of this machine, and say why other video devices are no cameras
    Cameras,
    /// Take a photo
    Snap {
        #[arg(value_name = "NODE/CAMERA")]
        camera: CameraId,
        /// Also write it to FILE; - is standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Ask a node something, such as `help`. Without a method, ask question by question
    Ask {
        node: NodeName,
        method: Option<String>,
        /// Parameters of the method, such as {"camera":"NAME"}
        #[arg(value_name = "JSON", value_parser = json)]
        params: Option<Value>,
    },
    /// Talk to everybody on the wall. From a pipe, each line of the input is a message
    Chat {
        /// Your name for the others: 1 to 40 characters
        #[arg(long, value_parser = person)]
        name: String,
    },
    /// Be one of two who take turns, at a class that has --tcp-turns
    TalkTurns {
        /// Where the class is
        #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8002")]
        address: String,
    },
    /// Show what happens as it happens: nodes, cameras, photos, people and commands, one line each
    Log,
    /// Show nodes, cameras, rates and ages, live
    Watch {
        /// Show the broker's own figures instead
        #[arg(long)]
        broker: bool,
        /// Print the table once and exit
        #[arg(long)]
        once: bool,
    },
    /// Everything, and a class beside it: the pages of FOLDER, WebSockets, Socket.IO and a chat over
    /// TCP, for pages and programs as their authors wrote them
    Class(Class),
    /// Clear what the broker retains of a node, camera or gallery that will not come back
    Forget {
        /// The node, or one of its cameras, or gallery/ID
        #[arg(value_name = "NODE[/CAMERA]")]
        what: Forgotten,
    },
    /// Manage who may connect to the broker of this machine, once there is a user; and who may log
    /// in on its wall, once one is an admin, operator or viewer
    #[command(subcommand)]
    User(User),
    /// Print the configuration in use, with comments. Refuse what a start would refuse, each
    /// fault with its place and what to do
    Config {
        /// Print only what is wrong
        #[arg(long)]
        check: bool,
    },
    /// Write the manual pages and the shell completions below FOLDER
    #[command(hide = true)]
    Manual { folder: PathBuf },
}

#[derive(Debug, clap::Args)]
pub struct Class {
    /// The folder with the class's pages; hidden files in it are not served
    pub folder: Option<PathBuf>,
    /// Start nothing, but write a page or program to begin with into FOLDER: under 100 lines, with
    /// comments, in Spanish or English as the locale (LANG) says
    #[arg(long, value_name = "KIND", requires = "folder")]
    pub new: Option<Starter>,
    /// The port of HTTP; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub http: u16,
    /// The same over HTTPS, for cameras of other machines and pages of web editors; without PORT
    /// at 3443
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "3443", value_parser = port)]
    pub https: Option<u16>,
    /// The port of the chat over TCP
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub tcp: u16,
    /// A port where programs only write: each line is kept and shown
    #[arg(long, value_name = "PORT")]
    pub tcp_log: Option<u16>,
    /// A port where two programs take turns
    #[arg(long, value_name = "PORT")]
    pub tcp_turns: Option<u16>,
    /// Let this console be one of the two who take turns
    #[arg(long, requires = "tcp_turns")]
    pub turns: bool,
    /// Let pages load themselves again when one of their files changes
    #[arg(long)]
    pub live: bool,
    /// Do not keep the pictures that the class sends as photos of the house
    #[arg(long)]
    pub no_keep: bool,
    /// Let pages of another site take part, such as `https://editor.p5js.org`; repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub origin: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Starter {
    /// Photos over a WebSocket, with p5.js
    Photos,
    /// A form, and Socket.IO
    Upload,
    /// A video conference of pixels as JSON
    Conference,
    /// A chat over TCP, in Python
    Chat,
}

#[derive(Debug, Subcommand)]
pub enum GalleryTask {
    /// Rebuild the index of the photos from their files, while no gallery runs
    Reindex,
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user. A node's user has the node's name
    Add {
        name: String,
        /// What the user may do: node, gallery, operator, viewer or admin
        #[arg(long)]
        role: Role,
        /// The only cameras that the user may see, such as 'house/*'; * is any characters. Who has
        /// this limit, or --hours, may log in on the wall alone
        #[arg(long, value_name = "PATTERN,…")]
        cameras: Option<Cameras>,
        /// When the user may look, such as 08:00-20:00
        #[arg(long, value_name = "FROM-TO")]
        hours: Option<Hours>,
        #[command(flatten)]
        password: Password,
    },
    /// Remove a user and disconnect its clients
    Remove { name: String },
    /// List users and their roles
    List,
    /// Say the one-time address at which the first administrator is made in a browser
    Setup,
    /// Give a user another password, disconnect its clients and log it out everywhere
    Passwd {
        name: String,
        #[command(flatten)]
        password: Password,
    },
}

#[derive(Debug, clap::Args)]
pub struct Password {
    /// Read the password from the first line of standard input [default: ask at a terminal,
    /// otherwise make one and print it]
    #[arg(long)]
    pub password_stdin: bool,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
}

/// What stands behind an option whose port may be left out.
fn port(typed: &str) -> Result<u16, String> {
    typed.parse().map_err(|_| "a port is a number; name FOLDER before this option".to_owned())
}

fn origin(typed: &str) -> Result<String, String> {
    gallery::origin(typed).ok_or_else(|| {
        "write scheme and host, such as https://editor.p5js.org, without a path".to_owned()
    })
}

fn person(name: &str) -> Result<String, String> {
    let most = wire::limits::PERSON;
    wire::people::name(name).ok_or_else(|| format!("a name has 1 to {most} characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_before_a_command_counts_beside_one_after_it() {
        let sets = |line: &str| {
            let words = line.split(' ').map(OsString::from);
            Args::try_parse_from(sets_first(words)).map(|args| args.options.set)
        };
        let both = ["a=1", "b=2", "c=3"];
        assert_eq!(sets("vitrina --set a=1 config --set=b=2 --open --set c=3").unwrap(), both);
        assert_eq!(sets("vitrina config --set a=1 --set b=2 --set c=3").unwrap(), both);
        assert!(sets("vitrina config --set").is_err());
        assert!(sets("vitrina config -- --set a=1").is_err());
    }
}
