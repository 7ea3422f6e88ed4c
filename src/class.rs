//! `vitrina class`: what was typed, and what is told when it runs.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use classroom::{Config, Ports};

use crate::addresses;
use crate::args;
use crate::config::Settings;

/// The class that was typed. It listens for others if the wall does.
pub fn config(typed: &args::Class, settings: &Settings) -> Config {
    let ip = if settings.file.gallery.open { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    Config {
        folder: typed.folder.clone(),
        ip: IpAddr::from(ip),
        ports: Ports {
            http: typed.http,
            chat: typed.tcp,
            log: typed.tcp_log,
            turns: typed.tcp_turns,
        },
        live: typed.live,
        keep: !typed.no_keep,
        origins: typed.origin.clone(),
        data: settings.data.join("class"),
        reached: addresses::of,
    }
}

/// Tells whoever started it by which addresses the room comes in.
pub fn tell(addresses: &[(&'static str, SocketAddr)]) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out)?;
    for (what, bound) in addresses {
        let reached = addresses::of(*bound);
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
                // A QR code of the first address goes here.
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
    writeln!(out, "{hint}")
}
