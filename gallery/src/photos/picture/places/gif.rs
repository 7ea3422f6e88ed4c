//! What is kept of a GIF (GIF89a, sections 15 to 27): its images, their durations, the number of
//! repetitions, the colour profile, and the kept part of XMP.

use super::{Changes, xmp};
use crate::photos::picture::metadata::xmp::plain;
use crate::photos::picture::structure::{HEAD, blocks_end, colours};

const CONTROL: u8 = 0xf9;
const APPLICATION: u8 = 0xff;
const TRAILER: u8 = 0x3b;

/// The block that names an application, with its length.
const XMP: &[u8] = b"\x0bXMP DataXMP";
const KEPT: [&[u8]; 3] = [b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0", b"\x0bICCRGBG1012"];

pub(super) fn clean(bytes: &[u8], changes: &mut Changes) {
    let byte = |at: usize| bytes.get(at).copied();
    let mut at = HEAD + colours(byte(10).unwrap_or(0));
    let mut has_xmp = false;
    while let Some(kind) = byte(at) {
        let start = at;
        at = match kind {
            0x2c => {
                let data = start + 10 + colours(byte(start + 9).unwrap_or(0)) + 1;
                match blocks_end(bytes, data) {
                    Ok(end) => end,
                    // The picture's last bytes are missing: keep the existing part of an image.
                    Err(_) => return,
                }
            }
            0x21 => {
                let Ok(end) = blocks_end(bytes, start + 2) else { break };
                let data = &bytes[(start + 2).min(end)..end];
                let label = byte(start + 1);
                let is_kept = label == Some(CONTROL)
                    || label == Some(APPLICATION) && KEPT.iter().any(|name| data.starts_with(name));
                if label == Some(APPLICATION) && data.starts_with(XMP) && !has_xmp {
                    let packet = xmp::clean(&plain([&data[XMP.len()..]]), None);
                    if let Some(packet) = packet {
                        has_xmp = true;
                        changes.replace(bytes, start..end, application(&packet));
                    } else {
                        changes.remove(start..end);
                    }
                } else if !is_kept {
                    changes.remove(start..end);
                }
                end
            }
            TRAILER => {
                changes.remove(at + 1..bytes.len());
                return;
            }
            _ => break,
        };
    }
    // Anything but a whole block ends the picture; if nothing is there, the end is missing.
    if at < bytes.len() {
        changes.replace(bytes, at..bytes.len(), vec![TRAILER]);
    }
}

/// An XMP packet is not in blocks. After it come all lengths in turn, so that a reader that takes
/// its bytes for lengths also finds the end (XMP specification part 3, 1.1.2).
fn application(packet: &[u8]) -> Vec<u8> {
    let trailer: Vec<u8> = [1].into_iter().chain((0..=u8::MAX).rev()).chain([0]).collect();
    [&[0x21, APPLICATION], XMP, packet, &trailer].concat()
}
