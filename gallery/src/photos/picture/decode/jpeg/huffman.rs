//! Huffman codes and the bits of a scan (ITU-T T.81, annex C and F.2.2).

/// Codes of up to this many bits are found in one step.
const QUICK: u32 = 9;

/// A Huffman table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Length and symbol by the next [`QUICK`] bits; length 0 if the code is longer.
    quick: Vec<(u8, u8)>,
    /// The last code of each length, or -1.
    last: [i32; 17],
    /// Added to a code of each length, this gives an index of `symbols`.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// Makes a table from the numbers of codes of each length, 1 to 16 bits, and their symbols.
    /// `None` if there are more codes than the bits allow.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Option<Table> {
        let mut table = Table {
            quick: vec![(0, 0); 1 << QUICK],
            last: [-1; 17],
            offset: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0_i32, 0_i32);
        for (length, &count) in (1_u8..=16).zip(counts) {
            table.offset[usize::from(length)] = index - code;
            for _ in 0..count {
                let symbol = *symbols.get(usize::try_from(index).ok()?)?;
                if let Some(rest) = QUICK.checked_sub(u32::from(length)) {
                    let from = usize::try_from(code).ok()? << rest;
                    table.quick.get_mut(from..from + (1 << rest))?.fill((length, symbol));
                }
                (code, index) = (code + 1, index + 1);
            }
            if code > 1 << length {
                return None;
            }
            if count > 0 {
                table.last[usize::from(length)] = code - 1;
            }
            code <<= 1;
        }
        Some(table)
    }
}

/// The bits of entropy-coded data, up to the next marker.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The position of the next byte.
    pub at: usize,
    /// The next bits, from the highest down, and their number.
    hold: u64,
    left: u32,
    /// The data ended or is invalid: all bits are zero from here to the next restart.
    pub ended: bool,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Bits { bytes, at, hold: 0, left: 0, ended: false }
    }

    fn fill(&mut self) {
        while self.left <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else { return };
            if byte == 0xff {
                match self.bytes.get(self.at + 1) {
                    // A data byte FF is followed by 0 (B.1.1.5).
                    Some(0) => self.at += 1,
                    // Fill bytes before a marker.
                    Some(0xff) => {
                        self.at += 1;
                        continue;
                    }
                    _ => return,
                }
            }
            self.at += 1;
            self.hold |= u64::from(byte) << (56 - self.left);
            self.left += 8;
        }
    }

    fn skip(&mut self, count: u32) {
        if count > self.left {
            self.end();
        } else {
            self.hold <<= count;
            self.left -= count;
        }
    }

    fn end(&mut self) {
        (self.ended, self.hold, self.left) = (true, 0, 0);
    }

    /// The next `count` bits as a number, at most 16.
    pub fn take(&mut self, count: u32) -> i32 {
        if count == 0 || self.ended {
            return 0;
        }
        if self.left < count {
            self.fill();
        }
        let value = self.hold >> (64 - count);
        self.skip(count);
        if self.ended { 0 } else { i32::try_from(value).unwrap_or(0) }
    }

    /// The next symbol.
    pub fn symbol(&mut self, table: &Table) -> u8 {
        if self.ended {
            return 0;
        }
        if self.left < 16 {
            self.fill();
        }
        let quick = usize::try_from(self.hold >> (64 - QUICK)).unwrap_or(0);
        let (length, symbol) = table.quick[quick];
        if length > 0 {
            self.skip(u32::from(length));
            return symbol;
        }
        for length in QUICK + 1..=16 {
            let code = i32::try_from(self.hold >> (64 - length)).unwrap_or(i32::MAX);
            let place = length as usize;
            if code <= table.last[place] {
                self.skip(length);
                let index = usize::try_from(code + table.offset[place]).ok();
                return index.and_then(|index| table.symbols.get(index)).copied().unwrap_or(0);
            }
        }
        self.end();
        0
    }

    /// A value of `size` bits (F.2.2.1, EXTEND).
    pub fn value(&mut self, size: u8) -> i32 {
        let size = u32::from(size);
        if size > 15 {
            self.end();
            return 0;
        }
        let value = self.take(size);
        if size > 0 && !self.ended && value < 1 << (size - 1) {
            value - (1 << size) + 1
        } else {
            value
        }
    }

    /// Continues behind the restart marker with this number. If another one comes first, data was
    /// lost; the number says how much (like libjpeg's `jpeg_resync_to_restart`).
    pub fn restart(&mut self, number: u8) {
        (self.hold, self.left, self.ended) = (0, 0, false);
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(marker) =
                rest.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xff))
            else {
                return self.end();
            };
            let found = rest[marker + 1];
            if !matches!(found, 0xd0..=0xd7) {
                return self.end();
            }
            let ahead = (found - 0xd0).wrapping_sub(number) & 7;
            if matches!(ahead, 1 | 2) {
                return self.end();
            }
            self.at += marker + 2;
            if ahead == 0 {
                return;
            }
        }
    }
}
