//! `vitrina user`: manages who may connect to the broker of this machine and log in on its wall.

use std::io::{self, BufRead, IsTerminal, Write};
use std::net::SocketAddr;

use access::{BadUsers, Role, Users, is_node, new_password, setup_token};
use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::args::{Password, User};
use crate::config::Settings;
use crate::parts::{called, setup_address};

pub fn run(settings: &Settings, command: &User) -> anyhow::Result<()> {
    let folder = settings.broker_folder();
    let mut out = io::stdout();
    match command {
        User::Add { name, role, cameras, hours, password } => {
            // Fails before it asks for a password in vain.
            let known = Users::read(&folder)?;
            known.check_new(name, *role).map_err(|bad| one_node_each(bad, *role))?;
            let password = Given::get(password)?;
            let (mut is_first, mut is_first_person) = (false, false);
            Users::edit(&folder, |users| {
                is_first = users.is_empty();
                is_first_person = role.is_person() && !users.have_people();
                users.add(name, *role, &password.text)?;
                users.limit(name, cameras.clone(), Some(*hours))
            })?;
            writeln!(out, "added {name}, {role}")?;
            if is_first {
                writeln!(
                    out,
                    "from now on only this machine's own parts connect without a user name and password"
                )?;
            }
            if is_first_person {
                writeln!(out, "from now on the wall asks who comes")?;
            }
            password.tell(name)?;
        }
        User::Remove { name } => {
            let (mut is_last, mut was_last_person) = (false, false);
            Users::edit(&folder, |users| {
                let had_people = users.have_people();
                users.remove(name)?;
                is_last = users.is_empty();
                was_last_person = had_people && !users.have_people();
                Ok(())
            })?;
            writeln!(out, "removed {name}")?;
            if is_last {
                writeln!(
                    out,
                    "no users are left: programs of this machine connect without a password, and with broker.open so do those of the local network"
                )?;
            }
            if was_last_person {
                writeln!(
                    out,
                    "nobody can log in any more: this machine sees the wall without a password, and with gallery.open so does the local network"
                )?;
            }
        }
        User::List => {
            let users = Users::read(&folder)?;
            for (name, user) in users.iter() {
                write!(out, "{:<9} {name}", user.role)?;
                if !user.cameras.are_all() {
                    write!(out, ", sees {}", user.cameras)?;
                }
                if let Some(hours) = user.hours {
                    write!(out, ", looks {hours}")?;
                }
                writeln!(out)?;
            }
        }
        User::Setup => {
            if Users::read(&folder)?.have_people() {
                bail!(
                    "somebody can log in already, see `vitrina user list`: an administrator makes \
                     further users on the page, and `vitrina user passwd` gives another password"
                );
            }
            let gallery: SocketAddr = settings.file.gallery.listen.parse().with_context(|| {
                format!("gallery.listen = {:?} is not an address", settings.file.gallery.listen)
            })?;
            if gallery.port() == 0 {
                bail!("gallery.listen takes a free port: the gallery's log has the address");
            }
            let token = setup_token(&folder)
                .with_context(|| format!("cannot keep the address in {}", folder.display()))?;
            for address in called(gallery) {
                writeln!(out, "{}", setup_address(address, &token))?;
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

/// Why there cannot be one user for several nodes, which is what some try.
fn one_node_each(bad: BadUsers, role: Role) -> anyhow::Error {
    let several = match (&bad, role) {
        (BadUsers::Known(name), Role::Node) => is_node(name),
        (BadUsers::Name(name) | BadUsers::NodeName(name), Role::Node) => {
            name.contains(['*', '+', '#', ',', ' '])
        }
        _ => false,
    };
    match several {
        true => anyhow::Error::new(bad).context(
            "each node needs a user of its own, with the node's name: by that name it publishes, and \
             two nodes of one name would take each other's place; add one user for each",
        ),
        false => bad.into(),
    }
}

/// A password, and whether somebody knows it already.
struct Given {
    /// Any bytes, as MQTT allows.
    text: Vec<u8>,
    is_new: bool,
}

impl Given {
    fn get(password: &Password) -> anyhow::Result<Given> {
        if password.password_stdin {
            let mut text = Vec::new();
            io::stdin().lock().read_until(b'\n', &mut text).context("cannot read the password")?;
            return Ok(Given { text: without_line_end(text), is_new: false });
        }
        if !io::stdin().is_terminal() {
            return Ok(Given { text: new_password()?.into_bytes(), is_new: true });
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
            let text = String::from_utf8_lossy(&self.text);
            writeln!(io::stdout(), "the password of {name} is {text}")?;
        }
        Ok(())
    }
}

/// Asks at the terminal without echo.
fn ask(prompt: &str) -> anyhow::Result<Vec<u8>> {
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes -= LocalModes::ECHO;
    hidden.local_modes |= LocalModes::ECHONL;
    write!(io::stderr(), "{prompt}")?;
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut text = Vec::new();
    let read = stdin.lock().read_until(b'\n', &mut text);
    tcsetattr(&stdin, OptionalActions::Flush, &shown)?;
    read.context("cannot read the password")?;
    Ok(without_line_end(text))
}

fn without_line_end(mut text: Vec<u8>) -> Vec<u8> {
    while text.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_for_several_nodes_is_refused_with_the_reason() {
        let mut users = Users::default();
        users.add("attic", Role::Node, "correct horse").unwrap();
        for (name, role, several) in [
            ("attic,barn", Role::Node, true),
            ("pi-*", Role::Node, true),
            ("#", Role::Node, true),
            ("attic", Role::Node, true),
            ("attic", Role::Viewer, false),
            ("Attic", Role::Node, false),
            ("a,b", Role::Viewer, false),
        ] {
            let refused = one_node_each(users.check_new(name, role).unwrap_err(), role);
            let said = format!("{refused:#}");
            assert_eq!(said.contains("add one user for each"), several, "{said}");
        }
    }

    #[test]
    fn a_password_is_the_line_without_its_end() {
        for (line, password) in
            [(&b"a b\r\n"[..], &b"a b"[..]), (b"a\xff\n", b"a\xff"), (b"a", b"a"), (b"\n", b"")]
        {
            assert_eq!(without_line_end(line.to_vec()), password);
        }
    }
}
