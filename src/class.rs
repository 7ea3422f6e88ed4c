//! `vitrina class`: what was typed, and what is told when it runs.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use classroom::{Classroom, Config, Ports};

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
pub fn tell(class: &Told) -> io::Result<()> {
    let mut out = io::stdout();
    let http = addresses::of(class.http);
    writeln!(out, "\nThe class is at    http://{}", http.first().map_or("", |first| first))?;
    for other in http.iter().skip(1) {
        writeln!(out, "              or   http://{other}")?;
    }
    // A QR code of the first address goes here.
    for (what, address) in &class.tcp {
        let address = addresses::of(*address).into_iter().next().unwrap_or_default();
        let typed = address.replace(['[', ']'], "");
        let typed =
            typed.rsplit_once(':').map_or(typed.clone(), |(host, port)| format!("{host} {port}"));
        writeln!(out, "{what:<18} nc {typed}")?;
    }
    match class.http.ip().is_loopback() {
        true => writeln!(out, "Only this machine can come in; add --open to let the room in.\n"),
        false => writeln!(out),
    }
}

/// The addresses of a class that is told of.
pub struct Told {
    http: SocketAddr,
    /// What each port is for.
    tcp: Vec<(&'static str, SocketAddr)>,
}

impl Told {
    pub fn of(class: &Classroom) -> Told {
        Told { http: class.http_addr(), tcp: class.tcp_addrs() }
    }
}
