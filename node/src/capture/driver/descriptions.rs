//! A driver's descriptions of itself, its formats, controls and buffers, in plain values.

use std::time::Duration;

use wire::Control;

use crate::capture::driver::bounds::Side;
use crate::capture::driver::choose::Interval;
use crate::picture::raw::pixels::Range;

/// An entry of the list of sizes: one size as width and height, or a range of sizes.
pub(crate) enum Sizes {
    One((u32, u32)),
    Within(Side, Side),
}

/// An entry of the list of rates: one interval, or a range from the shortest to the longest; `None`
/// if the driver's numbers make no sense.
pub(crate) enum Intervals {
    One(Option<Interval>),
    Within(Option<Interval>, Option<Interval>),
}

/// A driver's description of a control.
#[derive(Debug)]
pub(crate) struct Described {
    pub name: String,
    /// Its value is the default.
    pub control: Control,
    /// It holds a number that can be read.
    pub is_readable: bool,
    /// The hardware changes its value by itself.
    pub is_volatile: bool,
}

/// A driver's description of its pictures.
#[derive(Debug)]
pub(crate) struct Pix {
    pub width: u32,
    pub height: u32,
    pub fourcc: [u8; 4],
    /// Bytes from one line to the next, and of a whole picture; 0 if the driver does not say.
    pub stride: u32,
    pub image: u32,
    pub range: Range,
}

/// A buffer that the driver has filled.
pub(crate) struct Filled {
    pub index: u32,
    pub bytes_used: usize,
    pub sequence: u32,
    /// The capture time, by the driver's clock.
    pub timestamp: Option<Duration>,
    /// The driver says that its clock is the monotonic one.
    pub is_monotonic: bool,
    pub is_error: bool,
}

/// A device's description of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caps {
    pub driver: String,
    pub card: String,
    /// Whether it captures pictures of one plane, outputs a program's pictures, captures pictures
    /// of several planes, converts pictures, captures metadata, streams.
    pub capture: bool,
    pub output: bool,
    pub planes: bool,
    pub m2m: bool,
    pub meta: bool,
    pub streams: bool,
}

/// A driver's text up to its first zero byte. Invalid UTF-8 and terminal control characters are
/// replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    text.trim().replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_name_that_is_no_utf8_is_still_a_text() {
        assert_eq!(text(b"Caf\xe9 Cam\0\0rest"), "Caf\u{fffd} Cam");
        assert_eq!(text(b"sixteen bytes!!!"), "sixteen bytes!!!");
        assert_eq!(text(b"Cam\x1b[2J\n"), "Cam\u{fffd}[2J");
    }
}
