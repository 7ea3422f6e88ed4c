//! Programs without a browser: the chat, the logbook, and turns, each on a port of its own.
//!
//! `door` lets clients in, `lines` finds their messages, and `out` writes to them.

pub(crate) mod chat;
pub(crate) mod door;
mod lines;
pub(crate) mod logbook;
mod out;
pub(crate) mod turns;

use lines::{Ending, Lines};
use out::Out;

/// What a message says, as all may see it: control characters and what is invisible are removed.
/// `None` if it is no text.
fn text(message: &[u8]) -> Option<String> {
    let text = str::from_utf8(message).ok()?;
    Some(wire::people::text(text).unwrap_or_default())
}

/// Whether this is the first line of a request of HTTP. A page of any site can make a browser send
/// one here, and more lines after it.
fn is_http(line: &[u8]) -> bool {
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

/// What such a browser is told, which then sends no more.
const NO_HTTP: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\
    \r\nThis is no port for a browser. Este puerto no es para un navegador.";

/// What a client is told that sends something else than text.
const NO_TEXT: &str = "[Vitrina] Eso no es texto en UTF-8, y no se ha enviado.";

/// After so much in a row that is no text, the client is told to go.
const NO_TEXTS: u32 = 10;
