//! `vitrina class`: what was typed, and what is told when it runs.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use classroom::{Config, Language, Ports, Starter};

use reach::Code;
use tracing::warn;

use crate::args;
use crate::commands::talk_turns;
use crate::config::Settings;
use crate::parts;

/// The class that was typed. It listens for others if the wall does.
pub fn config(typed: &args::Class, settings: &Settings) -> Config {
    let ip = if settings.file.gallery.open { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    Config {
        folder: typed.folder.clone(),
        ip: IpAddr::from(ip),
        ports: Ports {
            http: typed.http,
            https: typed.https,
            chat: typed.tcp,
            log: typed.tcp_log,
            turns: typed.tcp_turns,
        },
        live: typed.live,
        keep: !typed.no_keep,
        origins: typed.origin.clone(),
        data: settings.data.join("class"),
        reached,
    }
}

/// The addresses by which a listener is called, as they are typed.
fn reached(bound: SocketAddr) -> Vec<String> {
    parts::called(bound).iter().map(ToString::to_string).collect()
}

/// Writes a page or program to begin with, and tells what to do with it.
pub fn begin(starter: args::Starter, folder: &Path) -> anyhow::Result<()> {
    let (kind, is_page) = match starter {
        args::Starter::Photos => (Starter::Photos, true),
        args::Starter::Upload => (Starter::Upload, true),
        args::Starter::Conference => (Starter::Conference, true),
        args::Starter::Chat => (Starter::Chat, false),
    };
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let paths = kind.write(Language::of(&locale), folder)?;
    let mut out = io::stdout();
    for path in &paths {
        writeln!(out, "{}", path.display())?;
    }
    match (is_page, paths.first()) {
        (false, Some(path)) => {
            writeln!(
                out,
                "\nStart a class with `vitrina class`, and then: python3 {}",
                path.display()
            )?;
        }
        _ => writeln!(out, "\nStart it with: vitrina class {}", folder.display())?,
    }
    Ok(())
}

/// Lets this console be one of the two at the port of turns. It ends with the input, or with the
/// runtime.
pub fn take_turns(addresses: &[(&'static str, SocketAddr)]) {
    let Some((_, bound)) = addresses.iter().find(|(what, _)| *what == "tcp-turns") else { return };
    let near = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), bound.port());
    tokio::spawn(async move {
        if let Err(error) = talk_turns::console(near).await {
            warn!(%error, "this console takes no more turns");
        }
    });
}

/// Tells whoever started it by which addresses the room comes in.
/// `projector` is the path of the page that a teacher opens.
pub fn tell(addresses: &[(&'static str, SocketAddr)], projector: &str) -> io::Result<()> {
    let out = io::stdout();
    let draws = out.is_terminal();
    write_told(out, addresses, projector, draws)
}

/// Writes it; `draws` also the QR code.
fn write_told(
    mut out: impl Write,
    addresses: &[(&'static str, SocketAddr)],
    projector: &str,
    draws: bool,
) -> io::Result<()> {
    let mut teacher = String::new();
    writeln!(out)?;
    for (what, bound) in addresses {
        let reached = reached(*bound);
        let typed = |address: &str| match address.rsplit_once(':') {
            Some((host, port)) => format!("nc {} {port}", host.trim_matches(['[', ']'])),
            None => address.to_owned(),
        };
        let first = reached.first().map_or("", |first| first);
        match *what {
            "http" => {
                writeln!(out, "The class is at  http://{first}")?;
                for other in reached.iter().skip(1) {
                    writeln!(out, "             or  http://{other}")?;
                }
                teacher = format!("The projector    http://{first}/{projector}");
                if !bound.ip().is_loopback() && draws {
                    let code = Code::of(&format!("http://{first}"));
                    write!(out, "\n{}\n", code.as_ref().map(drawn).unwrap_or_default())?;
                }
            }
            "https" => {
                writeln!(out, "With HTTPS       https://{first}")?;
                for other in reached.iter().skip(1) {
                    writeln!(out, "             or  https://{other}")?;
                }
                writeln!(
                    out,
                    "                 Open it once in each browser. It warns, since this machine \
                     made the certificate itself:\n                 choose Advanced, then Proceed. \
                     Pages of a web editor reach it then, with --origin."
                )?;
            }
            "tcp" => writeln!(out, "The chat         {}", typed(first))?,
            "tcp-log" => writeln!(out, "The logbook      {}", typed(first))?,
            _ => writeln!(out, "Turns            {}", typed(first))?,
        }
    }
    let is_alone = addresses.iter().all(|(_, bound)| bound.ip().is_loopback());
    let hint = if is_alone {
        "Only this machine can come in; add --open to let the room in.\n"
    } else {
        ""
    };
    writeln!(out, "{hint}")?;
    // Last, away from what pupils type and scan, since teachers project this terminal.
    writeln!(out, "For the teacher alone, not for the wall:\n{teacher}\n")
}

/// A code as a terminal draws it, two lines of modules in one of text, black on white whatever the
/// terminal's own colours are.
fn drawn(code: &Code) -> String {
    const QUIET: i32 = 4;
    let all = -QUIET..code.side() + QUIET;
    let line = |y: i32| {
        let modules = all.clone().map(|x| match (code.is_dark(x, y), code.is_dark(x, y + 1)) {
            (false, false) => ' ',
            (true, false) => '▀',
            (false, true) => '▄',
            (true, true) => '█',
        });
        format!("\x1b[30;107m{}\x1b[0m\n", modules.collect::<String>())
    };
    all.clone().step_by(2).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_of_the_teacher_comes_after_all_that_pupils_need() {
        let addresses = ["http", "https", "tcp", "tcp-log", "tcp-turns"]
            .map(|what| (what, "192.168.1.20:3000".parse().unwrap()));
        let mut out = Vec::new();
        write_told(&mut out, &addresses, "class#word", true).unwrap();
        let text = String::from_utf8(out).unwrap();
        let (room, teacher) = text.split_once("For the teacher alone").unwrap();
        assert!(room.contains("Turns") && room.contains('█') && !room.contains("word"), "{text}");
        assert!(teacher.ends_with("/class#word\n\n"), "{text}");
    }

    #[test]
    fn each_module_of_the_code_is_drawn_with_its_quiet() {
        let code = Code::of("http://192.168.1.20:3000").unwrap();
        let text = drawn(&code);
        let side = code.side() + 8;
        assert_eq!(text.lines().count() as i32, (side + 1) / 2);
        let rows: Vec<Vec<char>> = text
            .lines()
            .map(|line| line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m"))
            .map(|line| line.chars().collect())
            .collect();
        let is_dark = |x: i32, y: i32| {
            let drawn = rows[(y + 4) as usize / 2][(x + 4) as usize];
            if y % 2 == 0 { matches!(drawn, '▀' | '█') } else { matches!(drawn, '▄' | '█') }
        };
        for (x, y) in (-4..side - 4).flat_map(|x| (-4..side - 4).map(move |y| (x, y))) {
            assert_eq!(is_dark(x, y), code.is_dark(x, y), "{x} {y}");
        }
    }
}
