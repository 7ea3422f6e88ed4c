//! Decodes JPEG (ITU-T T.81) in little memory: at a fraction of its size, and a line of blocks at
//! a time where the file lets it. What no browser draws (lossless, arithmetic, 12 bits) is refused.
//!
//! No library in Rust does this: they hold the whole picture in full size. `docs/decisions/memory.md`.

mod block;
mod huffman;

use wire::jpeg::{DHT, EOI, SOS};

use super::{Lines, is_whole};
use crate::photos::picture::{BadPicture, take};
use block::{Band, Scale, by_lines};
use huffman::{Bits, Table};

/// A progressive picture has about ten. Each goes over all its pixels, however few bytes it has.
const SCANS: usize = 40;

const DQT: u8 = 0xdb;
const DRI: u8 = 0xdd;
const APP0: u8 = 0xe0;
const APP14: u8 = 0xee;

/// Nothing of a coefficient came yet; otherwise how many of its last bits are missing.
const NOTHING: u8 = 255;

#[derive(Debug, Clone)]
struct Component {
    id: u8,
    /// Sampling factors.
    across: usize,
    down: usize,
    table: usize,
    /// Steps of quantisation, by lines, from the component's first scan on.
    steps: Option<[u16; 64]>,
    /// Blocks in a line, and lines of blocks, to the end of the last MCU.
    wide: usize,
    high: usize,
    /// The same without those that only fill an MCU.
    own_wide: usize,
    own_high: usize,
    /// What is kept of blocks, and which coefficients are not 0 if the picture is progressive: of
    /// all, or of one line of MCUs.
    kept: Vec<i16>,
    known: Vec<u64>,
    /// The DC value of the block before.
    before: i32,
    missing_bits: [u8; 64],
}

#[derive(Debug, Clone)]
struct Frame {
    progressive: bool,
    width: usize,
    height: usize,
    /// Samples of an MCU.
    mcu: (usize, usize),
    mcus_across: usize,
    mcus_down: usize,
    components: Vec<Component>,
}

/// What to do with the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    Grey,
    YCbCr,
    Rgb,
    /// Inverted, as Adobe writes it and browsers take it.
    Cmyk,
    Ycck,
}

#[derive(Debug, Default)]
struct Tables {
    steps: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    /// MCUs between restart markers, or 0.
    restart: usize,
    jfif: bool,
    adobe: Option<u8>,
}

/// The smallest fraction of a side, in eighths, at which the picture still covers what is wanted.
fn eighths((width, height): (u32, u32), wanted: Option<(u32, u32)>) -> usize {
    let Some((w, h)) = wanted else { return 0 };
    let covers = |n: u32| (width * n).div_ceil(8) >= w && (height * n).div_ceil(8) >= h;
    [1, 2, 4].into_iter().find(|&n| covers(n)).unwrap_or(8) as usize
}

/// The size of the lines that [`decode`] gives of a picture of this size.
pub(super) fn size(of: (u32, u32), wanted: Option<(u32, u32)>) -> (u32, u32) {
    let n = eighths(of, wanted) as u32;
    ((of.0 * n).div_ceil(8), (of.1 * n).div_ceil(8))
}

/// The bytes that [`decode`] takes.
pub(super) fn memory(bytes: &[u8], wanted: Option<(u32, u32)>) -> Result<u64, BadPicture> {
    let (mut at, mut frame) = (2, None);
    while let Some((marker, data, end)) = segment(bytes, at)? {
        match marker {
            0xc0..=0xcf if !matches!(marker, DHT | 0xc8 | 0xcc) => {
                frame = Some(Frame::new(marker, data)?);
            }
            SOS => {
                let frame = frame.ok_or_else(|| BadPicture::broken("a scan has no frame"))?;
                let n = eighths((frame.width as u32, frame.height as u32), wanted);
                let streamed = frame.is_streamed(data);
                let blocks = |streamed| {
                    frame.components.iter().map(|c| c.blocks(streamed) as u64).sum::<u64>()
                };
                let known = if frame.progressive { 8 } else { 0 };
                let n = (n * n) as u64;
                let line = blocks(true) * n + 3 * frame.width as u64;
                return Ok(blocks(streamed) * (2 * n + known) + line);
            }
            _ => {}
        }
        at = end;
    }
    Err(BadPicture::Cut)
}

/// Decodes the picture, if `wanted` at the smallest fraction of its size that covers it, else
/// without giving any lines.
///
/// # Errors
/// [`BadPicture`] if it is not whole or not a JPEG that browsers draw.
pub(super) fn decode(
    bytes: &[u8],
    wanted: Option<(u32, u32)>,
    lines: &mut Lines,
) -> Result<(), BadPicture> {
    let mut tables = Tables::default();
    let mut picture: Option<Picture> = None;
    let (mut at, mut scans) = (2, 0);
    let ended_well = loop {
        let (marker, data, end) = match segment(bytes, at) {
            Ok(Some(segment)) => segment,
            Ok(None) => break true,
            // Nothing more that could be read: what came must be enough.
            Err(_) if scans > 0 => break false,
            Err(error) => return Err(error),
        };
        at = end;
        match marker {
            0xc0..=0xcf if !matches!(marker, DHT | 0xc8 | 0xcc) => {
                if picture.is_some() {
                    return Err(BadPicture::broken("it has two frame headers"));
                }
                let frame = Frame::new(marker, data)?;
                let of = (frame.width as u32, frame.height as u32);
                picture = Some(Picture::new(frame, eighths(of, wanted)));
            }
            SOS => {
                scans += 1;
                if scans > SCANS {
                    return Err(BadPicture::broken(format!("it has more than {SCANS} scans")));
                }
                let picture =
                    picture.as_mut().ok_or_else(|| BadPicture::broken("a scan has no frame"))?;
                at = picture.scan(bytes, at, data, &tables, lines)?;
            }
            _ => tables.read(marker, data)?,
        }
    };
    let picture = picture.filter(|_| scans > 0).ok_or(BadPicture::Cut)?;
    picture.end(ended_well, &tables, lines)
}

type Segment<'a> = (u8, &'a [u8], usize);

/// The next segment: its marker, its data and its end; nothing at the end of the picture. Bytes
/// between segments, and what is left of a scan, are passed over.
fn segment(bytes: &[u8], mut at: usize) -> Result<Option<Segment<'_>>, BadPicture> {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().position(|&b| b == 0xff).ok_or(BadPicture::Cut)?;
        let marker = take(bytes, at, 2)?[1];
        match marker {
            0xff => at += 1,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            EOI => return Ok(None),
            _ => {
                let length = take(bytes, at + 2, 2)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                let data = take(bytes, at + 2, length)?.get(2..);
                let data =
                    data.ok_or_else(|| BadPicture::broken("a segment is shorter than its length"))?;
                return Ok(Some((marker, data, at + 2 + length)));
            }
        }
    }
}

impl Tables {
    fn read(&mut self, marker: u8, mut data: &[u8]) -> Result<(), BadPicture> {
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

    /// As libjpeg guesses it (`default_decompress_parms`).
    fn colours(&self, components: &[Component]) -> Colours {
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

impl Component {
    /// How many are kept at once.
    fn blocks(&self, streamed: bool) -> usize {
        self.wide * if streamed { self.down } else { self.high }
    }
}

impl Frame {
    /// Reads a frame header (B.2.2).
    fn new(marker: u8, data: &[u8]) -> Result<Frame, BadPicture> {
        let &[bits, h1, h0, w1, w0, count, ref rest @ ..] = data else {
            return Err(BadPicture::broken("its frame header is too short"));
        };
        if !matches!(marker, 0xc0..=0xc2) || bits != 8 || !matches!(count, 1 | 3 | 4) {
            return Err(BadPicture::broken("it is of a kind of JPEG that browsers do not draw"));
        }
        let height = usize::from(u16::from_be_bytes([h1, h0]));
        let width = usize::from(u16::from_be_bytes([w1, w0]));
        let told = rest.get(..3 * usize::from(count));
        let told = told.ok_or_else(|| BadPicture::broken("its frame header is too short"))?;
        let factors = |factors: u8| (usize::from(factors >> 4), usize::from(factors & 15));
        // The factors of a single component mean nothing.
        let factors = |all| if count == 1 { (1, 1) } else { factors(all) };
        let told: Vec<_> =
            told.chunks_exact(3).map(|c| (c[0], factors(c[1]), usize::from(c[2] & 3))).collect();
        if told.iter().any(|&(_, (h, v), _)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return Err(BadPicture::broken("its sampling factors are not 1 to 4"));
        }
        if width == 0 || height == 0 {
            return Err(BadPicture::broken("it has no pixels"));
        }
        let most = told.iter().fold((1, 1), |(h, v), told| (h.max(told.1.0), v.max(told.1.1)));
        let mcu = (8 * most.0, 8 * most.1);
        let (mcus_across, mcus_down) = (width.div_ceil(mcu.0), height.div_ceil(mcu.1));
        let component = |&(id, (across, down), table): &(u8, (usize, usize), usize)| Component {
            id,
            across,
            down,
            table,
            steps: None,
            wide: mcus_across * across,
            high: mcus_down * down,
            own_wide: (width * across).div_ceil(mcu.0),
            own_high: (height * down).div_ceil(mcu.1),
            kept: Vec::new(),
            known: Vec::new(),
            before: 0,
            missing_bits: [NOTHING; 64],
        };
        let components = told.iter().map(component).collect();
        let progressive = marker == 0xc2;
        Ok(Frame { progressive, width, height, mcu, mcus_across, mcus_down, components })
    }

    /// Whether a scan with this header has all of the picture, so that one line of MCUs after the
    /// other is done with.
    fn is_streamed(&self, scan: &[u8]) -> bool {
        !self.progressive && scan.first().map(|&n| usize::from(n)) == Some(self.components.len())
    }
}

struct Picture {
    frame: Frame,
    scale: Scale,
    /// Pixels of which something did not come.
    missing: u64,
    /// The lines were given already.
    given: bool,
}

/// A component of a scan, and its tables.
#[derive(Clone, Copy)]
struct Part<'a> {
    component: usize,
    dc: Option<&'a Table>,
    ac: Option<&'a Table>,
}

impl Picture {
    fn new(frame: Frame, eighths: usize) -> Self {
        Picture { frame, scale: Scale::new(eighths), missing: 0, given: false }
    }

    /// Reads a scan (B.2.3), of which `head` is the header. Gives where it ends.
    fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        head: &[u8],
        tables: &Tables,
        lines: &mut Lines,
    ) -> Result<usize, BadPicture> {
        let broken = || BadPicture::broken("a scan's header is broken");
        let streamed = self.frame.is_streamed(head);
        let (&count, rest) = head.split_first().ok_or_else(broken)?;
        let count = usize::from(count);
        let (parts, &[from, to, bits, ..]) =
            (rest.get(..2 * count).ok_or_else(broken)?, rest.get(2 * count..).unwrap_or_default())
        else {
            return Err(broken());
        };
        let band = if self.frame.progressive {
            let [from, to] = [from, to].map(usize::from);
            Band { from, to, high: u32::from(bits >> 4), low: u32::from(bits & 15) }
        } else {
            Band { from: 0, to: 63, high: 0, low: 0 }
        };
        let is_ac = band.from > 0;
        if band.to > 63
            || band.from > band.to
            || band.low > 13
            || self.frame.progressive && (band.from == 0) != (band.to == 0)
            || is_ac && count != 1
        {
            return Err(broken());
        }
        let mut found = Vec::new();
        for part in parts.chunks_exact(2) {
            let component = self.frame.components.iter().position(|c| c.id == part[0]);
            let component = component.filter(|c| found.iter().all(|f: &Part| f.component != *c));
            let component = component.ok_or_else(broken)?;
            let table = |tables: &'_ [Option<Table>; 4], index| {
                tables.get(usize::from(index)).is_some_and(Option::is_some)
            };
            let needs_dc = !is_ac && band.high == 0;
            let needs_ac = is_ac || !self.frame.progressive;
            if needs_dc && !table(&tables.dc, part[1] >> 4)
                || needs_ac && !table(&tables.ac, part[1] & 15)
            {
                return Err(BadPicture::broken("a scan's tables are missing"));
            }
            let dc = tables.dc.get(usize::from(part[1] >> 4)).and_then(Option::as_ref);
            let ac = tables.ac.get(usize::from(part[1] & 15)).and_then(Option::as_ref);
            found.push(Part { component, dc: dc.filter(|_| needs_dc), ac });
        }
        if found.is_empty() || self.given {
            return Err(broken());
        }
        for part in &found {
            self.begin(part.component, streamed, tables, band)?;
        }
        let mut bits = Bits::new(bytes, at);
        self.units(&mut bits, &found, band, streamed, tables, lines)?;
        self.given |= streamed;
        Ok(bits.at)
    }

    /// Makes room for what a scan brings of a component.
    fn begin(
        &mut self,
        component: usize,
        streamed: bool,
        tables: &Tables,
        band: Band,
    ) -> Result<(), BadPicture> {
        let progressive = self.frame.progressive;
        let component = &mut self.frame.components[component];
        let blocks = component.blocks(streamed);
        component.kept.resize(blocks * self.scale.size * self.scale.size, 0);
        if progressive {
            component.known.resize(blocks, 0);
        }
        if component.steps.is_none() {
            component.steps = tables.steps[component.table];
        }
        if component.steps.is_none() {
            return Err(BadPicture::broken("a quantisation table is missing"));
        }
        let low = u8::try_from(band.low).unwrap_or(NOTHING);
        component.missing_bits[band.from..=band.to].fill(low);
        Ok(())
    }

    fn units(
        &mut self,
        bits: &mut Bits,
        parts: &[Part],
        band: Band,
        streamed: bool,
        tables: &Tables,
        lines: &mut Lines,
    ) -> Result<(), BadPicture> {
        // A scan of one component has but its blocks (A.2.2), one with more has MCUs (A.2.3).
        let alone = match parts {
            [part] => Some(&self.frame.components[part.component]),
            _ => None,
        };
        let (across, down) = match alone {
            Some(component) => (component.own_wide, component.own_high),
            None => (self.frame.mcus_across, self.frame.mcus_down),
        };
        let alone = alone.is_some();
        let (mut restarts, mut run, mut missing) = (0_u8, 0, 0_u64);
        for component in &mut self.frame.components {
            component.before = 0;
        }
        for y in 0..down {
            for x in 0..across {
                let unit = y * across + x;
                if tables.restart > 0 && unit > 0 && unit % tables.restart == 0 {
                    bits.restart(restarts);
                    restarts = (restarts + 1) & 7;
                    run = 0;
                    for component in &mut self.frame.components {
                        component.before = 0;
                    }
                }
                for part in parts {
                    let component = &mut self.frame.components[part.component];
                    let (h, v) = if alone { (1, 1) } else { (component.across, component.down) };
                    // A line of a picture in lines is always the first that is kept.
                    let first = if streamed { 0 } else { y * v };
                    for (j, i) in (0..v).flat_map(|j| (0..h).map(move |i| (j, i))) {
                        let index = (first + j) * component.wide + x * h + i;
                        block(&self.scale, component, index, bits, part, band, &mut run);
                    }
                }
                missing += u64::from(bits.ended);
            }
            if streamed {
                self.give(y, 0, tables, lines);
                for component in &mut self.frame.components {
                    component.kept.fill(0);
                }
            }
        }
        let pixels = self.frame.width as u64 * self.frame.height as u64;
        let units = across as u64 * down as u64;
        self.missing = self.missing.max(missing * pixels / units.max(1));
        Ok(())
    }

    /// Gives the lines of a line of MCUs, whose blocks are kept from line `kept` of MCUs on.
    fn give(&self, mcu: usize, kept: usize, tables: &Tables, lines: &mut Lines) {
        let n = self.scale.size;
        if n == 0 {
            return;
        }
        let Frame { width, height, components, .. } = &self.frame;
        let mut planes = Vec::new();
        for component in components {
            let stride = component.wide * n;
            let mut plane = vec![0; stride * component.down * n];
            let steps = component.steps.unwrap_or([1; 64]);
            for (j, i) in (0..component.down).flat_map(|j| (0..component.wide).map(move |i| (j, i)))
            {
                let index = ((kept * component.down + j) * component.wide + i) * n * n;
                // A component that no scan brought is grey.
                let Some(block) = component.kept.get(index..index + n * n) else { continue };
                let samples = &mut plane[j * n * stride + i * n..];
                self.scale.samples(block, &steps, samples, stride);
            }
            planes.push((plane, stride, component.across, component.down));
        }
        let colours = tables.colours(components);
        let (across, down) = (self.frame.mcu.0 / 8, self.frame.mcu.1 / 8);
        let (width, height) = ((width * n).div_ceil(8), (height * n).div_ceil(8));
        let first = mcu * down * n;
        let mut line = vec![0; 3 * width];
        for y in first..height.min(first + down * n) {
            let mut sources = [&[][..]; 4];
            for (source, (plane, stride, _, v)) in sources.iter_mut().zip(&planes) {
                let y = (y - first) * v / down;
                *source = &plane[y * stride..(y + 1) * stride];
            }
            for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                let mut samples = [0; 4];
                for ((sample, source), (_, _, h, _)) in samples.iter_mut().zip(sources).zip(&planes)
                {
                    *sample = source[x * h / across];
                }
                pixel.copy_from_slice(&rgb(samples, colours));
            }
            lines(&line);
        }
    }

    /// Whether all came; then gives the lines of a picture that came in several scans.
    fn end(
        mut self,
        ended_well: bool,
        tables: &Tables,
        lines: &mut Lines,
    ) -> Result<(), BadPicture> {
        let bits = self.frame.components.iter().map(|c| &c.missing_bits);
        // Without an end there may have been more to come.
        let came = if ended_well {
            bits.clone().all(|bits| bits[0] != NOTHING)
        } else {
            bits.clone().flatten().all(|&bits| bits == 0)
        };
        let (width, height) = (self.frame.width as u64, self.frame.height as u64);
        if !came || !is_whole((width, height), self.missing) {
            return Err(BadPicture::Cut);
        }
        if !self.given {
            self.given = true;
            for mcu in 0..self.frame.mcus_down {
                self.give(mcu, mcu, tables, lines);
            }
        }
        Ok(())
    }
}

fn block(
    scale: &Scale,
    component: &mut Component,
    index: usize,
    bits: &mut Bits,
    part: &Part,
    band: Band,
    run: &mut u32,
) {
    let size = scale.size * scale.size;
    let Component { kept, known, before, .. } = component;
    let kept = kept.get_mut(index * size..(index + 1) * size).unwrap_or_default();
    match (known.get_mut(index), part.dc, part.ac) {
        (None, Some(dc), Some(ac)) => scale.sequential(bits, (dc, ac), before, kept),
        (Some(_), dc, _) if band.from == 0 => scale.first(bits, dc, band, before, kept),
        (Some(known), _, Some(ac)) if band.high == 0 => {
            scale.spectral(bits, ac, band, run, known, kept);
        }
        (Some(known), _, Some(ac)) => scale.refine(bits, ac, band, run, known, kept),
        _ => {}
    }
}

/// JFIF 1.02, and what Adobe made of it.
fn rgb([a, b, c, d]: [u8; 4], colours: Colours) -> [u8; 3] {
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
