//! How much memory a lossless picture's prefix codes take (RFC 9649, 6). A picture of any size, and
//! a file of few bytes, may have 65,536 groups of five codes.

/// The memory of [`image_webp`] for a group of codes, in a list that grows by doubling; then for
/// each code a table of up to ten bits, and for each longer code.
const GROUP: u64 = 3 * 5 * 56;
const SMALL: u64 = 128;
const TABLE_BITS: u32 = 10;
const ENTRY: u64 = 4;
const LONGER: u64 = 64;

/// Symbols of green (with lengths, without cached colours), red, blue, alpha and distances.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];

/// The order in which the lengths of the code-length code come (6.2.1).
const ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Why reading ended.
enum End {
    /// The bits ended; no decoder reads on.
    Bits,
    /// The data breaks a rule, and a decoder may read it differently.
    Odd,
}

/// The bytes that the codes of a picture of this size take, from the first transform on; `None` if
/// uncertain.
pub(super) fn memory(data: &[u8], (width, height): (u32, u32)) -> Option<u64> {
    let mut reader = Reader { data, at: 0, memory: 0 };
    match reader.picture(width, height) {
        Ok(()) | Err(End::Bits) => Some(reader.memory),
        Err(End::Odd) => None,
    }
}

struct Reader<'a> {
    data: &'a [u8],
    /// The next bit.
    at: usize,
    memory: u64,
}

/// A canonical code: how many symbols have each length, and all of them in order.
struct Code {
    counts: [u32; 16],
    symbols: Vec<u16>,
}

impl Reader<'_> {
    fn bits(&mut self, count: u32) -> Result<u32, End> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.data.get(self.at / 8).ok_or(End::Bits)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Ok(value)
    }

    fn picture(&mut self, mut width: u32, height: u32) -> Result<(), End> {
        let mut seen = [false; 4];
        while self.bits(1)? == 1 {
            let kind = self.bits(2)?;
            if std::mem::replace(&mut seen[kind as usize], true) {
                return Err(End::Odd);
            }
            match kind {
                0 | 1 => {
                    let bits = self.bits(3)? + 2;
                    self.image(blocks(width, bits), blocks(height, bits))?;
                }
                3 => {
                    let colours = self.bits(8)? + 1;
                    self.image(colours, 1)?;
                    width = blocks(
                        width,
                        match colours {
                            ..=2 => 3,
                            3..=4 => 2,
                            5..=16 => 1,
                            _ => 0,
                        },
                    );
                }
                _ => {}
            }
        }
        let cache = self.cache()?;
        let mut groups = 1;
        if self.bits(1)? == 1 {
            let bits = self.bits(3)? + 2;
            groups = self.image(blocks(width, bits), blocks(height, bits))? + 1;
        }
        for _ in 0..groups {
            self.group(cache)?;
        }
        Ok(())
    }

    /// Reads an image that describes another one. Returns the highest group that it names: copied
    /// or cached colours were named before.
    fn image(&mut self, width: u32, height: u32) -> Result<u32, End> {
        let cache = self.cache()?;
        let [green, red, blue, alpha, distance] = self.group(cache)?;
        let all = u64::from(width) * u64::from(height);
        let alone = [&green, &red, &blue, &alpha].iter().all(|code| code.symbols.len() == 1);
        let (mut came, mut highest) = (0, 0);
        while came < all {
            let symbol = self.symbol(&green)?;
            match symbol {
                0..256 => {
                    let group = self.symbol(&red)? << 8 | symbol;
                    self.symbol(&blue)?;
                    self.symbol(&alpha)?;
                    highest = highest.max(group);
                    came = if alone { all } else { came + 1 };
                }
                256..280 => {
                    came += u64::from(self.prefixed(symbol - 256)?);
                    let distance = self.symbol(&distance)?;
                    self.prefixed(distance)?;
                }
                _ => came += 1,
            }
        }
        if came > all {
            return Err(End::Odd);
        }
        Ok(highest)
    }

    fn cache(&mut self) -> Result<usize, End> {
        if self.bits(1)? == 0 {
            return Ok(0);
        }
        match self.bits(4)? {
            bits @ 1..=11 => Ok(1 << bits),
            _ => Err(End::Odd),
        }
    }

    fn group(&mut self, cache: usize) -> Result<[Code; 5], End> {
        self.memory += GROUP;
        let [green, red, blue, alpha, distance] = ALPHABETS;
        Ok([
            self.code(green + cache)?,
            self.code(red)?,
            self.code(blue)?,
            self.code(alpha)?,
            self.code(distance)?,
        ])
    }

    /// Reads a code (6.2.1).
    fn code(&mut self, alphabet: usize) -> Result<Code, End> {
        if self.bits(1)? == 1 {
            let two = self.bits(1)? == 1;
            let wide = self.bits(1)?;
            let mut symbols = vec![self.bits(1 + 7 * wide)?];
            if two {
                symbols.push(self.bits(8)?);
                self.memory += SMALL;
            }
            let known = |&symbol: &u32| (symbol as usize) < alphabet;
            if !symbols.iter().all(known) {
                return Err(End::Odd);
            }
            // The first is 0 and the second 1, in any order.
            let mut counts = [0; 16];
            counts[1] = symbols.len() as u32;
            let symbols = symbols.into_iter().map(|symbol| symbol as u16).collect();
            return Ok(Code { counts, symbols });
        }
        let mut first = [0_u8; 19];
        for &place in &ORDER[..4 + self.bits(4)? as usize] {
            first[place] = self.bits(3)? as u8;
        }
        let first = Code::new(&first)?;
        let mut most = alphabet as u32;
        if self.bits(1)? == 1 {
            let size = 2 + 2 * self.bits(3)?;
            most = 2 + self.bits(size)?;
        }
        let mut lengths = vec![0_u8; alphabet];
        let (mut at, mut before) = (0, 8);
        while at < alphabet && most > 0 {
            most -= 1;
            let (length, repeat) = match self.symbol(&first)? {
                length @ 0..16 => (length as u8, 1),
                16 => (before, 3 + self.bits(2)?),
                17 => (0, 3 + self.bits(3)?),
                _ => (0, 11 + self.bits(7)?),
            };
            let end = at + repeat as usize;
            lengths.get_mut(at..end).ok_or(End::Odd)?.fill(length);
            if length != 0 {
                before = length;
            }
            at = end;
        }
        let code = Code::new(&lengths)?;
        if let Some(longest) = (1..16_u32).rev().find(|&length| code.counts[length as usize] > 0)
            && code.symbols.len() > 1
        {
            let longer = code.counts[TABLE_BITS as usize + 1..].iter().sum::<u32>();
            self.memory += SMALL + (ENTRY << longest.min(TABLE_BITS)) + LONGER * u64::from(longer);
        }
        Ok(code)
    }

    fn symbol(&mut self, code: &Code) -> Result<u32, End> {
        if let [only] = code.symbols[..] {
            return Ok(u32::from(only));
        }
        let (mut value, mut first, mut index) = (0, 0, 0);
        for &count in &code.counts[1..] {
            value |= self.bits(1)?;
            if value < first + count {
                let at = index + value - first;
                return code.symbols.get(at as usize).map(|&symbol| symbol.into()).ok_or(End::Odd);
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(End::Odd)
    }

    /// A length or distance (5.2.2).
    fn prefixed(&mut self, symbol: u32) -> Result<u32, End> {
        if symbol < 4 {
            return Ok(symbol + 1);
        }
        let extra = (symbol - 2) >> 1;
        Ok(((2 + (symbol & 1)) << extra) + self.bits(extra)? + 1)
    }
}

impl Code {
    /// Makes a code from the length of each symbol's code. Incomplete codes are odd.
    fn new(lengths: &[u8]) -> Result<Code, End> {
        let used = || lengths.iter().enumerate().filter(|&(_, &length)| length > 0);
        let mut counts = [0; 16];
        used().for_each(|(_, &length)| counts[usize::from(length)] += 1);
        let mut places = [0; 16];
        for length in 1..15 {
            places[length + 1] = places[length] + counts[length] as usize;
        }
        let mut symbols = vec![0; used().count()];
        for (symbol, &length) in used() {
            symbols[places[usize::from(length)]] = symbol as u16;
            places[usize::from(length)] += 1;
        }
        let filled: u32 = (1..16).map(|length| counts[length] << (15 - length)).sum();
        if symbols.len() != 1 && filled != 1 << 15 {
            return Err(End::Odd);
        }
        Ok(Code { counts, symbols })
    }
}

fn blocks(side: u32, bits: u32) -> u32 {
    side.div_ceil(1 << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, the lowest first.
    fn pack(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | bit)).collect()
    }

    const SINGLE: &str = "1000 1000 1000 1000 1000";

    #[test]
    fn a_picture_of_one_colour_has_one_group() {
        let data = pack(&format!("0 0 0 {SINGLE} 0000"));
        assert_eq!(memory(&data, (16_384, 16_384)), Some(GROUP));
    }

    #[test]
    fn a_file_of_few_bytes_may_ask_for_all_groups() {
        // Groups of blocks of four pixels: an image of one colour, green and red 255, which is
        // group 65,535. The groups' codes are missing.
        let full = "1 0 1 11111111";
        let image = format!("0 {full} {full} 1000 1000 1000");
        let data = pack(&format!("0 0 1 000 {image} {}", format!("{SINGLE} ").repeat(65_536)));
        assert_eq!(memory(&data, (4, 4)), Some(65_537 * GROUP));
    }

    #[test]
    fn a_code_that_is_not_complete_is_left_to_the_guess() {
        // All lengths are 0.
        let data = pack(&format!("0 0 0 0 0000 001 000 000 000 0 {}", "000".repeat(200)));
        assert_eq!(memory(&data, (4, 4)), None);
    }

    #[test]
    fn what_an_encoder_writes_is_read_to_its_end() {
        for (width, height) in [(64, 64), (200, 100), (1, 1)] {
            let webp =
                crate::photos::picture::samples::picture(wire::MediaType::WebP, width, height);
            let told = memory(&webp[25..], (width, height));
            assert!(told.is_some_and(|bytes| (GROUP..1 << 20).contains(&bytes)), "{told:?}");
        }
    }

    #[test]
    fn any_bits_are_survived() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..2000 {
            let data: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
            let _ = memory(&data, (random.u32(1..300), random.u32(1..300)));
        }
    }
}
