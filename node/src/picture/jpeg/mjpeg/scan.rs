//! Reads the codes of a scan (ITU-T T.81, annex F) to learn where it ends and whether it is whole.
//! It computes no pixel.
//!
//! A cut picture runs out of codes. The reader takes the fill bytes or the older picture behind the
//! cut for codes too, but these soon break a rule: coefficients beyond the 64th, or a brightness
//! beyond white.

use memchr::memchr;
use wire::jpeg::{DHT, DQT, RST0};

use super::header::{self, Component, Header};
use super::standard;

/// Why a scan is not whole, or is unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// The number of MCUs of a scan (A.2).
pub(super) fn mcus(header: &Header<'_>) -> usize {
    let (columns, rows) = extent(header);
    columns * rows
}

/// MCUs across and down.
fn extent(header: &Header<'_>) -> (usize, usize) {
    let (width, height) = (usize::from(header.size.0), usize::from(header.size.1));
    let most =
        |of: fn(&Component) -> u8| usize::from(header.scanned().iter().map(of).max().unwrap_or(1));
    match header.scanned() {
        // A component that is alone in its scan has no more blocks than its pixels need. If it is
        // alone in its picture too, it is no wider or higher than itself.
        [_] => (width.div_ceil(8), height.div_ceil(8)),
        _ => (
            width.div_ceil(8 * most(|component| component.across)),
            height.div_ceil(8 * most(|component| component.down)),
        ),
    }
}

/// Reads the one scan of a picture that begins at `start` of the frame and whose codes lie within
/// `..limit`. Returns where they end, behind the last byte that the picture's codes use; and
/// whether ones fill the rest of that byte, as F.1.2.3 requires.
pub(super) fn end(
    frame: &[u8],
    start: usize,
    header: &Header<'_>,
    limit: usize,
) -> Result<(usize, bool), Broken> {
    let tables = Tables::read(frame, start, header).ok_or(Broken)?;
    let scanned = header.scanned();
    let mut coders = [None; 4];
    for (coder, component) in coders.iter_mut().zip(scanned) {
        *coder = Some(tables.coder(component, scanned.len() == 1).ok_or(Broken)?);
    }
    let coders: Vec<Coder<'_>> = coders.into_iter().flatten().collect();
    let data = frame.get(header.scan.end..limit).ok_or(Broken)?;
    let mut bits = Bits { data, at: 0, held: 0, count: 0 };
    let mut brightness = [0; 4];
    let restart = usize::from(header.restart);
    let mut restarts = 0;
    for mcu in 0..mcus(header) {
        if restart > 0 && mcu > 0 && mcu.is_multiple_of(restart) {
            bits.restart(RST0 + restarts % 8)?;
            restarts = (restarts + 1) % 8;
            brightness = [0; 4];
        }
        for (coder, brightness) in coders.iter().zip(&mut brightness) {
            for _ in 0..coder.blocks {
                *brightness += bits.block(coder)?;
                if (*brightness * coder.step).unsigned_abs() > WHITE {
                    return Err(Broken);
                }
            }
        }
    }
    Ok((header.scan.end + bits.place(), bits.is_padded()))
}

/// Twice the coefficient of a white block.
const WHITE: u32 = 2 * 8 * 128;

/// Whether codes that should end at `end` are a buffer's fill bytes there: the same byte precedes
/// the end and continues behind it. An equal last byte may be the picture's own.
pub(super) fn is_filling(codes: &[u8], end: usize) -> bool {
    let Some((&last, _)) = codes.split_last() else { return false };
    let run = codes.iter().rev().take_while(|&&byte| byte == last).count();
    let mut begins = codes.len() - run;
    // A stuffed zero is not fill.
    if last == 0 && codes[..begins].ends_with(&[0xff]) {
        begins += 1;
    }
    end > begins + 1 && codes.len() > end + 1
}

#[derive(Debug, Clone, Copy)]
struct Coder<'a> {
    dc: &'a Table,
    ac: &'a Table,
    /// Its blocks in an MCU.
    blocks: u8,
    /// The step of its first coefficient.
    step: i32,
}

#[derive(Debug, Default)]
struct Tables {
    /// For each class and destination.
    huffman: [[Option<Box<Table>>; 4]; 2],
    steps: [Option<u16>; 4],
}

impl Tables {
    /// The tables in force when the scan begins.
    fn read(frame: &[u8], start: usize, header: &Header<'_>) -> Option<Self> {
        let mut tables = Tables::default();
        for destination in 0..2 {
            for class in 0..2 {
                let segment = standard::standard(class, destination)?;
                tables.define(segment.get(4..)?)?;
            }
        }
        let mut at = start + 2;
        while at < header.scan.start {
            let segment = header::segment(frame, at).ok()?;
            match segment.marker {
                DHT => tables.define(segment.data)?,
                DQT => {
                    for table in header::quantisers(segment.data) {
                        let (destination, values) = table?;
                        let step = match values.len() {
                            64 => u16::from(values[0]),
                            _ => u16::from_be_bytes([values[0], values[1]]),
                        };
                        tables.steps[usize::from(destination)] = Some(step);
                    }
                }
                _ => {}
            }
            at = segment.end;
        }
        Some(tables)
    }

    fn define(&mut self, segment: &[u8]) -> Option<()> {
        for table in header::huffman_tables(segment) {
            let (place, bits, values) = table?;
            let table = Table::new(bits, values)?;
            self.huffman[usize::from(place >> 4)][usize::from(place & 3)] = Some(Box::new(table));
        }
        Some(())
    }

    fn coder(&self, component: &Component, is_alone: bool) -> Option<Coder<'_>> {
        let table = |class: usize, destination: u8| {
            self.huffman[class][usize::from(destination)].as_deref()
        };
        Some(Coder {
            dc: table(0, component.dc)?,
            ac: table(1, component.ac)?,
            blocks: if is_alone { 1 } else { component.across * component.down },
            step: i32::from(self.steps[usize::from(component.quantiser)]?).max(1),
        })
    }
}

/// A table finds codes up to this length in one step.
const SHORT: u32 = 9;

/// A Huffman table for decoding (F.2.2.3).
#[derive(Debug)]
struct Table {
    /// For the next [`SHORT`] bits: the length and value of the code at their start; length 0 if
    /// the code is longer.
    short: [(u8, u8); 1 << SHORT],
    /// For each length: one more than the greatest code, left-aligned in 16 bits; and what to add
    /// to a code to find the position of its value.
    beyond: [u32; 17],
    offset: [i32; 17],
    values: [u8; 256],
}

impl Table {
    fn new(bits: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table = Table {
            short: [(0, 0); 1 << SHORT],
            beyond: [0; 17],
            offset: [0; 17],
            values: [0; 256],
        };
        table.values.get_mut(..values.len())?.copy_from_slice(values);
        let (mut code, mut next) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(bits) {
            let place = usize::try_from(length).ok()?;
            table.offset[place] = next as i32 - code as i32;
            for _ in 0..count {
                if code >> length != 0 {
                    return None;
                }
                if length <= SHORT {
                    let (first, each) = (code << (SHORT - length), 1 << (SHORT - length));
                    let entries = table.short.get_mut(first as usize..)?.get_mut(..each)?;
                    entries.fill((length as u8, *values.get(next)?));
                }
                (code, next) = (code + 1, next + 1);
            }
            table.beyond[place] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }

    /// The length and the value of the code at the start of 16 bits.
    #[inline]
    fn find(&self, bits: u32) -> Result<(u32, u8), Broken> {
        let (length, value) = self.short[(bits >> (16 - SHORT)) as usize];
        if length > 0 {
            return Ok((length.into(), value));
        }
        for length in SHORT + 1..=16 {
            let place = length as usize;
            if bits < self.beyond[place] {
                let value = (bits >> (16 - length)) as i32 + self.offset[place];
                let value = usize::try_from(value).ok().and_then(|at| self.values.get(at));
                return Ok((length, *value.ok_or(Broken)?));
            }
        }
        Err(Broken)
    }
}

/// The bits of the codes, without the bytes stuffed between them.
struct Bits<'a> {
    data: &'a [u8],
    /// The next unread byte.
    at: usize,
    /// Bits that were read but not used, from the left.
    held: u64,
    /// How many such bits there are.
    count: u32,
}

impl Bits<'_> {
    #[inline]
    fn fill(&mut self) {
        // It takes eight bytes at once if none of them is FF, which is nearly always so. Bits of a
        // byte that does not fit are read again with it.
        if let Some(&bytes) = self.data.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_be_bytes(bytes);
            let inverse = !word;
            const ONES: u64 = u64::MAX / 255;
            if inverse.wrapping_sub(ONES) & word & (ONES << 7) == 0 {
                self.held |= word >> self.count;
                let more = (63 - self.count) / 8;
                self.at += more as usize;
                self.count += 8 * more;
                return;
            }
        }
        self.fill_by_bytes();
    }

    fn fill_by_bytes(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.data.get(self.at) else { return };
            let length = if byte == 0xff { 2 } else { 1 };
            if length == 2 && self.data.get(self.at + 1) != Some(&0) {
                return;
            }
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
            self.at += length;
        }
    }

    #[inline]
    fn skip(&mut self, count: u32) -> Result<(), Broken> {
        self.count = self.count.checked_sub(count).ok_or(Broken)?;
        self.held <<= count;
        Ok(())
    }

    /// The next code: its length and its value. Afterwards there are enough bits for the longest
    /// code and value, unless the codes end.
    #[inline]
    fn code(&mut self, table: &Table) -> Result<(u32, u8), Broken> {
        if self.count < 32 {
            self.fill();
        }
        table.find((self.held >> 48) as u32)
    }

    /// A block: returns the change of its first coefficient.
    fn block(&mut self, coder: &Coder<'_>) -> Result<i32, Broken> {
        let (code, length) = self.code(coder.dc)?;
        let length = u32::from(length);
        if length > 11 {
            return Err(Broken);
        }
        let mut change = 0;
        if length > 0 {
            let bits = ((self.held << code) >> (64 - length)) as i32;
            // The first half of the values of each length is negative (F.2.2.1).
            change = if bits >> (length - 1) == 0 { bits + 1 - (1 << length) } else { bits };
        }
        self.skip(code + length)?;
        let mut place = 1;
        while place < 64 {
            let (code, value) = self.code(coder.ac)?;
            let (zeros, length) = (u32::from(value >> 4), u32::from(value & 15));
            self.skip(code + length)?;
            match (zeros, length) {
                (15, 0) => place += 16,
                (_, 0) => break,
                _ => place += zeros + 1,
            }
            if place > 64 {
                return Err(Broken);
            }
        }
        Ok(change)
    }

    /// The position behind the last byte that was used, even in part.
    fn place(&self) -> usize {
        let mut place = self.at;
        for _ in 0..self.count / 8 {
            let is_stuffed = self.data[..place].ends_with(&[0xff, 0]);
            place -= if is_stuffed { 2 } else { 1 };
        }
        place
    }

    /// Whether the unused bits of the last byte are ones.
    fn is_padded(&self) -> bool {
        let unused = self.count % 8;
        unused == 0 || self.held >> (64 - unused) == (1 << unused) - 1
    }

    /// Continues behind the next marker, which must be this one.
    fn restart(&mut self, marker: u8) -> Result<(), Broken> {
        let mut at = self.place();
        loop {
            at += 1 + memchr(0xff, self.data.get(at..).ok_or(Broken)?).ok_or(Broken)?;
            match *self.data.get(at).ok_or(Broken)? {
                0x00 | 0xff => {}
                found if found == marker => break,
                _ => return Err(Broken),
            }
        }
        (self.at, self.held, self.count) = (at + 1, 0, 0);
        Ok(())
    }
}
