//! `vitrina user`: manages who may connect to the broker of this machine.

use std::io::{self, BufRead, IsTerminal, Write};

use access::{Users, new_password};
use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::args::{Password, User};
use crate::config::Settings;

pub fn run(settings: &Settings, command: &User) -> anyhow::Result<()> {
    let folder = settings.broker_folder();
    let mut out = io::stdout();
    match command {
        User::Add { name, role, password } => {
            // Fails before it asks for a password in vain.
            Users::read(&folder)?.check_new(name, *role)?;
            let password = Given::get(password)?;
            let mut is_first = false;
            Users::edit(&folder, |users| {
                is_first = users.is_empty();
                users.add(name, *role, &password.text)
            })?;
            writeln!(out, "added {name}, {role}")?;
            if is_first {
                writeln!(
                    out,
                    "from now on only this machine's own parts connect without a user name and password"
                )?;
            }
            password.tell(name)?;
        }
        User::Remove { name } => {
            let mut is_last = false;
            Users::edit(&folder, |users| {
                users.remove(name)?;
                is_last = users.is_empty();
                Ok(())
            })?;
            writeln!(out, "removed {name}")?;
            if is_last {
                writeln!(
                    out,
                    "no users are left: programs of this machine connect without a password, and with broker.open so do those of the local network"
                )?;
            }
        }
        User::List => {
            let users = Users::read(&folder)?;
            for (name, user) in users.iter() {
                writeln!(out, "{:<9} {name}", user.role)?;
            }
        }
        User::Passwd { name, password } => {
            let password = Given::get(password)?;
            Users::edit(&folder, |users| users.set_password(name, &password.text))?;
            writeln!(out, "{name} has a new password")?;
            password.tell(name)?;
        }
    }
    Ok(())
}

/// A password, and whether somebody knows it already.
struct Given {
    text: String,
    is_new: bool,
}

impl Given {
    fn get(password: &Password) -> anyhow::Result<Given> {
        if password.password_stdin {
            let mut text = String::new();
            io::stdin().lock().read_line(&mut text).context("cannot read the password")?;
            return Ok(Given { text: without_line_end(text), is_new: false });
        }
        if !io::stdin().is_terminal() {
            return Ok(Given { text: new_password()?, is_new: true });
        }
        let text = ask("Password: ")?;
        if ask("Again: ")? != text {
            bail!("the two passwords differ; nothing was changed");
        }
        Ok(Given { text, is_new: false })
    }

    /// Prints a password that was made here.
    fn tell(&self, name: &str) -> io::Result<()> {
        if self.is_new {
            writeln!(io::stdout(), "the password of {name} is {}", self.text)?;
        }
        Ok(())
    }
}

/// Asks at the terminal without echo.
fn ask(prompt: &str) -> anyhow::Result<String> {
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes -= LocalModes::ECHO;
    hidden.local_modes |= LocalModes::ECHONL;
    write!(io::stderr(), "{prompt}")?;
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut text = String::new();
    let read = stdin.lock().read_line(&mut text);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    read.context("cannot read the password")?;
    Ok(without_line_end(text))
}

fn without_line_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}
