//! The segments before a scan: tables (B.2.4), and the meaning of the colours.

use wire::jpeg::DHT;

use super::block::by_lines;
use super::frame::Component;
use super::huffman::Table;
use crate::photos::picture::BadPicture;

const DQT: u8 = 0xdb;
const DRI: u8 = 0xdd;
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;

/// How to convert the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    YCbCr,
    Rgb,
    /// Inverted, as Adobe writes it and browsers read it.
    Cmyk,
    Ycck,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub steps: [Option<[u16; 64]>; 4],
    pub dc: [Option<Table>; 4],
    pub ac: [Option<Table>; 4],
    /// MCUs between restart markers, or 0.
    pub restart: usize,
    pub jfif: bool,
    pub adobe: Option<u8>,
}

impl Tables {
    pub fn read(&mut self, marker: u8, mut data: &[u8]) -> Result<(), BadPicture> {
        let broken = || BadPicture::broken("a table in it is broken");
        match marker {
            DQT => {
                while let [head, rest @ ..] = data {
                    let wide = head >> 4 != 0;
                    let size = if wide { 128 } else { 64 };
                    let steps = rest.get(..size).ok_or_else(broken)?;
                    let mut table = [0; 64];
                    for (k, step) in table.iter_mut().enumerate() {
                        *step = if wide {
                            u16::from_be_bytes([steps[2 * k], steps[2 * k + 1]])
                        } else {
                            u16::from(steps[k])
                        };
                    }
                    let place = self.steps.get_mut(usize::from(head & 15)).ok_or_else(broken)?;
                    *place = Some(by_lines(&table));
                    data = &rest[size..];
                }
            }
            DHT => {
                while let [head, rest @ ..] = data {
                    let counts = rest.get(..16).ok_or_else(broken)?;
                    let size: usize = counts.iter().map(|&count| usize::from(count)).sum();
                    let symbols = rest.get(16..16 + size).ok_or_else(broken)?;
                    let table = Table::new(counts, symbols).ok_or_else(broken)?;
                    let kind = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
                    *kind.get_mut(usize::from(head & 15)).ok_or_else(broken)? = Some(table);
                    data = &rest[16 + size..];
                }
            }
            DRI => {
                let &[high, low, ..] = data else { return Err(broken()) };
                self.restart = usize::from(u16::from_be_bytes([high, low]));
            }
            APP0 if data.starts_with(b"JFIF\0") => self.jfif = true,
            APP14 if data.starts_with(b"Adobe") => self.adobe = data.get(11).copied(),
            _ => {}
        }
        Ok(())
    }

    /// Guesses like libjpeg (`default_decompress_parms`).
    pub fn colours(&self, components: &[Component]) -> Colours {
        match components {
            [_] => Colours::Grey,
            [_, _, _, _] if self.adobe == Some(2) => Colours::Ycck,
            [_, _, _, _] => Colours::Cmyk,
            _ if self.jfif => Colours::YCbCr,
            _ if self.adobe.is_some() => {
                if self.adobe == Some(0) {
                    Colours::Rgb
                } else {
                    Colours::YCbCr
                }
            }
            _ if components.iter().map(|c| c.id).eq(*b"RGB") => Colours::Rgb,
            _ => Colours::YCbCr,
        }
    }
}

/// JFIF 1.02, and Adobe's variants.
pub(super) fn rgb([a, b, c, d]: [u8; 4], colours: Colours) -> [u8; 3] {
    let convert = || {
        let (y, cb, cr) = (i32::from(a) << 16, i32::from(b) - 128, i32::from(c) - 128);
        let clamp = |value: i32| u8::try_from(((value + 0x8000) >> 16).clamp(0, 255)).unwrap_or(0);
        [clamp(y + 91_881 * cr), clamp(y - 22_554 * cb - 46_802 * cr), clamp(y + 116_130 * cb)]
    };
    let dim = |[r, g, b]: [u8; 3]| {
        let dim = |value: u8| u8::try_from(u16::from(value) * u16::from(d) / 255).unwrap_or(0);
        [dim(r), dim(g), dim(b)]
    };
    match colours {
        Colours::Grey => [a, a, a],
        Colours::Rgb => [a, b, c],
        Colours::YCbCr => convert(),
        Colours::Cmyk => dim([a, b, c]),
        Colours::Ycck => dim(convert().map(|value| 255 - value)),
    }
}
