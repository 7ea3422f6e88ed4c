//! Lines that are typed at a terminal, and lines that are printed above them meanwhile.

use std::io;
use std::thread;

use anyhow::Context;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

/// Prints above the line that is being typed. When it is dropped, the terminal is as it was.
pub struct Printer {
    above: Box<dyn ExternalPrinter + Send>,
    before: Termios,
}

/// Begins to read lines, which can be edited and called back. They end with Ctrl-C or Ctrl-D; the
/// thread that reads them ends then, or with the process.
pub fn open(prompt: &'static str) -> anyhow::Result<(mpsc::Receiver<String>, Printer)> {
    let before = tcgetattr(io::stdin()).context("cannot ask the terminal for its mode")?;
    let config = Config::builder().auto_add_history(true).bracketed_paste(false).build();
    let mut editor = DefaultEditor::with_config(config).context("cannot use the terminal")?;
    let above = Box::new(editor.create_external_printer().context("cannot use the terminal")?);
    let (to, lines) = mpsc::channel(1);
    thread::Builder::new().name("terminal".to_owned()).spawn(move || {
        while let Ok(line) = editor.readline(prompt)
            && to.blocking_send(line).is_ok()
        {}
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
        // The process may end in the middle of a line, which nobody else would do this for.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
