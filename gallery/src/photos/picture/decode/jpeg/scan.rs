//! Scans (B.2.3): from entropy-coded data to blocks, and from blocks to the picture's lines.

use super::super::{Lines, is_whole};
use super::block::{Band, Scale};
use super::frame::{Component, Frame, NOTHING};
use super::huffman::{Bits, Table};
use super::tables::{Tables, rgb};
use crate::photos::picture::BadPicture;

/// The picture as far as scans have filled it.
pub(super) struct Picture {
    frame: Frame,
    scale: Scale,
    /// Pixels with missing data.
    missing: u64,
    /// Whether the lines have been given already.
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
    pub fn new(frame: Frame, eighths: usize) -> Self {
        Picture { frame, scale: Scale::new(eighths), missing: 0, given: false }
    }

    /// Reads a scan (B.2.3) with the header `head`. Returns where it ends.
    pub fn scan(
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

    /// Makes room for a component's data in a scan.
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
        // A scan of one component has only its blocks (A.2.2), one of several has MCUs (A.2.3).
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
                    // In a streamed picture, the current line is always the first that is kept.
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

    /// Gives the pixel lines of a line of MCUs, whose blocks are kept from line `kept` of MCUs on.
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
                // A component without any scan is grey.
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

    /// Whether the picture is whole; if so, gives the lines of a picture with several scans.
    pub fn end(
        mut self,
        ended_well: bool,
        tables: &Tables,
        lines: &mut Lines,
    ) -> Result<(), BadPicture> {
        let bits = self.frame.components.iter().map(|c| &c.missing_bits);
        // Without an end marker, more may have followed.
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
