//! What the command line says of a class.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What a class is to be.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with the pages; without one, the first page is shown.
    pub folder: Option<PathBuf>,
    /// The address to listen on: loopback, or all.
    pub ip: IpAddr,
    /// The ports.
    pub ports: Ports,
    /// Pages load themselves again when a file that they use changes.
    pub live: bool,
    /// Pictures become photos of the house.
    pub keep: bool,
    /// Origins of pages elsewhere that may come in, such as `https://editor.p5js.org`, as browsers
    /// send them.
    pub origins: Vec<String>,
    /// The folder for what the class keeps.
    pub data: PathBuf,
    /// The addresses by which others reach a listener that is bound there, best first.
    pub reached: fn(SocketAddr) -> Vec<String>,
}

/// The ports of a class; 0 takes a free one.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// HTTP.
    pub http: u16,
    /// HTTPS, if there is any.
    pub https: Option<u16>,
    /// The chat.
    pub chat: u16,
    /// The logbook, if there is one.
    pub log: Option<u16>,
    /// Turns, if there are any.
    pub turns: Option<u16>,
}
