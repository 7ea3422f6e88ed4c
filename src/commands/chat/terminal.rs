//! Reads lines at a terminal, and prints others above the one being typed.

use std::io;
use std::thread;

use anyhow::Context;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

/// Prints above the line being typed. Dropping it restores the terminal.
pub struct Printer {
    above: Box<dyn ExternalPrinter + Send>,
    before: Termios,
}

/// Begins to read lines, with editing and history. They end with Ctrl-D, or with Ctrl-C, which
/// still raises SIGINT; the thread that reads them ends then, or with the process.
pub fn open(prompt: &'static str) -> anyhow::Result<(mpsc::Receiver<String>, Printer)> {
    let before = tcgetattr(io::stdin()).context("cannot ask the terminal for its mode")?;
    let config = Config::builder().auto_add_history(true).bracketed_paste(false).build();
    let mut editor = DefaultEditor::with_config(config).context("cannot use the terminal")?;
    let above = Box::new(editor.create_external_printer().context("cannot use the terminal")?);
    let (to, lines) = mpsc::channel(1);
    thread::Builder::new().name("terminal".to_owned()).spawn(move || {
        loop {
            match editor.readline(prompt) {
                Ok(line) => {
                    if to.blocking_send(line).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // In raw mode the terminal does not turn Ctrl-C into a signal.
                    if let ReadlineError::Interrupted = error {
                        let _ = kill_process(getpid(), Signal::INT);
                    }
                    return;
                }
            }
        }
    })?;
    Ok((lines, Printer { above, before }))
}

impl Printer {
    pub fn print(&mut self, line: &str) -> io::Result<()> {
        self.above.print(format!("{line}\n")).map_err(io::Error::other)
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        // The process may end in the middle of a line, and then nobody else restores the mode.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
